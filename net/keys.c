#include "net/keys.h"

#include "core/file.h"
#include "core/storage.h"
#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char secret_word[] = "assay-secret-key";

void key_text(const struct key *key, char text[static KEY_TEXT_SIZE]) {
    sodium_bin2hex(text, KEY_TEXT_SIZE, key->bytes, sizeof key->bytes);
}

/* --- lines --- */

/* A part of a text. */
struct span {
    const char *start, *end;
};

static struct span trim(struct span span) {
    while (span.start < span.end && isspace((unsigned char)*span.start))
        span.start++;
    while (span.start < span.end && isspace((unsigned char)span.end[-1]))
        span.end--;
    return span;
}

/* Takes the first word, and the space behind it, off the span. */
static struct span take_word(struct span *span) {
    struct span word = {span->start, span->start};
    while (word.end < span->end && !isspace((unsigned char)*word.end))
        word.end++;
    *span = trim((struct span){word.end, span->end});
    return word;
}

/* The next line without its end; false when there is none. */
static bool take_line(struct span *text, struct span *line) {
    if (text->start == text->end)
        return false;
    const char *newline = memchr(text->start, '\n', (size_t)(text->end - text->start));
    *line = (struct span){text->start, newline != NULL ? newline : text->end};
    text->start = newline != NULL ? newline + 1 : text->end;
    return true;
}

static bool key_parse(struct span hex, struct key *key) {
    size_t length = 0, digits = (size_t)(hex.end - hex.start);
    return digits == 2 * KEY_BYTES &&
           sodium_hex2bin(key->bytes, sizeof key->bytes, hex.start, digits, NULL, &length, NULL) ==
               0 &&
           length == KEY_BYTES;
}

static bool is_secret_word(struct span word) {
    size_t length = (size_t)(word.end - word.start);
    return length == strlen(secret_word) && memcmp(word.start, secret_word, length) == 0;
}

bool key_line_parse(const char *line, size_t length, struct key *key, char name[KEY_NAME_MAX + 1],
                    bool *found, struct error *error) {
    struct span rest = trim((struct span){line, line + length});
    *found = false;
    name[0] = '\0';
    if (rest.start == rest.end || *rest.start == '#')
        return true;
    struct span hex = take_word(&rest);
    if (is_secret_word(hex))
        return error_set(error, ERROR_INPUT,
                         "this is a secret key, and a public one belongs here: the line of the "
                         ".pub file");
    if (!key_parse(hex, key))
        return error_set(error, ERROR_INPUT,
                         "a line is a public key of %d hexadecimal digits and a name, as in the "
                         ".pub file that assay keygen writes",
                         2 * KEY_BYTES);
    size_t bytes = (size_t)(rest.end - rest.start);
    if (bytes > KEY_NAME_MAX || memchr(rest.start, '\0', bytes) != NULL)
        return error_set(error, ERROR_INPUT,
                         "the name behind the key is no text of at most %d bytes", KEY_NAME_MAX);
    memcpy(name, rest.start, bytes);
    name[bytes] = '\0';
    text_one_line(name);
    *found = true;
    return true;
}

bool key_pair_parse(const char *text, size_t length, struct key_pair *pair, struct error *error) {
    struct span rest = {text, text + length}, line;
    bool found = false;
    while (take_line(&rest, &line)) {
        line = trim(line);
        if (line.start == line.end || *line.start == '#')
            continue;
        if (found || !is_secret_word(take_word(&line)) || !key_parse(line, &pair->secret))
            return error_set(error, ERROR_INPUT,
                             "no secret key: it is one line, \"%s\" and %d hexadecimal digits, as "
                             "assay keygen writes it",
                             secret_word, 2 * KEY_BYTES);
        found = true;
    }
    if (!found)
        return error_set(error, ERROR_INPUT, "there is no key in it; assay keygen FILE makes one");
    return crypto_scalarmult_base(pair->public.bytes, pair->secret.bytes) == 0 ||
           error_set(error, ERROR_INPUT, "its key cannot be used; make another with assay keygen");
}

/* --- pairs --- */

bool key_pair_make(struct key_pair *pair, struct error *error) {
    return (sodium_init() >= 0 &&
            crypto_box_keypair(pair->public.bytes, pair->secret.bytes) == 0) ||
           error_set(error, ERROR_FAILED, "this machine gives no random numbers for a key");
}

void key_pair_forget(struct key_pair *pair) {
    sodium_memzero(pair, sizeof *pair);
}

/* A file that was not there before, of this mode whatever the umask. */
static bool write_new(const char *path, mode_t mode, const char *text, struct error *error) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0 && errno == EEXIST)
        return error_set(error, ERROR_INPUT,
                         "%s is there already, and a key is not overwritten; name another file, or "
                         "move it away",
                         path);
    if (descriptor < 0)
        return error_errno(error, ERROR_FAILED, "cannot make %s", path);
    bool good = fchmod(descriptor, mode) == 0 &&
                storage_write_all(descriptor, text, strlen(text)) && fsync(descriptor) == 0;
    if (!good)
        error_errno(error, ERROR_FAILED, "cannot write %s", path);
    close(descriptor);
    if (!good)
        unlink(path);
    return good;
}

bool key_pair_write(const char *path, const struct key_pair *pair, const char *name,
                    struct error *error) {
    char hex[KEY_TEXT_SIZE], secret[256], public[KEY_TEXT_SIZE + KEY_NAME_MAX + 2];
    char *public_path = NULL;
    if (asprintf(&public_path, "%s.pub", path) < 0)
        return error_memory(error);
    key_text(&pair->public, hex);
    snprintf(public, sizeof public, "%s %.*s\n", hex, KEY_NAME_MAX, name);
    key_text(&pair->secret, hex);
    snprintf(secret, sizeof secret,
             "# keep this to yourself; what others need is in the .pub file\n%s %s\n", secret_word,
             hex);
    bool good = write_new(path, 0600, secret, error);
    if (good && !write_new(public_path, 0644, public, error)) {
        unlink(path);
        good = false;
    }
    if (good && !storage_sync_folder_of(path, error)) {
        unlink(public_path);
        unlink(path);
        good = false;
    }
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(secret, sizeof secret);
    free(public_path);
    return good;
}

/* The mode is looked at on the descriptor that is read: nobody swaps the file between. */
static bool check_private(int descriptor, const char *path, struct error *error) {
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
    if ((status.st_mode & 077) == 0)
        return true;
    return error_set(error, ERROR_INPUT,
                     "%s: others may read this secret (mode %04o); if they may have, make "
                     "another, else: chmod 600 %s",
                     path, (unsigned)status.st_mode & 07777, path);
}

bool key_secret_read(const char *path, char text[static KEY_FILE_MAX], size_t *length,
                     struct error *error) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
    ssize_t got = read(descriptor, text, KEY_FILE_MAX);
    bool good = got >= 0 || error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
    good = good && check_private(descriptor, path, error);
    close(descriptor);
    *length = good ? (size_t)got : 0;
    return good;
}

bool key_pair_read(const char *path, struct key_pair *pair, struct error *error) {
    char text[KEY_FILE_MAX];
    size_t length;
    if (!key_secret_read(path, text, &length, error))
        return false;
    bool good = key_pair_parse(text, length, pair, error) || error_context(error, "%s", path);
    sodium_memzero(text, sizeof text);
    return good;
}

bool key_public_read(const char *text_or_path, struct key *key, struct error *error) {
    struct span whole = {text_or_path, text_or_path + strlen(text_or_path)}, line;
    char name[KEY_NAME_MAX + 1], *text = NULL;
    size_t length = 0, keys = 0;
    bool found, good = true;
    if (key_parse(whole, key))
        return true;
    if (!file_read(text_or_path, KEY_FILE_MAX, &text, &length, error))
        return false;
    struct span rest = {text, text + length};
    while (good && take_line(&rest, &line)) {
        good =
            key_line_parse(line.start, (size_t)(line.end - line.start), key, name, &found, error);
        keys += found;
    }
    if (good && keys != 1)
        good = error_set(error, ERROR_INPUT, "there are %zu public keys in it, not one", keys);
    if (!good)
        error_context(error, "%s", text_or_path);
    free(text);
    return good;
}
