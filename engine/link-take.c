/* SPDX-License-Identifier: Apache-2.0 */
/* link-take.c: the taking end of a link: look, take, keep, release, done.
 * Runs on the taker's worker alone, but for weir_link_make_ready(). It owns taken and done, drops references and frees
 * segments. The fence between done and full is R3's, the one between ready and put that of sleeping (tests/model). */
#include "front.h"
#include "link.h"
#include "origins.h"

#include <string.h>

void
weir_link_make_ready (WeirLink *link)
{
  weir_fence (&link->ready);
  if (weir_load_relaxed (&link->ready) != 0 || weir_exchange (&link->ready, 1) != 0) {
    return;
  }
  WeirLink *head = weir_load_relaxed (&link->taker_links->head);
  do {
    link->next_ready = head;
  } while (!atomic_compare_exchange_weak_explicit (&link->taker_links->head, &head, link, memory_order_release,
                                                   memory_order_relaxed));
  weir_task_make_ready (link->taker);
}

WeirLink *
weir_ready_links_take (WeirReadyLinks *links)
{
  if (weir_load_relaxed (&links->head) == NULL) {
    return NULL;
  }
  WeirLink *newest = atomic_exchange_explicit (&links->head, NULL, memory_order_acquire);
  WeirLink *oldest = NULL;
  while (newest != NULL) {
    WeirLink *next = newest->next_ready;
    newest->next_ready = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

static void
raise_peak (_Atomic guint64 *peak, guint64 level)
{
  if (level > weir_load_relaxed (peak)) {
    weir_store_relaxed (peak, level);
  }
}

static void
step_take_segment (WeirLink *link)
{
  if (link->take_index == link->take_segment->slots) {
    link->take_segment = link->take_segment->next;
    link->take_index = 0;
  }
}

/* What is next was taken and given back before the link was rewound. */
static void
skip_given_back (WeirLink *link)
{
  while (link->taken < link->extras->rewound_from && link->taken != link->put_seen) {
    step_take_segment (link);
    guint8 state = weir_load_relaxed (&weir_segment_states (link->take_segment)[link->take_index]);
    if ((state & (WEIR_SLOT_RELEASED | WEIR_SLOT_REJECTED)) == 0) {
      return;
    }
    const WeirRecord *record = weir_segment_records (link->take_segment) + link->take_index;
    weir_link_take (link, 1, record->size + record->trail);
  }
}

static gboolean
has_given_back (const WeirLink *link)
{
  return G_UNLIKELY (link->kept > 0) && link->extras != NULL && link->taken < link->extras->rewound_from;
}

guint64
weir_link_look (WeirLink *link)
{
  if (link->front != NULL && link->taken == link->put_private) {
    weir_front_move (link->front);
  }
  link->put_seen = weir_load_acquire (&link->put);
  if (link->put_seen != link->taken) {
    if (link->fresh_at == link->taken) {
      link->take_segment = link->done_segment = link->fresh;
      link->take_index = link->done_index = 0;
    }
    /* Control entries are counted by the cursors, not as records; more of them may have been put by now. */
    guint64 level = link->put_seen - link->done_private;
    guint64 controls = weir_load_relaxed (&link->controls_put) - weir_load_relaxed (&link->controls_done);
    raise_peak (&link->peak_records, level - MIN (level, controls));
    raise_peak (&link->peak_bytes, weir_load_relaxed (&link->put_bytes) - link->done_bytes_private);
    raise_peak (&link->peak_pinned, weir_load_relaxed (&link->put_pinned) - link->done_pinned_private);
  }
  if (has_given_back (link)) {
    skip_given_back (link);
  }
  return link->put_seen - link->taken;
}

gsize
weir_link_peek (WeirLink *link, WeirRecord **records, gsize most)
{
  guint64 available = link->put_seen - link->taken;
  if (available == 0) {
    return 0;
  }
  step_take_segment (link);
  gsize run = MIN (MIN (available, most), link->take_segment->slots - link->take_index);
  _Atomic guint8 *states = weir_segment_states (link->take_segment) + link->take_index;
  guint8 ends_run = (weir_load_relaxed (&link->controls_put) != link->controls_taken ? WEIR_SLOT_CONTROL : 0) |
                    (has_given_back (link) ? WEIR_SLOT_RELEASED | WEIR_SLOT_REJECTED : 0);
  if (ends_run != 0) {
    gsize i = 0;
    while (i < run && (weir_load_relaxed (&states[i]) & ends_run) == 0) {
      i++;
    }
    run = i;
  }
  *records = weir_segment_records (link->take_segment) + link->take_index;
  return run;
}

const WeirRecord *
weir_link_peek_control (WeirLink *link)
{
  if (link->put_seen == link->taken) {
    return NULL;
  }
  step_take_segment (link);
  guint8 state = weir_load_relaxed (&weir_segment_states (link->take_segment)[link->take_index]);
  return (state & WEIR_SLOT_CONTROL) != 0 ? weir_segment_records (link->take_segment) + link->take_index : NULL;
}

void
weir_link_take (WeirLink *link, gsize count, gsize bytes)
{
  link->taken += count;
  link->take_index += count;
  link->taken_bytes += bytes;
}

/* FALSE: it was given back. */
static gboolean
let_go (WeirLink *link, _Atomic guint8 *state)
{
  guint8 bits = weir_load_acquire (state);
  if ((bits & (WEIR_SLOT_RELEASED | WEIR_SLOT_REJECTED)) != 0) {
    return FALSE;
  }
  link->kept -= (bits & WEIR_SLOT_KEPT) != 0 ? 1 : 0;
  weir_store_relaxed (state, bits & ~(guint8) WEIR_SLOT_KEPT);
  return TRUE;
}

guint64
weir_link_rewind (WeirLink *link, gboolean *end)
{
  guint64 undone = 0;
  WeirSegment *segment = link->done_segment;
  guint32 index = link->done_index;
  *end = FALSE;
  for (guint64 at = link->done_private; at != link->put_seen && at != link->taken + 1; at++, index++) {
    if (index == segment->slots) {
      segment = segment->next;
      index = 0;
    }
    _Atomic guint8 *state = &weir_segment_states (segment)[index];
    gboolean control = (weir_load_relaxed (state) & WEIR_SLOT_CONTROL) != 0;
    if (at == link->taken) {
      if (!control) {
        let_go (link, state); /* the record at hand may have been kept, too */
      }
    } else if (control) {
      link->controls_taken--;
      *end = *end || weir_segment_records (segment)[index].flags == WEIR_CONTROL_END;
    } else {
      undone += let_go (link, state) ? 1 : 0;
    }
  }
  WeirLinkExtras *extras = weir_link_extras (link);
  extras->rewound_from = MAX (extras->rewound_from, link->taken + 1);
  link->taken = link->done_private;
  link->taken_bytes = link->done_bytes_private;
  link->take_segment = link->done_segment;
  link->take_index = link->done_index;
  link->gap_ended = NULL;
  link->over = link->over && !*end;
  return undone;
}

/* Drops what the slot's run holds, if the slot ends it, and counts pinned bytes. */
static void
finish_slot (WeirLink *link, const WeirRecord *record, guint8 state)
{
  if ((state & WEIR_SLOT_NEW_BUFFER) != 0) {
    link->done_pinned_private += link->pinned_now;
    link->pinned_now = record->buffer->capacity;
  }
  if ((state & WEIR_SLOT_LAST_BUFFER) != 0) {
    weir_buffer_unref (record->buffer);
  }
  if ((state & WEIR_SLOT_LAST_CONTEXT) != 0) {
    weir_context_unref (record->context);
  }
  if ((state & WEIR_SLOT_CONTROL) != 0) {
    weir_add_relaxed (&link->controls_done, 1);
  }
}

/* Frees the done segment once another slot behind it is known to be put. */
static void
step_done_segment (WeirLink *link)
{
  if (link->done_index == link->done_segment->slots) {
    WeirSegment *next = link->done_segment->next;
    weir_pool_give (&link->done_segment->block);
    link->done_segment = next;
    link->done_index = 0;
  }
}

#define NEEDS_WORK \
  0x0101010101010101ull * (WEIR_SLOT_LAST_BUFFER | WEIR_SLOT_LAST_CONTEXT | WEIR_SLOT_CONTROL | WEIR_SLOT_NEW_BUFFER)

/* Finishes `count` slots of the done segment, none of them kept. */
static void
finish_run (WeirLink *link, gsize count)
{
  _Atomic guint8 *states = weir_segment_states (link->done_segment) + link->done_index;
  WeirRecord *records = weir_segment_records (link->done_segment) + link->done_index;
  gsize i = 0;
  while (i < count) {
    guint64 eight;
    if (count - i >= 8) {
      /* Published slots: nobody writes these bytes now. */
      memcpy (&eight, (const guint8 *) states + i, 8);
      if ((eight & (NEEDS_WORK)) == 0) {
        i += 8;
        continue;
      }
    }
    gsize end = MIN (i + 8, count);
    for (; i < end; i++) {
      guint8 state = weir_load_relaxed (&states[i]);
      if (state != 0) {
        finish_slot (link, &records[i], state);
      }
    }
  }
  link->done_index += count;
  link->done_private += count;
}

/* Finishes slots one by one until one is still kept. */
static void
finish_kept (WeirLink *link)
{
  while (link->done_private != link->taken) {
    step_done_segment (link);
    guint8 state = weir_load_acquire (&weir_segment_states (link->done_segment)[link->done_index]);
    const WeirRecord *record = weir_segment_records (link->done_segment) + link->done_index;
    if ((state & WEIR_SLOT_KEPT) != 0) {
      if ((state & WEIR_SLOT_RELEASED) == 0) {
        return;
      }
      link->kept--;
    }
    if ((state & WEIR_SLOT_CONTROL) == 0) {
      link->done_bytes_private += record->size + record->trail;
    }
    finish_slot (link, record, state);
    link->done_index++;
    link->done_private++;
  }
}

/* Finishes what another process has given back. TRUE: that is all that was taken. */
static gboolean
finish_granted (WeirLink *link)
{
  while (link->done_private != link->taken && link->done_private < link->extras->granted) {
    step_done_segment (link);
    guint64 most = MIN (link->taken, link->extras->granted) - link->done_private;
    gsize count = (gsize) MIN (most, link->done_segment->slots - link->done_index);
    _Atomic guint8 *states = weir_segment_states (link->done_segment) + link->done_index;
    const WeirRecord *records = weir_segment_records (link->done_segment) + link->done_index;
    for (gsize i = 0; i < count; i++) {
      if ((weir_load_relaxed (&states[i]) & WEIR_SLOT_CONTROL) == 0) {
        link->done_bytes_private += records[i].size + records[i].trail;
      }
    }
    finish_run (link, count);
  }
  return link->done_private == link->taken;
}

void
weir_link_done (WeirLink *link)
{
  if (link->done_private == link->taken) {
    return;
  }
  guint64 before = link->done_private;
  if (link->kept > 0) {
    finish_kept (link);
  }
  if (link->kept == 0 && (G_LIKELY (!link->held) || finish_granted (link))) {
    while (link->done_private != link->taken) {
      step_done_segment (link);
      finish_run (link, MIN (link->taken - link->done_private, link->done_segment->slots - link->done_index));
    }
    link->done_bytes_private = link->taken_bytes;
    if (link->discarded > 0) {
      /* Only now, so that no record is both dropped and queued. */
      weir_add_relaxed (&weir_link_tally (link)->dropped_taken[link->discarded_as], link->discarded);
      link->discarded = 0;
    }
  }
  if (link->done_private == before) {
    return;
  }
  weir_store_relaxed (&link->done_bytes, link->done_bytes_private);
  weir_store_relaxed (&link->done_pinned, link->done_pinned_private);
  weir_store_release (&link->done, link->done_private);
  weir_fence (&link->done);
  if (G_UNLIKELY (link->tells_done)) {
    link->extras->on_done (link, link->extras->on_done_data);
  }
  if (weir_load_relaxed (&link->full) == 0) {
    return;
  }
  guint64 put = weir_load_acquire (&link->put);
  gboolean drained = put == link->done_private;
  if (link->stamps != NULL || drained ||
      (put - link->done_private <= link->limits->records.low &&
       weir_load_relaxed (&link->put_bytes) - link->done_bytes_private <= link->limits->bytes.low &&
       weir_load_relaxed (&link->put_pinned) - link->done_pinned_private <= link->limits->pinned.low)) {
    weir_task_make_ready (link->producer);
  }
}

gboolean
weir_link_take_idle (WeirLink *link)
{
  weir_store_release (&link->ready, 0);
  weir_fence (&link->ready);
  if (weir_link_look (link) != 0 || weir_load_relaxed (&link->released) != 0) {
    /* Unless the producer has put it on the ready list again by now. */
    return weir_exchange (&link->ready, 1) != 0;
  }
  if (link->front != NULL) {
    weir_link_put_idle (link); /* both ends are here */
  }
  guint64 drained = link->done_private;
  if (drained == link->taken && drained != 0 &&
      atomic_compare_exchange_strong_explicit (&link->handed_at, &drained, 0, memory_order_acq_rel,
                                               memory_order_relaxed)) {
    weir_pool_give (&link->done_segment->block);
    link->done_segment = link->take_segment = NULL;
  }
  return TRUE;
}

void
weir_link_close (WeirLink *link, guint32 closed)
{
  weir_store_release (&link->closed, closed);
  weir_fence (&link->closed);
  weir_task_make_ready (link->producer);
}

void
weir_link_discard (WeirLink *link, WeirDropReason reason)
{
  weir_link_note_given_up (link, link->taken);
  while (weir_link_look (link) != 0) {
    WeirRecord *records;
    gsize count = weir_link_peek (link, &records, G_MAXSIZE);
    gsize bytes = 0;
    for (gsize i = 0; i < count; i++) {
      bytes += records[i].size + records[i].trail;
    }
    for (gsize i = 0; i < count && weir_load_relaxed (&link->carries) != 0; i++) {
      weir_record_note (&records[i], WEIR_DROPPED);
    }
    if (count > 0) {
      weir_link_take (link, count, bytes);
      link->discarded += count;
      link->discarded_as = (guint8) reason;
      continue;
    }
    const WeirRecord *control = weir_link_peek_control (link);
    link->over = link->over || control->flags == WEIR_CONTROL_END;
    link->controls_taken++;
    weir_link_take (link, 1, 0);
  }
  weir_link_done (link);
}

WeirRecord *
weir_link_rejected_slot (WeirLink *link)
{
  if (link->done_private == link->taken) {
    return NULL;
  }
  step_done_segment (link);
  guint8 state = weir_load_acquire (&weir_segment_states (link->done_segment)[link->done_index]);
  return (state & (WEIR_SLOT_REJECTED | WEIR_SLOT_RELEASED)) == WEIR_SLOT_REJECTED
           ? weir_segment_records (link->done_segment) + link->done_index
           : NULL;
}

char *
weir_link_take_reason (WeirLink *link, const WeirRecord *slot)
{
  WeirLinkExtras *extras = weir_link_extras (link);
  for (WeirRejection *rejection = atomic_exchange_explicit (&link->rejections, NULL, memory_order_acquire), *next;
       rejection != NULL; rejection = next) {
    next = rejection->next;
    rejection->next = extras->reasons;
    extras->reasons = rejection;
  }
  for (WeirRejection **at = &extras->reasons; *at != NULL; at = &(*at)->next) {
    WeirRejection *rejection = *at;
    if (rejection->slot == slot) {
      *at = rejection->next;
      char *reason = rejection->reason;
      g_free (rejection);
      return reason;
    }
  }
  return NULL;
}

void
weir_link_finish_rejected (WeirLink *link, const WeirRecord *slot)
{
  _Atomic guint8 *state = weir_segment_state (link->done_segment, slot);
  weir_store_relaxed (state, weir_load_relaxed (state) | WEIR_SLOT_RELEASED);
}
