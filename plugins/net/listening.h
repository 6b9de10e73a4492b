/* SPDX-License-Identifier: Apache-2.0 */
/* listening.h: one socket that listens, or that datagrams come to: made, taken over from a service manager, or removed again.
 * Runs on the stage's worker and belongs to its listeners. */
#pragma once

#include "socket.h"

#include <sys/stat.h>

typedef struct {
  int fd;
  gboolean inherited;       /* from a service manager */
  char text[NET_TEXT_SIZE]; /* the address that it has really got */
  char *path;               /* of a unix socket that we have made; NULL: none */
  dev_t device;
  ino_t inode;
} NetListening;

typedef struct {
  NetFamily family;
  int type;        /* SOCK_STREAM or SOCK_DGRAM */
  gboolean shared; /* others may have the same address: datagrams of a group */
  gint64 backlog;
  mode_t mode; /* of a unix socket's path */
  const NetSettings *settings;
} NetListenOptions;

/* At a literal address, a wildcard or a path. FALSE: error says why. */
gboolean net_listening_open (NetListening *listening, const NetAddress *address, const NetListenOptions *options,
                             GError **error);
/* At an address that a name stands for. */
gboolean net_listening_bind (NetListening *listening, const NetAddress *address, GSocketAddress *socket_address,
                             const NetListenOptions *options, GError **error);
/* The sockets that the service manager has opened under the address's name, appended to an array of NetListening; at least one. */
gboolean net_listening_inherit (GArray *sockets, const NetAddress *address, const NetListenOptions *options,
                                GError **error);
/* The path goes, where it is still ours; the descriptor is the caller's to close. */
void net_listening_remove (NetListening *listening);
