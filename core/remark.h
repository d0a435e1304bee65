/* remark: what people write on experiments: tags, by which they find them again, and notes.
 *
 * The one rule for both, which the command line applies before it asks and the coordinator before
 * it stores.
 */
#ifndef ASSAY_CORE_REMARK_H
#define ASSAY_CORE_REMARK_H

#include "core/error.h"

enum {
    TAG_BYTES_MAX = 64,
    TAGS_MAX = 32, /* of one experiment */
    NOTE_BYTES_MAX = 4096,
    NOTES_MAX = 256 /* of one experiment */
};

/* Whether it is a tag: letters and digits of ASCII and . _ - :, no more than TAG_BYTES_MAX of them.
 * ERROR_INPUT says what is wrong. */
bool tag_check(const char *tag, struct error *error);

/* Whether it is a note: UTF-8 with something to read in it, no more than NOTE_BYTES_MAX, and no
 * control characters but line feeds and tabs. */
bool note_check(const char *text, struct error *error);

#endif
