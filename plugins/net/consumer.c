/* SPDX-License-Identifier: Apache-2.0 */
/* consumer.c: the consumer of `tcp` and `unix` (see consumer.h), and its way with `connect`; that with `listen` is audience.c.
 * Runs on the stage's worker. During an outage the run is simply not done, so that records wait in the link, and pause what feeds
 * it; a new connection begins with the first record that the last one had not wholly taken. */
#include "consumer.h"

#include "counters.h"
#include "either.h"
#include "halves.h"

/* ---- options ---- */

char *
net_consumer_check (const NetConsumer *self, NetFamily family, const char **option)
{
  return net_either_check (&self->accept, self->connect, family, &self->settings,
                           "expected an address to connect to (connect) or to listen at (listen)", option);
}

/* ---- life ---- */

WeirNext
net_consumer_open (WeirStage *stage, NetConsumer *self, NetFamily family)
{
  weir_writer_init (&self->writer, self->delimiter);
  if (self->connect != NULL) {
    self->client = net_client_new (stage, self->connect, family, &self->settings,
                                   NET_CLIENT_DISCARD | (self->reconnect ? NET_CLIENT_RECONNECT : 0));
    return self->client != NULL ? WEIR_MORE : WEIR_FAIL;
  }
  self->listeners = net_audience_new (stage, &self->audience, self->delimiter, self->settings.idle_timeout);
  if (self->listeners == NULL) {
    return WEIR_FAIL;
  }
  return net_audience_listen (self->listeners, family, &self->accept, &self->settings) ? WEIR_MORE : WEIR_FAIL;
}

WeirNext
net_consumer_start (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  NetConsumer *self = state;
  if (self->client == NULL) {
    return net_audience_start (self->listeners);
  }
  net_client_start (self->client);
  return WEIR_MORE;
}

void
net_consumer_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  NetConsumer *self = state;
  g_clear_pointer (&self->client, net_client_free);
  g_clear_pointer (&self->listeners, net_audience_free);
}

/* ---- to the one that we have connected to ---- */

/* What the last one has not wholly taken is for the next. */
static void
begin_connection (NetConsumer *self, const WeirRecord *records, gsize count)
{
  self->done += weir_writer_fit (&self->writer, records + self->done, count - self->done, self->writer.progress, NULL);
  weir_writer_restart (&self->writer);
  self->blocked = FALSE;
  self->number = net_client_number (self->client);
}

static WeirNext
send_run (WeirStage *stage, NetConsumer *self, const WeirRecord *records, gsize count)
{
  /* Bytes for one that has gone would be taken by the kernel all the same, and lost. */
  if (!self->blocked && net_client_look (self->client)) {
    return WEIR_WAIT;
  }
  NetConnection *connection = net_client_connection (self->client);
  if (connection == NULL) {
    return WEIR_WAIT;
  }
  if (self->number != net_client_number (self->client)) {
    begin_connection (self, records, count);
    connection->idle_timeout = self->settings.idle_timeout;
  }
  gboolean waited = self->blocked;
  gsize before = self->writer.progress;
  GIOCondition wait;
  GError *error = NULL;
  NetResult result = net_connection_write (connection, &self->writer, records + self->done, count - self->done,
                                           weir_stage_has_more (stage), &wait, &error);
  self->blocked = result == NET_AGAIN;
  if (!waited || result == NET_OK || self->writer.progress > before) {
    net_half_active (stage, connection);
  }
  switch (result) {
  case NET_OK:
    self->done = 0;
    return WEIR_MORE;
  case NET_AGAIN:
    return net_half_wait (stage, connection, connection->fd, wait, &error) ? WEIR_WAIT
                                                                           : net_client_lost (self->client, error);
  default:
    return net_client_lost (self->client, error);
  }
}

WeirNext
net_consumer_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  NetConsumer *self = state;
  return self->client != NULL ? send_run (stage, self, records, count)
                              : net_audience_flush (self->listeners, records, count);
}

/* The peer is told that nothing follows. */
WeirNext
net_consumer_end (WeirStage *stage, gpointer state)
{
  NetConsumer *self = state;
  if (self->client == NULL) {
    return net_audience_end (self->listeners);
  }
  NetConnection *connection = net_client_connection (self->client);
  if (connection == NULL) {
    return WEIR_MORE;
  }
  net_client_leave (self->client); /* its end is no loss any more */
  GIOCondition wait;
  g_autoptr (GError) error = NULL;
  if (net_connection_shutdown (connection, &wait, &error) == NET_AGAIN) {
    return weir_stage_wait_fd (stage, connection->fd, wait);
  }
  if (!net_linger_is_over (stage, connection, &error)) {
    return net_linger_wait (&self->linger, stage);
  }
  if (error != NULL) {
    weir_stage_count (stage, NET_RESETS, 1);
    weir_stage_log (stage, G_LOG_LEVEL_WARNING, "lost %s: %s; it may not have got the last of what was sent",
                    connection->peer, error->message);
  }
  return WEIR_MORE;
}
