/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.h: the counted bytes behind records.
 * A buffer is made by one thread and released by any; its bytes are written only before the records that view them are
 * published. Owned by whoever holds a reference. */
#pragma once

#include "atomics.h"
#include "pool.h"
#include "weir/record.h"

struct _WeirBuffer {
  WeirBlock block; /* head of a pooled buffer; pool NULL where the buffer is an allocation of its own */
  _Atomic gint64 references;
  gsize capacity; /* bytes it holds down */
  guint8 *data;
  GDestroyNotify destroy; /* of wrapped bytes; NULL: none */
  gpointer user;
};

#define WEIR_BUFFER_HEAD 128u
G_STATIC_ASSERT (sizeof (WeirBuffer) <= WEIR_BUFFER_HEAD);

/* A buffer of at least `size` bytes with `references` references: from the pool where a class fits, else from malloc. The
 * pool's owner only. */
WeirBuffer *weir_buffer_new (WeirPool *pool, gsize size, gint64 references);
void weir_buffer_unref_many (WeirBuffer *buffer, gint64 n);

static inline void
weir_buffer_ref_many (WeirBuffer *buffer, gint64 n)
{
  atomic_fetch_add_explicit (&buffer->references, n, memory_order_relaxed);
}
