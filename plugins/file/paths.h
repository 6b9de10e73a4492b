/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h: the files that a list of paths and globs stands for. No state. */
#pragma once

#include <glib.h>

/* Has it wildcards, and is no file of that very name there? */
gboolean file_path_is_glob (const char *path);

/* Every path that is no glob, there or not, and what the globs match, sorted by bytes, without folders and other things that are no
 * files; each once, in the order of the list. g_ptr_array_unref() it. */
GPtrArray *file_paths_find (const char *const *paths);
