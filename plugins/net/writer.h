/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h: what all who write records to a connection share.
 * Runs on the stage's worker; owns nothing. */
#pragma once

#include "connection.h"

#define NET_DELIMITER_OPTION(State) \
  WEIR_STRING (State, delimiter, "\n", 0, \
               "Written behind a message that has no trail; nul for a zero byte, empty for none")

/* What a role's `delimiter` stands for, in place; its size is the answer. */
gsize net_writer_delimiter (const char **delimiter);
/* How many records the first `bytes` bytes of a run hold wholly. */
gsize net_writer_whole (const WeirRecord *records, gsize count, gsize delimiter_size, gsize bytes);
/* The bytes of one record on the wire. */
static inline gsize
net_writer_size (const WeirRecord *record, gsize delimiter_size)
{
  gboolean delimited = record->trail == 0 && (record->flags & WEIR_RECORD_CHUNK) == 0;
  return record->size + record->trail + (delimited ? delimiter_size : 0);
}
