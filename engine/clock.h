/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: what time it is for a stage: the system's clocks, or, on a thread that cranks a harness, those of the harness.
 * Read on any thread; the cranked clock belongs to the harness, and is this thread's between weir_worker_enter() and _leave(). */
#pragma once

#include <glib.h>

typedef struct {
  gint64 now;         /* monotonic, microseconds */
  gint64 wall_offset; /* of the wall clock to that one */
} WeirCrankedClock;

extern _Thread_local const WeirCrankedClock *weir_cranked_clock; /* NULL: the system's; worker.c */

static inline gint64
weir_clock_now (void)
{
  return G_LIKELY (weir_cranked_clock == NULL) ? g_get_monotonic_time () : weir_cranked_clock->now;
}

static inline gint64
weir_clock_wall (void)
{
  return G_LIKELY (weir_cranked_clock == NULL) ? g_get_real_time ()
                                               : weir_cranked_clock->now + weir_cranked_clock->wall_offset;
}
