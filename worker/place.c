#include "worker/place.h"

#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char *dir;
    struct spool *home;
    /* where it is when it is not at home; else NULL */
    char *away_folder;
    struct spool *away;
};

/* 32 hexadecimal digits, and so no path to anywhere else; everything else is "". */
static const char *identity_of(const char *said) {
    return said != NULL && strlen(said) == 32 && strspn(said, "0123456789abcdef") == 32 ? said : "";
}

bool place_open(const char *dir, struct place **out, struct error *error) {
    struct place *place = calloc(1, sizeof *place);
    *out = NULL;
    if (place == NULL || (place->dir = strdup(dir)) == NULL) {
        free(place);
        return error_memory(error);
    }
    if (!spool_open(dir, &place->home, error)) {
        place_close(place);
        return false;
    }
    *out = place;
    return true;
}

static void come_home(struct place *place) {
    spool_close(place->away);
    free(place->away_folder);
    place->away = NULL;
    place->away_folder = NULL;
}

void place_close(struct place *place) {
    if (place == NULL)
        return;
    come_home(place);
    spool_close(place->home);
    free(place->dir);
    free(place);
}

const char *place_worker(const struct place *place) {
    return spool_worker(place->home);
}

struct spool *place_spool(const struct place *place) {
    return place->away != NULL ? place->away : place->home;
}

const char *place_folder(const struct place *place) {
    return place->away != NULL ? place->away_folder : place->dir;
}

bool place_is(const struct place *place, const char *database, const char *history) {
    const struct spool *spool = place_spool(place);
    return strcmp(spool_database(spool), identity_of(database)) == 0 &&
           strcmp(spool_history(spool), identity_of(history)) == 0;
}

/* Opens the spool of a database that is not at home here. */
static bool open_away(const struct place *place, const char *database, char **folder,
                      struct spool **spool, struct error *error) {
    const char *name = database[0] != '\0' ? database : "unnamed";
    *spool = NULL;
    if (asprintf(folder, "%s/databases/%s", place->dir, name) < 0) {
        *folder = NULL;
        return error_memory(error);
    }
    if (folder_make(*folder, error) && spool_open(*folder, spool, error))
        return true;
    free(*folder);
    *folder = NULL;
    return false;
}

bool place_go(struct place *place, const char *said_database, const char *said_history,
              struct error *error) {
    const char *database = identity_of(said_database), *history = identity_of(said_history);
    const char *at_home = spool_database(place->home);
    char *folder = NULL;
    struct spool *spool = NULL;
    if (at_home[0] == '\0' || strcmp(at_home, database) == 0) {
        if (!spool_belong(place->home, database, history, error))
            return false;
        come_home(place);
        return true;
    }
    if (place->away != NULL && strcmp(spool_database(place->away), database) == 0)
        return spool_belong(place->away, database, history, error);
    if (!open_away(place, database, &folder, &spool, error))
        return false;
    if (!spool_belong(spool, database, history, error)) {
        spool_close(spool);
        free(folder);
        return false;
    }
    come_home(place);
    place->away = spool;
    place->away_folder = folder;
    return true;
}
