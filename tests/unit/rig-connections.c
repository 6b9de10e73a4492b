/* SPDX-License-Identifier: Apache-2.0 */
/* rig-connections.c: fakes that listen, and fakes that exist once for each connection (see fakes.h).
 * The listener accepts on its worker, as many peers as the test allows; a connection's fakes are made on its own worker when
 * they are opened, and belong to the rig. */
#include "fakes.h"

typedef struct {
  Rig *rig;
  guint number;
} Peer;

static void
free_peer (gpointer data)
{
  Peer *peer = data;
  atomic_fetch_sub (&peer->rig->peers, 1);
  g_free (peer);
  g_main_context_wakeup (NULL);
}

gboolean
fake_accept (Fake *listener)
{
  Peer *peer = g_new (Peer, 1);
  *peer = (Peer){ listener->rig, (guint) ++listener->next };
  char name[32];
  g_snprintf (name, sizeof name, "peer-%u", peer->number);
  atomic_fetch_add (&listener->rig->peers, 1);
  return weir_stage_accept (listener->stage, peer, free_peer, name);
}

static WeirNext
accept_allowed (Fake *listener)
{
  while (listener->next < atomic_load (&listener->allowed) &&
         (listener->most == 0 || weir_stage_connections (listener->stage) < listener->most) && fake_accept (listener)) {
  }
  g_main_context_wakeup (NULL); /* a connection may have ended */
  return WEIR_WAIT;
}

const Script listening = { .produce = accept_allowed, .flags = WEIR_CONNECTIONS };

Fake *
rig_listen (Rig *rig, const char *name, const Script *own, const Script *script)
{
  Fake *first = fake_new (rig, name, script);
  Fake *listener = fake_new (rig, name, own);
  /* They share the role: what either has, it has. */
  WeirRole *role = &listener->role;
  role->produce = role->produce != NULL ? role->produce : first->role.produce;
  role->delivered = first->role.delivered;
  role->counters = script->counters;
  role->ports = script->ports;
  listener->quiet = TRUE;
  listener->other = first;
  g_autoptr (GError) error = NULL;
  listener->stage = weir_pipeline_add (rig->pipeline, name, WEIR_PRODUCER, "fake", role, fake_state (listener), NULL,
                                       &error);
  ck_assert_msg (listener->stage != NULL, "%s", error != NULL ? error->message : "no error");
  WeirConnections *connections = weir_pipeline_listen (rig->pipeline, listener->stage, fake_state (first), &error);
  ck_assert_msg (connections != NULL, "%s", error != NULL ? error->message : "no error");
  first->stage = weir_connections_first (connections);
  return listener;
}

Fake *
rig_template (Rig *rig, Fake *listener, const char *name, WeirKind kind, const Script *script)
{
  Fake *fake = fake_new (rig, name, script);
  fake->stage = weir_pipeline_add_template (rig->pipeline, name, kind, "fake", &fake->role, fake_state (fake));
  weir_connections_add_stage (listener->stage->connections, fake->stage);
  return fake;
}

Fake *
fake_of_connection (Fake *of, WeirStage *stage)
{
  const Peer *peer = weir_stage_connection (stage);
  ck_assert_ptr_nonnull (peer);
  Fake *fake = fake_new (of->rig, g_strdup_printf ("%s-%u", of->name, peer->number), of->script);
  fake->connection = peer->number;
  fake->stage = stage;
  fake->quiet = of->quiet;
  fake->most = of->most;
  fake->data = of->data;
  atomic_store (&fake->allowed, atomic_load (&of->allowed));
  pthread_mutex_lock (&of->rig->lock);
  fake->of = of; /* and so it can be found */
  pthread_mutex_unlock (&of->rig->lock);
  return fake;
}

typedef struct {
  Fake *of, *found;
  guint connection;
} Sought;

static gboolean
find_peer (gpointer data)
{
  Sought *sought = data;
  Rig *rig = sought->of->rig;
  pthread_mutex_lock (&rig->lock);
  for (guint i = 0; i < rig->fakes->len; i++) {
    Fake *fake = g_ptr_array_index (rig->fakes, i);
    if (fake->of == sought->of && fake->connection == sought->connection) {
      sought->found = fake;
    }
  }
  pthread_mutex_unlock (&rig->lock);
  return sought->found != NULL;
}

Fake *
rig_peer (Rig *rig, Fake *of, guint connection)
{
  Sought sought = { .of = of->stage->listens ? of->other : of, .connection = connection };
  rig_until (rig, find_peer, &sought);
  return sought.found;
}

typedef struct {
  Fake *listener;
  guint alive;
} Alive;

static gboolean
are_alive (gpointer data)
{
  const Alive *alive = data;
  return weir_connections_alive (alive->listener->stage->connections) == alive->alive;
}

void
rig_until_alive (Rig *rig, Fake *listener, guint alive)
{
  rig_until (rig, are_alive, &(Alive){ listener, alive });
}
