/* SPDX-License-Identifier: Apache-2.0 */
/* receiver.h: the reading end of a socket pair: frames (frame.h) taken apart into records, which view the buffers that were read.
 * One thread, the owner of the pool. A record that it gives is borrowed until the next call. */
#pragma once

#include "buffer.h"
#include "isolate/frame.h"

typedef enum {
  WEIR_RECEIVED_NOTHING, /* more bytes are needed */
  WEIR_RECEIVED_RECORD,
  WEIR_RECEIVED_END_STREAM,
  WEIR_RECEIVED_END,
  WEIR_RECEIVED_BAD /* for good: weir_receiver_fault() */
} WeirReceived;

typedef struct {
  WeirPool *pool;    /* borrowed */
  guint ports;       /* valid numbers are below */
  gboolean rejected; /* and that of rejected records is, too */
  gsize record_max;
  WeirBuffer *buffer; /* NULL: nothing has been read that was not taken */
  gsize begin, end;   /* of what has been read and not taken */
  gsize need;         /* bytes from begin until the frame is whole */
  WeirFrame frame;    /* of RECORDS, while `left` of its records are still to be given */
  guint left;
  gsize heads, payload;   /* offsets in the buffer of the next of them */
  WeirContext **contexts; /* by slot; NULL: none has come yet */
  /* The origin of numbers that have crossed, a reference; NULL: there is none. Where this is NULL, none may cross. */
  WeirOrigin *(*resolve) (gpointer data, const guint64 *numbers, gsize count);
  gpointer resolve_data;
  char *fault;
} WeirReceiver;

void weir_receiver_init (WeirReceiver *receiver, WeirPool *pool, guint ports, gboolean rejected, gsize record_max);
void weir_receiver_clear (WeirReceiver *receiver);
/* Reads once. Answers as read(2) does, and never blocks. */
gssize weir_receiver_fill (WeirReceiver *receiver, int fd);
/* The next of what was read: a record or the number of a stream, and its port. */
WeirReceived weir_receiver_next (WeirReceiver *receiver, guint16 *port, WeirRecord *record, guint32 *stream);
/* What was wrong, as "a frame of version 2". */
const char *weir_receiver_fault (const WeirReceiver *receiver);
/* Does what was read end in the middle of a frame? */
gboolean weir_receiver_is_torn (const WeirReceiver *receiver);
