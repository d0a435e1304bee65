#include "cli/whoami.h"

#include "core/machine.h"
#include "core/text.h"

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
    text_one_line(name); /* the coordinator takes no others; nor half a letter, where it was cut */
}
