/* SPDX-License-Identifier: Apache-2.0 */
/* net.h: the load of the network cases: streams of numbered lines, whoever writes them, whoever checks them, and the server or proxy
 * between them, which is a command that finds its port in $LISTEN and the port that it is to connect to in $UPSTREAM. */
#pragma once

#include "bench.h"

enum {
  NET_LINE = 256,       /* a stamp, filler, a newline: what log programs take for a line too */
  NET_STAMP = 16,       /* NET_MARK, then hexadecimal digits: the stream's number << 32 | the line's */
  NET_MARK = '#',       /* no digit: log programs take those at a line's start for its length */
  NET_BLOCK = 64 * 1024 /* what is written or read at once */
};

/* ---- the pattern (net-pattern.c) ---------------------------------------------------------------------------------------------- */
typedef struct {
  char bytes[2 * NET_BLOCK];
} NetPattern;

void net_pattern_init (NetPattern *pattern);

/* The LENGTH (NET_BLOCK at most) bytes of STREAM from OFFSET; valid until the next call. */
const char *net_pattern_at (NetPattern *pattern, guint stream, guint64 offset, gsize length);

/* Whether DATA is what STREAM has at OFFSET: every byte when FULL, otherwise the stamps of all lines that are whole in it. */
gboolean net_pattern_holds (NetPattern *pattern, guint stream, guint64 offset, const char *data, gsize length,
                            gboolean full);

/* The number behind a stamp; G_MAXUINT64 when it is none. */
guint64 net_pattern_stamp (const char *line);

/* ---- peers and sockets (net-peer.c) ------------------------------------------------------------------------------------------- */
typedef struct {
  pid_t group;
  guint16 port; /* where it listens */
  int listener; /* where it connects to, when it is a proxy; otherwise -1 */
} NetPeer;

/* Starts COMMAND and waits until it listens. From now on it is ended with this program, however that ends. */
NetPeer net_peer_start (const char *command, gboolean proxy);
void net_peer_stop (NetPeer *peer);

/* Connects to PEER, blocking. Sets *UPSTREAM to the connection that the peer made for it, unless UPSTREAM is NULL. */
int net_connect (const NetPeer *peer, int *upstream);

/* The next connection that PEER makes upstream. */
int net_accept (const NetPeer *peer);

void net_set_blocking (int socket, gboolean blocking);
double net_now (void);

/* ---- many streams at once (net-streams.c) ------------------------------------------------------------------------------------- */
typedef struct {
  guint count;
  guint64 bytes;      /* of each, a multiple of NET_LINE */
  gboolean full;      /* check every byte */
  gboolean backwards; /* from upstream to client */
} NetLoad;

/* Opens LOAD's connections through PEER, moves and checks its bytes, closes them. Returns the seconds from the first byte to
 * the last; sets *USED to what the peer used meanwhile. A wrong byte ends the program. */
double net_streams_run (const NetPeer *peer, const NetLoad *load, BenchUsage *used);

/* Asks PEER for INTEGERS random integers on each of COUNT connections, counts them, and when FULL looks at each. Like above. */
double net_integers_run (const NetPeer *peer, guint count, guint64 integers, gboolean full, BenchUsage *used);

/* ---- the cases: one run each, figures on standard output ---------------------------------------------------------------------- */
typedef struct {
  char *command;
  gint connections, mib, integers, seconds, idle;
  gint64 source_rate, taker_rate; /* bytes a second */
  gboolean backwards, proxy;
} NetOptions;

void net_case_proxy (const NetOptions *options);
void net_case_serve (const NetOptions *options);
void net_case_slow (const NetOptions *options);
void net_case_idle (const NetOptions *options);
