/* SPDX-License-Identifier: Apache-2.0 */
/* duplex.c: the transform of `tcp` and `unix` (see duplex.h). Its two halves share the connection and nothing else: each waits for
 * its own condition, pauses alone, and ends alone, the end of the input as a half-close that the peer sees, the peer's as the end
 * of the output.
 * Runs on the stage's worker. */
#include "duplex.h"

#include "halves.h"

char *
net_duplex_check (const NetDuplex *self, NetFamily family, const char **option)
{
  char *message = net_connect_check (self->connect, family, option);
  return message != NULL || family != NET_TCP ? message : net_tls_options_check (&self->settings.tls, FALSE, option);
}

WeirNext
net_duplex_open (WeirStage *stage, NetDuplex *self, NetFamily family)
{
  weir_writer_init (&self->writer, self->delimiter);
  self->client = net_client_new (stage, self->connect, family, &self->settings, 0);
  return self->client != NULL ? WEIR_MORE : WEIR_FAIL;
}

WeirNext
net_duplex_start (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  NetDuplex *self = state;
  net_client_start (self->client);
  return WEIR_MORE;
}

void
net_duplex_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  NetDuplex *self = state;
  g_clear_pointer (&self->client, net_client_free);
}

/* NULL: not yet; the stage will be woken. */
static NetConnection *
take_connection (WeirStage *stage, NetDuplex *self)
{
  if (self->reader.connection == NULL) {
    NetConnection *connection = net_client_connection (self->client);
    if (connection != NULL) {
      connection->idle_timeout = self->settings.idle_timeout;
      connection->active = weir_stage_now (stage);
      net_reader_init (&self->reader, connection);
    }
  }
  return self->reader.connection;
}

WeirNext
net_duplex_produce (WeirStage *stage, gpointer state)
{
  NetDuplex *self = state;
  return take_connection (stage, self) != NULL ? net_half_read (stage, &self->reader, self->chunk) : WEIR_WAIT;
}

WeirNext
net_duplex_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  NetDuplex *self = state;
  NetConnection *connection = take_connection (stage, self);
  return connection != NULL ? net_half_write (stage, connection, &self->writer, records, count) : WEIR_WAIT;
}

WeirNext
net_duplex_end (WeirStage *stage, gpointer state)
{
  NetDuplex *self = state;
  NetConnection *connection = take_connection (stage, self);
  if (connection != NULL) {
    return net_half_end (stage, connection);
  }
  if (!weir_stage_draining (stage)) {
    return WEIR_WAIT;
  }
  /* Nothing was sent that could be answered, and nothing is there to be sent. */
  net_client_give_up (self->client);
  weir_stage_finish (stage);
  return WEIR_MORE;
}
