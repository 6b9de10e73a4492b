/* SPDX-License-Identifier: Apache-2.0 */
/* listeners.h: the sockets at all the addresses that a role listens at; the names among these are looked up.
 * Runs on the stage's worker. */
#pragma once

#include "listening.h"

typedef struct _NetListeners NetListeners;

/* What is wrong with these options, to be freed; NULL: nothing. *option names the one. mode: NULL, none. */
char *net_listeners_check (const char *const *listen, const char *mode, NetFamily family, const char **option);

/* Opens sockets at all addresses but those that are to be looked up. options are copied, but for their settings and mode, which is
 * parsed. NULL: the stage has failed. */
NetListeners *net_listeners_new (WeirStage *stage, const char *const *listen, const char *mode,
                                 const NetListenOptions *options);
/* Looks up the others. opened (owner) is called when all are there: in it, and MORE is the answer; or later, and then
 * weir_stage_ready(). Not where the stage fails instead. */
WeirNext net_listeners_start (NetListeners *listeners, void (*opened) (gpointer owner), gpointer owner);
/* They are all there. */
gboolean net_listeners_opened (const NetListeners *listeners);
guint net_listeners_count (const NetListeners *listeners);
const NetListening *net_listeners_get (const NetListeners *listeners, guint index);
/* Closes all of them; their paths go. */
void net_listeners_free (NetListeners *listeners);
