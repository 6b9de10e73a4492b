/* SPDX-License-Identifier: Apache-2.0 */
/* producer.c: the producer of `tcp` and `unix` (see producer.h): which of its ways it goes, and what they do with their one
 * connection or their many.
 * Runs on the stage's worker, as a pull producer: a paused stage reads nobody, and its peers' windows close. */
#include "producer.h"

#include "counters.h"
#include "either.h"
#include "halves.h"

#include <sys/epoll.h>

#define ACCEPTED_AT_ONCE 64

/* ---- options ---- */

char *
net_producer_check (const NetProducer *self, NetFamily family, const char **option)
{
  return net_either_check (&self->accept, self->connect, family, &self->settings,
                           "expected an address to listen at (listen) or to connect to (connect)", option);
}

/* ---- life ---- */

static WeirNext
open_listener (WeirStage *stage, NetProducer *self)
{
  if (weir_stage_per_connection (stage)) {
    self->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (self->epoll < 0) {
      return weir_stage_fail_errno (stage, "cannot make an epoll set");
    }
  } else {
    self->peers = net_peers_new (stage, self->chunk, self->settings.idle_timeout);
    if (self->peers == NULL) {
      return WEIR_FAIL;
    }
    self->epoll = net_peers_epoll (self->peers);
  }
  self->acceptor = net_acceptor_new (stage, self->epoll, self->family, &self->accept, &self->settings);
  return self->acceptor != NULL ? WEIR_MORE : WEIR_FAIL;
}

WeirNext
net_producer_open (WeirStage *stage, NetProducer *self, NetFamily family)
{
  self->family = family;
  self->epoll = -1;
  NetConnection *connection = weir_stage_connection (stage);
  if (connection != NULL) {
    net_reader_init (&self->reader, connection);
    connection->active = weir_stage_now (stage);
    connection->idle_timeout = self->settings.idle_timeout;
    return WEIR_MORE;
  }
  if (self->connect == NULL) {
    return open_listener (stage, self);
  }
  self->client = net_client_new (stage, self->connect, family, &self->settings,
                                 self->reconnect ? NET_CLIENT_RECONNECT : 0);
  return self->client != NULL ? WEIR_MORE : WEIR_FAIL;
}

WeirNext
net_producer_start (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  NetProducer *self = state;
  if (self->client != NULL) {
    net_client_start (self->client);
  }
  return self->acceptor != NULL ? net_acceptor_start (self->acceptor) : WEIR_MORE;
}

/* Nobody is let in any more, and what was received but not read is left. */
void
net_producer_stop (WeirStage *stage, gpointer state)
{
  NetConnection *connection = weir_stage_connection (stage);
  if (connection != NULL) {
    connection->left = TRUE;
  }
  net_producer_close (stage, state);
}

void
net_producer_close (WeirStage *stage, gpointer state)
{
  NetProducer *self = state;
  g_clear_pointer (&self->acceptor, net_acceptor_free);
  g_clear_pointer (&self->client, net_client_free);
  if (self->peers != NULL) {
    g_clear_pointer (&self->peers, net_peers_free);
  } else if (self->epoll >= 0) {
    weir_stage_close_fd (stage, self->epoll);
  }
  self->epoll = -1;
}

/* ---- many peers ---- */

static WeirNext
read_peers (WeirStage *stage, NetProducer *self)
{
  for (guint accepted = 0; accepted < ACCEPTED_AT_ONCE;) {
    NetPeersResult result = net_peers_read (self->peers);
    if (net_peers_take_gone (self->peers)) {
      net_acceptor_look_again (self->acceptor);
    }
    if (result == NET_PEERS_READ) {
      return WEIR_MORE;
    }
    if (result == NET_PEERS_QUIET) {
      return WEIR_WAIT;
    }
    NetConnection *connection = net_acceptor_next (self->acceptor, net_peers_count (self->peers));
    accepted++;
    if (connection != NULL) {
      net_peers_add (self->peers, connection);
    }
  }
  /* The others on this worker first; it is asked again right away. */
  weir_stage_wake (stage);
  return WEIR_WAIT;
}

/* ---- a pipeline per connection ---- */

static void
drop (gpointer connection)
{
  net_connection_free (connection);
}

static WeirNext
hand_over (WeirStage *stage, NetProducer *self)
{
  net_acceptor_look_again (self->acceptor);
  for (guint i = 0; i < ACCEPTED_AT_ONCE; i++) {
    NetConnection *connection = net_acceptor_next (self->acceptor, weir_stage_connections (stage));
    if (connection == NULL) {
      return weir_stage_wait_fd (stage, self->epoll, G_IO_IN);
    }
    if (!weir_stage_accept (stage, connection, drop, connection->peer)) {
      return WEIR_WAIT;
    }
  }
  return WEIR_MORE;
}

/* ---- one connection that we have made ---- */

static WeirNext
lost (WeirStage *stage, NetProducer *self, GError *error)
{
  net_reader_end (&self->reader, stage);
  self->reader.connection = NULL;
  return net_client_lost (self->client, error);
}

/* FALSE: there is none now. */
static gboolean
take_connection (WeirStage *stage, NetProducer *self)
{
  NetConnection *connection = net_client_connection (self->client);
  if (connection != NULL && self->reader.connection == NULL) {
    net_reader_init (&self->reader, connection);
    connection->active = weir_stage_now (stage);
    connection->idle_timeout = self->settings.idle_timeout;
  }
  return connection != NULL;
}

/* As net_half_read(), but that what is over is begun again. */
static WeirNext
read_again_and_again (WeirStage *stage, NetProducer *self)
{
  NetReader *reader = &self->reader;
  gboolean more;
  GIOCondition wait;
  GError *error = NULL;
  switch (net_reader_read (reader, stage, self->chunk, &more, &wait, &error)) {
  case NET_OK:
    net_half_active (stage, reader->connection);
    return WEIR_MORE;
  case NET_AGAIN:
    return net_half_wait (stage, reader->connection, reader->connection->fd, wait, &error) ? WEIR_WAIT
                                                                                           : lost (stage, self, error);
  default:
    return lost (stage, self, error);
  }
}

static WeirNext
read_client (WeirStage *stage, NetProducer *self)
{
  if (!take_connection (stage, self)) {
    return WEIR_WAIT;
  }
  return self->reconnect ? read_again_and_again (stage, self) : net_half_read (stage, &self->reader, self->chunk);
}

WeirNext
net_producer_produce (WeirStage *stage, gpointer state)
{
  NetProducer *self = state;
  if (self->peers != NULL) {
    return read_peers (stage, self);
  }
  if (self->acceptor != NULL) {
    return hand_over (stage, self);
  }
  return self->client != NULL ? read_client (stage, self) : net_half_read (stage, &self->reader, self->chunk);
}
