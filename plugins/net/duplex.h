/* SPDX-License-Identifier: Apache-2.0 */
/* duplex.h: the transform of `tcp` and `unix`: sends what comes in and emits what is answered.
 * Runs on the stage's worker; the state is the stage's. */
#pragma once

#include "client.h"
#include "counters.h"
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

/* Those that both plugins have; the address as it is written there. */
#define NET_DUPLEX_OPTIONS(connect_address) \
  WEIR_STRING (NetDuplex, connect, NULL, WEIR_REQUIRED, "Address to connect to: " connect_address), \
    NET_CONNECT_OPTIONS (NetDuplex), WEIR_DELIMITER_OPTION (NetDuplex), NET_CHUNK_OPTION (NetDuplex), \
    NET_SOCKET_OPTIONS (NetDuplex)

/* The role of either plugin, with its options, and with the check() and open() that name its family. */
#define NET_DUPLEX_ROLE(text, table, tag_names, check_function, open_function) \
  { \
    .summary = text, .options = table, .counters = net_counters, .tags = tag_names, .state_size = sizeof (NetDuplex), \
    .flags = WEIR_BYTES | WEIR_DUPLEX, .check = check_function, .open = open_function, .start = net_duplex_start, \
    .produce = net_duplex_produce, .flush = net_duplex_flush, .end = net_duplex_end, .close = net_duplex_close \
  }

char *net_duplex_check (const NetDuplex *self, NetFamily family, const char **option);
WeirNext net_duplex_open (WeirStage *stage, NetDuplex *self, NetFamily family);
WeirNext net_duplex_start (WeirStage *stage, gpointer state);
WeirNext net_duplex_produce (WeirStage *stage, gpointer state);
WeirNext net_duplex_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count);
WeirNext net_duplex_end (WeirStage *stage, gpointer state);
void net_duplex_close (WeirStage *stage, gpointer state);
