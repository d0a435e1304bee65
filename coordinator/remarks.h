/* remarks: what people write on experiments (core/remark.h), written down and read again: tags,
 * each once, and notes, which have numbers that are never given again.
 *
 * Lists are JSON arrays as text. What writes belongs inside a transaction of the store.
 */
#ifndef ASSAY_COORDINATOR_REMARKS_H
#define ASSAY_COORDINATOR_REMARKS_H

#include "coordinator/store.h"

#include <cjson/cJSON.h>
#include <stdint.h>

struct remark_author {
    const char *person; /* "": nobody said */
    int64_t now_ms;
};

/* What a `tag` does to each of its experiments: first these come off, then those are put on. */
struct remark_tags {
    const char *remove, *add;
};

/* One of the experiments that would have more than TAGS_MAX tags after it; 0 when none would. */
bool remarks_overtagged(struct store *store, const char *ids, const struct remark_tags *tags,
                        int64_t *id, struct error *error);
/* *changed: whether the experiment has other tags now. */
bool remarks_tag(struct store *store, int64_t id, const struct remark_tags *tags,
                 const struct remark_author *author, bool *changed, struct error *error);

/* One of the experiments that has NOTES_MAX notes and none of this key; 0 when none is so. */
bool remarks_overnoted(struct store *store, const char *ids, const char *key, int64_t *id,
                       struct error *error);
/* *number is that of the note, also when the experiment has had one of this key before and so gets
 * no other. */
bool remarks_note(struct store *store, int64_t id, const char *key, const char *text,
                  const struct remark_author *author, int64_t *number, struct error *error);
/* *found: whether there ever was a note of this number; *changed: whether it went now. */
bool remarks_erase(struct store *store, int64_t id, int64_t number, bool *found, bool *changed,
                   struct error *error);

/* The column of a row of `experiment` that has its tags, sorted, as a JSON array. */
#define REMARKS_TAGS_COLUMN                                                                        \
    "(SELECT json_group_array(tag) FROM (SELECT tag FROM tag WHERE tag.experiment = experiment.id" \
    " ORDER BY tag))"
/* The column that says how many notes it has. */
#define REMARKS_NOTES_COLUMN "(SELECT count(text) FROM note WHERE note.experiment = experiment.id)"
/* Adds "notes", in order of number. */
bool remarks_view_notes(struct store *store, int64_t id, cJSON *object, struct error *error);

#endif
