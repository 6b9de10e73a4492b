/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c: the files that a list of paths and globs stands for (see paths.h).
 * Runs on the stage's worker; what it returns is the caller's. */
#include "paths.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>

gboolean
file_path_is_glob (const char *path)
{
  struct stat status;
  return strpbrk (path, "*?[") != NULL && lstat (path, &status) != 0;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
add (GPtrArray *found, GHashTable *known, const char *path)
{
  if (!g_hash_table_contains (known, path)) {
    char *own = g_strdup (path);
    g_ptr_array_add (found, own);
    g_hash_table_add (known, own);
  }
}

static void
add_matches (GPtrArray *found, GHashTable *known, const char *path)
{
  glob_t matches;
  if (glob (path, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &matches) != 0) {
    return; /* no match */
  }
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  for (gsize i = 0; i < matches.gl_pathc; i++) {
    g_ptr_array_add (sorted, matches.gl_pathv[i]);
  }
  g_ptr_array_sort (sorted, compare);
  for (guint i = 0; i < sorted->len; i++) {
    struct stat status;
    const char *match = g_ptr_array_index (sorted, i);
    if (stat (match, &status) == 0 && S_ISREG (status.st_mode)) {
      add (found, known, match);
    }
  }
  globfree (&matches);
}

GPtrArray *
file_paths_find (const char *const *paths)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  for (gsize i = 0; paths[i] != NULL; i++) {
    if (file_path_is_glob (paths[i])) {
      add_matches (found, known, paths[i]);
    } else {
      add (found, known, paths[i]);
    }
  }
  return found;
}
