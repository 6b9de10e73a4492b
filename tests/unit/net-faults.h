/* SPDX-License-Identifier: Apache-2.0 */
/* net-faults.h: what the tests of faults share beside net-bed.h: the servers of conf/, streams of bytes whose order and number are
 * checked, and what the program costs meanwhile. Everything static: one test program includes it once. */
#pragma once

#include "net-bed.h"

#include <json-c/json.h>
#include <sys/ioctl.h>

#define KIB 1024
#define MIB (1024 * 1024)

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- the servers of conf/ ---- */

/* conf/NAME.json as it is, but for the time that it has to drain, at any free port. */
G_GNUC_UNUSED static void
run_conf (const char *name, const char *shutdown)
{
  const char *source = g_getenv ("WEIR_SOURCE");
  ck_assert_ptr_nonnull (source);
  g_autofree char *path = g_strdup_printf ("%s/conf/%s.json", source, name), *text = NULL;
  ck_assert_msg (g_file_get_contents (path, &text, NULL, NULL), "no %s", path);
  char *producers = strstr (text, "\"producers\"");
  ck_assert_ptr_nonnull (producers);
  g_autofree char *json = g_strdup_printf ("%.*s\"engine\": { \"shutdown\": \"%s\" },\n  %s", (int) (producers - text),
                                           text, shutdown, producers);
  guint count = 0;
  while (bed.options[count] != NULL) {
    count++;
  }
  ck_assert_uint_lt (count, G_N_ELEMENTS (bed.options) - 1);
  bed.options[count] = "--summary=summary.json";
  g_setenv ("PORT", "0", TRUE);
  g_setenv ("TMPDIR", bed.folder, TRUE);
  run (json);
}

/* conf/proxy.json in front of a server of the test's. */
G_GNUC_UNUSED static void
run_proxy (guint16 upstream, const char *shutdown)
{
  g_autofree char *address = g_strdup_printf ("127.0.0.1:%u", upstream);
  g_setenv ("UPSTREAM", address, TRUE);
  run_conf ("proxy", shutdown);
}

/* Sets an option for one run: "STAGE.OPTION=VALUE". */
G_GNUC_UNUSED static void
set_option (const char *option)
{
  guint count = 0;
  while (bed.options[count] != NULL) {
    count++;
  }
  ck_assert_uint_lt (count + 1, G_N_ELEMENTS (bed.options) - 1);
  bed.options[count] = "--set";
  bed.options[count + 1] = option;
}

/* ---- what the summary says, once it has ended ---- */

static json_object *
summary (void)
{
  static json_object *read;
  if (read == NULL) {
    read = json_object_from_file ("summary.json");
    ck_assert_ptr_nonnull (read);
  }
  return read;
}

static guint64
member (json_object *object, const char *key)
{
  json_object *value = NULL;
  ck_assert_msg (json_object_object_get_ex (object, key, &value), "the summary has no %s", key);
  return json_object_get_uint64 (value);
}

/* R12, for every link. */
G_GNUC_UNUSED static void
expect_balance (void)
{
  json_object *links = NULL;
  ck_assert (json_object_object_get_ex (summary (), "links", &links));
  ck_assert_uint_gt (json_object_array_length (links), 0);
  for (gsize i = 0; i < json_object_array_length (links); i++) {
    json_object *link = json_object_array_get_idx (links, i);
    ck_assert_msg (member (link, "in") == member (link, "out") + member (link, "dropped") + member (link, "queued"),
                   "%s", json_object_to_json_string (link));
  }
}

G_GNUC_UNUSED static guint64
link_figure (const char *name, const char *key)
{
  json_object *links = NULL, *found = NULL;
  ck_assert (json_object_object_get_ex (summary (), "links", &links));
  for (gsize i = 0; i < json_object_array_length (links); i++) {
    json_object *link = json_object_array_get_idx (links, i);
    if (json_object_object_get_ex (link, "name", &found) && g_str_equal (json_object_get_string (found), name)) {
      return member (link, key);
    }
  }
  ck_abort_msg ("the summary has no link %s", name);
}

/* ---- what the program costs ---- */

/* A figure of /proc/PID/status: VmHWM and VmRSS in KiB, Threads. */
G_GNUC_UNUSED static guint64
status_figure (const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) bed.pid), *text = contents (path);
  g_autofree char *key = g_strdup_printf ("\n%s:", name);
  const char *at = strstr (text, key);
  ck_assert_ptr_nonnull (at);
  return g_ascii_strtoull (at + strlen (key), NULL, 10);
}

/* Its memory is its own in a plain build only. */
G_GNUC_UNUSED static void
expect_peak_below (guint64 kib)
{
  guint64 peak = status_figure ("VmHWM");
  ck_assert_msg (SANITIZED || peak < kib, "%" G_GUINT64_FORMAT " KiB resident", peak);
}

/* Microseconds of processor time that it has taken. */
G_GNUC_UNUSED static gint64
time_taken (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) bed.pid), *text = contents (path);
  const char *behind = strrchr (text, ')');
  ck_assert_ptr_nonnull (behind);
  g_auto (GStrv) fields = g_strsplit (behind + 2, " ", -1);
  gint64 ticks = g_ascii_strtoll (fields[11], NULL, 10) + g_ascii_strtoll (fields[12], NULL, 10);
  return ticks * G_USEC_PER_SEC / sysconf (_SC_CLK_TCK);
}

static guint
entries (const char *what)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%d/%s", (int) bed.pid, what);
  GDir *dir = g_dir_open (folder, 0, NULL);
  ck_assert_ptr_nonnull (dir);
  guint count = 0;
  while (g_dir_read_name (dir) != NULL) {
    count++;
  }
  g_dir_close (dir);
  return count;
}

/* As many descriptors and threads as there were: it ends connections a little behind their peers. */
typedef struct {
  guint descriptors, threads;
} Holdings;

G_GNUC_UNUSED static Holdings
holdings (void)
{
  return (Holdings){ entries ("fd"), entries ("task") };
}

G_GNUC_UNUSED static void
await_holdings (Holdings wanted)
{
  Holdings now = holdings ();
  for (guint i = 0; i < PATIENCE && (now.descriptors > wanted.descriptors || now.threads > wanted.threads); i++) {
    g_usleep (1000);
    now = holdings ();
  }
  ck_assert_uint_le (now.descriptors, wanted.descriptors);
  ck_assert_uint_le (now.threads, wanted.threads);
}

/* Until the program has read what was sent to it: its own socket has nothing left. */
G_GNUC_UNUSED static void
await_read (int fd)
{
  struct sockaddr_in own, other;
  socklen_t size = sizeof (own);
  ck_assert_int_eq (getsockname (fd, (struct sockaddr *) &own, &size), 0);
  ck_assert_int_eq (getpeername (fd, (struct sockaddr *) &other, &size), 0);
  g_autofree char *ends = g_strdup_printf (" %08X:%04X %08X:%04X 01 ", other.sin_addr.s_addr, ntohs (other.sin_port),
                                           own.sin_addr.s_addr, ntohs (own.sin_port));
  for (guint i = 0; i < PATIENCE; i++) {
    g_autofree char *text = contents ("/proc/net/tcp");
    const char *at = strstr (text, ends);
    guint waiting, unread;
    ck_assert_msg (at != NULL && sscanf (at + strlen (ends), "%x:%x", &waiting, &unread) == 2, "no%s in %s", ends,
                   text);
    if (unread == 0) {
      return;
    }
    g_usleep (1000);
  }
  ck_abort_msg ("the program does not read");
}

/* ---- streams of bytes: each has its place in a pattern of a prime length, so that none can be lost or change places unseen ---- */

#define PATTERN 65521

typedef struct {
  int from, to;
  gsize sent, taken;
} Flow;

/* PATTERN bytes of it, from any offset. */
static const char *
pattern (gsize offset)
{
  static char bytes[2 * PATTERN];
  if (bytes[0] == '\0') {
    guint32 number = 1;
    for (guint i = 0; i < PATTERN; i++) {
      number = number * 1664525 + 1013904223;
      bytes[i] = bytes[i + PATTERN] = (char) ('!' + (number >> 24) % 90);
    }
  }
  return bytes + offset % PATTERN;
}

/* Sends what is left of so many bytes, but no more than goes at once. FALSE: nothing went. */
static gboolean
flow_send (Flow *flow, gsize total)
{
  if (flow->sent == total) {
    return FALSE;
  }
  ssize_t count = send (flow->from, pattern (flow->sent), MIN (total - flow->sent, PATTERN),
                        MSG_NOSIGNAL | MSG_DONTWAIT);
  ck_assert_msg (count > 0 || errno == EAGAIN, "cannot send: %s; %s", g_strerror (errno), bed.said->str);
  flow->sent += count > 0 ? (gsize) count : 0;
  return count > 0;
}

/* Takes what is there, up to so many bytes, and looks at it. FALSE: nothing came. */
static gboolean
flow_take (Flow *flow, gsize total)
{
  char bytes[PATTERN];
  if (flow->taken == total) {
    return FALSE;
  }
  ssize_t count = recv (flow->to, bytes, MIN (total - flow->taken, sizeof (bytes)), MSG_DONTWAIT);
  ck_assert_msg (count > 0 || (count < 0 && errno == EAGAIN), "after %zu bytes: %s; %s", flow->taken,
                 count == 0 ? "the end" : g_strerror (errno), bed.said->str);
  if (count <= 0) {
    return FALSE;
  }
  ck_assert_msg (memcmp (bytes, pattern (flow->taken), (gsize) count) == 0, "other bytes behind %zu", flow->taken);
  flow->taken += (gsize) count;
  return TRUE;
}

/* Both ends move, each as fast as it may, until so many bytes were taken of so many offered. */
G_GNUC_UNUSED static void
flow_pump (Flow *flow, gsize offered, gsize wanted)
{
  while (flow->taken < wanted) {
    gboolean moved = flow_send (flow, offered);
    moved = flow_take (flow, wanted) || moved;
    if (!moved) {
      struct pollfd polled[2] = { { flow->to, POLLIN, 0 }, { flow->from, flow->sent < offered ? POLLOUT : 0, 0 } };
      ck_assert_msg (poll (polled, 2, PATIENCE) > 0, "nothing moves: %zu sent, %zu taken; %s", flow->sent, flow->taken,
                     bed.said->str);
    }
  }
}

/* Sends until nothing more goes, which is well before so many bytes: somebody holds it up, and the sender's own socket is full. */
G_GNUC_UNUSED static void
flow_fill (Flow *flow, gsize most)
{
  struct pollfd polled = { flow->from, POLLOUT, 0 };
  int waiting = 0;
  while (poll (&polled, 1, 200) == 1) {
    ck_assert_int_eq (polled.revents, POLLOUT);
    flow_send (flow, most);
    ck_assert_msg (flow->sent < most, "%zu bytes went, and nobody took them", flow->sent);
  }
  ck_assert_int_eq (ioctl (flow->from, TIOCOUTQ, &waiting), 0);
  ck_assert_int_gt (waiting, 0);
}

G_GNUC_UNUSED static void
close_flow (Flow *flow)
{
  close (flow->from);
  if (flow->to != flow->from) {
    close (flow->to);
  }
}

/* ---- peers ---- */

/* A peer that the program has let in, and answers. */
G_GNUC_UNUSED static int
greet (guint16 at)
{
  int fd = connect_to (at);
  say (fd, "hello\n");
  expect_heard (fd, "hello\n");
  return fd;
}

/* A peer, and the other end of its way through the proxy. */
typedef struct {
  int server; /* listens */
  Flow there, back;
} Way;

G_GNUC_UNUSED static Way
open_way (guint16 proxy, int server)
{
  int near = connect_to (proxy), far = take_one (server);
  return (Way){ server, { near, far, 0, 0 }, { far, near, 0, 0 } };
}

G_GNUC_UNUSED static void
close_way (Way *way)
{
  close_flow (&way->there);
}

/* Something passes both ways, so that all of the connection has been made. */
G_GNUC_UNUSED static void
try_way (Way *way)
{
  gsize there = way->there.taken, back = way->back.taken;
  flow_pump (&way->there, there + 1000, there + 1000);
  flow_pump (&way->back, back + 1000, back + 1000);
}
