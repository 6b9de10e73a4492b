/* SPDX-License-Identifier: Apache-2.0 */
/* `weir inspect --markdown`: plugins as sections of a page, their options as tables. Of two machines with the same plugins the page is
 * the same: no folder is in it. Main thread only. */
#include "cli/inspect.h"

#include <string.h>

/* Text of a plugin, in which nothing is meant to be Markdown; also good in a cell of a table. */
static void
put_plain (GString *out, const char *text)
{
  for (; *text != '\0'; text++) {
    if (strchr ("\\`*<[|", *text) != NULL) {
      g_string_append_c (out, '\\');
    }
    g_string_append_c (out, *text);
  }
}

/* As it would be written in a file. A backquote in it needs two around it. */
static void
put_code (GString *out, const char *text)
{
  const char *fence = strchr (text, '`') == NULL ? "`" : "``";
  g_string_append (out, fence);
  for (; *text != '\0'; text++) {
    if (*text == '|') { /* it would end the cell, even here */
      g_string_append_c (out, '\\');
    }
    g_string_append_c (out, *text);
  }
  g_string_append (out, fence);
}

static void
put_codes (GString *out, json_object *object, const char *key)
{
  for (gsize i = 0; i < weir_inspect_count (object, key); i++) {
    g_string_append (out, i == 0 ? "" : ", ");
    put_code (out, json_object_get_string (weir_inspect_item (object, key, i)));
  }
}

static void
put_option (GString *out, json_object *option)
{
  g_autofree char *range = weir_inspect_range (option), *initial = weir_inspect_default (option);
  g_string_append (out, "| ");
  put_code (out, weir_inspect_text (option, "name"));
  g_string_append_printf (out, " | %s%s", weir_inspect_text (option, "type"), range);
  if (json_object_object_get (option, "choices") != NULL) {
    g_string_append (out, ": ");
    put_codes (out, option, "choices");
  }
  for (gsize i = 0; i < weir_inspect_count (option, "flags"); i++) {
    g_string_append_printf (out, ", %s", json_object_get_string (weir_inspect_item (option, "flags", i)));
  }
  g_string_append (out, " | ");
  if (json_object_get_boolean (json_object_object_get (option, "required"))) {
    g_string_append (out, "required");
  } else if (initial != NULL) {
    put_code (out, initial);
  }
  g_string_append (out, " | ");
  put_plain (out, weir_inspect_text (option, "help"));
  g_string_append (out, " |\n");
}

static void
put_list (GString *out, const char *title, json_object *role, const char *key)
{
  if (weir_inspect_count (role, key) == 0) {
    return;
  }
  g_string_append_printf (out, "- %s: ", title);
  put_codes (out, role, key);
  g_string_append_c (out, '\n');
}

static void
put_role (GString *out, json_object *role, const char *plugin, const char *name)
{
  g_string_append_printf (out, "\n### %s: %s\n\n", plugin, name);
  put_plain (out, weir_inspect_text (role, "summary"));
  g_string_append (out, ".\n");
  if (weir_inspect_count (role, "options") > 0) {
    g_string_append (out, "\n| option | type | default | |\n| --- | --- | --- | --- |\n");
  }
  for (gsize i = 0; i < weir_inspect_count (role, "options"); i++) {
    put_option (out, weir_inspect_item (role, "options", i));
  }
  if (weir_inspect_count (role, "counters") + weir_inspect_count (role, "ports") + weir_inspect_count (role, "tags") +
        weir_inspect_count (role, "flags") >
      0) {
    g_string_append_c (out, '\n');
  }
  put_list (out, "outputs", role, "ports");
  put_list (out, "tags", role, "tags");
  put_list (out, "counters", role, "counters");
  put_list (out, "flags", role, "flags");
}

void
weir_inspect_put_markdown (GString *out, json_object *plugin)
{
  const char *name = weir_inspect_text (plugin, "name"), *version = weir_inspect_text (plugin, "version");
  json_object *roles = json_object_object_get (plugin, "roles"), *offers = json_object_object_get (plugin, "plugins");
  g_string_append_printf (out, "## %s\n", name);
  if (*version != '\0') {
    g_string_append (out, "\nVersion ");
    put_plain (out, version);
    g_string_append (out, ".\n");
  }
  for (gsize i = 0; roles != NULL && weir_inspect_roles[i] != NULL; i++) {
    json_object *role = json_object_object_get (roles, weir_inspect_roles[i]);
    if (role != NULL) {
      put_role (out, role, name, weir_inspect_roles[i]);
    }
  }
  for (gsize i = 0; offers != NULL && i < json_object_array_length (offers); i++) {
    json_object *offer = json_object_array_get_idx (offers, i);
    put_role (out, json_object_object_get (offer, "reply"), name, weir_inspect_text (offer, "name"));
  }
}

static void
put_row (GString *out, json_object *plugin)
{
  const char *name = weir_inspect_text (plugin, "name");
  for (gsize i = 0; weir_inspect_roles[i] != NULL; i++) {
    json_object *role = json_object_object_get (json_object_object_get (plugin, "roles"), weir_inspect_roles[i]);
    if (role == NULL) {
      continue;
    }
    g_string_append_printf (out, "| [%s](#%s-%s) | %s | ", name, name, weir_inspect_roles[i], weir_inspect_roles[i]);
    put_plain (out, weir_inspect_text (role, "summary"));
    g_string_append (out, " |\n");
  }
}

void
weir_inspect_put_reference (GString *out, json_object *plugins, json_object *broken)
{
  g_string_append (
    out,
    "# Plugins\n\n"
    "From the plugins' own tables, as `weir inspect PLUGIN` shows them too. What a stage of any plugin has besides,\n"
    "`from`, `queue`, `thread` and others, is in weir-pipeline(5).\n\n"
    "A *size* is bytes, or has one of the units KiB, MiB, GiB, KB, MB and GB; a *duration* has one of us, ms, s, m, h\n"
    "and d. *strings* is one string or a list, *map* an object of strings. A *path* is relative to the working\n"
    "directory; it names a file whose bytes are the stage's input (*reads*) or that it alone writes (*writes*). In a\n"
    "*template*, `{}` is the payload, `{NAME}` a tag, `{time}` the record's time, `{host}` this host and `{{` a "
    "brace.\n"
    "A *secret* is never shown. What a stage rejects goes to `STAGE.rejected`, with the tags `reason` and `stage`.\n\n"
    "*blocking* roles have a worker of their own; *bytes* roles make chunks of streams, not messages; *duplex* ones "
    "are\n"
    "two independent halves; *connections* can be `per_connection`; *stateless* ones treat each record by itself. A "
    "*reply* is\n"
    "a consumer with `\"plugin\": \"reply\"`.\n\n"
    "| plugin | role | |\n| --- | --- | --- |\n");
  for (gsize i = 0; i < json_object_array_length (plugins); i++) {
    put_row (out, json_object_array_get_idx (plugins, i));
  }
  for (gsize i = 0; broken != NULL && i < json_object_array_length (broken); i++) {
    json_object *object = json_object_array_get_idx (broken, i);
    g_string_append_printf (out, "| %s | broken | ", weir_inspect_text (object, "name"));
    put_plain (out, weir_inspect_text (object, "error"));
    g_string_append (out, " |\n");
  }
  for (gsize i = 0; i < json_object_array_length (plugins); i++) {
    g_string_append_c (out, '\n');
    weir_inspect_put_markdown (out, json_object_array_get_idx (plugins, i));
  }
}
