/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that hangs in a constructor.
 * Opened by tests of the registry; no callback of it is ever called. */
#include <unistd.h>
#include <weir/weir.h>

static void __attribute__ ((constructor)) hang (void)
{
  while (TRUE) {
    pause ();
  }
}

static WeirNext
consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  (void) stage;
  (void) self;
  (void) record;
  return WEIR_MORE;
}

static const WeirRole consumer = { .summary = "Never gets that far", .consume = consume };

WEIR_PLUGIN ("hangs", "1.0", NULL, NULL, &consumer);
