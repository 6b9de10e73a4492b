/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of replies for `weir plugin check` (see conform.h, conform-server.h): the other half of a connection that its producer has
 * accepted. In the child, on its main thread, which is also who connects. */
#include "cli/conform-server.h"

#include <fcntl.h>
#include <unistd.h>

#define SECOND ((gint64) G_USEC_PER_SEC)
#define LINES 20
#define FLOOD (256 * 1024) /* lines: 16 MiB, more than sockets hold by themselves */

typedef struct {
  WeirConformPeer *peer;
  guint64 bytes;
} Got;

static gboolean
has_got (G_GNUC_UNUSED WeirConformServer *server, gpointer data)
{
  const Got *wanted = data;
  weir_conform_peer_receive (wanted->peer);
  return wanted->peer->got >= wanted->bytes || wanted->peer->over;
}

static WeirStage *
stage_of (const WeirConformPeer *peer, const WeirStage *of)
{
  return &peer->connection->stages[of->template_index];
}

/* What is wrong with the listening stage or with any stage of a connection goes first. */
static WeirConformResult
end (WeirConformServer *server)
{
  WeirConformResult result = weir_conform_server_end (server);
  return result == WEIR_CONFORM_OK && server->failure != NULL
           ? weir_conform_skip (server->conform, "it fails: %s", server->failure)
           : result;
}

/* A connection whose peer is sent some lines. NULL: *result. */
static WeirConformServer *
answer (WeirConform *conform, WeirConformPeer *peer, WeirConformResult *result)
{
  WeirConformServer *server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ANSWER, result);
  if (server == NULL || (*result = weir_conform_peer_meet (server, peer)) != WEIR_CONFORM_OK) {
    return NULL;
  }
  Got some = { peer, 1 };
  server->answers = LINES;
  weir_conform_server_allow (server, G_MAXSIZE);
  if (!weir_conform_server_wait (server, has_got, &some, SECOND / 2) && peer->sent == 0) {
    weir_conform_peer_send (peer, WEIR_CONFORM_LINE); /* it may answer only whom it has heard */
  }
  weir_conform_server_wait (server, has_got, &some, weir_conform_server_patience (server));
  *result = end (server);
  if (*result == WEIR_CONFORM_OK && peer->got == 0) {
    *result = weir_conform_fail (conform, "a peer gets nothing of %u lines; expected them to reach it", LINES);
  }
  return *result == WEIR_CONFORM_OK ? server : NULL;
}

/* Where it begins with just what it is given it has to go on so to the end; others, which frame or encode, may write what they like. */
static gboolean
is_plain (const WeirConformPeer *peer)
{
  return peer->exact >= WEIR_CONFORM_LINE;
}

static WeirConformResult
compare (WeirConformServer *server, WeirConformPeer *peer, guint64 wanted, const char *when)
{
  Got first = { peer, WEIR_CONFORM_LINE }, all = { peer, wanted };
  gint64 patience = weir_conform_server_patience (server);
  if (weir_conform_server_wait (server, has_got, &first, patience) && is_plain (peer)) {
    weir_conform_server_wait (server, has_got, &all, patience);
  }
  WeirConformResult result = weir_conform_server_end (server);
  if (result != WEIR_CONFORM_OK || !is_plain (peer) || peer->exact == wanted) {
    return result != WEIR_CONFORM_OK ? result : end (server);
  }
  return weir_conform_fail (
    server->conform, "%sa peer got %" G_GUINT64_FORMAT " bytes of %" G_GUINT64_FORMAT "%s%s%s; expected all, in order",
    when, peer->got, wanted, peer->exact < peer->got ? ", and not as they were" : "",
    server->failure != NULL ? ", as its connection failed: " : "", server->failure != NULL ? server->failure : "");
}

WeirConformResult
weir_conform_reply (WeirConform *conform)
{
  WeirConformResult result;
  WeirConformPeer peer;
  WeirConformServer *server = answer (conform, &peer, &result);
  return server == NULL ? result : compare (server, &peer, LINES * WEIR_CONFORM_LINE, "");
}

/* ---- its end ---- */

/* The connection comes to its end with nothing but its peer's close. */
static WeirConformResult
goes (WeirConformServer *server, WeirConformPeer *peer, const char *after)
{
  if (!weir_conform_server_wait (server, weir_conform_is_gone, peer, SECOND / 2)) {
    weir_conform_peer_go (peer, FALSE);
    weir_conform_server_crank (server, 60 * SECOND);
  }
  if (!weir_conform_server_wait (server, weir_conform_is_gone, peer, weir_conform_server_patience (server))) {
    return weir_conform_still_there (server, peer, after);
  }
  return end (server);
}

/* Descriptors that a reply has closed, of which there is only the connection's, that is its producer's too: something of ours is put in
 * their place, so that whoever closes them once more closes that. */
enum { MOST = 1024 };

static void
note_open (gboolean *open)
{
  for (int fd = 0; fd < MOST; fd++) {
    open[fd] = fcntl (fd, F_GETFD) >= 0;
  }
}

static void
replace_closed (const gboolean *open, gboolean *ours)
{
  for (int fd = 0; fd < MOST; fd++) {
    ours[fd] = open[fd] && fcntl (fd, F_GETFD) < 0 && fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, fd) == fd;
  }
}

static WeirConformResult
end_replaced (WeirConform *conform, const gboolean *ours)
{
  WeirConformResult result = WEIR_CONFORM_OK;
  for (int fd = 0; fd < MOST; fd++) {
    if (ours[fd] && close (fd) != 0) {
      result = weir_conform_fail (conform, "its connection's descriptor is closed twice, and may be another's by then; "
                                           "expected it to be left to what was handed over");
    }
  }
  return result;
}

static gboolean
reply_is_closed (G_GNUC_UNUSED WeirConformServer *server, gpointer data)
{
  const WeirConformPeer *peer = data;
  return !weir_conform_peer_lives (peer) || stage_of (peer, peer->server->reply)->life == WEIR_LIFE_CLOSED;
}

WeirConformResult
weir_conform_reply_end (WeirConform *conform)
{
  gboolean open[MOST], ours[MOST];
  WeirConformResult result;
  WeirConformPeer peer;
  WeirConformServer *server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ECHO, &result);
  if (server == NULL || (result = weir_conform_peer_meet (server, &peer)) != WEIR_CONFORM_OK) {
    return result;
  }
  /* The peer ends first: what it has sent comes back, also what is still on its way then. */
  weir_conform_peer_send (&peer, LINES * WEIR_CONFORM_LINE);
  weir_conform_server_wait (server, has_got, &(Got){ &peer, WEIR_CONFORM_LINE }, weir_conform_server_patience (server));
  gboolean plain = is_plain (&peer) && !server->inexact;
  weir_conform_server_allow (server, 0);
  weir_conform_peer_send (&peer, 4 * WEIR_CONFORM_LINE);
  weir_conform_peer_half_close (&peer);
  weir_conform_server_crank (server, 0);
  weir_conform_server_allow (server, G_MAXSIZE);
  if (plain && (result = compare (server, &peer, peer.sent, "behind its own end, ")) != WEIR_CONFORM_OK) {
    return result;
  }
  if ((result = goes (server, &peer, "once its peer has sent its end and is gone")) != WEIR_CONFORM_OK) {
    return result;
  }
  /* Its own input ends first. */
  server = answer (conform, &peer, &result);
  if (server == NULL) {
    return result;
  }
  note_open (open);
  server->answers_end = TRUE;
  weir_conform_server_allow (server, G_MAXSIZE);
  /* Between its close() and that of the producer, where there is time. */
  weir_conform_server_wait (server, reply_is_closed, &peer, SECOND / 2);
  replace_closed (open, ours);
  result = compare (server, &peer, LINES * WEIR_CONFORM_LINE, "behind the end of what is for it, ");
  if (result == WEIR_CONFORM_OK) {
    result = goes (server, &peer, "once the input of its reply has ended and its peer is gone");
  }
  WeirConformResult replaced = end_replaced (conform, ours);
  return result == WEIR_CONFORM_FAILED || replaced == WEIR_CONFORM_OK ? result : replaced;
}

/* ---- backpressure ---- */

/* Lines that connections have made for a reply: all that is on its way, and at its peer. */
static guint64
made (const WeirConformPeer *peer)
{
  WeirStageFigures figures;
  weir_stage_figures (stage_of (peer, peer->server->middle), &figures);
  return figures.records_out;
}

static gboolean
is_full (WeirConformServer *server, gpointer data)
{
  WeirConformPeer *peer = data;
  return !weir_conform_peer_lives (peer) || made (peer) == server->answers;
}

WeirConformResult
weir_conform_reply_wait (WeirConform *conform)
{
  WeirConformResult result;
  WeirConformPeer peer, other;
  WeirConformServer *server = answer (conform, &peer, &result);
  if (server == NULL) {
    return result;
  }
  server->answers = FLOOD;
  weir_conform_server_allow (server, G_MAXSIZE);
  guint64 before = 0;
  /* Sockets take more behind some time: until nothing has moved for some looks. */
  for (guint still = 0; still < 3 && !is_full (server, &peer);) {
    weir_conform_server_wait (server, is_full, &peer, SECOND / 10);
    guint64 now = is_full (server, &peer) ? before : made (&peer);
    still = now == before ? still + 1 : 0;
    before = now;
  }
  if ((result = end (server)) != WEIR_CONFORM_OK) {
    return result;
  }
  if (!weir_conform_peer_lives (&peer)) {
    return weir_conform_fail (conform, "ends a connection whose peer takes nothing for a second; expected it to wait");
  }
  if (made (&peer) == FLOOD) {
    return weir_conform_fail (conform, "takes %u lines while its peer takes nothing; expected it to wait", FLOOD);
  }
  if (!weir_conform_server_crank (server, 0)) {
    return weir_conform_fail (conform, "is not at rest after 100,000 turns while its peer takes nothing");
  }
  /* Others go on meanwhile; then it does, and nothing is lost. */
  guint64 number = server->connections->number;
  result = weir_conform_peer_meet (server, &other);
  if (result == WEIR_CONFORM_OK) {
    weir_conform_peer_send (&other, WEIR_CONFORM_LINE);
    weir_conform_server_allow (server, G_MAXSIZE);
    if (!weir_conform_server_wait (server, has_got, &(Got){ &other, 1 }, weir_conform_server_patience (server))) {
      result = end (server);
      return result != WEIR_CONFORM_OK
               ? result
               : weir_conform_fail (conform, "another peer gets nothing while one takes nothing; expected it to go on");
    }
    weir_conform_peer_go (&other, TRUE);
    weir_conform_server_wait (server, weir_conform_is_gone, &other, weir_conform_server_patience (server));
  } else if (server->fault != NULL || server->connections->number != number) {
    return result;
  }                                           /* else it may take one at a time */
  g_clear_pointer (&server->failure, g_free); /* of the other, which was cut off */
  return compare (server, &peer, (guint64) FLOOD * WEIR_CONFORM_LINE, "behind a time in which it took nothing, ");
}
