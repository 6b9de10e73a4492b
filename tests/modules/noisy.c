/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that prints in a constructor.
 * Opened by tests of the registry; no callback of it is ever called. */
#include <unistd.h>
#include <weir/weir.h>

static void __attribute__ ((constructor)) print (void)
{
  if (write (STDOUT_FILENO, "noise\n", 6) < 0 || write (STDERR_FILENO, "noise\n", 6) < 0) {
    _exit (1);
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

static const WeirRole consumer = { .summary = "Prints when it is opened", .consume = consume };

WEIR_PLUGIN ("noisy", "1.0", NULL, NULL, &consumer);
