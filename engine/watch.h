/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h: the descriptors that stages of one worker wait for: one epoll set, itself one GSource, as GMainContext's own
 * poll() is linear in descriptors. All on the worker's own thread. */
#pragma once

#include <glib.h>

typedef struct _WeirWatches WeirWatches;

WeirWatches *weir_watches_new (GMainContext *context, GError **error);
void weir_watches_free (WeirWatches *watches);
/* Who of an owner waits: a duplex stage has two halves, everybody else one. As bits they say whom a wake is for. */
typedef enum { WEIR_HALF_INPUT, WEIR_HALF_OUTPUT, WEIR_HALVES } WeirHalf;
#define WEIR_HALF_BIT(half) (1u << (half))
#define WEIR_HALF_BITS (WEIR_HALF_BIT (WEIR_HALF_INPUT) | WEIR_HALF_BIT (WEIR_HALF_OUTPUT))

typedef void (*WeirWatchWake) (gpointer owner, guint32 halves);

/* Calls wake (owner, half's bit) once when fd is ready; what one half asks for on one fd adds up until then. Two may wait for one
 * descriptor, apart: the halves of a stage, or the two ends of a connection. */
void weir_watches_add (WeirWatches *watches, int fd, GIOCondition condition, WeirHalf half, WeirWatchWake wake,
                       gpointer owner);
void weir_watches_forget (WeirWatches *watches, int fd);
/* What an owner waits for on one descriptor, or on any: the latter looks at all there are. */
void weir_watches_forget_wait (WeirWatches *watches, int fd, gpointer owner);
void weir_watches_forget_owner (WeirWatches *watches, gpointer owner);
