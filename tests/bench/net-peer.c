/* SPDX-License-Identifier: Apache-2.0 */
/* net-peer.c: the server or proxy under load: started, given its ports, ended with this program, however that ends; main thread. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static volatile pid_t running;

static void
stop_running (void)
{
  if (running > 0) {
    pid_t group = running;
    running = 0;
    bench_stop (group);
  }
}

static void
on_signal (int number)
{
  stop_running ();
  _exit (128 + number);
}

double
net_now (void)
{
  return (double) g_get_monotonic_time () / G_USEC_PER_SEC;
}

void
net_set_blocking (int socket, gboolean blocking)
{
  int flags = fcntl (socket, F_GETFL);
  fcntl (socket, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static int
listen_anywhere (guint16 *port)
{
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  if (listener < 0 || bind (listener, (struct sockaddr *) &address, sizeof address) != 0 ||
      listen (listener, 4096) != 0 || getsockname (listener, (struct sockaddr *) &address, &length) != 0) {
    bench_fail ("cannot listen: %s", g_strerror (errno));
  }
  *port = ntohs (address.sin_port);
  return listener;
}

static void
give_port (const char *name, guint16 port)
{
  g_autofree char *text = g_strdup_printf ("%u", port);
  g_setenv (name, text, TRUE);
}

NetPeer
net_peer_start (const char *command, gboolean proxy)
{
  NetPeer peer = { .port = bench_free_port (), .listener = -1 };
  give_port ("LISTEN", peer.port);
  if (proxy) {
    guint16 upstream;
    peer.listener = listen_anywhere (&upstream);
    struct timeval patience = { .tv_sec = BENCH_PATIENCE_SECONDS };
    setsockopt (peer.listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    give_port ("UPSTREAM", upstream);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (bench_ends); i++) {
    signal (bench_ends[i], on_signal);
  }
  signal (SIGPIPE, SIG_IGN);
  peer.group = bench_start (command, STDERR_FILENO);
  running = peer.group;
  static gboolean registered;
  if (!registered) {
    registered = atexit (stop_running) == 0;
  }
  bench_await_listener (peer.group, peer.port);
  return peer;
}

void
net_peer_stop (NetPeer *peer)
{
  stop_running ();
  if (peer->listener >= 0) {
    close (peer->listener);
  }
}

int
net_accept (const NetPeer *peer)
{
  int upstream = accept4 (peer->listener, NULL, NULL, SOCK_CLOEXEC);
  if (upstream < 0) {
    bench_fail ("the peer did not connect upstream: %s", g_strerror (errno));
  }
  return upstream;
}

int
net_connect (const NetPeer *peer, int *upstream)
{
  int client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                 .sin_port = htons (peer->port) };
  if (client < 0 || connect (client, (struct sockaddr *) &address, sizeof address) != 0) {
    bench_fail ("cannot connect to the peer: %s", g_strerror (errno));
  }
  if (upstream != NULL) {
    *upstream = net_accept (peer);
  }
  return client;
}
