/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a schema: what an option's kind and range allow, as numbers and as strings. Wherever a string stands, ${NAME} may
 * stand in it, and then it may become anything; so each pattern has that way out. Ranges hold for numbers; of numbers in strings a
 * pattern says which are below zero, or zero, where the range forbids that. Pure functions; any thread. */
#include "schema.h"

#include "options.h"
#include "units.h"

#include <string.h>

/* What a template has between braces: nothing, or a name without blanks at its ends. */
#define TEMPLATE_NAME \
  "(?:[^{}\"\\u0000-\\u0020\\u007f](?:[^{}\"\\u0000-\\u001f\\u007f]*[^{}\"\\u0000-\\u0020\\u007f])?)?"
#define TEMPLATE "(?:[^{}]|\\{\\{|\\}\\}|\\{" TEMPLATE_NAME "\\})*"

json_object *
weir_schema_object (const char *key, json_object *value)
{
  json_object *object = json_object_new_object ();
  json_object_object_add (object, key, value);
  return object;
}

json_object *
weir_schema_refer (const char *name)
{
  g_autofree char *path = g_strconcat ("#/$defs/", name, NULL);
  return weir_schema_object ("$ref", json_object_new_string (path));
}

void
weir_schema_describe (json_object *schema, const char *text)
{
  if (text != NULL) {
    json_object_object_add (schema, "description", json_object_new_string (text));
  }
}

static json_object *
list_of (json_object *first, json_object *second)
{
  json_object *list = json_object_new_array ();
  json_object_array_add (list, first);
  if (second != NULL) {
    json_object_array_add (list, second);
  }
  return list;
}

/* What an editor says where the pattern beside it does not match; no validator's business. */
static json_object *
expect (json_object *schema, const char *expected)
{
  g_autofree char *message = g_strconcat ("expected ", expected, NULL);
  json_object_object_add (schema, "patternErrorMessage", json_object_new_string (message));
  return schema;
}

/* A string that is as the expression has it, or is expanded. other: a type that is allowed beside it; or NULL. */
static json_object *
pattern (const char *other, const char *expression, const char *expected)
{
  g_autofree char *whole = g_strdup_printf ("^(?:%s)$|" WEIR_SCHEMA_EXPANDED, expression);
  json_object *schema = json_object_new_object (), *string = json_object_new_string ("string");
  json_object *type = other == NULL ? string : list_of (json_object_new_string (other), string);
  json_object_object_add (schema, "type", type);
  json_object_object_add (schema, "pattern", json_object_new_string (whole));
  return expect (schema, expected);
}

static json_object *
limited (json_object *schema, const char *key, json_object *value)
{
  json_object_object_add (schema, key, value);
  return schema;
}

void
weir_schema_add_values (json_object *definitions, char *const *ports)
{
  g_autofree char *size = weir_size_pattern (), *duration = weir_duration_pattern ();
  g_autofree char *names = g_strjoinv ("|", (char **) ports);
  g_autofree char *output = g_strdup_printf (WEIR_SCHEMA_WORD "(?:\\.(?:%s))?", names);
  g_autofree char *whole_output = g_strdup_printf ("^%s$", output);

  json_object *text = weir_schema_object ("type", json_object_new_string ("string"));
  json_object_object_add (text, "pattern", json_object_new_string (WEIR_SCHEMA_TEXT));
  json_object_object_add (definitions, "text", expect (text, "${NAME} or ${NAME:-text}; write $${ for a plain ${"));
  json_object *expanded = weir_schema_object ("type", json_object_new_string ("string"));
  json_object_object_add (expanded, "pattern", json_object_new_string (WEIR_SCHEMA_EXPANDED));
  json_object_object_add (definitions, "expanded", expect (expanded, "another word, or ${NAME}"));
  json_object *path = limited (weir_schema_refer ("text"), "minLength", json_object_new_int (1));
  json_object_object_add (definitions, "path", path);
  json_object *template = pattern (NULL, TEMPLATE, "a template; \"{{\" is a brace");
  json_object_object_add (template, "$ref", json_object_new_string ("#/$defs/text"));
  json_object_object_add (definitions, "template", template);

  json_object *types = list_of (weir_schema_object ("type", json_object_new_string ("boolean")),
                                pattern (NULL, "true|false", "true or false"));
  json_object_object_add (definitions, "boolean", weir_schema_object ("anyOf", types));
  json_object *no = list_of (json_object_new_boolean (FALSE), json_object_new_string ("false"));
  json_object_object_add (
    definitions, "no",
    weir_schema_object ("anyOf", list_of (weir_schema_object ("enum", no), weir_schema_refer ("expanded"))));

  json_object *integer = pattern ("integer", "-?[0-9]+", "a whole number");
  json_object_object_add (integer, "minimum", json_object_new_int64 (G_MININT64));
  json_object_object_add (definitions, "integer", limited (integer, "maximum", json_object_new_int64 (G_MAXINT64)));
  json_object_object_add (definitions, "number",
                          pattern ("number", "-?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "a number"));
  json_object *sizes = limited (pattern ("integer", size, WEIR_SIZE_FORM), "minimum", json_object_new_int (0));
  json_object_object_add (definitions, "size", limited (sizes, "maximum", json_object_new_uint64 (G_MAXUINT64)));
  /* The one number without a unit is 0. */
  json_object *durations = limited (pattern ("integer", duration, WEIR_DURATION_FORM), "minimum",
                                    json_object_new_int (0));
  json_object_object_add (definitions, "duration", limited (durations, "maximum", json_object_new_int (0)));

  json_object_object_add (definitions, "word", pattern (NULL, WEIR_SCHEMA_WORD, WEIR_SCHEMA_WORD_FORM));
  json_object_object_add (definitions, "output", pattern (NULL, output, "STAGE, STAGE.PORT or STAGE.rejected"));
  json_object_object_add (definitions, "output-key",
                          weir_schema_object ("pattern", json_object_new_string (whole_output)));
}

/* ---- options --------------------------------------------------------------------------------------------------------- */

static const char *
text_of (json_object *object, const char *key)
{
  return json_object_get_string (json_object_object_get (object, key));
}

static gboolean
has_flag (json_object *option, const char *flag)
{
  json_object *flags = json_object_object_get (option, "flags");
  for (gsize i = 0; i < json_object_array_length (flags); i++) {
    if (strcmp (json_object_get_string (json_object_array_get_idx (flags, i)), flag) == 0) {
      return TRUE;
    }
  }
  return FALSE;
}

/* An end of a range as the number that JSON has for it. */
static json_object *
bound (const char *type, const char *text)
{
  guint64 bytes = 0;
  if (strcmp (type, "size") == 0 && weir_parse_size (text, &bytes, NULL)) {
    return json_object_new_uint64 (bytes);
  }
  if (strcmp (type, "integer") == 0) {
    return json_object_new_int64 (g_ascii_strtoll (text, NULL, 10));
  }
  return json_object_new_double_s (g_ascii_strtod (text, NULL), text);
}

/* Is the end of a range above zero? TRUE for "1ms" as for "1". */
static gboolean
is_positive (const char *text)
{
  return *text != '-' && strcspn (text, "123456789") < strlen (text);
}

/* What the lower end of a range forbids of numbers in strings. */
static void
forbid_below (json_object *schema, const char *type, const char *least)
{
  const char *expression = NULL;
  if (*least == '-') {
    return;
  }
  if (strcmp (type, "integer") == 0) {
    expression = is_positive (least) ? "^(?!-|0+$)" : "^(?!-0*[1-9])";
  } else if (strcmp (type, "number") == 0) {
    expression = is_positive (least) ? "^(?!-|0+(?:\\.0+)?$)" : "^(?!-0*\\.?0*[1-9])";
  } else if (is_positive (least)) {
    expression = "^(?!0+(?:\\.0+)?[A-Za-z]*$)";
  }
  if (expression == NULL) {
    return;
  }
  g_autofree char *expected = g_strdup_printf ("at least %s", least);
  json_object_object_add (schema, "pattern", json_object_new_string (expression));
  expect (schema, expected);
}

static json_object *
ranged (json_object *option, const char *type)
{
  const char *least = text_of (option, "minimum"), *most = text_of (option, "maximum");
  json_object *schema = weir_schema_refer (type);
  if (strcmp (type, "duration") != 0 && least != NULL) {
    json_object_object_add (schema, "minimum", bound (type, least));
  }
  if (strcmp (type, "duration") != 0 && most != NULL) {
    json_object_object_add (schema, "maximum", bound (type, most));
  }
  if (strcmp (type, "duration") == 0 && least != NULL && is_positive (least)) {
    json_object_object_add (schema, "type", json_object_new_string ("string")); /* 0 is too short */
  }
  if (least != NULL) {
    forbid_below (schema, type, least);
  }
  return schema;
}

static json_object *
text_schema (json_object *option)
{
  return weir_schema_refer (has_flag (option, "template") ? "template" : has_flag (option, "path") ? "path" : "text");
}

static json_object *
strings (json_object *option)
{
  json_object *list = weir_schema_object ("type", json_object_new_string ("array"));
  json_object_object_add (list, "items", text_schema (option));
  if (json_object_get_boolean (json_object_object_get (option, "required"))) {
    json_object_object_add (list, "minItems", json_object_new_int (1));
  }
  return weir_schema_object ("anyOf", list_of (text_schema (option), list));
}

static json_object *
map (json_object *option)
{
  json_object *schema = weir_schema_object ("type", json_object_new_string ("object"));
  json_object *names = weir_schema_object ("pattern", json_object_new_string ("^[^\\u0000]*$"));
  json_object_object_add (schema, "propertyNames", names);
  return limited (schema, "additionalProperties", text_schema (option));
}

static json_object *
choice (json_object *option)
{
  json_object *words = weir_schema_object ("enum", json_object_get (json_object_object_get (option, "choices")));
  return weir_schema_object ("anyOf", list_of (words, weir_schema_refer ("expanded")));
}

/* The help, and of what has units in which range it is: an editor shows neither otherwise. */
static void
describe (json_object *schema, json_object *option, const char *type)
{
  const char *help = text_of (option, "help"), *least = text_of (option, "minimum"),
             *most = text_of (option, "maximum");
  g_autoptr (GString) text = g_string_new (help);
  if (strcmp (type, "size") == 0 || strcmp (type, "duration") == 0) {
    g_string_append_printf (text, "%sa %s", text->len == 0 ? "" : "; ", type);
    if (least != NULL && most != NULL) {
      g_string_append_printf (text, " from %s to %s", least, most);
    } else if (least != NULL) {
      g_string_append_printf (text, " of at least %s", least);
    } else if (most != NULL) {
      g_string_append_printf (text, " of at most %s", most);
    }
  }
  weir_schema_describe (schema, text->len == 0 ? NULL : text->str);
}

json_object *
weir_schema_value (json_object *option)
{
  const char *type = text_of (option, "type");
  json_object *schema = strcmp (type, "string") == 0    ? text_schema (option)
                        : strcmp (type, "strings") == 0 ? strings (option)
                        : strcmp (type, "map") == 0     ? map (option)
                        : strcmp (type, "choice") == 0  ? choice (option)
                        : strcmp (type, "boolean") == 0 ? weir_schema_refer ("boolean")
                                                        : ranged (option, type);
  json_object *initial = json_object_object_get (option, "default");
  describe (schema, option, type);
  if (initial != NULL) {
    json_object_object_add (schema, "default", json_object_get (initial));
  }
  return schema;
}

json_object *
weir_schema_option (const WeirOption *option)
{
  json_object *description = weir_option_describe (option);
  json_object *schema = weir_schema_value (description);
  json_object_put (description);
  return schema;
}
