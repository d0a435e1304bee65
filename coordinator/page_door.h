/* page_door: whom the live page is shown.
 *
 * With a token: who says it, as `Authorization: Bearer TOKEN`, as the cookie that /?token=TOKEN
 * sets, or there. Without one, on loopback: who asks for this machine by name, so that no page of
 * elsewhere can have a browser ask (DNS rebinding).
 */
#ifndef ASSAY_COORDINATOR_PAGE_DOOR_H
#define ASSAY_COORDINATOR_PAGE_DOOR_H

#include "core/error.h"

enum { PAGE_TOKEN_MIN = 16, PAGE_TOKEN_MAX = 256, PAGE_COOKIE_SIZE = 24 };

/* What a request brings; NULL where it does not. */
struct page_visitor {
    const char *host, *authorization, *cookie;
    const char *token; /* of the query */
};
enum page_verdict {
    PAGE_WELCOME,
    PAGE_WELCOME_COOKIE, /* by the query: to be sent on with the cookie */
    PAGE_NO_TOKEN,
    PAGE_NO_HOST, /* not a name of this machine */
};

/* The file's text without the white space around it: letters, digits, -, _ and . alone, for a
 * cookie holds it; PAGE_TOKEN_MIN of them at least. ERROR_INPUT otherwise, or when others may read
 * it. */
bool page_token_read(const char *path, char token[static PAGE_TOKEN_MAX + 1], struct error *error);

/* What the cookie is called. All ports of a host have their cookies in common (RFC 6265, 8.5), so
 * the port that was asked for is part of it, and coordinators on one host keep to their own. */
void page_cookie_name(const char *host, char name[static PAGE_COOKIE_SIZE]);

/* `token` "": there is none. */
enum page_verdict page_door(const char *token, const struct page_visitor *visitor);

#endif
