/* SPDX-License-Identifier: Apache-2.0 */
/* No stage may write a file that another reads or writes: it would eat its own output, or have its file emptied or renamed under it.
 * A file is known by device and inode, whatever it is called; one that is not there yet by its folder and name. Only regular files
 * count. Main thread; looks at the file system as it is when the configuration is loaded. */
#include "config-load.h"

#include "found.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

/* As the kernel. */
#define SYMLINKS_MAX 40

/* Who uses a file, and what it calls it. Spots live as long as the walk over all stages: they are kept. */
typedef struct {
  const WeirLoadStage *stage;
  const WeirSpot *spot; /* of the path or glob */
  const char *path;
} User;

typedef struct {
  GHashTable *read, *written; /* key of a file -> User */
  GPtrArray *globs;           /* User: what is to come may match, too */
  GPtrArray *writers;         /* User */
  GPtrArray *owned;
} Files;

/* ---- which file ---- */

static gboolean
is_glob (const char *path)
{
  struct stat status;
  return strpbrk (path, "*?[") != NULL && lstat (path, &status) != 0;
}

/* NULL: there is no such file or folder. */
static char *
inode_key (const char *path, mode_t *mode)
{
  struct stat status;
  if (stat (path, &status) != 0) {
    return NULL;
  }
  *mode = status.st_mode;
  return g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64) status.st_dev, (guint64) status.st_ino);
}

/* What a path that leads nowhere would become: the end of its symbolic links. */
static char *
resolve (const char *path)
{
  char *at = g_strdup (path);
  for (guint i = 0; i < SYMLINKS_MAX; i++) {
    g_autofree char *target = g_file_read_link (at, NULL);
    if (target == NULL) {
      break;
    }
    g_autofree char *folder = g_path_get_dirname (at);
    char *next = g_path_is_absolute (target) ? g_strdup (target) : g_build_filename (folder, target, NULL);
    g_free (at);
    at = next;
  }
  return at;
}

/* Of the folder that a file is, or would be, made in. */
static char *
folder_key (const char *path)
{
  mode_t mode;
  g_autofree char *folder = g_path_get_dirname (path);
  return inode_key (folder, &mode);
}

/* NULL: no regular file, and none that could be made. */
static char *
file_key (const char *path)
{
  mode_t mode;
  g_autofree char *key = inode_key (path, &mode);
  if (key != NULL) {
    return S_ISREG (mode) ? g_steal_pointer (&key) : NULL;
  }
  if (errno != ENOENT) {
    return NULL;
  }
  g_autofree char *resolved = resolve (path);
  g_autofree char *name = g_path_get_basename (resolved);
  g_autofree char *folder = folder_key (resolved);
  return folder == NULL || g_str_has_suffix (resolved, "/") ? NULL : g_strconcat (folder, "/", name, NULL);
}

/* ---- who reads and writes ---- */

static void
add_file (GHashTable *users, const char *path, User *user)
{
  char *key = file_key (path);
  if (key == NULL || g_hash_table_contains (users, key)) {
    g_free (key);
  } else {
    g_hash_table_insert (users, key, user);
  }
}

static void
add_reader (Files *files, User *user)
{
  glob_t matches;
  if (!is_glob (user->path)) {
    add_file (files->read, user->path, user);
    return;
  }
  g_ptr_array_add (files->globs, user);
  if (glob (user->path, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &matches) != 0) {
    return;
  }
  for (gsize i = 0; i < matches.gl_pathc; i++) {
    add_file (files->read, matches.gl_pathv[i], user);
  }
  globfree (&matches);
}

/* One path of an option. */
static void
add_path (WeirLoad *load, Files *files, const WeirLoadStage *entry, const WeirOption *option, WeirSpot spot)
{
  if (!json_object_is_type (spot.value, json_type_string)) {
    return;
  }
  User *user = g_new (User, 1);
  *user = (User){ entry, weir_spot_keep (load, spot), json_object_get_string (spot.value) };
  g_ptr_array_add (files->owned, user);
  if ((option->flags & WEIR_READS) != 0) {
    add_reader (files, user);
  }
  if ((option->flags & WEIR_WRITES) != 0) {
    g_ptr_array_add (files->writers, user);
  }
}

static void
add_stage (WeirLoad *load, Files *files, const WeirLoadStage *entry)
{
  for (const WeirOption *option = entry->stage->role->options; option != NULL && option->name != NULL; option++) {
    if ((option->flags & (WEIR_READS | WEIR_WRITES)) == 0) {
      continue;
    }
    WeirSpot spot = weir_spot_member (load, entry->spot, option->name);
    if (!json_object_is_type (spot.value, json_type_array)) {
      add_path (load, files, entry, option, spot);
      continue;
    }
    const WeirSpot *list = weir_spot_keep (load, spot);
    WeirNode node = weir_places_first (spot.places, spot.node);
    for (guint32 i = 0; i < json_object_array_length (spot.value); i++) {
      add_path (load, files, entry, option, weir_spot_element (list, i, node));
      node = weir_places_next (spot.places, node);
    }
  }
}

/* ---- the rule ---- */

static void
tell (WeirLoad *load, const User *writer, const User *other, const char *does, const char *expected)
{
  g_autofree char *found = weir_found_text (writer->path);
  g_autofree char *called = weir_found_text (other->path);
  g_autofree char *place = weir_place_format (weir_spot_value_place (other->spot));
  gboolean same = strcmp (writer->path, other->path) == 0;

  weir_load_wrong (load, writer->spot, "found %s, the file that \"%s\" %s%s%s at %s; expected %s", found,
                   other->stage->stage->name, does, same ? "" : " as ", same ? "" : called, place, expected);
}

/* Would a file of this folder and name match the glob, once it is there? */
static gboolean
will_match (const char *pattern, const char *folder, const char *name)
{
  g_autofree char *folders = g_path_get_dirname (pattern), *names = g_path_get_basename (pattern);
  glob_t matches;
  gboolean found = FALSE;

  if (fnmatch (names, name, FNM_PERIOD | FNM_NOESCAPE) != 0 ||
      glob (folders, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &matches) != 0) {
    return FALSE;
  }
  for (gsize i = 0; i < matches.gl_pathc && !found; i++) {
    mode_t mode;
    g_autofree char *key = inode_key (matches.gl_pathv[i], &mode);
    found = g_strcmp0 (key, folder) == 0;
  }
  globfree (&matches);
  return found;
}

static const User *
find_reader (const Files *files, const char *key)
{
  const User *reader = g_hash_table_lookup (files->read, key);
  const char *slash = strchr (key, '/');
  if (reader != NULL || slash == NULL) {
    return reader;
  }
  g_autofree char *folder = g_strndup (key, (gsize) (slash - key));
  for (guint i = 0; i < files->globs->len; i++) {
    reader = g_ptr_array_index (files->globs, i);
    if (will_match (reader->path, folder, slash + 1)) {
      return reader;
    }
  }
  return NULL;
}

static void
check_writer (WeirLoad *load, Files *files, User *writer)
{
  char *key = file_key (writer->path);
  if (key == NULL) {
    return;
  }
  const User *reader = find_reader (files, key), *other = g_hash_table_lookup (files->written, key);
  if (reader != NULL && reader->stage != writer->stage) {
    tell (load, writer, reader, "reads", "another one");
  }
  if (other != NULL && other->stage != writer->stage) {
    tell (load, writer, other, "writes", "one of its own");
  }
  if (other != NULL) {
    g_free (key);
  } else {
    g_hash_table_insert (files->written, key, writer);
  }
}

void
weir_load_paths (WeirLoad *load)
{
  Files files = { .read = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                  .written = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                  .globs = g_ptr_array_new (),
                  .writers = g_ptr_array_new (),
                  .owned = g_ptr_array_new_with_free_func (g_free) };

  for (guint i = 0; i < load->stages->len; i++) {
    const WeirLoadStage *entry = g_ptr_array_index (load->stages, i);
    if (entry->stage->role != NULL && json_object_is_type (entry->spot->value, json_type_object)) {
      add_stage (load, &files, entry);
    }
  }
  for (guint i = 0; i < files.writers->len; i++) {
    check_writer (load, &files, g_ptr_array_index (files.writers, i));
  }
  g_hash_table_unref (files.read);
  g_hash_table_unref (files.written);
  g_ptr_array_unref (files.globs);
  g_ptr_array_unref (files.writers);
  g_ptr_array_unref (files.owned);
}
