/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of origins: what a producer is told of the records it has emitted under a token, and when. The fakes check that each is told
 * once, on the worker, never inside another callback, and before close(). */
#include "delivery.h"

/* ---- delivered ---- */

START_TEST (it_is_told_when_the_taker_has_given_it_back)
{
  Way way = way_begin (&pusher_under, &keeper, 10);
  fake_do (way.push, emit_a_under);
  rig_until_noted (way.rig, way.end, "consume(a)", 1);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start looked");
  fake_do (way.end, fake_release_all);
  rig_until_noted (way.rig, way.push, "delivered(a,DELIVERED)", 1);
  way_finish (&way);
  fake_assert_events (way.push, "open start looked delivered(a,DELIVERED) close");
  rig_free (way.rig);
}
END_TEST

START_TEST (each_is_told_for_itself)
{
  Way way = way_begin (&pusher_under, &valve, 10);
  fake_do (way.push, emit_abc);
  fake_allow (way.end, 2);
  rig_until_noted (way.rig, way.push, "delivered(b,DELIVERED)", 1);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start delivered(a,DELIVERED) delivered(b,DELIVERED) looked");
  fake_allow (way.end, 3);
  way_finish (&way);
  rig_free (way.rig);
}
END_TEST

START_TEST (it_waits_for_the_last_taker_of_a_fan_out)
{
  Way way = way_with (&pusher_under, &keeper, queue_of (10));
  Fake *second = rig_add (way.rig, "second", WEIR_CONSUMER, &valve, NULL);
  rig_link (way.rig, way.push, second, 10);
  rig_begin (way.rig);
  fake_do (way.push, emit_a_under);
  rig_until_noted (way.rig, way.end, "consume(a)", 1);
  rig_until_noted (way.rig, second, "consume(a)", 1);
  fake_do (way.end, fake_release_all);
  fake_look (way.end, NULL);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start looked");
  fake_allow (second, 1);
  rig_until_noted (way.rig, way.push, "delivered(a,DELIVERED)", 1);
  way_finish (&way);
  rig_free (way.rig);
}
END_TEST

static const Script sieve = { .consume = take };

START_TEST (a_record_that_is_filtered_away_is_delivered)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers_under, NULL);
  Fake *filter = rig_add (rig, "sieve", WEIR_TRANSFORM, &sieve, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  pull->most = 3;
  rig_link (rig, pull, filter, 10);
  rig_link (rig, filter, end, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pull->told[WEIR_DELIVERED]), 3);
  ck_assert_int_eq (atomic_load (&end->counted), 0);
  rig_free (rig);
}
END_TEST

static WeirNext
emit_twice (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  fake_emit (fake, "one");
  fake_emit (fake, "two");
  return WEIR_MORE;
}

static const Script doubler = { .consume = emit_twice };

START_TEST (it_waits_for_all_that_a_transform_makes_of_it)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher_under, NULL);
  Fake *twice = rig_add (rig, "double", WEIR_TRANSFORM, &doubler, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, twice, 10);
  rig_link (rig, twice, end, 10);
  rig_begin (rig);
  fake_allow (end, 1);
  fake_do (push, emit_a_under);
  rig_until_noted (rig, end, "consume(two)", 1);
  fake_look (push, "looked");
  fake_assert_events (push, "open start looked");
  fake_allow (end, 2);
  rig_until_noted (rig, push, "delivered(a,DELIVERED)", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  rig_free (rig);
}
END_TEST

static WeirNext
keep_tagged (Fake *fake, const WeirRecord *record)
{
  ck_assert_str_eq (weir_record_tag (record, "own"), "yes");
  fake_note (fake, "stream%s", record->stream != 0 ? "" : ":none");
  return keep (fake, record);
}

static WeirNext
tag_again (Fake *fake, const WeirRecord *record)
{
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "own", "yes");
  weir_stage_set_tags (fake->stage, tags);
  fake_forward (fake, record);
  return WEIR_MORE;
}

static void
emit_in_stream (Fake *fake)
{
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "path", "one");
  fake_begin (fake, "a");
  guint32 stream = weir_stream_open (fake->stage, tags);
  weir_stream_use (fake->stage, stream);
  fake_emit (fake, "a");
  weir_stream_close (fake->stage, stream);
  fake_end (fake);
}

static const Script tagger = { .consume = tag_again };
static const Script keeps_tagged = { .consume = keep_tagged, .settle = settle_later };

START_TEST (tags_and_streams_keep_it)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher_under, NULL);
  Fake *tag = rig_add (rig, "tag", WEIR_TRANSFORM, &tagger, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &keeps_tagged, NULL);
  rig_link (rig, push, tag, 10);
  rig_link (rig, tag, end, 10);
  rig_begin (rig);
  fake_do (push, emit_in_stream);
  rig_until_noted (rig, end, "stream", 1);
  fake_look (push, "looked");
  fake_assert_events (push, "open start looked");
  fake_do (end, fake_release_all);
  rig_until_noted (rig, push, "delivered(a,DELIVERED)", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  rig_free (rig);
}
END_TEST

/* ---- rejected ---- */

static WeirNext
reject (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return weir_stage_reject (fake->stage, "bad");
}

static void
reject_kept (Fake *fake)
{
  for (guint i = 0; i < fake->kept->len; i++) {
    weir_record_reject (g_ptr_array_index (fake->kept, i), "bad");
  }
  g_ptr_array_set_size (fake->kept, 0);
}

static const Script rejecter = { .consume = reject };

START_TEST (a_rejected_one_waits_until_it_has_been_kept_elsewhere)
{
  Way way = way_with (&pusher_under, _i == 0 ? &rejecter : &keeper, queue_of (10));
  Fake *bad = rig_add (way.rig, "bad", WEIR_CONSUMER, &valve, NULL);
  rig_link_with (way.rig, way.end, WEIR_PORT_REJECTED, bad, queue_of (10));
  rig_begin (way.rig);
  fake_do (way.push, emit_a_under);
  rig_until_noted (way.rig, way.end, "consume(a)", 1);
  if (_i == 1) {
    fake_do (way.end, reject_kept);
  }
  rig_until_noted (way.rig, bad, "consume(a)", 1);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start looked");
  fake_allow (bad, 1);
  rig_until_noted (way.rig, way.push, "delivered(a,REJECTED)", 1);
  way_finish (&way);
  rig_free (way.rig);
}
END_TEST

/* ---- dropped ---- */

static void
emit_most_under (Fake *fake)
{
  while (fake->next < fake->most) {
    produce_number_under (fake);
  }
}

START_TEST (what_a_lossy_link_drops_is_told_as_dropped)
{
  WeirQueueSettings settings = queue_of (4);
  settings.when_full = _i == 0 ? WEIR_WHEN_FULL_DROP_NEWEST : WEIR_WHEN_FULL_DROP_OLDEST;
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher_under, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, "together");
  rig_link_with (rig, push, 0, end, settings);
  rig_begin (rig);
  push->most = 6;
  fake_do (push, emit_most_under); /* all before the end can take any */
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  for (gint64 i = 0; i < 6; i++) {
    gboolean dropped = _i == 0 ? i >= 4 : i < 2;
    g_autofree char *event = g_strdup_printf ("delivered(%" G_GINT64_FORMAT ",%s)", i,
                                              dropped ? "DROPPED" : "DELIVERED");
    ck_assert_uint_eq (fake_count (push, event), 1);
  }
  rig_free (rig);
}
END_TEST

static WeirNext
take_one (Fake *fake, const WeirRecord *record)
{
  take (fake, record);
  return WEIR_DONE;
}

static const Script head = { .consume = take_one };

START_TEST (what_a_taker_that_has_enough_leaves_is_told_as_dropped)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher_under, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &head, "together");
  rig_link (rig, push, end, 10);
  rig_begin (rig);
  fake_do (push, emit_abc);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (push, "delivered(a,DELIVERED)"), 1);
  ck_assert_uint_eq (fake_count (push, "delivered(b,DROPPED)"), 1);
  ck_assert_uint_eq (fake_count (push, "delivered(c,DROPPED)"), 1);
  rig_free (rig);
}
END_TEST

/* ---- when nothing is emitted, or it is left open ---- */

static void
begin_and_end (Fake *fake)
{
  fake_begin (fake, "a");
  fake_end (fake);
  fake_begin (fake, NULL);
  fake_end (fake);
  fake_end (fake); /* nothing is open: nothing happens */
  fake_note (fake, "behind");
}

START_TEST (nothing_emitted_is_told_behind_the_callback)
{
  Way way = way_begin (&pusher_under, &taker, 10);
  fake_do (way.push, begin_and_end);
  way_finish (&way);
  fake_assert_events (way.push, "open start behind delivered(a,DELIVERED) delivered(NULL,DELIVERED) close");
  rig_free (way.rig);
}
END_TEST

static void
begin_twice (Fake *fake)
{
  fake_begin (fake, "a");
  fake_emit (fake, "one");
  fake_begin (fake, "b");
  fake_emit (fake, "two");
}

START_TEST (a_second_one_ends_the_first)
{
  Way way = way_begin (&pusher_under, &valve, 10);
  fake_do (way.push, begin_twice);
  fake_allow (way.end, 2);
  rig_until_noted (way.rig, way.push, "delivered(a,DELIVERED)", 1);
  rig_until_noted (way.rig, way.end, "consume(two)", 1);
  fake_look (way.end, NULL);
  fake_look (way.push, "looked");
  ck_assert_uint_eq (fake_count (way.push, "delivered(b,DELIVERED)"), 0);
  fake_do (way.push, fake_end);
  rig_until_noted (way.rig, way.push, "delivered(b,DELIVERED)", 1);
  way_finish (&way);
  rig_free (way.rig);
}
END_TEST

static void
begin_a (Fake *fake)
{
  fake_begin (fake, "a");
}

static void
emit_one (Fake *fake)
{
  fake_emit (fake, "one");
}

START_TEST (it_lasts_over_callbacks_until_the_output_ends)
{
  Way way = way_begin (&pusher_under, &taker, 10);
  fake_do (way.push, begin_a);
  fake_do (way.push, emit_one);
  fake_do (way.push, emit_one);
  rig_until_noted (way.rig, way.end, "consume(one)", 2);
  fake_look (way.end, NULL);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start looked");
  way_finish (&way);
  fake_assert_events (way.push, "open start looked delivered(a,DELIVERED) close");
  rig_free (way.rig);
}
END_TEST

static const Script untold = { 0 };

START_TEST (without_delivered_it_does_nothing)
{
  Way way = way_begin (&untold, &keeper, 10);
  fake_do (way.push, emit_a_under);
  rig_until_noted (way.rig, way.end, "consume(a)", 1);
  fake_look (way.end, NULL);
  ck_assert_ptr_null (((WeirRecord *) g_ptr_array_index (way.end->kept, 0))->context);
  fake_do (way.end, fake_release_all);
  way_finish (&way);
  rig_free (way.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, it_is_told_when_the_taker_has_given_it_back);
  tcase_add_test (tcase, each_is_told_for_itself);
  tcase_add_test (tcase, it_waits_for_the_last_taker_of_a_fan_out);
  tcase_add_test (tcase, a_record_that_is_filtered_away_is_delivered);
  tcase_add_test (tcase, it_waits_for_all_that_a_transform_makes_of_it);
  tcase_add_test (tcase, tags_and_streams_keep_it);
  tcase_add_loop_test (tcase, a_rejected_one_waits_until_it_has_been_kept_elsewhere, 0, 2);
  tcase_add_loop_test (tcase, what_a_lossy_link_drops_is_told_as_dropped, 0, 2);
  tcase_add_test (tcase, what_a_taker_that_has_enough_leaves_is_told_as_dropped);
  tcase_add_test (tcase, nothing_emitted_is_told_behind_the_callback);
  tcase_add_test (tcase, a_second_one_ends_the_first);
  tcase_add_test (tcase, it_lasts_over_callbacks_until_the_output_ends);
  tcase_add_test (tcase, without_delivered_it_does_nothing);
}

int
main (void)
{
  return run_suite ("origins", add);
}
