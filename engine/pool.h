/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: the blocks that a worker reuses: ring segments and packing buffers.
 * One pool a worker. Only the owner's thread takes; any thread gives back: the owner to a plain list, others to a lock-free
 * stack that the owner empties. A pool keeps a capped number of blocks and shrinks while its worker is idle. */
#pragma once

#include "atomics.h"

typedef struct _WeirPool WeirPool;

/* Classes of blocks. Segments and small buffers lie in arenas, aligned to WEIR_ARENA: a record finds its segment by mask. */
typedef enum {
  WEIR_BLOCK_SEGMENT_64,
  WEIR_BLOCK_SEGMENT_256,
  WEIR_BLOCK_SEGMENT_1024,
  WEIR_BLOCK_BUFFER_4K,
  WEIR_BLOCK_BUFFER_16K,
  WEIR_BLOCK_BUFFER_64K,
  WEIR_BLOCK_CLASSES
} WeirBlockClass;

#define WEIR_ARENA 65536u

/* The head of every block. */
typedef struct _WeirBlock {
  struct _WeirBlock *next;
  WeirPool *pool; /* counted: a block keeps its pool alive */
  guint32 block_class;
} WeirBlock;

WeirPool *weir_pool_new (void);
void weir_pool_adopt (WeirPool *pool);  /* the calling thread becomes the owner */
void weir_pool_disown (WeirPool *pool); /* it ends: from now on all blocks come home by the stack */
void weir_pool_unref (WeirPool *pool);
/* The bytes of a block of a class, head included. */
gsize weir_block_size (WeirBlockClass block_class);
WeirBlock *weir_pool_take (WeirPool *pool, WeirBlockClass block_class); /* owner only */
void weir_pool_give (WeirBlock *block);                                 /* any thread */
/* Gives part of the idle blocks back to the system; TRUE: it did, and may again. Owner only. */
gboolean weir_pool_shrink (WeirPool *pool);
/* Blocks that are out. Any thread; exact where nobody takes or gives. */
guint weir_pool_in_use (WeirPool *pool);
/* Bytes of the idle blocks, those on the stack included. Owner only. */
gsize weir_pool_idle_bytes (WeirPool *pool);
/* Start of the segment that the address lies in. */
gpointer weir_arena_segment (gconstpointer address);
