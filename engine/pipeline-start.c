/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline-start.c: how a pipeline begins, and what its stages tell while it runs.
 * Runs on the main thread; the one function that workers call is report(), which hands an event to the main loop, where
 * take_event() frees it. Opens all, starts takers before those who feed them. */
#include "pipeline-parts.h"

typedef struct {
  WeirPipeline *pipeline;
  WeirStage *stage;
  WeirStageEvent event;
} Event;

static void
start_next (WeirPipeline *pipeline)
{
  if (pipeline->started < pipeline->order->len && !pipeline->stopping) {
    weir_stage_request (g_ptr_array_index (pipeline->order, pipeline->started), WEIR_REQUEST_START);
  }
}

static void
tell_ready (WeirPipeline *pipeline)
{
  if (!pipeline->told_ready && !pipeline->stopping && pipeline->ready == pipeline->running->len) {
    pipeline->told_ready = TRUE;
    if (pipeline->events->ready != NULL) {
      pipeline->events->ready (pipeline, pipeline->data);
    }
  }
}

static void
on_answered (WeirPipeline *pipeline)
{
  if (++pipeline->answered < pipeline->running->len) {
    return;
  }
  if (pipeline->open_failed > 0 || pipeline->stopping) {
    pipeline->started = pipeline->order->len;
    weir_pipeline_request (pipeline, WEIR_REQUEST_CLOSE);
  } else if (pipeline->events->opened != NULL) {
    pipeline->events->opened (pipeline, pipeline->data);
  } else {
    start_next (pipeline);
  }
}

void
weir_pipeline_go (WeirPipeline *pipeline)
{
  if (pipeline->answered == pipeline->running->len && pipeline->started == 0) {
    start_next (pipeline);
  }
}

static void
tell_failed (WeirPipeline *pipeline, WeirStage *stage)
{
  pipeline->failed = TRUE;
  if (pipeline->failure == NULL) {
    pipeline->failure = g_strdup_printf ("%s (%s, %s): %s", stage->name, stage->plugin, weir_kind_names[stage->kind],
                                         stage->failure);
  }
  if (pipeline->events->failed != NULL) {
    pipeline->events->failed (pipeline, stage, stage->failure, pipeline->data);
  }
}

static void
on_failed (WeirPipeline *pipeline, WeirStage *stage)
{
  gboolean opening = pipeline->answered < pipeline->running->len;
  tell_failed (pipeline, stage);
  if (opening) {
    pipeline->open_failed++;
    on_answered (pipeline);
  } else {
    weir_pipeline_stop (pipeline);
  }
}

static gboolean
take_event (gpointer data)
{
  Event *event = data;
  WeirPipeline *pipeline = event->pipeline;
  g_return_val_if_fail (!pipeline->over, G_SOURCE_REMOVE); /* it may be freed by now */
  switch (event->event) {
  case WEIR_STAGE_OPENED:
    on_answered (pipeline);
    break;
  case WEIR_STAGE_STARTED:
    if (++pipeline->started == pipeline->order->len && pipeline->events->started != NULL) {
      pipeline->events->started (pipeline, pipeline->data);
    }
    start_next (pipeline);
    break;
  case WEIR_STAGE_READY:
    pipeline->ready++;
    break;
  case WEIR_STAGE_FAILED:
    on_failed (pipeline, event->stage);
    break;
  case WEIR_STAGE_ENDED:
    break;
  case WEIR_STAGE_CLOSED:
    pipeline->closed++;
    if (pipeline->closed == pipeline->running->len) {
      weir_pipeline_end (pipeline);
      return G_SOURCE_REMOVE;
    }
    break;
  }
  tell_ready (pipeline);
  return G_SOURCE_REMOVE;
}

/* On a worker. */
static void
report (WeirStage *stage, WeirStageEvent what, gpointer data)
{
  Event *event = g_new (Event, 1);
  *event = (Event){ .pipeline = data, .stage = stage, .event = what };
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, take_event, event, g_free);
  /* cppcheck-suppress memleak; the context frees it */
}

/* ---- start ---- */

static void
order_from (WeirPipeline *pipeline, WeirStage *stage)
{
  if (g_ptr_array_find (pipeline->order, stage, NULL)) {
    return;
  }
  for (guint i = 0; i < pipeline->links->len; i++) {
    WeirLink *link = g_ptr_array_index (pipeline->links, i);
    if (link->from == stage) {
      order_from (pipeline, link->to);
    }
  }
  g_ptr_array_add (pipeline->order, stage);
}

/* Nothing of a stage has been called yet: the workers that run are joined, and it is over. */
static void
fail_to_start (WeirPipeline *pipeline, const WeirWorker *worker, const char *message)
{
  WeirStage *stage = g_ptr_array_index (pipeline->running, 0);
  /* A worker of the pool is there for those who listen. */
  for (guint i = 1; stage->worker != worker && !(worker->pooled && stage->listens) && i < pipeline->running->len; i++) {
    stage = g_ptr_array_index (pipeline->running, i);
  }
  g_assert (stage != NULL);
  stage->failed = TRUE;
  stage->failure = g_strdup (message);
  weir_add_relaxed (&stage->errors, 1);
  tell_failed (pipeline, stage);
  weir_pipeline_end (pipeline);
}

void
weir_pipeline_start (WeirPipeline *pipeline, const WeirPipelineEvents *events, gpointer data)
{
  pipeline->events = events;
  pipeline->data = data;
  pipeline->began = g_get_monotonic_time ();
  for (WeirKind kind = WEIR_CONSUMER + 1; kind-- > WEIR_PRODUCER;) {
    for (guint i = 0; i < pipeline->running->len; i++) {
      WeirStage *stage = g_ptr_array_index (pipeline->running, i);
      if (stage->kind == kind) {
        order_from (pipeline, stage);
      }
    }
  }
  for (guint i = 0; i < pipeline->running->len; i++) {
    WeirStage *stage = g_ptr_array_index (pipeline->running, i);
    stage->report = report;
    stage->report_data = pipeline;
    stage->record_max = pipeline->record_max;
  }
  for (guint i = 0; i < pipeline->connections->len; i++) {
    weir_connections_set_up (g_ptr_array_index (pipeline->connections, i), pipeline->pool, pipeline->shutdown,
                             pipeline->record_max);
  }
  for (guint i = 0; i < pipeline->workers->len; i++) {
    WeirWorker *worker = g_ptr_array_index (pipeline->workers, i);
    g_autoptr (GError) error = NULL;
    if (!weir_worker_start (worker, &error)) {
      fail_to_start (pipeline, worker, error->message);
      return;
    }
  }
  weir_pipeline_request (pipeline, WEIR_REQUEST_OPEN);
}

typedef struct {
  GMainLoop *loop;
  WeirResult result;
} Run;

static void
run_over (G_GNUC_UNUSED WeirPipeline *pipeline, WeirResult result, gpointer data)
{
  Run *run = data;
  run->result = result;
  g_main_loop_quit (run->loop);
}

WeirResult
weir_pipeline_run (WeirPipeline *pipeline, char **failure)
{
  static const WeirPipelineEvents events = { .over = run_over };
  Run run = { .loop = g_main_loop_new (NULL, FALSE) };
  weir_pipeline_start (pipeline, &events, &run);
  if (!pipeline->over) {
    g_main_loop_run (run.loop);
  }
  g_main_loop_unref (run.loop);
  if (failure != NULL) {
    *failure = g_strdup (pipeline->failure);
  }
  return run.result;
}
