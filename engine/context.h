/* SPDX-License-Identifier: Apache-2.0 */
/* context.h: what a record carries besides its bytes: tags, and the place of the origins that wait for its delivery.
 * Immutable and counted; made on a stage's worker, read and released on any thread. */
#pragma once

#include "atomics.h"
#include "weir/record.h"

typedef struct _WeirOrigin WeirOrigin; /* who waits for delivery; opened by a later version */

struct _WeirContext {
  _Atomic gint64 references;
  WeirTags *tags;       /* one reference, or NULL */
  WeirOrigin **origins; /* ended by NULL; NULL: nobody waits */
};

/* Takes the reference to tags. */
WeirContext *weir_context_new (WeirTags *tags);
/* base (borrowed, may be NULL) with one more tag. */
WeirContext *weir_context_with (const WeirContext *base, const char *key, const char *value);
void weir_context_unref (WeirContext *context);

static inline void
weir_context_ref (WeirContext *context)
{
  atomic_fetch_add_explicit (&context->references, 1, memory_order_relaxed);
}
