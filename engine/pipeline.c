/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.c: a graph of stages and links, as it is made (see pipeline.h).
 * Runs on the main thread; nothing of it runs before weir_pipeline_start(), which is pipeline-start.c's. Owns workers, stages
 * and links, and frees them once all stages are closed and the workers joined. */
#include "pipeline-parts.h"

#include <gio/gio.h>
#include <sched.h>

/* How long after the deadline a callback may go on before its stage is called stuck. */
#define GRACE (5 * G_USEC_PER_SEC)

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

void
weir_pipeline_join_workers (WeirPipeline *pipeline)
{
  for (guint i = 0; i < pipeline->workers->len; i++) {
    weir_worker_stop (g_ptr_array_index (pipeline->workers, i));
  }
}

void
weir_pipeline_free (WeirPipeline *pipeline)
{
  weir_pipeline_join_workers (pipeline);
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
