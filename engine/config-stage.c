/* SPDX-License-Identifier: Apache-2.0 */
/* One stage of a configuration: the engine's keys by their table, the plugin with its role, and the plugin's options,
 * which are checked here and given to the stage as JSON. Main thread; the stage belongs to the configuration. */
#include "config-load.h"

#include "found.h"
#include "keys.h"
#include "options.h"

#include <string.h>

/* By the choices of "log". */
static const GLogLevelFlags log_levels[] = { G_LOG_LEVEL_DEBUG, G_LOG_LEVEL_INFO, G_LOG_LEVEL_WARNING,
                                             G_LOG_LEVEL_CRITICAL };

const WeirRole *
weir_plugin_role (const WeirPlugin *plugin, WeirKind kind, char **message)
{
  const WeirRole *roles[] = { plugin->producer, plugin->transform, plugin->consumer };

  if (roles[kind] != NULL) {
    return roles[kind];
  }
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_append_printf (text, "plugin \"%s\" is no %s, only a ", plugin->name, weir_kind_names[kind]);
  const char *between = "";
  for (WeirKind other = WEIR_PRODUCER; other <= WEIR_CONSUMER; other++) {
    if (roles[other] == NULL) {
      continue;
    }
    g_string_append_printf (text, "%s%s", between, weir_kind_names[other]);
    between = " and a ";
  }
  *message = g_string_free (g_steal_pointer (&text), FALSE);
  return NULL;
}

static void
open_plugin (WeirLoad *load, WeirLoadStage *entry, const WeirSpot *spot)
{
  WeirConfigStage *stage = entry->stage;
  g_autoptr (GError) error = NULL;

  if (strcmp (stage->plugin_name, WEIR_REPLY) == 0) {
    if (stage->kind != WEIR_CONSUMER) {
      weir_load_wrong (load, spot, "found \"" WEIR_REPLY "\" among the %ss, expected it among the consumers",
                       weir_kind_names[stage->kind]);
    }
    return; /* weir_load_reply() finds its role */
  }
  stage->plugin = weir_registry_open (load->registry, stage->plugin_name, &error);
  if (stage->plugin == NULL) {
    weir_load_wrong (load, spot, "%s", error->message);
    return;
  }
  g_autofree char *message = NULL;
  stage->role = weir_plugin_role (stage->plugin, stage->kind, &message);
  if (stage->role == NULL) {
    weir_load_wrong (load, spot, "%s", message);
  }
}

static void
check_thread (WeirLoad *load, const WeirSpot *spot, const char *thread)
{
  g_autofree char *found = weir_found_text (thread);

  if (!weir_name_is_plain (thread)) {
    weir_load_wrong (load, spot, "found %s, expected a letter or _, then letters, digits, _ or -", found);
  }
}

/* "from" and "queue" are read by config-inputs.c. */
static void
read_keys (WeirLoad *load, WeirLoadStage *entry)
{
  WeirStageValues values = { .log = -1 };
  WeirConfigStage *stage = entry->stage;

  for (const WeirKey *key = weir_stage_keys; key->option.name != NULL; key++) {
    if (key->option.kind == WEIR_OPTION_END_ ||
        !json_object_object_get_ex (entry->spot->value, key->option.name, NULL)) {
      continue;
    }
    WeirSpot spot = weir_spot_member (load, entry->spot, key->option.name);
    if (!weir_load_option (load, &spot, &key->option, &values)) {
      continue;
    }
    if (key->form == WEIR_KEY_PLUGIN) {
      stage->plugin_name = g_strdup (values.plugin);
      if (!weir_places_is_told (spot.places, spot.node)) {
        open_plugin (load, entry, &spot);
      }
    } else if (key->form == WEIR_KEY_THREAD) {
      check_thread (load, &spot, values.thread);
    }
  }
  stage->thread = g_strdup (values.thread);
  stage->to = g_strdup (values.to);
  stage->per_connection = values.per_connection;
  stage->shared = values.shared;
  stage->isolate = values.isolate;
  stage->restarts = values.on_error == 1;
  if (values.isolate && stage->plugin != NULL) {
    stage->file = weir_registry_find (load->registry, stage->plugin_name);
  }
  if (values.log >= 0) {
    stage->log = log_levels[values.log];
  }
  if (!json_object_object_get_ex (entry->spot->value, "plugin", NULL)) {
    weir_load_wrong (load, entry->spot, "missing key \"plugin\"");
  }
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
  while (option != NULL && option->name != NULL && strcmp (option->name, key) != 0) {
    option++;
  }
  if (option != NULL && option->name != NULL) {
    weir_load_wrong (check->load, &spot, "%s", message);
  } else {
    weir_load_wrong_key (check->load, &spot, "%s", message);
  }
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
  WeirConfigStage *stage = entry->stage;

  stage->options = json_object_new_object ();
  if (!weir_load_is_object (load, entry->spot)) {
    load->unread = TRUE;
    return;
  }
  read_keys (load, entry);
  json_object_object_foreach (entry->spot->value, key, value)
  {
    const WeirKey *ours = weir_key_find (weir_stage_keys, key);
    if (ours == NULL) {
      json_object_object_add (stage->options, key, json_object_get (value));
    } else if (ours->form == WEIR_KEY_LATER) {
      WeirSpot spot = weir_spot_member (load, entry->spot, key);
      weir_load_unknown_key (load, &spot, NULL);
    }
  }
  if (stage->role != NULL) {
    weir_load_options (load, entry);
  }
}
