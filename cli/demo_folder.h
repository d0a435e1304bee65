/* demo_folder: the folder that a demo keeps: what lies in it, and that it is a demo's at all.
 *
 *   assay-demo.json   the marker: how the pictures were drawn, and whether all of them are there
 *   faces/            the pictures (cli/pictures.h)
 *   demo.json         the experiments of the last run
 *   demo.db           the coordinator's database, kept from run to run
 *   worker/           the worker's folder: checkpoints, train.log, events for TensorBoard
 *   coordinator.log, worker.log
 */
#ifndef ASSAY_CLI_DEMO_FOLDER_H
#define ASSAY_CLI_DEMO_FOLDER_H

#include "core/error.h"

#include <limits.h>

/* How the pictures are drawn unless the options say. */
#define DEMO_PICTURES 300
#define DEMO_SIZE 80
#define DEMO_SEED 0

/* Between which numbers each of these lies. */
enum {
    DEMO_PICTURES_LEAST = 10,
    DEMO_PICTURES_MOST = 100000,
    DEMO_SIZE_LEAST = 32,
    DEMO_SIZE_MOST = 1024,
    DEMO_SEED_MOST = INT_MAX
};

/* How the pictures are drawn. */
struct demo_set {
    long long pictures, size, seed; /* below 0: not chosen */
    bool drawn;                     /* all of them are there */
};

/* Makes `dir` (NULL: ASSAY_HOME/demo) a demo's folder, or goes on with one: fills in what `set`
 * leaves open with what is there already, or with the defaults. *path is its absolute path, for
 * free. ERROR_INPUT when it holds something else, or pictures drawn otherwise than chosen. */
bool demo_folder_take(const char *dir, struct demo_set *set, char **path, struct error *error);

/* Writes down that all pictures are there. */
bool demo_folder_drawn(const char *dir, struct demo_set *set, struct error *error);

#endif
