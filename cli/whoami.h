/* whoami: who sits at this command line, as others are shown it. */
#ifndef ASSAY_CLI_WHOAMI_H
#define ASSAY_CLI_WHOAMI_H

enum { WHOAMI_SIZE = 128 };

/* "USER@HOST". What a coordinator with keys believes instead is the name beside the key. */
void whoami(char name[static WHOAMI_SIZE]);

#endif
