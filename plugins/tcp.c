/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c: the plugin `tcp`: its roles, which are those of net/, and their options.
 * Runs on the stage's worker. */
#include "net/counters.h"
#include "net/producer.h"

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
  WEIR_SIZE (NetProducer, chunk, "64KiB", "1..16MiB", 0, "Bytes read at a time, at most"),
  NET_SOCKET_OPTIONS (NetProducer),
  NET_TCP_OPTIONS (NetProducer),
  WEIR_OPTIONS_END
};

static const WeirRole producer = { .summary = "Reads TCP connections, accepted or made",
                                   .options = producer_options,
                                   .counters = net_counters,
                                   .state_size = sizeof (NetProducer),
                                   .flags = WEIR_BYTES | WEIR_CONNECTIONS,
                                   .check = producer_check,
                                   .open = producer_open,
                                   .start = net_producer_start,
                                   .produce = net_producer_produce,
                                   .stop = net_producer_stop,
                                   .close = net_producer_close };

WEIR_PLUGIN ("tcp", "1.0", &producer, NULL, NULL);
