#include "core/sha256.h"

#include <sodium.h>

void sha256_text(const void *data, size_t length, char text[static SHA256_TEXT_SIZE]) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, data, length);
    sodium_bin2hex(text, SHA256_TEXT_SIZE, hash, sizeof hash);
}
