/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: which folders plugins are looked for in, which file a name means, and the tables of those that were opened.
 * Main thread, before or while a pipeline is built. Modules stay in the process for good; copies of tables live as long as the
 * registry does, which is therefore freed behind the last stage. */
#ifndef WEIR_REGISTRY_H
#define WEIR_REGISTRY_H

#include <json-c/json.h>
#include <weir/weir.h>

G_BEGIN_DECLS

typedef struct _WeirRegistry WeirRegistry;

/* Where a folder was named; also the order in which they are searched. The first plugin of a name wins. */
typedef enum {
  WEIR_FOLDER_ARGUMENT,    /* --plugin-path */
  WEIR_FOLDER_ENVIRONMENT, /* WEIR_PLUGIN_PATH */
  WEIR_FOLDER_CONFIG,      /* engine.plugins */
  WEIR_FOLDER_BUILD_TREE,
  WEIR_FOLDER_INSTALLED
} WeirFolderSource;

#define WEIR_REGISTRY_ERROR (weir_registry_error_quark ())
GQuark weir_registry_error_quark (void);
typedef enum {
  WEIR_REGISTRY_ERROR_UNKNOWN, /* no file of that name */
  WEIR_REGISTRY_ERROR_BROKEN   /* there is one, and it cannot be used */
} WeirRegistryError;

WeirRegistry *weir_registry_new (void);
void weir_registry_free (WeirRegistry *registry); /* NULL is fine */

/* Adds a folder behind those of the same source. It need not exist. All are added before the first plugin is opened. */
void weir_registry_add_folder (WeirRegistry *registry, const char *folder, WeirFolderSource source);
/* Adds the folders of WEIR_PLUGIN_PATH, of the build tree that the program runs from, and the installed one. */
void weir_registry_add_defaults (WeirRegistry *registry);
/* The folders in the order of the search, ended by NULL. Borrowed until a folder is added. */
const char *const *weir_registry_folders (WeirRegistry *registry);

/* The file that a name means, g_free() it; NULL: there is none, weir_registry_unknown() says so. */
char *weir_registry_find (WeirRegistry *registry, const char *name);
/* Opens a plugin, or gives the one that was opened before: its table, checked. Opening runs the object's constructors, and none
 * of its callbacks. It is first tried in a child process, while this one has one thread: a constructor that crashes, exits or hangs
 * is an error like any other. NULL: the error is one line that names the plugin and its file. */
const WeirPlugin *weir_registry_open (WeirRegistry *registry, const char *name, GError **error);
/* Tries many at once: one child process for all that are about to be opened. What is wrong is told when they are. */
void weir_registry_try (WeirRegistry *registry, const char *const *names);

/* The file that a name means, and the first one of that name which it hides. FALSE: it hides none, or it is the build tree's, which
 * hides what is installed as a matter of course. g_free() both. */
gboolean weir_registry_hides (WeirRegistry *registry, const char *name, char **file, char **hidden);

/* How long a child process may take to open a plugin, microseconds; 10 s at first. */
void weir_registry_set_patience (WeirRegistry *registry, gint64 patience);

/* What is found, as JSON; json_object_put() it. Each plugin is opened in a child process, so that one that crashes does no harm:
 * to be called while the process has one thread. list: {"plugins": [...], "hidden": [...], "broken": [...], "folders": [...]};
 * describe: one plugin with all its options, or NULL and an error. */
json_object *weir_registry_list (WeirRegistry *registry);
json_object *weir_registry_describe (WeirRegistry *registry, const char *name, GError **error);

/* For the files of the registry alone. ------------------------------------------------------------------------------ */

/* A file called NAME.so, and whether it is the one that NAME means. */
typedef struct {
  char *name, *file;
  const char *hidden_by; /* NULL: it is the one */
} WeirPluginFile;

/* All of them, WeirPluginFile, sorted by name, the one that is meant before those it hides. g_ptr_array_unref() it. */
GPtrArray *weir_registry_files (WeirRegistry *registry);

gint64 weir_registry_patience (WeirRegistry *registry);

/* Opens the file in a child process, while this one has one thread: its description, or NULL and what is wrong. */
json_object *weir_registry_ask_child (const WeirPluginFile *file, gint64 patience, char **message);
/* Opens files one after another in a child process. Returns how many it has survived; where that is less than count, the next one
 * does harm if there is a message, and is to be tried again if there is none. Where this process has threads or can have no child,
 * nothing is tried, and the answer is count. */
gsize weir_registry_try_in_child (const WeirPluginFile *files, gsize count, gint64 patience, char **message);

/* The error that no file of that name is there. */
GError *weir_registry_unknown (WeirRegistry *registry, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRegistry, weir_registry_free)

G_END_DECLS

#endif
