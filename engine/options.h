/* SPDX-License-Identifier: Apache-2.0 */
/* The option table of a role: the values of a JSON object are parsed, checked and put into the role's state.
 * Any thread; nothing global. Whatever is allocated goes to `owned`, made by g_ptr_array_new_with_free_func (g_free) and freed
 * by the caller once close() has returned. Values of options flagged SECRET are never in a message. */
#ifndef WEIR_OPTIONS_H
#define WEIR_OPTIONS_H

#include <json-c/json.h>
#include <weir/weir.h>

#include "units.h"

G_BEGIN_DECLS

/* Parses one value into its field of the state. state may be NULL: only checked (then owned may be NULL too).
 * FALSE: *message says what was found and expected. */
gboolean weir_option_parse (const WeirOption *option, json_object *value, gpointer state, GPtrArray *owned,
                            char **message);

/* One thing wrong with a role's options; key NULL: something is missing. */
typedef void (*WeirOptionProblem) (const char *key, const char *message, gpointer data);

/* Fills the defaults in, then what the object has (NULL: nothing), and reports each required option that is missing, each
 * unknown key and each bad value; where there is none, what the role's check() finds (where there is a state). Keys of the engine
 * (weir_option_is_reserved()) are passed over: they are the loader's. */
void weir_options_check (const WeirRole *role, json_object *object, gpointer state, GPtrArray *owned,
                         WeirOptionProblem report, gpointer data);

/* Does a key of a stage belong to the engine, now or in a later version? No option may have its name. */
gboolean weir_option_is_reserved (const char *name);

/* A table without WEIR_OPTIONS_END is noticed behind so many, and not when it has been read to the end of the memory. */
#define WEIR_OPTIONS_MOST 500

/* Can the role's table be what its author meant? FALSE: *message says what is wrong. */
gboolean weir_options_sane (const WeirRole *role, char **message);

/* For people and schemas. */
const char *weir_option_kind_name (const WeirOption *option); /* "string", "size", ... */
char *weir_option_expected (const WeirOption *option);        /* "a whole number from 1 to 65535"; g_free() it */
char **weir_option_choices (const WeirOption *option);        /* the words of a CHOICE; g_strfreev() it */
/* The ends of "LOW..HIGH" as they are written; an open end is NULL. FALSE: no range. g_free() both. */
gboolean weir_option_range (const WeirOption *option, char **low, char **high);
/* What `weir inspect --json` says of it; json_object_put() it. */
json_object *weir_option_describe (const WeirOption *option);
/* The default of the JSON type that the option has, sizes and durations as they are written; NULL: none. json_object_put() it. */
json_object *weir_option_default (const WeirOption *option);

G_END_DECLS

#endif
