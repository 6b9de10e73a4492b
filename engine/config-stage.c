/* SPDX-License-Identifier: Apache-2.0 */
/* One stage of a configuration: the engine's keys by a table of their own, the plugin with its role, and the plugin's options,
 * which are checked here and given to the stage as JSON. Main thread; the stage belongs to the configuration. */
#include "config-load.h"

#include "found.h"
#include "options.h"

#include <string.h>

typedef struct {
  const char *plugin, *thread, *to;
  int on_error, log;
  gboolean per_connection, shared, isolate;
} StageKeys;

/* "from" and "queue" are read by config-inputs.c. */
static const WeirOption stage_table[] = {
  WEIR_STRING (StageKeys, plugin, NULL, WEIR_REQUIRED, "Plugin that the stage is an instance of"),
  WEIR_STRING (StageKeys, thread, NULL, 0, "Worker that it shares with the other stages of that name"),
  WEIR_BOOLEAN (StageKeys, per_connection, NULL, 0, "What lies downstream exists once for each connection"),
  WEIR_BOOLEAN (StageKeys, shared, NULL, 0, "All connections share it"),
  WEIR_BOOLEAN (StageKeys, isolate, NULL, 0, "It runs in a child process"),
  WEIR_STRING (StageKeys, to, NULL, 0, "Stage that accepted the connection which a reply goes to"),
  WEIR_CHOICE (StageKeys, on_error, "stop", "stop", 0, "What happens when it fails"),
  WEIR_CHOICE (StageKeys, log, NULL, "debug|info|warning|error", 0, "Least important messages of it that are logged"),
  WEIR_OPTIONS_END,
};
static const GLogLevelFlags log_levels[] = { G_LOG_LEVEL_DEBUG, G_LOG_LEVEL_INFO, G_LOG_LEVEL_WARNING,
                                             G_LOG_LEVEL_CRITICAL };

static const WeirRole *
role_of (const WeirPlugin *plugin, WeirKind kind)
{
  const WeirRole *roles[] = { plugin->producer, plugin->transform, plugin->consumer };

  return roles[kind];
}

static void
open_plugin (WeirLoad *load, WeirLoadStage *entry, const WeirSpot *spot)
{
  WeirConfigStage *stage = entry->stage;
  g_autoptr (GError) error = NULL;

  if (strcmp (stage->plugin_name, WEIR_REPLY) == 0) {
    if (stage->kind != WEIR_CONSUMER)
      weir_load_wrong (load, spot, "found \"" WEIR_REPLY "\" among the %ss, expected it among the consumers",
                       weir_kind_names[stage->kind]);
    return; /* weir_load_reply() finds its role */
  }
  stage->plugin = weir_registry_open (load->registry, stage->plugin_name, &error);
  if (stage->plugin == NULL) {
    weir_load_wrong (load, spot, "%s", error->message);
    return;
  }
  stage->role = role_of (stage->plugin, stage->kind);
  if (stage->role != NULL)
    return;
  g_autoptr (GString) message = g_string_new (NULL);
  g_string_append_printf (message, "plugin \"%s\" is no %s, only a ", stage->plugin_name, weir_kind_names[stage->kind]);
  const char *between = "";
  for (WeirKind kind = WEIR_PRODUCER; kind <= WEIR_CONSUMER; kind++) {
    if (role_of (stage->plugin, kind) == NULL)
      continue;
    g_string_append_printf (message, "%s%s", between, weir_kind_names[kind]);
    between = " and a ";
  }
  weir_load_wrong (load, spot, "%s", message->str);
}

static void
read_keys (WeirLoad *load, WeirLoadStage *entry)
{
  StageKeys keys = { .log = -1 };
  WeirConfigStage *stage = entry->stage;

  for (const WeirOption *option = stage_table; option->name != NULL; option++) {
    WeirSpot spot = weir_spot_member (load, entry->spot, option->name);
    if (!json_object_object_get_ex (entry->spot->value, option->name, NULL))
      continue;
    if (!weir_load_option (load, &spot, option, &keys))
      continue;
    if (keys.plugin != NULL && stage->plugin_name == NULL) {
      stage->plugin_name = g_strdup (keys.plugin);
      if (!weir_places_is_told (spot.places, spot.node))
        open_plugin (load, entry, &spot);
    }
    if (keys.thread != NULL && stage->thread == NULL) {
      g_autofree char *found = weir_found_text (keys.thread);
      if (!weir_name_is_plain (keys.thread))
        weir_load_wrong (load, &spot, "found %s, expected a letter or _, then letters, digits, _ or -", found);
      stage->thread = g_strdup (keys.thread);
    }
    if (keys.to != NULL && stage->to == NULL)
      stage->to = g_strdup (keys.to);
  }
  stage->per_connection = keys.per_connection;
  stage->shared = keys.shared;
  stage->isolate = keys.isolate;
  if (keys.isolate && stage->plugin != NULL)
    stage->file = weir_registry_file (load->registry, stage->plugin_name);
  if (keys.log >= 0)
    stage->log = log_levels[keys.log];
  if (!json_object_object_get_ex (entry->spot->value, "plugin", NULL))
    weir_load_wrong (load, entry->spot, "missing key \"plugin\"");
}

typedef struct {
  WeirLoad *load;
  const WeirSpot *spot;
  const WeirRole *role;
} Check;

/* What the option table says of a key: a bad value where the table has the key, else the key itself. */
static void
report (const char *key, const char *message, gpointer data)
{
  const Check *check = data;
  const WeirOption *option = check->role->options;

  if (key == NULL) {
    weir_load_wrong (check->load, check->spot, "%s", message);
    return;
  }
  WeirSpot spot = weir_spot_member (check->load, check->spot, key);
  while (option != NULL && option->name != NULL && strcmp (option->name, key) != 0)
    option++;
  if (option != NULL && option->name != NULL)
    weir_load_wrong (check->load, &spot, "%s", message);
  else
    weir_load_wrong_key (check->load, &spot, "%s", message);
}

void
weir_load_options (WeirLoad *load, WeirLoadStage *entry)
{
  WeirConfigStage *stage = entry->stage;
  Check check = { load, entry->spot, stage->role };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *state = g_malloc0 (MAX (stage->role->state_size, 1));

  weir_options_check (stage->role, stage->options, state, owned, report, &check);
}

void
weir_load_stage (WeirLoad *load, WeirLoadStage *entry)
{
  static const char *const known[] = { "plugin", "from",           "queue",  "thread",  "on_error",
                                       "log",    "per_connection", "shared", "isolate", "to", NULL };
  WeirConfigStage *stage = entry->stage;

  stage->options = json_object_new_object ();
  if (!weir_load_is_object (load, entry->spot)) {
    load->unread = TRUE;
    return;
  }
  read_keys (load, entry);
  json_object_object_foreach (entry->spot->value, key, value)
  {
    if (g_strv_contains (known, key))
      continue;
    if (!weir_option_is_reserved (key)) {
      json_object_object_add (stage->options, key, json_object_get (value));
      continue;
    }
    /* A word of a later version. */
    WeirSpot spot = weir_spot_member (load, entry->spot, key);
    weir_load_unknown_key (load, &spot, NULL);
  }
  if (stage->role != NULL)
    weir_load_options (load, entry);
}
