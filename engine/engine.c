/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c: a configuration made into a pipeline (see engine.h). Main thread; nothing here runs once the pipeline does. */
#include "engine.h"

#include "isolate/isolate.h"
#include "options.h"

#include <gio/gio.h>

struct _WeirEngine {
  WeirPipeline *pipeline;
  GPtrArray *owned; /* strings of the options */
  GPtrArray *isolations;
};

typedef struct {
  const WeirConfigStage *stage;
  char *message; /* the first */
} Check;

static void
note_problem (const char *key, const char *message, gpointer data)
{
  Check *check = data;
  if (check->message == NULL) {
    check->message = g_strdup_printf ("%s (%s, %s): %s%s%s", check->stage->name, check->stage->plugin_name,
                                      weir_kind_names[check->stage->kind], key != NULL ? key : "",
                                      key != NULL ? ": " : "", message);
  }
}

/* The loader has checked the same options, so a problem here is the loader's fault; it is told all the same. */
static gpointer
fill_state (WeirEngine *engine, const WeirConfigStage *stage, GError **error)
{
  Check check = { .stage = stage };
  gpointer state = g_malloc0 (MAX (stage->role->state_size, 1));
  weir_options_check (stage->role, stage->options, state, engine->owned, note_problem, &check);
  if (check.message == NULL) {
    return state;
  }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, check.message);
  g_free (check.message);
  g_free (state);
  return NULL;
}

/* state is taken. */
static WeirStage *
add_to_pipeline (WeirEngine *engine, const WeirConfigStage *config, const WeirRole *role, gpointer state,
                 GError **error)
{
  return config->listener != NULL
           ? weir_pipeline_add_template (engine->pipeline, config->name, config->kind, config->plugin_name, role, state)
           : weir_pipeline_add (engine->pipeline, config->name, config->kind, config->plugin_name, role, state,
                                config->thread, error);
}

/* Stages that write to its connections; before: those before that one. */
static guint
count_replies (const WeirConfig *config, const WeirConfigStage *listener, const WeirConfigStage *before)
{
  guint count = 0;
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage == before) {
      break;
    }
    count += stage->to != NULL && stage->listener == listener ? 1 : 0;
  }
  return count;
}

/* The stage runs in a child process; here it has a role of ours. */
static WeirStage *
add_isolated (WeirEngine *engine, const WeirConfig *all, const WeirConfigStage *config, GError **error)
{
  WeirIsolation *isolation = weir_isolation_new (config->kind, config->role, config->file, config->options);
  g_ptr_array_add (engine->isolations, isolation);
  if (config->per_connection) {
    weir_isolation_listen (isolation, 1 + count_replies (all, config, NULL), all->workers);
  } else if (config->to != NULL) {
    weir_isolation_join (isolation, 1 + count_replies (all, config->listener, config));
  }
  WeirStage *stage = add_to_pipeline (engine, config, weir_isolation_role (isolation), weir_isolation_state (isolation),
                                      error);
  if (stage != NULL) {
    weir_isolation_adopt (stage);
  }
  return stage;
}

static WeirStage *
make_stage (WeirEngine *engine, const WeirConfig *all, const WeirConfigStage *config, GError **error)
{
  if (config->isolate) {
    return add_isolated (engine, all, config, error);
  }
  gpointer state = fill_state (engine, config, error);
  return state != NULL ? add_to_pipeline (engine, config, config->role, state, error) : NULL;
}

static gboolean
add_stage (WeirEngine *engine, const WeirConfig *all, const WeirConfigStage *config, GError **error)
{
  WeirStage *stage = make_stage (engine, all, config, error);
  if (stage == NULL) {
    return FALSE;
  }
  if (config->log != 0) {
    stage->log_level = config->log;
  }
  if (config->restarts) {
    weir_restart_enable (stage, WEIR_RESTART_FIRST);
  }
  return TRUE;
}

/* What exists once for each of its connections. */
static gboolean
add_connections (WeirEngine *engine, const WeirConfig *config, const WeirConfigStage *listener, GError **error)
{
  WeirStage *stage = weir_pipeline_stage (engine->pipeline, listener->index);
  gpointer state = listener->isolate ? weir_isolation_state_of (stage) : fill_state (engine, listener, error);
  WeirConnections *connections = state != NULL ? weir_pipeline_listen (engine->pipeline, stage, state, error) : NULL;
  if (connections == NULL) {
    return FALSE;
  }
  weir_connections_first (connections)->log_level = stage->log_level;
  if (listener->isolate) {
    weir_isolation_adopt (weir_connections_first (connections));
  }
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *other = g_ptr_array_index (config->stages, i);
    if (other->listener == listener) {
      weir_connections_add_stage (connections, weir_pipeline_stage (engine->pipeline, i));
    }
  }
  return TRUE;
}

static gboolean
add_links (WeirEngine *engine, const WeirConfigStage *config, GError **error)
{
  WeirStage *to = weir_pipeline_stage (engine->pipeline, config->index);
  for (guint i = 0; i < config->inputs->len; i++) {
    const WeirConfigInput *input = g_ptr_array_index (config->inputs, i);
    WeirStage *from = weir_pipeline_stage (engine->pipeline, input->from->index);
    guint port = input->rejected ? WEIR_PORT_REJECTED : input->port;
    if (weir_pipeline_link (engine->pipeline, from, port, to, &input->queue, error) == NULL) {
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
build (WeirEngine *engine, const WeirConfig *config, GError **error)
{
  weir_pipeline_set_record_max (engine->pipeline, config->record_max);
  weir_pipeline_set_shutdown (engine->pipeline, config->shutdown);
  weir_pipeline_set_workers (engine->pipeline, config->workers);
  for (guint i = 0; i < config->stages->len; i++) {
    if (!add_stage (engine, config, g_ptr_array_index (config->stages, i), error)) {
      return FALSE;
    }
  }
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->per_connection && !add_connections (engine, config, stage, error)) {
      return FALSE;
    }
  }
  for (guint i = 0; i < config->stages->len; i++) {
    if (!add_links (engine, g_ptr_array_index (config->stages, i), error)) {
      return FALSE;
    }
  }
  return TRUE;
}

WeirEngine *
weir_engine_new (const WeirConfig *config, GError **error)
{
  WeirEngine *engine = g_new0 (WeirEngine, 1);
  engine->pipeline = weir_pipeline_new (config->name);
  engine->owned = g_ptr_array_new_with_free_func (g_free);
  engine->isolations = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_isolation_free);
  if (!build (engine, config, error)) {
    g_clear_pointer (&engine, weir_engine_free);
  }
  return engine;
}

void
weir_engine_free (WeirEngine *engine)
{
  if (engine == NULL) {
    return;
  }
  weir_pipeline_free (engine->pipeline);
  g_ptr_array_unref (engine->isolations);
  g_ptr_array_unref (engine->owned);
  g_free (engine);
}

WeirPipeline *
weir_engine_pipeline (WeirEngine *engine)
{
  return engine->pipeline;
}
