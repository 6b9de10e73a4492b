/* SPDX-License-Identifier: Apache-2.0 */
/* Who connects to a producer that `weir plugin check` looks at, and how it is found where that listens (see conform-server.h): among
 * the descriptors of the process, as the plugin runs in it. Its sockets do not block, and belong to the rule.
 * In the child, on its main thread. */
#include "cli/conform-server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE 65536

/* ---- where it listens ---- */

static gboolean
is_listening (int fd)
{
  int accepts = 0;
  socklen_t size = sizeof accepts;
  return getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
}

void
weir_conform_note_listening (WeirConformServer *server)
{
  for (gsize fd = 0; fd < G_N_ELEMENTS (server->listened); fd++) {
    server->listened[fd] = is_listening ((int) fd);
  }
}

gboolean
weir_conform_find_listening (WeirConformServer *server)
{
  for (gsize fd = 0; fd < G_N_ELEMENTS (server->listened) && server->listening < 0; fd++) {
    socklen_t size = sizeof server->type;
    server->address_size = sizeof server->address;
    if (!server->listened[fd] && is_listening ((int) fd) &&
        getsockname ((int) fd, (struct sockaddr *) &server->address, &server->address_size) == 0 &&
        getsockopt ((int) fd, SOL_SOCKET, SO_TYPE, &server->type, &size) == 0) {
      server->listening = (int) fd;
    }
  }
  return server->listening >= 0;
}

gboolean
weir_conform_leaves_waiting (const WeirConformServer *server)
{
  struct pollfd waiting = { .fd = server->listening, .events = POLLIN };
  return poll (&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0;
}

/* ---- one who connects ---- */

gboolean
weir_conform_peer_connect (WeirConformServer *server, WeirConformPeer *peer)
{
  *peer = (WeirConformPeer){ .server = server, .fd = -1, .number = server->connections->number };
  peer->fd = socket (server->address.ss_family, server->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (peer->fd < 0) {
    return FALSE;
  }
  return connect (peer->fd, (const struct sockaddr *) &server->address, server->address_size) == 0 ||
         errno == EINPROGRESS;
}

/* Looked at between any two tasks, of which a connection has several: the latest one is still there. */
static gboolean
is_accepted (WeirConformServer *server, gpointer data)
{
  WeirConformPeer *peer = data;
  if (peer->connection == NULL && server->connections->number > peer->number) {
    peer->connection = server->connections->alive;
  }
  return peer->connection != NULL;
}

WeirConformResult
weir_conform_peer_meet (WeirConformServer *server, WeirConformPeer *peer)
{
  WeirConform *conform = server->conform;
  gint64 patience = weir_conform_server_patience (server);
  if (!weir_conform_peer_connect (server, peer)) {
    int number = errno;
    weir_conform_peer_go (peer, TRUE);
    return weir_conform_fail (conform, "a peer cannot connect: %s", g_strerror (number));
  }
  if (!weir_conform_server_wait (server, is_accepted, peer, MIN (patience, G_USEC_PER_SEC / 2))) {
    weir_conform_peer_send (peer, WEIR_CONFORM_LINE);
    weir_conform_server_wait (server, is_accepted, peer, patience);
  }
  if (peer->connection != NULL) {
    return WEIR_CONFORM_OK;
  }
  weir_conform_peer_go (peer, TRUE);
  WeirConformResult result = weir_conform_server_end (server);
  if (result != WEIR_CONFORM_OK) {
    return result;
  }
  if (server->listener->failed) {
    return weir_conform_fail (conform, "the listening stage fails as a peer connects: %s; expected it to go on",
                              server->listener->failure);
  }
  if (server->listener->life >= WEIR_LIFE_ENDED) {
    return weir_conform_skip (conform, "it listens no more by itself");
  }
  if (weir_conform_leaves_waiting (server)) {
    return weir_conform_fail (conform, "leaves a peer waiting that has connected; expected it to be accepted");
  }
  return weir_conform_skip (conform, "it hands over nobody who sends no more than a line of text");
}

gsize
weir_conform_peer_send (WeirConformPeer *peer, gsize size)
{
  guint8 bytes[AT_ONCE] = { 0 };
  gsize all = 0;
  while (all < size) {
    gsize piece = MIN (sizeof bytes, size - all);
    for (gsize i = 0; i < piece; i++) {
      bytes[i] = weir_conform_pattern (peer->sent + i);
    }
    gssize went = send (peer->fd, bytes, piece, MSG_NOSIGNAL);
    if (went < 0 && errno == EINTR) {
      continue;
    }
    if (went <= 0) {
      break;
    }
    all += (gsize) went;
    peer->sent += (gsize) went;
  }
  return all;
}

void
weir_conform_peer_receive (WeirConformPeer *peer)
{
  guint8 bytes[AT_ONCE] = { 0 };
  while (!peer->over) {
    gssize came = recv (peer->fd, bytes, sizeof bytes, 0);
    if (came < 0 && errno == EINTR) {
      continue;
    }
    if (came < 0 && errno == EAGAIN) {
      return;
    }
    peer->over = came <= 0;
    for (gssize i = 0; i < came && peer->exact == peer->got + (guint64) i; i++) {
      peer->exact += bytes[i] == weir_conform_pattern (peer->exact) ? 1 : 0;
    }
    peer->got += (guint64) MAX (came, 0);
  }
}

void
weir_conform_peer_half_close (WeirConformPeer *peer)
{
  shutdown (peer->fd, SHUT_WR);
}

void
weir_conform_peer_go (WeirConformPeer *peer, gboolean reset)
{
  if (peer->fd < 0) {
    return;
  }
  const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
  if (reset) {
    setsockopt (peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close (peer->fd);
  peer->fd = -1;
}

gboolean
weir_conform_peer_lives (const WeirConformPeer *peer)
{
  const WeirConnection *connection = peer->server->connections->alive;
  while (connection != NULL && connection != peer->connection) {
    connection = connection->next;
  }
  return connection != NULL && peer->connection != NULL;
}

gboolean
weir_conform_is_gone (G_GNUC_UNUSED WeirConformServer *server, gpointer data)
{
  WeirConformPeer *peer = data;
  if (peer->fd >= 0) {
    weir_conform_peer_receive (peer);
  }
  return !weir_conform_peer_lives (peer);
}
