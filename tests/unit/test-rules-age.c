/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the age limit of a link: time since put of the oldest record that is not done, looked at by a timer too, so that a
 * producer is paused though it emits nothing more. */
#include "fakes.h"

static void
emit_one (Fake *fake)
{
  produce_number (fake);
}

typedef struct {
  Rig *rig;
  Fake *push, *end;
  WeirLink *link;
} Pair;

static Pair
pair_new (const Script *push, gint64 age, WeirWhenFull when_full)
{
  Pair pair = { .rig = rig_new () };
  pair.push = rig_add (pair.rig, "push", WEIR_PRODUCER, push, NULL);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, &valve, NULL);
  pair.push->most = 100;
  WeirQueueSettings settings = queue_of (100);
  settings.age = age;
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

START_TEST (r17_the_oldest_record_too_old_pauses_without_another_put)
{
  gint64 start = g_get_monotonic_time ();
  Pair pair = pair_new (&pusher, 10000, WEIR_WHEN_FULL_PAUSE);
  fake_do (pair.push, emit_one);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  ck_assert_int_ge (g_get_monotonic_time () - start, 10000);
  ck_assert_uint_eq (figures_of (pair.link).queued, 1);
  fake_allow (pair.end, 1);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  pair_finish (&pair);
  fake_assert_events (pair.push, "open start pause resume close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (r17_it_resumes_when_the_oldest_is_young_enough)
{
  Pair pair = pair_new (&pusher, 500000, WEIR_WHEN_FULL_PAUSE);
  fake_do (pair.push, emit_one);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  fake_do (pair.push, emit_one); /* into slack */
  fake_look (pair.push, "two_queued");
  fake_allow (pair.end, 1); /* the second is there since far less than half of 500 ms */
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  rig_until_noted (pair.rig, pair.push, "pause", 2);
  fake_allow (pair.end, 2);
  rig_until_noted (pair.rig, pair.push, "resume", 2);
  pair_finish (&pair);
  fake_assert_events (pair.push, "open start pause two_queued resume pause resume close");
  rig_free (pair.rig);
}
END_TEST

/* Emits twice, 20 ms apart. */
static WeirNext
produce_two_apart (Fake *fake)
{
  if (fake->next == 0) {
    produce_number (fake);
    return weir_stage_wait_time (fake->stage, 20000);
  }
  if (fake->next == 1) {
    produce_number (fake);
    atomic_store (&fake->counted, g_get_monotonic_time ());
  }
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : WEIR_DONE;
}

static const Script apart = { .produce = produce_two_apart };

START_TEST (r17_it_stays_paused_until_the_oldest_is_younger_than_low)
{
  Pair pair = pair_new (&apart, 200000, WEIR_WHEN_FULL_PAUSE); /* low is 100 ms */
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  ck_assert_int_eq (pair.push->next, 2);
  /* The second is 180 ms old by now, if the machine had time for it. */
  gboolean older_than_low = g_get_monotonic_time () - atomic_load (&pair.push->counted) > 100000;
  fake_allow (pair.end, 1);
  rig_until_noted (pair.rig, pair.end, "consume(1)", 1);
  fake_look (pair.end, "took_one");
  weir_stage_wake (pair.push->stage);
  fake_look (pair.push, "still_paused");
  ck_assert (!older_than_low || fake_count (pair.push, "resume") == 0);
  fake_allow (pair.end, 2);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  fake_allow (pair.push, 1);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  rig_free (pair.rig);
}
END_TEST

static gboolean
emit_in_source (gpointer data)
{
  produce_number (data);
  return G_SOURCE_REMOVE;
}

static void
attach (Fake *fake)
{
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, emit_in_source, fake, NULL);
  weir_stage_attach (fake->stage, source);
}

START_TEST (r17_what_a_source_emitted_grows_old_too)
{
  Pair pair = pair_new (&pusher, 5000, WEIR_WHEN_FULL_PAUSE);
  fake_do (pair.push, attach);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  fake_allow (pair.end, 1);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  pair_finish (&pair);
  rig_free (pair.rig);
}
END_TEST

static WeirNext
produce_one_and_wait (Fake *fake)
{
  if (fake->next == 0) {
    return produce_number (fake);
  }
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : WEIR_DONE;
}

static const Script waiting = { .produce = produce_one_and_wait };

START_TEST (r17_a_pull_producer_that_waits_is_paused_too)
{
  Pair pair = pair_new (&waiting, 5000, WEIR_WHEN_FULL_PAUSE);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  weir_stage_wake (pair.push->stage); /* it is not asked */
  fake_look (pair.push, "paused");
  fake_allow (pair.end, 1);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  fake_allow (pair.push, 1);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r17_what_is_taken_in_time_pauses_nobody)
{
  Pair pair = pair_new (&pusher, 10 * G_USEC_PER_SEC, WEIR_WHEN_FULL_PAUSE);
  fake_allow (pair.end, 100);
  for (guint i = 0; i < 50; i++) {
    fake_do (pair.push, emit_one);
  }
  pair_finish (&pair);
  fake_assert_events (pair.push, "open start close");
  ck_assert_int_eq (atomic_load (&pair.end->counted), 50);
  rig_free (pair.rig);
}
END_TEST

/* There is no event for it, so this looks again and again. */
static void
until_expired (WeirLink *link, guint64 records)
{
  while (figures_of (link).dropped_by[WEIR_DROP_EXPIRED] < records) {
    g_main_context_iteration (NULL, FALSE);
    sched_yield ();
  }
}

START_TEST (r17_what_is_too_old_expires_without_another_put)
{
  Pair pair = pair_new (&pusher, 5000, WEIR_WHEN_FULL_DROP_OLDEST);
  fake_do (pair.push, emit_one);
  rig_until_noted (pair.rig, pair.end, "consume(0)", 1); /* which is not taken, but held; what follows is not */
  for (guint64 i = 1; i <= 3; i++) {
    fake_do (pair.push, emit_one);
    until_expired (pair.link, i);
  }
  ck_assert_uint_eq (figures_of (pair.link).queued, 1);
  fake_allow (pair.end, 100);
  pair_finish (&pair);
  fake_assert_events (pair.push, "open start close");
  ck_assert_int_eq (atomic_load (&pair.end->counted), 1);
  rig_free (pair.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r17_the_oldest_record_too_old_pauses_without_another_put);
  tcase_add_test (tcase, r17_it_resumes_when_the_oldest_is_young_enough);
  tcase_add_test (tcase, r17_it_stays_paused_until_the_oldest_is_younger_than_low);
  tcase_add_test (tcase, r17_what_a_source_emitted_grows_old_too);
  tcase_add_test (tcase, r17_a_pull_producer_that_waits_is_paused_too);
  tcase_add_test (tcase, r17_what_is_taken_in_time_pauses_nobody);
  tcase_add_test (tcase, r17_what_is_too_old_expires_without_another_put);
}

int
main (void)
{
  return run_suite ("rules-age", add);
}
