/* SPDX-License-Identifier: Apache-2.0 */
/* client.c: connects, and connects again (see client.h), with growing pauses that begin anew behind a connection that has lived for
 * longer than the last one.
 * Runs on the stage's worker, by sources in its context. */
#include "client.h"

#include "backoff.h"
#include "connector.h"
#include "counters.h"
#include "tls.h"

#include <glib-unix.h>

struct _NetClient {
  WeirStage *stage;
  NetAddress address;
  const NetSettings *settings;
  NetClientFlags flags;
  NetConnector *connector;
  NetTlsSettings *tls;     /* NULL: plain */
  NetConnection *greeting; /* in its TLS handshake */
  NetTls *layer;           /* its */
  NetConnection *connection;
  GSource *retry, *input;
  guint pause;  /* milliseconds, the last one; 0: none since it was connected */
  guint tries;  /* that have failed since then */
  guint number; /* of connections */
  gint64 since; /* connected, monotonic microseconds */
};

char *
net_connect_check (const char *text, NetFamily family, const char **option)
{
  NetAddress address;
  char *message = net_address_parse (&address, text, family, FALSE);
  net_address_clear (&address);
  *option = message != NULL ? "connect" : NULL;
  return message;
}

NetClient *
net_client_new (WeirStage *stage, const char *address, NetFamily family, const NetSettings *settings,
                NetClientFlags flags)
{
  NetClient *client = g_new (NetClient, 1);
  *client = (NetClient){ .stage = stage, .settings = settings, .flags = flags };
  g_free (net_address_parse (&client->address, address, family, FALSE));
  GError *error = NULL;
  if (settings->tls.tls && (client->tls = net_tls_settings_new (&settings->tls, FALSE, &error)) == NULL) {
    weir_stage_fail_error (stage, error);
    g_clear_pointer (&client, net_client_free);
  }
  return client;
}

static void
clear_source (GSource **source)
{
  if (*source != NULL) {
    g_source_destroy (*source);
    g_source_unref (*source);
    *source = NULL;
  }
}

static void
drop_connection (NetClient *client)
{
  clear_source (&client->input);
  g_clear_pointer (&client->greeting, net_connection_free);
  if (client->connection != NULL) {
    net_connection_close (client->connection, client->stage);
    client->connection = NULL;
  }
}

void
net_client_give_up (NetClient *client)
{
  clear_source (&client->retry);
  g_clear_pointer (&client->connector, net_connector_free);
  drop_connection (client);
}

void
net_client_free (NetClient *client)
{
  net_client_give_up (client);
  g_clear_pointer (&client->tls, net_tls_settings_free);
  net_address_clear (&client->address);
  g_free (client);
}

NetConnection *
net_client_connection (const NetClient *client)
{
  return client->connection;
}

guint
net_client_number (const NetClient *client)
{
  return client->number;
}

/* ---- connecting ---- */

static gboolean
retry_due (gpointer data)
{
  NetClient *client = data;
  clear_source (&client->retry);
  net_client_start (client);
  return G_SOURCE_REMOVE;
}

static void
try_later (NetClient *client)
{
  client->retry = g_timeout_source_new (net_backoff_next (&client->pause));
  g_source_set_callback (client->retry, retry_due, client, NULL);
  g_source_attach (client->retry, weir_stage_context (client->stage));
}

static gboolean
input_came (G_GNUC_UNUSED gint fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  /* Where it is over, the stage is told by the source's own removal and a wake-up. */
  net_client_look (data);
  return G_SOURCE_CONTINUE;
}

static void
describe_peer (int fd, char text[NET_TEXT_SIZE])
{
  struct sockaddr_storage name = { 0 };
  socklen_t size = sizeof (name);
  g_strlcpy (text, "-", NET_TEXT_SIZE);
  if (getpeername (fd, (struct sockaddr *) &name, &size) == 0) {
    net_address_describe ((struct sockaddr *) &name, size, text);
  }
}

static void
not_connected (NetClient *client, const GError *error)
{
  client->tries++;
  if ((client->flags & NET_CLIENT_RECONNECT) == 0) {
    weir_stage_fail (client->stage, "%s", error->message);
  } else {
    weir_stage_log (client->stage, client->tries == 1 ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_DEBUG, "%s; trying again",
                    error->message);
    try_later (client);
  }
  g_clear_pointer (&client->connector, net_connector_free);
}

/* Takes the connection, which is ready to be read and written. */
static void
have_connection (NetClient *client, NetConnection *connection)
{
  client->connection = connection;
  client->tries = 0;
  client->number++;
  client->since = weir_stage_now (client->stage);
  weir_stage_count (client->stage, NET_CONNECTIONS, 1);
  gboolean lasting = (client->flags & NET_CLIENT_RECONNECT) != 0;
  weir_stage_log (client->stage, lasting ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_DEBUG, "connected to %s",
                  client->address.text);
  /* A source for each is nothing for thousands of stages on one worker: there the next write tells. */
  if ((client->flags & NET_CLIENT_DISCARD) != 0 && weir_stage_connection (client->stage) == NULL) {
    client->input = g_unix_fd_source_new (connection->fd, G_IO_IN);
    g_source_set_callback (client->input, G_SOURCE_FUNC (input_came), client, NULL);
    g_source_attach (client->input, weir_stage_context (client->stage));
  }
  weir_stage_wake (client->stage);
}

static void
go_on_greeting (gpointer data)
{
  NetClient *client = data;
  GIOCondition wait = 0;
  g_autoptr (GError) error = NULL;
  switch (net_tls_handshake (client->layer, &wait, &error)) {
  case NET_OK:
    have_connection (client, g_steal_pointer (&client->greeting));
    return;
  case NET_AGAIN: /* a client has no condition to wait for: it will be called */
    return;
  default:
    g_clear_pointer (&client->greeting, net_connection_free);
    weir_stage_count (client->stage, NET_HANDSHAKES_FAILED, 1);
    g_prefix_error (&error, "cannot connect to %s: ", client->address.text);
    not_connected (client, error);
  }
}

/* Takes the connection. */
static void
greet (NetClient *client, NetConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL;
  if (!net_tls_settings_renew (client->tls, &error)) {
    weir_stage_log (client->stage, G_LOG_LEVEL_WARNING, "%s; the certificate that was loaded before stays in use",
                    error->message);
  }
  if (client->address.kind == NET_ADDRESS_KNOWN) {
    GInetSocketAddress *known = G_INET_SOCKET_ADDRESS (client->address.address);
    address = g_inet_address_to_string (g_inet_socket_address_get_address (known));
  }
  client->greeting = connection;
  client->layer = net_tls_new (connection->fd, client->tls, address != NULL ? address : client->address.host,
                               go_on_greeting, client);
  net_connection_set_layer (connection, &net_tls_layer, client->layer);
  go_on_greeting (client);
}

static void
connected (gpointer owner, int fd, const GError *error)
{
  NetClient *client = owner;
  if (fd < 0) {
    not_connected (client, error);
    return;
  }
  g_clear_pointer (&client->connector, net_connector_free);
  char peer[NET_TEXT_SIZE];
  describe_peer (fd, peer);
  NetConnection *connection = net_connection_new (fd, peer);
  if (client->tls != NULL) {
    greet (client, connection);
  } else {
    have_connection (client, connection);
  }
}

void
net_client_start (NetClient *client)
{
  client->connector = net_connector_new (client->stage, &client->address, client->settings, connected, client);
}

/* ---- losing it ---- */

WeirNext
net_client_lost (NetClient *client, GError *error)
{
  g_autoptr (GError) why = error;
  const char *text = why != NULL ? why->message : "the peer has closed the connection";
  gint64 lived = weir_stage_now (client->stage) - client->since;
  drop_connection (client);
  weir_stage_count (client->stage, NET_RESETS, 1);
  if ((client->flags & NET_CLIENT_RECONNECT) == 0) {
    return weir_stage_fail (client->stage, "lost %s: %s", client->address.text, text);
  }
  weir_stage_log (client->stage, G_LOG_LEVEL_WARNING, "lost %s: %s; connecting again", client->address.text, text);
  if (lived > (gint64) client->pause * 1000) {
    client->pause = 0;
  }
  try_later (client);
  return WEIR_WAIT;
}

void
net_client_leave (NetClient *client)
{
  clear_source (&client->input);
}

gboolean
net_client_look (NetClient *client)
{
  GError *error = NULL;
  if (client->connection == NULL || net_connection_discard (client->connection, &error) == NET_AGAIN) {
    return client->connection == NULL;
  }
  net_client_lost (client, error);
  weir_stage_wake (client->stage);
  return TRUE;
}
