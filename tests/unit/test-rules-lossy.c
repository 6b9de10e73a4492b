/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lossy links (R11) and of the ledger (R12), whose balance rig_free() also looks at in every other test. */
#include "fakes.h"

static void
emit_most (Fake *fake)
{
  while (fake->next < fake->most) {
    char text[32];
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, fake->next++);
    ck_assert (fake_emit (fake, text)); /* a lossy link pauses nobody */
  }
}

typedef struct {
  Rig *rig;
  Fake *push, *end;
  WeirLink *link;
} Pair;

static Pair
pair_new (WeirWhenFull when_full, guint64 records, const char *thread, const Script *end)
{
  Pair pair = { .rig = rig_new () };
  pair.push = rig_add (pair.rig, "push", WEIR_PRODUCER, &pusher, thread);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, end, thread);
  WeirQueueSettings settings = queue_of (records);
  settings.bytes = records == 0 ? 4 : settings.bytes;
  settings.when_full = when_full;
  pair.link = rig_link_with (pair.rig, pair.push, 0, pair.end, settings);
  rig_begin (pair.rig);
  return pair;
}

static void
pair_finish (Pair *pair)
{
  fake_do (pair->push, fake_finish);
  ck_assert_int_eq (rig_finish (pair->rig), WEIR_RESULT_DONE);
}

START_TEST (r11_drop_newest_keeps_the_oldest)
{
  Pair pair = pair_new (WEIR_WHEN_FULL_DROP_NEWEST, 4, "together", &taker);
  pair.push->most = 10;
  fake_do (pair.push, emit_most);
  pair_finish (&pair);
  fake_assert_events (pair.push, "open start close");
  fake_assert_events (pair.end, "open start consume(0) consume(1) consume(2) consume(3) end close");
  WeirLinkFigures figures = figures_of (pair.link);
  ck_assert_uint_eq (figures.in, 10);
  ck_assert_uint_eq (figures.out, 4);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_FULL], 6);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r11_drop_oldest_keeps_the_newest)
{
  Pair pair = pair_new (WEIR_WHEN_FULL_DROP_OLDEST, 4, "together", &taker);
  pair.push->most = 10;
  fake_do (pair.push, emit_most);
  pair_finish (&pair);
  fake_assert_events (pair.push, "open start close");
  fake_assert_events (pair.end, "open start consume(6) consume(7) consume(8) consume(9) end close");
  WeirLinkFigures figures = figures_of (pair.link);
  ck_assert_uint_eq (figures.in, 10);
  ck_assert_uint_eq (figures.out, 4);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_FULL], 6);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r11_drop_oldest_spares_what_the_taker_holds)
{
  Pair pair = pair_new (WEIR_WHEN_FULL_DROP_OLDEST, 4, NULL, &valve);
  pair.push->most = 4;
  fake_do (pair.push, emit_most);
  rig_until_noted (pair.rig, pair.end, "consume(0)", 1); /* it has moved all four out of the ring */
  pair.push->most = 6;
  fake_do (pair.push, emit_most);
  fake_look (pair.push, "pushed");
  fake_allow (pair.end, 100);
  pair_finish (&pair);
  WeirLinkFigures figures = figures_of (pair.link);
  ck_assert_uint_eq (figures.in, 6);
  ck_assert_uint_eq (figures.out, 4);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_HELD], 2);
  g_autofree char *events = fake_events (pair.end);
  ck_assert_msg (g_str_has_suffix (events, "consume(0) consume(1) consume(2) consume(3) end close"), "%s", events);
  rig_free (pair.rig);
}
END_TEST

static WeirNext
check_rising (Fake *fake, const WeirRecord *record)
{
  g_autofree char *text = g_strndup ((const char *) record->data, record->size);
  gint64 number = g_ascii_strtoll (text, NULL, 10);
  ck_assert_int_ge (number, fake->next); /* what is left keeps its order */
  fake->next = number + 1;
  for (guint i = 0; i < 2000; i++) {
    weir_cpu_relax ();
  }
  return take (fake, record);
}

static const Script slow = { .consume = check_rising };

START_TEST (r11_drop_under_load_with_a_slow_taker)
{
  static const WeirWhenFull kinds[] = { WEIR_WHEN_FULL_DROP_NEWEST, WEIR_WHEN_FULL_DROP_OLDEST };
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &slow, NULL);
  pull->most = 50000;
  pull->quiet = end->quiet = TRUE;
  WeirQueueSettings settings = queue_of (100);
  settings.when_full = kinds[_i];
  WeirLink *link = rig_link_with (rig, pull, 0, end, settings);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  WeirLinkFigures figures = figures_of (link);
  ck_assert_uint_eq (figures.in, 50000);
  ck_assert_uint_gt (figures.dropped, 0);
  ck_assert_uint_eq (figures.dropped, figures.dropped_by[WEIR_DROP_FULL] + figures.dropped_by[WEIR_DROP_HELD]);
  ck_assert_uint_eq (figures.out, (guint64) atomic_load (&end->counted));
  ck_assert_uint_le (figures.peak_records, 100 + 64);
  if (_i == 1) {
    ck_assert_int_eq (end->next, 50000); /* the newest is never the one that is dropped */
  }
  fake_assert_events (pull, "open start close");
  rig_free (rig);
}
END_TEST

START_TEST (r11_a_lossy_branch_does_not_stall_the_other)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *stuck = rig_add (rig, "stuck", WEIR_CONSUMER, &valve, NULL);
  Fake *all = rig_add (rig, "all", WEIR_CONSUMER, &taker, NULL);
  pull->most = 1000;
  pull->quiet = all->quiet = TRUE;
  WeirQueueSettings settings = queue_of (4);
  settings.when_full = WEIR_WHEN_FULL_DROP_OLDEST;
  WeirLink *lossy = rig_link_with (rig, pull, 0, stuck, settings);
  rig_link (rig, pull, all, 4);
  rig_start (rig);
  rig_until_noted (rig, all, "close", 1);
  fake_allow (stuck, 100000);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&all->counted), 1000);
  ck_assert_uint_eq (figures_of (lossy).in, 1000);
  ck_assert_uint_le (figures_of (lossy).out, 8);
  rig_free (rig);
}
END_TEST

static void
close_streams (Fake *fake)
{
  for (guint i = 0; i < 8; i++) {
    weir_stream_close (fake->stage, weir_stream_open (fake->stage, NULL));
  }
}

START_TEST (r11_control_entries_alone_pause_even_a_lossy_link)
{
  static const WeirWhenFull kinds[] = { WEIR_WHEN_FULL_DROP_NEWEST, WEIR_WHEN_FULL_DROP_OLDEST };
  Pair pair = pair_new (kinds[_i % 2], _i < 2 ? 4 : 0, NULL, &valve); /* without a limit of records, each is a byte */
  pair.push->most = 1;
  fake_do (pair.push, emit_most);
  rig_until_noted (pair.rig, pair.end, "consume(0)", 1); /* which is not taken: what follows stays queued */
  fake_look (pair.end, "waits");
  fake_do (pair.push, close_streams);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  fake_allow (pair.end, 100);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  pair_finish (&pair);
  ck_assert_uint_eq (figures_of (pair.link).in, 1);
  ck_assert_uint_eq (figures_of (pair.link).out, 1);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r12_what_is_left_is_counted_by_walking_the_slots)
{
  Pair pair = pair_new (WEIR_WHEN_FULL_PAUSE, 100, NULL, &valve);
  weir_pipeline_set_shutdown (pair.rig->pipeline, 3000);
  pair.push->most = 90;
  fake_allow (pair.end, 10);
  fake_do (pair.push, emit_most);
  fake_do (pair.push, close_streams);
  rig_until_noted (pair.rig, pair.end, "consume(10)", 1);
  fake_do (pair.push, fake_finish);
  rig_until_noted (pair.rig, pair.push, "close", 1);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_UNDELIVERED);
  WeirLinkFigures figures = figures_of (pair.link);
  ck_assert_uint_eq (figures.in, 90);
  ck_assert_uint_eq (figures.out, 10);
  ck_assert_uint_eq (figures.queued, 80);
  ck_assert_uint_eq (weir_link_count_queued (pair.link), 80); /* and neither the ends of streams nor that of the link */
  rig_free (pair.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r11_drop_newest_keeps_the_oldest);
  tcase_add_test (tcase, r11_drop_oldest_keeps_the_newest);
  tcase_add_test (tcase, r11_drop_oldest_spares_what_the_taker_holds);
  tcase_add_loop_test (tcase, r11_drop_under_load_with_a_slow_taker, 0, 2);
  tcase_add_test (tcase, r11_a_lossy_branch_does_not_stall_the_other);
  tcase_add_loop_test (tcase, r11_control_entries_alone_pause_even_a_lossy_link, 0, 4);
  tcase_add_test (tcase, r12_what_is_left_is_counted_by_walking_the_slots);
}

int
main (void)
{
  return run_suite ("rules-lossy", add);
}
