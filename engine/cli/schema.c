/* SPDX-License-Identifier: Apache-2.0 */
/* `weir schema`: a JSON Schema of pipeline files, made of the engine's keys and of the plugins that the registry lists. No plugin is
 * opened in this process; of one that is broken it is told, and no stage may have it. Main thread only. */
#include "cli/command.h"

#include "schema.h"

#include <errno.h>
#include <stdio.h>

static void
tell_broken (json_object *broken)
{
  for (gsize i = 0; i < json_object_array_length (broken); i++) {
    json_object *plugin = json_object_array_get_idx (broken, i);
    fprintf (stderr, "weir: schema: left out: plugin \"%s\" (%s): %s\n",
             json_object_get_string (json_object_object_get (plugin, "name")),
             json_object_get_string (json_object_object_get (plugin, "file")),
             json_object_get_string (json_object_object_get (plugin, "error")));
  }
}

static int
print (WeirRegistry *registry)
{
  int form = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
  json_object *listing = weir_registry_list (registry);
  json_object *schema = weir_schema_new (json_object_object_get (listing, "plugins"));
  tell_broken (json_object_object_get (listing, "broken"));
  printf ("%s\n", json_object_to_json_string_ext (schema, form));
  json_object_put (schema);
  json_object_put (listing);
  if (fflush (stdout) == 0 && ferror (stdout) == 0) {
    return WEIR_EXIT_DONE;
  }
  fprintf (stderr, "weir: schema: cannot write to standard output: %s\n", g_strerror (errno));
  return WEIR_EXIT_FAILED;
}

int
weir_schema_command (int argc, char **argv)
{
  g_auto (GStrv) folders = NULL;
  g_auto (GStrv) rest = NULL;
  const GOptionEntry entries[] = {
    { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &folders,
      "Look for plugins in DIR first; more than once if need be", "DIR" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  if (!weir_command_parse (
        "schema", NULL,
        "Prints a JSON Schema (2020-12) of pipeline files with the plugins that are found, for editors "
        "and validators.",
        entries, argc, argv)) {
    return WEIR_EXIT_USAGE;
  }
  if (rest != NULL) {
    return weir_command_refuse ("schema", "found an argument, \"%s\", expected none", rest[0]);
  }
  g_autoptr (WeirRegistry) registry = weir_registry_new ();
  for (gsize i = 0; folders != NULL && folders[i] != NULL; i++) {
    g_autoptr (GDir) folder = g_dir_open (folders[i], 0, NULL);
    if (folder ==
        NULL) { /* else one that is misspelt would be missed in an editor only, at each stage of its plugins */
      fprintf (stderr, "weir: schema: --plugin-path: cannot open %s: %s\n", folders[i], g_strerror (errno));
    }
    weir_registry_add_folder (registry, folders[i], WEIR_FOLDER_ARGUMENT);
  }
  weir_registry_add_defaults (registry);
  return print (registry);
}
