#include "core/descriptors.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

static bool too_few(size_t count, struct error *error) {
    struct rlimit limit = {0};
    if (errno != EMFILE)
        return error_errno(error, ERROR_FAILED, "cannot open files");
    getrlimit(RLIMIT_NOFILE, &limit);
    return error_set(error, ERROR_FAILED,
                     "no more than %llu files may be open at once, and %zu more than now are "
                     "needed; raise the limit with: ulimit -n 1024",
                     (unsigned long long)limit.rlim_cur, count);
}

bool descriptors_left(size_t count, struct error *error) {
    int opened[DESCRIPTORS_MAX];
    size_t have = 0;
    assert(count <= DESCRIPTORS_MAX);
    while (have < count && (opened[have] = eventfd(0, EFD_CLOEXEC)) >= 0)
        have++;
    bool enough = have == count || too_few(count, error);
    for (size_t i = 0; i < have; i++)
        close(opened[i]);
    return enough;
}
