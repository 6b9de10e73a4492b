/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c: the counted bytes behind records (see buffer.h).
 * Any thread may take and drop references; the last one gives a pooled buffer back to the pool it came from, or frees
 * it and calls the destroy function of wrapped bytes. */
#include "buffer.h"

static WeirBlockClass
class_for (gsize size)
{
  for (WeirBlockClass c = WEIR_BLOCK_BUFFER_4K; c < WEIR_BLOCK_CLASSES; c++) {
    if (size <= weir_block_size (c) - WEIR_BUFFER_HEAD) {
      return c;
    }
  }
  return WEIR_BLOCK_CLASSES;
}

WeirBuffer *
weir_buffer_new (WeirPool *pool, gsize size, gint64 references)
{
  WeirBlockClass block_class = class_for (size);
  WeirBuffer *buffer;
  if (block_class < WEIR_BLOCK_CLASSES) {
    buffer = (WeirBuffer *) weir_pool_take (pool, block_class);
    buffer->capacity = weir_block_size (block_class) - WEIR_BUFFER_HEAD;
  } else {
    buffer = g_malloc (WEIR_BUFFER_HEAD + size);
    buffer->block = (WeirBlock){ .pool = NULL };
    buffer->capacity = size;
  }
  atomic_init (&buffer->references, references);
  buffer->data = (guint8 *) buffer + WEIR_BUFFER_HEAD;
  buffer->destroy = NULL;
  buffer->user = NULL;
  return buffer;
}

WeirBuffer *
weir_buffer_wrap (gpointer data, gsize size, GDestroyNotify destroy, gpointer user)
{
  WeirBuffer *buffer = g_new (WeirBuffer, 1);
  *buffer = (WeirBuffer){ .capacity = size, .data = data, .destroy = destroy, .user = user };
  atomic_init (&buffer->references, 1);
  return buffer;
}

WeirBuffer *
weir_buffer_ref (WeirBuffer *buffer)
{
  weir_buffer_ref_many (buffer, 1);
  return buffer;
}

void
weir_buffer_unref_many (WeirBuffer *buffer, gint64 n)
{
  if (atomic_fetch_sub_explicit (&buffer->references, n, memory_order_acq_rel) != n) {
    return;
  }
  if (buffer->destroy != NULL) {
    buffer->destroy (buffer->user);
  }
  if (buffer->block.pool != NULL) {
    weir_pool_give (&buffer->block);
  } else {
    g_free (buffer);
  }
}

void
weir_buffer_unref (WeirBuffer *buffer)
{
  weir_buffer_unref_many (buffer, 1);
}
