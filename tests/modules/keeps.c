/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests alone: a consumer that keeps records and gives them back when it is told to settle, or all at the end, the odd ones
 * first. Runs on the stage's worker; what it keeps is the link's. */
#include <weir/weir.h>

typedef struct {
  gint64 most;
  GPtrArray *kept;
} Keeps;

enum { SETTLED };

static const WeirOption options[] = {
  WEIR_INTEGER (Keeps, most, "1000000", "1..", 0, "Records kept before all are given back"),
  WEIR_OPTIONS_END,
};

static const char *const counters[] = { "settled", NULL };

static WeirNext
keeps_open (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Keeps *self = state;
  self->kept = g_ptr_array_new ();
  return WEIR_MORE;
}

static void
give_back (Keeps *self)
{
  for (guint odd = 2; odd-- > 0;) {
    for (guint i = odd; i < self->kept->len; i += 2) {
      weir_record_release (g_ptr_array_index (self->kept, i));
    }
  }
  g_ptr_array_set_size (self->kept, 0);
}

static WeirNext
keeps_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Keeps *self = state;
  g_ptr_array_add (self->kept, weir_record_keep (stage, record));
  if (self->kept->len == self->most) {
    give_back (self);
  }
  return WEIR_MORE;
}

static WeirNext
keeps_settle (WeirStage *stage, gpointer state)
{
  weir_stage_count (stage, SETTLED, 1);
  give_back (state);
  return WEIR_MORE;
}

static WeirNext
keeps_end (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  give_back (state);
  return WEIR_MORE;
}

static void
keeps_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Keeps *self = state;
  g_ptr_array_unref (self->kept);
}

static const WeirRole consumer = { .summary = "Keeps what it gets",
                                   .options = options,
                                   .counters = counters,
                                   .state_size = sizeof (Keeps),
                                   .open = keeps_open,
                                   .consume = keeps_consume,
                                   .settle = keeps_settle,
                                   .end = keeps_end,
                                   .close = keeps_close };

WEIR_PLUGIN ("keeps", "1.0", NULL, NULL, &consumer);
