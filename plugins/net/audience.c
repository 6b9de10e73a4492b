/* SPDX-License-Identifier: Apache-2.0 */
/* audience.c: the peers of a consumer that listens (see audience.h).
 * With `pause` each peer is written to straight from the run that flush() was given, which is done when the slowest has it: the
 * link is the queue. Else the run is copied once, into blocks that wait in the bounded queue of each peer.
 * Runs on the stage's worker. */
#include "audience.h"

#include "counters.h"
#include "members.h"

#include <sys/epoll.h>

#define BLOCK_MOST 65536

/* ---- life ---- */

NetAudience *
net_audience_new (WeirStage *stage, const NetAudienceSettings *settings, const char *delimiter, gint64 idle_timeout)
{
  int epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll < 0) {
    weir_stage_fail_errno (stage, "cannot make an epoll set");
    return NULL;
  }
  NetAudience *audience = g_new (NetAudience, 1);
  *audience = (NetAudience){
    .stage = stage, .settings = settings, .delimiter = delimiter, .idle_timeout = idle_timeout, .epoll = epoll
  };
  return audience;
}

gboolean
net_audience_listen (NetAudience *audience, NetFamily family, const NetAcceptSettings *accept,
                     const NetSettings *settings)
{
  audience->acceptor = net_acceptor_new (audience->stage, audience->epoll, family, accept, settings);
  return audience->acceptor != NULL;
}

WeirNext
net_audience_start (NetAudience *audience)
{
  net_members_watch (audience);
  return net_acceptor_start (audience->acceptor);
}

static void
clear_source (GSource **source)
{
  if (*source != NULL) {
    g_source_destroy (*source);
    g_source_unref (*source);
    *source = NULL;
  }
}

void
net_audience_free (NetAudience *audience)
{
  clear_source (&audience->source);
  clear_source (&audience->timer);
  audience->records = NULL;
  while (audience->members.head != NULL) {
    net_member_remove (audience->members.head->data);
  }
  if (audience->acceptor != NULL) {
    net_acceptor_free (audience->acceptor);
  }
  close (audience->epoll);
  g_free (audience);
}

/* ---- everybody keeps up ---- */

/* Bytes for one that has gone would be taken by the kernel all the same: where nobody else gets them, that is looked at first. */
static gboolean
only_one_has_gone (NetAudience *audience)
{
  if (audience->members.length > 1) {
    return FALSE;
  }
  NetMember *member = audience->members.head->data;
  if (net_connection_discard (member->connection, NULL) == NET_AGAIN) {
    return FALSE;
  }
  net_member_remove (member);
  return TRUE;
}

static void
hand_out (NetAudience *audience)
{
  audience->owed = audience->members.length;
  for (GList *item = audience->members.head; item != NULL; item = item->next) {
    NetMember *member = item->data;
    member->owed = TRUE;
    member->writer.progress = 0;
  }
  audience->flushing = TRUE;
  for (GList *item = audience->members.head, *next; item != NULL; item = next) {
    next = item->next;
    net_member_serve (item->data);
  }
  audience->flushing = FALSE;
}

/* Done when one has all of it and nobody else is owed any. */
static WeirNext
pass_run (NetAudience *audience, const WeirRecord *records, gsize count)
{
  if (audience->records == NULL) {
    audience->records = records;
    audience->count = count;
    audience->done = 0;
    audience->complete = FALSE;
    audience->owed = 0;
  }
  if (audience->owed == 0 && !audience->complete && audience->members.length > 0 && !only_one_has_gone (audience)) {
    hand_out (audience);
  }
  if (audience->owed == 0 && audience->complete) {
    audience->records = NULL;
    return WEIR_MORE;
  }
  if (audience->members.length == 0 && audience->settings->no_peer == NET_NO_PEER_DROP) {
    weir_stage_count (audience->stage, NET_DROPPED, audience->count - audience->done);
    audience->records = NULL;
    return WEIR_MORE;
  }
  return WEIR_WAIT;
}

/* ---- each for itself ---- */

static void
say_slow (NetMember *member, const char *what)
{
  if (!member->slow) {
    member->slow = TRUE;
    weir_stage_log (member->audience->stage, G_LOG_LEVEL_WARNING, "%s is too slow: %s", member->connection->peer, what);
  }
}

/* FALSE: the block is not for this one, who may be gone. */
static gboolean
make_room (NetMember *member, const NetBlock *block)
{
  NetAudience *audience = member->audience;
  gsize most = audience->settings->peer_queue;
  if (member->blocks.bytes == 0 || member->blocks.bytes + block->view.size <= most) {
    return TRUE;
  }
  guint dropped;
  switch (audience->settings->when_full) {
  case NET_FULL_DROP_NEWEST:
    say_slow (member, "it does not get the newest records");
    weir_stage_count (audience->stage, NET_DROPPED, block->records);
    return FALSE;
  case NET_FULL_DROP_OLDEST:
    say_slow (member, "it does not get the oldest records");
    while (member->blocks.bytes + block->view.size > most && (dropped = net_blocks_drop_oldest (&member->blocks)) > 0) {
      weir_stage_count (audience->stage, NET_DROPPED, dropped);
    }
    return TRUE;
  default:
    say_slow (member, "closed");
    weir_stage_count (audience->stage, NET_DROPPED, block->records);
    net_member_remove (member);
    return FALSE;
  }
}

static void
pass_block (NetAudience *audience, NetBlock *block)
{
  for (GList *item = audience->members.head, *next; item != NULL; item = next) {
    NetMember *member = item->data;
    next = item->next;
    if (make_room (member, block)) {
      net_blocks_push (&member->blocks, block);
      if (!member->blocked) {
        net_member_serve (member);
      }
    }
  }
}

static WeirNext
pass_blocks (NetAudience *audience, const WeirRecord *records, gsize count)
{
  if (audience->members.length == 0) {
    if (audience->settings->no_peer == NET_NO_PEER_WAIT) {
      return WEIR_WAIT;
    }
    weir_stage_count (audience->stage, NET_DROPPED, count);
    return WEIR_MORE;
  }
  gsize most = CLAMP (audience->settings->peer_queue / 16, 1, BLOCK_MOST);
  for (gsize next = 0; next < count;) {
    NetBlock *block = net_block_new (records, count, &next, audience->delimiter, most, ++audience->blocks);
    pass_block (audience, block);
    net_block_unref (block);
  }
  return WEIR_MORE;
}

/* ---- both ---- */

WeirNext
net_audience_flush (NetAudience *audience, const WeirRecord *records, gsize count)
{
  return audience->settings->when_full == NET_FULL_PAUSE ? pass_run (audience, records, count)
                                                         : pass_blocks (audience, records, count);
}

WeirNext
net_audience_end (NetAudience *audience)
{
  gboolean over = TRUE;
  audience->ending = TRUE;
  for (const GList *item = audience->members.head; item != NULL; item = item->next) {
    if (((const NetMember *) item->data)->blocks.queue.head != NULL) {
      return WEIR_WAIT;
    }
  }
  gboolean all = TRUE;
  for (GList *item = audience->members.head; item != NULL; item = item->next) {
    all = net_member_shutdown (item->data) && all;
  }
  if (!all) {
    return WEIR_WAIT;
  }
  for (const GList *item = audience->members.head; item != NULL; item = item->next) {
    over = net_linger_is_over (audience->stage, ((const NetMember *) item->data)->connection, NULL) && over;
  }
  return over ? WEIR_MORE : net_linger_wait (&audience->linger, audience->stage);
}
