/* SPDX-License-Identifier: Apache-2.0 */
/* datagrams.h: receives datagrams, of UDP or of a unix socket: each is a message.
 * Runs on the stage's worker. */
#pragma once

#include "address.h"
#include "socket.h"

typedef struct {
  const char *const *listen;
  const char *mode;         /* of a unix socket's path; NULL: none */
  const char *const *group; /* multicast addresses to join; NULL: none */
  const char *interface;    /* to join them on; NULL: the system's choice */
  guint64 datagram_max;     /* bytes of the largest datagram that is whole */
  gboolean tag_peer;
  guint counters; /* the index of the first of net_datagram_counters among the role's */
} NetDatagramSettings;

#define NET_DATAGRAM_OPTION_(State, name, kind, Type, initial, range, flags, help) \
  { \
#name, initial, range, help, WEIR_FIELD_(State, datagrams.name, Type), kind, flags \
  }

/* The state has them as `datagrams`. */
#define NET_DATAGRAM_OPTIONS(State) \
  NET_DATAGRAM_OPTION_ (State, datagram_max, WEIR_OPTION_SIZE_, guint64, "64KiB", "1..16MiB", 0, \
                        "Bytes of the largest datagram; a larger one is cut off, and rejected"), \
    NET_DATAGRAM_OPTION_ (State, tag_peer, WEIR_OPTION_BOOLEAN_, gboolean, "true", NULL, 0, \
                          "Put the sender's address, or its process, into the tag peer")

/* Of net_datagram_counters. */
enum {
  NET_KERNEL_DROPS, /* datagrams that came while the socket's buffer was full */
  NET_TOO_LONG,     /* larger than datagram_max: rejected */
  NET_LEFT          /* received, but not handed on any more when it was stopped */
};

extern const char *const net_datagram_counters[];

typedef struct _NetDatagrams NetDatagrams;

char *net_datagrams_check (const NetDatagramSettings *settings, NetFamily family, const char **option);
/* Both settings are borrowed; of those of sockets only the buffers matter. NULL: the stage has failed. */
NetDatagrams *net_datagrams_new (WeirStage *stage, NetFamily family, const NetDatagramSettings *settings,
                                 const NetSettings *sockets);
WeirNext net_datagrams_start (NetDatagrams *datagrams);
WeirNext net_datagrams_produce (NetDatagrams *datagrams);
/* Counts what was dropped to the very end, closes the sockets, frees. */
void net_datagrams_free (NetDatagrams *datagrams);
