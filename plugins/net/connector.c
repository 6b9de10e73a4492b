/* SPDX-License-Identifier: Apache-2.0 */
/* connector.c: one attempt to connect (see connector.h). It watches by GSources of its own, not by weir_stage_wait_fd(), as a
 * consumer without input has no callback that a wake-up would reach. Runs on the stage's worker. */
#include "connector.h"

#include "connection.h"
#include "lookup.h"

#include <glib-unix.h>

#define STAGGER 250 /* milliseconds until the next address is tried beside the first */
#define RETRY 20    /* milliseconds until a unix socket whose backlog is full is tried again */

typedef struct {
  NetConnector *connector;
  int fd;
  GSource *source;
} Attempt;

struct _NetConnector {
  WeirStage *stage;
  const NetAddress *address;
  const NetSettings *settings;
  NetConnected connected;
  gpointer owner;
  NetLookup *lookup;
  GPtrArray *addresses; /* GSocketAddress; the next one to be tried is the first */
  GPtrArray *attempts;
  GSource *next, *deadline;
  GError *error; /* of the last attempt that failed */
};

static void try_next (NetConnector *connector);

static void
clear_source (GSource **source)
{
  if (*source != NULL) {
    g_source_destroy (*source);
    g_source_unref (*source);
    *source = NULL;
  }
}

static GSource *
attach (NetConnector *connector, GSource *source, GSourceFunc func, gpointer data)
{
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, weir_stage_context (connector->stage));
  return source;
}

static void
free_attempt (gpointer data)
{
  Attempt *attempt = data;
  clear_source (&attempt->source);
  if (attempt->fd >= 0) {
    close (attempt->fd);
  }
  g_free (attempt);
}

void
net_connector_free (NetConnector *connector)
{
  if (connector->lookup != NULL) {
    net_lookup_cancel (connector->lookup);
  }
  clear_source (&connector->next);
  clear_source (&connector->deadline);
  g_ptr_array_unref (connector->attempts);
  g_ptr_array_unref (connector->addresses);
  g_clear_error (&connector->error);
  g_free (connector);
}

/* The owner frees the connector, in that call or later. */
static void
finish (NetConnector *connector, int fd)
{
  clear_source (&connector->next);
  clear_source (&connector->deadline);
  connector->connected (connector->owner, fd, connector->error);
}

static void
set_error (NetConnector *connector, int number)
{
  g_clear_error (&connector->error);
  g_set_error (&connector->error, G_IO_ERROR, (gint) g_io_error_from_errno (number), "cannot connect to %s: %s",
               connector->address->text, g_strerror (number));
}

static void
give_up (NetConnector *connector, Attempt *attempt, int number)
{
  set_error (connector, number);
  g_ptr_array_remove_fast (connector->attempts, attempt);
  try_next (connector);
}

static gboolean
writable (G_GNUC_UNUSED gint fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  Attempt *attempt = data;
  NetConnector *connector = attempt->connector;
  int number = 0;
  socklen_t size = sizeof (number);
  if (getsockopt (attempt->fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0) {
    number = errno;
  }
  if (number != 0) {
    give_up (connector, attempt, number);
    return G_SOURCE_REMOVE;
  }
  int connected = attempt->fd;
  attempt->fd = -1;
  g_ptr_array_set_size (connector->attempts, 0);
  g_clear_error (&connector->error);
  finish (connector, connected);
  return G_SOURCE_REMOVE;
}

static gboolean
next_due (gpointer data)
{
  NetConnector *connector = data;
  clear_source (&connector->next);
  try_next (connector);
  return G_SOURCE_REMOVE;
}

static void
try_later (NetConnector *connector, guint milliseconds)
{
  clear_source (&connector->next);
  connector->next = attach (connector, g_timeout_source_new (milliseconds), next_due, connector);
}

/* FALSE: it failed at once. */
static gboolean
try_address (NetConnector *connector, GSocketAddress *address)
{
  struct sockaddr_storage native;
  gssize size = g_socket_address_get_native_size (address);
  if (!g_socket_address_to_native (address, &native, sizeof (native), NULL)) {
    set_error (connector, EINVAL);
    return FALSE;
  }
  int fd = net_socket_new (native.ss_family, SOCK_STREAM, connector->settings);
  if (fd < 0) {
    set_error (connector, errno);
    return FALSE;
  }
  int result = connect (fd, (struct sockaddr *) &native, (socklen_t) size);
  if (result < 0 && errno == EAGAIN) {
    /* A unix socket whose backlog is full, which nothing tells the end of. */
    close (fd);
    g_ptr_array_insert (connector->addresses, 0, g_object_ref (address));
    try_later (connector, RETRY);
    return TRUE;
  }
  if (result < 0 && errno != EINPROGRESS && errno != EINTR) {
    set_error (connector, errno);
    close (fd);
    return FALSE;
  }
  Attempt *attempt = g_new (Attempt, 1);
  *attempt = (Attempt){ .connector = connector, .fd = fd };
  g_ptr_array_add (connector->attempts, attempt);
  attempt->source = attach (connector, g_unix_fd_source_new (fd, G_IO_OUT), G_SOURCE_FUNC (writable), attempt);
  if (connector->addresses->len > 0) {
    try_later (connector, STAGGER);
  }
  return TRUE;
}

static void
try_next (NetConnector *connector)
{
  while (connector->addresses->len > 0) {
    g_autoptr (GSocketAddress) address = g_ptr_array_steal_index (connector->addresses, 0);
    if (try_address (connector, address)) {
      return;
    }
  }
  if (connector->attempts->len == 0 && connector->next == NULL) {
    finish (connector, -1);
  }
}

static gboolean
timed_out (gpointer data)
{
  NetConnector *connector = data;
  if (connector->lookup != NULL) {
    net_lookup_cancel (connector->lookup);
    connector->lookup = NULL;
  }
  clear_source (&connector->next);
  g_ptr_array_set_size (connector->attempts, 0);
  g_clear_error (&connector->error);
  g_set_error (&connector->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "cannot connect to %s: no answer within %g s",
               connector->address->text, (double) connector->settings->connect_timeout / G_USEC_PER_SEC);
  finish (connector, -1);
  return G_SOURCE_REMOVE;
}

static void
found (gpointer owner, GList *addresses, const GError *error)
{
  NetConnector *connector = owner;
  connector->lookup = NULL;
  if (addresses == NULL) {
    g_set_error (&connector->error, G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND, "cannot look up %s: %s",
                 connector->address->host, error->message);
    finish (connector, -1);
    return;
  }
  for (GList *item = addresses; item != NULL; item = item->next) {
    g_ptr_array_add (connector->addresses, g_inet_socket_address_new (item->data, connector->address->port));
  }
  try_next (connector);
}

NetConnector *
net_connector_new (WeirStage *stage, const NetAddress *address, const NetSettings *settings, NetConnected connected,
                   gpointer owner)
{
  NetConnector *connector = g_new (NetConnector, 1);
  *connector = (NetConnector){ .stage = stage,
                               .address = address,
                               .settings = settings,
                               .connected = connected,
                               .owner = owner,
                               .addresses = g_ptr_array_new_with_free_func (g_object_unref),
                               .attempts = g_ptr_array_new_with_free_func (free_attempt) };
  guint milliseconds = (guint) MAX (settings->connect_timeout / 1000, 1);
  connector->deadline = attach (connector, g_timeout_source_new (milliseconds), timed_out, connector);
  if (address->kind == NET_ADDRESS_NAME) {
    connector->lookup = net_lookup_begin (address->host, found, connector);
  } else {
    g_ptr_array_add (connector->addresses, g_object_ref (address->address));
    try_later (connector, 0);
  }
  return connector;
}
