/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a schema that links have: the words of "from", and the settings of "queue", which the two share. Pure functions; any
 * thread. */
#include "schema.h"

#include <string.h>

static json_object *
string (const char *text)
{
  return json_object_new_string (text);
}

/* Zero, of the kind of a limit: a number or a string. */
static json_object *
zero (const char *expression)
{
  json_object *either = json_object_new_array (), *text = weir_schema_object ("type", string ("string"));
  json_object_array_add (either, weir_schema_object ("const", json_object_new_int (0)));
  json_object_object_add (text, "pattern", string (expression));
  json_object_array_add (either, text);
  return weir_schema_object ("anyOf", either);
}

/* An object that has these keys, and 0 in each. */
static json_object *
unlimited (const char *first, const char *second)
{
  const char *const keys[] = { first, second };
  json_object *schema = json_object_new_object (), *required = json_object_new_array ();
  json_object *properties = json_object_new_object ();
  for (gsize i = 0; i < G_N_ELEMENTS (keys) && keys[i] != NULL; i++) {
    json_object_array_add (required, string (keys[i]));
    json_object_object_add (properties, keys[i],
                            zero (strcmp (keys[i], "records") == 0 ? "^-?0+$" : "^0+(?:\\.0+)?[A-Za-z]*$"));
  }
  json_object_object_add (schema, "required", required);
  json_object_object_add (schema, "properties", properties);
  return schema;
}

json_object *
weir_schema_queue (void)
{
  json_object *schema = weir_schema_object ("type", string ("object")), *properties = json_object_new_object ();
  for (const WeirOption *option = weir_queue_keys; option->name != NULL; option++) {
    json_object *value = weir_schema_option (option);
    if (strcmp (option->name, "low") == 0) {
      /* As low < high: weir_queue_settings_check(). */
      json_object *most = json_object_object_get (value, "maximum");
      json_object_object_add (value, "exclusiveMaximum", json_object_get (most));
      json_object_object_del (value, "maximum");
    }
    json_object_object_add (properties, option->name, value);
  }
  json_object_object_add (schema, "properties", properties);
  json_object_object_add (schema, "additionalProperties", json_object_new_boolean (FALSE));
  json_object_object_add (schema, "not", unlimited ("records", "bytes"));
  return schema;
}

json_object *
weir_schema_from (void)
{
  json_object *list = weir_schema_object ("type", string ("array")),
              *object = weir_schema_object ("type", string ("object"));
  json_object *forms = json_object_new_array ();
  json_object_array_add (forms, weir_schema_refer ("output"));
  json_object_object_add (list, "items", weir_schema_refer ("output"));
  json_object_object_add (list, "minItems", json_object_new_int (1));
  json_object_object_add (list, "uniqueItems", json_object_new_boolean (TRUE));
  json_object_array_add (forms, list);
  json_object_object_add (object, "propertyNames", weir_schema_refer ("output-key"));
  json_object_object_add (object, "additionalProperties", weir_schema_refer ("queue"));
  json_object_object_add (object, "minProperties", json_object_new_int (1));
  json_object_array_add (forms, object);
  return weir_schema_object ("anyOf", forms);
}

/* Where "queue" takes one limit away, no link takes the other away without setting the one. */
static json_object *
bounds (const char *one, const char *other)
{
  json_object *queue = weir_schema_object ("properties", weir_schema_object ("queue", unlimited (one, NULL)));
  json_object *required = json_object_new_array (), *link = unlimited (other, NULL);
  json_object_array_add (required, string ("queue"));
  json_object_object_add (queue, "required", required);

  json_object *sets = json_object_new_array ();
  json_object_array_add (sets, string (one));
  json_object *lacks = weir_schema_object ("not", weir_schema_object ("required", sets));
  json_object *all = json_object_new_array ();
  json_object_array_add (all, link);
  json_object_array_add (all, lacks);
  json_object *links = weir_schema_object ("additionalProperties",
                                           weir_schema_object ("not", weir_schema_object ("allOf", all)));

  json_object *condition = weir_schema_object ("if", queue);
  json_object_object_add (condition, "then", weir_schema_object ("properties", weir_schema_object ("from", links)));
  return condition;
}

void
weir_schema_add_bounds (json_object *all)
{
  json_object_array_add (all, bounds ("records", "bytes"));
  json_object_array_add (all, bounds ("bytes", "records"));
}
