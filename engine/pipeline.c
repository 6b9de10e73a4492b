/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c: a running graph and its life (see pipeline.h).
 * Runs on the main thread; the one function that workers call is report(), which hands an event to the main loop. Owns
 * workers, stages and links, and frees them once all stages are closed and the workers joined. */
#include "pipeline.h"

#include "front.h"

#include <gio/gio.h>
#include <sched.h>

/* How long after the deadline a callback may go on before its stage is called stuck. */
#define GRACE (5 * G_USEC_PER_SEC)

const char *const weir_result_names[] = { "done", "failed", "stopped", "undelivered" };

struct _WeirPipeline {
  char *name;
  GPtrArray *stages, *links, *workers;
  GPtrArray *running; /* stages that are not of a template */
  GPtrArray *connections, *pool;
  guint pool_size;
  GHashTable *threads; /* name -> worker */
  GPtrArray *order;    /* stages, takers before those who feed them */
  const WeirPipelineEvents *events;
  gpointer data;
  guint answered, open_failed, started, ready, closed;
  gboolean starting, told_ready, stopping, failed, over;
  char *failure; /* the first */
  gint64 shutdown, grace, began, ended;
  guint deadline;
  gsize record_max;
};

typedef struct {
  WeirPipeline *pipeline;
  WeirStage *stage;
  WeirStageEvent event;
} Event;

WeirPipeline *
weir_pipeline_new (const char *name)
{
  WeirPipeline *pipeline = g_new0 (WeirPipeline, 1);
  pipeline->name = g_strdup (name);
  pipeline->stages = g_ptr_array_new ();
  pipeline->links = g_ptr_array_new ();
  pipeline->workers = g_ptr_array_new ();
  pipeline->running = g_ptr_array_new ();
  pipeline->connections = g_ptr_array_new ();
  pipeline->pool = g_ptr_array_new ();
  pipeline->threads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  pipeline->order = g_ptr_array_new ();
  pipeline->shutdown = 10 * G_USEC_PER_SEC;
  pipeline->grace = GRACE;
  pipeline->record_max = 16 * 1024 * 1024;
  return pipeline;
}

static void
join_workers (WeirPipeline *pipeline)
{
  for (guint i = 0; i < pipeline->workers->len; i++) {
    weir_worker_stop (g_ptr_array_index (pipeline->workers, i));
  }
}

void
weir_pipeline_free (WeirPipeline *pipeline)
{
  join_workers (pipeline);
  g_clear_handle_id (&pipeline->deadline, g_source_remove);
  for (guint i = 0; i < pipeline->links->len; i++) {
    weir_link_free (g_ptr_array_index (pipeline->links, i));
  }
  for (guint i = 0; i < pipeline->stages->len; i++) {
    weir_stage_unref (g_ptr_array_index (pipeline->stages, i));
  }
  for (guint i = 0; i < pipeline->workers->len; i++) {
    weir_worker_unref (g_ptr_array_index (pipeline->workers, i));
  }
  g_ptr_array_unref (pipeline->links);
  g_ptr_array_unref (pipeline->stages);
  for (guint i = 0; i < pipeline->connections->len; i++) {
    weir_connections_free (g_ptr_array_index (pipeline->connections, i));
  }
  g_ptr_array_unref (pipeline->connections);
  g_ptr_array_unref (pipeline->pool);
  g_ptr_array_unref (pipeline->running);
  g_ptr_array_unref (pipeline->workers);
  g_ptr_array_unref (pipeline->order);
  g_hash_table_unref (pipeline->threads);
  g_free (pipeline->failure);
  g_free (pipeline->name);
  g_free (pipeline);
}

void
weir_pipeline_set_record_max (WeirPipeline *pipeline, gsize bytes)
{
  pipeline->record_max = bytes;
}

void
weir_pipeline_set_workers (WeirPipeline *pipeline, guint workers)
{
  pipeline->pool_size = workers;
}

void
weir_pipeline_set_shutdown (WeirPipeline *pipeline, gint64 microseconds)
{
  pipeline->shutdown = microseconds;
}

void
weir_pipeline_set_grace (WeirPipeline *pipeline, gint64 microseconds)
{
  pipeline->grace = microseconds;
}

static WeirWorker *
worker_for (WeirPipeline *pipeline, const char *stage, const char *thread, GError **error)
{
  WeirWorker *worker = thread != NULL ? g_hash_table_lookup (pipeline->threads, thread) : NULL;
  if (worker == NULL) {
    worker = weir_worker_new (thread != NULL ? thread : stage, error);
    if (worker == NULL) {
      return NULL;
    }
    g_ptr_array_add (pipeline->workers, worker);
    if (thread != NULL) {
      g_hash_table_insert (pipeline->threads, g_strdup (thread), worker);
    }
  }
  return worker;
}

WeirStage *
weir_pipeline_add (WeirPipeline *pipeline, const char *name, WeirKind kind, const char *plugin, const WeirRole *role,
                   gpointer self, const char *thread, GError **error)
{
  if (thread != NULL && (role->flags & WEIR_BLOCKING) != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "%s (%s, %s): its callbacks may block, so it cannot share thread \"%s\"; it always has one of its own",
                 name, plugin, weir_kind_names[kind], thread);
    g_free (self);
    return NULL;
  }
  WeirWorker *worker = worker_for (pipeline, name, thread, error);
  if (worker == NULL) {
    g_prefix_error (error, "%s (%s, %s): ", name, plugin, weir_kind_names[kind]);
    g_free (self);
    return NULL;
  }
  WeirStage *stage = weir_stage_new (name, kind, plugin, role, self);
  weir_stage_set_worker (stage, worker);
  g_ptr_array_add (pipeline->stages, stage);
  g_ptr_array_add (pipeline->running, stage);
  return stage;
}

WeirConnections *
weir_pipeline_listen (WeirPipeline *pipeline, WeirStage *listener, gpointer self, GError **error)
{
  cpu_set_t allowed;
  guint cpus = sched_getaffinity (0, sizeof allowed, &allowed) == 0 ? (guint) CPU_COUNT (&allowed) : 1;
  guint wanted = pipeline->pool_size != 0 ? pipeline->pool_size : cpus;
  while (pipeline->pool->len < wanted) {
    g_autofree char *name = g_strdup_printf ("pool-%u", pipeline->pool->len + 1);
    WeirWorker *worker = worker_for (pipeline, name, NULL, error);
    if (worker == NULL) {
      g_prefix_error (error, "%s (%s, producer): ", listener->name, listener->plugin);
      g_free (self);
      return NULL;
    }
    worker->pooled = TRUE;
    worker->stages = 2;
    g_ptr_array_add (pipeline->pool, worker);
  }
  WeirConnections *connections = weir_connections_new (listener, self);
  g_ptr_array_add (pipeline->connections, connections);
  return connections;
}

WeirStage *
weir_pipeline_add_template (WeirPipeline *pipeline, const char *name, WeirKind kind, const char *plugin,
                            const WeirRole *role, gpointer self)
{
  WeirStage *stage = weir_stage_new (name, kind, plugin, role, self);
  g_ptr_array_add (pipeline->stages, stage);
  return stage;
}

static gboolean
leads_to (WeirPipeline *pipeline, WeirStage *from, WeirStage *to)
{
  if (from == to) {
    return TRUE;
  }
  for (guint i = 0; i < pipeline->links->len; i++) {
    WeirLink *link = g_ptr_array_index (pipeline->links, i);
    if (link->from == from && leads_to (pipeline, link->to, to)) {
      return TRUE;
    }
  }
  return FALSE;
}

WeirLink *
weir_pipeline_link (WeirPipeline *pipeline, WeirStage *from, guint port, WeirStage *to,
                    const WeirQueueSettings *settings, GError **error)
{
  if (leads_to (pipeline, to, from)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s:%s would close a cycle", from->name, to->name);
    return NULL;
  }
  const char *suffix = port == WEIR_PORT_REJECTED  ? "rejected"
                       : from->role->ports != NULL ? from->role->ports[port]
                                                   : NULL;
  g_autofree char *name = g_strdup_printf ("%s%s%s:%s", from->name, suffix != NULL ? "." : "",
                                           suffix != NULL ? suffix : "", to->name);
  WeirLink *link = weir_link_new (name, settings);
  WeirConnections *connections = from->connections;
  weir_stage_wire (link, connections != NULL && from->listens ? weir_connections_first (connections) : from, port, to);
  weir_stage_add_input (to, link);
  if (connections != NULL) {
    weir_connections_add_link (connections, link);
  }
  g_ptr_array_add (pipeline->links, link);
  return link;
}

/* ---- events ---- */

static gboolean
parked (WeirPipeline *pipeline)
{
  return pipeline->closed == pipeline->running->len;
}

/* R12, with both ends of every link parked: what the cursors say is queued is counted by walking the slots. */
static guint64
check_ledger (WeirPipeline *pipeline)
{
  guint64 undelivered = 0;
  for (guint i = 0; i < pipeline->links->len; i++) {
    WeirLink *link = g_ptr_array_index (pipeline->links, i);
    if (link->connections == NULL && link->front == NULL) {
      weir_link_publish (link);
    }
    if (link->connections == NULL && weir_load_relaxed (&link->closed) == WEIR_LINK_FINISHED) {
      weir_intake_discard_run (link->to, link, WEIR_DROP_TAKER_FINISHED);
      weir_link_discard (link, WEIR_DROP_TAKER_FINISHED);
    }
    undelivered += weir_link_check_ledger (link);
  }
  return undelivered;
}

static void
over (WeirPipeline *pipeline)
{
  if (pipeline->over) {
    return;
  }
  pipeline->over = TRUE;
  pipeline->ended = g_get_monotonic_time ();
  g_clear_handle_id (&pipeline->deadline, g_source_remove);
  join_workers (pipeline);
  guint64 undelivered = check_ledger (pipeline);
  WeirResult result = pipeline->failed     ? WEIR_RESULT_FAILED
                      : undelivered > 0    ? WEIR_RESULT_UNDELIVERED
                      : pipeline->stopping ? WEIR_RESULT_STOPPED
                                           : WEIR_RESULT_DONE;
  if (pipeline->events->over != NULL) {
    pipeline->events->over (pipeline, result, pipeline->data);
  }
}

static void
request_all (WeirPipeline *pipeline, guint32 request)
{
  for (guint i = 0; i < pipeline->running->len; i++) {
    WeirStage *stage = g_ptr_array_index (pipeline->running, i);
    weir_stage_request (stage, request);
    if (request != WEIR_REQUEST_OPEN) {
      weir_stage_interrupt (stage);
    }
  }
}

static void
stop_connections (WeirPipeline *pipeline, gboolean halt)
{
  for (guint i = 0; i < pipeline->connections->len; i++) {
    weir_connections_stop (g_ptr_array_index (pipeline->connections, i), halt);
  }
}

static void
tell_stuck (WeirPipeline *pipeline, WeirStage *stage, const char *callback)
{
  if (pipeline->events->stuck != NULL) {
    pipeline->events->stuck (pipeline, stage, callback != NULL ? callback : "the engine", pipeline->data);
  }
}

/* Who has not come to its end, and what it is in. */
static void
look_at_stuck (WeirPipeline *pipeline, WeirStage *stage)
{
  /* Of those that share a worker, the one whose turn it is; outside of turns sources are dispatched. */
  WeirStage *running = weir_load_relaxed (&stage->worker->running);
  if (running != NULL) {
    tell_stuck (pipeline, running, weir_load_relaxed (&stage->worker->callback));
  } else if (stage->listens && weir_connections_alive (stage->connections) > 0) {
    tell_stuck (pipeline, stage, "what refers to one of its connections");
  } else {
    tell_stuck (pipeline, stage, WEIR_IN_SOURCE);
  }
}

static gboolean
stuck (gpointer data)
{
  WeirPipeline *pipeline = data;
  pipeline->deadline = 0;
  /* These first: their listener waits for them. */
  for (guint i = 0; i < pipeline->connections->len; i++) {
    for (guint j = 0; j < pipeline->pool->len; j++) {
      WeirWorker *worker = g_ptr_array_index (pipeline->pool, j);
      WeirStage *stage = weir_connections_running (g_ptr_array_index (pipeline->connections, i), worker);
      if (stage != NULL) {
        tell_stuck (pipeline, stage, weir_load_relaxed (&worker->callback));
      }
    }
  }
  for (guint i = 0; i < pipeline->running->len; i++) {
    WeirStage *stage = g_ptr_array_index (pipeline->running, i);
    if (weir_load_relaxed (&stage->life_seen) != WEIR_LIFE_CLOSED) {
      look_at_stuck (pipeline, stage);
    }
  }
  return G_SOURCE_REMOVE;
}

static void
halt (WeirPipeline *pipeline)
{
  request_all (pipeline, WEIR_REQUEST_HALT);
  stop_connections (pipeline, TRUE);
  pipeline->deadline = g_timeout_add ((guint) (pipeline->grace / 1000), stuck, pipeline);
}

static gboolean
late (gpointer data)
{
  WeirPipeline *pipeline = data;
  if (pipeline->events->late != NULL) {
    pipeline->events->late (pipeline, pipeline->data);
  }
  halt (pipeline);
  return G_SOURCE_REMOVE;
}

void
weir_pipeline_halt (WeirPipeline *pipeline)
{
  if (pipeline->over) {
    return;
  }
  pipeline->stopping = TRUE;
  g_clear_handle_id (&pipeline->deadline, g_source_remove);
  halt (pipeline);
}

void
weir_pipeline_stop (WeirPipeline *pipeline)
{
  if (pipeline->stopping || pipeline->over) {
    return;
  }
  pipeline->stopping = TRUE;
  if (pipeline->answered < pipeline->running->len) {
    request_all (pipeline, WEIR_REQUEST_HALT);
  } else {
    /* Takers start before those who feed them: what is not started has been fed by nobody, and only ends its outputs. */
    for (guint i = 0; i < pipeline->order->len; i++) {
      WeirStage *stage = g_ptr_array_index (pipeline->order, i);
      weir_stage_request (stage, i > pipeline->started          ? WEIR_REQUEST_HALT
                                 : stage->kind == WEIR_PRODUCER ? WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP
                                                                : WEIR_REQUEST_DRAIN);
      weir_stage_interrupt (stage);
    }
  }
  stop_connections (pipeline, FALSE);
  pipeline->deadline = g_timeout_add ((guint) MIN (pipeline->shutdown / 1000, G_MAXINT), late, pipeline);
}

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
    request_all (pipeline, WEIR_REQUEST_CLOSE);
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
    if (parked (pipeline)) {
      over (pipeline);
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
  over (pipeline);
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
  request_all (pipeline, WEIR_REQUEST_OPEN);
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

/* ---- to look at ---- */

const char *
weir_pipeline_name (WeirPipeline *pipeline)
{
  return pipeline->name;
}

WeirStage *
weir_pipeline_stage (WeirPipeline *pipeline, guint index)
{
  return index < pipeline->stages->len ? g_ptr_array_index (pipeline->stages, index) : NULL;
}

WeirLink *
weir_pipeline_link_at (WeirPipeline *pipeline, guint index)
{
  return index < pipeline->links->len ? g_ptr_array_index (pipeline->links, index) : NULL;
}

gint64
weir_pipeline_running_time (WeirPipeline *pipeline)
{
  return pipeline->began == 0 ? 0
                              : (pipeline->ended != 0 ? pipeline->ended : g_get_monotonic_time ()) - pipeline->began;
}
