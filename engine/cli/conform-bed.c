/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules of `weir plugin check` share (see conform.h): a harness with the options at hand, what is fed into it, how long is
 * waited, and what is looked at behind each rule. In the child, on its main thread; a role flagged WEIR_BLOCKING has a second one
 * beside it, which breaks a block as a stop does. */
#include "cli/conform.h"

#include <stdarg.h>
#include <string.h>

#define DAY (24 * 3600 * (gint64) G_USEC_PER_SEC)

WeirConformResult
weir_conform_fail (WeirConform *conform, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  char *said = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_free (conform->said);
  conform->said = said;
  return WEIR_CONFORM_FAILED;
}

WeirConformResult
weir_conform_skip (WeirConform *conform, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  char *said = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_free (conform->said);
  conform->said = said;
  return WEIR_CONFORM_SKIPPED;
}

/* ---- what libraries say ---- */

static char *critical;

static void
note_message (const char *domain, GLogLevelFlags level, const char *text, G_GNUC_UNUSED gpointer data)
{
  if ((level & G_LOG_LEVEL_CRITICAL) != 0 && critical == NULL) {
    critical = g_strdup_printf ("%s%s%s", domain != NULL ? domain : "", domain != NULL ? ": " : "", text);
  }
}

void
weir_conform_listen (void)
{
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_default_handler (note_message, NULL);
}

const char *
weir_conform_critical (void)
{
  return critical;
}

/* ---- who breaks blocks ---- */

static struct {
  GMutex lock;
  WeirHarness *harness;
  _Atomic guint turns;
  gboolean runs;
} blocks;

static gpointer
break_blocks (G_GNUC_UNUSED gpointer data)
{
  guint before = 0;
  for (guint same = 0;;) {
    g_usleep (100 * 1000);
    guint turns = atomic_load (&blocks.turns);
    same = turns == before ? same + 1 : 0;
    before = turns;
    g_mutex_lock (&blocks.lock);
    if (same >= 5 && blocks.harness != NULL && weir_load_relaxed (&blocks.harness->worker->callback) != NULL) {
      weir_stage_interrupt (blocks.harness->stage);
    }
    g_mutex_unlock (&blocks.lock);
  }
  return NULL;
}

static void
watch_blocks (WeirConform *conform)
{
  if ((conform->role->flags & WEIR_BLOCKING) == 0) {
    return;
  }
  g_mutex_lock (&blocks.lock);
  blocks.harness = conform->harness;
  g_mutex_unlock (&blocks.lock);
  if (!blocks.runs) {
    blocks.runs = TRUE;
    g_thread_unref (g_thread_new ("interrupts", break_blocks, NULL));
  }
}

/* ---- the harness ---- */

void
weir_conform_drop (WeirConform *conform)
{
  g_mutex_lock (&blocks.lock);
  blocks.harness = NULL;
  g_mutex_unlock (&blocks.lock);
  WeirHarness *harness = conform->harness;
  weir_harness_free (harness);
  conform->harness = NULL;
}

guint
weir_conform_count_threads (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  guint count = 0;
  while (tasks != NULL && g_dir_read_name (tasks) != NULL) {
    count++;
  }
  return count;
}

/* Descriptors and timeouts of the stage's context beside those that the engine has there. */
static guint
count_polled (WeirHarness *harness, int *timeout)
{
  GPollFD fds[64];
  int priority;
  GMainContext *context = harness->worker->context;
  guint count = 0;
  WeirWorker *before = weir_harness_enter (harness);
  if (g_main_context_acquire (context)) {
    g_main_context_prepare (context, &priority);
    count = (guint) g_main_context_query (context, G_MAXINT, timeout, fds, G_N_ELEMENTS (fds));
    g_main_context_release (context);
  }
  weir_harness_leave (harness, before);
  return count;
}

gboolean
weir_conform_waits_outside (WeirConform *conform)
{
  int timeout = -1;
  return conform->harness->stage->watched != WEIR_WATCHED_NONE || weir_conform_count_threads () > conform->threads ||
         count_polled (conform->harness, &timeout) > conform->polled || timeout >= 0;
}

gboolean
weir_conform_make (WeirConform *conform, json_object *options)
{
  g_autoptr (GError) error = NULL;
  weir_conform_drop (conform);
  const char *text = json_object_to_json_string (options != NULL ? options : conform->options);
  conform->harness = weir_harness_new (conform->plugin, (WeirHarnessKind) conform->kind, text, &error);
  if (conform->harness == NULL) {
    g_free (conform->said);
    conform->said = g_strdup (error->message);
    return FALSE;
  }
  weir_harness_set_taken (conform->harness, "rejected", TRUE);
  if (conform->restarts) {
    weir_harness_set_restarts (conform->harness);
  }
  weir_harness_set_patience (conform->harness, conform->plan->limit / 4);
  watch_blocks (conform);
  conform->threads = weir_conform_count_threads ();
  conform->polled = count_polled (conform->harness, &(int){ 0 });
  return TRUE;
}

gboolean
weir_conform_start (WeirConform *conform, guint records, gsize allowed)
{
  if (!weir_conform_make (conform, NULL)) {
    return FALSE;
  }
  WeirHarness *harness = conform->harness;
  g_autofree char *queue = g_strdup_printf ("{\"records\": %u}", records);
  WeirHarnessOutput *output;
  for (guint i = 0; records > 0 && (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    weir_harness_set_queue (harness, output->name, queue, NULL);
  }
  if (records > 0 && conform->kind != WEIR_PRODUCER) {
    weir_harness_set_queue (harness, "input", queue, NULL);
  }
  weir_conform_allow (conform, allowed);
  return weir_harness_open (harness) && weir_harness_start (harness);
}

void
weir_conform_feed (WeirConform *conform, guint count)
{
  WeirHarness *harness = conform->harness;
  if (conform->kind == WEIR_PRODUCER || harness->input_ended) {
    return;
  }
  for (guint i = 0; i < count; i++) {
    g_autofree char *line = g_strdup_printf ("{\"n\": %u, \"x\": \"y\"} 2020-01-01T00:00:00Z 192.0.2.1 x %u", i, i);
    g_autofree char *lines = g_strdup_printf ("%s\nhalf a li", line);
    weir_harness_push_text (harness, line);
    weir_harness_push_line (harness, line);
    weir_harness_push_chunk (harness, 1, lines);
    weir_harness_push_chunk (harness, 2, i % 2 == 0 ? "first half" : ", second half\n");
  }
}

void
weir_conform_allow (WeirConform *conform, gsize records)
{
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (conform->harness, i)) != NULL; i++) {
    weir_harness_allow (conform->harness, output->name, records);
  }
}

guint64
weir_conform_count (WeirConform *conform)
{
  return weir_harness_figure (conform->harness, "records_out") + weir_harness_figure (conform->harness, "rejected");
}

gboolean
weir_conform_crank (WeirConform *conform, gint64 microseconds)
{
  gboolean rests = FALSE;
  for (guint i = 0; i < 100000 && !rests; i++) {
    rests = !weir_harness_turn (conform->harness);
    atomic_fetch_add (&blocks.turns, 1);
  }
  if (rests && microseconds > 0) {
    weir_harness_advance (conform->harness, microseconds);
  }
  return rests;
}

typedef struct {
  WeirHarnessHolds holds;
} Waiting;

static gboolean
holds_or_over (WeirHarness *harness, gpointer data)
{
  atomic_fetch_add (&blocks.turns, 1);
  return harness->stage->life == WEIR_LIFE_CLOSED || ((const Waiting *) data)->holds (harness, NULL);
}

gboolean
weir_conform_wait (WeirConform *conform, WeirHarnessHolds holds, gint64 patience)
{
  WeirHarness *harness = conform->harness;
  weir_harness_set_patience (harness, patience);
  weir_harness_set_live (harness, TRUE);
  weir_harness_wait_until (harness, holds_or_over, &(Waiting){ holds });
  weir_harness_set_live (harness, FALSE);
  return holds (harness, NULL);
}

static gboolean
is_closed (WeirHarness *harness, G_GNUC_UNUSED gpointer data)
{
  return harness->stage->life == WEIR_LIFE_CLOSED;
}

const char *
weir_conform_last_call (WeirConform *conform)
{
  static const char *const names[] = { "open",   "start",      "produce", "pause", "resume", "consume",   "flush",
                                       "settle", "end_stream", "end",     "stop",  "close",  "interrupt", "delivered" };
  const char *calls = weir_harness_calls (conform->harness), *last = calls, *found = "";
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    gsize length = strlen (names[i]);
    for (const char *at = calls; (at = strstr (at, names[i])) != NULL; at++) {
      gboolean whole = (at == calls || at[-1] == ' ') && strchr (" (=*", at[length]) != NULL;
      if (whole && at >= last) {
        last = at;
        found = names[i];
      }
    }
  }
  return found;
}

gboolean
weir_conform_is_held_up (WeirConform *conform)
{
  const WeirStage *stage = conform->harness->stage;
  return stage->life <= WEIR_LIFE_RUNNING && !stage->failed && (stage->waits || stage->life == WEIR_LIFE_STARTING) &&
         conform->kind != WEIR_PRODUCER;
}

/* First what threads and children have to say in a short time, then what only waits for a time of its clock, then patiently. */
gboolean
weir_conform_finish (WeirConform *conform)
{
  WeirHarness *harness = conform->harness;
  weir_conform_allow (conform, G_MAXSIZE);
  if (conform->kind == WEIR_PRODUCER) {
    weir_harness_stop (harness);
  } else {
    weir_harness_end (harness);
  }
  gint64 patience = conform->plan->limit / 4;
  weir_conform_crank (conform, 0);
  if (weir_conform_wait (conform, is_closed,
                         weir_conform_waits_outside (conform) ? MIN (patience, G_USEC_PER_SEC) : 0)) {
    return TRUE;
  }
  weir_conform_crank (conform, DAY);
  if (weir_conform_is_held_up (conform)) {
    return FALSE;
  }
  return weir_conform_wait (conform, is_closed, patience);
}

WeirConformResult
weir_conform_end (WeirConform *conform)
{
  WeirHarness *harness = conform->harness;
  if (harness == NULL) {
    return WEIR_CONFORM_UNUSABLE;
  }
  const WeirStage *stage = harness->stage;
  gint64 kept = weir_load_acquire (&stage->outstanding);
  if (stage->at_fault) {
    return weir_conform_fail (conform, "%s", stage->failure);
  }
  if (stage->refusal_told) {
    return weir_conform_fail (conform, "emitted a record %s; expected none before start() and after its end",
                              stage->life <= WEIR_LIFE_OPEN ? "before start()" : "outside of its running time");
  }
  if (critical != NULL) {
    return weir_conform_fail (conform, "%s; expected no such message", critical);
  }
  if (kept < 0) {
    return weir_conform_fail (conform, "gave back %" G_GINT64_FORMAT " records that it does not keep", -kept);
  }
  if (!stage->in_turn && !weir_harness_balances (harness)) {
    return weir_conform_fail (conform, "%s; expected in = out + dropped + queued", weir_harness_ledger (harness));
  }
  if (stage->failed) {
    return weir_conform_skip (conform, "it fails: %s", stage->failure);
  }
  return WEIR_CONFORM_OK;
}
