#include "core/machine.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

size_t machine_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
    return 1;
}

uint64_t machine_memory_bytes(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGE_SIZE);
    return pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : 0;
}

void machine_host(char host[static MACHINE_HOST_SIZE]) {
    if (gethostname(host, MACHINE_HOST_SIZE) != 0 || host[0] == '\0')
        snprintf(host, MACHINE_HOST_SIZE, "localhost");
}
