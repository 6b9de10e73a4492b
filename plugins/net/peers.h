/* SPDX-License-Identifier: Apache-2.0 */
/* peers.h: the connections that one producing stage reads from, a chunk of each in turn.
 * Runs on the stage's worker. They are watched through one epoll set, so that silent peers cost nothing but memory; what listens
 * is in it too, with data.ptr NULL. */
#pragma once

#include "reader.h"

typedef struct _NetPeers NetPeers;

/* NULL: the stage has failed. */
NetPeers *net_peers_new (WeirStage *stage, gsize chunk, gint64 idle_timeout);
/* Closes all of them. */
void net_peers_free (NetPeers *peers);
int net_peers_epoll (const NetPeers *peers);
guint net_peers_count (const NetPeers *peers);
/* Takes the connection. */
void net_peers_add (NetPeers *peers, NetConnection *connection);

typedef enum {
  NET_PEERS_READ,   /* something was emitted */
  NET_PEERS_ACCEPT, /* somebody may want to connect */
  NET_PEERS_QUIET   /* nothing now; what wakes is armed */
} NetPeersResult;

NetPeersResult net_peers_read (NetPeers *peers);
/* Whether one has gone since this was asked last: there may be room for another. */
gboolean net_peers_take_gone (NetPeers *peers);
