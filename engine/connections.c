/* SPDX-License-Identifier: Apache-2.0 */
/* connections.c: the template of a pipeline per connection, and the list of those that are alive (see connections.h).
 * Made on the main thread; connections are accepted on the listener's worker, leave on their own, and are stopped and summed up
 * from the main thread: list and sums are under the lock. */
#include "connections.h"

#include <string.h>

/* Failures told in a row, each second. */
#define TOLD 10

struct _WeirConnections {
  WeirStage *listener, *first;
  GPtrArray *stages, *links; /* of the template, in the order in which a connection's are started */
  GPtrArray *pool;           /* of WeirWorker; borrowed */
  gint64 shutdown;
  gsize record_max;
  GMutex lock; /* of all below */
  WeirConnection *alive;
  guint count;
  guint64 number;
  gboolean stopping;
  WeirStageFigures *past_stages;
  guint64 **past_counters;
  WeirLinkFigures *past_links;
  gint64 told_since;
  guint told;
  guint64 untold;
};

WeirConnections *
weir_connections_new (WeirStage *listener, gpointer self)
{
  WeirConnections *connections = g_new0 (WeirConnections, 1);
  connections->listener = listener;
  connections->stages = g_ptr_array_new ();
  connections->links = g_ptr_array_new ();
  g_mutex_init (&connections->lock);
  connections->first = weir_stage_new (listener->name, WEIR_PRODUCER, listener->plugin, listener->role, self);
  weir_connections_add_stage (connections, connections->first);
  listener->connections = connections;
  listener->listens = TRUE;
  return connections;
}

void
weir_connections_free (WeirConnections *connections)
{
  for (guint i = 0; i < connections->stages->len && connections->past_counters != NULL; i++) {
    g_free (connections->past_counters[i]);
  }
  weir_stage_unref (connections->first); /* the others are the pipeline's */
  g_ptr_array_unref (connections->stages);
  g_ptr_array_unref (connections->links);
  g_mutex_clear (&connections->lock);
  g_free (connections->past_stages);
  g_free (connections->past_counters);
  g_free (connections->past_links);
  g_free (connections);
}

WeirStage *
weir_connections_first (WeirConnections *connections)
{
  return connections->first;
}

WeirStage *
weir_connections_listener (WeirConnections *connections)
{
  return connections->listener;
}

void
weir_connections_add_stage (WeirConnections *connections, WeirStage *stage)
{
  stage->connections = connections;
  g_ptr_array_add (connections->stages, stage);
}

void
weir_connections_add_link (WeirConnections *connections, WeirLink *link)
{
  link->connections = connections;
  link->producer = &connections->listener->task;
  link->pool = connections->listener->worker->pool;
  g_ptr_array_add (connections->links, link);
}

/* Takers first, so that they are started before those who feed them. */
static void
order_from (WeirConnections *connections, WeirStage *stage, GPtrArray *order)
{
  if (stage->connections != connections || stage->listens || g_ptr_array_find (order, stage, NULL)) {
    return;
  }
  for (guint i = 0; i < connections->links->len; i++) {
    const WeirLink *link = g_ptr_array_index (connections->links, i);
    if (link->from == stage) {
      order_from (connections, link->to, order);
    }
  }
  g_ptr_array_add (order, stage);
}

void
weir_connections_set_up (WeirConnections *connections, GPtrArray *pool, gint64 shutdown, gsize record_max)
{
  GPtrArray *order = g_ptr_array_new ();
  order_from (connections, connections->first, order);
  for (guint i = 0; i < order->len; i++) {
    ((WeirStage *) g_ptr_array_index (order, i))->template_index = i;
  }
  for (guint i = 0; i < connections->links->len; i++) {
    ((WeirLink *) g_ptr_array_index (connections->links, i))->template_index = i;
  }
  g_ptr_array_unref (connections->stages);
  connections->stages = order;
  connections->pool = pool;
  connections->shutdown = shutdown;
  connections->record_max = record_max;
  connections->past_stages = g_new0 (WeirStageFigures, order->len);
  connections->past_links = g_new0 (WeirLinkFigures, connections->links->len + 1);
  connections->past_counters = g_new0 (guint64 *, order->len);
  for (guint i = 0; i < order->len; i++) {
    connections->past_counters[i] = g_new0 (guint64, ((WeirStage *) g_ptr_array_index (order, i))->counter_count + 1);
  }
}

guint
weir_connections_stage_count (WeirConnections *connections)
{
  return connections->stages->len;
}

WeirStage *
weir_connections_stage (WeirConnections *connections, guint index)
{
  return g_ptr_array_index (connections->stages, index);
}

guint
weir_connections_link_count (WeirConnections *connections)
{
  return connections->links->len;
}

WeirLink *
weir_connections_link (WeirConnections *connections, guint index)
{
  return g_ptr_array_index (connections->links, index);
}

gint64
weir_connections_shutdown (WeirConnections *connections)
{
  return connections->shutdown;
}

gsize
weir_connections_record_max (WeirConnections *connections)
{
  return connections->record_max;
}

gboolean
weir_connections_taken (WeirConnections *connections)
{
  for (guint i = 0; i < connections->stages->len; i++) {
    const WeirStage *stage = g_ptr_array_index (connections->stages, i);
    if (stage->kind == WEIR_CONSUMER) {
      return TRUE;
    }
  }
  for (guint i = 0; i < connections->links->len; i++) {
    WeirLink *link = g_ptr_array_index (connections->links, i);
    if (link->to->connections != connections && weir_load_acquire (&link->closed) == WEIR_LINK_OPEN) {
      return TRUE;
    }
  }
  return FALSE;
}

/* ---- coming and going ---- */

static WeirWorker *
least_busy (WeirConnections *connections)
{
  WeirWorker *least = g_ptr_array_index (connections->pool, 0);
  for (guint i = 1; i < connections->pool->len; i++) {
    WeirWorker *worker = g_ptr_array_index (connections->pool, i);
    if (weir_load_relaxed (&worker->connections) < weir_load_relaxed (&least->connections)) {
      least = worker;
    }
  }
  return least;
}

gboolean
weir_stage_accept (WeirStage *stage, gpointer handle, GDestroyNotify destroy, const char *peer)
{
  WeirConnections *connections = stage->connections;
  g_return_val_if_fail (stage->listens && handle != NULL, FALSE);
  stage->turn_records++; /* something came of this turn (R5) */
  if (stage->refusing) {
    destroy (handle);
    return FALSE;
  }
  WeirWorker *worker = least_busy (connections);
  WeirConnection *connection = weir_connection_new (connections, worker);
  connection->handle = handle;
  connection->destroy = destroy;
  connection->peer = g_strdup (peer);
  atomic_fetch_add_explicit (&worker->connections, 1, memory_order_relaxed);
  g_mutex_lock (&connections->lock);
  connection->number = ++connections->number;
  connection->next = connections->alive;
  if (connection->next != NULL) {
    connection->next->previous = connection;
  }
  connections->alive = connection;
  connections->count++;
  gboolean stopping = connections->stopping;
  if (!stopping) {
    weir_connection_open (connection);
  }
  g_mutex_unlock (&connections->lock);
  if (stopping) {
    weir_connection_unref (connection);
  }
  return !stopping;
}

guint
weir_connections_alive (WeirConnections *connections)
{
  g_mutex_lock (&connections->lock);
  guint count = connections->count;
  g_mutex_unlock (&connections->lock);
  return count;
}

guint
weir_stage_connections (WeirStage *stage)
{
  return stage->listens ? weir_connections_alive (stage->connections) : 0;
}

gpointer
weir_stage_connection (WeirStage *stage)
{
  return stage->connection != NULL ? stage->connection->handle : NULL;
}

gboolean
weir_stage_per_connection (WeirStage *stage)
{
  return stage->listens;
}

void
weir_connections_stop (WeirConnections *connections, gboolean halt)
{
  g_mutex_lock (&connections->lock);
  connections->stopping = TRUE;
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    weir_connection_ask (connection, halt ? WEIR_REQUEST_HALT : WEIR_REQUEST_STOP);
  }
  g_mutex_unlock (&connections->lock);
}

gboolean
weir_connections_may_tell (WeirConnections *connections, guint64 *untold)
{
  gint64 now = g_get_monotonic_time ();
  g_mutex_lock (&connections->lock);
  if (now - connections->told_since >= G_USEC_PER_SEC) {
    connections->told_since = now;
    connections->told = 0;
  }
  gboolean may = connections->told++ < TOLD;
  *untold = may ? connections->untold : 0;
  connections->untold = may ? 0 : connections->untold + 1;
  g_mutex_unlock (&connections->lock);
  return may;
}

/* ---- figures ---- */

static void
add_stage (WeirStageFigures *sum, const WeirStageFigures *figures)
{
  sum->records_in += figures->records_in;
  sum->records_out += figures->records_out;
  sum->bytes_in += figures->bytes_in;
  sum->bytes_out += figures->bytes_out;
  sum->rejected += figures->rejected;
  sum->errors += figures->errors;
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    sum->clocks[i] += figures->clocks[i];
  }
}

static void
add_link (WeirLinkFigures *sum, const WeirLinkFigures *figures)
{
  sum->in += figures->in;
  sum->out += figures->out;
  sum->queued += figures->queued;
  sum->dropped += figures->dropped;
  for (guint i = 0; i < WEIR_DROP_REASONS; i++) {
    sum->dropped_by[i] += figures->dropped_by[i];
  }
  sum->bytes_in += figures->bytes_in;
  sum->bytes_out += figures->bytes_out;
  sum->pauses += figures->pauses;
  sum->resumes += figures->resumes;
  sum->paused_us += figures->paused_us;
  sum->level_bytes += figures->level_bytes;
  sum->paused = sum->paused || figures->paused;
  sum->peak_records = MAX (sum->peak_records, figures->peak_records);
  sum->peak_bytes = MAX (sum->peak_bytes, figures->peak_bytes);
  sum->peak_pinned = MAX (sum->peak_pinned, figures->peak_pinned);
}

void
weir_connections_stage_figures (WeirConnections *connections, WeirStage *stage, WeirStageFigures *figures)
{
  if (connections->past_stages == NULL) {
    return;
  }
  guint index = stage->listens ? connections->first->template_index : stage->template_index;
  g_mutex_lock (&connections->lock);
  add_stage (figures, &connections->past_stages[index]);
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    WeirStageFigures one;
    weir_stage_figures (connection->stages[index], &one);
    add_stage (figures, &one);
  }
  g_mutex_unlock (&connections->lock);
}

guint64
weir_connections_counter (WeirConnections *connections, WeirStage *stage, guint counter)
{
  if (connections->past_counters == NULL) {
    return 0;
  }
  guint index = stage->listens ? connections->first->template_index : stage->template_index;
  g_mutex_lock (&connections->lock);
  guint64 sum = connections->past_counters[index][counter];
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    sum += weir_load_relaxed (&connection->stages[index]->counters[counter]);
  }
  g_mutex_unlock (&connections->lock);
  return sum;
}

void
weir_connections_link_figures (WeirConnections *connections, WeirLink *link, WeirLinkFigures *figures)
{
  if (connections->past_links == NULL) {
    return;
  }
  g_mutex_lock (&connections->lock);
  add_link (figures, &connections->past_links[link->template_index]);
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    WeirLinkFigures one;
    weir_link_figures (connection->links[link->template_index], &one);
    add_link (figures, &one);
  }
  g_mutex_unlock (&connections->lock);
}

void
weir_connections_leave (WeirConnections *connections, WeirConnection *connection)
{
  g_mutex_lock (&connections->lock);
  for (guint i = 0; i < connections->stages->len; i++) {
    WeirStageFigures figures;
    WeirStage *stage = connection->stages[i];
    weir_stage_figures (stage, &figures);
    add_stage (&connections->past_stages[i], &figures);
    for (guint c = 0; c < stage->counter_count; c++) {
      connections->past_counters[i][c] += weir_load_relaxed (&stage->counters[c]);
    }
  }
  for (guint i = 0; i < connections->links->len; i++) {
    WeirLinkFigures figures;
    weir_link_figures (connection->links[i], &figures);
    add_link (&connections->past_links[i], &figures);
    connections->past_links[i].paused = FALSE;
  }
  if (connection->next != NULL) {
    connection->next->previous = connection->previous;
  }
  *(connection->previous != NULL ? &connection->previous->next : &connections->alive) = connection->next;
  g_mutex_unlock (&connections->lock);
}

void
weir_connections_left (WeirConnections *connections, WeirWorker *worker)
{
  WeirStage *listener = connections->listener;
  atomic_fetch_sub_explicit (&worker->connections, 1, memory_order_relaxed);
  g_mutex_lock (&connections->lock);
  connections->count--;
  g_mutex_unlock (&connections->lock);
  weir_stage_wake (listener);
}
