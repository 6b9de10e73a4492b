/* SPDX-License-Identifier: Apache-2.0 */
/* net-integers.c: clients of a server of random integers, all on one thread: each asks for a number of them and counts the lines that come. */
#include "net.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, HIGHEST = 10000 };

typedef struct {
  int socket;
  guint64 lines;
  guint value, digits;
  gboolean carriage_return;
} Client;

/* In a loop of its own, for the compiler to make vectors of it. */
static guint64
count_lines (const char *data, gsize length)
{
  guint64 lines = 0;
  for (gsize i = 0; i < length; i++) {
    lines += data[i] == '\n';
  }
  return lines;
}

/* Every integer is 0 to HIGHEST in decimal, then CR LF. */
static guint64
check_lines (Client *client, const char *data, gsize length)
{
  guint64 lines = 0;
  for (gsize i = 0; i < length; i++) {
    char c = data[i];
    if (g_ascii_isdigit (c) && !client->carriage_return && client->digits < 5) {
      client->value = client->value * 10 + (guint) (c - '0');
      client->digits++;
    } else if (c == '\r' && !client->carriage_return && client->digits > 0 && client->value <= HIGHEST) {
      client->carriage_return = TRUE;
    } else if (c == '\n' && client->carriage_return) {
      client->carriage_return = FALSE;
      client->value = client->digits = 0;
      lines++;
    } else {
      bench_fail ("what came is no random integer: byte %d after %u", c, client->value);
    }
  }
  return lines;
}

double
net_integers_run (const NetPeer *peer, guint count, guint64 integers, gboolean full, BenchUsage *used)
{
  g_autofree Client *clients = g_new0 (Client, count);
  g_autofree char *block = g_malloc (NET_BLOCK);
  int set = epoll_create1 (EPOLL_CLOEXEC);
  for (guint i = 0; i < count; i++) {
    clients[i].socket = net_connect (peer, NULL);
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
    epoll_ctl (set, EPOLL_CTL_ADD, clients[i].socket, &event);
  }
  g_autofree char *request = g_strdup_printf ("%" G_GUINT64_FORMAT "\r\n", integers);
  BenchUsage before = bench_usage (peer->group);
  double start = net_now ();
  for (guint i = 0; i < count; i++) {
    if (send (clients[i].socket, request, strlen (request), MSG_NOSIGNAL) != (ssize_t) strlen (request)) {
      bench_fail ("cannot ask: %s", g_strerror (errno));
    }
  }
  for (guint open = count; open > 0;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait (set, events, EVENTS, BENCH_PATIENCE_SECONDS * 1000);
    if (ready == 0) {
      bench_fail ("no integer came for %d seconds", BENCH_PATIENCE_SECONDS);
    }
    for (int e = 0; e < ready; e++) {
      Client *client = &clients[events[e].data.u32];
      ssize_t got = recv (client->socket, block, NET_BLOCK, 0);
      if (got <= 0) {
        bench_fail ("the connection ended after %" G_GUINT64_FORMAT " integers", client->lines);
      }
      client->lines += full ? check_lines (client, block, (gsize) got) : count_lines (block, (gsize) got);
      if (client->lines >= integers) {
        epoll_ctl (set, EPOLL_CTL_DEL, client->socket, NULL);
        open--;
      }
      if (client->lines > integers) {
        bench_fail ("%" G_GUINT64_FORMAT " integers came instead of %" G_GUINT64_FORMAT, client->lines, integers);
      }
    }
  }
  double seconds = net_now () - start;
  *used = bench_usage (peer->group);
  used->cpu_seconds -= before.cpu_seconds;
  for (guint i = 0; i < count; i++) {
    close (clients[i].socket);
  }
  close (set);
  return seconds;
}
