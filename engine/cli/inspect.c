/* SPDX-License-Identifier: Apache-2.0 */
/* `weir inspect [PLUGIN]`: what the registry's listing says, as JSON or laid out for a terminal of 80 columns. No plugin is opened in
 * this process. Main thread only; the text is made whole, then written. */
#include "cli/inspect.h"

#include "config.h"
#include "registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2
#define WIDTH 80

static const char *const role_names[] = { "producer", "transform", "consumer", "reply" };

/* ---- layout ---- */

static const char *
text_of (json_object *object, const char *key)
{
  const char *text = json_object_get_string (json_object_object_get (object, key));
  return text == NULL ? "" : text;
}

static gsize
count_of (json_object *object, const char *key)
{
  return json_object_array_length (json_object_object_get (object, key));
}

static json_object *
item_of (json_object *object, const char *key, gsize i)
{
  return json_object_array_get_idx (json_object_object_get (object, key), i);
}

/* From `column` on, words are put on lines of WIDTH columns; later lines begin at `indent`. Ends the line. */
static void
put_wrapped (GString *out, gsize column, gsize indent, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  gboolean first = TRUE;
  for (gsize i = 0; words[i] != NULL; i++) {
    gsize width = (gsize) g_utf8_strlen (words[i], -1);
    if (width == 0)
      continue;
    if (!first && column + 1 + width > WIDTH) {
      g_string_append_printf (out, "\n%*s", (int) indent, "");
      column = indent;
    } else if (!first) {
      g_string_append_c (out, ' ');
      column++;
    }
    g_string_append (out, words[i]);
    column += width;
    first = FALSE;
  }
  while (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  g_string_append_c (out, '\n');
}

/* The names of a list, with commas. */
static char *
join (json_object *object, const char *key)
{
  GString *names = g_string_new (NULL);
  for (gsize i = 0; i < count_of (object, key); i++)
    g_string_append_printf (names, "%s%s", i == 0 ? "" : ", ", json_object_get_string (item_of (object, key, i)));
  return g_string_free (names, FALSE);
}

/* ---- the list ---- */

typedef struct {
  gsize name, version;
} Columns;

static Columns
measure (json_object *listing)
{
  static const char *const keys[] = { "plugins", "hidden", "broken" };
  Columns columns = { 0, 0 };
  for (gsize k = 0; k < G_N_ELEMENTS (keys); k++) {
    for (gsize i = 0; i < count_of (listing, keys[k]); i++) {
      json_object *plugin = item_of (listing, keys[k], i);
      columns.name = MAX (columns.name, strlen (text_of (plugin, "name")));
      columns.version = MAX (columns.version, (gsize) g_utf8_strlen (text_of (plugin, "version"), -1));
    }
  }
  return columns;
}

/* A line a role; the name and the version stand in the first. */
static void
put_plugin_line (GString *out, json_object *plugin, const Columns *columns)
{
  json_object *roles = json_object_object_get (plugin, "roles");
  const char *name = text_of (plugin, "name"), *version = text_of (plugin, "version");
  gsize indent = 2 + columns->name + 2 + columns->version + 2 + strlen ("transform") + 2;
  for (gsize i = 0; i < G_N_ELEMENTS (role_names); i++) {
    json_object *role = json_object_object_get (roles, role_names[i]);
    if (role == NULL)
      continue;
    gsize padding = columns->version - (gsize) g_utf8_strlen (version, -1);
    g_string_append_printf (out, "  %-*s  %s%*s  %-9s  ", (int) columns->name, name, version, (int) padding, "",
                            role_names[i]);
    put_wrapped (out, indent, indent, text_of (role, "summary"));
    name = version = "";
  }
}

static gboolean
is_in_folder (json_object *plugin, const char *folder)
{
  g_autofree char *own = g_path_get_dirname (text_of (plugin, "file"));
  return strcmp (own, folder) == 0;
}

static void
put_folder (GString *out, json_object *listing, json_object *folder, const Columns *columns)
{
  const char *path = text_of (folder, "folder"), *problem = text_of (folder, "problem");
  gsize found = 0;
  g_string_append_printf (out, "%s%s%s\n", path, *problem == '\0' ? "" : ": ", problem);
  for (gsize i = 0; i < count_of (listing, "plugins"); i++) {
    json_object *plugin = item_of (listing, "plugins", i);
    if (!is_in_folder (plugin, path))
      continue;
    put_plugin_line (out, plugin, columns);
    found++;
  }
  for (gsize i = 0; i < count_of (listing, "broken"); i++) {
    json_object *plugin = item_of (listing, "broken", i);
    if (!is_in_folder (plugin, path))
      continue;
    g_string_append_printf (out, "  %-*s  ", (int) columns->name, text_of (plugin, "name"));
    g_autofree char *text = g_strconcat ("broken: ", text_of (plugin, "error"), NULL);
    put_wrapped (out, 4 + columns->name, 4 + columns->name, text);
    found++;
  }
  for (gsize i = 0; i < count_of (listing, "hidden"); i++) {
    json_object *plugin = item_of (listing, "hidden", i);
    if (!is_in_folder (plugin, path))
      continue;
    g_string_append_printf (out, "  %-*s  hidden by %s\n", (int) columns->name, text_of (plugin, "name"),
                            text_of (plugin, "hidden_by"));
    found++;
  }
  if (found == 0 && *problem == '\0')
    g_string_append (out, "  no plugins\n");
}

static void
put_listing (GString *out, json_object *listing)
{
  Columns columns = measure (listing);
  for (gsize i = 0; i < count_of (listing, "folders"); i++) {
    if (i > 0)
      g_string_append_c (out, '\n');
    put_folder (out, listing, item_of (listing, "folders", i), &columns);
  }
}

/* ---- one plugin ---- */

static void
put_list (GString *out, const char *title, json_object *object, const char *key)
{
  g_autofree char *names = join (object, key);
  if (*names == '\0')
    return;
  gsize column = 4 + strlen (title);
  g_string_append_printf (out, "  %s: ", title);
  put_wrapped (out, column, column, names);
}

static char *
describe_range (json_object *option)
{
  const char *least = text_of (option, "minimum"), *most = text_of (option, "maximum");
  if (*least != '\0' && *most != '\0')
    return g_strdup_printf (" from %s to %s", least, most);
  if (*least != '\0')
    return g_strdup_printf (" of at least %s", least);
  return *most == '\0' ? g_strdup ("") : g_strdup_printf (" of at most %s", most);
}

/* Sizes, durations and choices as one writes them, texts in quotes. */
static char *
describe_default (json_object *option)
{
  json_object *value = json_object_object_get (option, "default");
  const char *type = text_of (option, "type");
  if (value == NULL)
    return g_strdup ("");
  gboolean quoted = strcmp (type, "string") == 0 || strcmp (type, "strings") == 0;
  const char *text = quoted
                       ? json_object_to_json_string_ext (value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                       : json_object_get_string (value);
  return g_strconcat ("; default ", text, NULL);
}

static void
put_option (GString *out, json_object *option, gsize indent)
{
  g_autofree char *choices = json_object_object_get (option, "choices") == NULL ? NULL : join (option, "choices");
  g_autofree char *range = describe_range (option);
  g_autofree char *initial = describe_default (option);
  g_autofree char *flags = join (option, "flags");
  gboolean required = json_object_get_boolean (json_object_object_get (option, "required"));
  g_autofree char *line = g_strdup_printf ("%s%s%s%s%s%s%s%s", text_of (option, "type"), choices == NULL ? "" : ": ",
                                           choices == NULL ? "" : choices, range, *flags == '\0' ? "" : ", ", flags,
                                           required ? "; required" : "", initial);
  g_string_append_printf (out, "  %-*s", (int) indent - 2, text_of (option, "name"));
  put_wrapped (out, indent, indent, line);
  if (*text_of (option, "help") == '\0')
    return;
  g_string_append_printf (out, "%*s", (int) indent, "");
  put_wrapped (out, indent, indent, text_of (option, "help"));
}

static void
put_role (GString *out, json_object *role, const char *name)
{
  gsize longest = 0;
  for (gsize i = 0; i < count_of (role, "options"); i++)
    longest = MAX (longest, strlen (text_of (item_of (role, "options", i), "name")));
  g_string_append_printf (out, "\n%c%s: ", g_ascii_toupper (name[0]), name + 1);
  put_wrapped (out, strlen (name) + 2, 2, text_of (role, "summary"));
  if (count_of (role, "options") > 0)
    g_string_append_c (out, '\n');
  for (gsize i = 0; i < count_of (role, "options"); i++)
    put_option (out, item_of (role, "options", i), 2 + longest + 3);
  if (count_of (role, "counters") + count_of (role, "ports") + count_of (role, "flags") > 0)
    g_string_append_c (out, '\n');
  put_list (out, "counters", role, "counters");
  put_list (out, "ports", role, "ports");
  put_list (out, "flags", role, "flags");
}

static void
put_plugin (GString *out, json_object *plugin)
{
  json_object *roles = json_object_object_get (plugin, "roles");
  g_string_append_printf (out, "%s %s, built for Weir %s\n%s\n", text_of (plugin, "name"), text_of (plugin, "version"),
                          text_of (plugin, "built_for"), text_of (plugin, "file"));
  for (gsize i = 0; i < count_of (plugin, "hides"); i++)
    g_string_append_printf (out, "hides %s\n", json_object_get_string (item_of (plugin, "hides", i)));
  for (gsize i = 0; i < G_N_ELEMENTS (role_names); i++) {
    json_object *role = json_object_object_get (roles, role_names[i]);
    if (role != NULL)
      put_role (out, role, role_names[i]);
  }
}

/* ---- "reply" ---- */

/* No plugin of its own: those whose producer accepts connections have it as a role. Takes the listing. */
static json_object *
describe_reply (json_object *listing)
{
  json_object *reply = json_object_new_object (), *plugins = json_object_new_array ();
  json_object_object_add (reply, "name", json_object_new_string (WEIR_REPLY));
  json_object_object_add (reply, "role", json_object_new_string ("consumer"));
  json_object_object_add (reply, "plugins", plugins);
  for (gsize i = 0; i < count_of (listing, "plugins"); i++) {
    json_object *plugin = item_of (listing, "plugins", i);
    json_object *role = json_object_object_get (json_object_object_get (plugin, "roles"), WEIR_REPLY);
    if (role == NULL)
      continue;
    json_object *offer = json_object_new_object ();
    json_object_array_add (plugins, offer);
    json_object_object_add (offer, "name", json_object_new_string (text_of (plugin, "name")));
    json_object_object_add (offer, "file", json_object_new_string (text_of (plugin, "file")));
    json_object_object_add (offer, "reply", json_object_get (role));
  }
  json_object_put (listing);
  return reply;
}

static void
put_reply (GString *out, json_object *reply)
{
  g_string_append (out, "reply is the other half of a connection\n\n");
  put_wrapped (
    out, 0, 0,
    "A consumer with \"plugin\": \"reply\" sends to the peer whose connection its records come from. \"to\" names "
    "the producer that has accepted it, which is \"per_connection\"; that one's plugin has the options.");
  for (gsize i = 0; i < count_of (reply, "plugins"); i++) {
    json_object *offer = item_of (reply, "plugins", i);
    g_autofree char *title = g_strdup_printf ("to %s", text_of (offer, "name"));
    put_role (out, json_object_object_get (offer, "reply"), title);
  }
  if (count_of (reply, "plugins") == 0)
    g_string_append (out, "\nNo plugin that is found offers it.\n");
}

/* ---- the command ---- */

static int
write_out (const GString *out)
{
  fwrite (out->str, 1, out->len, stdout);
  if (fflush (stdout) == 0 && ferror (stdout) == 0)
    return EXIT_SUCCESS;
  fprintf (stderr, "weir: inspect: cannot write to standard output: %s\n", g_strerror (errno));
  return EXIT_FAILURE;
}

static int
show (WeirRegistry *registry, const char *name, gboolean json)
{
  g_autoptr (GError) error = NULL;
  gboolean reply = name != NULL && strcmp (name, WEIR_REPLY) == 0;
  json_object *found = reply          ? describe_reply (weir_registry_list (registry))
                       : name == NULL ? weir_registry_list (registry)
                                      : weir_registry_describe (registry, name, &error);
  if (found == NULL) {
    fprintf (stderr, "weir: %s\n", error->message);
    return EXIT_USAGE;
  }
  g_autoptr (GString) out = g_string_new (NULL);
  int form = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
  if (json)
    g_string_append_printf (out, "%s\n", json_object_to_json_string_ext (found, form));
  else if (name == NULL)
    put_listing (out, found);
  else if (reply)
    put_reply (out, found);
  else
    put_plugin (out, found);
  json_object_put (found);
  return write_out (out);
}

int
weir_inspect_command (int argc, char **argv)
{
  gboolean json = FALSE;
  g_auto (GStrv) folders = NULL;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &folders,
      "Look for plugins in DIR first; more than once if need be", "DIR" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[PLUGIN]");
  g_option_context_set_summary (context, "Shows which plugins are found where, or one of them with all its options.");
  g_option_context_add_main_entries (context, entries, NULL);
  g_set_prgname ("weir inspect");
  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    fprintf (stderr, "weir: inspect: %s\n", error->message);
    return EXIT_USAGE;
  }
  if (argc > 2) {
    fprintf (stderr, "weir: inspect: found %d arguments, expected one plugin or none; see weir inspect --help\n",
             argc - 1);
    return EXIT_USAGE;
  }
  g_autoptr (WeirRegistry) registry = weir_registry_new ();
  for (gsize i = 0; folders != NULL && folders[i] != NULL; i++)
    weir_registry_add_folder (registry, folders[i], WEIR_FOLDER_ARGUMENT);
  weir_registry_add_defaults (registry);
  return show (registry, argc == 2 ? argv[1] : NULL, json);
}
