/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of a whole file: its keys, the stages of each section, and for each plugin what its stages may have there. A section's
 * stage is checked for the keys of the engine; then, by its "plugin", against an object that is closed: engine's keys and options.
 * Pure functions; any thread. */
#include "schema.h"

#include "config.h"

#include <string.h>

static json_object *
string (const char *text)
{
  return json_object_new_string (text);
}

static json_object *
describe_key (json_object *schema, const WeirKey *key)
{
  weir_schema_describe (schema, key->option.help);
  return schema;
}

/* A list of one word. */
static json_object *
words (const char *word)
{
  json_object *list = json_object_new_array ();
  json_object_array_add (list, string (word));
  return list;
}

static json_object *
role_of (json_object *plugin, const char *kind)
{
  return json_object_object_get (json_object_object_get (plugin, "roles"), kind);
}

static const char *
name_of (json_object *object)
{
  return json_object_get_string (json_object_object_get (object, "name"));
}

static gboolean
has_flag (json_object *role, const char *flag)
{
  json_object *flags = json_object_object_get (role, "flags");
  for (gsize i = 0; i < json_object_array_length (flags); i++) {
    if (strcmp (json_object_get_string (json_object_array_get_idx (flags, i)), flag) == 0) {
      return TRUE;
    }
  }
  return FALSE;
}

/* ---- a stage ----------------------------------------------------------------------------------------------------------- */

/* May a stage of this role have the key? reply: it is one. */
static gboolean
is_allowed (const WeirKey *key, WeirKind kind, json_object *role, gboolean reply)
{
  switch (key->form) {
  case WEIR_KEY_LATER:
    return FALSE;
  case WEIR_KEY_FROM:
  case WEIR_KEY_QUEUE:
    return kind != WEIR_PRODUCER;
  case WEIR_KEY_TO:
    return reply;
  case WEIR_KEY_THREAD:
    return role == NULL || !has_flag (role, "blocking");
  default:
    return TRUE;
  }
}

/* The key in a stage of this role and plugin: what more holds there than in all of the section. */
static json_object *
narrow (const WeirKey *key, WeirKind kind, json_object *role, gboolean reply)
{
  gboolean never = (key->form == WEIR_KEY_PER_CONNECTION &&
                    (kind != WEIR_PRODUCER || !has_flag (role, "connections"))) ||
                   (key->form == WEIR_KEY_SHARED && (kind == WEIR_PRODUCER || reply));
  return never ? weir_schema_refer ("no") : json_object_new_boolean (TRUE);
}

/* A stage of one role of one plugin, closed. */
static json_object *
plugin_stage (WeirKind kind, json_object *role, gboolean reply)
{
  json_object *schema = json_object_new_object (), *properties = json_object_new_object ();
  json_object *required = json_object_new_array (), *options = json_object_object_get (role, "options");
  weir_schema_describe (schema, json_object_get_string (json_object_object_get (role, "summary")));
  for (const WeirKey *key = weir_stage_keys; key->option.name != NULL; key++) {
    if (is_allowed (key, kind, role, reply)) {
      json_object_object_add (properties, key->option.name, narrow (key, kind, role, reply));
    }
    if (key->form == WEIR_KEY_TO && reply) {
      json_object_array_add (required, string (key->option.name));
    }
  }
  for (gsize i = 0; i < json_object_array_length (options); i++) {
    json_object *option = json_object_array_get_idx (options, i);
    json_object_object_add (properties, name_of (option), weir_schema_value (option));
    if (json_object_get_boolean (json_object_object_get (option, "required"))) {
      json_object_array_add (required, string (name_of (option)));
    }
  }
  json_object_object_add (schema, "properties", properties);
  json_object_object_add (schema, "additionalProperties", json_object_new_boolean (FALSE));
  if (json_object_array_length (required) > 0) {
    json_object_object_add (schema, "required", required);
  } else {
    json_object_put (required);
  }
  return schema;
}

/* The engine's key in any stage of a section. */
static json_object *
stage_key (const WeirKey *key, WeirKind kind)
{
  if (!is_allowed (key, kind, NULL, kind == WEIR_CONSUMER)) {
    return json_object_new_boolean (FALSE);
  }
  switch (key->form) {
  case WEIR_KEY_FROM:
    return describe_key (weir_schema_refer ("from"), key);
  case WEIR_KEY_QUEUE:
    return describe_key (weir_schema_refer ("queue"), key);
  case WEIR_KEY_THREAD:
  case WEIR_KEY_TO:
    return describe_key (weir_schema_refer ("word"), key);
  default:
    return weir_schema_option (&key->option);
  }
}

/* A section while its schema is made. */
typedef struct {
  WeirKind kind;
  json_object *definitions;
  json_object *names;      /* what "plugin" may be */
  json_object *conditions; /* what then holds */
} Section;

static void
add_name (const Section *section, const char *name, const char *summary)
{
  json_object *constant = weir_schema_object ("const", string (name));
  weir_schema_describe (constant, summary);
  json_object_array_add (section->names, constant);
}

static void
add_condition (const Section *section, json_object *plugin, const char *then)
{
  json_object *tested = weir_schema_object ("properties", weir_schema_object ("plugin", plugin));
  json_object_object_add (tested, "required", words ("plugin"));
  json_object *condition = weir_schema_object ("if", tested);
  json_object_object_add (condition, "then", weir_schema_refer (then));
  json_object_array_add (section->conditions, condition);
}

static void
add_plugin (const Section *section, const char *name, json_object *role)
{
  g_autofree char *definition = g_strdup_printf ("%s-%s", weir_kind_names[section->kind], name);
  add_name (section, name, json_object_get_string (json_object_object_get (role, "summary")));
  add_condition (section, weir_schema_object ("const", string (name)), definition);
  json_object_object_add (section->definitions, definition, plugin_stage (section->kind, role, FALSE));
}

/* Whose options a reply has is said by another stage: they are those of one of these plugins. */
static void
add_replies (const Section *section, json_object *plugins)
{
  json_object *offers = json_object_new_array ();
  for (gsize i = 0; i < json_object_array_length (plugins); i++) {
    json_object *plugin = json_object_array_get_idx (plugins, i), *role = role_of (plugin, "reply");
    if (role == NULL) {
      continue;
    }
    g_autofree char *definition = g_strconcat ("reply-", name_of (plugin), NULL);
    json_object_object_add (section->definitions, definition, plugin_stage (WEIR_CONSUMER, role, TRUE));
    json_object_array_add (offers, weir_schema_refer (definition));
  }
  if (json_object_array_length (offers) > 0) {
    add_name (section, WEIR_REPLY, "Sends to the peers of the stage that \"to\" names");
    add_condition (section, weir_schema_object ("const", string (WEIR_REPLY)), WEIR_REPLY);
    json_object_object_add (section->definitions, WEIR_REPLY, weir_schema_object ("anyOf", offers));
  } else {
    json_object_put (offers);
  }
}

/* Where "plugin" is ${NAME}, nothing is known of the options. */
static json_object *
section_stage (json_object *definitions, json_object *plugins, WeirKind kind)
{
  json_object *schema = json_object_new_object (), *properties = json_object_new_object ();
  json_object *required = json_object_new_array ();
  Section section = {
    .kind = kind, .definitions = definitions, .names = json_object_new_array (), .conditions = json_object_new_array ()
  };

  for (gsize i = 0; i < json_object_array_length (plugins); i++) {
    json_object *plugin = json_object_array_get_idx (plugins, i), *role = role_of (plugin, weir_kind_names[kind]);
    if (role != NULL && strcmp (name_of (plugin), WEIR_REPLY) != 0) {
      add_plugin (&section, name_of (plugin), role);
    }
  }
  if (kind == WEIR_CONSUMER) {
    add_replies (&section, plugins);
  }
  json_object_array_add (section.names, weir_schema_refer ("expanded"));
  if (kind != WEIR_PRODUCER) {
    weir_schema_add_bounds (section.conditions);
  }

  for (const WeirKey *key = weir_stage_keys; key->option.name != NULL; key++) {
    gboolean needed = key->form == WEIR_KEY_PLUGIN || (key->form == WEIR_KEY_FROM && kind != WEIR_PRODUCER);
    json_object *value = key->form == WEIR_KEY_PLUGIN ? describe_key (weir_schema_object ("anyOf", section.names), key)
                                                      : stage_key (key, kind);
    json_object_object_add (properties, key->option.name, value);
    if (needed) {
      json_object_array_add (required, string (key->option.name));
    }
  }
  json_object_object_add (schema, "type", string ("object"));
  json_object_object_add (schema, "properties", properties);
  json_object_object_add (schema, "required", required);
  json_object_object_add (schema, "allOf", section.conditions);
  return schema;
}

/* ---- a file ------------------------------------------------------------------------------------------------------------ */

static json_object *
engine_object (void)
{
  json_object *schema = weir_schema_object ("type", string ("object")), *properties = json_object_new_object ();
  for (const WeirOption *option = weir_engine_keys; option->name != NULL; option++) {
    json_object_object_add (properties, option->name, weir_schema_option (option));
  }
  json_object_object_add (schema, "properties", properties);
  json_object_object_add (schema, "additionalProperties", json_object_new_boolean (FALSE));
  return schema;
}

static json_object *
file_key (const WeirKey *key)
{
  static const WeirOption include = { NULL, NULL, NULL, NULL, 0, WEIR_OPTION_STRINGS_, WEIR_PATH };
  json_object *schema = NULL;

  switch (key->form) {
  case WEIR_KEY_SCHEMA:
    schema = weir_schema_object ("type", string ("string"));
    break;
  case WEIR_KEY_NAME:
    /* Of 1 to 100 bytes, and no name of a folder: config.c. */
    schema = weir_schema_object ("type", string ("string"));
    json_object_object_add (schema, "pattern",
                            string ("^(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f-\\u009f]{1,100}$|" WEIR_SCHEMA_EXPANDED));
    json_object_object_add (schema, "patternErrorMessage", string ("expected a name of 1 to 100 bytes without \"/\""));
    json_object_object_add (schema, "$ref", string ("#/$defs/text"));
    break;
  case WEIR_KEY_INCLUDE:
    schema = weir_schema_option (&include);
    break;
  case WEIR_KEY_ENGINE:
    schema = engine_object ();
    break;
  default:
    schema = weir_schema_object ("type", string ("object"));
    json_object_object_add (schema, "propertyNames", weir_schema_object ("pattern", string ("^" WEIR_SCHEMA_WORD "$")));
    json_object_object_add (schema, "additionalProperties",
                            weir_schema_refer (weir_kind_names[key->form - WEIR_KEY_PRODUCERS]));
  }
  return describe_key (schema, key);
}

static json_object *
file_object (void)
{
  json_object *schema = weir_schema_object ("type", string ("object")), *properties = json_object_new_object ();
  for (const WeirKey *key = weir_file_keys; key->option.name != NULL; key++) {
    json_object_object_add (properties, key->option.name, file_key (key));
  }
  json_object_object_add (schema, "properties", properties);
  json_object_object_add (schema, "additionalProperties", json_object_new_boolean (FALSE));
  return schema;
}

/* A file that includes none has at least one producer, and a consumer at the end of what comes from it. */
static void
add_least (json_object *schema)
{
  static const char *const sections[] = { "producers", "consumers" };
  json_object *some = weir_schema_object ("include", weir_schema_object ("minItems", json_object_new_int (1)));
  json_object *includes = weir_schema_object ("required", words ("include"));
  json_object *properties = json_object_new_object (), *required = json_object_new_array ();
  json_object_object_add (includes, "properties", some);
  for (gsize i = 0; i < G_N_ELEMENTS (sections); i++) {
    json_object_array_add (required, string (sections[i]));
    json_object_object_add (properties, sections[i], weir_schema_object ("minProperties", json_object_new_int (1)));
  }
  json_object *whole = weir_schema_object ("required", required);
  json_object_object_add (whole, "properties", properties);
  json_object_object_add (schema, "if", includes);
  json_object_object_add (schema, "else", whole);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* The names of all outputs that have one: "rejected", and the ports of all plugins. */
static char **
output_names (json_object *plugins)
{
  GPtrArray *names = g_ptr_array_new ();
  g_ptr_array_add (names, g_strdup ("rejected"));
  for (gsize i = 0; i < json_object_array_length (plugins); i++) {
    for (WeirKind kind = WEIR_PRODUCER; kind <= WEIR_TRANSFORM; kind++) {
      json_object *role = role_of (json_object_array_get_idx (plugins, i), weir_kind_names[kind]);
      json_object *ports = role == NULL ? NULL : json_object_object_get (role, "ports");
      for (gsize j = 0; ports != NULL && j < json_object_array_length (ports); j++) {
        const char *port = json_object_get_string (json_object_array_get_idx (ports, j));
        if (!g_ptr_array_find_with_equal_func (names, port, g_str_equal, NULL)) {
          g_ptr_array_add (names, g_strdup (port));
        }
      }
    }
  }
  g_ptr_array_sort (names, by_name);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

json_object *
weir_schema_new (json_object *plugins)
{
  json_object *schema = json_object_new_object (), *definitions = json_object_new_object ();
  g_auto (GStrv) ports = output_names (plugins);

  json_object_object_add (schema, "$schema", string ("https://json-schema.org/draft/2020-12/schema"));
  json_object_object_add (schema, "title", string ("A pipeline of Weir"));
  weir_schema_describe (schema, "Made by weir schema " PACKAGE_VERSION ", with the plugins that it found");
  json_object_object_add (schema, "$ref", string ("#/$defs/file"));
  add_least (schema);
  json_object_object_add (schema, "$defs", definitions);
  weir_schema_add_values (definitions, ports);
  json_object_object_add (definitions, "file", file_object ());
  json_object_object_add (definitions, "from", weir_schema_from ());
  json_object_object_add (definitions, "queue", weir_schema_queue ());
  for (WeirKind kind = WEIR_PRODUCER; kind <= WEIR_CONSUMER; kind++) {
    json_object_object_add (definitions, weir_kind_names[kind], section_stage (definitions, plugins, kind));
  }
  return schema;
}
