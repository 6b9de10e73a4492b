/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that crashes in a constructor.
 * Opened by tests of the registry; no callback of it is ever called. */
#include <signal.h>
#include <weir/weir.h>

static void __attribute__ ((constructor)) crash (void)
{
  raise (SIGSEGV);
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

WEIR_PLUGIN ("crashes", "1.0", NULL, NULL, &consumer);
