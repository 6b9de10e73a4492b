/* SPDX-License-Identifier: Apache-2.0 */
/* acceptor.c: takes connections in (see acceptor.h). Where there is no room, by `max` or for want of descriptors, its sockets are
 * taken out of the epoll set, so that nothing spins; they come back when a connection ends, or by a timer.
 * Runs on the stage's worker. */
#include "acceptor.h"

#include "counters.h"
#include "listeners.h"
#include "lobby.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>

#define STARVED_FIRST 50 /* milliseconds until it is tried again without a descriptor */
#define STARVED_LAST 1000
#define REFUSED_AT_ONCE 256
#define LET_IN_AT_ONCE 64

struct _NetAcceptor {
  WeirStage *stage;
  int epoll;
  const NetAcceptSettings *accept;
  NetListeners *listeners;
  NetLobby *lobby; /* with TLS */
  gboolean watching, starved;
  guint delay; /* milliseconds, the last time that it was starved */
  GSource *retry;
};

/* ---- options ---- */

char *
net_accept_check (const NetAcceptSettings *accept, NetFamily family, const char **option)
{
  return net_listeners_check (accept->listen, accept->mode, family, option);
}

/* ---- listening ---- */

static void
watch (NetAcceptor *acceptor, gboolean on)
{
  if (on == acceptor->watching) {
    return;
  }
  acceptor->watching = on;
  for (guint i = 0; i < net_listeners_count (acceptor->listeners); i++) {
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    int fd = net_listeners_get (acceptor->listeners, i)->fd;
    (void) epoll_ctl (acceptor->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event);
  }
}

static void
look_again (gpointer acceptor)
{
  net_acceptor_look_again (acceptor);
}

NetAcceptor *
net_acceptor_new (WeirStage *stage, int epoll, NetFamily family, const NetAcceptSettings *accept,
                  const NetSettings *settings)
{
  NetListenOptions options = {
    .family = family, .type = SOCK_STREAM, .backlog = accept->backlog, .settings = settings
  };
  NetListeners *listeners = net_listeners_new (stage, accept->listen, accept->mode, &options);
  if (listeners == NULL) {
    return NULL;
  }
  NetAcceptor *acceptor = g_new (NetAcceptor, 1);
  *acceptor = (NetAcceptor){ .stage = stage, .epoll = epoll, .accept = accept, .listeners = listeners };
  if (settings->tls.tls) {
    acceptor->lobby = net_lobby_new (stage, epoll, &settings->tls, look_again, acceptor);
    if (acceptor->lobby == NULL) {
      g_clear_pointer (&acceptor, net_acceptor_free);
    }
  }
  return acceptor;
}

static void
opened (gpointer acceptor)
{
  watch (acceptor, TRUE);
}

WeirNext
net_acceptor_start (NetAcceptor *acceptor)
{
  return net_listeners_start (acceptor->listeners, opened, acceptor);
}

void
net_acceptor_free (NetAcceptor *acceptor)
{
  if (acceptor->retry != NULL) {
    g_source_destroy (acceptor->retry);
    g_source_unref (acceptor->retry);
  }
  net_listeners_free (acceptor->listeners);
  g_clear_pointer (&acceptor->lobby, net_lobby_free);
  g_free (acceptor);
}

/* ---- accepting ---- */

static gboolean
retry_due (gpointer data)
{
  NetAcceptor *acceptor = data;
  g_clear_pointer (&acceptor->retry, g_source_unref);
  watch (acceptor, TRUE);
  return G_SOURCE_REMOVE;
}

static void
starve (NetAcceptor *acceptor, int number)
{
  if (!acceptor->starved) {
    weir_stage_log (acceptor->stage, G_LOG_LEVEL_WARNING, "cannot accept a connection: %s; waiting until there is room",
                    g_strerror (number));
  }
  acceptor->delay = acceptor->starved ? MIN (acceptor->delay * 2, STARVED_LAST) : STARVED_FIRST;
  acceptor->starved = TRUE;
  watch (acceptor, FALSE);
  if (acceptor->retry == NULL) {
    acceptor->retry = g_timeout_source_new (acceptor->delay);
    g_source_set_callback (acceptor->retry, retry_due, acceptor, NULL);
    g_source_attach (acceptor->retry, weir_stage_context (acceptor->stage));
  }
}

void
net_acceptor_look_again (NetAcceptor *acceptor)
{
  if (net_listeners_opened (acceptor->listeners)) {
    watch (acceptor, TRUE);
  }
}

/* A peer at a unix socket has no name as a rule: its process is told. */
static void
describe_peer (int fd, const struct sockaddr *address, socklen_t size, char text[NET_TEXT_SIZE])
{
  struct ucred credentials;
  socklen_t credentials_size = sizeof (credentials);
  if (address->sa_family == AF_UNIX && getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) == 0 &&
      credentials.pid > 0) {
    g_snprintf (text, NET_TEXT_SIZE, "pid %d", (int) credentials.pid);
    return;
  }
  net_address_describe (address, size, text);
}

/* A connection that was gone before it was accepted; the next one may be there. */
static gboolean
is_passing (int number)
{
  switch (number) {
  case EINTR:
  case ECONNABORTED:
  case EPERM:
  case EPROTO:
  case ENOPROTOOPT:
  case ENETDOWN:
  case ENETUNREACH:
  case EHOSTDOWN:
  case EHOSTUNREACH:
  case ENONET:
  case ETIMEDOUT:
    return TRUE;
  default:
    return FALSE;
  }
}

/* -1: nobody waits there, or it did not work: errno says why. */
static int
accept_any (NetAcceptor *acceptor, char peer[NET_TEXT_SIZE])
{
  for (guint i = 0; i < net_listeners_count (acceptor->listeners); i++) {
    int listening = net_listeners_get (acceptor->listeners, i)->fd, fd;
    struct sockaddr_storage address = { 0 };
    socklen_t size;
    do {
      size = sizeof (address);
      fd = accept4 (listening, (struct sockaddr *) &address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && is_passing (errno));
    if (fd >= 0) {
      describe_peer (fd, (struct sockaddr *) &address, size, peer);
      return fd;
    }
    if (errno != EAGAIN) {
      return -1;
    }
  }
  errno = EAGAIN;
  return -1;
}

static void
refuse_some (NetAcceptor *acceptor)
{
  char peer[NET_TEXT_SIZE];
  for (guint i = 0; i < REFUSED_AT_ONCE; i++) {
    int fd = accept_any (acceptor, peer);
    if (fd < 0) {
      return;
    }
    close (fd);
    weir_stage_count (acceptor->stage, NET_REFUSED, 1);
    weir_stage_log (acceptor->stage, G_LOG_LEVEL_INFO, "refused %s: there are %" G_GINT64_FORMAT " connections already",
                    peer, acceptor->accept->max);
  }
}

/* NULL: none for now. */
static NetConnection *
accept_next (NetAcceptor *acceptor, guint alive)
{
  if (acceptor->accept->max > 0 && alive >= acceptor->accept->max) {
    if (acceptor->accept->when_max == NET_MAX_WAIT) {
      watch (acceptor, FALSE);
    } else {
      refuse_some (acceptor);
    }
    return NULL;
  }
  char peer[NET_TEXT_SIZE];
  int fd = accept_any (acceptor, peer);
  if (fd < 0) {
    if (errno != EAGAIN) {
      starve (acceptor, errno);
    } else {
      acceptor->starved = FALSE; /* nobody is left waiting */
    }
    return NULL;
  }
  weir_stage_count (acceptor->stage, NET_CONNECTIONS, 1);
  weir_stage_log (acceptor->stage, G_LOG_LEVEL_DEBUG, "connection from %s", peer);
  return net_connection_new (fd, peer);
}

NetConnection *
net_acceptor_next (NetAcceptor *acceptor, guint alive)
{
  if (acceptor->lobby == NULL) {
    return accept_next (acceptor, alive);
  }
  NetConnection *connection;
  for (guint i = 0; i < LET_IN_AT_ONCE; i++) {
    connection = accept_next (acceptor, alive + net_lobby_count (acceptor->lobby));
    if (connection == NULL) {
      break;
    }
    net_lobby_enter (acceptor->lobby, connection);
  }
  return net_lobby_next (acceptor->lobby);
}
