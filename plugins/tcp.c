/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c: the plugin `tcp`: its roles, which are those of net/, and their options.
 * Runs on the stage's worker. */
#include "net/consumer.h"
#include "net/counters.h"
#include "net/duplex.h"
#include "net/producer.h"
#include "net/reply.h"

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

static const WeirOption producer_options[] = {
  NET_ACCEPT_OPTIONS (NetProducer, LISTEN_ADDRESSES),
  WEIR_STRING (NetProducer, connect, NULL, 0, "Address to connect to instead: HOST:PORT or [IPv6]:PORT"),
  WEIR_BOOLEAN (NetProducer, reconnect, "false", 0,
                "Connect again when the connection has ended or cannot be made, instead of ending or failing"),
  NET_CONNECT_OPTIONS (NetProducer),
  NET_CHUNK_OPTION (NetProducer),
  NET_SOCKET_OPTIONS (NetProducer),
  NET_TCP_OPTIONS (NetProducer),
  NET_TLS_OPTIONS (NetProducer),
  NET_TLS_LISTEN_OPTIONS (NetProducer),
  NET_TLS_CONNECT_OPTIONS (NetProducer),
  WEIR_OPTIONS_END
};

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

static const WeirOption consumer_options[] = {
  WEIR_STRING (NetConsumer, connect, NULL, 0, "Address to connect to: HOST:PORT or [IPv6]:PORT"),
  WEIR_BOOLEAN (NetConsumer, reconnect, "true", 0,
                "Connect again when the connection is lost or cannot be made, while records wait; false: fail"),
  NET_CONNECT_OPTIONS (NetConsumer),
  NET_ACCEPT_OPTIONS (NetConsumer, LISTEN_ADDRESSES),
  NET_AUDIENCE_OPTIONS (NetConsumer),
  WEIR_DELIMITER_OPTION (NetConsumer),
  NET_SOCKET_OPTIONS (NetConsumer),
  NET_TCP_OPTIONS (NetConsumer),
  NET_TLS_OPTIONS (NetConsumer),
  NET_TLS_CONNECT_OPTIONS (NetConsumer),
  NET_TLS_LISTEN_OPTIONS (NetConsumer),
  WEIR_OPTIONS_END
};

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

static const WeirOption transform_options[] = { WEIR_STRING (NetDuplex, connect, NULL, WEIR_REQUIRED,
                                                             "Address to connect to: HOST:PORT or [IPv6]:PORT"),
                                                NET_CONNECT_OPTIONS (NetDuplex),
                                                WEIR_DELIMITER_OPTION (NetDuplex),
                                                NET_CHUNK_OPTION (NetDuplex),
                                                NET_SOCKET_OPTIONS (NetDuplex),
                                                NET_TCP_OPTIONS (NetDuplex),
                                                NET_TLS_OPTIONS (NetDuplex),
                                                NET_TLS_CONNECT_OPTIONS (NetDuplex),
                                                WEIR_OPTIONS_END };

static const WeirRole transform = { .summary = "Sends to a TCP peer, and emits what it answers",
                                    .options = transform_options,
                                    .counters = net_counters,
                                    .tags = tags,
                                    .state_size = sizeof (NetDuplex),
                                    .flags = WEIR_BYTES | WEIR_DUPLEX,
                                    .check = transform_check,
                                    .open = transform_open,
                                    .start = net_duplex_start,
                                    .produce = net_duplex_produce,
                                    .flush = net_duplex_flush,
                                    .end = net_duplex_end,
                                    .close = net_duplex_close };

WEIR_PLUGIN_WITH_REPLY ("tcp", "1.0", &producer, &transform, &consumer, &net_reply_role);
