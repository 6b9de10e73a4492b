/* SPDX-License-Identifier: Apache-2.0 */
/* `weir new-plugin NAME`: writes a folder that builds, tests and installs a plugin as it is. The files are templates that are compiled
 * into the program (engine/cli/templates/). They are written into a folder of another name, which is renamed once all of them
 * are there: after a failure nothing is left. Main thread only. */
#include "cli/command.h"
#include "cli/templates.h"

#include "found.h"
#include "plugin-object.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

/* A file: the template, and what it is called in the folder. A word in @ is replaced in both. */
typedef struct {
  const char *template, *name;
} File;

typedef struct {
  const char *name, *summary;
} Role;

typedef struct {
  const char *name;
  const char *check, *install; /* commands */
  const char *folder;          /* where the object is when it is built */
  const char *listed;          /* its files, for people */
  File files[4];               /* ended by NULL */
} Build;

static const Role roles[] = {
  { "producer", "the numbers from 1 to `last`" },
  { "transform", "the first `most` bytes of each record" },
  { "consumer", "appends records to the file or pipe `path`, a line each" },
};

static const Build builds[] = {
  { "make",
    "make check",
    "make install",
    ".",
    "Makefile",
    { { "make.mk.in", "Makefile" }, { "make.ignore.in", ".gitignore" }, { NULL, NULL } } },
  { "meson",
    "meson setup build && meson test -C build",
    "meson install -C build",
    "build",
    "meson.build",
    { { "meson.build.in", "meson.build" }, { "meson.ignore.in", ".gitignore" }, { NULL, NULL } } },
  { "autotools",
    "autoreconf --install && ./configure && make check",
    "make install",
    ".libs",
    "configure.ac, Makefile.am",
    { { "configure.ac.in", "configure.ac" },
      { "Makefile.am.in", "Makefile.am" },
      { "autotools.ignore.in", ".gitignore" },
      { NULL, NULL } } },
};

static const File common[] = {
  { "@ROLE@.c.in", "@NAME@.c" },
  { "test-@ROLE@.c.in", "test-@NAME@.c" },
  { "@ROLE@.json.in", "@NAME@.json" },
  { "README.md.in", "README.md" },
  { NULL, NULL },
};

/* Names that Meson has for targets of its own. */
static const char *const meson_names[] = {
  "all",      "benchmark",     "build.ninja",   "clean",        "clean-ctlist", "clean-gcda", "clean-gcno",
  "coverage", "coverage-html", "coverage-text", "coverage-xml", "dist",         "distcheck",  "install",
  "phony",    "PHONY",         "reconfigure",   "scan-build",   "test",         "uninstall",  NULL,
};

typedef struct {
  const char *name;
  const Role *role;
  const Build *build;
} Wanted;

/* ---- writing ---- */

/* g_free() it. */
static char *
fill_in (const char *text, const Wanted *wanted)
{
  g_autofree char *identifier = g_strdelimit (g_strdup (wanted->name), "-", '_'); /* as automake wants it */
  const char *const words[][2] = {
    { "@NAME@", wanted->name },
    { "@ID@", identifier },
    { "@ROLE@", wanted->role->name },
    { "@WHAT@", wanted->role->summary },
    { "@CHECK@", wanted->build->check },
    { "@INSTALL@", wanted->build->install },
    { "@FOLDER@", wanted->build->folder },
    { "@FILES@", wanted->build->listed },
  };
  GString *filled = g_string_new (text);
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++) {
    g_string_replace (filled, words[i][0], words[i][1], 0);
  }
  return g_string_free (filled, FALSE);
}

static gboolean
write_file (const char *folder, const File *file, const Wanted *wanted, GError **error)
{
  g_autofree char *template = fill_in (file->template, wanted);
  g_autofree char *resource = g_strconcat ("/weir/templates/", template, NULL);
  g_autoptr (GBytes) bytes = g_resources_lookup_data (resource, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  if (bytes == NULL) {
    return FALSE;
  }
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autofree char *filled = fill_in (text, wanted);
  g_autofree char *name = fill_in (file->name, wanted);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  return g_file_set_contents_full (path, filled, -1, G_FILE_SET_CONTENTS_NONE, 0666, error);
}

static gboolean
write_files (const char *folder, const File *files, const Wanted *wanted, GError **error)
{
  for (; files->name != NULL; files++) {
    if (!write_file (folder, files, wanted, error)) {
      return FALSE;
    }
  }
  return TRUE;
}

static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *entry;
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, entry, NULL);
    g_unlink (path);
  }
  g_rmdir (folder);
}

static int
refuse_place (const char *name)
{
  fprintf (stderr, "weir: new-plugin: found something called \"%s\" here, expected that there is none\n", name);
  return WEIR_EXIT_FAILED;
}

static int
write_plugin (const Wanted *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_strdup_printf (".%s.XXXXXX", wanted->name);
  struct stat status;
  weir_templates_register_resource ();
  if (lstat (wanted->name, &status) == 0) {
    return refuse_place (wanted->name);
  }
  if (g_mkdtemp_full (folder, 0777) == NULL) {
    fprintf (stderr, "weir: new-plugin: cannot make a folder here: %s\n", g_strerror (errno));
    return WEIR_EXIT_FAILED;
  }
  if (!write_files (folder, common, wanted, &error) || !write_files (folder, wanted->build->files, wanted, &error)) {
    fprintf (stderr, "weir: new-plugin: %s\n", error->message);
    remove_folder (folder);
    return WEIR_EXIT_FAILED;
  }
  if (rename (folder, wanted->name) != 0) {
    int code = errno;
    fprintf (stderr, "weir: new-plugin: cannot call the folder \"%s\": %s\n", wanted->name, g_strerror (code));
    remove_folder (folder);
    return WEIR_EXIT_FAILED;
  }
  printf ("Made the folder %s, a %s; its README.md tells more. Next:\n  cd %s && %s\n", wanted->name,
          wanted->role->name, wanted->name, wanted->build->check);
  return WEIR_EXIT_DONE;
}

/* ---- the command line ---- */

static int
refuse_name (const char *name)
{
  g_autofree char *found = weir_found_text (name);
  return weir_command_refuse ("new-plugin",
                              "found plugin name %s, expected a letter or _, then letters, digits, _ or -", found);
}

/* A name that would be in the way of another plugin, or of the build. */
static int
refuse_taken (const Wanted *wanted)
{
  g_autoptr (WeirRegistry) registry = weir_registry_new ();
  weir_registry_add_defaults (registry);
  g_autofree char *file = weir_registry_find (registry, wanted->name);
  if (file != NULL) {
    return weir_command_refuse ("new-plugin", "found plugin name \"%s\", which %s has, expected another one",
                                wanted->name, file);
  }
  if (strcmp (wanted->name, "reply") == 0) {
    return weir_command_refuse ("new-plugin", "found plugin name \"reply\", which is Weir's own, expected another one");
  }
  if (strcmp (wanted->build->name, "meson") == 0 &&
      (g_strv_contains (meson_names, wanted->name) || g_str_has_prefix (wanted->name, "meson-"))) {
    return weir_command_refuse (
      "new-plugin", "found plugin name \"%s\", which Meson has for itself, expected another one", wanted->name);
  }
  return WEIR_EXIT_DONE;
}

static int
new_plugin (char *const *names, const char *role, const char *build)
{
  if (names == NULL) {
    return weir_command_refuse ("new-plugin", "no name given");
  }
  if (names[1] != NULL) {
    return weir_command_refuse ("new-plugin", "found %u names, expected one", g_strv_length ((char **) names));
  }
  if (!weir_name_is_sane (names[0])) {
    return refuse_name (names[0]);
  }
  if (role == NULL) {
    return weir_command_refuse ("new-plugin", "no role given, expected --role producer, transform or consumer");
  }
  Wanted wanted = { names[0], NULL, NULL };
  for (gsize i = 0; i < G_N_ELEMENTS (roles); i++) {
    if (strcmp (role, roles[i].name) == 0) {
      wanted.role = &roles[i];
    }
  }
  for (gsize i = 0; i < G_N_ELEMENTS (builds); i++) {
    if (strcmp (build != NULL ? build : "make", builds[i].name) == 0) {
      wanted.build = &builds[i];
    }
  }
  if (wanted.role == NULL) {
    return weir_command_refuse ("new-plugin", "found role \"%s\", expected producer, transform or consumer", role);
  }
  if (wanted.build == NULL) {
    return weir_command_refuse ("new-plugin", "found build \"%s\", expected make, meson or autotools", build);
  }
  int code = refuse_taken (&wanted);
  return code == WEIR_EXIT_DONE ? write_plugin (&wanted) : code;
}

int
weir_new_plugin_command (int argc, char **argv)
{
  g_auto (GStrv) names = NULL;
  g_autofree char *role = NULL, *build = NULL;
  const GOptionEntry entries[] = {
    { "role", 0, 0, G_OPTION_ARG_STRING, &role, "producer, transform or consumer", "ROLE" },
    { "build", 0, 0, G_OPTION_ARG_STRING, &build, "make (the default), meson or autotools", "BUILD" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &names, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  if (!weir_command_parse (
        "new-plugin", "NAME",
        "Writes a folder NAME that builds, tests and installs a plugin of that name as it is: a small one that "
        "works, to be made into what you need.",
        entries, argc, argv)) {
    return WEIR_EXIT_USAGE;
  }
  return new_plugin (names, role, build);
}
