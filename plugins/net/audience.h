/* SPDX-License-Identifier: Apache-2.0 */
/* audience.h: the peers of a consumer that listens, each of whom gets every record from when it came.
 * Runs on the stage's worker, in flush() and end() and by a source of its own, as peers come, take and go between those. */
#pragma once

#include "acceptor.h"

typedef struct {
  guint64 peer_queue;
  int when_full, no_peer;
} NetAudienceSettings;

enum { NET_FULL_PAUSE, NET_FULL_DROP_NEWEST, NET_FULL_DROP_OLDEST, NET_FULL_DISCONNECT };
enum { NET_NO_PEER_WAIT, NET_NO_PEER_DROP };

#define NET_AUDIENCE_OPTION_(State, name, kind, Type, initial, range, help) \
  { \
#name, initial, range, help, WEIR_FIELD_(State, audience.name, Type), kind, 0 \
  }

/* The state has them as `audience`. */
#define NET_AUDIENCE_OPTIONS(State) \
  NET_AUDIENCE_OPTION_ (State, when_full, WEIR_OPTION_CHOICE_, int, "pause", \
                        "pause|drop_newest|drop_oldest|disconnect", \
                        "A peer that is too slow holds up all, or loses records by itself, or the connection"), \
    NET_AUDIENCE_OPTION_ (State, peer_queue, WEIR_OPTION_SIZE_, guint64, "1MiB", "1KiB..1GiB", \
                          "Bytes held for each peer before when_full; with pause the link alone holds them"), \
    NET_AUDIENCE_OPTION_ (State, no_peer, WEIR_OPTION_CHOICE_, int, "wait", "wait|drop", \
                          "While nobody is connected, keep records in the link, or drop them")

typedef struct _NetAudience NetAudience;

/* NULL: the stage has failed. settings are borrowed, and so is the delimiter. */
NetAudience *net_audience_new (WeirStage *stage, const NetAudienceSettings *settings, const char *delimiter,
                               gint64 idle_timeout);
/* FALSE: the stage has failed. */
gboolean net_audience_listen (NetAudience *audience, NetFamily family, const NetAcceptSettings *accept,
                              const NetSettings *settings);
WeirNext net_audience_start (NetAudience *audience);
WeirNext net_audience_flush (NetAudience *audience, const WeirRecord *records, gsize count);
WeirNext net_audience_end (NetAudience *audience);
void net_audience_free (NetAudience *audience);
