/* SPDX-License-Identifier: Apache-2.0 */
/* A producer that listens, with its connections, as a pipeline in small (see conform-server.h): how it is turned, looked at and ended. In the child, on its main thread. Whoever looks at connections does so between two tasks, so that none is freed meanwhile. */
#include "cli/conform-server.h"

#include "figures.h"

#define SECOND ((gint64) G_USEC_PER_SEC)
#define MOST_TURNS 100000
#define LOOK 10 /* milliseconds between looks at what no source tells, such as a peer's end of a socket */

const char *
weir_conform_life (const WeirStage *stage)
{
  static const char *const names[] = { "new", "open", "down", "starting", "running", "ending", "ended", "closed" };
  return names[stage->life];
}

/* ---- turning it ---- */

static void
blame (WeirConformServer *server, const char *fault)
{
  if (server->fault == NULL) {
    server->fault = g_strdup (fault);
  }
}

static void
look_at_stage (WeirConformServer *server, WeirStage *stage)
{
  if (stage->at_fault) {
    blame (server, stage->failure);
  } else if (stage->refusal_told) {
    blame (server, "emitted a record outside of its running time; expected none before start() and after its end");
  } else if (weir_load_acquire (&stage->outstanding) < 0) {
    blame (server, "gave back more records than it keeps");
  } else if (stage->failed && (stage->failure == NULL || *stage->failure == '\0')) {
    blame (server, "fails with an empty message; expected one that says why");
  }
  if (stage->failed && server->failure == NULL) {
    server->failure = g_strdup (stage->failure);
  }
}

static void
look (WeirConformServer *server)
{
  look_at_stage (server, server->listener);
  for (WeirConnection *connection = server->connections->alive; connection != NULL; connection = connection->next) {
    for (guint i = 0; i < server->connections->stages->len; i++) {
      look_at_stage (server, &connection->stages[i]);
    }
  }
}

gboolean
weir_conform_server_turn (WeirConformServer *server)
{
  WeirWorker *worker = server->worker, *before = weir_worker_enter (worker);
  gboolean any = weir_timers_fire (worker->timers);
  any = weir_worker_dispatch (worker) || any;
  WeirTask *task = weir_run_queue_pop (&worker->queue);
  if (task != NULL) {
    weir_worker_run_task (worker, task);
    look (server);
  }
  weir_worker_leave (worker, before);
  return any || task != NULL;
}

static gboolean
run (WeirConformServer *server)
{
  for (guint i = 0; i < MOST_TURNS; i++) {
    if (!weir_conform_server_turn (server)) {
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
weir_conform_server_crank (WeirConformServer *server, gint64 microseconds)
{
  gint64 target = server->clock.now + microseconds;
  gboolean rests = run (server);
  while (rests && microseconds > 0) {
    gint64 next = weir_timers_next (server->worker->timers);
    if (next < 0 || next > target) {
      break;
    }
    server->clock.now = MAX (next, server->clock.now);
    rests = run (server);
  }
  server->clock.now = MAX (target, server->clock.now);
  return rests && run (server);
}

static gboolean
go_on (G_GNUC_UNUSED gpointer data)
{
  return G_SOURCE_CONTINUE;
}

gboolean
weir_conform_server_wait (WeirConformServer *server, WeirConformHolds holds, gpointer data, gint64 patience)
{
  gint64 system = g_get_monotonic_time (), deadline = system + patience;
  GSource *looks = g_timeout_source_new (LOOK);
  g_source_set_callback (looks, go_on, NULL, NULL);
  WeirWorker *before = weir_worker_enter (server->worker);
  g_source_attach (looks, server->worker->context);
  gboolean held;
  while (!(held = holds (server, data)) && system < deadline && server->fault == NULL) {
    if (!weir_conform_server_turn (server)) {
      weir_worker_sleep (server->worker);
    }
    gint64 now = g_get_monotonic_time ();
    server->clock.now += now - system;
    system = now;
  }
  weir_worker_leave (server->worker, before);
  g_source_destroy (looks);
  g_source_unref (looks);
  return held;
}

gint64
weir_conform_server_patience (const WeirConformServer *server)
{
  return server->conform->plan->limit / 8;
}

/* ---- its end ---- */

void
weir_conform_server_request (WeirConformServer *server, WeirStage *stage, guint32 asked)
{
  WeirWorker *before = weir_worker_enter (server->worker);
  weir_stage_request (stage, asked);
  weir_worker_leave (server->worker, before);
}

gboolean
weir_conform_server_is_closed (WeirConformServer *server, G_GNUC_UNUSED gpointer data)
{
  return server->listener->life == WEIR_LIFE_CLOSED && server->connections->count == 0;
}

void
weir_conform_server_stop (WeirConformServer *server, gboolean halt)
{
  WeirWorker *before = weir_worker_enter (server->worker);
  weir_stage_request (server->listener, halt ? WEIR_REQUEST_HALT : WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP);
  weir_connections_stop (server->connections, halt);
  weir_worker_leave (server->worker, before);
}

/* Where it does not end, its parts are left as they are: the process is about to. */
void
weir_conform_server_drop (WeirConform *conform)
{
  WeirConformServer *server = g_steal_pointer (&conform->server);
  if (server == NULL) {
    return;
  }
  gboolean closed = server->connections == NULL;
  if (!closed) {
    conform->server = server; /* for whoever crashes here */
    weir_conform_server_stop (server, TRUE);
    weir_conform_server_request (server, server->emitted, WEIR_REQUEST_HALT);
    run (server);
    closed = weir_conform_server_is_closed (server, NULL);
    conform->server = NULL;
  }
  if (closed) {
    WeirWorker *before = weir_worker_enter (server->worker);
    WeirStage *const stages[] = { server->listener, server->emitted, server->middle, server->bin, server->reply };
    g_ptr_array_foreach (server->links, (GFunc) (void (*) (void)) weir_link_free, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS (stages); i++) {
      if (stages[i] != NULL) {
        weir_stage_unref (stages[i]);
      }
    }
    weir_worker_leave (server->worker, before);
    server->worker->clock = NULL;
    weir_worker_unref (server->worker);
    g_clear_pointer (&server->connections, weir_connections_free);
    g_ptr_array_unref (g_ptr_array_steal_index (server->owned, 0));
    g_ptr_array_foreach (server->owned, (GFunc) (void (*) (void)) g_free, NULL);
    g_ptr_array_unref (server->owned);
    g_ptr_array_unref (server->links);
  }
  g_free (server->failure);
  g_free (server->fault);
  if (closed) {
    g_free (server);
  }
}

/* ---- what it is held to ---- */

guint64
weir_conform_server_emitted (const WeirConnection *connection)
{
  const WeirConnections *connections = connection->of;
  WeirStageFigures figures;
  weir_stage_figures (&connection->stages[connections->first->template_index], &figures);
  return figures.records_out;
}

static gboolean
balances (WeirConformServer *server, WeirLink *link)
{
  WeirLinkFigures figures;
  if (link->front == NULL) {
    weir_link_publish (link);
  }
  weir_link_figures (link, &figures);
  guint64 queued = weir_link_count_queued (link);
  if (figures.in == figures.out + figures.dropped + queued) {
    return TRUE;
  }
  g_autofree char *text = g_strdup_printf ("%s: in %" G_GUINT64_FORMAT ", out %" G_GUINT64_FORMAT
                                           ", dropped %" G_GUINT64_FORMAT ", queued %" G_GUINT64_FORMAT
                                           "; expected in = out + dropped + queued",
                                           link->identity->name, figures.in, figures.out, figures.dropped, queued);
  blame (server, text);
  return FALSE;
}

gboolean
weir_conform_server_balances (WeirConformServer *server)
{
  WeirWorker *before = weir_worker_enter (server->worker);
  gboolean all = TRUE;
  for (WeirConnection *connection = server->connections->alive; connection != NULL; connection = connection->next) {
    for (guint i = 0; i < server->connections->links->len && !connection->settled; i++) {
      all = balances (server, &connection->links[i]) && all;
    }
  }
  weir_worker_leave (server->worker, before);
  return all;
}

WeirConformResult
weir_conform_server_end (WeirConformServer *server)
{
  WeirConform *conform = server->conform;
  weir_conform_server_balances (server);
  const char *critical = weir_conform_critical ();
  if (server->fault != NULL) {
    return weir_conform_fail (conform, "%s", server->fault);
  }
  if (critical != NULL) {
    return weir_conform_fail (conform, "%s; expected no such message", critical);
  }
  if (server->from_listener > 0) {
    return weir_conform_fail (conform,
                              "the listening stage itself has emitted %" G_GUINT64_FORMAT
                              " records; expected none but of its connections",
                              server->from_listener);
  }
  return WEIR_CONFORM_OK;
}
