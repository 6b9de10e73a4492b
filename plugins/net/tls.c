/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c: TLS as a layer of a connection (see tls.h). Runs on the connection's worker.
 * A NetTls owns its wire and, from the handshake on, the GTlsConnection on it. While GIO's thread is at work on the handshake
 * (tls-handshake.h) the NetTls touches neither; afterwards it calls GIO's non-blocking functions alone. */
#include "tls.h"
#include "tls-handshake.h"
#include "tls-wire.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define RECORD 16384       /* the most that one TLS record carries */
#define RECORD_HEADER 5    /* type, version, length */
#define LARGEST_HELLO 4096 /* of a first message, what we wait for before GIO's thread begins */

typedef enum {
  PHASE_NEW,       /* nobody has asked for anything yet */
  PHASE_HELLO,     /* a server that waits for the first message */
  PHASE_HANDSHAKE, /* GIO's thread is at work */
  PHASE_OPEN,
  PHASE_CLOSED, /* open, but for writing */
  PHASE_FAILED
} Phase;

struct _NetTls {
  Phase phase;
  int fd; /* borrowed */
  NetTlsTerms terms;
  gint64 timeout;
  gboolean close_notify;
  guint8 *stuck;  /* the bytes of a record that GIO holds, as the socket did not take it; NULL: none */
  gsize stuck_size;
  gboolean ended; /* the peer has sent all */
  gboolean wrote; /* something, or tried to */
  GError *failure;
  char *subject;
  NetWire *wire;
  GTlsConnection *connection; /* from the handshake on */
  NetTlsHandshake *handshake; /* while it is under way */
  GSource *timer;             /* while the first message is awaited */
  void (*wake) (gpointer data);
  gpointer data;
};

NetTls *
net_tls_new (int fd, NetTlsSettings *settings, const char *server_name, void (*wake) (gpointer data), gpointer data)
{
  const NetTlsOptions *options = settings->options;
  NetTls *tls = g_new0 (NetTls, 1);
  tls->fd = fd;
  tls->wake = wake;
  tls->data = data;
  tls->wire = net_wire_new (fd);
  tls->timeout = options->handshake_timeout;
  tls->close_notify = options->close_notify;
  tls->terms = (NetTlsTerms){
    .server = settings->server,
    .verify = settings->authorities != NULL,
    .require_client = options->require_client,
    .minimum =
      options->tls_minimum == NET_TLS_1_3 ? G_TLS_PROTOCOL_VERSION_TLS_1_3 : G_TLS_PROTOCOL_VERSION_TLS_1_2,
    .name = settings->server ? NULL : g_strdup (options->server_name != NULL ? options->server_name : server_name),
  };
  g_set_object (&tls->terms.certificate, settings->certificate);
  g_set_object (&tls->terms.authorities, settings->authorities);
  return tls;
}

static void
stop_timer (NetTls *tls)
{
  if (tls->timer != NULL) {
    g_source_destroy (tls->timer);
    g_clear_pointer (&tls->timer, g_source_unref);
  }
}

const char *
net_tls_peer_subject (NetTls *tls)
{
  return tls->subject;
}

/* ---- failing ---- */

static NetResult
failed (NetTls *tls, GError **error)
{
  if (error != NULL) {
    *error = g_error_copy (tls->failure);
  }
  return NET_FAILED;
}

/* Takes the failure, which all calls answer from now on. */
static NetResult
fail (NetTls *tls, GError *failure, GError **error)
{
  stop_timer (tls);
  tls->phase = PHASE_FAILED;
  tls->failure = failure;
  net_wire_cut (tls->wire, FALSE);
  return failed (tls, error);
}

static NetResult
fail_literal (NetTls *tls, const char *text, GError **error)
{
  return fail (tls, g_error_new_literal (G_TLS_ERROR, G_TLS_ERROR_MISC, text), error);
}

static NetResult
fail_errno (NetTls *tls, GError **error)
{
  GError *failure = NULL;
  net_set_error (&failure, errno);
  return fail (tls, failure, error);
}

/* ---- the handshake ---- */

static void
handshake_over (GError *failure, gpointer data)
{
  NetTls *tls = data;
  tls->connection = net_tls_handshake_take (g_steal_pointer (&tls->handshake), &tls->subject);
  if (failure != NULL) {
    fail (tls, failure, NULL);
  } else {
    net_wire_open (tls->wire);
    tls->phase = PHASE_OPEN;
  }
  tls->wake (tls->data);
}

static NetResult
begin (NetTls *tls, GIOCondition *wait, GError **error)
{
  gint64 deadline = tls->timer != NULL ? g_source_get_ready_time (tls->timer) : g_get_monotonic_time () + tls->timeout;
  stop_timer (tls);
  if (!net_wire_begin_handshake (tls->wire, deadline)) {
    return fail_errno (tls, error);
  }
  GError *failure = NULL;
  tls->handshake = net_tls_handshake_begin (tls->wire, &tls->terms, handshake_over, tls, &failure);
  if (tls->handshake == NULL) {
    return fail (tls, failure, error);
  }
  tls->phase = PHASE_HANDSHAKE;
  *wait = 0;
  return NET_AGAIN;
}

static gboolean
too_late (gpointer data)
{
  NetTls *tls = data;
  fail_literal (tls, "no TLS handshake came in time", NULL);
  tls->wake (tls->data);
  return G_SOURCE_REMOVE;
}

static void
start_timer (NetTls *tls)
{
  tls->timer = g_timeout_source_new (0);
  g_source_set_static_name (tls->timer, "weir TLS handshake");
  g_source_set_callback (tls->timer, too_late, tls, NULL);
  g_source_set_ready_time (tls->timer, g_get_monotonic_time () + tls->timeout);
  g_source_attach (tls->timer, g_main_context_get_thread_default ());
}

/* Whether so many bytes are there; else the descriptor is ready again once they are, or the peer has closed. Only TCP knows how to
 * wait for a number of bytes: with all else the first ones will do. */
static gboolean
has_bytes (NetTls *tls, int needed)
{
  int there = 0, protocol = 0;
  socklen_t size = sizeof protocol;
  struct pollfd poll_fd = { .fd = tls->fd, .events = POLLRDHUP };
  gboolean enough = ioctl (tls->fd, FIONREAD, &there) != 0 || there >= needed || poll (&poll_fd, 1, 0) != 0 ||
                    getsockopt (tls->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 || protocol != IPPROTO_TCP;
  int least = enough ? 1 : needed;
  (void) setsockopt (tls->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
  return enough;
}

/* GIO's thread would wait with the peer, and there are few of them. So none begins before all of the first message is there, and a
 * peer that speaks no TLS is told from its first byte. */
static NetResult
await_hello (NetTls *tls, GIOCondition *wait, GError **error)
{
  guint8 head[16];
  ssize_t count = recv (tls->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && errno != EAGAIN && errno != EINTR) {
    return fail_errno (tls, error);
  }
  if (count == 0) {
    return fail_literal (tls, "the peer closed the connection before the TLS handshake", error);
  }
  if (count > 0 && head[0] != NET_TLS_HANDSHAKE_RECORD) {
    return fail (tls, net_tls_no_tls (head, (gsize) count), error);
  }
  int length = count >= RECORD_HEADER ? MIN (head[3] << 8 | head[4], LARGEST_HELLO) : 0;
  if (count < 0 || !has_bytes (tls, RECORD_HEADER + length)) {
    *wait = G_IO_IN;
    return NET_AGAIN;
  }
  return begin (tls, wait, error);
}

NetResult
net_tls_handshake (NetTls *tls, GIOCondition *wait, GError **error)
{
  switch (tls->phase) {
  case PHASE_OPEN:
  case PHASE_CLOSED:
    return NET_OK;
  case PHASE_FAILED:
    return failed (tls, error);
  case PHASE_HANDSHAKE:
    *wait = 0;
    return NET_AGAIN;
  case PHASE_NEW:
    if (!tls->terms.server) {
      return begin (tls, wait, error);
    }
    start_timer (tls);
    tls->phase = PHASE_HELLO;
    return await_hello (tls, wait, error);
  case PHASE_HELLO:
  default:
    return await_hello (tls, wait, error);
  }
}

/* ---- the open connection ---- */

/* The input stream, and likewise the output stream. */
static GPollableInputStream *
input_of (NetTls *tls)
{
  return G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (G_IO_STREAM (tls->connection)));
}

static GOutputStream *
output_of (NetTls *tls)
{
  return g_io_stream_get_output_stream (G_IO_STREAM (tls->connection));
}

/* After a call that failed; takes the problem. AGAIN, or the failure of all that follows. */
static NetResult
trouble (NetTls *tls, GError *problem, GIOCondition condition, GIOCondition *wait, GError **error)
{
  if (!g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    return fail (tls, problem, error);
  }
  g_error_free (problem);
  if (!net_wire_was_blocked (tls->wire)) {
    /* GIO has begun another handshake, on a thread of its own. TLS 1.3 has none, and in 1.2 it is a way to keep us busy. */
    return fail_literal (tls, "the peer wants to renegotiate, which is refused", error);
  }
  *wait = condition;
  return NET_AGAIN;
}

NetResult
net_tls_read (NetTls *tls, gpointer buffer, gsize size, gsize *got, GIOCondition *wait, GError **error)
{
  if (tls->phase == PHASE_FAILED) {
    return failed (tls, error);
  }
  if (tls->ended) {
    return NET_END;
  }
  GError *problem = NULL;
  gssize count = g_pollable_input_stream_read_nonblocking (input_of (tls), buffer, size, NULL, &problem);
  if (count > 0) {
    *got = (gsize) count;
    return NET_OK;
  }
  if (count < 0 && g_error_matches (problem, G_TLS_ERROR, G_TLS_ERROR_EOF)) {
    g_clear_error (&problem);
    if (tls->close_notify) {
      return fail_literal (tls, "the peer closed the connection without saying so by TLS: what it sent is cut off", error);
    }
    count = 0;
  }
  if (count == 0) {
    tls->ended = TRUE;
    return NET_END;
  }
  return trouble (tls, problem, G_IO_IN, wait, error);
}

/* The peer's last word, where it has refused us by an alert, says more than that it does not listen any more. */
static GError *
last_word (NetTls *tls, GError *problem)
{
  guint8 bytes[64];
  g_autoptr (GError) word = NULL;
  if (!tls->ended && g_pollable_input_stream_read_nonblocking (input_of (tls), bytes, sizeof bytes, NULL, &word) < 0 &&
      word->domain == G_TLS_ERROR && word->code != G_TLS_ERROR_EOF) {
    g_error_free (problem);
    return g_steal_pointer (&word);
  }
  return problem;
}

/* OK, and *blocked where GIO holds these bytes now: to be offered again until it does not. */
static NetResult
offer (NetTls *tls, gconstpointer bytes, gsize size, gsize *taken, gboolean *blocked, GError **error)
{
  GIOCondition wait;
  GError *problem = NULL;
  gssize count = g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (output_of (tls)), bytes, size,
                                                             NULL, &problem);
  *blocked = count < 0;
  if (count >= 0) {
    *taken = (gsize) count;
    return NET_OK;
  }
  if (!g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    return fail (tls, last_word (tls, problem), error);
  }
  return trouble (tls, problem, G_IO_OUT, &wait, error) == NET_FAILED ? NET_FAILED : NET_OK;
}

NetResult
net_tls_flush (NetTls *tls, GIOCondition *wait, GError **error)
{
  if (tls->phase == PHASE_FAILED) {
    return failed (tls, error);
  }
  if (tls->stuck == NULL) {
    return NET_OK;
  }
  gsize taken;
  gboolean blocked;
  NetResult result = offer (tls, tls->stuck, tls->stuck_size, &taken, &blocked, error);
  if (result == NET_OK && blocked) {
    *wait = G_IO_OUT;
    return NET_AGAIN;
  }
  g_clear_pointer (&tls->stuck, g_free);
  return result;
}

NetResult
net_tls_write (NetTls *tls, gconstpointer bytes, gsize size, gsize *taken, GIOCondition *wait, GError **error)
{
  gboolean blocked;
  gsize part = MIN (size, RECORD);
  NetResult result = net_tls_flush (tls, wait, error);
  tls->wrote = TRUE;
  if (result == NET_OK) {
    result = offer (tls, bytes, part, taken, &blocked, error);
  }
  if (result == NET_OK && blocked) {
    /* They are encrypted and will go out as they are, whatever comes next: GIO wants to see them again for that. */
    *taken = tls->stuck_size = part;
    tls->stuck = g_memdup2 (bytes, part);
  }
  return result;
}

/* As far as it goes without waiting. TRUE: GIO has said it; net_wire_flush() tells whether it is out. */
static gboolean
say_goodbye (NetTls *tls, GError **error)
{
  net_wire_keep (tls->wire); /* GIO would block here, and does not come twice */
  tls->phase = PHASE_CLOSED;
  return g_output_stream_close (output_of (tls), NULL, error);
}

NetResult
net_tls_shutdown (NetTls *tls, GIOCondition *wait, GError **error)
{
  NetResult result = net_tls_flush (tls, wait, error);
  if (result != NET_OK) {
    return result;
  }
  GError *problem = NULL;
  if (tls->phase == PHASE_OPEN && !say_goodbye (tls, &problem)) {
    return fail (tls, problem, error);
  }
  if (net_wire_flush (tls->wire)) {
    if (shutdown (tls->fd, SHUT_WR) == 0 || errno == ENOTCONN) {
      return NET_OK;
    }
  } else if (errno == EAGAIN) {
    *wait = G_IO_OUT;
    return NET_AGAIN;
  }
  return fail_errno (tls, error);
}

void
net_tls_free (NetTls *tls)
{
  if (tls->phase == PHASE_OPEN && !tls->wrote) {
    /* Nothing that we sent is cut off, as there was nothing: the peer may know. */
    (void) say_goodbye (tls, NULL);
  }
  stop_timer (tls);
  net_wire_cut (tls->wire, tls->handshake != NULL);
  if (tls->handshake != NULL) {
    net_tls_handshake_abandon (tls->handshake);
  }
  g_clear_object (&tls->connection); /* says goodbye into a wire that is cut */
  net_wire_unref (tls->wire);
  g_clear_object (&tls->terms.certificate);
  g_clear_object (&tls->terms.authorities);
  g_free (tls->terms.name);
  g_free (tls->subject);
  g_free (tls->stuck);
  g_clear_error (&tls->failure);
  g_free (tls);
}

/* ---- as a layer ---- */

static NetResult
layer_read (gpointer layer, gpointer buffer, gsize size, gsize *got, GIOCondition *wait, GError **error)
{
  return net_tls_read (layer, buffer, size, got, wait, error);
}

static NetResult
layer_write (gpointer layer, gconstpointer bytes, gsize size, gsize *taken, GIOCondition *wait, GError **error)
{
  return net_tls_write (layer, bytes, size, taken, wait, error);
}

static NetResult
layer_flush (gpointer layer, GIOCondition *wait, GError **error)
{
  return net_tls_flush (layer, wait, error);
}

static NetResult
layer_shutdown (gpointer layer, GIOCondition *wait, GError **error)
{
  return net_tls_shutdown (layer, wait, error);
}

static const char *
layer_subject (gpointer layer)
{
  return net_tls_peer_subject (layer);
}

static void
layer_free (gpointer layer)
{
  net_tls_free (layer);
}

const NetLayerFuncs net_tls_layer = { .read = layer_read,
                                      .write = layer_write,
                                      .flush = layer_flush,
                                      .shutdown = layer_shutdown,
                                      .subject = layer_subject,
                                      .free = layer_free };
