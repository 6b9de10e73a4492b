/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin whose file was renamed.
 * Opened by tests of the registry; no callback of it is ever called. */
#include <weir/weir.h>

static WeirNext
consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  (void) stage;
  (void) self;
  (void) record;
  return WEIR_MORE;
}

static const WeirRole consumer = { .summary = "Goes by another name", .consume = consume };

WEIR_PLUGIN ("another", "1.0", NULL, NULL, &consumer);
