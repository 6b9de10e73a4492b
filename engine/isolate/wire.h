/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h: what joins a stage that is isolated with its ends in the child process: a socket pair for records, one for what they say to
 * each other beside, and the page that they share. Where a child accepts connections, it makes a wire for each of their stages, and hands
 * the parent's ends of them over. Any thread; whoever has a wire owns its descriptors. */
#pragma once

#include "isolate/shared.h"

typedef struct {
  int data, control, page; /* -1: it is closed, or was taken */
} WeirWire;

#define WEIR_WIRE_NONE ((WeirWire){ -1, -1, -1 })
/* Stages of a connection that cross: as many as a message can bring the wires of. */
#define WEIR_WIRES_MOST 64u

/* One with both ends, near and far, and the page that they share. NULL: errno says why, and nothing is left open. */
WeirShared *weir_wire_new (WeirWire *near, WeirWire *far, guint inputs, guint counters);
void weir_wire_close (WeirWire *wire);
/* Wires out of the descriptors that came with a message, and back. FALSE: there are not so many as there should be. */
gboolean weir_wires_take (WeirWire *wires, guint count, const int *fds, gsize fd_count);
gsize weir_wires_give (const WeirWire *wires, guint count, int *fds);
