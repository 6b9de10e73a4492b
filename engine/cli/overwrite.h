/* SPDX-License-Identifier: Apache-2.0 */
/* What the program itself writes, a summary or a pid file, must not take the place of what the pipeline reads or writes. */
#ifndef WEIR_CLI_OVERWRITE_H
#define WEIR_CLI_OVERWRITE_H

#include "config.h"

/* What of the pipeline the file is: "FILE, a file of the pipeline's own" or the like; g_free() it. NULL: nothing. */
char *weir_overwrite_find (const WeirConfig *config, const char *file);
/* Whether two names mean one file, there or not. What is no regular file (a terminal, /dev/null) is anyone's. */
gboolean weir_overwrite_is_same (const char *one, const char *other);

#endif
