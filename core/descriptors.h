/* descriptors: whether a process may open as many files as it will need, before it begins.
 *
 * A process that runs out of them later fails half-way, and libzmq ends the whole process when it
 * cannot create what a context needs.
 */
#ifndef ASSAY_CORE_DESCRIPTORS_H
#define ASSAY_CORE_DESCRIPTORS_H

#include "core/error.h"

#include <stddef.h>

enum { DESCRIPTORS_MAX = 64 };

/* Whether so many more files (to DESCRIPTORS_MAX) can be opened now. ERROR_FAILED, which names the
 * limit and how to raise it, where they cannot. */
bool descriptors_left(size_t count, struct error *error);

#endif
