/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin built with an older header, in which a role ended behind close() and the plugin behind its three roles; what lies
 * behind them must not be read.
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

static void
never (WeirStage *stage, gpointer self)
{
  (void) stage;
  (void) self;
}

/* interrupt() without its flag would be refused: it is not there for this plugin. */
static const WeirRole consumer = {
  .summary = "Is of the past", .consume = consume, .close = never, .interrupt = never
};

WEIR_EXPORT extern const WeirPlugin weir_plugin;
const WeirPlugin weir_plugin = { WEIR_ABI,
                                 offsetof (WeirPlugin, reply),
                                 offsetof (WeirRole, interrupt),
                                 sizeof (WeirOption),
                                 "small-role",
                                 "1.0",
                                 "0.0",
                                 NULL,
                                 NULL,
                                 &consumer,
                                 &consumer };
