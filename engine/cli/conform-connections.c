/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of connections for `weir plugin check` (see conform.h, conform-server.h): how one is accepted, lives, is paused, is lost and
 * is counted. In the child, on its main thread, which is also who connects. */
#include "cli/conform-server.h"

#define SECOND ((gint64) G_USEC_PER_SEC)
#define LINES 20
#define FLOOD (8 * 1024 * 1024) /* bytes that a peer sends at most until somebody is paused */

/* ---- what is waited for ---- */

static gboolean
none_is_left (WeirConformServer *server, G_GNUC_UNUSED gpointer data)
{
  return server->connections->count == 0;
}

typedef struct {
  guint64 records, bytes;
} Taken;

static gboolean
has_taken (WeirConformServer *server, gpointer data)
{
  const Taken *wanted = data;
  return server->records >= wanted->records && server->bytes >= wanted->bytes;
}

/* ---- what is said ---- */

WeirConformResult
weir_conform_still_there (WeirConformServer *server, const WeirConformPeer *peer, const char *after)
{
  WeirConformResult result = weir_conform_server_end (server);
  if (result != WEIR_CONFORM_OK) {
    return result;
  }
  const WeirConnection *connection = peer->connection;
  const WeirStage *producer = &connection->stages[server->connections->first->template_index];
  const WeirStage *reply = server->reply != NULL ? &connection->stages[server->reply->template_index] : NULL;
  return weir_conform_fail (server->conform, "%s its connection is still there (%s%s%s); expected it to end", after,
                            weir_conform_life (producer), reply != NULL ? ", its reply " : "",
                            reply != NULL ? weir_conform_life (reply) : "");
}

WeirConformResult
weir_conform_listener_is_over (WeirConformServer *server, const char *after)
{
  WeirConformResult result = weir_conform_server_end (server);
  const WeirStage *listener = server->listener;
  if (result != WEIR_CONFORM_OK) {
    return result;
  }
  return listener->failed
           ? weir_conform_fail (server->conform, "%s the listening stage fails: %s; expected it to go on", after,
                                listener->failure)
           : weir_conform_skip (server->conform, "it listens no more by itself");
}

/* All is asked to stop, and its time passes. */
WeirConformResult
weir_conform_server_finish (WeirConformServer *server, gboolean halt, const char *when)
{
  weir_conform_server_stop (server, halt);
  weir_conform_server_crank (server, 0);
  if (!weir_conform_server_wait (server, weir_conform_server_is_closed, NULL, SECOND / 20)) {
    weir_conform_server_crank (server, 60 * SECOND);
    weir_conform_server_wait (server, weir_conform_server_is_closed, NULL, weir_conform_server_patience (server));
  }
  WeirConformResult result = weir_conform_server_end (server);
  if (result != WEIR_CONFORM_OK) {
    return result;
  }
  if (!weir_conform_server_is_closed (server, NULL)) {
    guint count = server->connections->count;
    return weir_conform_fail (
      server->conform, "%s %s it is still \"%s\", with %u connection%s; expected all to be closed",
      halt ? "halted" : "stopped", when, weir_conform_life (server->listener), count, count == 1 ? "" : "s");
  }
  return WEIR_CONFORM_OK;
}

/* ---- listen ---- */

WeirConformResult
weir_conform_listens (WeirConform *conform)
{
  WeirConformResult result;
  WeirConformServer *server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ECHO, &result);
  if (server == NULL) {
    return result;
  }
  if (!weir_conform_server_crank (server, SECOND)) {
    return weir_conform_fail (conform, "the listening stage is not at rest after 100,000 turns while nobody connects");
  }
  for (guint i = 0; i < 3; i++) {
    WeirConformPeer peer;
    result = weir_conform_peer_meet (server, &peer);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
    weir_conform_server_crank (server, 0);
    weir_conform_peer_go (&peer, FALSE);
    if (!weir_conform_server_wait (server, none_is_left, NULL, weir_conform_server_patience (server))) {
      return weir_conform_still_there (server, &peer, "once its peer is gone");
    }
    if (server->listener->life >= WEIR_LIFE_ENDED || server->listener->failed) {
      return weir_conform_listener_is_over (server, "behind a connection");
    }
  }
  return weir_conform_server_finish (server, FALSE, "while it listens");
}

/* ---- connection ---- */

WeirConformResult
weir_conform_connection (WeirConform *conform)
{
  WeirConformResult result;
  WeirConformPeer peer;
  WeirConformServer *server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ECHO, &result);
  if (server == NULL || (result = weir_conform_peer_meet (server, &peer)) != WEIR_CONFORM_OK) {
    return result;
  }
  if (!weir_conform_server_crank (server, 0)) {
    return weir_conform_fail (conform, "a connection is not at rest after 100,000 turns while its peer is silent");
  }
  weir_conform_peer_send (&peer, LINES * WEIR_CONFORM_LINE);
  weir_conform_server_wait (server, has_taken, &(Taken){ 1, peer.sent }, SECOND / 2);
  if (server->records == 0 && weir_conform_peer_lives (&peer)) {
    weir_conform_server_wait (server, has_taken, &(Taken){ 1, 0 }, weir_conform_server_patience (server));
  }
  gboolean lives = weir_conform_peer_lives (&peer);
  if (lives && !weir_conform_server_crank (server, 0)) {
    return weir_conform_fail (conform, "a connection is not at rest after 100,000 turns while its peer is silent");
  }
  /* What ends at its peer's half-close does so now, all others behind its close. */
  weir_conform_peer_half_close (&peer);
  if (!weir_conform_server_wait (server, weir_conform_is_gone, &peer, SECOND)) {
    weir_conform_peer_go (&peer, FALSE);
    if (!weir_conform_server_wait (server, weir_conform_is_gone, &peer, weir_conform_server_patience (server))) {
      return weir_conform_still_there (server, &peer, "once its peer is gone");
    }
  }
  weir_conform_peer_go (&peer, FALSE);
  result = weir_conform_server_end (server);
  if (result == WEIR_CONFORM_OK && server->failure != NULL) {
    return weir_conform_skip (conform, "with a peer that sends lines it fails: %s", server->failure);
  }
  if (result == WEIR_CONFORM_OK && server->records == 0) {
    return weir_conform_skip (conform, "it makes no record of lines that a peer sends");
  }
  return result;
}

/* ---- pause ---- */

static gboolean
is_paused (const WeirConformPeer *peer)
{
  const WeirConnections *connections = peer->server->connections;
  return weir_conform_peer_lives (peer) &&
         weir_stage_paused (&peer->connection->stages[connections->first->template_index]);
}

static WeirConformResult
stays_paused (WeirConformServer *server, const WeirConformPeer *peer)
{
  guint64 before = weir_conform_server_emitted (peer->connection);
  gboolean rests = weir_conform_server_crank (server, SECOND);
  g_usleep (20 * 1000); /* a thread of its own needs time to do harm */
  rests = weir_conform_server_crank (server, SECOND) && rests;
  WeirConformResult result = weir_conform_server_end (server);
  if (result != WEIR_CONFORM_OK || !weir_conform_peer_lives (peer)) {
    return result;
  }
  guint64 now = weir_conform_server_emitted (peer->connection);
  if (now != before) {
    return weir_conform_fail (server->conform,
                              "a connection emitted %" G_GUINT64_FORMAT " records while it was paused; expected none",
                              now - before);
  }
  return rests
           ? WEIR_CONFORM_OK
           : weir_conform_fail (server->conform, "a connection is not at rest while it is paused after 100,000 turns");
}

static gboolean
is_paused_or_gone (G_GNUC_UNUSED WeirConformServer *server, gpointer data)
{
  return is_paused (data) || !weir_conform_peer_lives (data);
}

/* Sends until its connection is paused: by what it takes at once, or by and by, from a source or thread of its own. */
void
weir_conform_flood (WeirConformServer *server, WeirConformPeer *peer)
{
  for (guint still = 0; still < 3 && peer->sent < FLOOD && !is_paused (peer) && weir_conform_peer_lives (peer);) {
    gsize went = weir_conform_peer_send (peer, 1024 * 1024);
    weir_conform_server_crank (server, went > 0 ? 0 : SECOND);
    if (went == 0) {
      weir_conform_server_wait (server, is_paused_or_gone, peer, SECOND / 10);
    }
    still = went > 0 ? 0 : still + 1;
  }
}

/* Another one connects, and is taken care of while the first is paused. All may be taken for that: the first emits nothing. */
static WeirConformResult
others_go_on (WeirConformServer *server)
{
  WeirConform *conform = server->conform;
  guint64 number = server->connections->number;
  WeirConformPeer other;
  WeirConformResult result = weir_conform_peer_meet (server, &other);
  if (result != WEIR_CONFORM_OK) {
    /* It may take one at a time. */
    return result == WEIR_CONFORM_FAILED && server->connections->number == number && server->connections->count > 0 &&
               server->fault == NULL
             ? WEIR_CONFORM_OK
             : result;
  }
  weir_conform_peer_send (&other, LINES * WEIR_CONFORM_LINE);
  gint64 deadline = g_get_monotonic_time () + weir_conform_server_patience (server);
  while (weir_conform_peer_lives (&other) && weir_conform_server_emitted (other.connection) == 0) {
    if (g_get_monotonic_time () > deadline) {
      return weir_conform_fail (conform, "another connection emits nothing while one is paused; expected it to go on");
    }
    weir_conform_server_wait (server, has_taken, &(Taken){ G_MAXUINT64, 0 }, SECOND / 100);
  }
  weir_conform_peer_go (&other, TRUE); /* its connection ends once somebody takes again */
  return weir_conform_server_end (server);
}

WeirConformResult
weir_conform_connection_pause (WeirConform *conform)
{
  WeirConformResult result;
  WeirConformPeer peer;
  WeirConformServer *server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ECHO, &result);
  if (server == NULL || (result = weir_conform_peer_meet (server, &peer)) != WEIR_CONFORM_OK) {
    return result;
  }
  weir_conform_peer_send (&peer, LINES * WEIR_CONFORM_LINE);
  weir_conform_server_wait (server, has_taken, &(Taken){ 1, peer.sent }, weir_conform_server_patience (server));
  /* One that makes records of just what is sent has to do so to the end. */
  gboolean exact = server->bytes == peer.sent && !server->inexact;
  server->allowed = 0;
  server->counted = peer.connection;
  weir_conform_flood (server, &peer);
  if (!is_paused (&peer)) {
    result = weir_conform_server_end (server);
    return result != WEIR_CONFORM_OK ? result
           : server->failure != NULL
             ? weir_conform_skip (conform, "with a peer that sends lines it fails: %s", server->failure)
             : weir_conform_skip (conform, "it makes too little of lines to fill a link");
  }
  guint64 emitted = weir_conform_server_emitted (peer.connection);
  if ((result = stays_paused (server, &peer)) != WEIR_CONFORM_OK ||
      (result = others_go_on (server)) != WEIR_CONFORM_OK) {
    return result;
  }
  if (weir_conform_peer_lives (&peer) && weir_conform_server_emitted (peer.connection) != emitted) {
    return weir_conform_fail (conform, "a connection emitted records while it was paused; expected none");
  }
  guint64 before = server->records;
  weir_conform_server_allow (server, G_MAXSIZE);
  weir_conform_peer_half_close (&peer);
  gboolean gone = weir_conform_server_wait (server, weir_conform_is_gone, &peer, weir_conform_server_patience (server));
  result = weir_conform_server_end (server);
  if (result == WEIR_CONFORM_OK && server->records <= before + WEIR_CONFORM_HIGH && peer.sent > 1024 * 1024) {
    return weir_conform_fail (conform, "a connection emitted nothing once there was room again; expected it to go on");
  }
  if (result == WEIR_CONFORM_OK && exact && (gone || server->inexact) &&
      (server->inexact || server->bytes != peer.sent)) {
    return weir_conform_fail (conform,
                              "of %" G_GUINT64_FORMAT " bytes that a peer has sent, %" G_GUINT64_FORMAT
                              " came%s; expected all, in order",
                              peer.sent, server->bytes, server->inexact ? ", and not as they were" : "");
  }
  return result;
}
