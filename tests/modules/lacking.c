/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that wants a function which this weir has not.
 * Opened by tests of the registry; no callback of it is ever called. */
#include <weir/weir.h>

extern void weir_function_of_the_future (WeirStage *stage);

static WeirNext
consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  (void) self;
  (void) record;
  weir_function_of_the_future (stage);
  return WEIR_MORE;
}

static const WeirRole consumer = { .summary = "Wants too much", .consume = consume };

WEIR_PLUGIN ("lacking", "1.0", NULL, NULL, &consumer);
