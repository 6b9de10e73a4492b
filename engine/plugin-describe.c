/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's table as JSON: what `weir inspect` shows, and what a listing's child process sends to its parent. Constant data;
 * any thread; the caller owns what is returned. Defaults of secret options are left out. */
#include "plugin-object.h"

#include "options.h"

static void
add_text (json_object *object, const char *key, const char *text)
{
  if (text != NULL) {
    json_object_object_add (object, key, json_object_new_string (text));
  }
}

static json_object *
describe_names (const char *const *names)
{
  json_object *list = json_object_new_array ();
  for (gsize i = 0; names != NULL && names[i] != NULL; i++) {
    json_object_array_add (list, json_object_new_string (names[i]));
  }
  return list;
}

typedef struct {
  guint flag;
  const char *name;
} Flag;

static json_object *
describe_flags (guint flags, const Flag *names, gsize count)
{
  json_object *list = json_object_new_array ();
  for (gsize i = 0; i < count; i++) {
    if ((flags & names[i].flag) != 0) {
      json_object_array_add (list, json_object_new_string (names[i].name));
    }
  }
  return list;
}

json_object *
weir_option_describe (const WeirOption *option)
{
  static const Flag names[] = { { WEIR_SECRET, "secret" },
                                { WEIR_PATH, "path" },
                                { WEIR_TEMPLATE, "template" },
                                { WEIR_READS, "reads" },
                                { WEIR_WRITES, "writes" } };
  json_object *object = json_object_new_object ();
  add_text (object, "name", option->name);
  add_text (object, "type", weir_option_kind_name (option));
  json_object_object_add (object, "required", json_object_new_boolean ((option->flags & WEIR_REQUIRED) != 0));
  json_object *initial = (option->flags & WEIR_SECRET) != 0 ? NULL : weir_option_default (option);
  if (initial != NULL) {
    json_object_object_add (object, "default", initial);
  }
  if (option->kind == WEIR_OPTION_CHOICE_) {
    g_auto (GStrv) words = weir_option_choices (option);
    json_object_object_add (object, "choices", describe_names ((const char *const *) words));
  }
  g_autofree char *least = NULL, *most = NULL;
  weir_option_range (option, &least, &most);
  add_text (object, "minimum", least);
  add_text (object, "maximum", most);
  json_object_object_add (object, "flags", describe_flags (option->flags, names, G_N_ELEMENTS (names)));
  add_text (object, "help", option->help);
  return object;
}

static void
describe_role (json_object *roles, const char *name, const WeirRole *role)
{
  static const Flag names[] = { { WEIR_BLOCKING, "blocking" },
                                { WEIR_STATELESS, "stateless" },
                                { WEIR_DUPLEX, "duplex" },
                                { WEIR_BYTES, "bytes" },
                                { WEIR_CONNECTIONS, "connections" } };
  if (role == NULL) {
    return;
  }
  json_object *object = json_object_new_object (), *options = json_object_new_array ();
  json_object_object_add (roles, name, object);
  add_text (object, "summary", role->summary == NULL ? "" : role->summary);
  json_object_object_add (object, "flags", describe_flags (role->flags, names, G_N_ELEMENTS (names)));
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    json_object_array_add (options, weir_option_describe (option));
  }
  json_object_object_add (object, "options", options);
  json_object_object_add (object, "counters", describe_names (role->counters));
  json_object_object_add (object, "ports", describe_names (role->ports));
  json_object_object_add (object, "tags", describe_names (role->tags));
}

json_object *
weir_plugin_table_describe (const WeirPlugin *plugin)
{
  json_object *object = json_object_new_object (), *roles = json_object_new_object ();
  add_text (object, "name", plugin->name);
  add_text (object, "version", plugin->version);
  json_object_object_add (object, "abi", json_object_new_int64 (plugin->abi));
  add_text (object, "built_for", plugin->built_for);
  json_object_object_add (object, "roles", roles);
  describe_role (roles, "producer", plugin->producer);
  describe_role (roles, "transform", plugin->transform);
  describe_role (roles, "consumer", plugin->consumer);
  describe_role (roles, "reply", plugin->reply);
  return object;
}
