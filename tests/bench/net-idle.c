/* SPDX-License-Identifier: Apache-2.0 */
/* net-idle.c: the case of many idle connections: what each costs in resident memory of the peer, never used and after one exchange, and
 * how much speed busy ones beside them lose. For a proxy both ends of each are held here. */
#include "net.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SETTLE_MILLISECONDS = 200 };

typedef struct {
  int client, upstream;
} Pair;

/* Once the peer has that many descriptors open and neither grows nor shrinks any more. */
static gint64
settled_bytes (const NetPeer *peer, guint wanted_descriptors)
{
  double limit = net_now () + BENCH_PATIENCE_SECONDS;
  for (gint64 last = -1;;) {
    BenchUsage usage = bench_usage (peer->group);
    if (usage.descriptors >= wanted_descriptors && usage.resident_bytes == last) {
      return last;
    }
    if (net_now () > limit) {
      bench_fail ("the peer has %u descriptors after %d seconds, of %u", usage.descriptors, BENCH_PATIENCE_SECONDS,
                  wanted_descriptors);
    }
    last = usage.resident_bytes;
    g_usleep (SETTLE_MILLISECONDS * 1000);
  }
}

/* A line comes, which is TEXT, unless that is NULL. */
static void
expect_line (int socket, const char *text)
{
  char got[64] = "";
  gsize length = 0;
  do {
    ssize_t more = recv (socket, got + length, sizeof got - 1 - length, 0);
    if (more <= 0) {
      bench_fail ("an idle connection ended");
    }
    length += (gsize) more;
  } while (strchr (got, '\n') == NULL);
  if (text != NULL && strcmp (got, text) != 0) {
    bench_fail ("an idle connection answers \"%s\" instead of \"%s\"", got, text);
  }
}

static void
send_text (int socket, const char *text)
{
  if (send (socket, text, strlen (text), MSG_NOSIGNAL) != (ssize_t) strlen (text)) {
    bench_fail ("an idle connection takes nothing");
  }
}

/* One exchange on each: a line there and one back; of a server of integers, one integer. */
static void
use_once (const NetOptions *options, const Pair *pairs, gint from, gint to)
{
  for (gint i = from; i < to; i++) {
    if (options->proxy) {
      send_text (pairs[i].client, "ping\n");
      expect_line (pairs[i].upstream, "ping\n");
      send_text (pairs[i].upstream, "pong\n");
      expect_line (pairs[i].client, "pong\n");
    } else {
      send_text (pairs[i].client, "1\r\n");
      expect_line (pairs[i].client, NULL);
    }
  }
}

/* Units a second on the busy connections. */
static double
busy (const NetPeer *peer, const NetOptions *options)
{
  BenchUsage used;
  guint count = (guint) options->connections;
  if (options->proxy) {
    NetLoad load = { .count = count, .bytes = (guint64) options->mib * 1024 * 1024 / count / NET_LINE * NET_LINE };
    return (double) (load.bytes * count) / (1024.0 * 1024 * 1024) / net_streams_run (peer, &load, &used);
  }
  guint64 integers = (guint64) options->integers * 1000000 / count;
  return (double) (integers * count) / 1e6 / net_integers_run (peer, count, integers, FALSE, &used);
}

/* Units a second on the busy connections, when they have been so once before. */
static double
busy_again (const NetPeer *peer, const NetOptions *options)
{
  busy (peer, options);
  return busy (peer, options);
}

/* In a process of its own, as that with the idle ones is. */
static double
busy_alone (const NetOptions *options)
{
  NetPeer peer = net_peer_start (options->command, options->proxy);
  double speed = busy_again (&peer, options);
  net_peer_stop (&peer);
  return speed;
}

static void
open_idle (const NetPeer *peer, const NetOptions *options, Pair *pairs, gint from, gint to)
{
  for (gint i = from; i < to; i++) {
    pairs[i].upstream = -1;
    pairs[i].client = net_connect (peer, options->proxy ? &pairs[i].upstream : NULL);
  }
}

void
net_case_idle (const NetOptions *options)
{
  double before = busy_alone (options);
  NetPeer peer = net_peer_start (options->command, options->proxy);
  g_autofree Pair *pairs = g_new0 (Pair, options->idle);
  /* The first ones load what every later one shares. */
  gint first = MIN (options->idle / 10, 10), rest = options->idle - first;
  open_idle (&peer, options, pairs, 0, first);
  use_once (options, pairs, 0, first);
  gint64 base = settled_bytes (&peer, 0);
  open_idle (&peer, options, pairs, first, options->idle);
  guint each = options->proxy ? 2 : 1;
  gint64 unused = settled_bytes (&peer, each * (guint) options->idle) - base;
  use_once (options, pairs, first, options->idle);
  gint64 used = settled_bytes (&peer, 0) - base;
  double beside = busy_again (&peer, options);
  guint descriptors = bench_usage (peer.group).descriptors;
  net_peer_stop (&peer);
  for (gint i = 0; i < options->idle; i++) {
    close (pairs[i].client);
    if (pairs[i].upstream >= 0) {
      close (pairs[i].upstream);
    }
  }
  double alone = (before + busy_alone (options)) / 2;
  printf ("bytes_each=%.0f after_one_use=%.0f busy_alone=%.3f busy_beside=%.3f loss_%%=%.1f descriptors_each=%.1f\n",
          (double) unused / rest, (double) used / rest, alone, beside, 100 * (1 - beside / alone),
          (double) descriptors / options->idle);
}
