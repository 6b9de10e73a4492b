/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c: makes pieces of a link's ring out of pooled blocks (see segment.h).
 * Runs on the producer's worker, whose pool the block belongs to; the taker's worker gives it back by weir_pool_give(). */
#include "segment.h"

#include <string.h>

WeirSegment *
weir_segment_new (WeirPool *pool, WeirLink *link, WeirBlockClass block_class)
{
  static const guint32 slots[] = {
    [WEIR_BLOCK_SEGMENT_64] = 64, [WEIR_BLOCK_SEGMENT_256] = 256, [WEIR_BLOCK_SEGMENT_1024] = 1024
  };
  WeirSegment *segment = (WeirSegment *) weir_pool_take (pool, block_class);
  segment->link = link;
  segment->next = NULL;
  segment->slots = slots[block_class];
  memset ((guint8 *) segment + WEIR_SEGMENT_HEAD, 0, segment->slots);
  return segment;
}
