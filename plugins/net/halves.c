/* SPDX-License-Identifier: Apache-2.0 */
/* halves.c: reading and writing one connection (see halves.h). Whoever waits looks at the time that either half has moved
 * something last, so that a peer is idle only where it neither sends nor takes.
 * Runs on the worker that both halves share. */
#include "halves.h"

#include "counters.h"

gboolean
net_half_wait (WeirStage *stage, const NetConnection *connection, int fd, GIOCondition condition, GError **error)
{
  if (connection->idle_timeout > 0) {
    gint64 left = connection->active + connection->idle_timeout - weir_stage_now (stage);
    if (left <= 0) {
      weir_stage_count (stage, NET_IDLE, 1);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the peer has neither sent nor taken anything for %g s",
                   (double) connection->idle_timeout / G_USEC_PER_SEC);
      return FALSE;
    }
    weir_stage_wait_time (stage, left);
  }
  weir_stage_wait_fd (stage, fd, condition);
  return TRUE;
}

static WeirNext
wait_or_fail (WeirStage *stage, const NetConnection *connection, int fd, GIOCondition condition)
{
  GError *error = NULL;
  return net_half_wait (stage, connection, fd, condition, &error) ? WEIR_WAIT : weir_stage_fail_error (stage, error);
}

WeirNext
net_half_read (WeirStage *stage, NetReader *reader, gsize chunk)
{
  gboolean more;
  GIOCondition wait = G_IO_IN;
  GError *error = NULL;
  switch (net_reader_read (reader, stage, chunk, &more, &wait, &error)) {
  case NET_OK:
    net_half_active (stage, reader->connection);
    if (more) {
      return WEIR_MORE;
    }
    /* As another read would say. */
    G_GNUC_FALLTHROUGH;
  case NET_AGAIN:
    return wait_or_fail (stage, reader->connection, reader->connection->fd, wait);
  case NET_END:
    net_reader_end (reader, stage);
    return WEIR_DONE;
  default:
    weir_stage_count (stage, NET_RESETS, 1);
    return weir_stage_fail_error (stage, error);
  }
}

WeirNext
net_half_write (WeirStage *stage, NetConnection *connection, WeirWriter *writer, const WeirRecord *records, gsize count)
{
  gsize before = writer->progress;
  GIOCondition wait;
  GError *error = NULL;
  NetResult result = net_connection_write (connection, writer, records, count, weir_stage_has_more (stage), &wait,
                                           &error);
  if (result == NET_OK || writer->progress > before) {
    net_half_active (stage, connection);
  }
  switch (result) {
  case NET_OK:
    return WEIR_MORE;
  case NET_AGAIN:
    return wait_or_fail (stage, connection, connection->fd, wait);
  default:
    weir_stage_count (stage, NET_RESETS, 1);
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE)) {
      g_error_free (error);
      return weir_stage_fail (stage, "the peer has closed the connection");
    }
    return weir_stage_fail_error (stage, error);
  }
}

WeirNext
net_half_end (WeirStage *stage, NetConnection *connection)
{
  GIOCondition wait;
  g_autoptr (GError) error = NULL;
  /* One that is gone by now has got all that was for it, as far as we can know. */
  if (net_connection_shutdown (connection, &wait, &error) == NET_AGAIN) {
    return weir_stage_wait_fd (stage, connection->fd, wait);
  }
  return WEIR_MORE;
}
