/* care: `assay-coordinator backup|restore|fsck`, which `assay` runs for people: on the machine of
 * the database, with or without its coordinator at work. */
#ifndef ASSAY_COORDINATOR_CARE_H
#define ASSAY_COORDINATOR_CARE_H

#include <stdbool.h>

/* Whether the word is one of the three. */
bool care_knows(const char *word);
/* argv[0] is that word; returns the exit code. */
int care_main(int argc, char **argv);

#endif
