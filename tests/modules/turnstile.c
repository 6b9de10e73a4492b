/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that accepts connections and has no reply, for tests of the loader. Opened only; no callback is ever called. */
#include <weir/weir.h>

static WeirNext
produce (WeirStage *stage, gpointer self)
{
  (void) stage;
  (void) self;
  return WEIR_DONE;
}

static const WeirRole producer = { .summary = "Lets in, not out", .flags = WEIR_CONNECTIONS, .produce = produce };

WEIR_PLUGIN ("turnstile", "1.0", &producer, NULL, NULL);
