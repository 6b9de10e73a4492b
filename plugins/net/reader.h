/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h: what comes in on one connection, as chunks of a stream.
 * Runs on the stage's worker; part of the state of whoever reads. */
#pragma once

#include "connection.h"

typedef struct {
  NetConnection *connection;
  guint32 stream; /* 0 before its first byte: who says nothing has no stream */
  guint32 room;   /* bytes asked for: few of a peer that sends little, up to a chunk of one that sends much */
} NetReader;

#define NET_CHUNK_OPTION(State) WEIR_SIZE (State, chunk, "64KiB", "1..16MiB", 0, "Bytes read at a time, at most")

void net_reader_init (NetReader *reader, NetConnection *connection);
/* Reads once and emits what came. *more (with OK): there may be more at hand. */
NetResult net_reader_read (NetReader *reader, WeirStage *stage, gsize chunk, gboolean *more, GIOCondition *wait,
                           GError **error);
/* Its stream is over. The connection is its owner's to close. */
void net_reader_end (NetReader *reader, WeirStage *stage);
