/* field: what commands make of an answer's fields beyond reading them (core/field.h).
 */
#ifndef ASSAY_CLI_FIELD_H
#define ASSAY_CLI_FIELD_H

#include "core/field.h"

/* "keep, baseline" of a list of texts, "" where there is none. The caller frees, NULL without
 * memory. */
char *field_words(const cJSON *object, const char *path);

/* Makes every string and key of a document harmless to a terminal (text_one_line), in place: for
 * what is printed and not compared. The text of "notes" keeps its lines. */
void field_clean(cJSON *document);

/* Whether the object's "id" is that one (0: it has none), and the first such of a list, or NULL. */
bool field_has_id(const cJSON *object, double id);
cJSON *field_with_id(const cJSON *list, double id);

enum { FIELD_STOPPED_SIZE = 320 };
/* "stopped after epoch 12 of 50: median rule, best valid_loss 0.7100 against 0.5200 of 5 others",
 * or what will be while it still runs; NULL when no rule has stopped the experiment. */
const char *field_stopped(char text[FIELD_STOPPED_SIZE], const cJSON *experiment);

/* Why an experiment has nothing to compare: "failed after 0 of 2 epochs, not evaluated: no picture
 * to train on". The caller frees, NULL without memory, which is noted (shortage.h). */
char *field_unevaluated(const cJSON *experiment);

/* An experiment that will not change any more: done, failed or cancelled. */
bool field_finished(const cJSON *experiment);
bool field_failed(const cJSON *experiment); /* failed or cancelled */
/* The exit code for having asked about these: 4 when one failed or was cancelled, else 0. */
int field_status(const cJSON *experiments);

#endif
