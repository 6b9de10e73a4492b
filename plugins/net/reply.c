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
} Reply;

static WeirNext
reply_open (WeirStage *stage, gpointer state)
{
  Reply *self = state;
  weir_writer_init (&self->writer, self->delimiter);
  self->connection = weir_stage_connection (stage);
  return WEIR_MORE;
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
  WeirNext next = net_half_end (stage, self->connection);
  if (next != WEIR_MORE || !self->connection->left) {
    return next;
  }
  g_autoptr (GError) error = NULL;
  return net_linger_is_over (stage, self->connection, &error) ? WEIR_MORE : net_linger_wait (&self->linger, stage);
}

static const WeirOption options[] = { WEIR_DELIMITER_OPTION (Reply), WEIR_OPTIONS_END };

const WeirRole net_reply_role = { .summary = "Answers on the connection that the producer has accepted",
                                  .options = options,
                                  .counters = net_counters,
                                  .state_size = sizeof (Reply),
                                  .open = reply_open,
                                  .flush = reply_flush,
                                  .end = reply_end };
