/* SPDX-License-Identifier: Apache-2.0 */
/* listening.c: makes sockets that listen (see listening.h). A path that a dead process has left behind is replaced, one that
 * somebody listens at is not. Runs on the stage's worker. */
#include "listening.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_INHERITED 3 /* SD_LISTEN_FDS_START */

static gboolean
cannot_listen (const NetAddress *address, int number, GError **error)
{
  g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (number), "cannot listen on %s: %s", address->text,
               g_strerror (number));
  return FALSE;
}

static void
describe (NetListening *listening)
{
  struct sockaddr_storage name = { 0 };
  socklen_t size = sizeof (name);
  if (getsockname (listening->fd, (struct sockaddr *) &name, &size) == 0) {
    net_address_describe ((struct sockaddr *) &name, size, listening->text);
  }
}

/* ---- paths ---- */

/* Is there a socket that nobody listens at any more? */
static gboolean
is_stale (const char *path, int type, const struct sockaddr *address, socklen_t size)
{
  struct stat status;
  if (lstat (path, &status) < 0 || !S_ISSOCK (status.st_mode)) {
    return FALSE;
  }
  int fd = socket (AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return FALSE;
  }
  gboolean stale = connect (fd, address, size) < 0 && errno == ECONNREFUSED;
  close (fd);
  return stale;
}

/* 0, or errno. */
static int
bind_path (NetListening *listening, const char *path, const NetListenOptions *options, const struct sockaddr *address,
           socklen_t size)
{
  /* The path is made with no more than that; nobody is let in before by a laxer umask. */
  (void) fchmod (listening->fd, options->mode);
  if (bind (listening->fd, address, size) < 0) {
    int number = errno;
    if (number != EADDRINUSE || !is_stale (path, options->type, address, size)) {
      return number;
    }
    if (unlink (path) < 0 || bind (listening->fd, address, size) < 0) {
      return errno;
    }
  }
  struct stat status;
  if (chmod (path, options->mode) < 0 || lstat (path, &status) < 0) {
    int number = errno;
    unlink (path);
    return number;
  }
  listening->path = g_strdup (path);
  listening->device = status.st_dev;
  listening->inode = status.st_ino;
  return 0;
}

void
net_listening_remove (NetListening *listening)
{
  struct stat status;
  if (listening->path != NULL && lstat (listening->path, &status) == 0 && status.st_dev == listening->device &&
      status.st_ino == listening->inode) {
    unlink (listening->path);
  }
  g_clear_pointer (&listening->path, g_free);
}

/* ---- addresses ---- */

/* 0, or errno. */
static int
bind_and_listen (NetListening *listening, const struct sockaddr *address, socklen_t size, gboolean dual,
                 const NetListenOptions *options)
{
  int yes = 1, six_only = !dual;
  /* Of datagrams, one of several sockets would get them all. */
  gboolean reuse = options->family == NET_TCP && (options->type == SOCK_STREAM || options->shared);
  if (reuse && setsockopt (listening->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof (yes)) < 0) {
    return errno;
  }
  if (address->sa_family == AF_INET6 &&
      setsockopt (listening->fd, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof (six_only)) < 0) {
    return errno;
  }
  const char *path = address->sa_family == AF_UNIX ? ((const struct sockaddr_un *) (gconstpointer) address)->sun_path
                                                   : "";
  if (path[0] != '\0') {
    int number = bind_path (listening, path, options, address, size);
    if (number != 0) {
      return number;
    }
  } else if (bind (listening->fd, address, size) < 0) {
    return errno;
  }
  gboolean good = options->type != SOCK_STREAM || listen (listening->fd, (int) options->backlog) == 0;
  return good ? 0 : errno;
}

static int
open_native (NetListening *listening, const struct sockaddr *address, socklen_t size, gboolean dual,
             const NetListenOptions *options)
{
  *listening = (NetListening){ .fd = net_socket_new (address->sa_family, options->type, options->settings) };
  if (listening->fd < 0) {
    return errno;
  }
  int number = bind_and_listen (listening, address, size, dual, options);
  if (number != 0) {
    net_listening_remove (listening);
    close (listening->fd);
    listening->fd = -1;
    return number;
  }
  describe (listening);
  return 0;
}

gboolean
net_listening_bind (NetListening *listening, const NetAddress *address, GSocketAddress *socket_address,
                    const NetListenOptions *options, GError **error)
{
  struct sockaddr_storage native = { 0 };
  gssize size = g_socket_address_get_native_size (socket_address);
  if (!g_socket_address_to_native (socket_address, &native, sizeof (native), error)) {
    return FALSE;
  }
  const struct sockaddr_in6 *six = (gconstpointer) &native;
  gboolean dual = native.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED (&six->sin6_addr);
  int number = open_native (listening, (struct sockaddr *) &native, (socklen_t) size, dual, options);
  return number == 0 || cannot_listen (address, number, error);
}

/* One socket for IPv4 and IPv6; where the host has no IPv6, one for IPv4. */
static gboolean
open_wildcard (NetListening *listening, const NetAddress *address, const NetListenOptions *options, GError **error)
{
  struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = g_htons (address->port) };
  struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = g_htons (address->port) };
  int number = open_native (listening, (struct sockaddr *) &six, sizeof (six), TRUE, options);
  if (number == EAFNOSUPPORT || number == EADDRNOTAVAIL) {
    number = open_native (listening, (struct sockaddr *) &four, sizeof (four), FALSE, options);
  }
  return number == 0 || cannot_listen (address, number, error);
}

gboolean
net_listening_open (NetListening *listening, const NetAddress *address, const NetListenOptions *options, GError **error)
{
  return address->kind == NET_ADDRESS_WILDCARD
           ? open_wildcard (listening, address, options, error)
           : net_listening_bind (listening, address, address->address, options, error);
}

/* ---- from a service manager ---- */

static int
socket_option (int fd, int name)
{
  int value = -1;
  socklen_t size = sizeof (value);
  return getsockopt (fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static gboolean
is_suitable (int fd, const NetListenOptions *options)
{
  int domain = socket_option (fd, SO_DOMAIN);
  return socket_option (fd, SO_ACCEPTCONN) == (options->type == SOCK_STREAM) &&
         socket_option (fd, SO_TYPE) == options->type && (domain == AF_UNIX) == (options->family == NET_UNIX);
}

/* A descriptor of our own, as another stage may ask for the same one. */
static gboolean
take_inherited (NetListening *listening, int fd, const NetListenOptions *options)
{
  int own = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0 || fcntl (own, F_SETFL, fcntl (own, F_GETFL) | O_NONBLOCK) < 0) {
    return FALSE;
  }
  *listening = (NetListening){ .fd = own, .inherited = TRUE };
  net_socket_apply (own, options->settings);
  describe (listening);
  return TRUE;
}

static const char *
kind_of (const NetListenOptions *options)
{
  gboolean stream = options->type == SOCK_STREAM;
  return options->family == NET_UNIX ? (stream ? "a listening unix stream" : "a unix datagram")
                                     : (stream ? "a listening TCP stream" : "a UDP");
}

gboolean
net_listening_inherit (GArray *sockets, const NetAddress *address, const NetListenOptions *options, GError **error)
{
  const char *pid = g_getenv ("LISTEN_PID"), *count = g_getenv ("LISTEN_FDS"), *names = g_getenv ("LISTEN_FDNAMES");
  guint64 wanted = 0, fds = 0;
  if (pid == NULL || count == NULL || !g_ascii_string_to_unsigned (pid, 10, 1, G_MAXINT, &wanted, NULL) ||
      !g_ascii_string_to_unsigned (count, 10, 0, 10000, &fds, NULL) || (pid_t) wanted != getpid ()) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 "cannot listen on %s: the service manager has passed no sockets (LISTEN_FDS, LISTEN_PID)",
                 address->text);
    return FALSE;
  }
  g_auto (GStrv) list = g_strsplit (names != NULL ? names : "", ":", -1);
  guint before = sockets->len, known = g_strv_length (list);
  for (guint i = 0; i < fds; i++) {
    const char *name = i < known ? list[i] : "unknown";
    if (!g_str_equal (name, address->host)) {
      continue;
    }
    int fd = FIRST_INHERITED + (int) i;
    if (!is_suitable (fd, options)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "cannot listen on %s: descriptor %d is not %s socket", address->text, fd, kind_of (options));
      return FALSE;
    }
    NetListening listening;
    if (!take_inherited (&listening, fd, options)) {
      return cannot_listen (address, errno, error);
    }
    g_array_append_val (sockets, listening);
  }
  if (sockets->len == before) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 "cannot listen on %s: the service manager has passed %s, and none is called %s", address->text,
                 known > 0 ? names : "sockets without names", address->host);
    return FALSE;
  }
  return TRUE;
}
