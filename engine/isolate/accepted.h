/* SPDX-License-Identifier: Apache-2.0 */
/* accepted.h: a connection that was accepted in the child process of its listener: what the connection's stages here are handed over,
 * so that its producer and its replies are wired to their ends there. Made on the listener's worker, then the connection's own; what was
 * not taken of it is closed with it. */
#pragma once

#include "isolate/wire.h"

#include <weir/weir.h>

typedef struct {
  int process; /* the child's number, for messages */
  guint count;
  WeirWire wires[]; /* the producer's, then those of replies, in the order of their places */
} WeirAccepted;

/* The child has said so: the connection begins here too, and fds are taken. places: how many stages cross. */
void weir_accepted_begin (WeirStage *listener, int process, guint places, const char *peer, const int *fds,
                          gsize count);
