/* keys: CURVE keys as text and as files (docs/security.md).
 *
 * A key is 32 bytes, written as 64 hexadecimal digits: CURVE's own text form, Z85, is full of
 * characters that shells and comments take for theirs. A pair is two files:
 *
 *     FILE      "assay-secret-key HEX", for its owner alone (mode 0600)
 *     FILE.pub  "HEX NAME": a line as the coordinator's lists have it, to hand on
 *
 * Lines that begin with # are comments in both. Errors name the file, the line and what to do, and
 * never show a secret key.
 */
#ifndef ASSAY_NET_KEYS_H
#define ASSAY_NET_KEYS_H

#include "core/error.h"

#include <stddef.h>

enum { KEY_BYTES = 32, KEY_TEXT_SIZE = 2 * KEY_BYTES + 1, KEY_NAME_MAX = 127, KEY_FILE_MAX = 4096 };

struct key {
    unsigned char bytes[KEY_BYTES];
};
struct key_pair {
    struct key public, secret;
};

void key_text(const struct key *key, char text[static KEY_TEXT_SIZE]); /* lower case */

/* A line of a public file or of a list: "HEX NAME" (*found), or nothing or a comment (not *found).
 * The name is the rest of the line, "" when there is none. False, with the error, for anything
 * else. The line need not end in NUL. */
bool key_line_parse(const char *line, size_t length, struct key *key, char name[KEY_NAME_MAX + 1],
                    bool *found, struct error *error);

/* The text of a secret file: its one key, and the public key that follows from it. */
bool key_pair_parse(const char *text, size_t length, struct key_pair *pair, struct error *error);

/* A new pair; for key_pair_forget in the end. */
bool key_pair_make(struct key_pair *pair, struct error *error);
/* Overwrites the memory. */
void key_pair_forget(struct key_pair *pair);

/* Writes FILE and FILE.pub, synced, and never over a file that is there. */
bool key_pair_write(const char *path, const struct key_pair *pair, const char *name,
                    struct error *error);
/* Reads what is secret, unless somebody else may read it too. */
bool key_secret_read(const char *path, char text[static KEY_FILE_MAX], size_t *length,
                     struct error *error);
bool key_pair_read(const char *path, struct key_pair *pair, struct error *error);

/* A public key as people give it: 64 hexadecimal digits, or a file with one such line. */
bool key_public_read(const char *text_or_path, struct key *key, struct error *error);

#endif
