/* SPDX-License-Identifier: Apache-2.0 */
/* net-servers.h: servers that do not serve, for the tests of what connects.
 * Everything static; behind net-bed.h. */
#pragma once

#include "net-bed.h"

/* A port that nobody listens at; it is kept from others. */
G_GNUC_UNUSED static guint16
closed_port (int *keeper)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof (address);
  *keeper = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (bind (*keeper, (struct sockaddr *) &address, size), 0);
  ck_assert_int_eq (getsockname (*keeper, (struct sockaddr *) &address, &size), 0);
  return ntohs (address.sin_port);
}

/* A server that takes no connection: its backlog is full. */
G_GNUC_UNUSED static int
full_server (guint16 *at, int filling[3])
{
  int server = serve (at, 0);
  for (guint i = 0; i < 3; i++) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons (*at),
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    filling[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect (filling[i], (struct sockaddr *) &address, sizeof (address));
  }
  return server;
}
