/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h: a piece of a link's ring: slots for records, and a byte of state a slot.
 * The producer's worker fills slots in order and publishes them; the taker's worker reads them, and frees the segment once
 * all of its slots are done. Lies in an aligned arena, so that a record finds its segment by its address. */
#pragma once

#include "atomics.h"
#include "pool.h"
#include "weir/record.h"

typedef struct _WeirLink WeirLink;

/* State of a slot. The first four are written by the producer before it publishes the slot. */
enum {
  WEIR_SLOT_LAST_BUFFER = 1,  /* ends a run of one buffer: the run's reference is dropped when this slot is done */
  WEIR_SLOT_LAST_CONTEXT = 2, /* likewise for the context */
  WEIR_SLOT_CONTROL = 4,      /* not a record: see WeirControl */
  WEIR_SLOT_NEW_BUFFER = 8,   /* another buffer than the slot before: pinned bytes are counted from here */
  WEIR_SLOT_KEPT = 16,        /* weir_record_keep(): done only when given back */
  WEIR_SLOT_RELEASED = 32,    /* given back, from any thread */
  WEIR_SLOT_REJECTED = 64     /* given back as not delivered, from any thread */
};

/* A control entry's meaning, in the flags of its record. */
typedef enum {
  WEIR_CONTROL_END = 1,   /* the link's end: nothing follows */
  WEIR_CONTROL_END_STREAM /* the end of record.stream */
} WeirControl;

#define WEIR_SEGMENT_HEAD 128u

typedef struct _WeirSegment {
  WeirBlock block;
  WeirLink *link;
  struct _WeirSegment *next; /* set by the producer before it publishes a slot behind this segment */
  guint32 slots;
} WeirSegment;

G_STATIC_ASSERT (sizeof (WeirSegment) <= WEIR_SEGMENT_HEAD);
G_STATIC_ASSERT (sizeof (WeirRecord) == 48 || sizeof (gpointer) != 8);

WeirSegment *weir_segment_new (WeirPool *pool, WeirLink *link, WeirBlockClass block_class);

static inline _Atomic guint8 *
weir_segment_states (WeirSegment *segment)
{
  return (_Atomic guint8 *) ((guint8 *) segment + WEIR_SEGMENT_HEAD);
}

static inline WeirRecord *
weir_segment_records (WeirSegment *segment)
{
  return (WeirRecord *) ((guint8 *) segment + WEIR_SEGMENT_HEAD + segment->slots);
}

static inline WeirSegment *
weir_segment_of (const WeirRecord *slot)
{
  return weir_arena_segment (slot);
}

/* The byte of state of a slot in this segment. */
static inline _Atomic guint8 *
weir_segment_state (WeirSegment *segment, const WeirRecord *slot)
{
  return weir_segment_states (segment) + (slot - weir_segment_records (segment));
}
