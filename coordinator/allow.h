/* allow: who may ask what, and as whom: roles, and a list of the keys that have one.
 *
 * A list is a file of lines "HEX NAME" (net/keys.h). It is read again whenever it has changed, so
 * a key that is taken out is known no more from the next request on. The name is who a person is,
 * whatever they say; a worker's "worker=NAME" says that NAME is that key's and no other's.
 */
#ifndef ASSAY_COORDINATOR_ALLOW_H
#define ASSAY_COORDINATOR_ALLOW_H

#include "net/keys.h"

#include <sys/stat.h>

/* Which requests somebody may make. */
enum role { ROLE_WORKER = 1, ROLE_PERSON = 2, ROLE_BOTH = ROLE_WORKER | ROLE_PERSON };

enum { ALLOW_FILE_MAX = 4 << 20 };

struct allowed_key {
    struct key key;
    char name[KEY_NAME_MAX + 1]; /* "key 0123456789abcdef", its first digits, where there is none */
};

/* Zero-initialise; free with allow_free. */
struct allow_list {
    struct allowed_key *keys;
    size_t count;
    struct stat read; /* of the file, when it was read */
    bool unread;      /* it could not be: it is tried again */
};
void allow_free(struct allow_list *list);

/* Takes every line that is sound into an empty list. False, with the first fault ("NAME:LINE:
 * what"), when one is not; the others count all the same. */
bool allow_parse(const char *text, size_t length, const char *name, struct allow_list *list,
                 struct error *error);

/* Reads the file if it is another than when it was read last; *changed says so. A file that has not
 * been there yet is an empty list. One that is gone, cannot be read, is no regular file, or may be
 * written by anybody is an empty list too, and an error, which is said once. One that could not be
 * read is tried again every time: what was short (descriptors, memory) may be there again. */
bool allow_refresh(const char *path, struct allow_list *list, bool *changed, struct error *error);

const struct allowed_key *allow_find(const struct allow_list *list, const struct key *key);

/* Whether the key of a list may speak as the worker of that name: its own, or a slot of it
 * (NAME/1), when its line gives one, else any that no line gives. */
bool allow_speaks(const struct allow_list *workers, const struct key *key, const char *worker,
                  struct error *error);

/* Who makes a request, as far as the connection says. */
struct caller {
    unsigned roles;                   /* enum role */
    const char *person;               /* of the key; NULL: who the request says */
    struct key key;                   /* where there are keys */
    const struct allow_list *workers; /* borrowed, until they are read again; NULL: no keys */
};

#endif
