/* home: the folder for what was given no path of its own. */
#ifndef ASSAY_CORE_HOME_H
#define ASSAY_CORE_HOME_H

#include "core/error.h"

/* ASSAY_HOME, else ~/.local/share/assay; not made. The caller frees *path. ERROR_INPUT when
 * neither ASSAY_HOME nor HOME is set. */
bool home_folder(char **path, struct error *error);
/* NAME in it; the caller frees. NULL on failure. */
char *home_path(const char *name, struct error *error);

#endif
