/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON Schema (2020-12) of whole pipeline files: the engine's keys as keys.h has them, and each stage's options as the plugins
 * that are there describe them. Pure functions; any thread; the caller owns what is returned. */
#ifndef WEIR_SCHEMA_H
#define WEIR_SCHEMA_H

#include "keys.h"

#include <json-c/json.h>

G_BEGIN_DECLS

/* plugins: a list of weir_plugin_table_describe()'s, sorted by name. The same list gives the same text. */
json_object *weir_schema_new (json_object *plugins);

/* For the files of the schema alone. ------------------------------------------------------------------------------- */

/* What a value may be wherever it stands, by name: what values and stages refer to. ports: names of all outputs that a stage may
 * have; NULL-ended. */
void weir_schema_add_values (json_object *definitions, char *const *ports);

/* The value of an option, as weir_option_describe() has it. */
json_object *weir_schema_value (json_object *option);
json_object *weir_schema_option (const WeirOption *option);

/* One stage's "from" and "queue". */
json_object *weir_schema_from (void);
json_object *weir_schema_queue (void);

/* That a queue is bounded, where "queue" has one half of it and a link in "from" the other: two conditions, for a list of all. */
void weir_schema_add_bounds (json_object *all);

/* {"$ref": "#/$defs/NAME"} */
json_object *weir_schema_refer (const char *name);
/* {KEY: VALUE}; takes the value. */
json_object *weir_schema_object (const char *key, json_object *value);
void weir_schema_describe (json_object *schema, const char *text); /* NULL: it stays without */

/* Two regular expressions of whole texts: any that can be expanded, and those in which there is something to expand. */
#define WEIR_SCHEMA_ITEM "(?:[^$\\u0000]|\\$(?!\\$*\\{)|\\$\\$+\\{)"
#define WEIR_SCHEMA_VARIABLE "\\$\\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}\\u0000]*)?\\}"
#define WEIR_SCHEMA_TEXT "^(?:" WEIR_SCHEMA_ITEM "|" WEIR_SCHEMA_VARIABLE ")*$"
#define WEIR_SCHEMA_EXPANDED \
  "^" WEIR_SCHEMA_ITEM "*" WEIR_SCHEMA_VARIABLE "(?:" WEIR_SCHEMA_ITEM "|" WEIR_SCHEMA_VARIABLE ")*$"

/* A word such as a stage's name. */
#define WEIR_SCHEMA_WORD "[A-Za-z_][A-Za-z0-9_-]*"
#define WEIR_SCHEMA_WORD_FORM "a letter or _, then letters, digits, _ or -"

G_END_DECLS

#endif
