/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of flow for `weir plugin check` (see conform.h): pauses, limits, waits, kept records, the ledger.
 * In the child, on its main thread. */
#include "cli/conform.h"

#include <string.h>
#include <sys/resource.h>

#define SECOND ((gint64) G_USEC_PER_SEC)
#define HIGH 8
#define BLOCK (SECOND / 2) /* a callback that sleeps so long blocks */

/* ---- pauses ---- */

static gboolean
is_paused (WeirHarness *harness, G_GNUC_UNUSED gpointer data)
{
  return weir_stage_paused (harness->stage);
}

static guint64
peak (WeirConform *conform)
{
  guint64 most = 0;
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (conform->harness, i)) != NULL; i++) {
    most = MAX (most, weir_harness_link_figure (conform->harness, output->name, "peak_records"));
  }
  return most;
}

/* While it is paused. */
static WeirConformResult
stays_paused (WeirConform *conform)
{
  guint64 before = weir_conform_count (conform);
  gboolean rests = weir_conform_crank (conform, 60 * SECOND);
  g_usleep (20 * 1000); /* a thread of its own needs time to do harm */
  rests = weir_conform_crank (conform, 60 * SECOND) && rests;
  guint64 now = weir_conform_count (conform);
  if (conform->harness->stage->failed) {
    return weir_conform_end (conform);
  }
  if (now != before) {
    return weir_conform_fail (conform, "emitted %" G_GUINT64_FORMAT " records while it was paused; expected none",
                              now - before);
  }
  return rests ? WEIR_CONFORM_OK
               : weir_conform_fail (conform, "is not at rest while it is paused after 100,000 turns; expected none");
}

WeirConformResult
weir_conform_pause (WeirConform *conform)
{
  if (conform->kind == WEIR_CONSUMER) {
    return weir_conform_skip (conform, "a consumer has no output");
  }
  if (!weir_conform_start (conform, HIGH, 0)) {
    return weir_conform_end (conform);
  }
  weir_conform_feed (conform, 40);
  weir_conform_crank (conform, 60 * SECOND);
  WeirHarness *harness = conform->harness;
  if (!weir_conform_wait (conform, is_paused, SECOND)) {
    WeirConformResult result = weir_conform_end (conform);
    return result != WEIR_CONFORM_OK ? result : weir_conform_skip (conform, "it makes too little to fill a link");
  }
  WeirConformResult result = stays_paused (conform);
  if (result != WEIR_CONFORM_OK) {
    return result;
  }
  /* A transform may have made a few of its last record; a producer's emit has told it to stop. */
  guint64 most = peak (conform), limit = conform->kind == WEIR_PRODUCER ? HIGH : 2 * HIGH;
  if (most > limit) {
    return weir_conform_fail (conform,
                              "emitted past the pause: %" G_GUINT64_FORMAT
                              " records lay on a link of %d; expected %" G_GUINT64_FORMAT " at most",
                              most, HIGH, limit);
  }
  guint64 before = weir_conform_count (conform);
  weir_conform_allow (conform, 10 * HIGH);
  weir_conform_crank (conform, 60 * SECOND);
  if (weir_conform_count (conform) == before && harness->stage->life < WEIR_LIFE_ENDING &&
      weir_harness_backlog (harness) > 0 && !harness->stage->failed) {
    return weir_conform_fail (conform, "emitted nothing once there was room again; expected it to go on");
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_operator (WeirConform *conform)
{
  if (conform->kind == WEIR_CONSUMER) {
    return weir_conform_skip (conform, "a consumer goes on when its stage is paused");
  }
  if (!weir_conform_start (conform, 0, 100)) {
    return weir_conform_end (conform);
  }
  WeirHarness *harness = conform->harness;
  weir_conform_feed (conform, 4);
  weir_conform_crank (conform, 0);
  for (guint i = 0; i < 20 && harness->stage->life < WEIR_LIFE_ENDING && !harness->stage->failed; i++) {
    weir_harness_pause (harness, TRUE);
    weir_conform_crank (conform, 0);
    weir_conform_feed (conform, 2);
    WeirConformResult result = i < 2 ? stays_paused (conform) : WEIR_CONFORM_OK;
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
    weir_harness_pause (harness, FALSE);
    weir_conform_allow (conform, 100);
    weir_conform_crank (conform, SECOND / 10);
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_enough (WeirConform *conform)
{
  if (conform->kind == WEIR_CONSUMER) {
    return weir_conform_skip (conform, "a consumer has no output");
  }
  if (!weir_conform_start (conform, 0, 10)) {
    return weir_conform_end (conform);
  }
  weir_conform_feed (conform, 20);
  weir_conform_crank (conform, SECOND);
  WeirHarness *harness = conform->harness;
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    weir_harness_enough (harness, output->name);
  }
  if (!weir_conform_finish (conform)) {
    return weir_conform_fail (conform, "is still \"%s\" when nobody takes from it any more; expected it to close",
                              weir_harness_state (harness));
  }
  return weir_conform_end (conform);
}

/* ---- turns ---- */

WeirConformResult
weir_conform_rest (WeirConform *conform)
{
  if (!weir_conform_start (conform, 0, 1000)) {
    return weir_conform_end (conform);
  }
  WeirHarness *harness = conform->harness;
  gboolean rests = weir_conform_crank (conform, SECOND);
  weir_conform_feed (conform, 50);
  rests = weir_conform_crank (conform, SECOND) && rests;
  if (strstr (weir_harness_log (harness), "has answered MORE") != NULL) {
    return weir_conform_fail (conform, "produce() answers MORE and emits nothing, again and again; expected WAIT");
  }
  if (!rests) {
    return weir_conform_fail (conform, "is not at rest after 100,000 turns; expected it to wait when there is nothing "
                                       "to do");
  }
  return weir_conform_end (conform);
}

/* Is there anything that could wake it? */
static gboolean
is_armed (WeirConform *conform)
{
  return weir_timers_next (conform->harness->worker->timers) >= 0 || weir_conform_waits_outside (conform) ||
         weir_load_acquire (&conform->harness->stage->outstanding) > 0;
}

WeirConformResult
weir_conform_wake (WeirConform *conform)
{
  if (!weir_conform_make (conform, NULL)) {
    return WEIR_CONFORM_UNUSABLE;
  }
  WeirHarness *harness = conform->harness;
  if (!weir_harness_start (harness)) {
    return weir_conform_end (conform);
  }
  gboolean waited = FALSE;
  for (guint round = 0; round < 3 && harness->stage->life < WEIR_LIFE_ENDED; round++) {
    weir_conform_feed (conform, 20);
    if (round == 2 && conform->kind != WEIR_PRODUCER) {
      weir_harness_end (harness);
    }
    if (!weir_conform_crank (conform, 0)) {
      break;
    }
    WeirStage *stage = harness->stage;
    gboolean starting = stage->life == WEIR_LIFE_STARTING;
    gboolean waits = starting || stage->waits || (stage->duplex && stage->out_waits);
    if (!waits || stage->life >= WEIR_LIFE_ENDED) {
      continue;
    }
    waited = TRUE;
    if (!is_armed (conform)) {
      return weir_conform_fail (
        conform,
        "%s() answered WAIT with nothing armed that could wake it; expected a descriptor, a time, "
        "a source or a thread",
        weir_conform_last_call (conform));
    }
    weir_conform_crank (conform, SECOND);
  }
  WeirConformResult result = weir_conform_end (conform);
  return result == WEIR_CONFORM_OK && !waited ? weir_conform_skip (conform, "it does not wait here") : result;
}

/* Time that the thread has slept while a turn ran: its clock went on, and it gave the processor away of its own will. */
WeirConformResult
weir_conform_blocking (WeirConform *conform)
{
  if ((conform->role->flags & WEIR_BLOCKING) != 0) {
    return weir_conform_skip (conform, "its callbacks may block");
  }
  if (!weir_conform_start (conform, 0, 50)) {
    return weir_conform_end (conform);
  }
  weir_conform_feed (conform, 3);
  for (guint i = 0; i < 50; i++) {
    struct rusage before, after;
    getrusage (RUSAGE_THREAD, &before);
    gint64 begin = g_get_monotonic_time ();
    if (!weir_harness_turn (conform->harness)) {
      break;
    }
    gint64 slept = g_get_monotonic_time () - begin;
    getrusage (RUSAGE_THREAD, &after);
    slept -= (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * SECOND;
    slept -= after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    if (slept > BLOCK && after.ru_nvcsw > before.ru_nvcsw && after.ru_nivcsw - before.ru_nivcsw < 10) {
      return weir_conform_fail (conform,
                                "%s() slept for more than half a second; expected an answer WAIT, or a role flagged "
                                "WEIR_BLOCKING",
                                weir_conform_last_call (conform));
    }
  }
  return weir_conform_end (conform);
}

/* ---- kept records ---- */

static gboolean
keeps_none (WeirHarness *harness, G_GNUC_UNUSED gpointer data)
{
  return weir_load_acquire (&harness->stage->outstanding) <= 0;
}

WeirConformResult
weir_conform_settle (WeirConform *conform)
{
  if (conform->kind == WEIR_PRODUCER) {
    return weir_conform_skip (conform, "a producer keeps no records");
  }
  if (!weir_conform_start (conform, HIGH, G_MAXSIZE)) {
    return weir_conform_end (conform);
  }
  WeirHarness *harness = conform->harness;
  weir_conform_feed (conform, 10);
  weir_conform_crank (conform, 0);
  guint64 taken = weir_harness_figure (harness, "records_in");
  gint64 kept = weir_load_acquire (&harness->stage->outstanding);
  if (kept <= 0) {
    WeirConformResult result = weir_conform_end (conform);
    return result != WEIR_CONFORM_OK ? result : weir_conform_skip (conform, "it keeps no records here");
  }
  weir_conform_crank (conform, 3600 * SECOND);
  if (weir_harness_backlog (harness) > 0 && !harness->stage->failed &&
      !weir_conform_wait (conform, keeps_none, conform->plan->limit / 4) &&
      weir_harness_figure (harness, "records_in") == taken) {
    return weir_conform_fail (conform,
                              "keeps %" G_GINT64_FORMAT
                              " records while its input is full of them, also behind settle(); "
                              "expected it to give some back",
                              weir_load_acquire (&harness->stage->outstanding));
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_ledger (WeirConform *conform)
{
  static const char *const queues[] = { "{\"records\": 4}", "{\"records\": 4, \"when_full\": \"drop_newest\"}",
                                        "{\"records\": 4, \"when_full\": \"drop_oldest\"}" };
  for (gsize i = 0; i < G_N_ELEMENTS (queues); i++) {
    if (!weir_conform_make (conform, NULL)) {
      return WEIR_CONFORM_UNUSABLE;
    }
    WeirHarness *harness = conform->harness;
    WeirHarnessOutput *output;
    for (guint at = 0; (output = weir_harness_output_at (harness, at)) != NULL; at++) {
      weir_harness_set_queue (harness, output->name, queues[i], NULL);
    }
    if (conform->kind != WEIR_PRODUCER) {
      weir_harness_set_queue (harness, "input", queues[i], NULL);
    }
    weir_conform_allow (conform, 0);
    if (!weir_harness_start (harness)) {
      return weir_conform_end (conform);
    }
    for (guint round = 0; round < 40 && harness->stage->life < WEIR_LIFE_ENDED; round++) {
      weir_conform_feed (conform, 3);
      weir_conform_allow (conform, round % 3);
      for (guint turn = 0; turn < 20; turn++) {
        weir_harness_turn (harness);
      }
      if (!weir_harness_balances (harness)) {
        return weir_conform_end (conform);
      }
    }
    weir_conform_finish (conform);
    WeirConformResult result = weir_conform_end (conform);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
  }
  return WEIR_CONFORM_OK;
}
