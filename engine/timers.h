/* SPDX-License-Identifier: Apache-2.0 */
/* timers.h: the timers of one worker, ordered by time, behind one GSource.
 * All on the worker's own thread. A timer is embedded in its owner and belongs to it. */
#pragma once

#include "clock.h"

typedef struct _WeirTimers WeirTimers;

typedef struct _WeirTimer {
  gint64 at; /* monotonic, microseconds */
  GSequenceIter *iter;
  void (*fire) (struct _WeirTimer *timer, gpointer data); /* disarmed before it is called */
  gpointer data;
} WeirTimer;

WeirTimers *weir_timers_new (GMainContext *context);
void weir_timers_free (WeirTimers *timers);
void weir_timers_arm (WeirTimers *timers, WeirTimer *timer, gint64 at); /* again: moves it */
void weir_timers_disarm (WeirTimers *timers, WeirTimer *timer);

/* Under a cranked clock the GSource never is ready by itself. */
gboolean weir_timers_fire (WeirTimers *timers); /* those that are due; TRUE: there were some */
gint64 weir_timers_next (WeirTimers *timers);   /* when the next one is due; -1: there is none */
