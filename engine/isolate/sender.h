/* SPDX-License-Identifier: Apache-2.0 */
/* sender.h: the writing end of a socket pair: records and control entries made into frames (frame.h).
 * One thread. What is encoded and not out yet lies here as heads and pieces of the records' own bytes, which therefore must stay where
 * they are until weir_sender_push() has answered TRUE. Contexts that the other end knows are held by a reference each. */
#pragma once

#include "isolate/frame.h"

typedef struct {
  GArray *pieces;                                      /* Piece */
  GByteArray *head;                                    /* what the frames have beside payload */
  guint next;                                          /* piece to send */
  gsize skip;                                          /* bytes of it that are out */
  WeirContext **contexts;                              /* by slot; NULL: none has been sent yet */
  guint32 (*renumber) (guint32 stream, gpointer data); /* NULL: a stream is sent by its number here */
  gpointer renumber_data;
  /* Appends the numbers, each a guint64, of an origin that crosses; at: of the first record of it in its link. NULL: none crosses. */
  void (*number) (gpointer data, WeirOrigin *origin, guint64 at, GArray *numbers);
  gpointer number_data;
  guint64 at;          /* of what is encoded next in its link */
  GByteArray *passing; /* slots of contexts with origins, to be set anew behind the run */
} WeirSender;

void weir_sender_init (WeirSender *sender);
void weir_sender_clear (WeirSender *sender);
/* Is nothing left to be pushed? Only then may more be encoded. */
gboolean weir_sender_is_idle (const WeirSender *sender);
/* From now on streams are sent by the numbers that this answers. */
void weir_sender_renumber (WeirSender *sender, guint32 (*renumber) (guint32 stream, gpointer data), gpointer data);
/* at: the position of the first of them in their link. */
void weir_sender_records (WeirSender *sender, guint16 port, const WeirRecord *records, gsize count, guint64 at);
void weir_sender_control (WeirSender *sender, WeirFrameType type, guint16 port, guint32 stream);
/* FALSE: errno says why not all of it is out. Never blocks. */
gboolean weir_sender_push (WeirSender *sender, int fd);
