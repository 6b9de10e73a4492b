/* SPDX-License-Identifier: Apache-2.0 */
/* `weir inspect` for a terminal of 80 columns: the list of what is found where, and one plugin with its options; and the words for an
 * option that the page of Markdown has too. Main thread only. */
#include "cli/inspect.h"

#include <string.h>

#define WIDTH 80

const char *const weir_inspect_roles[] = { "producer", "transform", "consumer", "reply", NULL };

/* ---- layout ---- */

const char *
weir_inspect_text (json_object *object, const char *key)
{
  const char *text = json_object_get_string (json_object_object_get (object, key));
  return text == NULL ? "" : text;
}

gsize
weir_inspect_count (json_object *object, const char *key)
{
  return json_object_array_length (json_object_object_get (object, key));
}

json_object *
weir_inspect_item (json_object *object, const char *key, gsize i)
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
    if (width == 0) {
      continue;
    }
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
  while (out->len > 0 && out->str[out->len - 1] == ' ') {
    g_string_truncate (out, out->len - 1);
  }
  g_string_append_c (out, '\n');
}

/* The names of a list, with commas. */
static char *
join (json_object *object, const char *key)
{
  GString *names = g_string_new (NULL);
  for (gsize i = 0; i < weir_inspect_count (object, key); i++) {
    g_string_append_printf (names, "%s%s", i == 0 ? "" : ", ",
                            json_object_get_string (weir_inspect_item (object, key, i)));
  }
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
    for (gsize i = 0; i < weir_inspect_count (listing, keys[k]); i++) {
      json_object *plugin = weir_inspect_item (listing, keys[k], i);
      columns.name = MAX (columns.name, strlen (weir_inspect_text (plugin, "name")));
      columns.version = MAX (columns.version, (gsize) g_utf8_strlen (weir_inspect_text (plugin, "version"), -1));
    }
  }
  return columns;
}

/* A line a role; the name and the version stand in the first. */
static void
put_plugin_line (GString *out, json_object *plugin, const Columns *columns)
{
  json_object *roles = json_object_object_get (plugin, "roles");
  const char *name = weir_inspect_text (plugin, "name"), *version = weir_inspect_text (plugin, "version");
  gsize indent = 2 + columns->name + 2 + columns->version + 2 + strlen ("transform") + 2;
  for (gsize i = 0; weir_inspect_roles[i] != NULL; i++) {
    json_object *role = json_object_object_get (roles, weir_inspect_roles[i]);
    if (role == NULL) {
      continue;
    }
    gsize padding = columns->version - (gsize) g_utf8_strlen (version, -1);
    g_string_append_printf (out, "  %-*s  %s%*s  %-9s  ", (int) columns->name, name, version, (int) padding, "",
                            weir_inspect_roles[i]);
    put_wrapped (out, indent, indent, weir_inspect_text (role, "summary"));
    name = version = "";
  }
}

static gboolean
is_in_folder (json_object *plugin, const char *folder)
{
  g_autofree char *own = g_path_get_dirname (weir_inspect_text (plugin, "file"));
  return strcmp (own, folder) == 0;
}

static void
put_folder (GString *out, json_object *listing, json_object *folder, const Columns *columns)
{
  const char *path = weir_inspect_text (folder, "folder"), *problem = weir_inspect_text (folder, "problem");
  gsize found = 0;
  g_string_append_printf (out, "%s%s%s\n", path, *problem == '\0' ? "" : ": ", problem);
  for (gsize i = 0; i < weir_inspect_count (listing, "plugins"); i++) {
    json_object *plugin = weir_inspect_item (listing, "plugins", i);
    if (!is_in_folder (plugin, path)) {
      continue;
    }
    put_plugin_line (out, plugin, columns);
    found++;
  }
  for (gsize i = 0; i < weir_inspect_count (listing, "broken"); i++) {
    json_object *plugin = weir_inspect_item (listing, "broken", i);
    if (!is_in_folder (plugin, path)) {
      continue;
    }
    g_string_append_printf (out, "  %-*s  ", (int) columns->name, weir_inspect_text (plugin, "name"));
    g_autofree char *text = g_strconcat ("broken: ", weir_inspect_text (plugin, "error"), NULL);
    put_wrapped (out, 4 + columns->name, 4 + columns->name, text);
    found++;
  }
  for (gsize i = 0; i < weir_inspect_count (listing, "hidden"); i++) {
    json_object *plugin = weir_inspect_item (listing, "hidden", i);
    if (!is_in_folder (plugin, path)) {
      continue;
    }
    g_string_append_printf (out, "  %-*s  hidden by %s\n", (int) columns->name, weir_inspect_text (plugin, "name"),
                            weir_inspect_text (plugin, "hidden_by"));
    found++;
  }
  if (found == 0 && *problem == '\0') {
    g_string_append (out, "  no plugins\n");
  }
}

void
weir_inspect_put_listing (GString *out, json_object *listing)
{
  Columns columns = measure (listing);
  for (gsize i = 0; i < weir_inspect_count (listing, "folders"); i++) {
    if (i > 0) {
      g_string_append_c (out, '\n');
    }
    put_folder (out, listing, weir_inspect_item (listing, "folders", i), &columns);
  }
}

/* ---- one plugin ---- */

static void
put_list (GString *out, const char *title, json_object *object, const char *key)
{
  g_autofree char *names = join (object, key);
  if (*names == '\0') {
    return;
  }
  gsize column = 4 + strlen (title);
  g_string_append_printf (out, "  %s: ", title);
  put_wrapped (out, column, column, names);
}

char *
weir_inspect_range (json_object *option)
{
  const char *least = weir_inspect_text (option, "minimum"), *most = weir_inspect_text (option, "maximum");
  if (*least != '\0' && *most != '\0') {
    return g_strdup_printf (" from %s to %s", least, most);
  }
  if (*least != '\0') {
    return g_strdup_printf (" of at least %s", least);
  }
  return *most == '\0' ? g_strdup ("") : g_strdup_printf (" of at most %s", most);
}

char *
weir_inspect_default (json_object *option)
{
  json_object *value = json_object_object_get (option, "default");
  const char *type = weir_inspect_text (option, "type");
  if (value == NULL) {
    return NULL;
  }
  gboolean quoted = strcmp (type, "string") == 0 || strcmp (type, "strings") == 0;
  const char *text = quoted
                       ? json_object_to_json_string_ext (value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                       : json_object_get_string (value);
  return g_strdup (text);
}

static void
put_option (GString *out, json_object *option, gsize indent)
{
  g_autofree char *choices = json_object_object_get (option, "choices") == NULL ? NULL : join (option, "choices");
  g_autofree char *range = weir_inspect_range (option);
  g_autofree char *initial = weir_inspect_default (option);
  g_autofree char *flags = join (option, "flags");
  gboolean required = json_object_get_boolean (json_object_object_get (option, "required"));
  g_autofree char *line = g_strdup_printf ("%s%s%s%s%s%s%s%s%s", weir_inspect_text (option, "type"),
                                           choices == NULL ? "" : ": ", choices == NULL ? "" : choices, range,
                                           *flags == '\0' ? "" : ", ", flags, required ? "; required" : "",
                                           initial == NULL ? "" : "; default ", initial == NULL ? "" : initial);
  g_string_append_printf (out, "  %-*s", (int) indent - 2, weir_inspect_text (option, "name"));
  put_wrapped (out, indent, indent, line);
  if (*weir_inspect_text (option, "help") == '\0') {
    return;
  }
  g_string_append_printf (out, "%*s", (int) indent, "");
  put_wrapped (out, indent, indent, weir_inspect_text (option, "help"));
}

static void
put_role (GString *out, json_object *role, const char *name)
{
  gsize longest = 0;
  for (gsize i = 0; i < weir_inspect_count (role, "options"); i++) {
    longest = MAX (longest, strlen (weir_inspect_text (weir_inspect_item (role, "options", i), "name")));
  }
  g_string_append_printf (out, "\n%c%s: ", g_ascii_toupper (name[0]), name + 1);
  put_wrapped (out, strlen (name) + 2, 2, weir_inspect_text (role, "summary"));
  if (weir_inspect_count (role, "options") > 0) {
    g_string_append_c (out, '\n');
  }
  for (gsize i = 0; i < weir_inspect_count (role, "options"); i++) {
    put_option (out, weir_inspect_item (role, "options", i), 2 + longest + 3);
  }
  if (weir_inspect_count (role, "counters") + weir_inspect_count (role, "ports") + weir_inspect_count (role, "tags") +
        weir_inspect_count (role, "flags") >
      0) {
    g_string_append_c (out, '\n');
  }
  put_list (out, "counters", role, "counters");
  put_list (out, "ports", role, "ports");
  put_list (out, "tags", role, "tags");
  put_list (out, "flags", role, "flags");
}

void
weir_inspect_put_plugin (GString *out, json_object *plugin)
{
  json_object *roles = json_object_object_get (plugin, "roles");
  g_string_append_printf (out, "%s %s, built for Weir %s\n%s\n", weir_inspect_text (plugin, "name"),
                          weir_inspect_text (plugin, "version"), weir_inspect_text (plugin, "built_for"),
                          weir_inspect_text (plugin, "file"));
  for (gsize i = 0; i < weir_inspect_count (plugin, "hides"); i++) {
    g_string_append_printf (out, "hides %s\n", json_object_get_string (weir_inspect_item (plugin, "hides", i)));
  }
  for (gsize i = 0; weir_inspect_roles[i] != NULL; i++) {
    json_object *role = json_object_object_get (roles, weir_inspect_roles[i]);
    if (role != NULL) {
      put_role (out, role, weir_inspect_roles[i]);
    }
  }
}

/* ---- "reply" ---- */

void
weir_inspect_put_reply (GString *out, json_object *reply)
{
  g_string_append (out, "reply is the other half of a connection\n\n");
  put_wrapped (
    out, 0, 0,
    "A consumer with \"plugin\": \"reply\" sends to the peer whose connection its records come from. \"to\" names "
    "the producer that has accepted it, which is \"per_connection\"; that one's plugin has the options.");
  for (gsize i = 0; i < weir_inspect_count (reply, "plugins"); i++) {
    json_object *offer = weir_inspect_item (reply, "plugins", i);
    g_autofree char *title = g_strdup_printf ("to %s", weir_inspect_text (offer, "name"));
    put_role (out, json_object_object_get (offer, "reply"), title);
  }
  if (weir_inspect_count (reply, "plugins") == 0) {
    g_string_append (out, "\nNo plugin that is found offers it.\n");
  }
}
