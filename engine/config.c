/* SPDX-License-Identifier: Apache-2.0 */
/* The loader: files, --set, the engine's settings, stages, inputs, graph, paths, in this order, so that one load tells every mistake that
 * can be told. Main thread, before any worker runs; the configuration owns what it names but plugins and roles, which are the
 * registry's. */
#include "config-load.h"

#include "advice.h"
#include "found.h"
#include "keys.h"
#include "options.h"

#include <string.h>

/* Of more stages than this no name is suggested: each wrong one would be compared with all. */
#define SUGGESTED_MAX 5000

static void
input_free (gpointer data)
{
  WeirConfigInput *input = data;

  g_free (input->name);
  g_free (input);
}

static void
stage_free (gpointer data)
{
  WeirConfigStage *stage = data;

  g_ptr_array_set_free_func (stage->inputs, input_free);
  g_ptr_array_unref (stage->inputs);
  json_object_put (stage->options);
  g_free (stage->name);
  g_free (stage->plugin_name);
  g_free (stage->thread);
  g_free (stage->to);
  g_free (stage->file);
  g_free (stage);
}

void
weir_config_free (WeirConfig *config)
{
  if (config == NULL) {
    return;
  }
  g_ptr_array_unref (config->stages);
  g_ptr_array_unref (config->files);
  g_free (config->name);
  g_free (config);
}

WeirConfigStage *
weir_config_stage (const WeirConfig *config, const char *name)
{
  for (guint i = 0; i < config->stages->len; i++) {
    WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (strcmp (stage->name, name) == 0) {
      return stage;
    }
  }
  return NULL;
}

static void
read_engine (WeirLoad *load)
{
  WeirEngineValues engine = { 0 };

  weir_load_defaults (load, weir_engine_keys, &engine);
  if (load->engine != NULL) {
    weir_load_table (load, load->engine, weir_engine_keys, &engine);
  }
  load->config->shutdown = engine.shutdown;
  load->config->record_max = engine.record_max;
  load->config->workers = (guint) engine.workers;
  for (const char *const *folder = engine.plugins; folder != NULL && *folder != NULL; folder++) {
    weir_registry_add_folder (load->registry, *folder, WEIR_FOLDER_CONFIG);
  }
}

/* The name is part of paths and of lines in a log. */
static gboolean
name_is_fit (const char *name)
{
  if (*name == '\0' || strlen (name) > 100 || strcmp (name, ".") == 0 || strcmp (name, "..") == 0) {
    return FALSE;
  }
  for (; *name != '\0'; name = g_utf8_next_char (name)) {
    if (*name == '/' || g_unichar_iscntrl (g_utf8_get_char (name))) {
      return FALSE;
    }
  }
  return TRUE;
}

static char *
name_of_file (const char *input)
{
  if (strcmp (input, "-") == 0) {
    return g_strdup ("stdin");
  }
  char *name = g_path_get_basename (input);
  if (g_str_has_suffix (name, ".json") && strlen (name) > strlen (".json")) {
    name[strlen (name) - strlen (".json")] = '\0';
  }
  return name;
}

static void
read_name (WeirLoad *load, const char *input)
{
  if (load->name == NULL) {
    load->config->name = name_of_file (input);
    return;
  }
  const char *name = json_object_is_type (load->name->value, json_type_string)
                       ? json_object_get_string (load->name->value)
                       : "";
  if (name_is_fit (name)) {
    load->config->name = g_strdup (name);
    return;
  }
  g_autofree char *found = weir_found_value (load->name->value);
  weir_load_wrong (load, load->name, "found %s, expected a name of 1 to 100 bytes without \"/\"", found);
}

static void
list_names (WeirLoad *load)
{
  if (load->stages->len > SUGGESTED_MAX) {
    return;
  }
  load->stage_names = g_new0 (const char *, load->stages->len + 1);
  for (guint i = 0; i < load->stages->len; i++) {
    load->stage_names[i] = ((WeirConfigStage *) g_ptr_array_index (load->config->stages, i))->name;
  }
}

/* One child process tries them all. */
static void
try_plugins (WeirLoad *load)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint i = 0; i < load->stages->len; i++) {
    const WeirLoadStage *entry = g_ptr_array_index (load->stages, i);
    json_object *plugin;
    if (json_object_is_type (entry->spot->value, json_type_object) &&
        json_object_object_get_ex (entry->spot->value, "plugin", &plugin) &&
        json_object_is_type (plugin, json_type_string)) {
      g_ptr_array_add (names, (gpointer) json_object_get_string (plugin));
    }
  }
  g_ptr_array_add (names, NULL);
  weir_registry_try (load->registry, (const char *const *) names->pdata);
}

static void
load_all (WeirLoad *load, const char *input, const char *const *settings)
{
  weir_load_files (load, input);
  if (load->root == NULL) {
    return;
  }
  list_names (load);
  for (guint i = 0; settings != NULL && settings[i] != NULL; i++) {
    weir_load_set (load, i + 1, settings[i]);
  }
  read_name (load, input);
  read_engine (load);
  try_plugins (load);
  for (guint i = 0; i < load->stages->len; i++) {
    weir_load_stage (load, g_ptr_array_index (load->stages, i));
  }
  for (guint i = 0; i < load->stages->len; i++) {
    weir_load_reply (load, g_ptr_array_index (load->stages, i));
  }
  for (guint i = 0; i < load->stages->len; i++) {
    weir_load_inputs (load, g_ptr_array_index (load->stages, i));
  }
  weir_load_graph (load);
  weir_load_connections (load);
  weir_load_paths (load);
}

static void
free_document (gpointer document)
{
  weir_document_free (document);
}

WeirConfig *
weir_config_load (const char *input, const char *const *settings, WeirRegistry *registry, WeirProblems *problems)
{
  g_autoptr (WeirConfig) config = g_new0 (WeirConfig, 1);
  WeirLoad load = { .config = config, .problems = problems, .registry = registry };
  guint64 before = weir_problems_count (problems, WEIR_SEVERITY_ERROR);

  config->stages = g_ptr_array_new_with_free_func (stage_free);
  config->files = g_ptr_array_new_with_free_func (g_free);
  load.documents = g_ptr_array_new_with_free_func (free_document);
  load.spots = g_ptr_array_new_with_free_func (g_free);
  load.stages = g_ptr_array_new_with_free_func (g_free);
  load.owned = g_ptr_array_new_with_free_func (g_free);
  load.names = g_hash_table_new (g_str_hash, g_str_equal);
  load.settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  load.included = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  load_all (&load, input, settings);
  if (weir_problems_count (problems, WEIR_SEVERITY_ERROR) == before) {
    weir_advise_stalls (config, problems);
  }
  weir_problems_sort (problems);

  g_free (load.stage_names);
  g_hash_table_unref (load.included);
  g_hash_table_unref (load.settings);
  g_hash_table_unref (load.names);
  g_ptr_array_unref (load.owned);
  g_ptr_array_unref (load.stages);
  g_ptr_array_unref (load.spots);
  g_ptr_array_unref (load.documents);
  if (weir_problems_count (problems, WEIR_SEVERITY_ERROR) > before) {
    return NULL;
  }
  return g_steal_pointer (&config);
}
