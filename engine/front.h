/* SPDX-License-Identifier: Apache-2.0 */
/* front.h: the locked front of a drop_oldest link.
 * The producer appends to it and, at high, drops the oldest record that still lies in it; the taker's worker moves a run out
 * of it into the link's ring, which it alone works on both ends. What lies in that ring is held: it counts for the level
 * and is never dropped. Each side takes the lock once a run (at most 64 records), never across a callback. */
#pragma once

#include "link.h"

WeirFront *weir_front_new (WeirLink *link, WeirPool *takers_pool);
void weir_front_free (WeirFront *front);

/* The producer's worker. */
void weir_front_put (WeirFront *front, const WeirRecord *record);
void weir_front_put_control (WeirFront *front, WeirControl control, guint32 stream);
void weir_front_publish_and_wake (WeirFront *front);
gboolean weir_front_recheck (WeirFront *front); /* as weir_link_recheck() */
/* As weir_link_age_deadline(), of what can still be dropped. */
gint64 weir_front_age_deadline (WeirFront *front);
/* Drops what is too old by now. */
void weir_front_expire (WeirFront *front);

/* The taker's worker: drops what is too old, moves a run into the ring and publishes it there. */
void weir_front_move (WeirFront *front);

/* Any thread: adds what lies in the front to the figures of its ring. */
/* What neither end has in its hands. Under its lock: each() calls nothing of the front. */
void weir_front_each_queued (WeirFront *front, WeirLinkEach each, gpointer data);
void weir_front_figures (WeirFront *front, WeirLinkFigures *figures);
