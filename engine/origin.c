/* SPDX-License-Identifier: Apache-2.0 */
/* origin.c: what is counted for the delivery of records: one token of a producer, or a bundle of origins (see origins.h).
 * Any thread. Whoever drops the last reference to a token puts it on the list of its stage, which is made ready and tells; a bundle hands
 * its outcome to what is in it. The stage's own life is not held up by references: what is abandoned is over before they go. */
#include "origins.h"

#include "front.h"
#include "stage.h"

#define OVER 4u /* in state, beside the outcome */

typedef struct {
  WeirOrigin origin;
  gsize count;
  WeirOrigin *of[]; /* one reference each */
} Bundle;

WeirOpened *
weir_opened_new (WeirStage *stage, gpointer token)
{
  WeirOpened *opened = g_new0 (WeirOpened, 1);
  atomic_init (&opened->origin.references, 1);
  atomic_init (&opened->lives, 3);
  opened->stage = weir_stage_ref (stage);
  opened->token = token;
  return opened;
}

void
weir_opened_drop (WeirOpened *opened)
{
  if (atomic_fetch_sub_explicit (&opened->lives, 1, memory_order_acq_rel) == 1) {
    g_free (opened);
  }
}

WeirOrigin *
weir_origin_bundle (WeirOrigin *const *origins, gsize count)
{
  if (count == 1) {
    return origins[0];
  }
  Bundle *bundle = g_malloc (sizeof (Bundle) + count * sizeof (WeirOrigin *));
  *bundle = (Bundle){ .origin = { .is_bundle = TRUE }, .count = count };
  atomic_init (&bundle->origin.references, 1);
  memcpy (bundle->of, origins, count * sizeof (WeirOrigin *));
  return &bundle->origin;
}

WeirOrigin *
weir_origin_ref (WeirOrigin *origin)
{
  atomic_fetch_add_explicit (&origin->references, 1, memory_order_relaxed);
  return origin;
}

gboolean
weir_origin_ends_with (const WeirOrigin *origin, const WeirOrigin *other)
{
  const Bundle *bundle = (const Bundle *) origin;
  return origin == other || (origin->is_bundle && bundle->of[bundle->count - 1] == other);
}

void
weir_origin_note (WeirOrigin *origin, WeirOutcome outcome)
{
  guint32 state = weir_load_relaxed (&origin->state);
  while ((state & OVER) == 0 && (state & 3) < (guint32) outcome &&
         !atomic_compare_exchange_weak_explicit (&origin->state, &state, (state & ~3u) | (guint32) outcome,
                                                 memory_order_release, memory_order_relaxed)) {}
}

/* Marks it as over, once. FALSE: it was. */
static gboolean
mark_over (WeirOrigin *origin, WeirOutcome outcome)
{
  guint32 state = weir_load_relaxed (&origin->state);
  do {
    if ((state & OVER) != 0) {
      return FALSE;
    }
  } while (!atomic_compare_exchange_weak_explicit (&origin->state, &state, MAX (state, (guint32) outcome) | OVER,
                                                   memory_order_acq_rel, memory_order_relaxed));
  return TRUE;
}

/* Its stage will tell. From the moment it is on the list, it may be freed by it. */
static void
hand_over (WeirOpened *opened)
{
  WeirStage *stage = opened->stage;
  WeirOpened *head = weir_load_relaxed (&weir_stage_origins (stage)->over);
  do {
    opened->next_over = head;
  } while (!atomic_compare_exchange_weak_explicit (&weir_stage_origins (stage)->over, &head, opened,
                                                   memory_order_release, memory_order_relaxed));
  weir_task_make_ready (&stage->task);
  weir_stage_unref (stage);
}

/* Nobody refers to it any more. Those of which that becomes true by it are put on the list. */
static void
end (WeirOrigin *origin, WeirOrigin **released)
{
  if (!origin->is_bundle) {
    WeirOpened *opened = (WeirOpened *) origin;
    if (mark_over (origin, WEIR_DELIVERED)) {
      hand_over (opened);
    }
    weir_opened_drop (opened);
    return;
  }
  Bundle *bundle = (Bundle *) origin;
  WeirOutcome outcome = weir_origin_outcome (origin);
  for (gsize i = 0; i < bundle->count; i++) {
    WeirOrigin *of = bundle->of[i];
    weir_origin_note (of, outcome);
    if (atomic_fetch_sub_explicit (&of->references, 1, memory_order_acq_rel) == 1) {
      of->released = *released;
      *released = of;
    }
  }
  g_free (bundle);
}

/* Bundles lie in bundles, one deeper for each chunk of a long line: no recursion. */
void
weir_origin_unref (WeirOrigin *origin)
{
  if (atomic_fetch_sub_explicit (&origin->references, 1, memory_order_acq_rel) != 1) {
    return;
  }
  origin->released = NULL;
  for (WeirOrigin *released = origin; released != NULL;) {
    WeirOrigin *first = released;
    released = first->released;
    end (first, &released);
  }
}

void
weir_origin_abandon (WeirOrigin *origin)
{
  if (!mark_over (origin, WEIR_ABANDONED)) {
    return;
  }
  if (!origin->is_bundle) {
    hand_over ((WeirOpened *) origin);
    return;
  }
  g_autoptr (GPtrArray) bundles = g_ptr_array_new ();
  g_ptr_array_add (bundles, origin);
  while (bundles->len > 0) {
    Bundle *bundle = g_ptr_array_steal_index_fast (bundles, bundles->len - 1);
    for (gsize i = 0; i < bundle->count; i++) {
      WeirOrigin *of = bundle->of[i];
      if (!mark_over (of, WEIR_ABANDONED)) {
        continue;
      }
      if (of->is_bundle) {
        g_ptr_array_add (bundles, of);
      } else {
        hand_over ((WeirOpened *) of);
      }
    }
  }
}

void
weir_origin_each (WeirOrigin *origin, void (*each) (WeirOpened *opened, gpointer data), gpointer data)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL); /* bundles may share one */
  g_ptr_array_add (left, origin);
  while (left->len > 0) {
    WeirOrigin *next = g_ptr_array_steal_index (left, left->len - 1);
    if (!g_hash_table_add (seen, next)) {
      continue;
    }
    if (!next->is_bundle) {
      each ((WeirOpened *) next, data);
      continue;
    }
    const Bundle *bundle = (const Bundle *) next;
    for (gsize i = 0; i < bundle->count; i++) {
      g_ptr_array_add (left, bundle->of[i]);
    }
  }
}

static void
abandon_record (WeirRecord *record, guint8 state, G_GNUC_UNUSED gpointer data)
{
  if ((state & WEIR_SLOT_CONTROL) == 0 && record->context != NULL && record->context->origin != NULL) {
    weir_origin_abandon (record->context->origin);
  }
}

void
weir_origins_abandon_queued (WeirLink *link)
{
  if (weir_load_relaxed (&link->carries) == 0) {
    return;
  }
  weir_link_each_queued (link, abandon_record, NULL);
  if (link->front != NULL) {
    weir_front_each_queued (link->front, abandon_record, NULL);
  }
}
