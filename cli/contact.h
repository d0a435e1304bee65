/* contact: what an experiment's augmentations do to its pictures, as rows of pictures: what
 * `assay preview` draws and a report shows.
 *
 * A row is a picture of the training list. First it goes through the pipeline step by step, with
 * the draws of the first epoch; then, from the picture after the fixed ops, each random op alone,
 * drawn for three epochs.
 */
#ifndef ASSAY_CLI_CONTACT_H
#define ASSAY_CLI_CONTACT_H

#include "cli/sheet.h"
#include "core/experiment.h"
#include "core/split.h"

enum { CONTACT_ROWS_MAX = 100 };

/* Zero-initialise. */
struct contact {
    const struct experiment *experiment; /* borrowed */
    struct split split;
    struct sheet_column *columns;
    size_t column_count;
    size_t places[CONTACT_ROWS_MAX]; /* each row's in the training list */
    size_t row_count;
};

/* Lists the pictures and chooses `rows` of them, the first of each class, class by class; 0: two of
 * each. data.root and data.files have been located. Free with contact_close, also on failure. */
bool contact_open(const struct experiment *experiment, size_t rows, struct contact *contact,
                  struct error *error);
void contact_close(struct contact *contact);

/* A row's class and the name of its file; borrowed. */
const struct split_class *contact_class(const struct contact *contact, size_t row);
const char *contact_file(const struct contact *contact, size_t row);

/* Makes the row's picture of each column, from left to right, and hands it over. */
typedef bool contact_put(void *context, size_t row, size_t column, const struct image *image,
                         struct error *error);
bool contact_row(const struct contact *contact, size_t row, contact_put *put, void *context,
                 struct error *error);

#endif
