/* SPDX-License-Identifier: Apache-2.0 */
/* Tells whether this program runs from the tree it was built in, so that it uses the plugins made beside it and not
 * installed ones of another version. Any thread; the caller owns what is returned. */
#ifndef WEIR_BUILD_TREE_H
#define WEIR_BUILD_TREE_H

#include <glib.h>

char *weir_build_tree_plugins (void);
char *weir_build_tree_plugins_beside (const char *program);

#endif
