/* SPDX-License-Identifier: Apache-2.0 */
/* address.c: parses `host:port`, `[v6]:port`, `*:port`, paths and `systemd:NAME`, and tells a peer's address (see address.h).
 * Nothing is looked up here. Any thread. */
#include "address.h"

#include <arpa/inet.h>
#include <gio/gunixsocketaddress.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static char *
wrong (const char *text, NetFamily family, gboolean listen)
{
  if (family == NET_UNIX) {
    return g_strdup_printf ("found \"%s\", expected a path of 1 to %zu bytes%s", text,
                            sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1,
                            listen ? ", @NAME or systemd:NAME" : " or @NAME");
  }
  return g_strdup_printf ("found \"%s\", expected host:port or [IPv6]:port%s", text,
                          listen ? ", *:port or systemd:NAME" : " with a port from 1 to 65535");
}

static gboolean
parse_path (NetAddress *address, const char *text)
{
  const char *path = g_str_has_prefix (text, "unix:") ? text + strlen ("unix:") : text;
  gboolean abstract = path[0] == '@';
  gsize size = strlen (path);
  if (size <= (abstract ? 1u : 0u) || size >= sizeof (((struct sockaddr_un *) NULL)->sun_path)) {
    return FALSE;
  }
  address->kind = NET_ADDRESS_KNOWN;
  address->host = g_strdup (path);
  address->text = g_strdup (path);
  address->address = abstract
                       ? g_unix_socket_address_new_with_type (path + 1, (gint) size - 1, G_UNIX_SOCKET_ADDRESS_ABSTRACT)
                       : g_unix_socket_address_new (path);
  return TRUE;
}

static gboolean
parse_host (NetAddress *address, const char *text, gboolean listen)
{
  const char *colon = strrchr (text, ':');
  guint64 port;
  if (colon == NULL || !g_ascii_string_to_unsigned (colon + 1, 10, listen ? 0 : 1, G_MAXUINT16, &port, NULL)) {
    return FALSE;
  }
  gsize size = (gsize) (colon - text);
  gboolean bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';
  g_autofree char *host = bracketed ? g_strndup (text + 1, size - 2) : g_strndup (text, size);
  gboolean wildcard = size == 0 || g_str_equal (host, "*");
  if ((wildcard && (bracketed || !listen)) || strpbrk (host, "[]/ \t") != NULL ||
      (!bracketed && strchr (host, ':') != NULL)) {
    return FALSE;
  }
  address->port = (guint16) port;
  address->address = wildcard ? NULL : g_inet_socket_address_new_from_string (host, (guint) port);
  if (bracketed && address->address == NULL) {
    return FALSE;
  }
  address->kind = wildcard ? NET_ADDRESS_WILDCARD : address->address != NULL ? NET_ADDRESS_KNOWN : NET_ADDRESS_NAME;
  address->host = g_steal_pointer (&host);
  address->text = g_strdup (text);
  return TRUE;
}

char *
net_address_parse (NetAddress *address, const char *text, NetFamily family, gboolean listen)
{
  *address = (NetAddress){ .kind = NET_ADDRESS_KNOWN };
  const char *systemd = "systemd:";
  if (listen && g_str_has_prefix (text, systemd) && strlen (text) > strlen (systemd)) {
    address->kind = NET_ADDRESS_SYSTEMD;
    address->host = g_strdup (text + strlen (systemd));
    address->text = g_strdup (text);
    return NULL;
  }
  gboolean good = family == NET_UNIX ? parse_path (address, text) : parse_host (address, text, listen);
  return good ? NULL : wrong (text, family, listen);
}

void
net_address_clear (NetAddress *address)
{
  g_clear_object (&address->address);
  g_clear_pointer (&address->host, g_free);
  g_clear_pointer (&address->text, g_free);
}

static void
describe_unix (const struct sockaddr_un *address, socklen_t size, char text[NET_TEXT_SIZE])
{
  gsize length = size > offsetof (struct sockaddr_un, sun_path) ? size - offsetof (struct sockaddr_un, sun_path) : 0;
  if (length == 0) {
    g_strlcpy (text, "-", NET_TEXT_SIZE);
  } else if (address->sun_path[0] == '\0') {
    g_snprintf (text, NET_TEXT_SIZE, "@%.*s", (int) length - 1, address->sun_path + 1);
  } else {
    g_snprintf (text, NET_TEXT_SIZE, "%.*s", (int) length, address->sun_path);
  }
}

void
net_address_describe (const struct sockaddr *address, socklen_t size, char text[NET_TEXT_SIZE])
{
  char host[NET_TEXT_SIZE - 16];
  if (address->sa_family == AF_UNIX) {
    describe_unix ((const struct sockaddr_un *) (gconstpointer) address, size, text);
    return;
  }
  struct sockaddr_in unmapped = { .sin_family = AF_INET };
  if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *six = (gconstpointer) address;
    if (IN6_IS_ADDR_V4MAPPED (&six->sin6_addr)) {
      unmapped.sin_port = six->sin6_port;
      memcpy (&unmapped.sin_addr, six->sin6_addr.s6_addr + 12, sizeof (unmapped.sin_addr));
      address = (const struct sockaddr *) &unmapped;
      size = sizeof (unmapped);
    }
  }
  char port[8];
  if (getnameinfo (address, size, host, sizeof (host), port, sizeof (port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    g_strlcpy (text, "-", NET_TEXT_SIZE);
    return;
  }
  g_snprintf (text, NET_TEXT_SIZE, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
