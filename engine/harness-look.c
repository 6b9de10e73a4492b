/* SPDX-License-Identifier: Apache-2.0 */
/* harness-look.c: what has become of the stage in a harness, and comparisons with what a test expects (weir/harness.h).
 * Runs on the test's thread. The one thing that is the process's is what to do about a mismatch, which a test program sets once. */
#include "figures.h"
#include "harness.h"

#include <stdio.h>

static WeirHarnessMismatch mismatch_handler;

const char *
weir_harness_events (WeirHarness *harness)
{
  return harness->events.text->str;
}

const char *
weir_harness_calls (WeirHarness *harness)
{
  return harness->calls.text->str;
}

const char *
weir_harness_delivered (WeirHarness *harness)
{
  return harness->delivered.text->str;
}

const char *
weir_harness_state (WeirHarness *harness)
{
  static const char *const names[] = { "new", "open", "down", "starting", "running", "ending", "ended", "closed" };
  G_STATIC_ASSERT (G_N_ELEMENTS (names) == WEIR_LIFE_CLOSED + 1);
  return names[harness->stage->life];
}

const char *
weir_harness_error (WeirHarness *harness)
{
  return harness->stage->failure;
}

gboolean
weir_harness_is_paused (WeirHarness *harness)
{
  return weir_stage_paused (harness->stage);
}

gboolean
weir_harness_is_waiting (WeirHarness *harness)
{
  return harness->stage->waits;
}

void
weir_harness_pause (WeirHarness *harness, gboolean pause)
{
  WeirStage *stage = harness->stage;
  if (pause) {
    atomic_fetch_or (&stage->reasons, WEIR_PAUSED_OPERATOR);
  } else {
    atomic_fetch_and (&stage->reasons, ~(guint32) WEIR_PAUSED_OPERATOR);
  }
  weir_task_make_ready (&stage->task);
}

/* ---- what it says ---- */

void
weir_harness_note_log (WeirStage *stage, GLogLevelFlags level, const char *text)
{
  WeirHarness *harness = stage->report_data;
  const char *name = "debug";
  switch (level & G_LOG_LEVEL_MASK) {
  case G_LOG_LEVEL_ERROR:
  case G_LOG_LEVEL_CRITICAL:
    name = "error";
    break;
  case G_LOG_LEVEL_WARNING:
    name = "warning";
    break;
  case G_LOG_LEVEL_MESSAGE:
  case G_LOG_LEVEL_INFO:
    name = "info";
    break;
  default:
    break;
  }
  g_mutex_lock (&harness->lock);
  g_string_append_printf (harness->said, "%s: %s\n", name, text);
  g_mutex_unlock (&harness->lock);
}

const char *
weir_harness_log (WeirHarness *harness)
{
  g_mutex_lock (&harness->lock);
  g_string_assign (harness->said_seen, harness->said->str);
  g_mutex_unlock (&harness->lock);
  return harness->said_seen->str;
}

/* ---- figures ---- */

guint64
weir_harness_counter (WeirHarness *harness, const char *name)
{
  const char *const *counters = harness->real->counters;
  for (guint i = 0; counters != NULL && counters[i] != NULL; i++) {
    if (g_strcmp0 (counters[i], name) == 0) {
      return weir_stage_counter (harness->stage, i);
    }
  }
  g_critical ("the role has no counter \"%s\"", name);
  return 0;
}

typedef struct {
  const char *name;
  guint64 value;
} Figure;

static guint64
find_figure (const char *name, const Figure *figures, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    if (g_strcmp0 (figures[i].name, name) == 0) {
      return figures[i].value;
    }
  }
  g_critical ("there is no figure \"%s\"", name);
  return 0;
}

guint64
weir_harness_figure (WeirHarness *harness, const char *name)
{
  WeirStageFigures found;
  weir_stage_figures (harness->stage, &found);
  const Figure figures[] = {
    { "records_in", found.records_in }, { "records_out", found.records_out },
    { "bytes_in", found.bytes_in },     { "bytes_out", found.bytes_out },
    { "rejected", found.rejected },     { "refused", found.refused },
    { "errors", found.errors },         { "kept", (guint64) weir_load_acquire (&harness->stage->outstanding) },
    { "restarts", found.restarts },     { "redelivered", found.redelivered }
  };
  return find_figure (name, figures, G_N_ELEMENTS (figures));
}

guint64
weir_harness_link_figure (WeirHarness *harness, const char *link, const char *figure)
{
  WeirHarnessOutput *output;
  if (!weir_harness_find (harness, link, &output)) {
    return 0;
  }
  WeirLinkFigures found = { 0 };
  WeirLink *of = output != NULL ? output->link : harness->input;
  if (of != NULL) {
    weir_link_figures (of, &found);
  }
  const Figure figures[] = { { "in", found.in },
                             { "out", found.out },
                             { "dropped", found.dropped },
                             { "queued", found.queued },
                             { "pauses", found.pauses },
                             { "resumes", found.resumes },
                             { "peak_records", found.peak_records },
                             { "peak_bytes", found.peak_bytes },
                             { "bytes", found.level_bytes } };
  return find_figure (figure, figures, G_N_ELEMENTS (figures));
}

/* Between the calls of a test both ends are parked. */
static gboolean
append_ledger (WeirHarness *harness, WeirLink *link)
{
  if (link->front == NULL) {
    weir_link_publish (link);
  }
  if (weir_load_relaxed (&link->closed) == WEIR_LINK_FINISHED && link->to->life == WEIR_LIFE_CLOSED) {
    weir_intake_discard_run (link->to, link, WEIR_DROP_TAKER_FINISHED);
    weir_link_discard (link, WEIR_DROP_TAKER_FINISHED);
  }
  WeirLinkFigures figures;
  weir_link_figures (link, &figures);
  guint64 queued = weir_link_count_queued (link);
  g_string_append_printf (harness->ledger,
                          "%s%s: in %" G_GUINT64_FORMAT " = out %" G_GUINT64_FORMAT " + dropped %" G_GUINT64_FORMAT
                          " + queued %" G_GUINT64_FORMAT,
                          harness->ledger->len > 0 ? "\n" : "", link->identity->name, figures.in, figures.out,
                          figures.dropped, queued);
  return figures.in == figures.out + figures.dropped + queued;
}

gboolean
weir_harness_balances (WeirHarness *harness)
{
  WeirWorker *before = weir_harness_enter (harness);
  g_string_truncate (harness->ledger, 0);
  gboolean balances = harness->input == NULL || append_ledger (harness, harness->input);
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    balances = (output->link == NULL || append_ledger (harness, output->link)) && balances;
  }
  weir_harness_leave (harness, before);
  return balances;
}

const char *
weir_harness_ledger (WeirHarness *harness)
{
  weir_harness_balances (harness);
  return harness->ledger->str;
}

/* ---- expectations ---- */

void
weir_harness_set_mismatch (WeirHarnessMismatch mismatch)
{
  mismatch_handler = mismatch;
}

static gboolean
compare (const char *what, const char *found, const char *expected, const char *file, int line)
{
  if (g_strcmp0 (found, expected) == 0) {
    return TRUE;
  }
  g_autofree char *text = g_strdup_printf ("%s:\n  expected: %s\n  found:    %s", what,
                                           expected != NULL ? expected : "(none)", found != NULL ? found : "(none)");
  if (mismatch_handler != NULL) {
    mismatch_handler (file, line, text);
  } else {
    fprintf (stderr, "%s:%d: %s\n", file, line, text);
  }
  return FALSE;
}

static gboolean
compare_notes (const char *what, WeirHarnessNotes *notes, const char *expected, const char *file, int line)
{
  const char *found = notes->text->str + notes->expected;
  found += *found == ' ' ? 1 : 0;
  notes->expected = notes->text->len;
  return compare (what, found, expected, file, line);
}

gboolean
weir_harness_expect_events_ (WeirHarness *harness, const char *events, const char *file, int line)
{
  return compare_notes ("events", &harness->events, events, file, line);
}

gboolean
weir_harness_expect_calls_ (WeirHarness *harness, const char *calls, const char *file, int line)
{
  return compare_notes ("calls", &harness->calls, calls, file, line);
}

gboolean
weir_harness_expect_delivered_ (WeirHarness *harness, const char *delivered, const char *file, int line)
{
  return compare_notes ("delivered", &harness->delivered, delivered, file, line);
}

gboolean
weir_harness_expect_output_ (WeirHarness *harness, const char *link, const char *text, const char *file, int line)
{
  g_autofree char *what = g_strdup_printf ("output%s%s", link != NULL ? " " : "", link != NULL ? link : "");
  const char *found = weir_harness_text (harness, link);
  weir_harness_forget (harness, link);
  return compare (what, found, text, file, line);
}

gboolean
weir_harness_expect_error_ (WeirHarness *harness, const char *error, const char *file, int line)
{
  return compare ("error", weir_harness_error (harness), error, file, line);
}

gboolean
weir_harness_expect_state_ (WeirHarness *harness, const char *state, const char *file, int line)
{
  return compare ("state", weir_harness_state (harness), state, file, line);
}
