/* SPDX-License-Identifier: Apache-2.0 */
/* producer.h: the producer of `tcp` and `unix`: listens and reads many peers, or connects and reads one; with per_connection, it
 * hands each peer over, and is then the reading half of that peer's own pipeline.
 * Runs on the stage's worker; the state is the stage's. */
#pragma once

#include "acceptor.h"
#include "client.h"
#include "peers.h"

typedef struct {
  /* Options. */
  NetSettings settings;
  NetAcceptSettings accept;
  const char *connect;
  gboolean reconnect;
  guint64 chunk;

  NetFamily family;
  int epoll; /* of a listening stage: its peers' set, or one of its own; -1: none */
  NetAcceptor *acceptor;
  NetPeers *peers;
  NetClient *client;
  NetReader reader; /* of one connection, handed over or connected */
} NetProducer;

/* Those that both plugins have; the addresses as they are written there. */
#define NET_PRODUCER_OPTIONS(connect_address, listen_addresses) \
  NET_ACCEPT_OPTIONS (NetProducer, listen_addresses), \
    WEIR_STRING (NetProducer, connect, NULL, 0, "Address to connect to instead: " connect_address), \
    WEIR_BOOLEAN (NetProducer, reconnect, "false", 0, \
                  "Connect again when the connection has ended or cannot be made, instead of ending or failing"), \
    NET_CONNECT_OPTIONS (NetProducer), NET_CHUNK_OPTION (NetProducer), NET_SOCKET_OPTIONS (NetProducer)

char *net_producer_check (const NetProducer *self, NetFamily family, const char **option);
WeirNext net_producer_open (WeirStage *stage, NetProducer *self, NetFamily family);
WeirNext net_producer_start (WeirStage *stage, gpointer state);
WeirNext net_producer_produce (WeirStage *stage, gpointer state);
void net_producer_stop (WeirStage *stage, gpointer state);
void net_producer_close (WeirStage *stage, gpointer state);
