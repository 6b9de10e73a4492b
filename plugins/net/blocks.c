/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.c: a peer's bounded queue of blocks (see blocks.h).
 * Runs on the stage's worker. */
#include "blocks.h"

#include "writer.h"

#include <string.h>

#define AT_ONCE 16 /* blocks in one write */

NetBlock *
net_block_new (const WeirRecord *records, gsize count, gsize *next, gconstpointer delimiter, gsize delimiter_size,
               gsize most)
{
  gsize first = *next, size = 0;
  do {
    size += net_writer_size (&records[(*next)++], delimiter_size);
  } while (*next < count && size + net_writer_size (&records[*next], delimiter_size) <= most);
  NetBlock *block = g_malloc (sizeof (NetBlock) + size);
  *block = (NetBlock){ .references = 1, .records = (guint) (*next - first), .size = size };
  guint8 *to = block->bytes;
  for (gsize i = first; i < *next; i++) {
    gsize own = records[i].size + records[i].trail;
    memcpy (to, records[i].data, own);
    to += own;
    gsize rest = net_writer_size (&records[i], delimiter_size) - own;
    if (rest > 0) {
      memcpy (to, delimiter, rest);
      to += rest;
    }
  }
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
net_blocks_push (NetBlocks *blocks, NetBlock *block)
{
  block->references++;
  g_queue_push_tail (&blocks->queue, block);
  blocks->bytes += block->size;
}

guint
net_blocks_drop_oldest (NetBlocks *blocks)
{
  NetBlock *block = g_queue_pop_nth (&blocks->queue, blocks->progress > 0 ? 1 : 0);
  if (block == NULL) {
    return 0;
  }
  guint records = block->records;
  blocks->bytes -= block->size;
  net_block_unref (block);
  return records;
}

static void
pop_first (NetBlocks *blocks)
{
  NetBlock *block = g_queue_pop_head (&blocks->queue);
  blocks->bytes -= block->size;
  net_block_unref (block);
}

/* What is wholly out goes. */
static void
advance (NetBlocks *blocks)
{
  const NetBlock *first;
  while ((first = g_queue_peek_head (&blocks->queue)) != NULL && blocks->progress >= first->size) {
    blocks->progress -= first->size;
    pop_first (blocks);
  }
}

NetResult
net_blocks_write (NetBlocks *blocks, NetConnection *connection, GIOCondition *wait, GError **error)
{
  while (blocks->queue.head != NULL) {
    WeirRecord views[AT_ONCE];
    gsize count = 0, size = 0;
    for (const GList *item = blocks->queue.head; item != NULL && count < AT_ONCE; item = item->next) {
      const NetBlock *block = item->data;
      views[count++] = (WeirRecord){ .data = block->bytes, .size = block->size, .flags = WEIR_RECORD_CHUNK };
      size += block->size;
    }
    NetResult result = net_connection_write (connection, views, count, "", 0, FALSE, &blocks->progress, wait, error);
    if (result == NET_OK) {
      blocks->progress = size;
    }
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
