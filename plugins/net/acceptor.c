/* SPDX-License-Identifier: Apache-2.0 */
/* acceptor.c: takes connections in (see acceptor.h). Where there is no room, by `max` or for want of descriptors, its sockets are
 * taken out of the epoll set, so that nothing spins; they come back when a connection ends, or by a timer.
 * Runs on the stage's worker. */
#include "acceptor.h"

#include "counters.h"
#include "lobby.h"
#include "lookup.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>

#define STARVED_FIRST 50 /* milliseconds until it is tried again without a descriptor */
#define STARVED_LAST 1000
#define REFUSED_AT_ONCE 256
#define LET_IN_AT_ONCE 64

typedef struct {
  NetAcceptor *acceptor;
  NetAddress address;
  NetLookup *lookup;
} Name;

struct _NetAcceptor {
  WeirStage *stage;
  int epoll;
  const NetAcceptSettings *accept;
  NetListenOptions options;
  GArray *sockets;  /* NetListening */
  GPtrArray *names; /* Name, to be looked up */
  guint lookups;    /* that are out */
  NetLobby *lobby;  /* with TLS */
  gboolean watching, starved;
  guint delay; /* milliseconds, the last time that it was starved */
  GSource *retry;
};

/* ---- options ---- */

static gboolean
parse_mode (const char *text, mode_t *mode)
{
  guint64 bits;
  if (!g_ascii_string_to_unsigned (text, 8, 0, 0777, &bits, NULL)) {
    return FALSE;
  }
  *mode = (mode_t) bits;
  return TRUE;
}

char *
net_accept_check (const NetAcceptSettings *accept, NetFamily family, const char **option)
{
  mode_t mode;
  for (guint i = 0; accept->listen[i] != NULL; i++) {
    NetAddress address;
    char *message = net_address_parse (&address, accept->listen[i], family, TRUE);
    net_address_clear (&address);
    if (message != NULL) {
      *option = "listen";
      return message;
    }
  }
  if (accept->mode != NULL && !parse_mode (accept->mode, &mode)) {
    *option = "mode";
    return g_strdup_printf ("found \"%s\", expected an octal number from 0 to 0777, such as 0660", accept->mode);
  }
  return NULL;
}

/* ---- listening ---- */

static void
watch (NetAcceptor *acceptor, gboolean on)
{
  if (on == acceptor->watching) {
    return;
  }
  acceptor->watching = on;
  for (guint i = 0; i < acceptor->sockets->len; i++) {
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    int fd = g_array_index (acceptor->sockets, NetListening, i).fd;
    (void) epoll_ctl (acceptor->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event);
  }
}

static void
say_listening (NetAcceptor *acceptor)
{
  for (guint i = 0; i < acceptor->sockets->len; i++) {
    weir_stage_log (acceptor->stage, G_LOG_LEVEL_INFO, "listening on %s",
                    g_array_index (acceptor->sockets, NetListening, i).text);
  }
}

static void
free_name (gpointer data)
{
  Name *name = data;
  if (name->lookup != NULL) {
    net_lookup_cancel (name->lookup);
  }
  net_address_clear (&name->address);
  g_free (name);
}

static gboolean
add_address (NetAcceptor *acceptor, const char *text, GError **error)
{
  NetAddress address;
  g_autofree char *message = net_address_parse (&address, text, acceptor->options.family, TRUE);
  if (message != NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "listen: %s", message);
    return FALSE;
  }
  if (address.kind == NET_ADDRESS_NAME) {
    Name *name = g_new (Name, 1);
    *name = (Name){ .acceptor = acceptor, .address = address };
    g_ptr_array_add (acceptor->names, name);
    return TRUE;
  }
  gboolean good;
  if (address.kind == NET_ADDRESS_SYSTEMD) {
    good = net_listening_inherit (acceptor->sockets, &address, &acceptor->options, error);
  } else {
    NetListening listening;
    good = net_listening_open (&listening, &address, &acceptor->options, error);
    if (good) {
      g_array_append_val (acceptor->sockets, listening);
    }
  }
  net_address_clear (&address);
  return good;
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
  NetAcceptor *acceptor = g_new (NetAcceptor, 1);
  *acceptor = (NetAcceptor){ .stage = stage,
                             .epoll = epoll,
                             .accept = accept,
                             .options = { .family = family, .backlog = accept->backlog, .settings = settings },
                             .sockets = g_array_new (FALSE, FALSE, sizeof (NetListening)),
                             .names = g_ptr_array_new_with_free_func (free_name) };
  if (accept->mode != NULL) {
    (void) parse_mode (accept->mode, &acceptor->options.mode);
  }
  if (settings->tls.tls) {
    acceptor->lobby = net_lobby_new (stage, epoll, &settings->tls, look_again, acceptor);
    if (acceptor->lobby == NULL) {
      net_acceptor_free (acceptor);
      return NULL;
    }
  }
  for (guint i = 0; accept->listen[i] != NULL; i++) {
    GError *error = NULL;
    if (!add_address (acceptor, accept->listen[i], &error)) {
      weir_stage_fail_error (stage, error);
      net_acceptor_free (acceptor);
      return NULL;
    }
  }
  return acceptor;
}

/* A name may stand for addresses that this host has not: one that can be had is enough. */
static gboolean
bind_found (NetAcceptor *acceptor, const NetAddress *address, GList *addresses, GError **error)
{
  guint bound = 0;
  for (GList *item = addresses; item != NULL; item = item->next) {
    g_autoptr (GSocketAddress) one = g_inet_socket_address_new (item->data, address->port);
    NetListening listening;
    g_autoptr (GError) trouble = NULL;
    if (net_listening_bind (&listening, address, one, &acceptor->options, &trouble)) {
      g_array_append_val (acceptor->sockets, listening);
      bound++;
    } else if ((bound == 0 && item->next == NULL) || g_error_matches (trouble, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
      g_propagate_error (error, g_steal_pointer (&trouble));
      return FALSE;
    }
  }
  return TRUE;
}

static void
found (gpointer owner, GList *addresses, const GError *error)
{
  Name *name = owner;
  NetAcceptor *acceptor = name->acceptor;
  name->lookup = NULL;
  acceptor->lookups--;
  GError *trouble = NULL;
  if (addresses == NULL) {
    weir_stage_fail (acceptor->stage, "cannot listen on %s: %s", name->address.text, error->message);
  } else if (!bind_found (acceptor, &name->address, addresses, &trouble)) {
    weir_stage_fail_error (acceptor->stage, trouble);
  } else if (acceptor->lookups == 0) {
    say_listening (acceptor);
    watch (acceptor, TRUE);
    weir_stage_ready (acceptor->stage);
  }
}

WeirNext
net_acceptor_start (NetAcceptor *acceptor)
{
  if (acceptor->names->len == 0) {
    say_listening (acceptor);
    watch (acceptor, TRUE);
    return WEIR_MORE;
  }
  acceptor->lookups = acceptor->names->len;
  for (guint i = 0; i < acceptor->names->len; i++) {
    Name *name = acceptor->names->pdata[i];
    name->lookup = net_lookup_begin (name->address.host, found, name);
  }
  return WEIR_WAIT;
}

void
net_acceptor_free (NetAcceptor *acceptor)
{
  if (acceptor->retry != NULL) {
    g_source_destroy (acceptor->retry);
    g_source_unref (acceptor->retry);
  }
  for (guint i = 0; i < acceptor->sockets->len; i++) {
    NetListening *listening = &g_array_index (acceptor->sockets, NetListening, i);
    net_listening_remove (listening);
    close (listening->fd);
  }
  g_array_unref (acceptor->sockets);
  g_ptr_array_unref (acceptor->names);
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
  if (acceptor->lookups == 0) {
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
  for (guint i = 0; i < acceptor->sockets->len; i++) {
    int listening = g_array_index (acceptor->sockets, NetListening, i).fd, fd;
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
    }
    return NULL;
  }
  acceptor->starved = FALSE;
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
