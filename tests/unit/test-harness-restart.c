/* SPDX-License-Identifier: Apache-2.0 */
/* The harness (weir/harness.h) with a stage that restarts: what it is given again, and when, by the clock that the test cranks. */
#include "harness-roles.h"

#define MILLISECOND ((gint64) 1000)
#define SECOND (1000 * MILLISECOND)

/* Keeps what it is given, writes nothing down, and fails at "bad". */
typedef struct {
  gint64 at_a_time;
  gint64 seen; /* begins anew with the stage */
  WeirRecord *kept[8];
} Keeper;

static const WeirOption keeper_options[] = {
  WEIR_INTEGER (Keeper, at_a_time, "3", "1..8", 0, "Records that are given back together"),
  WEIR_OPTIONS_END,
};

static WeirNext
settle (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Keeper *keeper = self;
  for (gint64 i = 0; i < keeper->seen; i++) {
    weir_record_release (keeper->kept[i]);
  }
  keeper->seen = 0;
  return WEIR_MORE;
}

static WeirNext
keep (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  Keeper *keeper = self;
  if (record->size == 3 && memcmp (record->data, "bad", 3) == 0) {
    return weir_stage_fail (stage, "bad");
  }
  keeper->kept[keeper->seen++] = weir_record_keep (stage, record);
  return keeper->seen == keeper->at_a_time ? settle (stage, self) : WEIR_MORE;
}

static const WeirRole keeper = { .summary = "Keeps",
                                 .options = keeper_options,
                                 .state_size = sizeof (Keeper),
                                 .open = fine,
                                 .consume = keep,
                                 .settle = settle,
                                 .end = settle,
                                 .close = nothing };

START_TEST (what_was_kept_comes_again)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeper, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_restarts (harness);
  ck_assert (weir_harness_start (harness));
  weir_harness_push_text (harness, "a");
  weir_harness_push_text (harness, "b");
  weir_harness_push_text (harness, "c");
  weir_harness_push_text (harness, "d");
  ck_assert (weir_harness_run (harness));
  ck_assert_uint_eq (weir_harness_figure (harness, "kept"), 1);
  weir_harness_fail (harness, "the disk has gone");
  weir_harness_expect_state (harness, "down");
  weir_harness_expect_error (harness, "the disk has gone");
  weir_harness_push_text (harness, "e");
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_calls (harness, "open consume(a) consume(b) consume(c) consume(d) close");
  weir_harness_advance (harness, 100 * MILLISECOND);
  weir_harness_expect_state (harness, "running");
  weir_harness_expect_calls (harness, "open consume(d) consume(e)");
  ck_assert_uint_eq (weir_harness_figure (harness, "restarts"), 1);
  ck_assert_uint_eq (weir_harness_figure (harness, "redelivered"), 1);
  ck_assert (weir_harness_finish (harness));
  ck_assert (weir_harness_balances (harness));
}
END_TEST

/* Until it is open again. */
static gint64
time_down (WeirHarness *harness, gint64 most)
{
  guint64 before = weir_harness_figure (harness, "restarts");
  gint64 from = weir_harness_now (harness);
  while (weir_harness_figure (harness, "restarts") == before && weir_harness_now (harness) - from <= most) {
    weir_harness_advance (harness, 100);
  }
  return weir_harness_now (harness) - from;
}

START_TEST (it_waits_longer_each_time_and_no_longer_than_half_a_minute)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeper, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_restarts (harness);
  ck_assert (weir_harness_start (harness));
  weir_harness_push_text (harness, "bad");
  ck_assert (weir_harness_run (harness));
  gint64 longest = 100 * MILLISECOND;
  for (guint i = 0; i < 12; i++) {
    gint64 down = time_down (harness, 31 * SECOND);
    ck_assert_int_ge (down, longest / 2);
    ck_assert_int_le (down, longest + 100);
    longest = MIN (longest * 2, 30 * SECOND);
  }
  ck_assert (strstr (weir_harness_log (harness), "bad; it restarts in 0.") != NULL);
}
END_TEST

START_TEST (it_begins_anew_once_it_has_run_for_a_minute)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeper, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_restarts (harness);
  ck_assert (weir_harness_start (harness));
  for (guint i = 0; i < 6; i++) {
    weir_harness_fail (harness, "once more");
    weir_harness_advance (harness, 30 * SECOND);
  }
  weir_harness_expect_state (harness, "running");
  weir_harness_advance (harness, 60 * SECOND);
  weir_harness_fail (harness, "at last");
  ck_assert_int_le (time_down (harness, SECOND), 100 * MILLISECOND + 100);
}
END_TEST

START_TEST (its_options_are_as_they_were)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeper, WEIR_HARNESS_CONSUMER, "{\"at_a_time\": 2}");
  weir_harness_set_restarts (harness);
  ck_assert (weir_harness_start (harness));
  ((Keeper *) weir_harness_self (harness))->at_a_time = 7;
  weir_harness_fail (harness, "away");
  weir_harness_advance (harness, 100 * MILLISECOND);
  ck_assert_int_eq (((Keeper *) weir_harness_self (harness))->at_a_time, 2);
}
END_TEST

START_TEST (a_stop_hurries_it)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeper, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_restarts (harness);
  ck_assert (weir_harness_start (harness));
  weir_harness_push_text (harness, "a");
  ck_assert (weir_harness_run (harness));
  weir_harness_fail (harness, "away");
  weir_harness_stop (harness);
  weir_harness_expect_state (harness, "closed");
  weir_harness_expect_error (harness, NULL);
  weir_harness_expect_calls (harness, "open consume(a) close open consume(a) end close");
  ck_assert (weir_harness_balances (harness));
}
END_TEST

START_TEST (a_halt_leaves_it_closed)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeper, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_restarts (harness);
  ck_assert (weir_harness_start (harness));
  weir_harness_push_text (harness, "a");
  ck_assert (weir_harness_run (harness));
  weir_harness_fail (harness, "away");
  weir_harness_halt (harness);
  weir_harness_expect_state (harness, "closed");
  weir_harness_expect_calls (harness, "open consume(a) close");
  ck_assert_uint_eq (weir_harness_link_figure (harness, "input", "queued"), 1);
  ck_assert (weir_harness_balances (harness));
}
END_TEST

int
main (void)
{
  weir_harness_set_mismatch (mismatch);
  Suite *suite = suite_create ("harness-restart");
  TCase *cases = tcase_create ("harness-restart");
  tcase_add_test (cases, what_was_kept_comes_again);
  tcase_add_test (cases, it_waits_longer_each_time_and_no_longer_than_half_a_minute);
  tcase_add_test (cases, it_begins_anew_once_it_has_run_for_a_minute);
  tcase_add_test (cases, its_options_are_as_they_were);
  tcase_add_test (cases, a_stop_hurries_it);
  tcase_add_test (cases, a_halt_leaves_it_closed);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failures = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failures != 0;
}
