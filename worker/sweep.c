#include "worker/sweep.h"

#include <fts.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool stale(const FTSENT *entry, int64_t now_s) {
    static const char part[] = ".part";
    const size_t length = sizeof part - 1;
    return entry->fts_info == FTS_F && entry->fts_namelen > length &&
           strcmp(entry->fts_name + entry->fts_namelen - length, part) == 0 &&
           (int64_t)entry->fts_statp->st_mtim.tv_sec < now_s - SWEEP_AFTER_S;
}

void sweep_parts(const char *dir, int64_t now_s) {
    char *const roots[] = {(char *)dir, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (walk != NULL && (entry = fts_read(walk)) != NULL) {
        bool fork = entry->fts_level == 2 && strcmp(entry->fts_name, SWEEP_FORK) == 0;
        if (entry->fts_info == FTS_D && entry->fts_level > 1 && !fork)
            fts_set(walk, entry, FTS_SKIP);
        else if (stale(entry, now_s))
            unlink(entry->fts_accpath);
    }
    if (walk != NULL)
        fts_close(walk);
}
