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

char *net_consumer_check (const NetConsumer *self, NetFamily family, const char **option);
WeirNext net_consumer_open (WeirStage *stage, NetConsumer *self, NetFamily family);
WeirNext net_consumer_start (WeirStage *stage, gpointer state);
WeirNext net_consumer_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count);
WeirNext net_consumer_end (WeirStage *stage, gpointer state);
void net_consumer_close (WeirStage *stage, gpointer state);
