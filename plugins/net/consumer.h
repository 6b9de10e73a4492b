/* SPDX-License-Identifier: Apache-2.0 */
/* consumer.h: the consumer of `tcp` and `unix`: connects and sends, or listens and sends everything to everybody.
 * Runs on the stage's worker; the state is the stage's. */
#pragma once

#include "acceptor.h"
#include "audience.h"
#include "client.h"
#include "linger.h"

typedef struct {
  /* Options. */
  NetSettings settings;
  NetAcceptSettings accept;
  NetAudienceSettings audience;
  const char *connect, *delimiter;
  gboolean reconnect;

  WeirWriter writer;
  NetAudience *listeners;
  NetClient *client;
  guint number;     /* of the connection that the run was begun on */
  gsize done;       /* records of the run that are out; the writer's progress is behind them */
  gboolean blocked; /* the peer has not taken what was offered last */
  NetLinger linger;
} NetConsumer;

/* Those that both plugins have; the addresses as they are written there. */
#define NET_CONSUMER_OPTIONS(connect_address, listen_addresses) \
  WEIR_STRING (NetConsumer, connect, NULL, 0, "Address to connect to: " connect_address), \
    WEIR_BOOLEAN (NetConsumer, reconnect, "true", 0, \
                  "Connect again when the connection is lost or cannot be made, while records wait; false: fail"), \
    NET_CONNECT_OPTIONS (NetConsumer), NET_ACCEPT_OPTIONS (NetConsumer, listen_addresses), \
    NET_AUDIENCE_OPTIONS (NetConsumer), WEIR_DELIMITER_OPTION (NetConsumer), NET_SOCKET_OPTIONS (NetConsumer)

char *net_consumer_check (const NetConsumer *self, NetFamily family, const char **option);
WeirNext net_consumer_open (WeirStage *stage, NetConsumer *self, NetFamily family);
WeirNext net_consumer_start (WeirStage *stage, gpointer state);
WeirNext net_consumer_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count);
WeirNext net_consumer_end (WeirStage *stage, gpointer state);
void net_consumer_close (WeirStage *stage, gpointer state);
