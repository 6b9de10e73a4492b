/* SPDX-License-Identifier: Apache-2.0 */
/* tls-open.c: the bytes of a TLS connection whose handshake is over (see tls.h): GIO's non-blocking functions, and no others, but for
 * the one that says goodbye, which the wire keeps from blocking.
 * Runs on the connection's worker. */
#include "tls-inner.h"

#include <sys/socket.h>

#define RECORD 16384 /* the most that one TLS record carries */

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
    return net_tls_fail (tls, problem, error);
  }
  g_error_free (problem);
  if (!net_wire_was_blocked (tls->wire)) {
    /* GIO has begun another handshake, on a thread of its own. TLS 1.3 has none, and in 1.2 it is a way to keep us busy. */
    return net_tls_fail_text (tls, "the peer wants to renegotiate, which is refused", error);
  }
  *wait = condition;
  return NET_AGAIN;
}

NetResult
net_tls_read (NetTls *tls, gpointer buffer, gsize size, gsize *got, GIOCondition *wait, GError **error)
{
  if (tls->phase == NET_TLS_FAILED) {
    return net_tls_failed (tls, error);
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
      return net_tls_fail_text (tls, "the peer closed the connection without saying so by TLS: what it sent is cut off",
                                error);
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
    return net_tls_fail (tls, last_word (tls, problem), error);
  }
  return trouble (tls, problem, G_IO_OUT, &wait, error) == NET_FAILED ? NET_FAILED : NET_OK;
}

NetResult
net_tls_flush (NetTls *tls, GIOCondition *wait, GError **error)
{
  if (tls->phase == NET_TLS_FAILED) {
    return net_tls_failed (tls, error);
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

gboolean
net_tls_say_goodbye (NetTls *tls, GError **error)
{
  net_wire_keep (tls->wire); /* GIO would block here, and does not come twice */
  tls->phase = NET_TLS_CLOSED;
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
  if (tls->phase == NET_TLS_OPEN && !net_tls_say_goodbye (tls, &problem)) {
    return net_tls_fail (tls, problem, error);
  }
  if (net_wire_flush (tls->wire)) {
    if (shutdown (tls->fd, SHUT_WR) == 0 || errno == ENOTCONN) {
      return NET_OK;
    }
  } else if (errno == EAGAIN) {
    *wait = G_IO_OUT;
    return NET_AGAIN;
  }
  return net_tls_fail_errno (tls, error);
}
