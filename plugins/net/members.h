/* SPDX-License-Identifier: Apache-2.0 */
/* members.h: the peers of a listening consumer, for audience.c and members.c alone.
 * Runs on the stage's worker. */
#pragma once

#include "audience.h"
#include "blocks.h"
#include "linger.h"

typedef struct {
  NetAudience *audience;
  NetConnection *connection;
  GList link;
  NetBlocks blocks;
  WeirWriter writer; /* of runs, with `pause` */
  gboolean owed;     /* the run is not out yet */
  gboolean blocked;  /* waits for room */
  gint64 since;      /* it took something last, monotonic microseconds; while it is blocked */
  guint32 events;    /* that the epoll set has */
  gboolean slow;     /* loses records, which is told once */
} NetMember;

struct _NetAudience {
  WeirStage *stage;
  const NetAudienceSettings *settings;
  const char *delimiter;
  guint64 blocks; /* that there have been */
  gint64 idle_timeout;
  int epoll;
  NetAcceptor *acceptor;
  GSource *source, *timer;
  GQueue members;
  const WeirRecord *records; /* the run at hand, with `pause`; NULL: none */
  gsize count;
  gsize done;        /* its records that one who has left had wholly taken, where nobody is left */
  guint owed;        /* members that have not got all of it */
  gboolean complete; /* one has */
  gboolean flushing; /* in flush(), which looks by itself */
  gboolean ending;
  NetLinger linger;
};

/* By a source of the audience's: who comes, who takes, who goes. */
void net_members_watch (NetAudience *audience);
/* Writes what the peer takes of what it is owed. The member may be gone behind it. */
void net_member_serve (NetMember *member);
/* The peer is told that nothing follows. FALSE: it has to take something before that; end() is called again then. */
gboolean net_member_shutdown (NetMember *member);
void net_member_remove (NetMember *member);
