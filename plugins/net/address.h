/* SPDX-License-Identifier: Apache-2.0 */
/* address.h: where to listen or to connect, as a user writes it, and how a peer is called.
 * Constant once parsed; belongs to the role's state. */
#pragma once

#include <gio/gio.h>
#include <sys/socket.h>

typedef enum { NET_TCP, NET_UNIX } NetFamily;

typedef enum {
  NET_ADDRESS_KNOWN,    /* address: a literal one, or a path */
  NET_ADDRESS_NAME,     /* host and port: to be looked up */
  NET_ADDRESS_WILDCARD, /* port: every address of this host, IPv4 and IPv6 */
  NET_ADDRESS_SYSTEMD   /* host: the name of a socket that the service manager has opened */
} NetAddressKind;

typedef struct {
  NetAddressKind kind;
  char *text; /* as messages call it */
  char *host;
  guint16 port;
  GSocketAddress *address;
} NetAddress;

/* Fills in address. NULL: fine; else what was found and expected, to be freed. */
char *net_address_parse (NetAddress *address, const char *text, NetFamily family, gboolean listen);
void net_address_clear (NetAddress *address);

/* "127.0.0.1:80", "[::1]:80", a path, "@name", or "-" for a unix socket without one. An IPv4 address inside an IPv6 one is
 * told as IPv4. */
#define NET_TEXT_SIZE 128
void net_address_describe (const struct sockaddr *address, socklen_t size, char text[NET_TEXT_SIZE]);
