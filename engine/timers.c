/* SPDX-License-Identifier: Apache-2.0 */
/* timers.c: the timers of one worker (see timers.h).
 * Runs on the worker; a GSequence keeps them in order, so that thousands of them cost a logarithm each, and the GSource's
 * ready time is that of the first. */
#include "timers.h"

struct _WeirTimers {
  GSource *source;
  GSequence *sequence;
  gint64 firing; /* the time up to which timers are being fired; 0: they are not */
};

typedef struct {
  GSource source;
  WeirTimers *timers;
} Source;

static gint
compare (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  const WeirTimer *first = a, *second = b;
  return first->at < second->at ? -1 : first->at > second->at;
}

gint64
weir_timers_next (WeirTimers *timers)
{
  GSequenceIter *begin = g_sequence_get_begin_iter (timers->sequence);
  const WeirTimer *first = g_sequence_iter_is_end (begin) ? NULL : g_sequence_get (begin);
  return first != NULL ? first->at : -1;
}

static void
set_ready_time (WeirTimers *timers)
{
  gint64 at = weir_cranked_clock == NULL ? weir_timers_next (timers) : -1;
  if (g_source_get_ready_time (timers->source) != at) {
    g_source_set_ready_time (timers->source, at);
  }
}

gboolean
weir_timers_fire (WeirTimers *timers)
{
  gboolean fired = FALSE;
  gint64 now = timers->firing = weir_clock_now ();
  for (;;) {
    GSequenceIter *begin = g_sequence_get_begin_iter (timers->sequence);
    WeirTimer *timer = g_sequence_iter_is_end (begin) ? NULL : g_sequence_get (begin);
    if (timer == NULL || timer->at > now) {
      break;
    }
    g_sequence_remove (begin);
    timer->iter = NULL;
    timer->fire (timer, timer->data);
    fired = TRUE;
  }
  timers->firing = 0;
  set_ready_time (timers);
  return fired;
}

static gboolean
dispatch (GSource *source, G_GNUC_UNUSED GSourceFunc callback, G_GNUC_UNUSED gpointer data)
{
  weir_timers_fire (((Source *) source)->timers);
  return G_SOURCE_CONTINUE;
}

WeirTimers *
weir_timers_new (GMainContext *context)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  WeirTimers *timers = g_new0 (WeirTimers, 1);
  timers->sequence = g_sequence_new (NULL);
  timers->source = g_source_new (&funcs, sizeof (Source));
  ((Source *) timers->source)->timers = timers;
  g_source_set_static_name (timers->source, "weir timers");
  g_source_attach (timers->source, context);
  return timers;
}

void
weir_timers_free (WeirTimers *timers)
{
  g_source_destroy (timers->source);
  g_source_unref (timers->source);
  g_sequence_free (timers->sequence);
  g_free (timers);
}

void
weir_timers_arm (WeirTimers *timers, WeirTimer *timer, gint64 at)
{
  if (timer->iter != NULL) {
    g_sequence_remove (timer->iter);
  }
  /* What fires and is due again at once waits for the next round: others have their turn. */
  timer->at = timers->firing == 0 ? at : MAX (at, timers->firing + 1);
  timer->iter = g_sequence_insert_sorted (timers->sequence, timer, compare, NULL);
  set_ready_time (timers);
}

void
weir_timers_disarm (WeirTimers *timers, WeirTimer *timer)
{
  if (timer->iter != NULL) {
    g_sequence_remove (timer->iter);
    timer->iter = NULL;
    set_ready_time (timers);
  }
}
