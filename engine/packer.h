/* SPDX-License-Identifier: Apache-2.0 */
/* packer.h: the buffer that a stage packs its small outputs into, side by side.
 * One a stage, used by its worker alone. The packer takes many references to its buffer in one go and hands them out run by run
 * without an atomic; what is left over is dropped when it turns to the next buffer. */
#pragma once

#include "buffer.h"

typedef struct {
  WeirPool *pool; /* of the stage's worker */
  WeirBuffer *buffer;
  gsize used;
  gint64 credit; /* references to buffer not handed out yet; the packer's own is the last */
  gsize want;    /* capacity of the next buffer: grows while buffers fill quickly */
} WeirPacker;

void weir_packer_new_buffer (WeirPacker *packer, gsize size);
/* Drops the buffer, for a stage that idles or is over. */
void weir_packer_clear (WeirPacker *packer);

/* Room for size bytes at the end of what is packed. */
static inline guint8 *
weir_packer_reserve (WeirPacker *packer, gsize size)
{
  if (G_UNLIKELY (packer->buffer == NULL || packer->buffer->capacity - packer->used < size)) {
    weir_packer_new_buffer (packer, size);
  }
  return packer->buffer->data + packer->used;
}

static inline void
weir_packer_commit (WeirPacker *packer, gsize size)
{
  packer->used += size;
}

/* Copies the bytes of a record, which views the copy from then on; its reference to the buffer before stays the caller's. */
void weir_packer_copy (WeirPacker *packer, WeirRecord *record);
