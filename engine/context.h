/* SPDX-License-Identifier: Apache-2.0 */
/* context.h: what a record carries besides its bytes: tags, and the origins that wait for its delivery.
 * Immutable and counted; made on a stage's worker, read and released on any thread. */
#pragma once

#include "atomics.h"
#include "weir/origin.h"
#include "weir/record.h"

struct _WeirContext {
  _Atomic gint64 references;
  WeirTags *tags;     /* one reference, or NULL */
  WeirOrigin *origin; /* one reference to who waits, or to several of them together; NULL: nobody waits */
};

/* Takes the reference to tags. */
WeirContext *weir_context_new (WeirTags *tags);
/* Likewise; origin is borrowed. */
WeirContext *weir_context_new_under (WeirTags *tags, WeirOrigin *origin);
/* base (borrowed, may be NULL) with one more tag. */
WeirContext *weir_context_with (const WeirContext *base, const char *key, const char *value);
void weir_context_unref (WeirContext *context);

static inline void
weir_context_ref (WeirContext *context)
{
  atomic_fetch_add_explicit (&context->references, 1, memory_order_relaxed);
}
