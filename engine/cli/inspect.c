/* SPDX-License-Identifier: Apache-2.0 */
/* `weir inspect [PLUGIN]`: what the registry's listing says, as JSON, or laid out by inspect-text.c and inspect-markdown.c. No plugin is
 * opened in this process. Main thread only; the text is made whole, then written. */
#include "cli/command.h"
#include "cli/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- "reply" ---- */

/* No plugin of its own: those whose producer accepts connections have it as a role. Takes the listing. */
static json_object *
describe_reply (json_object *listing)
{
  json_object *reply = json_object_new_object (), *plugins = json_object_new_array ();
  json_object_object_add (reply, "name", json_object_new_string (WEIR_REPLY));
  json_object_object_add (reply, "role", json_object_new_string ("consumer"));
  json_object_object_add (reply, "plugins", plugins);
  for (gsize i = 0; i < weir_inspect_count (listing, "plugins"); i++) {
    json_object *plugin = weir_inspect_item (listing, "plugins", i);
    json_object *role = json_object_object_get (json_object_object_get (plugin, "roles"), WEIR_REPLY);
    if (role == NULL) {
      continue;
    }
    json_object *offer = json_object_new_object ();
    json_object_array_add (plugins, offer);
    json_object_object_add (offer, "name", json_object_new_string (weir_inspect_text (plugin, "name")));
    json_object_object_add (offer, "file", json_object_new_string (weir_inspect_text (plugin, "file")));
    json_object_object_add (offer, "reply", json_object_get (role));
  }
  json_object_put (listing);
  return reply;
}

/* ---- the command ---- */

static int
write_out (const GString *out)
{
  fwrite (out->str, 1, out->len, stdout);
  if (fflush (stdout) == 0 && ferror (stdout) == 0) {
    return WEIR_EXIT_DONE;
  }
  fprintf (stderr, "weir: inspect: cannot write to standard output: %s\n", g_strerror (errno));
  return WEIR_EXIT_FAILED;
}

typedef struct {
  gboolean json, markdown;
  char **folders;
} Inspect;

/* What the registry says of a name; NULL: of all. NULL: that has been told. */
static json_object *
find (WeirRegistry *registry, const char *name)
{
  g_autoptr (GError) error = NULL;
  json_object *found = name == NULL                     ? weir_registry_list (registry)
                       : strcmp (name, WEIR_REPLY) == 0 ? describe_reply (weir_registry_list (registry))
                                                        : weir_registry_describe (registry, name, &error);
  if (found == NULL) {
    fprintf (stderr, "weir: %s\n", error->message);
  }
  return found;
}

static void
put (GString *out, json_object *found, const char *name, const Inspect *inspect)
{
  int form = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
  if (inspect->json) {
    g_string_append_printf (out, "%s\n", json_object_to_json_string_ext (found, form));
  } else if (name == NULL && inspect->markdown) {
    weir_inspect_put_reference (out, json_object_object_get (found, "plugins"),
                                json_object_object_get (found, "broken"));
  } else if (inspect->markdown) {
    weir_inspect_put_markdown (out, found);
  } else if (name == NULL) {
    weir_inspect_put_listing (out, found);
  } else if (strcmp (name, WEIR_REPLY) == 0) {
    weir_inspect_put_reply (out, found);
  } else {
    weir_inspect_put_plugin (out, found);
  }
}

static int
show (WeirRegistry *registry, const char *name, const Inspect *inspect)
{
  json_object *found = find (registry, name);
  if (found == NULL) {
    return WEIR_EXIT_USAGE;
  }
  g_autoptr (GString) out = g_string_new (NULL);
  put (out, found, name, inspect);
  json_object_put (found);
  return write_out (out);
}

/* The page of several. */
static int
show_reference (WeirRegistry *registry, char **names)
{
  json_object *plugins = json_object_new_array ();
  gboolean all = TRUE;
  for (; all && *names != NULL; names++) {
    json_object *found = find (registry, *names);
    all = found != NULL;
    if (all) {
      json_object_array_add (plugins, found);
    }
  }
  g_autoptr (GString) out = g_string_new (NULL);
  weir_inspect_put_reference (out, plugins, NULL);
  json_object_put (plugins);
  return all ? write_out (out) : WEIR_EXIT_USAGE;
}

int
weir_inspect_command (int argc, char **argv)
{
  Inspect inspect = { 0 };
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &inspect.json, "Print JSON", NULL },
    { "markdown", 0, 0, G_OPTION_ARG_NONE, &inspect.markdown, "Print Markdown, of all plugins or those that are named",
      NULL },
    { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &inspect.folders,
      "Look for plugins in DIR first; more than once if need be", "DIR" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[PLUGIN]");
  g_option_context_set_summary (context, "Shows which plugins are found where, or one of them with all its options.");
  g_option_context_add_main_entries (context, entries, NULL);
  g_set_prgname ("weir inspect");
  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    return weir_command_refuse ("inspect", "%s", error->message);
  }
  g_auto (GStrv) folders = inspect.folders;
  if (inspect.json && inspect.markdown) {
    return weir_command_refuse ("inspect", "found --json and --markdown, expected one of them");
  }
  if (argc > 2 && !inspect.markdown) {
    return weir_command_refuse ("inspect", "found %d arguments, expected one plugin or none", argc - 1);
  }
  g_autoptr (WeirRegistry) registry = weir_registry_new ();
  for (gsize i = 0; folders != NULL && folders[i] != NULL; i++) {
    weir_registry_add_folder (registry, folders[i], WEIR_FOLDER_ARGUMENT);
  }
  weir_registry_add_defaults (registry);
  return argc > 2 ? show_reference (registry, argv + 1) : show (registry, argc == 2 ? argv[1] : NULL, &inspect);
}
