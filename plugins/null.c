/* SPDX-License-Identifier: Apache-2.0 */
/* null: a consumer that is done with every record at once.
 * Runs on the stage's worker; owns nothing. It takes whole runs, so that it costs a pipeline as little as an end can. */
#include <weir/weir.h>

static WeirNext
null_flush (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer self, G_GNUC_UNUSED const WeirRecord *records,
            G_GNUC_UNUSED gsize count)
{
  return WEIR_MORE;
}

static const WeirRole consumer = {
  .summary = "Takes records and forgets them",
  .flush = null_flush,
};

WEIR_PLUGIN ("null", "1.0", NULL, NULL, &consumer);
