/* SPDX-License-Identifier: Apache-2.0 */
/* connection.c: one connection: its copy of the template, and its life (see connections.h).
 * Made on the listener's worker; everything else runs on the connection's own, where all its stages live, so that its state
 * needs no lock. It is freed there too, once its stages are closed and shared stages have let go of its links. */
#include "connections.h"

#include "front.h"

#include <string.h>

static void report (WeirStage *stage, WeirStageEvent event, gpointer data);
static gboolean free_later (WeirLater *later);
static void late (WeirTimer *timer, gpointer data);

static void
copy_stage (WeirConnection *connection, WeirStage *stage, gpointer state, WeirStage *original)
{
  weir_stage_copy (stage, state, original);
  weir_stage_set_worker (stage, connection->worker);
  stage->connection = connection;
  stage->record_max = weir_connections_record_max (connection->of);
  stage->report = report;
  stage->report_data = connection;
}

static void
copy_link (WeirConnection *connection, WeirLink *link, const WeirLink *original)
{
  gboolean shared = original->to->connections != connection->of;
  WeirStage *from = &connection->stages[original->from->template_index];
  WeirStage *to = shared ? original->to : &connection->stages[original->to->template_index];
  weir_link_copy (link, original);
  weir_stage_wire (link, from, original->identity->from_port, to);
  if (shared) {
    link->connection = connection;
    weir_link_extras (link); /* before two workers have it */
    atomic_fetch_add_explicit (&connection->references, 1, memory_order_relaxed);
  } else {
    weir_stage_add_input (to, link);
  }
}

static gsize
rounded (gsize size, gsize to)
{
  return (size + to - 1) & ~(to - 1);
}

/* One block: the connection, what its stages' roles keep and count, the peer's name; then the stages and the links, which begin on
 * cache lines of their own. */
WeirConnection *
weir_connection_new (WeirConnections *connections, WeirWorker *worker, gpointer handle, GDestroyNotify destroy,
                     const char *peer)
{
  guint stages = weir_connections_stage_count (connections), links = weir_connections_link_count (connections);
  gsize states_at = rounded (sizeof (WeirConnection), WEIR_STATE_ALIGNMENT), peer_at = states_at;
  for (guint i = 0; i < stages; i++) {
    peer_at += weir_stage_state_size (weir_connections_stage (connections, i));
  }
  gsize peer_size = strlen (peer) + 1, stages_at = rounded (peer_at + peer_size, 64);
  gsize links_at = stages_at + stages * sizeof (WeirStage);
  guint8 *block = g_aligned_alloc0 (1, links_at + links * sizeof (WeirLink), 64);
  WeirConnection *connection = (WeirConnection *) block;
  connection->of = connections;
  connection->worker = worker;
  connection->handle = handle;
  connection->destroy = destroy;
  connection->peer = memcpy (block + peer_at, peer, peer_size);
  connection->later.run = free_later;
  connection->deadline.fire = late;
  connection->deadline.data = connection;
  atomic_init (&connection->references, 1);
  connection->stages = (WeirStage *) (block + stages_at);
  connection->links = (WeirLink *) (block + links_at);
  guint8 *state = block + states_at;
  for (guint i = 0; i < stages; i++) {
    WeirStage *original = weir_connections_stage (connections, i);
    copy_stage (connection, &connection->stages[i], state, original);
    state += weir_stage_state_size (original);
  }
  for (guint i = 0; i < links; i++) {
    copy_link (connection, &connection->links[i], weir_connections_link (connections, i));
  }
  return connection;
}

static guint
stage_count (WeirConnection *connection)
{
  return weir_connections_stage_count (connection->of);
}

static void
request_all (WeirConnection *connection, guint32 request)
{
  for (guint i = 0; i < stage_count (connection); i++) {
    weir_stage_request (&connection->stages[i], request);
  }
}

void
weir_connection_open (WeirConnection *connection)
{
  for (guint i = 0; i < weir_connections_link_count (connection->of); i++) {
    WeirLink *link = &connection->links[i];
    if (link->connection != NULL) {
      weir_stage_join (link->to, link);
    }
  }
  request_all (connection, WEIR_REQUEST_OPEN);
}

/* ---- its end ---- */

/* Nobody can make one of its tasks ready any more: those that are have had their turn once their flags are down. */
static gboolean
at_rest (WeirConnection *connection)
{
  for (guint i = 0; i < stage_count (connection); i++) {
    WeirStage *stage = &connection->stages[i];
    if (weir_load_acquire (&stage->task.ready) != 0 || stage->dirty) {
      return FALSE;
    }
  }
  return TRUE;
}

/* The run at hand of a stage that is closed is no more finished than what lies behind it. A shared stage has none left here. */
static void
abandon (WeirLink *link, WeirDropReason reason)
{
  if (link->connection == NULL) {
    weir_intake_discard_run (link->to, link, reason);
  }
  weir_link_abandon (link, reason);
}

static void
settle_link (WeirConnection *connection, WeirLink *link)
{
  if (link->front == NULL) {
    weir_link_publish (link);
  }
  /* What lies in a connection that is over is lost with it, unless the deadline of the pipeline's stop has halted it: that, and
   * what has come as far as a shared stage, is undelivered. */
  gboolean lost = connection->failed || (weir_load_relaxed (&connection->asked) & WEIR_REQUEST_HALT) == 0;
  if (weir_load_relaxed (&link->closed) == WEIR_LINK_FINISHED) {
    abandon (link, WEIR_DROP_TAKER_FINISHED);
  } else if (lost && link->connection == NULL) {
    abandon (link, WEIR_DROP_CONNECTION_LOST);
  }
  weir_link_check_ledger (link);
}

void
weir_connection_free (WeirConnection *connection)
{
  const WeirConnectionsWatch *watch = weir_connections_watch (connection->of);
  if (connection->watched != NULL) {
    watch->over (connection, watch->data);
  }
  if (connection->destroy != NULL) {
    connection->destroy (connection->handle);
  }
  for (guint i = 0; i < weir_connections_link_count (connection->of); i++) {
    weir_link_free (&connection->links[i]);
  }
  for (guint i = 0; i < stage_count (connection); i++) {
    weir_stage_free (&connection->stages[i]);
  }
  g_aligned_free (connection);
}

static gboolean
free_later (WeirLater *later)
{
  WeirConnection *connection = (WeirConnection *) ((guint8 *) later - offsetof (WeirConnection, later));
  WeirConnections *connections = connection->of;
  if (!connection->settled) {
    connection->settled = TRUE;
    for (guint i = 0; i < weir_connections_link_count (connections); i++) {
      settle_link (connection, &connection->links[i]); /* which may make a stage ready once more, */
    }
    weir_connections_leave (connections, connection); /* as may a stop until then */
  }
  if (!at_rest (connection)) {
    return FALSE;
  }
  WeirWorker *worker = connection->worker;
  weir_connection_free (connection);
  weir_connections_left (connections, worker);
  return TRUE;
}

void
weir_connection_unref (WeirConnection *connection)
{
  if (atomic_fetch_sub_explicit (&connection->references, 1, memory_order_acq_rel) == 1) {
    weir_worker_later (connection->worker, &connection->later);
  }
}

static void
park (WeirConnection *connection)
{
  weir_timers_disarm (connection->worker->timers, &connection->deadline);
  for (guint i = 0; i < weir_connections_link_count (connection->of); i++) {
    WeirLink *link = &connection->links[i];
    if (link->connection != NULL) {
      weir_stage_part (link->to, link);
    }
  }
  weir_connection_unref (connection);
}

/* ---- its life ---- */

static void
halt (WeirConnection *connection)
{
  weir_timers_disarm (connection->worker->timers, &connection->deadline);
  request_all (connection, WEIR_REQUEST_HALT);
}

static void
late (G_GNUC_UNUSED WeirTimer *timer, gpointer data)
{
  WeirConnection *connection = data;
  /* Where the whole pipeline is told to stop, its own time is over now too, and will be told a little later. */
  if ((weir_load_relaxed (&connection->asked) & WEIR_REQUEST_STOP) != 0) {
    atomic_fetch_or_explicit (&connection->asked, WEIR_REQUEST_HALT, memory_order_relaxed);
  }
  halt (connection);
}

/* As the pipeline does: producers emit no more, the others drain; what is not started yet has been fed by nobody. */
static void
stop (WeirConnection *connection)
{
  if (connection->stopping) {
    return;
  }
  connection->stopping = TRUE;
  if (connection->answered < stage_count (connection)) {
    request_all (connection, WEIR_REQUEST_HALT);
    return;
  }
  for (guint i = 0; i < stage_count (connection); i++) {
    WeirStage *stage = &connection->stages[i];
    weir_stage_request (stage, i > connection->started        ? WEIR_REQUEST_HALT
                               : stage->kind == WEIR_PRODUCER ? WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP
                                                              : WEIR_REQUEST_DRAIN);
  }
  weir_timers_arm (connection->worker->timers, &connection->deadline,
                   weir_clock_now () + weir_connections_shutdown (connection->of));
}

void
weir_connection_ask (WeirConnection *connection, guint32 asked)
{
  atomic_fetch_or_explicit (&connection->asked, asked, memory_order_release);
  weir_stage_request (&connection->stages[0], WEIR_REQUEST_CONNECTION);
}

void
weir_connection_look (WeirConnection *connection)
{
  guint32 asked = weir_load_acquire (&connection->asked);
  if (connection->closed == stage_count (connection)) {
    return;
  }
  if ((asked & WEIR_REQUEST_HALT) != 0) {
    halt (connection);
  } else if ((asked & WEIR_REQUEST_STOP) != 0) {
    stop (connection);
  }
}

/* What was made before it was started is still to be taken. */
static void
stop_failing (WeirConnection *connection)
{
  if (connection->failing && connection->started == stage_count (connection)) {
    stop (connection);
  }
}

void
weir_connection_fails (WeirConnection *connection)
{
  connection->failing = TRUE;
  stop_failing (connection);
}

static void
start_next (WeirConnection *connection)
{
  if (connection->started < stage_count (connection) && !connection->stopping) {
    weir_stage_request (&connection->stages[connection->started], WEIR_REQUEST_START);
  }
}

static void
on_answered (WeirConnection *connection)
{
  if (++connection->answered < stage_count (connection)) {
    return;
  }
  if (connection->failed || connection->stopping) {
    connection->started = stage_count (connection);
    request_all (connection, WEIR_REQUEST_HALT); /* which closes, and ends the links to shared stages */
  } else {
    start_next (connection);
  }
}

/* The first failure is the cause; what it brings with it says nothing new. */
static void
tell (WeirConnection *connection, WeirStage *stage)
{
  const WeirConnectionsWatch *watch = weir_connections_watch (connection->of);
  if (connection->failed) {
    return;
  }
  if (watch != NULL) {
    watch->failed (connection, stage, watch->data);
    return;
  }
  if (!weir_connections_may_tell (connection->of)) {
    return;
  }
  weir_connections_tell_untold (connection->of);
  weir_stage_log (stage, G_LOG_LEVEL_WARNING, "connection from %s: %s", connection->peer, stage->failure);
}

static void
on_failed (WeirConnection *connection, WeirStage *stage)
{
  gboolean opening = connection->answered < stage_count (connection);
  tell (connection, stage);
  connection->failed = TRUE;
  if (opening) {
    on_answered (connection);
  } else {
    stop (connection);
  }
}

static void
on_closed (WeirConnection *connection, WeirStage *stage)
{
  const WeirConnectionsWatch *watch = weir_connections_watch (connection->of);
  if (watch != NULL) {
    watch->closed (connection, stage, watch->data);
  }
  if (++connection->closed == stage_count (connection)) {
    park (connection);
  }
}

/* Within a turn of the stage: requests are carried out by the next ones. */
static void
report (WeirStage *stage, WeirStageEvent event, gpointer data)
{
  WeirConnection *connection = data;
  switch (event) {
  case WEIR_STAGE_OPENED:
    on_answered (connection);
    break;
  case WEIR_STAGE_STARTED:
    connection->started++;
    start_next (connection);
    stop_failing (connection);
    break;
  case WEIR_STAGE_FAILED:
    on_failed (connection, stage);
    break;
  case WEIR_STAGE_READY:
  case WEIR_STAGE_ENDED:
    break;
  case WEIR_STAGE_CLOSED:
    on_closed (connection, stage);
    break;
  }
}
