/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c: reads a connection straight into the buffer that leaves with the record (see reader.h).
 * Runs on the stage's worker. */
#include "reader.h"

#define ROOM_LEAST 2048

void
net_reader_init (NetReader *reader, NetConnection *connection)
{
  *reader = (NetReader){ .connection = connection, .room = ROOM_LEAST };
}

static void
begin_stream (NetReader *reader, WeirStage *stage)
{
  if (G_UNLIKELY (reader->stream == 0)) {
    g_autoptr (WeirTags) tags = weir_tags_with (NULL, "peer", reader->connection->peer);
    const char *subject = net_connection_subject (reader->connection);
    if (subject != NULL) {
      g_autoptr (WeirTags) base = g_steal_pointer (&tags);
      tags = weir_tags_with (base, "peer_subject", subject);
    }
    reader->stream = weir_stream_open (stage, tags);
  }
  weir_stream_use (stage, reader->stream);
}

/* So that the lines of a peer that types share one buffer, and a peer in a hurry needs few calls. */
static void
adapt (NetReader *reader, gsize got, gsize chunk)
{
  if (got == reader->room) {
    reader->room = (guint32) MIN ((gsize) reader->room * 8, chunk);
  } else if (got < reader->room / 16) {
    reader->room = MAX (reader->room / 2, MIN (ROOM_LEAST, (guint32) chunk));
  }
}

NetResult
net_reader_read (NetReader *reader, WeirStage *stage, gsize chunk, gboolean *more, GIOCondition *wait, GError **error)
{
  gsize room = MIN (reader->room, chunk), got = 0;
  gpointer buffer = weir_emit_begin (stage, room);
  NetResult result = net_connection_read (reader->connection, buffer, room, &got, wait, error);
  if (result != NET_OK) {
    weir_emit_end (stage, 0);
    return result;
  }
  begin_stream (reader, stage);
  weir_emit_end (stage, got);
  /* A layer may hold bytes that the descriptor does not tell of. */
  *more = got == room || reader->connection->funcs != NULL;
  adapt (reader, got, chunk);
  return NET_OK;
}

void
net_reader_end (NetReader *reader, WeirStage *stage)
{
  if (reader->stream != 0) {
    weir_stream_close (stage, reader->stream);
    reader->stream = 0;
  }
}
