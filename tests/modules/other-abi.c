/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for another ABI.
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

static const WeirRole consumer = { .summary = "Is of the future", .consume = consume };

WEIR_EXPORT extern const WeirPlugin weir_plugin;
const WeirPlugin weir_plugin = { WEIR_ABI + 1,
                                 sizeof (WeirPlugin),
                                 sizeof (WeirRole),
                                 sizeof (WeirOption),
                                 "other-abi",
                                 "1.0",
                                 "9.0",
                                 NULL,
                                 NULL,
                                 &consumer,
                                 NULL };
