/* SPDX-License-Identifier: Apache-2.0 */
/* front-slots.c: the ring behind the lock of a drop_oldest link (see front-slots.h).
 * Either worker, under the front's lock. Of neighbours that share a buffer the first one counts what it pins. */
#include "front-slots.h"

static WeirFrontSlot *
slot (const WeirFrontSlots *slots, gsize index)
{
  return &slots->slots[(slots->head + index) & (slots->capacity - 1)];
}

void
weir_front_slots_init (WeirFrontSlots *slots, gsize capacity)
{
  *slots = (WeirFrontSlots){ .slots = g_new (WeirFrontSlot, capacity), .capacity = capacity };
}

void
weir_front_slots_clear (WeirFrontSlots *slots)
{
  g_free (slots->slots);
}

static void
resize (WeirFrontSlots *slots, gsize capacity)
{
  WeirFrontSlot *moved = g_new (WeirFrontSlot, capacity);
  for (gsize i = 0; i < slots->count; i++) {
    moved[i] = *slot (slots, i);
  }
  g_free (slots->slots);
  slots->slots = moved;
  slots->head = 0;
  slots->capacity = capacity;
}

void
weir_front_slots_append (WeirFrontSlots *slots, const WeirRecord *record, gint64 stamp)
{
  if (slots->count == slots->capacity) {
    resize (slots, slots->capacity * 2);
  }
  gboolean control = weir_front_is_control (record);
  gboolean shared = slots->count > 0 && slot (slots, slots->count - 1)->record.buffer == record->buffer;
  guint64 pinned = shared || control ? 0 : record->buffer->capacity;
  slots->count++;
  *slot (slots, slots->count - 1) = (WeirFrontSlot){ *record, pinned, stamp };
  slots->controls += control ? 1 : 0;
  slots->bytes += record->size + record->trail;
  slots->pinned += pinned;
}

/* The slot is to leave; what it pins for its neighbours stays with the next of them. */
static void
forget (WeirFrontSlots *slots, gsize at)
{
  const WeirFrontSlot *gone = slot (slots, at);
  const WeirRecord *record = &gone->record;
  WeirFrontSlot *next = at + 1 < slots->count ? slot (slots, at + 1) : NULL;
  slots->bytes -= record->size + record->trail;
  slots->controls -= weir_front_is_control (record) ? 1 : 0;
  if (gone->pinned > 0 && next != NULL && next->record.buffer == record->buffer) {
    next->pinned = gone->pinned;
  } else {
    slots->pinned -= gone->pinned;
  }
}

WeirRecord
weir_front_slots_take_first (WeirFrontSlots *slots)
{
  WeirRecord record = slot (slots, 0)->record;
  forget (slots, 0);
  slots->head++;
  slots->count--;
  return record;
}

static gsize
oldest (const WeirFrontSlots *slots)
{
  gsize at = 0;
  while (weir_front_is_control (&slot (slots, at)->record)) {
    at++;
  }
  return at;
}

WeirRecord
weir_front_slots_take_oldest (WeirFrontSlots *slots)
{
  gsize at = oldest (slots);
  WeirRecord record = slot (slots, at)->record;
  forget (slots, at);
  for (; at > 0; at--) {
    *slot (slots, at) = *slot (slots, at - 1);
  }
  slots->head++;
  slots->count--;
  return record;
}

gint64
weir_front_slots_oldest_stamp (const WeirFrontSlots *slots)
{
  return slots->count > slots->controls ? slot (slots, oldest (slots))->stamp : 0;
}

void
weir_front_slots_each (WeirFrontSlots *slots, WeirLinkEach each, gpointer data)
{
  for (gsize i = 0; i < slots->count; i++) {
    WeirRecord *record = &slot (slots, i)->record;
    each (record, weir_front_is_control (record) ? WEIR_SLOT_CONTROL : 0, data);
  }
}

void
weir_front_slots_shrink (WeirFrontSlots *slots, gsize capacity)
{
  if (slots->count == 0 && slots->capacity > capacity) {
    resize (slots, capacity);
  }
}
