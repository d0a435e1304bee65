/* machine: how much of this machine the process may use. */
#ifndef ASSAY_CORE_MACHINE_H
#define ASSAY_CORE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

size_t machine_cores(void);          /* those that the process is bound to */
uint64_t machine_memory_bytes(void); /* all of its main memory; 0 when nobody knows */

#endif
