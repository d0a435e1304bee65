#include "cli/whoami.h"

#include "core/machine.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void whoami(char name[static WHOAMI_SIZE]) {
    const struct passwd *entry = getpwuid(geteuid());
    const char *user = getenv("USER");
    if (user == NULL || user[0] == '\0')
        user = entry != NULL ? entry->pw_name : "somebody";
    char host[MACHINE_HOST_SIZE];
    machine_host(host);
    snprintf(name, WHOAMI_SIZE, "%.60s@%s", user, host);
}
