/* SPDX-License-Identifier: Apache-2.0 */
/* linger.h: the time between the last write to a connection and its close. What a peer sends to one who has closed, or has left unread,
 * is answered with a reset, and a reset costs the peer all that is still on its way to it. So whoever has said all waits until the
 * peer's system has got it. Runs on the worker of the stage that writes; the state is the stage's. */
#pragma once

#include "connection.h"

typedef struct {
  gint64 pause; /* the last one, microseconds */
} NetLinger;

/* Behind the half-close, where nobody reads any more: throws away what comes. TRUE: all has arrived; FALSE: not yet.
 * error: set if the peer is gone. */
gboolean net_linger_is_over (WeirStage *stage, NetConnection *connection, GError **error);
/* Arms what wakes to look again; nothing tells of what arrives. WEIR_WAIT. */
WeirNext net_linger_wait (NetLinger *linger, WeirStage *stage);
