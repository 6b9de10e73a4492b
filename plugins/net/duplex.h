/* SPDX-License-Identifier: Apache-2.0 */
/* duplex.h: the transform of `tcp` and `unix`: sends what comes in and emits what is answered.
 * Runs on the stage's worker; the state is the stage's. */
#pragma once

#include "client.h"
#include "reader.h"

typedef struct {
  /* Options. */
  NetSettings settings;
  const char *connect, *delimiter;
  guint64 chunk;

  NetClient *client;
  NetReader reader; /* connection NULL: not connected yet */
  WeirWriter writer;
} NetDuplex;

char *net_duplex_check (const NetDuplex *self, NetFamily family, const char **option);
WeirNext net_duplex_open (WeirStage *stage, NetDuplex *self, NetFamily family);
WeirNext net_duplex_start (WeirStage *stage, gpointer state);
WeirNext net_duplex_produce (WeirStage *stage, gpointer state);
WeirNext net_duplex_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count);
WeirNext net_duplex_end (WeirStage *stage, gpointer state);
void net_duplex_close (WeirStage *stage, gpointer state);
