/* SPDX-License-Identifier: Apache-2.0 */
/* members.c: the peers of a listening consumer: how they come, take and go (see members.h).
 * Runs on the stage's worker, by one epoll set with one source, and one timer while somebody is blocked. */
#include "members.h"

#include "counters.h"

#include <glib-unix.h>
#include <sys/epoll.h>

#define EVENTS 64

/* ---- coming and going ---- */

static void
watch (NetMember *member, int operation, guint32 events)
{
  if (operation == EPOLL_CTL_MOD && events == member->events) {
    return;
  }
  member->events = events;
  struct epoll_event event = { .events = events, .data.ptr = member };
  (void) epoll_ctl (member->audience->epoll, operation, member->connection->fd, &event);
}

static void
owe_less (NetMember *member)
{
  NetAudience *audience = member->audience;
  if (member->owed) {
    member->owed = FALSE;
    if (--audience->owed == 0 && !audience->flushing) {
      weir_stage_wake (audience->stage);
    }
  }
}

/* Where the last one goes amid a run, the next one goes on behind what it had. */
void
net_member_remove (NetMember *member)
{
  NetAudience *audience = member->audience;
  g_queue_unlink (&audience->members, &member->link);
  if (audience->records != NULL && audience->members.length == 0 && member->owed) {
    audience->done += weir_writer_fit (&member->writer, audience->records + audience->done,
                                       audience->count - audience->done, member->writer.progress, NULL);
  }
  owe_less (member);
  weir_stage_count (audience->stage, NET_DROPPED, net_blocks_clear (&member->blocks));
  net_connection_free (member->connection);
  g_free (member);
  net_acceptor_look_again (audience->acceptor);
  weir_stage_wake (audience->stage); /* end() may wait for it */
}

static void
part (NetMember *member, const GError *error)
{
  NetAudience *audience = member->audience;
  if (error != NULL) {
    weir_stage_count (audience->stage, NET_RESETS, 1);
  }
  weir_stage_log (audience->stage, G_LOG_LEVEL_INFO, "lost %s: %s", member->connection->peer,
                  error != NULL ? error->message : "the peer has closed the connection");
  net_member_remove (member);
}

static void
welcome (NetAudience *audience, NetConnection *connection)
{
  NetMember *member = g_new0 (NetMember, 1);
  member->audience = audience;
  member->connection = connection;
  member->link.data = member;
  weir_writer_init (&member->writer, audience->delimiter);
  net_blocks_init (&member->blocks, audience->delimiter);
  g_queue_push_tail_link (&audience->members, &member->link);
  watch (member, EPOLL_CTL_ADD, EPOLLIN);
  weir_stage_wake (audience->stage);
}

static void
accept_some (NetAudience *audience)
{
  NetConnection *connection;
  for (guint i = 0; i < EVENTS; i++) {
    connection = net_acceptor_next (audience->acceptor, audience->members.length);
    if (connection == NULL) {
      return;
    }
    welcome (audience, connection);
  }
}

/* ---- one peer ---- */

static NetResult
write_member (NetMember *member, GIOCondition *wait, GError **error)
{
  NetAudience *audience = member->audience;
  if (audience->settings->when_full != NET_FULL_PAUSE) {
    return net_blocks_write (&member->blocks, member->connection, wait, error);
  }
  if (!member->owed) {
    return NET_OK;
  }
  NetResult result = net_connection_write (member->connection, &member->writer, audience->records + audience->done,
                                           audience->count - audience->done, FALSE, wait, error);
  if (result == NET_OK) {
    audience->complete = TRUE;
    owe_less (member);
  }
  return result;
}

static gsize
left (const NetMember *member)
{
  return member->blocks.bytes - member->blocks.progress - member->writer.progress;
}

static gboolean close_idle (gpointer data);

static void
arm_timer (NetAudience *audience)
{
  if (audience->idle_timeout > 0 && audience->timer == NULL) {
    audience->timer = g_timeout_source_new ((guint) MAX (audience->idle_timeout / 4000, 1));
    g_source_set_callback (audience->timer, close_idle, audience, NULL);
    g_source_attach (audience->timer, weir_stage_context (audience->stage));
  }
}

/* Writes what it takes. The member may be gone behind it. */
void
net_member_serve (NetMember *member)
{
  NetAudience *audience = member->audience;
  GIOCondition wait = G_IO_OUT;
  g_autoptr (GError) error = NULL;
  gsize before = left (member);
  NetResult result = write_member (member, &wait, &error);
  if (result == NET_FAILED) {
    part (member, error);
    return;
  }
  gboolean blocked = result == NET_AGAIN;
  if (blocked && (!member->blocked || left (member) != before)) {
    member->since = weir_stage_now (audience->stage);
  }
  member->blocked = blocked;
  member->slow = member->slow && blocked;
  watch (member, EPOLL_CTL_MOD, blocked && wait == G_IO_OUT ? EPOLLIN | EPOLLOUT : EPOLLIN);
  if (blocked) {
    arm_timer (audience);
  } else if (audience->ending) {
    weir_stage_wake (audience->stage);
  }
}

gboolean
net_member_shutdown (NetMember *member)
{
  GIOCondition wait;
  if (net_connection_shutdown (member->connection, &wait, NULL) == NET_AGAIN) {
    member->blocked = TRUE;
    watch (member, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    arm_timer (member->audience);
    return FALSE;
  }
  return TRUE;
}

static void
listen_to (NetMember *member)
{
  g_autoptr (GError) error = NULL;
  if (net_connection_discard (member->connection, &error) != NET_AGAIN) {
    part (member, error);
  } else if (member->blocked) {
    net_member_serve (member);
  }
}

static gboolean
came (G_GNUC_UNUSED gint fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  NetAudience *audience = data;
  struct epoll_event events[EVENTS];
  int count = epoll_wait (audience->epoll, events, EVENTS, 0);
  gboolean asked = FALSE;
  for (int i = 0; i < count; i++) {
    NetMember *member = events[i].data.ptr;
    if (member == NULL) {
      asked = TRUE;
    } else if ((events[i].events & ~(guint32) EPOLLOUT) != 0) {
      listen_to (member);
    } else {
      net_member_serve (member);
    }
  }
  if (asked) {
    accept_some (audience);
  }
  return G_SOURCE_CONTINUE;
}

/* One timer for all, while somebody is blocked. */
static gboolean
close_idle (gpointer data)
{
  NetAudience *audience = data;
  gint64 now = weir_stage_now (audience->stage);
  gboolean any = FALSE;
  for (GList *item = audience->members.head, *next; item != NULL; item = next) {
    NetMember *member = item->data;
    next = item->next;
    if (!member->blocked) {
      continue;
    }
    if (now - member->since < audience->idle_timeout) {
      any = TRUE;
      continue;
    }
    weir_stage_count (audience->stage, NET_IDLE, 1);
    weir_stage_log (audience->stage, G_LOG_LEVEL_INFO, "closed %s: it has taken nothing for %g s",
                    member->connection->peer, (double) audience->idle_timeout / G_USEC_PER_SEC);
    net_member_remove (member);
  }
  if (any) {
    return G_SOURCE_CONTINUE;
  }
  g_clear_pointer (&audience->timer, g_source_unref);
  return G_SOURCE_REMOVE;
}

void
net_members_watch (NetAudience *audience)
{
  audience->source = g_unix_fd_source_new (audience->epoll, G_IO_IN);
  g_source_set_callback (audience->source, G_SOURCE_FUNC (came), audience, NULL);
  g_source_attach (audience->source, weir_stage_context (audience->stage));
}
