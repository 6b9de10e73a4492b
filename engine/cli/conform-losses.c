/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of how connections end, for `weir plugin check` (see conform.h, conform-server.h): peers that are lost, stops and halts in each
 * state, and the ledger amid all that. In the child, on its main thread, which is also who connects. */
#include "cli/conform-server.h"

#define SECOND ((gint64) G_USEC_PER_SEC)

/* ---- lost ---- */

/* One goes: before it is accepted, in the midst of a record, while it is paused, and with what it has not read. */
static WeirConformResult
lose (WeirConformServer *server, guint how)
{
  static const char *const names[] = { "once a peer has gone before it was accepted,",
                                       "once a peer has gone in the midst of a line,",
                                       "once a peer has gone while its connection was paused,",
                                       "once a peer has gone that had not read what was for it," };
  WeirConformPeer peer;
  if (how == 0) {
    weir_conform_peer_connect (server, &peer);
    weir_conform_peer_go (&peer, TRUE);
    weir_conform_server_crank (server, SECOND);
  } else {
    WeirConformResult result = weir_conform_peer_meet (server, &peer);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
    server->allowed = how == 2 ? 0 : G_MAXSIZE;
    weir_conform_peer_send (&peer, WEIR_CONFORM_LINE / 2);
    weir_conform_server_crank (server, 0);
    if (how > 1) {
      weir_conform_flood (server, &peer);
    }
    weir_conform_peer_go (&peer, TRUE);
    weir_conform_server_crank (server, 0);
    weir_conform_server_allow (server, G_MAXSIZE);
    if (!weir_conform_server_wait (server, weir_conform_is_gone, &peer, weir_conform_server_patience (server))) {
      return weir_conform_still_there (server, &peer, names[how]);
    }
  }
  return server->listener->failed || server->listener->life >= WEIR_LIFE_ENDED
           ? weir_conform_listener_is_over (server, names[how])
           : weir_conform_server_end (server);
}

WeirConformResult
weir_conform_connection_lost (WeirConform *conform)
{
  WeirConformResult result;
  WeirConformPeer other, last;
  WeirConformServer *server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ECHO, &result);
  if (server == NULL || (result = weir_conform_peer_meet (server, &other)) != WEIR_CONFORM_OK) {
    return result;
  }
  weir_conform_peer_go (&other, FALSE);
  if (!weir_conform_server_wait (server, weir_conform_is_gone, &other, weir_conform_server_patience (server))) {
    return weir_conform_still_there (server, &other, "once its peer is gone");
  }
  for (guint how = 0; how < 4; how++) {
    if ((result = lose (server, how)) != WEIR_CONFORM_OK) {
      return result;
    }
  }
  result = weir_conform_peer_meet (server, &last);
  if (result == WEIR_CONFORM_OK) {
    weir_conform_peer_go (&last, FALSE);
    result = weir_conform_server_finish (server, FALSE, "behind lost connections");
  }
  return result;
}

/* ---- stop ---- */

/* Brings one connection into a state. */
static WeirConformResult
bring (WeirConformServer *server, guint state, WeirConformPeer *peer)
{
  peer->fd = -1;
  if (state == 0) {
    return WEIR_CONFORM_OK;
  }
  if (state <= 3) {
    /* In the kernel; then handed over; then a task later, when it opens. */
    guint64 before = server->connections->number;
    weir_conform_peer_connect (server, peer);
    for (guint i = 0; state >= 2 && i < 1000 && server->connections->number == before; i++) {
      weir_conform_server_turn (server);
    }
    for (guint i = 0; state == 3 && i < 2; i++) {
      weir_conform_server_turn (server);
    }
    return WEIR_CONFORM_OK;
  }
  WeirConformResult result = weir_conform_peer_meet (server, peer);
  if (result != WEIR_CONFORM_OK || state == 4) {
    return result;
  }
  weir_conform_peer_send (peer, WEIR_CONFORM_LINE / 2);
  weir_conform_server_crank (server, 0);
  if (state == 6 || state == 7) {
    server->allowed = 0;
    weir_conform_flood (server, peer);
  }
  if (state == 7) {
    weir_conform_peer_half_close (peer);
    weir_conform_server_crank (server, 0);
  }
  if (state == 8) {
    weir_conform_flood (server, peer); /* and does not read what comes back */
  }
  if (state == 9) {
    weir_conform_peer_go (peer, TRUE);
  }
  return WEIR_CONFORM_OK;
}

WeirConformResult
weir_conform_connection_stop (WeirConform *conform)
{
  static const char *const states[] = { "while nobody is connected",
                                        "with a peer that is still to be accepted",
                                        "with a connection that is handed over",
                                        "with a connection that opens",
                                        "with a connection at rest",
                                        "with a connection in the midst of a line",
                                        "with a connection that is paused",
                                        "with a paused connection whose peer sends no more",
                                        "with a connection whose peer does not read",
                                        "with a connection whose peer has just gone" };
  for (guint i = 0; i < 2 * G_N_ELEMENTS (states); i++) {
    WeirConformResult result;
    WeirConformPeer peer;
    guint state = i / 2;
    weir_conform_note (states[state]);
    WeirConformServer *server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ECHO, &result);
    if (server == NULL || (result = bring (server, state, &peer)) != WEIR_CONFORM_OK) {
      return result;
    }
    result = weir_conform_server_finish (server, i % 2 != 0, states[state]);
    weir_conform_peer_go (&peer, TRUE);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
  }
  weir_conform_note (NULL);
  return WEIR_CONFORM_OK;
}

/* ---- the ledger ---- */

WeirConformResult
weir_conform_connection_ledger (WeirConform *conform)
{
  static const WeirWhenFull kinds[] = { WEIR_WHEN_FULL_PAUSE, WEIR_WHEN_FULL_DROP_NEWEST, WEIR_WHEN_FULL_DROP_OLDEST };
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    const WeirQueueSettings queue = { 4, 1024 * 1024, 0, 0.5, 2.0, kinds[i] };
    WeirConformResult result;
    WeirConformPeer peers[3];
    WeirConformServer *server = weir_conform_serve (conform, &queue, WEIR_CONFORM_ECHO, &result);
    for (guint at = 0; server != NULL && at < G_N_ELEMENTS (peers); at++) {
      result = weir_conform_peer_meet (server, &peers[at]);
      if (result != WEIR_CONFORM_OK) {
        server = NULL;
      }
    }
    if (server == NULL) {
      return result;
    }
    for (guint round = 0; round < 30; round++) {
      for (guint at = 0; at < G_N_ELEMENTS (peers); at++) {
        weir_conform_peer_send (&peers[at], 10 * WEIR_CONFORM_LINE + round);
      }
      weir_conform_server_allow (server, round % 4);
      for (guint turn = 0; turn < 20; turn++) {
        weir_conform_server_turn (server);
      }
      if (!weir_conform_server_balances (server)) {
        break;
      }
    }
    weir_conform_server_allow (server, G_MAXSIZE);
    weir_conform_peer_go (&peers[0], TRUE);
    weir_conform_peer_go (&peers[1], FALSE);
    weir_conform_server_wait (server, weir_conform_is_gone, &peers[0], SECOND);
    result = weir_conform_server_finish (server, FALSE, "with connections at work");
    weir_conform_peer_go (&peers[2], FALSE);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
  }
  return WEIR_CONFORM_OK;
}
