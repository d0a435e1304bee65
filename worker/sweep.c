#include "worker/sweep.h"

#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_fork(const FTSENT *entry) {
    return entry->fts_level == 2 && strcmp(entry->fts_name, SWEEP_FORK) == 0;
}

static bool stale(const FTSENT *entry, int64_t now_s) {
    static const char part[] = ".part";
    const size_t length = sizeof part - 1;
    bool fetched = is_fork(entry->fts_parent) ||
                   (entry->fts_namelen > length &&
                    strcmp(entry->fts_name + entry->fts_namelen - length, part) == 0);
    return entry->fts_info == FTS_F && fetched &&
           (int64_t)entry->fts_statp->st_mtim.tv_sec < now_s - SWEEP_AFTER_S;
}

void sweep_parts(const char *dir, int64_t now_s) {
    char *const roots[] = {(char *)dir, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (walk != NULL && (entry = fts_read(walk)) != NULL) {
        if (entry->fts_info == FTS_D && entry->fts_level > 1 && !is_fork(entry))
            fts_set(walk, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_DP && is_fork(entry))
            rmdir(entry->fts_accpath); /* if it is empty */
        else if (stale(entry, now_s))
            unlink(entry->fts_accpath);
    }
    if (walk != NULL)
        fts_close(walk);
}

void sweep_fork(const char *dir) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" SWEEP_FORK, dir) >= (int)sizeof path)
        return;
    char *const roots[] = {path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (walk != NULL && (entry = fts_read(walk)) != NULL) {
        if (entry->fts_info == FTS_D && entry->fts_level > 0)
            fts_set(walk, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F)
            unlink(entry->fts_accpath);
        else if (entry->fts_info == FTS_DP)
            rmdir(entry->fts_accpath);
    }
    if (walk != NULL)
        fts_close(walk);
}
