/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that is a consumer and nothing else, for tests of the loader.
 * Opened only; no callback of it is ever called. */
#include <weir/weir.h>

static WeirNext
consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  (void) stage;
  (void) self;
  (void) record;
  return WEIR_MORE;
}

static const WeirRole consumer = { .summary = "Takes all", .consume = consume };

WEIR_PLUGIN ("taker", "1.0", NULL, NULL, &consumer);
