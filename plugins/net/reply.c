/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c: the role `reply` (see reply.h).
 * Runs on the connection's worker, which is its producer's too. */
#include "reply.h"

#include "counters.h"
#include "halves.h"
#include "linger.h"

typedef struct {
  const char *delimiter;

  NetConnection *connection; /* the producer's; it outlives the stage */
  WeirWriter writer;
  NetLinger linger;
  gboolean writes; /* its end is still to come */
} Reply;

static WeirNext
reply_open (WeirStage *stage, gpointer state)
{
  Reply *self = state;
  weir_writer_init (&self->writer, self->delimiter);
  self->connection = weir_stage_connection (stage);
  self->connection->replies++;
  self->writes = TRUE;
  return WEIR_MORE;
}

/* TRUE: by now no other reply to this connection has anything to write either. */
static gboolean
has_written (Reply *self)
{
  self->connection->replies -= self->writes ? 1 : 0;
  self->writes = FALSE;
  return self->connection->replies == 0;
}

static WeirNext
reply_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  Reply *self = state;
  return net_half_write (stage, self->connection, &self->writer, records, count);
}

/* Where the reader was stopped, the peer may still be sending. */
static WeirNext
reply_end (WeirStage *stage, gpointer state)
{
  Reply *self = state;
  if (!has_written (self)) {
    return WEIR_MORE;
  }
  WeirNext next = net_half_end (stage, self->connection);
  if (next != WEIR_MORE || !self->connection->left) {
    return next;
  }
  g_autoptr (GError) error = NULL;
  return net_linger_is_over (stage, self->connection, &error) ? WEIR_MORE : net_linger_wait (&self->linger, stage);
}

static void
reply_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  has_written (state);
}

static const WeirOption options[] = { WEIR_DELIMITER_OPTION (Reply), WEIR_OPTIONS_END };

const WeirRole net_reply_role = { .summary = "Answers on the connection that the producer has accepted",
                                  .options = options,
                                  .counters = net_counters,
                                  .state_size = sizeof (Reply),
                                  .open = reply_open,
                                  .flush = reply_flush,
                                  .end = reply_end,
                                  .close = reply_close };
