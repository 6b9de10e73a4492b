/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of what is left behind, for `weir plugin check` (see conform.h): memory, descriptors and threads after many lives.
 * In the child, on its main thread. The first tenth is not counted: libraries keep what they make once. */
#include "cli/conform-server.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

/* The allocator's own figure, in a program that is built with AddressSanitizer. */
extern gsize __sanitizer_get_current_allocated_bytes (void) __attribute__ ((weak));

typedef struct {
  gint64 bytes;
  guint descriptors, threads;
} Holdings;

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  guint count = 0;
  while (entries != NULL && g_dir_read_name (entries) != NULL) {
    count++;
  }
  return count;
}

/* Bytes that are allocated; where the C library cannot tell, what is resident. */
static gint64
count_bytes (void)
{
  if (__sanitizer_get_current_allocated_bytes != NULL) {
    return (gint64) __sanitizer_get_current_allocated_bytes ();
  }
#if defined __GLIBC__ && __GLIBC_PREREQ(2, 33)
  struct mallinfo2 info = mallinfo2 ();
  if (info.uordblks > 0) {
    return (gint64) (info.uordblks + info.hblkhd);
  }
#endif
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL)) {
    return 0;
  }
  const char *resident = strchr (text, ' ');
  return resident != NULL ? g_ascii_strtoll (resident, NULL, 10) * sysconf (_SC_PAGESIZE) : 0;
}

static Holdings
look (void)
{
  return (Holdings){ count_bytes (), count_entries ("/proc/self/fd"), count_entries ("/proc/self/task") };
}

/* What both halves of the rounds have left is a leak: tables of libraries grow by leaps. Below this much it may be what the allocator
 * has put aside for its next calls. */
#define ASIDE (64 * 1024)
/* Of connections there are fewer, which go through the same memory one after another. */
#define ASIDE_CONNECTIONS (8 * 1024)

static WeirConformResult
compare (WeirConform *conform, const Holdings *before, const Holdings *half, guint rounds, gint64 aside,
         const char *what)
{
  Holdings after = look ();
  for (guint i = 0; i < 50 && after.threads > before->threads; i++) {
    g_usleep (10 * 1000); /* one that was joined may still be listed */
    after = look ();
  }
  if (after.descriptors > before->descriptors + rounds / 4) {
    return weir_conform_fail (conform, "%u %s leave %u descriptors open; expected none", rounds, what,
                              after.descriptors - before->descriptors);
  }
  if (after.threads > before->threads + 1 + rounds / 4) {
    return weir_conform_fail (conform, "%u %s leave %u threads; expected none", rounds, what,
                              after.threads - before->threads);
  }
  gint64 left = 2 * MIN (after.bytes - half->bytes, half->bytes - before->bytes);
  /* Valgrind's allocator has no such figure, and tells leaks itself. */
  if (conform->plan->valgrind_logs == NULL && left >= MAX ((gint64) rounds * 8, 2 * aside)) {
    return weir_conform_fail (conform, "%u %s leave %" G_GINT64_FORMAT " bytes each; expected none", rounds, what,
                              left / (gint64) rounds);
  }
  return WEIR_CONFORM_OK;
}

WeirConformResult
weir_conform_repeat (WeirConform *conform, guint rounds, const char *what,
                     WeirConformResult (*once) (WeirConform *conform))
{
  Holdings before = { 0 }, half = { 0 };
  guint warm = 0, middle = 0, done = 0;
  rounds = MAX (conform->plan->valgrind_logs != NULL ? MIN (rounds, 100) : rounds, 10);
  gint64 begin = g_get_monotonic_time (), limit = conform->plan->limit / 2;
  for (guint i = 0; i < rounds; i++) {
    WeirConformResult result = once (conform);
    weir_conform_drop (conform);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
    gint64 spent = g_get_monotonic_time () - begin;
    done = i + 1;
    if (warm == 0 && (done >= rounds / 10 || spent > limit / 10)) {
      warm = done;
      before = look ();
    } else if (warm > 0 && middle == 0 && (done - warm >= (rounds - warm) / 2 || spent > limit / 2)) {
      middle = done;
      half = look ();
    }
    if (spent > limit && done > middle && middle > 0) {
      break;
    }
  }
  WeirConformResult result = compare (conform, &before, &half, done - warm,
                                      conform->server != NULL ? ASIDE_CONNECTIONS : ASIDE, what);
  if (result == WEIR_CONFORM_OK && done < rounds && conform->said == NULL) {
    conform->said = g_strdup_printf ("%u of %u, as the time was over", done, rounds);
  }
  return result;
}

static WeirConformResult
open_once (WeirConform *conform)
{
  if (!weir_conform_make (conform, NULL)) {
    return WEIR_CONFORM_UNUSABLE;
  }
  weir_harness_open (conform->harness);
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_cycles (WeirConform *conform)
{
  return weir_conform_repeat (conform, conform->plan->cycles, "cycles of open() and close()", open_once);
}

static WeirConformResult
live_once (WeirConform *conform)
{
  if (weir_conform_start (conform, 0, 100)) {
    weir_conform_feed (conform, 5);
    weir_conform_crank (conform, SECOND);
    if (!weir_conform_finish (conform)) {
      return weir_conform_skip (conform, "it does not come to its end");
    }
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_lives (WeirConform *conform)
{
  return weir_conform_repeat (conform, conform->plan->cycles * 2 / 5, "lives from open() to close()", live_once);
}

/* ---- connections ---- */

static gboolean
is_over (WeirConformServer *server, gpointer peer)
{
  return !weir_conform_peer_lives (peer) && server->connections->count == 0;
}

/* One after another at the same listening stage, in turn without a word, with one, and cut off. */
static WeirConformResult
connect_once (WeirConform *conform)
{
  WeirConformResult result;
  WeirConformServer *server = conform->server;
  if (server == NULL && (server = weir_conform_serve (conform, NULL, WEIR_CONFORM_ECHO, &result)) == NULL) {
    return result;
  }
  guint64 number = server->connections->number;
  WeirConformPeer peer;
  if ((result = weir_conform_peer_meet (server, &peer)) != WEIR_CONFORM_OK) {
    return result;
  }
  if (number % 3 != 0) {
    weir_conform_peer_send (&peer, WEIR_CONFORM_LINE + number % 7);
    weir_conform_server_crank (server, 0);
  }
  weir_conform_peer_go (&peer, number % 3 != 1);
  if (!weir_conform_server_wait (server, is_over, &peer, weir_conform_server_patience (server))) {
    return weir_conform_fail (conform, "a connection is still there once its peer is gone; expected it to end");
  }
  if (server->listener->failed || server->listener->life >= WEIR_LIFE_ENDED) {
    return weir_conform_skip (conform, "it listens no more after %" G_GUINT64_FORMAT " connections", number + 1);
  }
  return weir_conform_server_end (server);
}

WeirConformResult
weir_conform_connections (WeirConform *conform)
{
  return weir_conform_repeat (conform, conform->plan->cycles / 5, "short connections", connect_once);
}

/* ---- streams ---- */

static void
pass_streams (WeirConform *conform, guint count)
{
  WeirHarness *harness = conform->harness;
  for (guint i = 0; i < count; i++) {
    weir_harness_push_chunk (harness, 7, "a line\nhalf a li");
    weir_harness_end_stream (harness, 7);
    weir_conform_crank (conform, i % 100 == 0 ? 2 * SECOND : 0);
    WeirHarnessOutput *output;
    for (guint at = 0; (output = weir_harness_output_at (harness, at)) != NULL; at++) {
      weir_harness_forget (harness, output->name);
    }
    /* What the harness notes of calls and streams is no growth of the plugin's. */
    g_hash_table_remove_all (harness->numbers);
    g_string_truncate (harness->calls.text, 0);
    harness->calls.times = 0;
    harness->calls.expected = 0;
    harness->calls.last = 0;
  }
}

WeirConformResult
weir_conform_streams (WeirConform *conform)
{
  guint rounds = conform->plan->valgrind_logs != NULL ? 200 : MAX (conform->plan->cycles * 2 / 1000, 1) * 1000;
  if (conform->kind == WEIR_PRODUCER) {
    return weir_conform_skip (conform, "a producer joins no streams");
  }
  if (!weir_conform_start (conform, 0, G_MAXSIZE)) {
    return weir_conform_end (conform);
  }
  WeirHarness *harness = conform->harness;
  pass_streams (conform, rounds / 10);
  weir_conform_crank (conform, 3600 * SECOND);
  Holdings before = look ();
  guint64 taken = weir_harness_figure (harness, "records_in");
  gint64 limit = g_get_monotonic_time () + conform->plan->limit / 2;
  Holdings half = before;
  guint passed = 0;
  for (; passed < rounds && harness->stage->life < WEIR_LIFE_ENDED && g_get_monotonic_time () < limit; passed += 100) {
    if (passed == rounds / 2) {
      weir_conform_crank (conform, 3600 * SECOND);
      half = look ();
    }
    pass_streams (conform, 100);
  }
  weir_conform_crank (conform, 3600 * SECOND);
  WeirConformResult result = weir_conform_end (conform);
  if (result != WEIR_CONFORM_OK) {
    return result;
  }
  if (passed <= rounds / 2 || harness->stage->life >= WEIR_LIFE_ENDED || weir_harness_backlog (harness) > 0 ||
      weir_harness_figure (harness, "records_in") < taken + passed) {
    return weir_conform_skip (conform, "it does not take them all");
  }
  return compare (conform, &before, &half, passed, ASIDE, "streams that are over");
}
