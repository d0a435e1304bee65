/* OpenSSL's functions of this one digest take no memory, as those of any (EVP) do: what they have
 * none for is summed up wrongly, or ends the process. It would have them used no more. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, SUM_BYTES = 32 };

static void sum_text(const unsigned char sum[SUM_BYTES], char text[static SHA256_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SUM_BYTES; i++) {
        text[2 * i] = digits[sum[i] >> 4];
        text[2 * i + 1] = digits[sum[i] & 15];
    }
    text[2 * SUM_BYTES] = '\0';
}

void sha256_text(const void *data, size_t length, char text[static SHA256_TEXT_SIZE]) {
    unsigned char sum[SUM_BYTES];
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, data, length);
    SHA256_Final(sum, &context);
    sum_text(sum, text);
}

/* Reads a piece at an offset; 0 at the end of the file, negative on failure. */
static ssize_t read_piece(int descriptor, void *buffer, int64_t offset) {
    ssize_t got;
    do
        got = pread(descriptor, buffer, PIECE_BYTES, offset);
    while (got < 0 && errno == EINTR);
    return got;
}

bool sha256_file(int descriptor, const char *path, char text[static SHA256_TEXT_SIZE],
                 int64_t *bytes, struct error *error) {
    unsigned char sum[SUM_BYTES];
    unsigned char *buffer = malloc(PIECE_BYTES);
    SHA256_CTX context;
    ssize_t got = 0;
    *bytes = 0;
    if (buffer == NULL)
        return error_machine(error, "no memory to sum up %s", path);
    SHA256_Init(&context);
    while ((got = read_piece(descriptor, buffer, *bytes)) > 0) {
        SHA256_Update(&context, buffer, (size_t)got);
        *bytes += got;
    }
    if (got < 0)
        error_errno(error, ERROR_FAILED, "cannot read %s", path);
    SHA256_Final(sum, &context);
    free(buffer);
    if (got == 0)
        sum_text(sum, text);
    return got == 0;
}

bool sha256_path(const char *path, char text[static SHA256_TEXT_SIZE], int64_t *bytes,
                 struct error *error) {
    int64_t length;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
    bool ok = sha256_file(descriptor, path, text, &length, error);
    close(descriptor);
    if (ok && bytes != NULL)
        *bytes = length;
    return ok;
}

bool sha256_valid(const char *text) {
    return strspn(text, "0123456789abcdef") == SHA256_TEXT_SIZE - 1 &&
           text[SHA256_TEXT_SIZE - 1] == '\0';
}
