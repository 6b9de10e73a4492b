/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h: the descriptors that stages of one worker wait for: one epoll set, itself one GSource, as GMainContext's own
 * poll() is linear in descriptors. All on the worker's own thread. */
#pragma once

#include <glib.h>

typedef struct _WeirWatches WeirWatches;

WeirWatches *weir_watches_new (GMainContext *context, GError **error);
void weir_watches_free (WeirWatches *watches);
/* Calls wake (owner) once when fd is ready; what one owner asks for on one fd adds up until then. */
void weir_watches_add (WeirWatches *watches, int fd, GIOCondition condition, void (*wake) (gpointer owner),
                       gpointer owner);
void weir_watches_forget (WeirWatches *watches, int fd);
void weir_watches_forget_owner (WeirWatches *watches, gpointer owner);
