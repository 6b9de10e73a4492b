/* SPDX-License-Identifier: Apache-2.0 */
/* head: takes the first records and then has had enough (rule R16): as a consumer it is done with them, as a transform it hands
 * them on and ends its output. What lies upstream and feeds nobody else is stopped.
 * Runs on the stage's worker; owns nothing. */
#include <weir/weir.h>

typedef struct {
  gint64 count; /* option */
  gint64 seen;
} Head;

static const WeirOption options[] = {
  WEIR_INTEGER (Head, count, "10", "1..", 0, "Records to take"),
  WEIR_OPTIONS_END,
};

static WeirNext
head_drop (G_GNUC_UNUSED WeirStage *stage, gpointer self, G_GNUC_UNUSED const WeirRecord *record)
{
  Head *head = self;
  return ++head->seen >= head->count ? WEIR_DONE : WEIR_MORE;
}

static WeirNext
head_forward (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  Head *head = self;
  weir_emit (stage, record);
  return ++head->seen >= head->count ? WEIR_DONE : WEIR_MORE;
}

static const WeirRole consumer = {
  .summary = "Takes the first records, then ends",
  .options = options,
  .state_size = sizeof (Head),
  .consume = head_drop,
};

static const WeirRole transform = {
  .summary = "Hands on the first records, then ends",
  .options = options,
  .state_size = sizeof (Head),
  .flags = WEIR_BYTES, /* a chunk that is handed on stays one */
  .consume = head_forward,
};

WEIR_PLUGIN ("head", "1.0", NULL, &transform, &consumer);
