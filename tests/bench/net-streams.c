/* SPDX-License-Identifier: Apache-2.0 */
/* net-streams.c: many streams through a proxy, one thread that writes them and one that reads and checks them, each an epoll set. The
 * upstream connections are accepted one by one as the clients connect, so that both ends of each stream are known. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

typedef struct {
  int from, to;
  guint64 sent, received;
} Stream;

typedef struct {
  Stream *streams;
  const NetLoad *load;
} Run;

static int
watch_all (const Run *run, guint32 events)
{
  int set = epoll_create1 (EPOLL_CLOEXEC);
  for (guint i = 0; i < run->load->count; i++) {
    struct epoll_event event = { .events = events, .data.u32 = i };
    int socket = events == EPOLLOUT ? run->streams[i].from : run->streams[i].to;
    if (epoll_ctl (set, EPOLL_CTL_ADD, socket, &event) != 0) {
      bench_fail ("epoll: %s", g_strerror (errno));
    }
  }
  return set;
}

/* As much as the socket takes, but not for ever while others wait. */
static void
write_some (Stream *stream, guint number, NetPattern *pattern, guint64 total)
{
  for (int turns = 0; turns < 4 && stream->sent < total; turns++) {
    gsize length = MIN (NET_BLOCK, total - stream->sent);
    ssize_t written = send (stream->from, net_pattern_at (pattern, number, stream->sent, length), length, MSG_NOSIGNAL);
    if (written < 0 && errno == EAGAIN) {
      return;
    }
    if (written < 0) {
      bench_fail ("stream %u broke after %" G_GUINT64_FORMAT " bytes were sent: %s", number, stream->sent,
                  g_strerror (errno));
    }
    stream->sent += (guint64) written;
    if ((gsize) written < length) {
      return;
    }
  }
}

static gpointer
write_all (gpointer data)
{
  Run *run = data;
  g_autofree NetPattern *pattern = g_new (NetPattern, 1);
  net_pattern_init (pattern);
  int set = watch_all (run, EPOLLOUT);
  for (guint open = run->load->count; open > 0;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait (set, events, EVENTS, -1);
    for (int e = 0; e < ready; e++) {
      guint number = events[e].data.u32;
      Stream *stream = &run->streams[number];
      write_some (stream, number, pattern, run->load->bytes);
      if (stream->sent == run->load->bytes) {
        epoll_ctl (set, EPOLL_CTL_DEL, stream->from, NULL);
        open--;
      }
    }
  }
  close (set);
  return NULL;
}

static void
read_all (Run *run)
{
  g_autofree NetPattern *pattern = g_new (NetPattern, 1);
  g_autofree char *block = g_malloc (NET_BLOCK);
  net_pattern_init (pattern);
  int set = watch_all (run, EPOLLIN);
  for (guint open = run->load->count; open > 0;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait (set, events, EVENTS, BENCH_PATIENCE_SECONDS * 1000);
    if (ready == 0) {
      bench_fail ("nothing came for %d seconds", BENCH_PATIENCE_SECONDS);
    }
    for (int e = 0; e < ready; e++) {
      guint number = events[e].data.u32;
      Stream *stream = &run->streams[number];
      ssize_t got = recv (stream->to, block, NET_BLOCK, 0);
      if (got < 0 && errno == EAGAIN) {
        continue;
      }
      if (got <= 0) {
        bench_fail ("stream %u ended after %" G_GUINT64_FORMAT " bytes: %s", number, stream->received,
                    got == 0 ? "closed" : g_strerror (errno));
      }
      if (!net_pattern_holds (pattern, number, stream->received, block, (gsize) got, run->load->full)) {
        bench_fail ("stream %u has wrong bytes near %" G_GUINT64_FORMAT, number, stream->received);
      }
      stream->received += (guint64) got;
      if (stream->received >= run->load->bytes) {
        epoll_ctl (set, EPOLL_CTL_DEL, stream->to, NULL);
        open--;
      }
    }
  }
  close (set);
}

/* After its last byte a stream has nothing but its end, which is passed on. */
static void
expect_ends (const Run *run)
{
  for (guint i = 0; i < run->load->count; i++) {
    int to = run->streams[i].to;
    struct pollfd ready = { .fd = to, .events = POLLIN };
    char more;
    if (shutdown (run->streams[i].from, SHUT_WR) != 0 || poll (&ready, 1, BENCH_PATIENCE_SECONDS * 1000) != 1 ||
        recv (to, &more, 1, 0) != 0) {
      bench_fail ("stream %u does not end where it has to", i);
    }
  }
}

double
net_streams_run (const NetPeer *peer, const NetLoad *load, BenchUsage *used)
{
  Run run = { .streams = g_new0 (Stream, load->count), .load = load };
  for (guint i = 0; i < load->count; i++) {
    Stream *stream = &run.streams[i];
    int client = net_connect (peer, &stream->to);
    stream->from = client;
    if (load->backwards) {
      stream->from = stream->to;
      stream->to = client;
    }
    net_set_blocking (stream->from, FALSE);
    net_set_blocking (stream->to, FALSE);
  }
  BenchUsage before = bench_usage (peer->group);
  double start = net_now ();
  GThread *writer = g_thread_new ("writer", write_all, &run);
  read_all (&run);
  double seconds = net_now () - start;
  *used = bench_usage (peer->group);
  used->cpu_seconds -= before.cpu_seconds;
  g_thread_join (writer);
  if (load->full) {
    expect_ends (&run);
  }
  for (guint i = 0; i < load->count; i++) {
    close (run.streams[i].from);
    close (run.streams[i].to);
  }
  g_free (run.streams);
  return seconds;
}
