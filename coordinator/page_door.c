#include "coordinator/page_door.h"

#include "net/keys.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_token_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '-' || byte == '_' || byte == '.';
}

bool page_token_read(const char *path, char token[static PAGE_TOKEN_MAX + 1], struct error *error) {
    char text[KEY_FILE_MAX];
    size_t length = 0, start = 0;
    if (!key_secret_read(path, text, &length, error))
        return false;
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    while (start < length && isspace((unsigned char)text[start]))
        start++;
    length -= start;
    bool good = length >= PAGE_TOKEN_MIN && length <= PAGE_TOKEN_MAX;
    for (size_t i = 0; good && i < length; i++)
        good = is_token_byte(text[start + i]);
    if (good) {
        memcpy(token, text + start, length);
        token[length] = '\0';
    }
    sodium_memzero(text, sizeof text);
    return good ||
           error_set(error, ERROR_INPUT,
                     "%s: no token: %d to %d letters and digits; make one with: (umask 077; "
                     "openssl rand -hex 32 >%s)",
                     path, PAGE_TOKEN_MIN, PAGE_TOKEN_MAX, path);
}

/* Whether the `length` bytes are the token; how long it takes says at most how long the token is.
 */
static bool is_token(const char *token, const char *said, size_t length) {
    return strlen(token) == length && sodium_memcmp(token, said, length) == 0;
}

static bool bears(const char *token, const char *authorization) {
    static const char scheme[] = "Bearer ";
    size_t skip = strlen(scheme);
    return authorization != NULL && strncasecmp(authorization, scheme, skip) == 0 &&
           is_token(token, authorization + skip, strlen(authorization + skip));
}

/* NAME, NAME:PORT or [ADDRESS]:PORT of this machine: localhost, 127.0.0.0/8, ::1. */
static bool is_here(const char *host) {
    static const char *const names[] = {"localhost", "[::1]"};
    char numbers[INET_ADDRSTRLEN];
    struct in_addr address;
    if (host == NULL)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (strncasecmp(host, names[i], length) == 0 &&
            (host[length] == '\0' || host[length] == ':'))
            return true;
    }
    size_t length = strcspn(host, ":");
    if (length >= sizeof numbers) /* what is cut might be an address: 127.100.100.100.example */
        return false;
    snprintf(numbers, sizeof numbers, "%.*s", (int)length, host);
    return inet_pton(AF_INET, numbers, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

void page_cookie_name(const char *host, char name[static PAGE_COOKIE_SIZE]) {
    const char *colon = host != NULL ? strrchr(host, ':') : NULL;
    const char *port = colon != NULL ? colon + 1 : "";
    size_t length = strspn(port, "0123456789");
    bool named = length > 0 && length <= 5 && port[length] == '\0';
    snprintf(name, PAGE_COOKIE_SIZE, "assay_token%s%s", named ? "_" : "", named ? port : "");
}

enum page_verdict page_door(const char *token, const struct page_visitor *visitor) {
    if (token[0] == '\0')
        return is_here(visitor->host) ? PAGE_WELCOME : PAGE_NO_HOST;
    if (bears(token, visitor->authorization) ||
        (visitor->cookie != NULL && is_token(token, visitor->cookie, strlen(visitor->cookie))))
        return PAGE_WELCOME;
    if (visitor->token != NULL && is_token(token, visitor->token, strlen(visitor->token)))
        return PAGE_WELCOME_COOKIE;
    return PAGE_NO_TOKEN;
}
