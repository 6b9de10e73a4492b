/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h: the options that every role's sockets have, and how sockets are made with them.
 * Part of a role's state; any thread. */
#pragma once

#include "address.h"
#include "tls-settings.h"

#include <weir/weir.h>

typedef struct {
  gboolean nodelay;
  gint64 keepalive, idle_timeout, connect_timeout;
  guint64 send_buffer, receive_buffer;
  NetTlsOptions tls;
} NetSettings;

/* One line each in a role's table; the state has them as `settings`. */
#define NET_OPTION_(State, name, kind, Type, initial, range, help) \
  { \
#name, initial, range, help, WEIR_FIELD_(State, settings.name, Type), kind, 0 \
  }

#define NET_TCP_OPTIONS(State) \
  NET_OPTION_ (State, nodelay, WEIR_OPTION_BOOLEAN_, gboolean, "true", NULL, \
               "Send small pieces at once instead of joining them (TCP_NODELAY)"), \
    NET_OPTION_ (State, keepalive, WEIR_OPTION_DURATION_, gint64, "2m", "0s..9h", \
                 "Ask a silent peer's host after so long whether it is still there; 0: never")

#define NET_SEND_BUFFER_OPTION(State) \
  NET_OPTION_ (State, send_buffer, WEIR_OPTION_SIZE_, guint64, "0", "0..1GiB", \
               "Bytes that the kernel holds for sending, SO_SNDBUF; 0: as many as it finds right")

#define NET_RECEIVE_BUFFER_OPTION(State) \
  NET_OPTION_ (State, receive_buffer, WEIR_OPTION_SIZE_, guint64, "0", "0..1GiB", \
               "Bytes that the kernel holds for us to read, SO_RCVBUF; 0: as many as it finds right")

#define NET_SOCKET_OPTIONS(State) \
  NET_OPTION_ (State, idle_timeout, WEIR_OPTION_DURATION_, gint64, "0", NULL, \
               "Close a connection whose peer neither sends nor takes for so long; 0: never"), \
    NET_SEND_BUFFER_OPTION (State), NET_RECEIVE_BUFFER_OPTION (State)

#define NET_CONNECT_OPTIONS(State) \
  NET_OPTION_ (State, connect_timeout, WEIR_OPTION_DURATION_, gint64, "10s", "1ms..1h", \
               "Longest time for looking the name up and connecting")

/* A non-blocking socket of this type, SOCK_STREAM or SOCK_DGRAM, with these settings. -1: errno says why. */
int net_socket_new (int domain, int type, const NetSettings *settings);
/* A socket that another has opened is treated likewise; what does not fit its kind is left out. */
void net_socket_apply (int fd, const NetSettings *settings);
