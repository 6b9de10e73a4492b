/* SPDX-License-Identifier: Apache-2.0 */
/* udp.c: the plugin `udp`: receives datagrams as messages, and sends records as datagrams. How, is in net/.
 * Runs on the stage's worker. */
#include "net/datagram-sender.h"
#include "net/datagrams.h"

/* ---- producer ---- */

typedef struct {
  NetDatagramSettings datagrams;
  NetSettings settings;
  NetDatagrams *receiver;
} Producer;

static char *
producer_check (gconstpointer state, const char **option)
{
  const Producer *self = state;
  return net_datagrams_check (&self->datagrams, NET_TCP, option);
}

static WeirNext
producer_open (WeirStage *stage, gpointer state)
{
  Producer *self = state;
  self->receiver = net_datagrams_new (stage, NET_TCP, &self->datagrams, &self->settings);
  return self->receiver != NULL ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
producer_start (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Producer *self = state;
  return net_datagrams_start (self->receiver);
}

static WeirNext
producer_produce (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Producer *self = state;
  return net_datagrams_produce (self->receiver);
}

static void
producer_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Producer *self = state;
  g_clear_pointer (&self->receiver, net_datagrams_free);
}

static const WeirOption producer_options[] = {
  NET_DATAGRAM_OPTION_ (
    Producer, listen, WEIR_OPTION_STRINGS_, const char *const *, NULL, NULL, WEIR_REQUIRED,
    "Address or list of addresses to receive at: HOST:PORT, [IPv6]:PORT, *:PORT for IPv4 and IPv6, or "
    "systemd:NAME; port 0 is any free one"),
  NET_DATAGRAM_OPTION_ (Producer, group, WEIR_OPTION_STRINGS_, const char *const *, NULL, NULL, 0,
                        "Multicast group or list of groups to join"),
  NET_DATAGRAM_OPTION_ (Producer, interface, WEIR_OPTION_STRING_, const char *, NULL, NULL, 0,
                        "Network interface to join them on; default: the system's choice"),
  NET_DATAGRAM_OPTIONS (Producer),
  NET_RECEIVE_BUFFER_OPTION (Producer),
  WEIR_OPTIONS_END
};

static const char *const tags[] = { "peer", NULL };

static const WeirRole producer = { .summary = "Receives UDP datagrams",
                                   .options = producer_options,
                                   .counters = net_datagram_counters,
                                   .tags = tags,
                                   .state_size = sizeof (Producer),
                                   .check = producer_check,
                                   .open = producer_open,
                                   .start = producer_start,
                                   .produce = producer_produce,
                                   .close = producer_close };

/* ---- consumer ---- */

typedef struct {
  const char *connect;
  NetSettings settings;
  NetDatagramSender *sender;
} Consumer;

static char *
consumer_check (gconstpointer state, const char **option)
{
  const Consumer *self = state;
  return net_datagram_sender_check (self->connect, NET_TCP, option);
}

static WeirNext
consumer_open (WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  self->sender = net_datagram_sender_new (stage, self->connect, NET_TCP, &self->settings, 0);
  return self->sender != NULL ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
consumer_start (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  return net_datagram_sender_start (self->sender);
}

static WeirNext
consumer_flush (G_GNUC_UNUSED WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  Consumer *self = state;
  return net_datagram_sender_flush (self->sender, records, count);
}

static void
consumer_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  g_clear_pointer (&self->sender, net_datagram_sender_free);
}

static const WeirOption consumer_options[] = { WEIR_STRING (Consumer, connect, NULL, WEIR_REQUIRED,
                                                            "Address to send to: HOST:PORT or [IPv6]:PORT"),
                                               NET_SEND_BUFFER_OPTION (Consumer), WEIR_OPTIONS_END };

static const WeirRole consumer = { .summary = "Sends each record as a UDP datagram",
                                   .options = consumer_options,
                                   .counters = net_sender_counters,
                                   .state_size = sizeof (Consumer),
                                   .check = consumer_check,
                                   .open = consumer_open,
                                   .start = consumer_start,
                                   .flush = consumer_flush,
                                   .close = consumer_close };

WEIR_PLUGIN ("udp", "1.0", &producer, NULL, &consumer);
