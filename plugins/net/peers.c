/* SPDX-License-Identifier: Apache-2.0 */
/* peers.c: reads from many connections in turn (see peers.h).
 * Runs on the stage's worker. A peer that filled its room stays in the round; any other leaves it, and comes back when the epoll
 * set, which is level-triggered, tells of it. The set is asked when the round is empty, and now and then beside busy peers. */
#include "peers.h"

#include "counters.h"

#include <sys/epoll.h>

#define EVENTS 64
#define READS 16 /* from busy peers until the others are looked at */

typedef struct {
  NetReader reader;
  guint32 events; /* that the epoll set has */
  gint64 active;  /* monotonic, microseconds; where there is an idle_timeout */
  GList by_age;   /* of all: the longest silent is the first */
  GList in_round; /* data NULL: it is not */
} Peer;

struct _NetPeers {
  WeirStage *stage;
  int epoll;
  gsize chunk;
  gint64 idle_timeout;
  GQueue all, round;
  guint reads;
  gboolean gone;
};

NetPeers *
net_peers_new (WeirStage *stage, gsize chunk, gint64 idle_timeout)
{
  int epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll < 0) {
    weir_stage_fail_errno (stage, "cannot make an epoll set");
    return NULL;
  }
  NetPeers *peers = g_new (NetPeers, 1);
  *peers = (NetPeers){ .stage = stage, .epoll = epoll, .chunk = chunk, .idle_timeout = idle_timeout };
  return peers;
}

static void
remove_peer (NetPeers *peers, Peer *peer)
{
  net_reader_end (&peer->reader, peers->stage);
  if (peer->in_round.data != NULL) {
    g_queue_unlink (&peers->round, &peer->in_round);
  }
  g_queue_unlink (&peers->all, &peer->by_age);
  /* It is in our own set only, which forgets it when it is closed. */
  net_connection_free (peer->reader.connection);
  g_free (peer);
  peers->gone = TRUE;
}

void
net_peers_free (NetPeers *peers)
{
  while (peers->all.head != NULL) {
    remove_peer (peers, peers->all.head->data);
  }
  weir_stage_close_fd (peers->stage, peers->epoll);
  g_free (peers);
}

int
net_peers_epoll (const NetPeers *peers)
{
  return peers->epoll;
}

guint
net_peers_count (const NetPeers *peers)
{
  return peers->all.length;
}

static void
enter_round (NetPeers *peers, Peer *peer)
{
  if (peer->in_round.data == NULL) {
    peer->in_round.data = peer;
    g_queue_push_tail_link (&peers->round, &peer->in_round);
  }
}

static void
be_active (NetPeers *peers, Peer *peer)
{
  if (peers->idle_timeout > 0) {
    peer->active = weir_stage_now (peers->stage);
    g_queue_unlink (&peers->all, &peer->by_age);
    g_queue_push_tail_link (&peers->all, &peer->by_age);
  }
}

static gboolean
watch (NetPeers *peers, Peer *peer, int operation, GIOCondition condition)
{
  peer->events = condition == G_IO_OUT ? EPOLLOUT : EPOLLIN;
  struct epoll_event event = { .events = peer->events, .data.ptr = peer };
  return epoll_ctl (peers->epoll, operation, peer->reader.connection->fd, &event) == 0;
}

void
net_peers_add (NetPeers *peers, NetConnection *connection)
{
  Peer *peer = g_new0 (Peer, 1);
  net_reader_init (&peer->reader, connection);
  peer->by_age.data = peer;
  g_queue_push_tail_link (&peers->all, &peer->by_age);
  be_active (peers, peer);
  if (!watch (peers, peer, EPOLL_CTL_ADD, G_IO_IN)) {
    weir_stage_log (peers->stage, G_LOG_LEVEL_WARNING, "cannot watch %s: %s", connection->peer, g_strerror (errno));
    remove_peer (peers, peer);
  }
}

/* TRUE: somebody may want to connect. */
static gboolean
collect (NetPeers *peers)
{
  struct epoll_event events[EVENTS];
  gboolean asked = FALSE;
  int count = epoll_wait (peers->epoll, events, EVENTS, 0);
  for (int i = 0; i < count; i++) {
    if (events[i].data.ptr == NULL) {
      asked = TRUE;
    } else {
      enter_round (peers, events[i].data.ptr);
    }
  }
  peers->reads = 0;
  return asked;
}

/* TRUE: it has read; FALSE: the peer is gone, or has nothing. */
static gboolean
read_peer (NetPeers *peers, Peer *peer)
{
  gboolean more = FALSE;
  GIOCondition wait = G_IO_IN;
  g_autoptr (GError) error = NULL;
  g_queue_unlink (&peers->round, &peer->in_round);
  peer->in_round.data = NULL;
  switch (net_reader_read (&peer->reader, peers->stage, peers->chunk, &more, &wait, &error)) {
  case NET_OK:
    be_active (peers, peer);
    if (more) {
      enter_round (peers, peer);
    }
    return TRUE;
  case NET_AGAIN:
    if (peer->events != (wait == G_IO_OUT ? EPOLLOUT : EPOLLIN)) {
      watch (peers, peer, EPOLL_CTL_MOD, wait);
    }
    return FALSE;
  case NET_FAILED:
    weir_stage_count (peers->stage, NET_RESETS, 1);
    weir_stage_log (peers->stage, G_LOG_LEVEL_INFO, "lost %s: %s", peer->reader.connection->peer, error->message);
    break;
  case NET_END:
    break;
  }
  remove_peer (peers, peer);
  return FALSE;
}

/* What they had to say has been read before. */
static void
close_idle (NetPeers *peers)
{
  gint64 now = weir_stage_now (peers->stage);
  while (peers->all.head != NULL) {
    Peer *peer = peers->all.head->data;
    gint64 left = peer->active + peers->idle_timeout - now;
    if (left > 0) {
      weir_stage_wait_time (peers->stage, left);
      return;
    }
    weir_stage_count (peers->stage, NET_IDLE, 1);
    weir_stage_log (peers->stage, G_LOG_LEVEL_INFO, "closed %s: nothing came from it for %g s",
                    peer->reader.connection->peer, (double) peers->idle_timeout / G_USEC_PER_SEC);
    remove_peer (peers, peer);
  }
}

NetPeersResult
net_peers_read (NetPeers *peers)
{
  for (;;) {
    if ((peers->round.length == 0 || ++peers->reads >= READS) && collect (peers)) {
      return NET_PEERS_ACCEPT;
    }
    if (peers->round.head == NULL) {
      break;
    }
    if (read_peer (peers, peers->round.head->data)) {
      return NET_PEERS_READ;
    }
  }
  if (peers->idle_timeout > 0) {
    close_idle (peers);
  }
  weir_stage_wait_fd (peers->stage, peers->epoll, G_IO_IN);
  return NET_PEERS_QUIET;
}

gboolean
net_peers_take_gone (NetPeers *peers)
{
  gboolean gone = peers->gone;
  peers->gone = FALSE;
  return gone;
}
