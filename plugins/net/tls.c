/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c: TLS as a layer of a connection (see tls.h): its life and its handshake. Runs on the connection's worker.
 * A NetTls owns its wire and, from the handshake on, the GTlsConnection on it. While GIO's thread is at work on the handshake
 * (tls-handshake.h) the NetTls touches neither. */
#include "tls-inner.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define RECORD_HEADER 5    /* type, version, length */
#define LARGEST_HELLO 4096 /* of a first message, what we wait for before GIO's thread begins */

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
    .minimum = options->tls_minimum == NET_TLS_1_3 ? G_TLS_PROTOCOL_VERSION_TLS_1_3 : G_TLS_PROTOCOL_VERSION_TLS_1_2,
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

NetResult
net_tls_failed (NetTls *tls, GError **error)
{
  if (error != NULL) {
    *error = g_error_copy (tls->failure);
  }
  return NET_FAILED;
}

NetResult
net_tls_fail (NetTls *tls, GError *failure, GError **error)
{
  stop_timer (tls);
  tls->phase = NET_TLS_FAILED;
  tls->failure = failure;
  net_wire_cut (tls->wire, FALSE);
  return net_tls_failed (tls, error);
}

NetResult
net_tls_fail_text (NetTls *tls, const char *text, GError **error)
{
  return net_tls_fail (tls, g_error_new_literal (G_TLS_ERROR, G_TLS_ERROR_MISC, text), error);
}

NetResult
net_tls_fail_errno (NetTls *tls, GError **error)
{
  GError *failure = NULL;
  net_set_error (&failure, errno);
  return net_tls_fail (tls, failure, error);
}

/* ---- the handshake ---- */

static void
handshake_over (GError *failure, gpointer data)
{
  NetTls *tls = data;
  tls->connection = net_tls_handshake_take (g_steal_pointer (&tls->handshake), &tls->subject);
  if (failure != NULL) {
    net_tls_fail (tls, failure, NULL);
  } else {
    net_wire_open (tls->wire);
    tls->phase = NET_TLS_OPEN;
  }
  tls->wake (tls->data);
}

static NetResult
begin (NetTls *tls, GIOCondition *wait, GError **error)
{
  gint64 deadline = tls->timer != NULL ? g_source_get_ready_time (tls->timer) : g_get_monotonic_time () + tls->timeout;
  stop_timer (tls);
  if (!net_wire_begin_handshake (tls->wire, deadline)) {
    return net_tls_fail_errno (tls, error);
  }
  GError *failure = NULL;
  tls->handshake = net_tls_handshake_begin (tls->wire, &tls->terms, handshake_over, tls, &failure);
  if (tls->handshake == NULL) {
    return net_tls_fail (tls, failure, error);
  }
  tls->phase = NET_TLS_HANDSHAKE;
  *wait = 0;
  return NET_AGAIN;
}

static gboolean
too_late (gpointer data)
{
  NetTls *tls = data;
  net_tls_fail_text (tls, "no TLS handshake came in time", NULL);
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
    return net_tls_fail_errno (tls, error);
  }
  if (count == 0) {
    return net_tls_fail_text (tls, "the peer closed the connection before the TLS handshake", error);
  }
  if (count > 0 && head[0] != NET_TLS_HANDSHAKE_RECORD) {
    return net_tls_fail (tls, net_tls_no_tls (head, (gsize) count), error);
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
  case NET_TLS_OPEN:
  case NET_TLS_CLOSED:
    return NET_OK;
  case NET_TLS_FAILED:
    return net_tls_failed (tls, error);
  case NET_TLS_HANDSHAKE:
    *wait = 0;
    return NET_AGAIN;
  case NET_TLS_NEW:
    if (!tls->terms.server) {
      return begin (tls, wait, error);
    }
    start_timer (tls);
    tls->phase = NET_TLS_HELLO;
    return await_hello (tls, wait, error);
  case NET_TLS_HELLO:
  default:
    return await_hello (tls, wait, error);
  }
}

void
net_tls_free (NetTls *tls)
{
  if (tls->phase == NET_TLS_OPEN && !tls->wrote) {
    /* Nothing that we sent is cut off, as there was nothing: the peer may know. */
    (void) net_tls_say_goodbye (tls, NULL);
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
