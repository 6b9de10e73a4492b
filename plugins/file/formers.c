/* SPDX-License-Identifier: Apache-2.0 */
/* formers.c: which files had a path that is followed, and what they are called now (see formers.h).
 * Runs on the stage's worker. A rename away from such a path begins one; later renames of that name go on with it. */
#include "formers.h"

#include "changes.h"
#include "paths.h"

#include <fnmatch.h>

typedef struct {
  char *path, *now; /* now NULL: it is gone */
} Former;

struct _FileFormers {
  GHashTable *names;  /* of the paths, and of the globs */
  GPtrArray *globs;   /* those of them that are */
  GPtrArray *formers; /* Former, the earliest first */
  GHashTable *by_now; /* the same by what they are called now */
};

static void
free_former (gpointer data)
{
  Former *former = data;
  g_free (former->path);
  g_free (former->now);
  g_free (former);
}

FileFormers *
file_formers_new (const char *const *paths)
{
  FileFormers *formers = g_new (FileFormers, 1);
  formers->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  formers->globs = g_ptr_array_new ();
  formers->formers = g_ptr_array_new_with_free_func (free_former);
  formers->by_now = g_hash_table_new (g_str_hash, g_str_equal);
  for (gsize i = 0; paths[i] != NULL; i++) {
    char *name = file_changes_name (paths[i]);
    if (g_hash_table_add (formers->names, name) && file_path_is_glob (paths[i])) {
      g_ptr_array_add (formers->globs, name);
    }
  }
  return formers;
}

void
file_formers_free (FileFormers *formers)
{
  g_hash_table_unref (formers->by_now);
  g_ptr_array_unref (formers->formers);
  g_ptr_array_unref (formers->globs);
  g_hash_table_unref (formers->names);
  g_free (formers);
}

static gboolean
is_followed (const FileFormers *formers, const char *name)
{
  for (guint i = 0; i < formers->globs->len; i++) {
    if (fnmatch (g_ptr_array_index (formers->globs, i), name, FNM_PATHNAME | FNM_PERIOD | FNM_NOESCAPE) == 0) {
      return TRUE;
    }
  }
  return g_hash_table_contains (formers->names, name);
}

static void
call (FileFormers *formers, Former *former, const char *now)
{
  if (former->now != NULL) {
    g_hash_table_remove (formers->by_now, former->now);
    g_free (former->now);
  }
  former->now = g_strdup (now);
  if (now != NULL) {
    g_hash_table_insert (formers->by_now, former->now, former);
  }
}

void
file_formers_rename (FileFormers *formers, const char *from, const char *to)
{
  Former *former = g_hash_table_lookup (formers->by_now, from);
  Former *replaced = to == NULL ? NULL : g_hash_table_lookup (formers->by_now, to);
  if (replaced != NULL) {
    call (formers, replaced, NULL);
  }
  if (former == NULL && to != NULL && is_followed (formers, from)) {
    former = g_new (Former, 1);
    *former = (Former){ g_strdup (from), NULL };
    g_ptr_array_add (formers->formers, former);
  }
  if (former != NULL) {
    call (formers, former, to);
  }
}

gboolean
file_formers_is_empty (const FileFormers *formers)
{
  return formers->formers->len == 0;
}

void
file_formers_take (FileFormers *formers, void (*former) (const char *path, const char *now, gpointer data),
                   gpointer data)
{
  for (guint i = 0; i < formers->formers->len; i++) {
    const Former *one = g_ptr_array_index (formers->formers, i);
    if (one->now != NULL) {
      former (one->path, one->now, data);
    }
  }
  g_hash_table_remove_all (formers->by_now);
  g_ptr_array_set_size (formers->formers, 0);
}
