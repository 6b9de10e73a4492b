/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.c: a peer's bounded queue of blocks (see blocks.h).
 * Runs on the stage's worker. */
#include "blocks.h"

#define AT_ONCE 16 /* blocks in one write */

/* Empty chunks are of no stream here. */
static const WeirRecord *
first_with_bytes (const WeirRecord *records, gsize count)
{
  gsize first = 0;
  while (first < count - 1 && records[first].size + records[first].trail == 0 &&
         (records[first].flags & WEIR_RECORD_CHUNK) != 0) {
    first++;
  }
  return &records[first];
}

NetBlock *
net_block_new (const WeirRecord *records, gsize count, gsize *next, const char *delimiter, gsize most, guint64 number)
{
  const WeirRecord *own = records + *next;
  WeirWriter writer;
  guint64 size;
  weir_writer_init (&writer, delimiter);
  gsize taken = weir_writer_fit (&writer, own, count - *next, most, &size);
  if (taken == 0) {
    taken = weir_writer_fit (&writer, own, 1, G_MAXUINT64, &size);
  }
  NetBlock *block = g_malloc (sizeof (NetBlock) + size);
  *block = (NetBlock){ .references = 1, .records = (guint) taken, .number = number };
  weir_writer_copy (&writer, own, taken, block->bytes, size);
  weir_writer_done (&writer, own, taken);
  block->behind = writer;
  const WeirRecord *first = first_with_bytes (own, taken);
  block->view = (WeirRecord){ .data = block->bytes,
                              .size = size,
                              .stream = first->stream,
                              .flags = WEIR_RECORD_CHUNK | (first->flags & WEIR_RECORD_GAP) };
  *next += taken;
  return block;
}

void
net_block_unref (NetBlock *block)
{
  if (--block->references == 0) {
    g_free (block);
  }
}

void
net_blocks_init (NetBlocks *blocks, const char *delimiter)
{
  weir_writer_init (&blocks->writer, delimiter);
}

void
net_blocks_push (NetBlocks *blocks, NetBlock *block)
{
  block->references++;
  g_queue_push_tail (&blocks->queue, block);
  blocks->bytes += block->view.size;
}

guint
net_blocks_drop_oldest (NetBlocks *blocks)
{
  NetBlock *block = g_queue_pop_nth (&blocks->queue, blocks->progress > 0 ? 1 : 0);
  if (block == NULL) {
    return 0;
  }
  guint records = block->records;
  blocks->bytes -= block->view.size;
  net_block_unref (block);
  return records;
}

static void
pop_first (NetBlocks *blocks)
{
  NetBlock *block = g_queue_pop_head (&blocks->queue);
  blocks->bytes -= block->view.size;
  net_block_unref (block);
}

/* Bytes of a delimiter before a block, that is written behind another one: what is between them may have been dropped. */
static gsize
delimiter_before (const WeirWriter *writer, guint64 number, const NetBlock *block)
{
  WeirRecord view = block->view;
  guint64 size;
  view.flags |= block->number != number + 1 ? WEIR_RECORD_GAP : 0;
  weir_writer_fit (writer, &view, 1, G_MAXUINT64, &size);
  return size - view.size;
}

static const WeirWriter *
writer_behind (const WeirWriter *writer, const NetBlock *block)
{
  return block->view.size > 0 ? &block->behind : writer;
}

/* What is wholly out goes. */
static void
advance (NetBlocks *blocks)
{
  const NetBlock *first;
  while ((first = g_queue_peek_head (&blocks->queue)) != NULL) {
    gsize size = delimiter_before (&blocks->writer, blocks->number, first) + first->view.size;
    if (blocks->progress < size) {
      return;
    }
    blocks->progress -= size;
    blocks->writer = *writer_behind (&blocks->writer, first);
    blocks->number = first->number;
    pop_first (blocks);
  }
}

NetResult
net_blocks_write (NetBlocks *blocks, NetConnection *connection, GIOCondition *wait, GError **error)
{
  while (blocks->queue.head != NULL) {
    WeirRecord views[2 * AT_ONCE];
    gsize count = 0, size = 0;
    const WeirWriter *writer = &blocks->writer;
    guint64 number = blocks->number;
    for (const GList *item = blocks->queue.head; item != NULL && count < 2 * AT_ONCE - 1; item = item->next) {
      const NetBlock *block = item->data;
      gsize before = delimiter_before (writer, number, block);
      if (before > 0) {
        views[count++] = (WeirRecord){ .data = (const guint8 *) writer->delimiter,
                                       .size = before,
                                       .flags = WEIR_RECORD_CHUNK };
      }
      views[count++] = block->view;
      size += before + block->view.size;
      writer = writer_behind (writer, block);
      number = block->number;
    }
    WeirWriter plain = { .progress = blocks->progress };
    NetResult result = net_connection_write (connection, &plain, views, count, FALSE, wait, error);
    blocks->progress = result == NET_OK ? size : plain.progress;
    advance (blocks);
    if (result != NET_OK) {
      return result;
    }
  }
  return net_connection_flush (connection, wait, error);
}

guint
net_blocks_clear (NetBlocks *blocks)
{
  guint records = 0;
  while (blocks->queue.head != NULL) {
    records += ((const NetBlock *) blocks->queue.head->data)->records;
    pop_first (blocks);
  }
  blocks->progress = 0;
  return records;
}
