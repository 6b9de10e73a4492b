/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: a list of folders in the order of the search, and a table of what was opened. A name means the first file NAME.so
 * of all folders, also when it turns out to be broken: another one is never taken in silence. Main thread; owns the copies of
 * tables that it gives out. */
#include "registry.h"

#include "build-tree.h"
#include "found.h"
#include "plugin-object.h"
#include "suggest.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

G_DEFINE_QUARK (weir - registry - error - quark, weir_registry_error)

typedef struct {
  const WeirPlugin *plugin; /* or NULL, and */
  char *message;
} Opened;

struct _WeirRegistry {
  GPtrArray *folders; /* absolute paths, ended by NULL */
  GArray *sources;    /* of each, WeirFolderSource */
  GHashTable *opened; /* name -> Opened */
  GHashTable *tried;  /* names of those that do no harm when they are opened */
  GPtrArray *owned;   /* copies of tables */
  gint64 patience;    /* with a child process, microseconds */
};

static void
opened_free (gpointer data)
{
  Opened *opened = data;
  g_free (opened->message);
  g_free (opened);
}

WeirRegistry *
weir_registry_new (void)
{
  WeirRegistry *registry = g_new0 (WeirRegistry, 1);
  registry->folders = g_ptr_array_new_with_free_func (g_free);
  registry->sources = g_array_new (FALSE, FALSE, sizeof (WeirFolderSource));
  registry->opened = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, opened_free);
  registry->tried = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  registry->owned = g_ptr_array_new_with_free_func (g_free);
  registry->patience = 10 * G_USEC_PER_SEC;
  g_ptr_array_add (registry->folders, NULL);
  return registry;
}

void
weir_registry_free (WeirRegistry *registry)
{
  if (registry == NULL) {
    return;
  }
  g_hash_table_unref (registry->opened);
  g_hash_table_unref (registry->tried);
  g_ptr_array_unref (registry->owned);
  g_ptr_array_unref (registry->folders);
  g_array_unref (registry->sources);
  g_free (registry);
}

static gboolean
same_folder (const char *one, const char *other)
{
  struct stat one_status, other_status;
  if (strcmp (one, other) == 0) {
    return TRUE;
  }
  return stat (one, &one_status) == 0 && stat (other, &other_status) == 0 && one_status.st_dev == other_status.st_dev &&
         one_status.st_ino == other_status.st_ino;
}

void
weir_registry_add_folder (WeirRegistry *registry, const char *folder, WeirFolderSource source)
{
  guint place = registry->sources->len;
  while (place > 0 && g_array_index (registry->sources, WeirFolderSource, place - 1) > source) {
    place--;
  }
  char *path = g_canonicalize_filename (folder, NULL);
  /* A folder that is named twice is searched once, at its first place. */
  for (guint i = 0; i < registry->sources->len; i++) {
    if (!same_folder (registry->folders->pdata[i], path)) {
      continue;
    }
    if (i < place) {
      g_free (path);
      return;
    }
    g_ptr_array_remove_index (registry->folders, i);
    g_array_remove_index (registry->sources, i);
    break;
  }
  g_ptr_array_insert (registry->folders, (int) place, path);
  g_array_insert_val (registry->sources, place, source);
}

void
weir_registry_add_defaults (WeirRegistry *registry)
{
  const char *listed = g_getenv ("WEIR_PLUGIN_PATH");
  g_auto (GStrv) folders = g_strsplit (listed == NULL ? "" : listed, ":", -1);
  for (gsize i = 0; folders[i] != NULL; i++) {
    /* An empty one is no folder: the current one is named "." by who means it. */
    if (*folders[i] != '\0') {
      weir_registry_add_folder (registry, folders[i], WEIR_FOLDER_ENVIRONMENT);
    }
  }
  g_autofree char *built = weir_build_tree_plugins ();
  if (built != NULL) {
    weir_registry_add_folder (registry, built, WEIR_FOLDER_BUILD_TREE);
  }
  weir_registry_add_folder (registry, WEIR_PLUGIN_DIR, WEIR_FOLDER_INSTALLED);
}

const char *const *
weir_registry_folders (WeirRegistry *registry)
{
  return (const char *const *) registry->folders->pdata;
}

void
weir_registry_set_patience (WeirRegistry *registry, gint64 patience)
{
  registry->patience = patience;
}

gint64
weir_registry_patience (WeirRegistry *registry)
{
  return registry->patience;
}

/* ---- files ---- */

static void
plugin_file_free (gpointer data)
{
  WeirPluginFile *file = data;
  g_free (file->name);
  g_free (file->file);
  g_free (file);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  const WeirPluginFile *one = *(WeirPluginFile *const *) a, *other = *(WeirPluginFile *const *) b;
  return strcmp (one->name, other->name);
}

static void
add_files (WeirRegistry *registry, guint place, GPtrArray *files)
{
  const char *folder = registry->folders->pdata[place], *entry;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL) {
    if (!g_str_has_suffix (entry, ".so")) {
      continue;
    }
    g_autofree char *name = g_strndup (entry, strlen (entry) - strlen (".so"));
    if (!weir_name_is_sane (name)) {
      continue;
    }
    WeirPluginFile *file = g_new0 (WeirPluginFile, 1);
    file->name = g_steal_pointer (&name);
    file->file = g_build_filename (folder, entry, NULL);
    g_ptr_array_add (files, file);
  }
}

GPtrArray *
weir_registry_files (WeirRegistry *registry)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (plugin_file_free);
  for (guint i = 0; i < registry->sources->len; i++) {
    add_files (registry, i, files);
  }
  /* A stable sort: files of one name stay in the order of the search. */
  g_ptr_array_sort (files, by_name);
  for (guint i = 1; i < files->len; i++) {
    const WeirPluginFile *before = files->pdata[i - 1];
    WeirPluginFile *file = files->pdata[i];
    if (strcmp (before->name, file->name) == 0) {
      file->hidden_by = before->hidden_by != NULL ? before->hidden_by : before->file;
    }
  }
  return files;
}

/* In the folder at *place or behind it, which *place then tells. */
static char *
find_file_from (WeirRegistry *registry, const char *name, guint *place)
{
  g_autofree char *entry = g_strconcat (name, ".so", NULL);
  for (; *place < registry->sources->len && weir_name_is_sane (name); ++*place) {
    struct stat status;
    g_autofree char *file = g_build_filename (registry->folders->pdata[*place], entry, NULL);
    /* A link that leads nowhere is a file of that name, too, and said to be broken. */
    if (lstat (file, &status) == 0) {
      return g_steal_pointer (&file);
    }
  }
  return NULL;
}

char *
weir_registry_find (WeirRegistry *registry, const char *name)
{
  guint place = 0;
  return find_file_from (registry, name, &place);
}

gboolean
weir_registry_hides (WeirRegistry *registry, const char *name, char **file, char **hidden)
{
  guint place = 0;
  *file = find_file_from (registry, name, &place);
  *hidden = NULL;
  if (*file != NULL && g_array_index (registry->sources, WeirFolderSource, place) != WEIR_FOLDER_BUILD_TREE) {
    place++;
    *hidden = find_file_from (registry, name, &place);
  }
  if (*hidden == NULL) {
    g_clear_pointer (file, g_free);
  }
  return *hidden != NULL;
}

static void
append_folders (WeirRegistry *registry, GString *message)
{
  if (registry->sources->len == 0) {
    g_string_append (message, "; there is no folder to look in");
  }
  for (guint i = 0; i < registry->sources->len; i++) {
    const char *folder = registry->folders->pdata[i];
    g_string_append_printf (message, "%s%s", i == 0 ? "; looked in " : ", ", folder);
    g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
    if (dir == NULL) {
      g_string_append_printf (message, " (%s)", g_strerror (errno));
    }
  }
}

GError *
weir_registry_unknown (WeirRegistry *registry, const char *name)
{
  g_autoptr (GPtrArray) files = weir_registry_files (registry);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint i = 0; i < files->len; i++) {
    g_ptr_array_add (names, ((WeirPluginFile *) files->pdata[i])->name);
  }
  g_ptr_array_add (names, NULL);

  g_autofree char *found = weir_found_text (name);
  g_autoptr (GString) message = g_string_new (NULL);
  g_string_printf (message, "unknown plugin %s", found);
  if (strchr (name, '/') != NULL || g_str_has_suffix (name, ".so")) {
    g_string_append (message,
                     "; expected a plugin's name, not its file: where that lies is given by --plugin-path FOLDER");
    return g_error_new_literal (WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_UNKNOWN, message->str);
  }
  gsize plain = message->len;
  weir_suggest_append (message, name, (const char *const *) names->pdata);
  if (message->len == plain) {
    append_folders (registry, message);
  }
  return g_error_new_literal (WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_UNKNOWN, message->str);
}

/* ---- opening ---- */

static void
note_opened (WeirRegistry *registry, const WeirPluginFile *file, const WeirPlugin *plugin, const char *message)
{
  Opened *opened = g_new0 (Opened, 1);
  opened->plugin = plugin;
  if (plugin == NULL) {
    opened->message = g_strdup_printf ("plugin \"%s\" (%s): %s", file->name, file->file, message);
  }
  g_hash_table_insert (registry->opened, g_strdup (file->name), opened);
}

static void
clear_file (gpointer data)
{
  WeirPluginFile *file = data;
  g_free (file->name);
  g_free (file->file);
}

void
weir_registry_try (WeirRegistry *registry, const char *const *names)
{
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (WeirPluginFile));
  g_array_set_clear_func (files, clear_file);
  for (; *names != NULL; names++) {
    if (g_hash_table_contains (registry->opened, *names) || g_hash_table_contains (registry->tried, *names)) {
      continue;
    }
    WeirPluginFile file = { .file = weir_registry_find (registry, *names) };
    if (file.file == NULL) {
      continue;
    }
    file.name = g_strdup (*names);
    g_array_append_val (files, file);
    g_hash_table_add (registry->tried, g_strdup (*names));
    /* cppcheck-suppress memleak; the array frees it */
  }
  for (gsize done = 0; done < files->len; done++) {
    const WeirPluginFile *left = &g_array_index (files, WeirPluginFile, done);
    g_autofree char *message = NULL;
    gsize survived = weir_registry_try_in_child (left, files->len - done, registry->patience, &message);
    if (message != NULL) {
      note_opened (registry, &left[survived], NULL, message);
    }
    done += survived - (message == NULL ? 1 : 0);
  }
}

const WeirPlugin *
weir_registry_open (WeirRegistry *registry, const char *name, GError **error)
{
  weir_registry_try (registry, (const char *const[]){ name, NULL });
  if (!g_hash_table_contains (registry->opened, name)) {
    g_autofree char *path = weir_registry_find (registry, name), *message = NULL;
    if (path == NULL) {
      g_propagate_error (error, weir_registry_unknown (registry, name));
      return NULL;
    }
    const WeirPluginFile file = { .name = (char *) name, .file = path };
    const WeirPlugin *plugin = weir_plugin_object_open (name, path, registry->owned, &message);
    note_opened (registry, &file, plugin, message);
  }
  const Opened *opened = g_hash_table_lookup (registry->opened, name);
  if (opened->plugin == NULL) {
    g_set_error_literal (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_BROKEN, opened->message);
  }
  return opened->plugin;
}
