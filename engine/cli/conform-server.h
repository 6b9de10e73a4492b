/* SPDX-License-Identifier: Apache-2.0 */
/* conform-server.h: a producer that listens, and its connections, for the rules of `weir plugin check` (see conform.h): a pipeline in
 * small whose only worker is turned by hand. What lies behind each connection's producer is ours, the middle, and its reply.
 * conform-serve.c makes it; conform-server.c turns and ends it; conform-middle.c is what stands between producer and reply; conform-peer.c finds where it
 * listens, and is who connects. In the child, on its main thread, which is the worker's in each call. */
#ifndef WEIR_CLI_CONFORM_SERVER_H
#define WEIR_CLI_CONFORM_SERVER_H

#include "cli/conform.h"

#include "connections.h"

#include <sys/socket.h>

#define WEIR_CONFORM_HIGH 8  /* records in a link of a connection */
#define WEIR_CONFORM_LINE 64 /* bytes of a line of the pattern, with its newline */

/* What the middle of a connection does. */
typedef enum {
  WEIR_CONFORM_ECHO,  /* hands on to the reply; where there is none it only takes */
  WEIR_CONFORM_ANSWER /* takes, and by itself makes `answers` lines for the reply */
} WeirConformMiddle;

typedef struct _WeirConformServer {
  WeirConform *conform;
  WeirWorker *worker;
  WeirCrankedClock clock;
  GPtrArray *owned, *links;
  WeirStage *listener;
  WeirStage *emitted;              /* takes what the listening stage itself emits */
  WeirStage *middle, *bin, *reply; /* of the template; bin: takes what is rejected. reply NULL: there is none */
  WeirConnections *connections;
  guint8 listened[1024]; /* descriptors that did before, and are not its own */

  int listening; /* borrowed; -1: not found */
  int type;
  struct sockaddr_storage address;
  socklen_t address_size;

  WeirConformMiddle does;
  guint answers;
  gboolean answers_end;          /* the reply's input, behind them */
  gsize allowed;                 /* records that middles may take */
  const WeirConnection *counted; /* of which these are; NULL: of all */
  guint64 records, bytes, from_listener;
  gboolean inexact; /* what has come is not what the peers have sent */

  guint failures;
  char *failure; /* of a connection, the first */
  char *fault;   /* a rule that is broken */
} WeirConformServer;

typedef gboolean (*WeirConformHolds) (WeirConformServer *server, gpointer data);

/* Makes it, listening, and finds where; the one before is dropped. queue: of all links, or NULL. NULL: what the rule answers is in
 * *result. */
WeirConformServer *weir_conform_serve (WeirConform *conform, const WeirQueueSettings *queue, WeirConformMiddle does,
                                       WeirConformResult *result);
void weir_conform_server_drop (WeirConform *conform);
/* One task or source. FALSE: there was none. */
gboolean weir_conform_server_turn (WeirConformServer *server);
/* Turns until nothing is left to be done, and its clock so far. FALSE: it does not come to rest. */
gboolean weir_conform_server_crank (WeirConformServer *server, gint64 microseconds);
/* Waits for the kernel and for threads, with a live clock, until it holds. */
gboolean weir_conform_server_wait (WeirConformServer *server, WeirConformHolds holds, gpointer data, gint64 patience);
/* As long as a peer may wait for it. */
gint64 weir_conform_server_patience (const WeirConformServer *server);
void weir_conform_server_request (WeirConformServer *server, WeirStage *stage, guint32 asked);
/* The name of where it is in its life, constant. */
const char *weir_conform_life (const WeirStage *stage);
/* Asks it to stop, or to end at once, with all connections. */
void weir_conform_server_stop (WeirConformServer *server, gboolean halt);
/* Everything is closed. */
gboolean weir_conform_server_is_closed (WeirConformServer *server, gpointer data);
/* The end of each rule: what holds at any time; else OK. */
WeirConformResult weir_conform_server_end (WeirConformServer *server);
/* Does in = out + dropped + queued hold on each link of each connection? FALSE: fault says where not. */
gboolean weir_conform_server_balances (WeirConformServer *server);
/* Records that stages of a kind of live connections have emitted. */
guint64 weir_conform_server_emitted (const WeirConnection *connection);

/* ---- conform-middle.c ---- */
void weir_conform_make_middle (WeirConformServer *server);
/* Lets middles take so many more records. */
void weir_conform_server_allow (WeirConformServer *server, gsize records);
/* The byte of the pattern: lines of WEIR_CONFORM_LINE. */
static inline guint8
weir_conform_pattern (guint64 offset)
{
  return (guint8) (offset % WEIR_CONFORM_LINE == WEIR_CONFORM_LINE - 1
                     ? '\n'
                     : 'a' + (offset / WEIR_CONFORM_LINE + offset % WEIR_CONFORM_LINE) % 26);
}

/* ---- conform-peer.c ---- */

typedef struct {
  WeirConformServer *server;
  int fd;
  guint64 number;             /* connections that were accepted before */
  WeirConnection *connection; /* what was accepted for it, maybe over by now; NULL: nothing yet */
  guint64 sent, got;
  guint64 exact; /* bytes that it has got before any that is not the pattern's */
  gboolean over; /* it gets nothing more */
} WeirConformPeer;

/* Descriptors that listen now are none of the plugin's. */
void weir_conform_note_listening (WeirConformServer *server);
/* The socket that it listens at. FALSE: there is none yet. */
gboolean weir_conform_find_listening (WeirConformServer *server);
/* Has the kernel a connection that nobody has accepted? */
gboolean weir_conform_leaves_waiting (const WeirConformServer *server);
/* Connects, without waiting for anything. FALSE: errno. */
gboolean weir_conform_peer_connect (WeirConformServer *server, WeirConformPeer *peer);
/* Connects, and waits until it is handed over; a line is sent where nothing happens before. An answer other than OK is the rule's. */
WeirConformResult weir_conform_peer_meet (WeirConformServer *server, WeirConformPeer *peer);
/* Sends the pattern, as much of it as goes; answers how much went. */
gsize weir_conform_peer_send (WeirConformPeer *peer, gsize size);
/* Takes what has come. */
void weir_conform_peer_receive (WeirConformPeer *peer);
void weir_conform_peer_half_close (WeirConformPeer *peer);
/* Goes; reset: in the midst of it, as far as the socket can say so. */
void weir_conform_peer_go (WeirConformPeer *peer, gboolean reset);
/* Is its connection alive? */
gboolean weir_conform_peer_lives (const WeirConformPeer *peer);

/* For weir_conform_server_wait(): it does not, and what came for the peer has been taken. */
gboolean weir_conform_is_gone (WeirConformServer *server, gpointer peer);

/* ---- conform-connections.c: for its own rules, and those of conform-losses.c ---- */

/* What a rule answers when a connection does not end, and when the listening stage does. after: "once its peer is gone". */
WeirConformResult weir_conform_still_there (WeirConformServer *server, const WeirConformPeer *peer, const char *after);
WeirConformResult weir_conform_listener_is_over (WeirConformServer *server, const char *after);
/* All is asked to stop, or halted, and its time passes. */
WeirConformResult weir_conform_server_finish (WeirConformServer *server, gboolean halt, const char *when);
/* Sends until its connection is paused. */
void weir_conform_flood (WeirConformServer *server, WeirConformPeer *peer);

#endif
