/* SPDX-License-Identifier: Apache-2.0 */
/* harness.c: a stage between fake ends (weir/harness.h): its making, its life, its end.
 * Runs on the test's thread. A pipeline in small: it asks its stages for what the main thread asks of a pipeline's, and as all of them
 * live on one worker that nobody but the caller turns, each has answered when the crank is idle. */
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

/* ---- make ---- */

/* What the stage tells is seen in its state. */
static void
report (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED WeirStageEvent event, G_GNUC_UNUSED gpointer data)
{
}

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
  harness->stage->log = weir_harness_note_log;
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

/* ---- the links ---- */

WeirHarnessOutput *
weir_harness_output_at (WeirHarness *harness, guint index)
{
  return index < harness->outputs->len ? g_ptr_array_index (harness->outputs, index) : NULL;
}

gboolean
weir_harness_find (WeirHarness *harness, const char *link, WeirHarnessOutput **output)
{
  *output = NULL;
  WeirHarnessOutput *at;
  for (guint i = 0; (at = weir_harness_output_at (harness, i)) != NULL; i++) {
    if ((link == NULL && i == 0 && harness->kind != WEIR_CONSUMER) || g_strcmp0 (link, at->name) == 0) {
      *output = at;
      return TRUE;
    }
  }
  if (harness->kind != WEIR_PRODUCER && g_strcmp0 (link, "input") == 0) {
    return TRUE;
  }
  g_critical ("the harness of a %s has no link \"%s\"", weir_kind_names[harness->kind],
              link != NULL ? link : "(its output)");
  return FALSE;
}

WeirHarnessOutput *
weir_harness_find_output (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output;
  if (weir_harness_find (harness, link, &output) && output == NULL) {
    g_critical ("the link \"input\" is no output");
  }
  return output;
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

void
weir_harness_set_taken (WeirHarness *harness, const char *link, gboolean taken)
{
  g_return_if_fail (!harness->opened);
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  if (output != NULL) {
    output->taken = taken;
  }
}

void
weir_harness_set_record_max (WeirHarness *harness, gsize bytes)
{
  g_return_if_fail (!harness->opened);
  harness->record_max = bytes;
}

void
weir_harness_set_wall (WeirHarness *harness, gint64 unix_microseconds)
{
  harness->clock.wall_offset = unix_microseconds - harness->clock.now;
}

void
weir_harness_set_patience (WeirHarness *harness, gint64 microseconds)
{
  harness->patience = microseconds;
}

void
weir_harness_set_live (WeirHarness *harness, gboolean live)
{
  harness->live = live;
}

/* ---- life ---- */

static void
request_takers (WeirHarness *harness, guint32 request)
{
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    if (output->taker != NULL) {
      weir_stage_request (output->taker, request);
    }
  }
}

static void
request_feed (WeirHarness *harness, guint32 request)
{
  if (harness->feed != NULL) {
    weir_stage_request (harness->feed, request);
  }
}

/* As the pipeline asks: a block in a callback is broken. */
static void
request_stage (WeirHarness *harness, guint32 request)
{
  weir_stage_request (harness->stage, request);
  weir_stage_interrupt (harness->stage);
}

static void
close_all (WeirHarness *harness)
{
  request_takers (harness, WEIR_REQUEST_CLOSE);
  request_feed (harness, WEIR_REQUEST_CLOSE);
  request_stage (harness, WEIR_REQUEST_CLOSE);
  weir_harness_run_ends (harness);
  weir_harness_run_stage (harness);
}

static void
set_up (WeirHarness *harness, WeirStage *stage)
{
  stage->report = report;
  stage->report_data = harness;
  stage->record_max = harness->record_max;
}

gboolean
weir_harness_open (WeirHarness *harness)
{
  g_return_val_if_fail (!harness->opened, FALSE);
  harness->opened = TRUE;
  WeirWorker *before = weir_harness_enter (harness);
  set_up (harness, harness->stage);
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    if (output->taken) {
      weir_harness_make_taker (output);
      set_up (harness, output->taker);
    }
  }
  if (harness->kind != WEIR_PRODUCER) {
    weir_harness_make_feed (harness);
    set_up (harness, harness->feed);
  }
  request_takers (harness, WEIR_REQUEST_OPEN);
  request_feed (harness, WEIR_REQUEST_OPEN);
  weir_stage_request (harness->stage, WEIR_REQUEST_OPEN);
  weir_harness_run_ends (harness);
  weir_harness_run_stage (harness);
  if (harness->stage->failed) {
    close_all (harness);
  }
  weir_harness_leave (harness, before);
  return !harness->stage->failed;
}

gboolean
weir_harness_start (WeirHarness *harness)
{
  g_return_val_if_fail (!harness->started, FALSE);
  if (!harness->opened) {
    weir_harness_open (harness);
  }
  harness->started = TRUE;
  if (harness->stage->life != WEIR_LIFE_OPEN) {
    return FALSE;
  }
  WeirWorker *before = weir_harness_enter (harness);
  request_takers (harness, WEIR_REQUEST_START);
  weir_harness_run_ends (harness);
  weir_stage_request (harness->stage, WEIR_REQUEST_START);
  weir_harness_run_stage (harness);
  if (!harness->stage->failed) {
    request_feed (harness, WEIR_REQUEST_START);
  } else {
    request_feed (harness, WEIR_REQUEST_HALT);
  }
  weir_harness_run_ends (harness);
  weir_harness_leave (harness, before);
  return !harness->stage->failed;
}

void
weir_harness_stop (WeirHarness *harness)
{
  if (!harness->opened) {
    return;
  }
  WeirWorker *before = weir_harness_enter (harness);
  weir_harness_drop_backlog (harness);
  harness->input_ended = TRUE;
  if (harness->started) {
    request_feed (harness, WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP);
    request_stage (harness,
                   harness->kind == WEIR_PRODUCER ? WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP : WEIR_REQUEST_DRAIN);
    request_takers (harness, WEIR_REQUEST_DRAIN);
    weir_harness_run (harness);
  } else {
    harness->started = TRUE;
    close_all (harness);
  }
  weir_harness_leave (harness, before);
}

void
weir_harness_halt (WeirHarness *harness)
{
  if (!harness->opened) {
    return;
  }
  WeirWorker *before = weir_harness_enter (harness);
  harness->started = harness->input_ended = TRUE;
  weir_harness_drop_backlog (harness);
  request_stage (harness, WEIR_REQUEST_HALT);
  weir_harness_run_stage (harness);
  request_feed (harness, WEIR_REQUEST_HALT);
  request_takers (harness, WEIR_REQUEST_HALT);
  weir_harness_run_ends (harness);
  weir_harness_leave (harness, before);
}

void
weir_harness_fail (WeirHarness *harness, const char *message)
{
  g_return_if_fail (harness->opened && message != NULL);
  WeirWorker *before = weir_harness_enter (harness);
  weir_stage_fail (harness->stage, "%s", message);
  weir_harness_run (harness);
  weir_harness_leave (harness, before);
}

gboolean
weir_harness_finish (WeirHarness *harness)
{
  if (!harness->started) {
    weir_harness_start (harness);
  }
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    weir_harness_allow (harness, output->name, G_MAXSIZE);
  }
  if (harness->kind != WEIR_PRODUCER) {
    weir_harness_end (harness);
  }
  return weir_harness_wait_closed (harness) && !harness->stage->failed && weir_harness_balances (harness);
}

void
weir_harness_free (WeirHarness *harness)
{
  if (harness == NULL) {
    return;
  }
  weir_harness_halt (harness);
  WeirWorker *before = weir_harness_enter (harness);
  /* What is left on the context: sources that nobody has destroyed are not waited for. */
  for (guint i = 0; i < 1000 && weir_harness_turn (harness); i++) {}
  g_clear_pointer (&harness->input, weir_link_free);
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    g_clear_pointer (&output->link, weir_link_free);
  }
  g_clear_pointer (&harness->feed, weir_stage_unref);
  g_ptr_array_unref (harness->outputs); /* with the takers */
  weir_stage_unref (harness->stage);
  weir_harness_leave (harness, before);
  harness->worker->clock = NULL;
  weir_worker_unref (harness->worker);
  weir_harness_drop_backlog (harness);
  g_hash_table_unref (harness->streams);
  g_hash_table_unref (harness->numbers);
  g_string_free (harness->events.text, TRUE);
  g_string_free (harness->calls.text, TRUE);
  g_string_free (harness->ledger, TRUE);
  g_string_free (harness->said, TRUE);
  g_string_free (harness->said_seen, TRUE);
  g_mutex_clear (&harness->lock);
  g_ptr_array_unref (harness->owned);
  g_free (harness);
}

WeirStage *
weir_harness_stage (WeirHarness *harness)
{
  return harness->stage;
}

gpointer
weir_harness_self (WeirHarness *harness)
{
  return harness->stage->self;
}
