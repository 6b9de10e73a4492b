/* SPDX-License-Identifier: Apache-2.0 */
/* connections.h: a pipeline per connection: what lies downstream of a listening producer exists once for each peer.
 * The template is a set of stages and links that never run and that every connection copies; made with the pipeline on the main
 * thread, constant from its start on. The list of live connections and the figures of those that are over are under a
 * lock, which nobody holds across a callback. A connection's own life belongs to its worker, one of a pool. */
#pragma once

#include "figures.h"
#include "stage.h"

typedef struct _WeirConnections WeirConnections;
typedef struct _WeirConnection WeirConnection;

/* Told of each connection, where it lives on in another process. */
typedef struct {
  /* The listener's worker, before it is opened. FALSE: it is refused, and that is told. */
  gboolean (*begin) (WeirConnection *connection, gpointer data);
  void (*failed) (WeirConnection *connection, WeirStage *stage, gpointer data); /* its worker; instead of a message */
  void (*closed) (WeirConnection *connection, WeirStage *stage, gpointer data); /* its worker */
  void (*over) (WeirConnection *connection, gpointer data); /* of one that has begun: it is about to be freed */
  gpointer data;
} WeirConnectionsWatch;

/* Looked into by connections.c and connections-figures.c alone. */
struct _WeirConnections {
  WeirStage *listener, *first;
  const WeirConnectionsWatch *watch; /* NULL: nobody watches */
  GPtrArray *stages, *links;         /* of the template, in the order in which a connection's are started */
  GPtrArray *pool;                   /* of WeirWorker; borrowed */
  gint64 shutdown;
  gsize record_max;
  GMutex lock; /* of all below */
  struct _WeirConnection *alive;
  guint count;
  guint64 number; /* accepted so far */
  gboolean stopping;
  WeirStageFigures *past_stages;
  guint64 **past_counters;
  WeirLinkFigures *past_links;
  gint64 told_since;
  guint told, untold;
};

/* ---- connections.c: the template; made, wired and freed by the pipeline on the main thread ---- */

/* listener: the stage that accepts. self: its options, copied by every connection; taken. */
WeirConnections *weir_connections_new (WeirStage *listener, gpointer self);
void weir_connections_free (WeirConnections *connections); /* no connection is left */
/* The stage that stands for the listener's output: the first of every connection. */
WeirStage *weir_connections_first (WeirConnections *connections);
/* A stage of the template, taken. */
void weir_connections_add_stage (WeirConnections *connections, WeirStage *stage);
/* A link between two of its stages, or from one of them to a shared stage; the pipeline's own. */
void weir_connections_add_link (WeirConnections *connections, WeirLink *link);
/* Before it runs; borrowed. */
void weir_connections_set_watch (WeirConnections *connections, const WeirConnectionsWatch *watch);
/* The last before it runs: the workers that connections are spread over, the limits they have. Borrowed. */
void weir_connections_set_up (WeirConnections *connections, GPtrArray *pool, gint64 shutdown, gsize record_max);
/* Stops what is alive, and lets nobody in any more: drains within the shutdown limit, or halts. Main thread. */
void weir_connections_stop (WeirConnections *connections, gboolean halt);

/* Any thread. */
guint weir_connections_alive (WeirConnections *connections);
/* How many there have been, those that are alive included. */
guint64 weir_connections_accepted (WeirConnections *connections);
/* The stage of the template whose like is in its turn on that worker, or NULL. */
WeirStage *weir_connections_running (WeirConnections *connections, WeirWorker *worker);
/* Of the listener's worker: is there anybody left to take what a connection would make (R16)? */
gboolean weir_connections_taken (WeirConnections *connections);
/* connections-figures.c: sums over what was and what is. */
void weir_connections_stage_figures (WeirConnections *connections, WeirStage *stage, WeirStageFigures *figures);
guint64 weir_connections_counter (WeirConnections *connections, WeirStage *stage, guint counter);
void weir_connections_link_figures (WeirConnections *connections, WeirLink *link, WeirLinkFigures *figures);
WeirStage *weir_connections_listener (WeirConnections *connections);

/* ---- connection.c ---- */

struct _WeirConnection {
  WeirConnections *of;
  WeirConnection *next, *previous; /* among the live ones; under the lock */
  gpointer handle;
  GDestroyNotify destroy;
  const char *peer; /* in the same block */
  gpointer watched; /* the watch's own; NULL: it has not begun there */
  WeirWorker *worker;
  WeirLater later;         /* frees it, behind the last turn of its stages */
  _Atomic gint references; /* its stages together, and each link to a shared stage until that has let it go */
  _Atomic guint32 asked;   /* WEIR_REQUEST_STOP, WEIR_REQUEST_HALT */
  guint answered, started, closed;
  bool stopping, failing, failed, settled;
  WeirTimer deadline;
  WeirStage *stages; /* in the order of the template: takers before those who feed them */
  WeirLink *links;
};

/* A copy of the template, wired, on a worker; not in the list yet. handle and destroy as in weir_stage_accept(). */
WeirConnection *weir_connection_new (WeirConnections *connections, WeirWorker *worker, gpointer handle,
                                     GDestroyNotify destroy, const char *peer);
void weir_connection_free (WeirConnection *connection); /* one that nobody knows, or knows any more */
void weir_connection_open (WeirConnection *connection);
/* Any thread; asked: WEIR_REQUEST_STOP or _HALT. Under the lock of the list, or on its worker. */
void weir_connection_ask (WeirConnection *connection, guint32 asked);
/* Its worker, in a stage's turn: looks at what was asked. */
void weir_connection_look (WeirConnection *connection);
/* Its worker: one of its stages has failed in another process, and will here once all is taken that it has made: the time to drain begins. */
void weir_connection_fails (WeirConnection *connection);
void weir_connection_unref (WeirConnection *connection);

/* ---- for connection.c, of connections.c ---- */

guint weir_connections_stage_count (WeirConnections *connections);
WeirStage *weir_connections_stage (WeirConnections *connections, guint index);
guint weir_connections_link_count (WeirConnections *connections);
WeirLink *weir_connections_link (WeirConnections *connections, guint index);
gint64 weir_connections_shutdown (WeirConnections *connections);
gsize weir_connections_record_max (WeirConnections *connections);
const WeirConnectionsWatch *weir_connections_watch (WeirConnections *connections);
/* Under the lock: adds the figures of one that is over to those of the past. */
void weir_connections_add_up (WeirConnections *connections, WeirConnection *connection);
/* It is over: adds up its figures and takes it off the list, so that nobody asks it anything any more. */
void weir_connections_leave (WeirConnections *connections, WeirConnection *connection);
/* One that lived on this worker is freed: the listener looks again. */
void weir_connections_left (WeirConnections *connections, WeirWorker *worker);
/* May one more failure be told? If not, it is counted. */
gboolean weir_connections_may_tell (WeirConnections *connections);
/* Says how many were not. */
void weir_connections_tell_untold (WeirConnections *connections);

/* ---- join.c: links of a shared stage, which come and go with the connections ---- */

/* Any thread: the link is one of its inputs from its next turn on. */
void weir_stage_join (WeirStage *stage, WeirLink *link);
/* Its connection's worker: the connection's stages are closed, and nobody of it touches the link any more. */
void weir_stage_part (WeirStage *stage, WeirLink *link);
/* Its worker: takes in what has joined since, and lets go of what has parted and is over. */
void weir_intake_come_and_go (WeirStage *stage);
/* Its worker, where the link is on no list: lets it go if it is over and has parted. */
void weir_intake_leave (WeirStage *stage, WeirLink *link);
/* Its worker, and the stage is over: lets those go that have parted. */
void weir_intake_leave_parted (WeirStage *stage);
