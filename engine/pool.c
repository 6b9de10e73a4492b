/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c: the blocks that a worker reuses (see pool.h).
 * The owner's thread takes and shrinks; any thread gives back. A block holds a reference to its pool, so that one that comes
 * home after its worker has ended still finds it; the last reference frees what is left. The segments of a class share arenas of 64
 * KiB, and so do the small buffers: those of thousands of connections would leave holes between what else they have allocated. An
 * arena is freed when all its blocks lie in the pool. */
#include "pool.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

/* Blocks of a class kept at most: 2 MiB of the large ones. */
#define KEPT_BLOCKS 32

typedef struct _WeirArena {
  struct _WeirArena *next;
  guint32 block_class, block_size, total, idle;
} WeirArena;

#define ARENA_HEAD 64u
G_STATIC_ASSERT (sizeof (WeirArena) <= ARENA_HEAD);

/* Its address tells threads apart; a GThread's may be reused by the next one. */
static _Thread_local char thread_marker;

struct _WeirPool {
  _Atomic gint references;
  _Atomic (gpointer) owner; /* the address of its thread's own marker; NULL: the worker has ended */
  WeirBlock *idle[WEIR_BLOCK_CLASSES];
  guint idle_count[WEIR_BLOCK_CLASSES];
  gboolean freed; /* something, since the allocator was last asked to give it back to the system */
  _Alignas(64) _Atomic (WeirBlock *) returned;
};

/* Sizes include the block's own head; a segment's is SEGMENT_HEAD + slots * (48 + 1), see segment.h. */
static const guint32 block_sizes[WEIR_BLOCK_CLASSES] = {
  [WEIR_BLOCK_SEGMENT_64] = 128 + 64 * 49,
  [WEIR_BLOCK_SEGMENT_256] = 128 + 256 * 49,
  [WEIR_BLOCK_SEGMENT_1024] = 128 + 1024 * 49,
  [WEIR_BLOCK_BUFFER_4K] = 4096,
  [WEIR_BLOCK_BUFFER_16K] = 16384,
  [WEIR_BLOCK_BUFFER_64K] = 65536 + 128,
};

gsize
weir_block_size (WeirBlockClass block_class)
{
  return block_sizes[block_class];
}

static gboolean
lies_in_arena (WeirBlockClass block_class)
{
  return block_class <= WEIR_BLOCK_BUFFER_4K;
}

gpointer
weir_arena_segment (gconstpointer address)
{
  const WeirArena *arena = (const WeirArena *) ((gsize) address & ~((gsize) WEIR_ARENA - 1));
  gsize offset = (gsize) address - (gsize) arena - ARENA_HEAD;
  return (guint8 *) arena + ARENA_HEAD + offset / arena->block_size * arena->block_size;
}

static WeirArena *
arena_of (gconstpointer block)
{
  return (WeirArena *) ((gsize) block & ~((gsize) WEIR_ARENA - 1));
}

WeirPool *
weir_pool_new (void)
{
  WeirPool *pool = aligned_alloc (64, sizeof (WeirPool));
  if (pool == NULL) {
    g_error ("out of memory");
  }
  memset (pool, 0, sizeof (WeirPool));
  atomic_init (&pool->references, 1);
  return pool;
}

void
weir_pool_adopt (WeirPool *pool)
{
  weir_store_relaxed (&pool->owner, &thread_marker);
}

void
weir_pool_disown (WeirPool *pool)
{
  weir_store_relaxed (&pool->owner, NULL);
}

static void
idle_push (WeirPool *pool, WeirBlock *block)
{
  block->next = pool->idle[block->block_class];
  pool->idle[block->block_class] = block;
  pool->idle_count[block->block_class]++;
  if (lies_in_arena (block->block_class)) {
    arena_of (block)->idle++;
  }
}

static void
take_returned (WeirPool *pool)
{
  WeirBlock *block = atomic_exchange_explicit (&pool->returned, NULL, memory_order_acquire);
  while (block != NULL) {
    WeirBlock *next = block->next;
    idle_push (pool, block);
    block = next;
  }
}

/* Frees idle blocks of a class until `keep` are left, or an arena less; where they lie in arenas, whole ones only. */
static void
trim (WeirPool *pool, WeirBlockClass block_class, guint keep)
{
  if (!lies_in_arena (block_class)) {
    while (pool->idle_count[block_class] > keep) {
      WeirBlock *block = pool->idle[block_class];
      pool->idle[block_class] = block->next;
      pool->idle_count[block_class]--;
      free (block);
      pool->freed = TRUE;
    }
    return;
  }
  WeirArena *freed = NULL;
  guint left = pool->idle_count[block_class];
  WeirBlock **link = &pool->idle[block_class];
  while (*link != NULL) {
    WeirBlock *block = *link;
    WeirArena *arena = arena_of (block);
    gboolean marked = arena->total == 0;
    if (!marked && arena->idle == arena->total && left > keep) {
      left -= MIN (arena->total, left);
      arena->total = 0;
      arena->next = freed;
      freed = arena;
      marked = TRUE;
    }
    if (marked) {
      *link = block->next;
      pool->idle_count[block_class]--;
    } else {
      link = &block->next;
    }
  }
  /* Blocks of a marked arena that the walk had passed before it was marked: arenas are marked at their first idle block seen, so
     none was passed. */
  while (freed != NULL) {
    WeirArena *next = freed->next;
    pool->freed = TRUE;
    free (freed);
    freed = next;
  }
}

static void
cap (WeirPool *pool, WeirBlockClass block_class)
{
  if (pool->idle_count[block_class] > KEPT_BLOCKS + 24) {
    trim (pool, block_class, KEPT_BLOCKS);
  }
}

static void
pool_free (WeirPool *pool)
{
  take_returned (pool);
  for (guint i = 0; i < WEIR_BLOCK_CLASSES; i++) {
    trim (pool, i, 0);
  }
  free (pool);
}

void
weir_pool_unref (WeirPool *pool)
{
  if (atomic_fetch_sub_explicit (&pool->references, 1, memory_order_acq_rel) == 1) {
    pool_free (pool);
  }
}

static void
add_arena (WeirPool *pool, WeirBlockClass block_class)
{
  WeirArena *arena = aligned_alloc (WEIR_ARENA, WEIR_ARENA);
  if (arena == NULL) {
    g_error ("out of memory: cannot allocate %u bytes for ring segments or small buffers", WEIR_ARENA);
  }
  guint32 size = block_sizes[block_class];
  *arena = (WeirArena){ .block_class = block_class, .block_size = size, .total = (WEIR_ARENA - ARENA_HEAD) / size };
  for (guint i = arena->total; i-- > 0;) {
    WeirBlock *block = (WeirBlock *) ((guint8 *) arena + ARENA_HEAD + (gsize) i * size);
    *block = (WeirBlock){ .pool = pool, .block_class = block_class };
    idle_push (pool, block);
  }
}

WeirBlock *
weir_pool_take (WeirPool *pool, WeirBlockClass block_class)
{
  if (pool->idle[block_class] == NULL) {
    take_returned (pool);
    for (guint i = 0; i < WEIR_BLOCK_CLASSES; i++) {
      cap (pool, i);
    }
  }
  if (pool->idle[block_class] == NULL) {
    if (lies_in_arena (block_class)) {
      add_arena (pool, block_class);
    } else {
      WeirBlock *block = aligned_alloc (64, block_sizes[block_class]);
      if (block == NULL) {
        g_error ("out of memory: cannot allocate %u bytes for a buffer", block_sizes[block_class]);
      }
      *block = (WeirBlock){ .pool = pool, .block_class = block_class };
      idle_push (pool, block);
    }
  }
  WeirBlock *block = pool->idle[block_class];
  pool->idle[block_class] = block->next;
  pool->idle_count[block_class]--;
  if (lies_in_arena (block_class)) {
    arena_of (block)->idle--;
  }
  block->next = NULL;
  atomic_fetch_add_explicit (&pool->references, 1, memory_order_relaxed);
  return block;
}

void
weir_pool_give (WeirBlock *block)
{
  WeirPool *pool = block->pool;
  if (weir_load_relaxed (&pool->owner) == &thread_marker) {
    idle_push (pool, block);
    /* A walk for each arena that becomes idle, not for each segment. */
    if (!lies_in_arena (block->block_class) || arena_of (block)->idle == arena_of (block)->total) {
      cap (pool, block->block_class);
    }
  } else {
    WeirBlock *head = weir_load_relaxed (&pool->returned);
    do {
      block->next = head;
    } while (!atomic_compare_exchange_weak_explicit (&pool->returned, &head, block, memory_order_release,
                                                     memory_order_relaxed));
  }
  weir_pool_unref (pool);
}

guint
weir_pool_in_use (WeirPool *pool)
{
  return (guint) weir_load_relaxed (&pool->references) - 1;
}

gsize
weir_pool_idle_bytes (WeirPool *pool)
{
  gsize bytes = 0;
  take_returned (pool);
  for (guint i = 0; i < WEIR_BLOCK_CLASSES; i++) {
    bytes += (gsize) pool->idle_count[i] * block_sizes[i];
  }
  return bytes;
}

gboolean
weir_pool_shrink (WeirPool *pool)
{
  take_returned (pool);
  gboolean more = FALSE;
  for (guint i = 0; i < WEIR_BLOCK_CLASSES; i++) {
    guint before = pool->idle_count[i];
    trim (pool, i, before / 4);
    more = more || pool->idle_count[i] < before;
  }
#ifdef __GLIBC__
  if (!more && pool->freed) {
    pool->freed = FALSE;
    malloc_trim (0); /* what lies between allocations does not go back by itself */
  }
#endif
  return more;
}
