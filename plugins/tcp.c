/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c: the plugin `tcp`: its roles, which are those of net/, and their options.
 * Runs on the stage's worker. */
#include "net/consumer.h"
#include "net/counters.h"
#include "net/duplex.h"
#include "net/producer.h"
#include "net/reply.h"

#define CONNECT_ADDRESS "HOST:PORT or [IPv6]:PORT"
#define LISTEN_ADDRESSES "HOST:PORT, [IPv6]:PORT, *:PORT for IPv4 and IPv6, or systemd:NAME; port 0 is any free one"

/* ---- producer ---- */

static char *
producer_check (gconstpointer self, const char **option)
{
  return net_producer_check (self, NET_TCP, option);
}

static WeirNext
producer_open (WeirStage *stage, gpointer self)
{
  return net_producer_open (stage, self, NET_TCP);
}

static const WeirOption producer_options[] = { NET_PRODUCER_OPTIONS (CONNECT_ADDRESS, LISTEN_ADDRESSES),
                                               NET_TCP_OPTIONS (NetProducer),
                                               NET_TLS_OPTIONS (NetProducer),
                                               NET_TLS_LISTEN_OPTIONS (NetProducer),
                                               NET_TLS_CONNECT_OPTIONS (NetProducer),
                                               WEIR_OPTIONS_END };

static const char *const tags[] = { "peer", "peer_subject", NULL };

static const WeirRole producer = { .summary = "Reads TCP connections, accepted or made",
                                   .options = producer_options,
                                   .counters = net_counters,
                                   .tags = tags,
                                   .state_size = sizeof (NetProducer),
                                   .flags = WEIR_BYTES | WEIR_CONNECTIONS,
                                   .check = producer_check,
                                   .open = producer_open,
                                   .start = net_producer_start,
                                   .produce = net_producer_produce,
                                   .stop = net_producer_stop,
                                   .close = net_producer_close };

/* ---- consumer ---- */

static char *
consumer_check (gconstpointer self, const char **option)
{
  return net_consumer_check (self, NET_TCP, option);
}

static WeirNext
consumer_open (WeirStage *stage, gpointer self)
{
  return net_consumer_open (stage, self, NET_TCP);
}

static const WeirOption consumer_options[] = { NET_CONSUMER_OPTIONS (CONNECT_ADDRESS, LISTEN_ADDRESSES),
                                               NET_TCP_OPTIONS (NetConsumer),
                                               NET_TLS_OPTIONS (NetConsumer),
                                               NET_TLS_CONNECT_OPTIONS (NetConsumer),
                                               NET_TLS_LISTEN_OPTIONS (NetConsumer),
                                               WEIR_OPTIONS_END };

static const WeirRole consumer = { .summary = "Sends to a TCP peer, or to all who connect",
                                   .options = consumer_options,
                                   .counters = net_counters,
                                   .state_size = sizeof (NetConsumer),
                                   .check = consumer_check,
                                   .open = consumer_open,
                                   .start = net_consumer_start,
                                   .flush = net_consumer_flush,
                                   .end = net_consumer_end,
                                   .close = net_consumer_close };

/* ---- transform ---- */

static char *
transform_check (gconstpointer self, const char **option)
{
  return net_duplex_check (self, NET_TCP, option);
}

static WeirNext
transform_open (WeirStage *stage, gpointer self)
{
  return net_duplex_open (stage, self, NET_TCP);
}

static const WeirOption transform_options[] = { NET_DUPLEX_OPTIONS (CONNECT_ADDRESS), NET_TCP_OPTIONS (NetDuplex),
                                                NET_TLS_OPTIONS (NetDuplex), NET_TLS_CONNECT_OPTIONS (NetDuplex),
                                                WEIR_OPTIONS_END };

static const WeirRole transform = NET_DUPLEX_ROLE ("Sends to a TCP peer, and emits what it answers", transform_options,
                                                   tags, transform_check, transform_open);

WEIR_PLUGIN_WITH_REPLY ("tcp", "1.0", &producer, &transform, &consumer, &net_reply_role);
