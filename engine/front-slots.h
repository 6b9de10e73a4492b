/* SPDX-License-Identifier: Apache-2.0 */
/* front-slots.h: what lies in the front of a drop_oldest link: records and control entries in order, in a ring that grows.
 * Used under the front's lock. It owns its memory; the references of the records are handed in and out with them. */
#pragma once

#include "link.h"

typedef struct {
  WeirRecord record;
  guint64 pinned; /* capacity of its buffer, in the first of neighbours that share it */
  gint64 stamp;   /* when it was put; 0: the link has no age limit */
} WeirFrontSlot;

typedef struct {
  WeirFrontSlot *slots; /* a ring of `capacity` entries, a power of two */
  gsize head, capacity;
  gsize count, controls; /* all entries, and the control entries among them */
  guint64 bytes, pinned;
} WeirFrontSlots;

/* Control entries are told from records by their missing buffer. */
static inline gboolean
weir_front_is_control (const WeirRecord *record)
{
  return record->buffer == NULL;
}

void weir_front_slots_init (WeirFrontSlots *slots, gsize capacity);
void weir_front_slots_clear (WeirFrontSlots *slots);
void weir_front_slots_append (WeirFrontSlots *slots, const WeirRecord *record, gint64 stamp);
/* Takes the first entry out; there is one. */
WeirRecord weir_front_slots_take_first (WeirFrontSlots *slots);
/* Takes the oldest record out; there is one. The control entries before it keep their order. */
WeirRecord weir_front_slots_take_oldest (WeirFrontSlots *slots);
/* When the oldest record was put; 0: there is none, or it bears no stamp. */
gint64 weir_front_slots_oldest_stamp (const WeirFrontSlots *slots);
void weir_front_slots_each (WeirFrontSlots *slots, WeirLinkEach each, gpointer data);
/* Back to this capacity, where nothing is left. */
void weir_front_slots_shrink (WeirFrontSlots *slots, gsize capacity);
