/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h: what crosses the socket pair between a stage that is isolated and its child process.
 *
 * Both ends are one program on one machine: numbers are the machine's own, and fields lie as in these structs. The stream is a row of
 * frames, each a WeirFrame and `size` bytes behind it:
 *
 *   RECORDS      count records of one port: so many WeirFrameRecord, then their payloads, each with its trail, without a gap. port is
 *                the number of the input link (to the child) or of the output (from it; REJECTED: NAME.rejected).
 *   CONTEXT      count is a slot of the table of contexts, 1 to WEIR_FRAME_CONTEXTS; the bytes are its tags: KEY NUL VALUE NUL ...
 *                Records behind it name the slot, until it is set anew. Slot 0 is no context. Where port is 1, before the tags stand
 *                the origins of its records: how many, a guint32, and a guint64 each, the number that they have crossed under (crossing.h).
 *                Such a slot is set anew, to nothing, behind its last record, so that no slot keeps an origin open.
 *   END_STREAM   count is the number of the stream that has ended on this port
 *   END          the port has ended: nothing of it follows
 *
 * Records and control entries of a link are counted alike at both ends, so that a position in one is the same position in the other:
 * what is released goes back as such a position (shared.h). The first byte of each frame is the version; a frame of another one, or
 * that contradicts itself, is refused, and the stage fails. */
#pragma once

#include <weir/weir.h>

#define WEIR_FRAME_VERSION 1
#define WEIR_FRAME_CONTEXTS 255u
#define WEIR_FRAME_SLOTS (WEIR_FRAME_CONTEXTS + 1)
#define WEIR_FRAME_REJECTED G_MAXUINT16
/* A frame is closed once it has so much payload, or so many records; one record may be larger. */
#define WEIR_FRAME_PAYLOAD 32768u
#define WEIR_FRAME_RECORDS 512u
/* Tags of a context, and whatever else a frame but for RECORDS holds. */
#define WEIR_FRAME_TAGS (64u * 1024 * 1024)

typedef enum {
  WEIR_FRAME_IS_RECORDS = 1,
  WEIR_FRAME_IS_CONTEXT,
  WEIR_FRAME_IS_END_STREAM,
  WEIR_FRAME_IS_END
} WeirFrameType;

typedef struct {
  guint8 version, type;
  guint16 port;
  guint32 count;
  guint64 size; /* bytes behind this */
} WeirFrame;

typedef struct {
  gint64 time;
  guint64 size;
  guint32 stream;
  guint16 trail;
  guint8 flags, context; /* context: slot */
} WeirFrameRecord;

G_STATIC_ASSERT (sizeof (WeirFrame) == 16 && sizeof (WeirFrameRecord) == 24);
