/* SPDX-License-Identifier: Apache-2.0 */
/* funnel.h: the inputs of an isolated stage that connections share, as the one input that its child has: links come and go, and the child
 * knows nothing of it. What is sent of which link is noted in its order, so that a position that the child has released is one on the
 * links; streams of the same number on two links get numbers of their own. The stage's worker; owns none of the links, which stay
 * until all that was sent of them is released. */
#pragma once

#include "isolate/sender.h"
#include "link.h"

typedef struct _WeirFunnel WeirFunnel;

/* ends_come_back: the child will say when a stream has ended on its outputs. */
WeirFunnel *weir_funnel_new (gboolean ends_come_back);
void weir_funnel_free (WeirFunnel *funnel);

/* The sender is idle. All of these that were taken last of the link are next. */
void weir_funnel_records (WeirFunnel *funnel, WeirSender *sender, WeirLink *link, const WeirRecord *records,
                          gsize count);
/* A control entry that is about to be taken. */
void weir_funnel_control (WeirFunnel *funnel, WeirSender *sender, WeirLink *link, const WeirRecord *control);

/* What was sent, as a position of the child's, and whether any of it was not released yet. */
guint64 weir_funnel_sent (const WeirFunnel *funnel);
gboolean weir_funnel_waits (const WeirFunnel *funnel);
/* Sets `granted` of the links by what the child has released, and tells of each. TRUE: more than before. */
gboolean weir_funnel_release (WeirFunnel *funnel, guint64 released, void (*granted) (WeirLink *link, gpointer data),
                              gpointer data);
/* Is there one of those that wait of which this is true? */
gboolean weir_funnel_any (const WeirFunnel *funnel, gboolean (*is) (WeirLink *link));

/* The number here of a stream that the child names, 0: none; and its end has come back, so that nothing more of it will. */
guint32 weir_funnel_stream (WeirFunnel *funnel, guint32 number);
void weir_funnel_forget_stream (WeirFunnel *funnel, guint32 number);
