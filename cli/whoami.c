#include "cli/whoami.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void whoami_host(char host[static WHOAMI_HOST_SIZE]) {
    host[WHOAMI_HOST_SIZE - 1] = '\0';
    if (gethostname(host, WHOAMI_HOST_SIZE - 1) != 0 || host[0] == '\0')
        snprintf(host, WHOAMI_HOST_SIZE, "localhost");
}

void whoami(char name[static WHOAMI_SIZE]) {
    const struct passwd *entry = getpwuid(geteuid());
    const char *user = getenv("USER");
    if (user == NULL || user[0] == '\0')
        user = entry != NULL ? entry->pw_name : "somebody";
    char host[WHOAMI_HOST_SIZE];
    whoami_host(host);
    snprintf(name, WHOAMI_SIZE, "%.60s@%s", user, host);
}
