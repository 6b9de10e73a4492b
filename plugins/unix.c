/* SPDX-License-Identifier: Apache-2.0 */
/* unix.c: the plugin `unix`: its roles, which are those of net/, and their options: of streams, as in `tcp`, or, by `type`, of
 * datagrams, as in `udp`.
 * Runs on the stage's worker. */
#include "net/consumer.h"
#include "net/counters.h"
#include "net/datagram-sender.h"
#include "net/datagrams.h"
#include "net/duplex.h"
#include "net/producer.h"
#include "net/reply.h"

#define CONNECT_ADDRESS "a path, or @NAME"
#define LISTEN_ADDRESSES "a path, @NAME in the abstract namespace, or systemd:NAME"

enum { STREAM, DATAGRAM };

/* What datagrams count comes behind what streams do. */
enum { BEHIND_STREAMS = NET_DROPPED + 1 };

static const char *const producer_counters[] = { "connections",  "refused",  "resets", "idle", "dropped",
                                                 "kernel_drops", "too_long", "left",   NULL };
static const char *const consumer_counters[] = { "connections", "refused", "resets", "idle",
                                                 "dropped",     "unheard", "waits",  NULL };

/* ---- producer ---- */

typedef struct {
  NetProducer stream; /* the first: its options and callbacks are those of the state */
  int type;
  NetDatagramSettings datagrams;
  NetDatagrams *receiver; /* NULL: of streams */
} Producer;

static NetDatagramSettings
datagram_settings (const Producer *self)
{
  NetDatagramSettings settings = self->datagrams;
  settings.listen = self->stream.accept.listen;
  settings.mode = self->stream.accept.mode;
  settings.counters = BEHIND_STREAMS;
  return settings;
}

static char *
producer_check (gconstpointer state, const char **option)
{
  const Producer *self = state;
  if (self->type == STREAM) {
    return net_producer_check (&self->stream, NET_UNIX, option);
  }
  if (self->stream.connect != NULL || self->stream.accept.listen == NULL || self->stream.accept.listen[0] == NULL) {
    *option = self->stream.connect != NULL ? "connect" : NULL;
    return g_strdup ("of type datagram, expected addresses to receive at (listen), and no connect");
  }
  NetDatagramSettings settings = datagram_settings (self);
  return net_datagrams_check (&settings, NET_UNIX, option);
}

static WeirNext
producer_open (WeirStage *stage, gpointer state)
{
  Producer *self = state;
  if (self->type == STREAM) {
    return net_producer_open (stage, &self->stream, NET_UNIX);
  }
  self->stream.epoll = -1;
  if (weir_stage_per_connection (stage)) {
    return weir_stage_fail (stage, "per_connection: datagrams have no connections; expected type stream");
  }
  self->datagrams = datagram_settings (self);
  self->receiver = net_datagrams_new (stage, NET_UNIX, &self->datagrams, &self->stream.settings);
  return self->receiver != NULL ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
producer_start (WeirStage *stage, gpointer state)
{
  Producer *self = state;
  return self->receiver != NULL ? net_datagrams_start (self->receiver) : net_producer_start (stage, state);
}

static WeirNext
producer_produce (WeirStage *stage, gpointer state)
{
  Producer *self = state;
  return self->receiver != NULL ? net_datagrams_produce (self->receiver) : net_producer_produce (stage, state);
}

static void
producer_close (WeirStage *stage, gpointer state)
{
  Producer *self = state;
  g_clear_pointer (&self->receiver, net_datagrams_free);
  net_producer_close (stage, state);
}

static const WeirOption producer_options[] = {
  WEIR_CHOICE (Producer, type, "stream", "stream|datagram", 0, "Streams of connections, or datagrams, each a message"),
  NET_PRODUCER_OPTIONS (CONNECT_ADDRESS, LISTEN_ADDRESSES), NET_ACCEPT_MODE (NetProducer),
  NET_DATAGRAM_OPTIONS (Producer), WEIR_OPTIONS_END
};

static const char *const tags[] = { "peer", NULL };

static const WeirRole producer = { .summary = "Reads unix stream sockets, accepted or made, or receives datagrams",
                                   .options = producer_options,
                                   .counters = producer_counters,
                                   .tags = tags,
                                   .state_size = sizeof (Producer),
                                   .flags = WEIR_BYTES | WEIR_CONNECTIONS,
                                   .check = producer_check,
                                   .open = producer_open,
                                   .start = producer_start,
                                   .produce = producer_produce,
                                   .stop = producer_close,
                                   .close = producer_close };

/* ---- consumer ---- */

typedef struct {
  NetConsumer stream; /* the first, likewise */
  int type;
  NetDatagramSender *sender; /* NULL: of streams */
} Consumer;

static char *
consumer_check (gconstpointer state, const char **option)
{
  const Consumer *self = state;
  if (self->type == STREAM) {
    return net_consumer_check (&self->stream, NET_UNIX, option);
  }
  if (self->stream.connect == NULL || (self->stream.accept.listen != NULL && self->stream.accept.listen[0] != NULL)) {
    *option = self->stream.connect != NULL ? "listen" : NULL;
    return g_strdup ("of type datagram, expected an address to send to (connect), and no listen");
  }
  return net_datagram_sender_check (self->stream.connect, NET_UNIX, option);
}

static WeirNext
consumer_open (WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  if (self->type == STREAM) {
    return net_consumer_open (stage, &self->stream, NET_UNIX);
  }
  self->sender = net_datagram_sender_new (stage, self->stream.connect, NET_UNIX, &self->stream.settings,
                                          BEHIND_STREAMS);
  return self->sender != NULL ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
consumer_start (WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  return self->sender != NULL ? net_datagram_sender_start (self->sender) : net_consumer_start (stage, state);
}

static WeirNext
consumer_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  Consumer *self = state;
  return self->sender != NULL ? net_datagram_sender_flush (self->sender, records, count)
                              : net_consumer_flush (stage, state, records, count);
}

static WeirNext
consumer_end (WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  return self->sender != NULL ? WEIR_MORE : net_consumer_end (stage, state);
}

static void
consumer_close (WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  g_clear_pointer (&self->sender, net_datagram_sender_free);
  if (self->type == STREAM) {
    net_consumer_close (stage, state);
  }
}

static const WeirOption consumer_options[] = {
  WEIR_CHOICE (Consumer, type, "stream", "stream|datagram", 0, "Streams of connections, or a datagram for each record"),
  NET_CONSUMER_OPTIONS (CONNECT_ADDRESS, LISTEN_ADDRESSES), NET_ACCEPT_MODE (NetConsumer), WEIR_OPTIONS_END
};

static const WeirRole consumer = { .summary = "Sends to a unix socket, or to all who connect",
                                   .options = consumer_options,
                                   .counters = consumer_counters,
                                   .state_size = sizeof (Consumer),
                                   .check = consumer_check,
                                   .open = consumer_open,
                                   .start = consumer_start,
                                   .flush = consumer_flush,
                                   .end = consumer_end,
                                   .close = consumer_close };

/* ---- transform ---- */

static char *
transform_check (gconstpointer self, const char **option)
{
  return net_duplex_check (self, NET_UNIX, option);
}

static WeirNext
transform_open (WeirStage *stage, gpointer self)
{
  return net_duplex_open (stage, self, NET_UNIX);
}

static const WeirOption transform_options[] = { NET_DUPLEX_OPTIONS (CONNECT_ADDRESS), WEIR_OPTIONS_END };

static const WeirRole transform = NET_DUPLEX_ROLE ("Sends to a unix socket, and emits what it answers",
                                                   transform_options, tags, transform_check, transform_open);

WEIR_PLUGIN_WITH_REPLY ("unix", "1.0", &producer, &transform, &consumer, &net_reply_role);
