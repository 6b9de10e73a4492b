/* SPDX-License-Identifier: Apache-2.0 */
/* harness-make.c: how a harness is made: of which role, with which options (weir/harness.h).
 * Runs on the test's thread; nothing of the stage is called here but its check(). A shared object that is opened stays open. */
#include "harness.h"

#include "config.h"
#include "document.h"
#include "found.h"
#include "options.h"
#include "plugin-object.h"

#include <gio/gio.h>
#include <string.h>

G_STATIC_ASSERT ((int) WEIR_HARNESS_PRODUCER == (int) WEIR_PRODUCER);
G_STATIC_ASSERT ((int) WEIR_HARNESS_TRANSFORM == (int) WEIR_TRANSFORM);
G_STATIC_ASSERT ((int) WEIR_HARNESS_CONSUMER == (int) WEIR_CONSUMER);

#define FIRST_NOW G_USEC_PER_SEC
#define FIRST_WALL (G_GINT64_CONSTANT (1577836800) * G_USEC_PER_SEC) /* 2020-01-01 */
#define PATIENCE (30 * G_USEC_PER_SEC)

static void
note_problem (const char *key, const char *message, gpointer data)
{
  GString *lines = data;
  g_string_append_printf (lines, "%s%s%s%s", lines->len > 0 ? "\n" : "", key != NULL ? key : "",
                          key != NULL ? ": " : "", message);
}

/* A JSON object; NULL: error, with the places. */
static WeirDocument *
read_object (const char *what, const char *text, GError **error)
{
  g_autoptr (WeirProblems) problems = weir_problems_new ();
  g_autoptr (WeirDocument)
    document = weir_document_new (what, 1, g_strdup (text), strlen (text), 0, WEIR_NODE_NONE, problems);
  if (weir_problems_count (problems, WEIR_SEVERITY_ERROR) > 0) {
    g_autofree char *lines = weir_problems_format (problems);
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, g_strchomp (lines));
    return NULL;
  }
  if (!json_object_is_type (document->value, json_type_object)) {
    g_autofree char *found = weir_found_value (document->value);
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: found %s, expected an object", what, found);
    return NULL;
  }
  return g_steal_pointer (&document);
}

/* The role's state; NULL: error. */
static gpointer
fill_state (const WeirRole *role, const char *options, GPtrArray *owned, GError **error)
{
  g_autoptr (WeirDocument) document = read_object ("options", options != NULL ? options : "{}", error);
  if (document == NULL) {
    return NULL;
  }
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autofree gpointer state = g_malloc0 (MAX (role->state_size, 1));
  weir_options_check (role, document->value, state, owned, note_problem, lines);
  if (lines->len > 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, lines->str);
    return NULL;
  }
  return g_steal_pointer (&state);
}

static void
add_outputs (WeirHarness *harness)
{
  const char *const *ports = harness->real->ports;
  harness->outputs = g_ptr_array_new_with_free_func (weir_harness_output_free);
  if (harness->kind != WEIR_CONSUMER) {
    for (guint i = 0; i < harness->stage->port_count; i++) {
      const char *name = ports != NULL && ports[0] != NULL ? ports[i] : NULL;
      g_ptr_array_add (harness->outputs, weir_harness_output_new (harness, name, i, TRUE));
    }
  }
  g_ptr_array_add (harness->outputs, weir_harness_output_new (harness, "rejected", WEIR_PORT_REJECTED, FALSE));
}

/* Takes owned; on an error too. */
static WeirHarness *
make (const char *name, const WeirRole *role, WeirKind kind, const char *options, GPtrArray *owned, GError **error)
{
  WeirWorker *worker = NULL;
  gpointer state = fill_state (role, options, owned, error);
  if (state == NULL || (worker = weir_worker_new ("harness", error)) == NULL) {
    g_free (state);
    g_ptr_array_unref (owned);
    return NULL;
  }
  WeirHarness *harness = g_new0 (WeirHarness, 1);
  harness->real = role;
  harness->kind = kind;
  harness->owned = owned;
  harness->worker = worker;
  harness->clock = (WeirCrankedClock){ FIRST_NOW, FIRST_WALL - FIRST_NOW };
  worker->clock = &harness->clock;
  weir_harness_note_calls (harness);
  harness->stage = weir_stage_new (name, kind, name, &harness->role, state);
  weir_stage_set_worker (harness->stage, worker);
  harness->record_max = harness->stage->record_max;
  harness->patience = PATIENCE;
  harness->input_settings = (WeirQueueSettings) WEIR_QUEUE_DEFAULTS;
  harness->streams = g_hash_table_new (NULL, NULL);
  harness->numbers = g_hash_table_new (NULL, NULL);
  harness->ledger = g_string_new (NULL);
  harness->said = g_string_new (NULL);
  harness->said_seen = g_string_new (NULL);
  g_mutex_init (&harness->lock);
  harness->stage->report_data = harness; /* who notes asks for it */
  weir_stage_set_log (harness->stage, weir_harness_note_log);
  harness->stage->log_level = G_LOG_LEVEL_DEBUG;
  add_outputs (harness);
  return harness;
}

static WeirHarness *
make_of_plugin (const char *name, const WeirPlugin *table, WeirHarnessKind kind, const char *options, GPtrArray *owned,
                GError **error)
{
  g_autofree char *message = NULL;
  const WeirPlugin *plugin = weir_plugin_table_check (name, table, owned, &message);
  const WeirRole *role = plugin != NULL ? weir_plugin_role (plugin, (WeirKind) kind, &message) : NULL;
  if (role == NULL) {
    g_autofree char *whose = plugin == NULL ? g_strdup_printf ("plugin \"%s\": ", name) : g_strdup ("");
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s%s", whose, message);
    g_ptr_array_unref (owned);
    return NULL;
  }
  return make (name, role, (WeirKind) kind, options, owned, error);
}

WeirHarness *
weir_harness_new (const WeirPlugin *plugin, WeirHarnessKind kind, const char *options, GError **error)
{
  g_return_val_if_fail (plugin != NULL && plugin->name != NULL && (guint) kind <= WEIR_HARNESS_CONSUMER, NULL);
  return make_of_plugin (plugin->name, plugin, kind, options, g_ptr_array_new_with_free_func (g_free), error);
}

WeirHarness *
weir_harness_new_for_role (const WeirRole *role, WeirHarnessKind kind, const char *options, GError **error)
{
  g_return_val_if_fail (role != NULL && (guint) kind <= WEIR_HARNESS_CONSUMER, NULL);
  const WeirRole *roles[] = { NULL, NULL, NULL };
  roles[kind] = role;
  const WeirPlugin plugin = { WEIR_ABI,
                              sizeof (WeirPlugin),
                              sizeof (WeirRole),
                              sizeof (WeirOption),
                              "test",
                              "0",
                              PACKAGE_VERSION,
                              roles[0],
                              roles[1],
                              roles[2],
                              NULL };
  return make_of_plugin ("test", &plugin, kind, options, g_ptr_array_new_with_free_func (g_free), error);
}

WeirHarness *
weir_harness_new_for_file (const char *plugin, WeirHarnessKind kind, const char *options, GError **error)
{
  g_return_val_if_fail (plugin != NULL && (guint) kind <= WEIR_HARNESS_CONSUMER, NULL);
  g_autofree char *file = NULL, *name = NULL, *message = NULL;
  if (strchr (plugin, '/') != NULL) {
    file = g_strdup (plugin);
    name = g_path_get_basename (plugin);
    if (g_str_has_suffix (name, ".so")) {
      name[strlen (name) - strlen (".so")] = '\0';
    }
  } else {
    g_autoptr (WeirRegistry) registry = weir_registry_new ();
    weir_registry_add_defaults (registry);
    name = g_strdup (plugin);
    file = weir_registry_find (registry, plugin);
    if (file == NULL) {
      g_propagate_error (error, weir_registry_unknown (registry, plugin));
      return NULL;
    }
  }
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  const WeirPlugin *table = weir_plugin_object_open (name, file, owned, &message);
  if (table == NULL) {
    g_set_error (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_BROKEN, "plugin \"%s\" (%s): %s", name, file, message);
    return NULL;
  }
  return make_of_plugin (name, table, kind, options, g_steal_pointer (&owned), error);
}

gboolean
weir_harness_set_queue (WeirHarness *harness, const char *link, const char *queue, GError **error)
{
  WeirHarnessOutput *output;
  g_return_val_if_fail (queue != NULL, FALSE);
  g_return_val_if_fail (!harness->opened, FALSE);
  if (!weir_harness_find (harness, link, &output)) {
    return FALSE;
  }
  g_autoptr (WeirDocument) document = read_object ("queue", queue, error);
  g_autofree char *message = NULL;
  WeirQueueSettings settings;
  if (document == NULL) {
    return FALSE;
  }
  if (!weir_queue_settings_read (document->value, &settings, &message)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, message);
    return FALSE;
  }
  *(output != NULL ? &output->settings : &harness->input_settings) = settings;
  if (output != NULL) {
    output->taken = TRUE;
  }
  return TRUE;
}
