/* machine: what this machine is called, and how much of it the process may use. */
#ifndef ASSAY_CORE_MACHINE_H
#define ASSAY_CORE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

size_t machine_cores(void);          /* those that the process is bound to */
uint64_t machine_memory_bytes(void); /* all of its main memory; 0 when nobody knows */

/* Its name, by which it is known whose checkpoints stand here; "localhost" where it has none. */
enum { MACHINE_HOST_SIZE = 65 }; /* Linux's longest, and the NUL */
void machine_host(char host[static MACHINE_HOST_SIZE]);

#endif
