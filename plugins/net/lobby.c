/* SPDX-License-Identifier: Apache-2.0 */
/* lobby.c: accepted connections in their TLS handshake (see lobby.h).
 * Runs on the stage's worker, by one epoll set with one source, as the handshakes go on while the stage is paused or waits for
 * something else. Owns the guests and the certificates. */
#include "lobby.h"

#include "counters.h"
#include "tls.h"

#include <glib-unix.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define EVENTS 64

typedef struct {
  NetLobby *lobby;
  NetConnection *connection;
  NetTls *tls; /* the connection's */
  gboolean watched;
  GList link; /* in waiting, or in ready */
} Guest;

struct _NetLobby {
  WeirStage *stage;
  NetTlsSettings *settings;
  void (*gone) (gpointer owner);
  gpointer owner;
  int bell;  /* an eventfd in the owner's set: somebody is ready */
  int epoll; /* of those who wait for their peer */
  GSource *source;
  GQueue waiting, ready;
};

static void
dismiss (Guest *guest, GQueue *queue)
{
  g_queue_unlink (queue, &guest->link);
  net_connection_free (guest->connection);
  g_free (guest);
}

static void
watch (Guest *guest, GIOCondition condition)
{
  struct epoll_event event = { .events = (condition == G_IO_OUT ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT,
                               .data.ptr = guest };
  int operation = guest->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  guest->watched = TRUE;
  (void) epoll_ctl (guest->lobby->epoll, operation, guest->connection->fd, &event);
}

static void
look (gpointer data)
{
  Guest *guest = data;
  NetLobby *lobby = guest->lobby;
  GIOCondition wait = 0;
  g_autoptr (GError) error = NULL;
  NetResult result = net_tls_handshake (guest->tls, &wait, &error);
  if (result == NET_AGAIN) {
    if (wait != 0) {
      watch (guest, wait);
    }
    return;
  }
  if (result == NET_OK) {
    g_queue_unlink (&lobby->waiting, &guest->link);
    g_queue_push_tail_link (&lobby->ready, &guest->link);
    (void) eventfd_write (lobby->bell, 1);
    return;
  }
  weir_stage_count (lobby->stage, NET_HANDSHAKES_FAILED, 1);
  weir_stage_log (lobby->stage, G_LOG_LEVEL_INFO, "refused %s: %s", guest->connection->peer, error->message);
  dismiss (guest, &lobby->waiting);
  lobby->gone (lobby->owner);
}

static gboolean
came (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  NetLobby *lobby = data;
  struct epoll_event events[EVENTS];
  int count = epoll_wait (lobby->epoll, events, EVENTS, 0);
  for (int i = 0; i < count; i++) {
    look (events[i].data.ptr);
  }
  return G_SOURCE_CONTINUE;
}

NetLobby *
net_lobby_new (WeirStage *stage, int epoll, const NetTlsOptions *options, void (*gone) (gpointer owner), gpointer owner)
{
  GError *error = NULL;
  NetTlsSettings *settings = net_tls_settings_new (options, TRUE, &error);
  if (settings == NULL) {
    weir_stage_fail_error (stage, error);
    return NULL;
  }
  NetLobby *lobby = g_new (NetLobby, 1);
  *lobby = (NetLobby){ .stage = stage,
                       .settings = settings,
                       .gone = gone,
                       .owner = owner,
                       .bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK),
                       .epoll = epoll_create1 (EPOLL_CLOEXEC) };
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
  if (lobby->bell < 0 || lobby->epoll < 0 || epoll_ctl (epoll, EPOLL_CTL_ADD, lobby->bell, &event) < 0) {
    weir_stage_fail_errno (stage, "cannot watch TLS handshakes");
    net_lobby_free (lobby);
    return NULL;
  }
  lobby->source = g_unix_fd_source_new (lobby->epoll, G_IO_IN);
  g_source_set_callback (lobby->source, G_SOURCE_FUNC (came), lobby, NULL);
  g_source_attach (lobby->source, weir_stage_context (stage));
  return lobby;
}

void
net_lobby_free (NetLobby *lobby)
{
  while (lobby->waiting.head != NULL) {
    dismiss (lobby->waiting.head->data, &lobby->waiting);
  }
  while (lobby->ready.head != NULL) {
    dismiss (lobby->ready.head->data, &lobby->ready);
  }
  if (lobby->source != NULL) {
    g_source_destroy (lobby->source);
    g_source_unref (lobby->source);
  }
  if (lobby->epoll >= 0) {
    close (lobby->epoll);
  }
  if (lobby->bell >= 0) {
    close (lobby->bell); /* the owner's set forgets it */
  }
  net_tls_settings_free (lobby->settings);
  g_free (lobby);
}

void
net_lobby_enter (NetLobby *lobby, NetConnection *connection)
{
  g_autoptr (GError) error = NULL;
  if (!net_tls_settings_renew (lobby->settings, &error)) {
    weir_stage_log (lobby->stage, G_LOG_LEVEL_WARNING, "%s; the certificate that was loaded before stays in use",
                    error->message);
  }
  Guest *guest = g_new0 (Guest, 1);
  guest->lobby = lobby;
  guest->connection = connection;
  guest->link.data = guest;
  guest->tls = net_tls_new (connection->fd, lobby->settings, NULL, look, guest);
  net_connection_set_layer (connection, &net_tls_layer, guest->tls);
  g_queue_push_tail_link (&lobby->waiting, &guest->link);
  look (guest);
}

NetConnection *
net_lobby_next (NetLobby *lobby)
{
  GList *link = g_queue_pop_head_link (&lobby->ready);
  if (lobby->ready.head == NULL) {
    eventfd_t rings;
    (void) eventfd_read (lobby->bell, &rings);
  }
  if (link == NULL) {
    return NULL;
  }
  Guest *guest = link->data;
  NetConnection *connection = guest->connection;
  if (guest->watched) {
    (void) epoll_ctl (lobby->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
  }
  g_free (guest);
  return connection;
}

guint
net_lobby_count (const NetLobby *lobby)
{
  return lobby->waiting.length + lobby->ready.length;
}
