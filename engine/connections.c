/* SPDX-License-Identifier: Apache-2.0 */
/* connections.c: the template of a pipeline per connection, and the list of those that are alive (see connections.h).
 * Made on the main thread; connections are accepted on the listener's worker, leave on their own, and are stopped and summed up
 * from the main thread: list and sums are under the lock. */
#include "connections.h"

#include <string.h>

/* Failures told in a row, each second. */
#define TOLD 10

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
  link->identity->connections = connections;
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
weir_connections_set_watch (WeirConnections *connections, const WeirConnectionsWatch *watch)
{
  connections->watch = watch;
}

const WeirConnectionsWatch *
weir_connections_watch (WeirConnections *connections)
{
  return connections->watch;
}

void
weir_connections_set_up (WeirConnections *connections, GPtrArray *pool, gint64 shutdown, gsize record_max)
{
  GPtrArray *order = g_ptr_array_new ();
  order_from (connections, connections->first, order);
  for (guint i = 0; i < connections->stages->len; i++) {
    order_from (connections, g_ptr_array_index (connections->stages, i), order); /* what the first does not feed */
  }
  for (guint i = 0; i < order->len; i++) {
    ((WeirStage *) g_ptr_array_index (order, i))->template_index = i;
  }
  for (guint i = 0; i < connections->links->len; i++) {
    ((WeirLink *) g_ptr_array_index (connections->links, i))->identity->template_index = i;
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

static void
add (WeirConnections *connections, WeirConnection *connection)
{
  connections->number++;
  connection->next = connections->alive;
  if (connection->next != NULL) {
    connection->next->previous = connection;
  }
  connections->alive = connection;
  connections->count++;
  atomic_fetch_add_explicit (&connection->worker->connections, 1, memory_order_relaxed);
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
  WeirConnection *connection = weir_connection_new (connections, least_busy (connections), handle, destroy, peer);
  if (connections->watch != NULL && !connections->watch->begin (connection, connections->watch->data)) {
    weir_connection_free (connection);
    return FALSE;
  }
  g_mutex_lock (&connections->lock);
  gboolean stopping = connections->stopping;
  if (!stopping) {
    add (connections, connection);
    weir_connection_open (connection);
  }
  g_mutex_unlock (&connections->lock);
  if (stopping) {
    weir_connection_free (connection); /* nobody else has seen it */
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

guint64
weir_connections_accepted (WeirConnections *connections)
{
  g_mutex_lock (&connections->lock);
  guint64 number = connections->number;
  g_mutex_unlock (&connections->lock);
  return number;
}

WeirStage *
weir_connections_running (WeirConnections *connections, WeirWorker *worker)
{
  WeirStage *found = NULL;
  /* Of those in the list none is freed meanwhile: the stage itself may be, before it could be looked at. */
  g_mutex_lock (&connections->lock);
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    for (guint i = 0; i < connections->stages->len; i++) {
      if (connection->worker == worker && &connection->stages[i] == weir_load_relaxed (&worker->running)) {
        found = g_ptr_array_index (connections->stages, i);
      }
    }
  }
  g_mutex_unlock (&connections->lock);
  return found == connections->first ? connections->listener : found;
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
weir_connections_may_tell (WeirConnections *connections)
{
  gint64 now = weir_clock_now ();
  g_mutex_lock (&connections->lock);
  if (now - connections->told_since >= G_USEC_PER_SEC) {
    connections->told_since = now;
    connections->told = 0;
  }
  gboolean may = connections->told < TOLD;
  *(may ? &connections->told : &connections->untold) += 1;
  g_mutex_unlock (&connections->lock);
  return may;
}

void
weir_connections_tell_untold (WeirConnections *connections)
{
  g_mutex_lock (&connections->lock);
  guint untold = connections->untold;
  connections->untold = 0;
  g_mutex_unlock (&connections->lock);
  if (untold > 0) {
    weir_stage_log (connections->listener, G_LOG_LEVEL_WARNING, "%u more connection%s failed", untold,
                    untold == 1 ? " has" : "s have");
  }
}

void
weir_connections_leave (WeirConnections *connections, WeirConnection *connection)
{
  g_mutex_lock (&connections->lock);
  weir_connections_add_up (connections, connection);
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
