/* SPDX-License-Identifier: Apache-2.0 */
/* counters.c: the names of what the roles of `tcp` and `unix` count (see counters.h).
 * Constant data. */
#include "counters.h"

#include <stddef.h>

const char *const net_counters[] = { "connections", "refused", "resets", "idle", "dropped", "handshakes_failed", NULL };
