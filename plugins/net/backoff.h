/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.h: growing pauses between attempts, each shortened by chance, so that many who fail at once do not come back as one.
 * Any thread; the pause is its owner's, 0 at first and where what was tried has been of use for a while. */
#pragma once

#include <glib.h>

#define NET_PAUSE_FIRST 100 /* milliseconds */
#define NET_PAUSE_LAST 30000

/* Milliseconds until the next attempt. */
static inline guint
net_backoff_next (guint *pause)
{
  *pause = *pause == 0 ? NET_PAUSE_FIRST : MIN (*pause * 2, NET_PAUSE_LAST);
  return (guint) g_random_int_range ((gint32) *pause / 2, (gint32) *pause + 1);
}
