/* SPDX-License-Identifier: Apache-2.0 */
/* tls-trial.c: a handshake of a certificate with a client of our own (see tls-trial.h), over a socket pair.
 * Runs where a certificate is loaded, and waits there, on a context of its own; what it makes is gone when it returns. */
#include "tls-trial.h"

#include <errno.h>
#include <sys/socket.h>

typedef struct {
  guint running;
  int fd;        /* shut down, it ends both sides */
  GError *error; /* the client's, if it had one: it is the one who looks at what the key has signed */
} Trial;

static gboolean
accept_any (G_GNUC_UNUSED GTlsConnection *connection, G_GNUC_UNUSED GTlsCertificate *certificate,
            G_GNUC_UNUSED GTlsCertificateFlags flags, G_GNUC_UNUSED gpointer data)
{
  return TRUE;
}

/* Takes the error. */
static void
fail (Trial *trial, GError *error, gboolean client)
{
  if (trial->error == NULL || client) {
    g_clear_error (&trial->error);
    trial->error = error;
  } else {
    g_error_free (error);
  }
  shutdown (trial->fd, SHUT_RDWR);
}

static void
side_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Trial *trial = data;
  GError *error = NULL;
  trial->running--;
  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error)) {
    fail (trial, error, G_IS_TLS_CLIENT_CONNECTION (source));
  }
}

/* certificate: the server's, or NULL for the client. */
static void
begin (Trial *trial, GSocket *socket, GTlsCertificate *certificate)
{
  GTlsBackend *backend = g_tls_backend_get_default ();
  GType type = certificate != NULL ? g_tls_backend_get_server_connection_type (backend)
                                   : g_tls_backend_get_client_connection_type (backend);
  g_autoptr (GSocketConnection) base = g_socket_connection_factory_create_connection (socket);
  GError *error = NULL;
  g_autoptr (GTlsConnection) connection = g_initable_new (type, NULL, &error, "base-io-stream", base, "certificate",
                                                          certificate, "database", NULL, NULL);
  if (connection == NULL) {
    fail (trial, error, certificate == NULL);
    return;
  }
  g_signal_connect (connection, "accept-certificate", G_CALLBACK (accept_any), NULL);
  trial->running++;
  g_tls_connection_handshake_async (connection, G_PRIORITY_DEFAULT, NULL, side_done, trial);
}

gboolean
net_tls_certificate_works (GTlsCertificate *certificate, GError **error)
{
  int fds[2];
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
    int number = errno;
    g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (number), "no socket pair: %s", g_strerror (number));
    return FALSE;
  }
  /* They own the descriptors; of a socket just made, nothing can be wrong. */
  g_autoptr (GSocket) server = g_socket_new_from_fd (fds[0], NULL);
  g_autoptr (GSocket) client = g_socket_new_from_fd (fds[1], NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Trial trial = { .fd = fds[0] };
  g_main_context_push_thread_default (context);
  begin (&trial, server, certificate);
  begin (&trial, client, NULL);
  while (trial.running > 0) {
    g_main_context_iteration (context, TRUE);
  }
  g_main_context_pop_thread_default (context);
  if (trial.error != NULL) {
    g_propagate_error (error, trial.error);
    return FALSE;
  }
  return TRUE;
}
