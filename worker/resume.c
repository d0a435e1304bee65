#include "worker/resume.h"

#include "core/atomic_file.h"
#include "core/board.h"
#include "core/file.h"
#include "core/shortage.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *path_in(const char *dir, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

char *checkpoint_path_best(const char *dir) {
    return path_in(dir, "checkpoint_best_loss.safetensors");
}

char *checkpoint_path_last(const char *dir) {
    return path_in(dir, "checkpoint_last.safetensors");
}

char *checkpoint_path_epoch(const char *dir, uint32_t epoch) {
    char *path = NULL;
    return asprintf(&path, "%s/checkpoint_epoch_%03" PRIu32 ".safetensors", dir, epoch) < 0 ? NULL
                                                                                            : path;
}

char *resume_board_path(const char *dir, const struct trainer_options *options,
                        const struct experiment *experiment) {
    const char *name = options->name != NULL ? options->name : experiment->name;
    char *folder = path_in(dir, "tensorboard");
    char *path = folder != NULL ? board_path(folder, name) : NULL;
    free(folder);
    return path;
}

static bool drop_file(const char *path, struct error *error) {
    return unlink(path) == 0 || errno == ENOENT ||
           error_errno(error, ERROR_FAILED, "cannot remove %s", path);
}

bool resume_drop_records(const struct trainer_options *options, const struct experiment *experiment,
                         struct error *error) {
    char *log = path_in(options->dir, "train.log");
    char *board = resume_board_path(options->dir, options, experiment);
    bool ok = (log != NULL && board != NULL) || error_memory(error);
    ok = ok && drop_file(log, error) && drop_file(board, error);
    free(log);
    free(board);
    return ok;
}

/* What a checkpoint is of: not the checkpoint itself, since the tensors of all of them are much. */
struct candidate {
    char *path;
    uint32_t epoch, best_epoch; /* 0: it is none, or damaged */
};

enum { CANDIDATES_MOST = 5 };

struct candidates {
    struct candidate items[CANDIDATES_MOST];
    size_t count;
};

static void candidates_free(struct candidates *candidates) {
    for (size_t i = 0; i < candidates->count; i++)
        free(candidates->items[i].path);
}

/* Takes the path over. A file that is not there, or in the list already, is none. */
static bool candidates_add(struct candidates *candidates, char *path,
                           const struct experiment *experiment, struct text *warnings,
                           struct error *error) {
    struct candidate *candidate = &candidates->items[candidates->count];
    struct checkpoint *checkpoint;
    struct error damage = {0};
    if (path == NULL)
        return error_memory(error);
    bool known = false;
    for (size_t i = 0; i < candidates->count; i++)
        known = known || strcmp(candidates->items[i].path, path) == 0;
    if (known || (access(path, F_OK) != 0 && errno == ENOENT)) {
        free(path);
        return true;
    }
    *candidate = (struct candidate){.path = path};
    candidates->count++;
    if (!checkpoint_open(path, &checkpoint, &damage)) {
        if (error_take_shortage(error, &damage))
            return false;
        text_format(warnings, "warning: %s; going on without it\n", damage.message);
        return true;
    }
    candidate->epoch = checkpoint_state(checkpoint)->epoch;
    candidate->best_epoch = checkpoint_state(checkpoint)->best_epoch;
    bool matches = checkpoint_matches(checkpoint, experiment->config);
    checkpoint_close(checkpoint);
    if (matches)
        return true;
    if (shortage_in_trees())
        return error_memory(error);
    return error_set(error, ERROR_INPUT,
                     "%s is a checkpoint of another experiment; choose another folder, or move it "
                     "away",
                     path);
}

static struct candidate *find_epoch(struct candidates *candidates, uint32_t epoch) {
    for (size_t i = 0; i < candidates->count; i++) {
        if (candidates->items[i].epoch == epoch)
            return &candidates->items[i];
    }
    return NULL;
}

/* The latest one whose best checkpoint is there too; the earlier in the list among equals. */
static struct candidate *choose(struct candidates *candidates, struct candidate **best,
                                struct text *warnings) {
    for (;;) {
        struct candidate *latest = NULL;
        for (size_t i = 0; i < candidates->count; i++) {
            struct candidate *candidate = &candidates->items[i];
            if (candidate->epoch > (latest == NULL ? 0 : latest->epoch))
                latest = candidate;
        }
        if (latest == NULL)
            return NULL;
        uint32_t best_epoch = latest->best_epoch;
        *best = best_epoch == latest->epoch ? latest : find_epoch(candidates, best_epoch);
        if (*best != NULL)
            return latest;
        text_format(warnings,
                    "warning: %s: the best checkpoint, of epoch %" PRIu32
                    ", is gone; going on without it\n",
                    latest->path, best_epoch);
        latest->epoch = 0;
    }
}

/* --- bringing the files in --- */

/* Takes `path` over. */
static bool link_and_free(const char *from, char *path, struct error *error) {
    bool ok = path != NULL ? atomic_file_link(from, path, error) : error_memory(error);
    free(path);
    return ok;
}

/* The "epoch" checkpoints that are due: the chosen one itself, others from its folder. */
static bool adopt_epochs(const char *dir, const char *from_dir, const struct candidate *chosen,
                         uint32_t every, struct error *error) {
    uint32_t last = chosen->epoch;
    bool ok = true;
    for (uint32_t epoch = every; ok && every > 0 && epoch <= last && epoch >= every;
         epoch += every) {
        char *from = checkpoint_path_epoch(from_dir, epoch);
        char *path = checkpoint_path_epoch(dir, epoch);
        if (from == NULL || path == NULL)
            ok = error_memory(error);
        else if (access(path, F_OK) != 0 && epoch == last)
            ok = atomic_file_link(chosen->path, path, error);
        else if (access(path, F_OK) != 0 && access(from, F_OK) == 0)
            ok = atomic_file_link(from, path, error);
        free(from);
        free(path);
    }
    return ok;
}

/* Takes both paths over. The file beside the checkpoint is the one whose length that knows; where
 * it is gone, ours, of another beginning of the run, must not stand in for it. */
static bool adopt_file(char *from, char *path, struct error *error) {
    bool ok = true;
    if (from == NULL || path == NULL)
        ok = error_memory(error);
    else if (strcmp(from, path) != 0 && access(from, F_OK) == 0)
        ok = folder_make_of(path, error) && atomic_file_copy(from, path, error);
    else if (strcmp(from, path) != 0)
        ok = drop_file(path, error);
    free(from);
    free(path);
    return ok;
}

/* train.log and TensorBoard's events of the other folder. */
static bool adopt_records(const struct trainer_options *options, const char *from_dir,
                          const struct experiment *experiment, struct error *error) {
    const char *dir = options->dir;
    return adopt_file(path_in(from_dir, "train.log"), path_in(dir, "train.log"), error) &&
           adopt_file(resume_board_path(from_dir, options, experiment),
                      resume_board_path(dir, options, experiment), error);
}

/* Best first and last last, as they were written: whatever happens between, nothing is missing. */
static bool adopt(const struct trainer_options *options, const struct candidate *chosen,
                  const struct candidate *best, const struct experiment *experiment,
                  struct error *error) {
    const char *dir = options->dir;
    char *copy = strdup(chosen->path);
    if (copy == NULL)
        return error_memory(error);
    const char *from_dir = dirname(copy);
    bool ok = link_and_free(best->path, checkpoint_path_best(dir), error) &&
              adopt_epochs(dir, from_dir, chosen, experiment->train.checkpoint_every, error) &&
              adopt_records(options, from_dir, experiment, error) &&
              link_and_free(chosen->path, checkpoint_path_last(dir), error);
    free(copy);
    return ok;
}

bool resume_find(const struct trainer_options *options, const struct experiment *experiment,
                 struct checkpoint **checkpoint, struct text *warnings, struct error *error) {
    const char *dir = options->dir, *resume = options->resume;
    struct candidates candidates = {.count = 0};
    struct candidate *best = NULL, *chosen;
    char *copy = resume != NULL ? strdup(resume) : NULL;
    bool ok = false;
    *checkpoint = NULL;
    if (!candidates_add(&candidates, checkpoint_path_last(dir), experiment, warnings, error) ||
        !candidates_add(&candidates, checkpoint_path_best(dir), experiment, warnings, error))
        goto out;
    if (resume != NULL) {
        const char *other = copy != NULL ? dirname(copy) : "";
        if (!candidates_add(&candidates, strdup(resume), experiment, warnings, error) ||
            !candidates_add(&candidates, checkpoint_path_last(other), experiment, warnings,
                            error) ||
            !candidates_add(&candidates, checkpoint_path_best(other), experiment, warnings, error))
            goto out;
    }
    chosen = choose(&candidates, &best, warnings);
    ok = chosen == NULL || (checkpoint_open(chosen->path, checkpoint, error) &&
                            adopt(options, chosen, best, experiment, error));
    if (!ok) {
        checkpoint_close(*checkpoint);
        *checkpoint = NULL;
    }
out:
    candidates_free(&candidates);
    free(copy);
    return ok;
}
