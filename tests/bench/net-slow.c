/* SPDX-License-Identifier: Apache-2.0 */
/* net-slow.c: the case of a source that could write 200 MB a second and a taker that takes 1, with the peer between them: what it uses
 * meanwhile, and, once the source has stopped and the taker takes all that is left, whether all lines came, in their order. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_MILLISECONDS = 10, QUIET_SECONDS = 5 };

typedef struct {
  int from, to;
  const NetOptions *options;
  guint64 sent; /* by the writer */
  gint stop;    /* atomic */
} Slow;

typedef struct {
  guint64 next, lost, displaced, broken, bytes;
  char line[NET_LINE];
  gsize have;
} Taken;

/* Tick by tick as many bytes as the rate has allowed until then; what a blocked socket has missed is not made up for. */
static gpointer
write_steadily (gpointer data)
{
  Slow *slow = data;
  g_autofree NetPattern *pattern = g_new (NetPattern, 1);
  net_pattern_init (pattern);
  guint64 a_tick = (guint64) slow->options->source_rate * TICK_MILLISECONDS / 1000;
  for (double next = net_now (); !g_atomic_int_get (&slow->stop);) {
    for (guint64 left = a_tick; left > 0 && !g_atomic_int_get (&slow->stop);) {
      gsize length = MIN (NET_BLOCK, left);
      ssize_t written = send (slow->from, net_pattern_at (pattern, 0, slow->sent, length), length, MSG_NOSIGNAL);
      if (written < 0 && errno == EAGAIN) {
        struct pollfd ready = { .fd = slow->from, .events = POLLOUT };
        poll (&ready, 1, TICK_MILLISECONDS);
        break;
      }
      if (written < 0) {
        bench_fail ("the peer reset the source after %" G_GUINT64_FORMAT " bytes: %s", slow->sent, g_strerror (errno));
      }
      slow->sent += (guint64) written;
      left -= (guint64) written;
    }
    next = MAX (next + TICK_MILLISECONDS / 1000.0, net_now () - TICK_MILLISECONDS / 1000.0);
    if (next > net_now ()) {
      g_usleep ((gulong) ((next - net_now ()) * G_USEC_PER_SEC));
    }
  }
  /* The last line whole, so that line programs can pass it on. */
  net_set_blocking (slow->from, TRUE);
  while (slow->sent % NET_LINE != 0) {
    gsize length = NET_LINE - slow->sent % NET_LINE;
    ssize_t written = send (slow->from, net_pattern_at (pattern, 0, slow->sent, length), length, MSG_NOSIGNAL);
    if (written < 0) {
      bench_fail ("the source could not finish its line: %s", g_strerror (errno));
    }
    slow->sent += (guint64) written;
  }
  shutdown (slow->from, SHUT_WR);
  return NULL;
}

static void
take_line (Taken *taken, NetPattern *pattern)
{
  guint64 number = net_pattern_stamp (taken->line);
  if (taken->have != NET_LINE || number > G_MAXUINT32 ||
      !net_pattern_holds (pattern, 0, number * NET_LINE, taken->line, NET_LINE, TRUE)) {
    taken->broken++;
  } else if (number < taken->next) {
    /* Counted as lost when a later one came. */
    taken->displaced++;
    taken->lost -= taken->lost > 0;
  } else {
    taken->lost += number - taken->next;
    taken->next = number + 1;
  }
  taken->have = 0;
}

static void
take (Taken *taken, NetPattern *pattern, const char *data, gsize length)
{
  taken->bytes += length;
  while (length > 0) {
    const char *end = memchr (data, '\n', length);
    gsize part = end != NULL ? (gsize) (end - data) + 1 : length;
    gsize room = MIN (part, NET_LINE - taken->have);
    memcpy (taken->line + taken->have, data, room);
    taken->have += room;
    if (end != NULL) {
      if (room < part) {
        taken->have = 0; /* too long: broken */
      }
      take_line (taken, pattern);
    }
    data += part;
    length -= part;
  }
}

/* Tick after tick what the rate allows, for the time that the options say. */
static void
take_slowly (const Slow *slow, Taken *taken, NetPattern *pattern, char *block)
{
  const NetOptions *options = slow->options;
  double start = net_now (), end = start + options->seconds;
  for (double next = start; next < end; next += TICK_MILLISECONDS / 1000.0) {
    guint64 allowed = (guint64) ((double) options->taker_rate * (next - start));
    while (taken->bytes < allowed) {
      ssize_t got = recv (slow->to, block, MIN (NET_BLOCK, allowed - taken->bytes), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) {
        break;
      }
      if (got <= 0) {
        bench_fail ("the peer ended the taker's connection after %" G_GUINT64_FORMAT " bytes", taken->bytes);
      }
      take (taken, pattern, block, (gsize) got);
    }
    if (next > net_now ()) {
      g_usleep ((gulong) ((next - net_now ()) * G_USEC_PER_SEC));
    }
  }
}

/* All that is left, until the end or until nothing has come for some time: log daemons keep their connection. */
static void
take_rest (const Slow *slow, Taken *taken, NetPattern *pattern, char *block)
{
  struct pollfd ready = { .fd = slow->to, .events = POLLIN };
  while (poll (&ready, 1, QUIET_SECONDS * 1000) == 1) {
    ssize_t got = recv (slow->to, block, NET_BLOCK, 0);
    if (got <= 0) {
      return;
    }
    take (taken, pattern, block, (gsize) got);
  }
}

void
net_case_slow (const NetOptions *options)
{
  NetPeer peer = net_peer_start (options->command, TRUE);
  Slow slow = { .options = options, .from = net_connect (&peer, NULL) };
  net_set_blocking (slow.from, FALSE);
  BenchUsage before = bench_usage (peer.group);
  GThread *writer = g_thread_new ("source", write_steadily, &slow);
  /* A log daemon connects when it has something to send. */
  slow.to = net_accept (&peer);
  g_autofree NetPattern *pattern = g_new (NetPattern, 1);
  net_pattern_init (pattern);
  g_autofree char *block = g_malloc (NET_BLOCK);
  Taken taken = { 0 };
  take_slowly (&slow, &taken, pattern, block);
  guint64 slowly = taken.bytes;
  BenchUsage used = bench_usage (peer.group);
  g_atomic_int_set (&slow.stop, 1);
  take_rest (&slow, &taken, pattern, block);
  g_thread_join (writer);
  double peak = bench_usage (peer.group).peak_mib;
  guint64 lines = slow.sent / NET_LINE;
  taken.lost += lines > taken.next ? lines - taken.next : 0;
  printf ("peak_MiB=%.1f CPU_s=%.3f MB_let_in=%.1f MB_taken_slowly=%.1f lines_lost=%" G_GUINT64_FORMAT
          " out_of_order=%" G_GUINT64_FORMAT " broken=%" G_GUINT64_FORMAT "\n",
          MAX (peak, used.peak_mib), used.cpu_seconds - before.cpu_seconds, (double) slow.sent / 1e6,
          (double) slowly / 1e6, taken.lost, taken.displaced, taken.broken);
  close (slow.from);
  close (slow.to);
  net_peer_stop (&peer);
}
