/* SPDX-License-Identifier: Apache-2.0 */
/* The shared object of one plugin: looked at, opened, its table checked and described. No callback of it is ever called here.
 * Main thread, or the child process of a listing. */
#ifndef WEIR_PLUGIN_OBJECT_H
#define WEIR_PLUGIN_OBJECT_H

#include <json-c/json.h>
#include <weir/weir.h>

G_BEGIN_DECLS

/* The parts of ABI 1 that a plugin must have; what it lacks behind them is NULL. An option's: its size in the first version, which
 * stays what it was when fields are added. */
#define WEIR_ROLE_SIZE_LEAST G_STRUCT_OFFSET (WeirRole, open)
#define WEIR_OPTION_SIZE_LEAST (6 * sizeof (gpointer))
#define WEIR_PLUGIN_SIZE_LEAST G_STRUCT_OFFSET (WeirPlugin, reply)

/* Can the file be opened without harm? A text, a directory, half an object, one for another machine or one that everybody may
 * replace cannot. FALSE: *message says what was found and expected. */
gboolean weir_plugin_object_check (const char *file, char **message);

/* Checks the file, opens it for good and gives its table, which is checked too. Copies of what an older table lacks go to owned
 * (free function g_free). NULL: *message. */
const WeirPlugin *weir_plugin_object_open (const char *name, const char *file, GPtrArray *owned, char **message);

/* Can the table be used? The table itself, or a copy as large as this version's. NULL: *message. */
const WeirPlugin *weir_plugin_table_check (const char *name, const WeirPlugin *table, GPtrArray *owned, char **message);

/* What `weir inspect NAME --json` shows: name, version, roles with their options, counters and ports. */
json_object *weir_plugin_table_describe (const WeirPlugin *plugin);

/* Letters, digits, _ and -, no digit or - first: what plugins, stages, ports and counters may be called. */
gboolean weir_name_is_sane (const char *name);

G_END_DECLS

#endif
