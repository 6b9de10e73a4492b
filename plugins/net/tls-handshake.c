/* SPDX-License-Identifier: Apache-2.0 */
/* tls-handshake.c: one handshake of GTlsConnection (see tls-handshake.h), and what its failures are called.
 * Begun, served and ended on the worker; one that is abandoned ends on the main thread. Owns its context and the connection. */
#include "tls-handshake.h"
#include "tls-subject.h"

#include <glib-unix.h>
#include <string.h>

/* There is no way around GIO's thread: its module for GnuTLS (glib-networking 2.74) has a handshake read and write
 * only on one of GTask's, and blocking. g_tls_connection_handshake() and _handshake_async() begin one there, and so do the non-blocking
 * reads and writes where none is over yet: they answer WOULD_BLOCK meanwhile. So a peer that stops amid its handshake holds a
 * thread until handshake_timeout. What can be done without one is done before: see await_hello() in tls.c. */

struct _NetTlsHandshake {
  GMainContext *context; /* its own */
  GSource *source;       /* serves it, on the worker's context or the default one */
  GTlsConnection *connection;
  NetWire *wire;
  const NetTlsTerms *terms; /* NULL: abandoned */
  void (*over) (GError *failure, gpointer data);
  gpointer data;
  gboolean done;
  GError *failure;
  GTlsCertificateFlags flaws; /* of the peer's certificate */
};

/* ---- what went wrong, in words ---- */

GError *
net_tls_no_tls (const guint8 *bytes, gsize size)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (gsize i = 0; i < size && i < 16; i++) {
    if (g_ascii_isprint (bytes[i]) && bytes[i] != '"' && bytes[i] != '\\') {
      g_string_append_c (text, (char) bytes[i]);
    } else {
      g_string_append_printf (text, "\\x%02x", bytes[i]);
    }
  }
  return g_error_new (G_TLS_ERROR, G_TLS_ERROR_NOT_TLS, "expected a TLS handshake, found \"%s\"", text->str);
}

static char *
flaws_in_words (const NetTlsTerms *terms, GTlsCertificateFlags flaws)
{
  static const struct {
    GTlsCertificateFlags flag;
    const char *text;
  } words[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, "no authority that is trusted has signed it" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet" },
    { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
    { G_TLS_CERTIFICATE_REVOKED, "it was revoked" },
    { G_TLS_CERTIFICATE_INSECURE, "its algorithm is insecure" },
    { G_TLS_CERTIFICATE_GENERIC_ERROR, "it cannot be verified" },
  };
  g_autoptr (GString) text = g_string_new (NULL);
  if ((flaws & G_TLS_CERTIFICATE_BAD_IDENTITY) != 0) {
    g_string_append_printf (text, "it is not for \"%s\"", terms->name != NULL ? terms->name : "");
  }
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++) {
    if ((flaws & words[i].flag) != 0) {
      g_string_append_printf (text, "%s%s", text->len > 0 ? "; " : "", words[i].text);
    }
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Takes GIO's error. */
static GError *
explain (NetTlsHandshake *handshake, GError *problem)
{
  const guint8 *bytes;
  gsize size = net_wire_first_bytes (handshake->wire, &bytes);
  g_autoptr (GError) taken = problem;
  if (handshake->flaws != 0) {
    g_autofree char *flaws = flaws_in_words (handshake->terms, handshake->flaws);
    return g_error_new (G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, "the peer's certificate is refused: %s", flaws);
  }
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) {
    return g_error_new_literal (G_TLS_ERROR, G_TLS_ERROR_MISC, "the TLS handshake was not over in time");
  }
  if (g_error_matches (problem, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED) && handshake->terms->server) {
    return g_error_new_literal (G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED, "the peer has no certificate");
  }
  /* 0x15: an alert. */
  if (size > 0 && bytes[0] != NET_TLS_HANDSHAKE_RECORD && bytes[0] != 0x15) {
    return net_tls_no_tls (bytes, size);
  }
  if (net_wire_has_ended (handshake->wire)) {
    return g_error_new_literal (G_TLS_ERROR, G_TLS_ERROR_NOT_TLS,
                                "the peer closed the connection in the TLS handshake");
  }
  if (problem->domain == G_IO_ERROR) {
    g_prefix_error (&taken, "TLS handshake: ");
  }
  return g_steal_pointer (&taken);
}

static const char *
version_in_words (GTlsProtocolVersion version)
{
  switch (version) {
  case G_TLS_PROTOCOL_VERSION_TLS_1_3:
    return "TLS 1.3";
  case G_TLS_PROTOCOL_VERSION_TLS_1_2:
    return "TLS 1.2";
  case G_TLS_PROTOCOL_VERSION_TLS_1_1:
    return "TLS 1.1";
  case G_TLS_PROTOCOL_VERSION_TLS_1_0:
    return "TLS 1.0";
  default:
    return "another version";
  }
}

/* GIO can be told no minimum; so it is looked at before a byte goes through. */
static GError *
judge_version (NetTlsHandshake *handshake)
{
  GTlsProtocolVersion version = g_tls_connection_get_protocol_version (handshake->connection);
  if (version >= handshake->terms->minimum && version <= G_TLS_PROTOCOL_VERSION_TLS_1_3) {
    return NULL;
  }
  return g_error_new (G_TLS_ERROR, G_TLS_ERROR_MISC, "the peer speaks %s, expected at least %s",
                      version_in_words (version), version_in_words (handshake->terms->minimum));
}

/* ---- under way ---- */

static gboolean
judge_certificate (G_GNUC_UNUSED GTlsConnection *connection, G_GNUC_UNUSED GTlsCertificate *certificate,
                   GTlsCertificateFlags flaws, gpointer data)
{
  NetTlsHandshake *handshake = data;
  if (handshake->terms == NULL || handshake->terms->verify) {
    handshake->flaws = flaws;
    return handshake->terms != NULL && flaws == 0;
  }
  return TRUE;
}

static void
done (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  NetTlsHandshake *handshake = data;
  handshake->done = TRUE;
  g_tls_connection_handshake_finish (handshake->connection, result, &handshake->failure);
}

static void
release (NetTlsHandshake *handshake)
{
  g_source_destroy (handshake->source);
  g_source_unref (handshake->source);
  if (handshake->connection != NULL) {
    g_signal_handlers_disconnect_by_data (handshake->connection, handshake);
    g_object_unref (handshake->connection);
  }
  net_wire_unref (handshake->wire);
  g_main_context_unref (handshake->context);
  g_clear_error (&handshake->failure);
  g_free (handshake);
}

static gboolean
serve (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  NetTlsHandshake *handshake = data;
  while (!handshake->done && g_main_context_iteration (handshake->context, FALSE)) {}
  if (!handshake->done) {
    return G_SOURCE_CONTINUE;
  }
  if (handshake->terms == NULL) {
    release (handshake);
    return G_SOURCE_REMOVE;
  }
  GError *failure = g_steal_pointer (&handshake->failure);
  handshake->over (failure != NULL ? explain (handshake, failure) : judge_version (handshake), handshake->data);
  return G_SOURCE_REMOVE;
}

/* The descriptor by which other threads wake who waits for a context. */
static int
context_fd (GMainContext *context)
{
  int priority, timeout;
  GPollFD poll_fd = { .fd = -1 };
  g_main_context_acquire (context);
  g_main_context_prepare (context, &priority);
  g_main_context_query (context, G_MAXINT, &timeout, &poll_fd, 1);
  g_main_context_release (context);
  return poll_fd.fd;
}

static void
serve_on (NetTlsHandshake *handshake, GMainContext *context)
{
  handshake->source = g_unix_fd_source_new (context_fd (handshake->context), G_IO_IN);
  g_source_set_static_name (handshake->source, "weir TLS handshake");
  g_source_set_callback (handshake->source, G_SOURCE_FUNC (serve), handshake, NULL);
  g_source_attach (handshake->source, context);
}

/* An address is no name: it is not sent, and found in the certificate as an address. */
static GSocketConnectable *
identity_of (const NetTlsTerms *terms)
{
  if (terms->name == NULL) {
    return NULL;
  }
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (terms->name);
  return address != NULL ? G_SOCKET_CONNECTABLE (g_inet_socket_address_new (address, 0))
                         : g_network_address_new (terms->name, 0);
}

static GTlsConnection *
new_connection (NetWire *wire, const NetTlsTerms *terms, GError **error)
{
  GTlsBackend *backend = g_tls_backend_get_default ();
  g_autoptr (GIOStream) stream = net_wire_stream (wire);
  if (terms->server) {
    GTlsAuthenticationMode mode = !terms->verify          ? G_TLS_AUTHENTICATION_NONE
                                  : terms->require_client ? G_TLS_AUTHENTICATION_REQUIRED
                                                          : G_TLS_AUTHENTICATION_REQUESTED;
    return g_initable_new (g_tls_backend_get_server_connection_type (backend), NULL, error, "base-io-stream", stream,
                           "certificate", terms->certificate, "database", terms->authorities, "authentication-mode",
                           mode, "require-close-notify", TRUE, NULL);
  }
  g_autoptr (GSocketConnectable) identity = identity_of (terms);
  return g_initable_new (g_tls_backend_get_client_connection_type (backend), NULL, error, "base-io-stream", stream,
                         "certificate", terms->certificate, "database", terms->authorities, "server-identity", identity,
                         "require-close-notify", TRUE, NULL);
}

NetTlsHandshake *
net_tls_handshake_begin (NetWire *wire, const NetTlsTerms *terms, void (*over) (GError *failure, gpointer data),
                         gpointer data, GError **error)
{
  GTlsConnection *connection = new_connection (wire, terms, error);
  if (connection == NULL) {
    return NULL;
  }
  NetTlsHandshake *handshake = g_new0 (NetTlsHandshake, 1);
  handshake->connection = connection;
  handshake->wire = net_wire_ref (wire);
  handshake->terms = terms;
  handshake->over = over;
  handshake->data = data;
  /* Threads wake it though nobody sleeps in it. */
  handshake->context = g_main_context_new_with_flags (G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
  serve_on (handshake, g_main_context_get_thread_default ());
  g_signal_connect (connection, "accept-certificate", G_CALLBACK (judge_certificate), handshake);
  g_main_context_push_thread_default (handshake->context);
  g_tls_connection_handshake_async (connection, G_PRIORITY_DEFAULT, NULL, done, handshake);
  g_main_context_pop_thread_default (handshake->context);
  return handshake;
}

GTlsConnection *
net_tls_handshake_take (NetTlsHandshake *handshake, char **subject)
{
  GTlsConnection *connection = g_steal_pointer (&handshake->connection);
  GTlsCertificate *certificate = g_tls_connection_get_peer_certificate (connection);
  g_signal_handlers_disconnect_by_data (connection, handshake);
  *subject = handshake->terms->server && certificate != NULL ? net_tls_common_name (certificate) : NULL;
  /* It has done its duty, and is large: GIO has a copy of it for each connection. */
  g_tls_connection_set_database (connection, NULL);
  release (handshake);
  return connection;
}

void
net_tls_handshake_abandon (NetTlsHandshake *handshake)
{
  handshake->terms = NULL;
  g_source_destroy (handshake->source);
  g_source_unref (handshake->source);
  serve_on (handshake, NULL);
}
