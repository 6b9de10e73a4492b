/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 27, 28, 34 and 35: a plugin hears of changes only, wherever it stands and however many reasons there are. */
#include "tests/conformance/sides.h"

START_TEST (row_27_pause_and_resume_are_idempotent)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_operator_pauses (sides.producer, FALSE);
  fake_look (sides.producer, "never_paused");
  for (guint i = 0; i < 2; i++) {
    fake_operator_pauses (sides.producer, TRUE);
    fake_look (sides.producer, "paused");
  }
  for (guint i = 0; i < 2; i++) {
    fake_operator_pauses (sides.producer, FALSE);
    fake_look (sides.producer, "resumed");
  }
  sides_finish (&sides);
  sides_end (&sides, "open start never_paused pause paused paused resume resumed resumed close");
}
END_TEST

START_TEST (row_27_resume_after_the_loss_does_nothing)
{
  Sides sides = sides_new (_i, &pusher, &taps);
  Fake *second = side_add (sides.rig, _i, "second", WEIR_PRODUCER, &pusher); /* so that it is not over */
  Fake *other = side_add (sides.rig, _i, "other", WEIR_CONSUMER, &taps);
  side_link (sides.rig, _i, second, other);
  rig_begin (sides.rig);
  fake_operator_pauses (sides.producer, TRUE);
  fake_look (sides.producer, "paused");
  fake_do (sides.consumer, fake_finish);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  fake_operator_pauses (sides.producer, FALSE);
  fake_look (sides.producer, "lost");
  fake_operator_pauses (sides.producer, TRUE);
  fake_look (sides.producer, "lost");
  fake_do (second, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  sides_end (&sides, "open start pause paused stop close lost lost");
}
END_TEST

/* ---- one record that becomes several ---- */

/* Five quarters of each record; fake->next: what is left of it. */
static WeirNext
split (Fake *fake)
{
  while (fake->next > 0) {
    fake->next--;
    if (!emit_noted (fake, side_quarter (fake))) {
      return WEIR_PRODUCE;
    }
  }
  return WEIR_DONE;
}

static WeirNext
split_record (Fake *fake, const WeirRecord *record)
{
  note_size (fake, "take", record->size);
  fake->next = 5;
  return split (fake);
}

static WeirNext
split_on (Fake *fake)
{
  fake_note (fake, "produce");
  return split (fake) == WEIR_DONE ? WEIR_DONE : WEIR_MORE;
}

static const Script splitter = { .consume = split_record, .produce = split_on };

START_TEST (row_28_a_splitter_stops_at_FALSE_and_is_paused_once)
{
  Rig *rig = rig_new ();
  Fake *push = side_add (rig, _i, "push", WEIR_PRODUCER, &pusher);
  Fake *middle = side_add (rig, _i, "middle", WEIR_TRANSFORM, &splitter);
  Fake *consumer = side_add (rig, _i, "consumer", WEIR_CONSUMER, &taps);
  side_link (rig, _i, push, middle);
  Sides sides = { rig, middle, consumer, side_link (rig, _i, middle, consumer) };
  rig_begin (rig);
  fake_emits (push, 1);
  rig_until_noted (rig, middle, "FALSE", 1);
  fake_look (middle, "full");
  sides_let (&sides, setting_at[_i].low);
  fake_look (middle, "over");
  fake_do (push, fake_finish);
  fake_allow (consumer, 5);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (sides.link).pauses, 1);
  fake_assert_events (consumer,
                      "open start take(high/4) take(high/4) take(high/4) take(high/4) take(high/4) end close");
  sides_end (&sides,
             "open start take(1) emit(high/4) TRUE emit(high/4) TRUE emit(high/4) TRUE emit(high/4) pause FALSE "
             "full resume produce emit(high/4) TRUE over end close");
}
END_TEST

/* ---- the membrane ---- */

/* Not full of one record of high bytes. */
static WeirQueueSettings
twice (gint setting)
{
  WeirQueueSettings queue = setting_at[setting].queue;
  queue.bytes *= 2;
  return queue;
}

/* The link before the membrane takes twice as much; it is at low when both records are gone, or one at the defaults. */
START_TEST (row_34_every_stage_hears_only_real_changes)
{
  Rig *rig = rig_new ();
  Fake *push = side_add (rig, _i, "push", WEIR_PRODUCER, &pusher);
  Fake *middle = side_add (rig, _i, "middle", WEIR_TRANSFORM, &passes);
  Fake *consumer = side_add (rig, _i, "consumer", WEIR_CONSUMER, &taps);
  rig_link_with (rig, push, 0, middle, twice (_i));
  Sides sides = { rig, middle, consumer, side_link (rig, _i, middle, consumer) };
  rig_begin (rig);
  fake_emits (push, setting_at[_i].high);
  rig_until_noted (rig, middle, "FALSE", 1);
  fake_look (middle, "full");
  fake_emits (push, setting_at[_i].high);
  fake_emits (push, setting_at[_i].high);
  for (guint i = 0; i < 3; i++) {
    weir_stage_wake (push->stage);
    weir_stage_wake (middle->stage);
    fake_look (push, "woken");
    fake_look (middle, "woken");
  }
  sides_let (&sides, 1);
  fake_look (push, "one");
  sides_let (&sides, 2);
  fake_look (push, "two");
  sides_let (&sides, 3);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, _i == PARITY
                              ? "open start emit(high) TRUE emit(high) TRUE emit(high) pause FALSE woken woken woken "
                                "one resume two close"
                              : "open start emit(high) TRUE emit(high) TRUE emit(high) pause FALSE woken woken woken "
                                "resume one two close");
  fake_assert_events (consumer, "open start take(high) take(high) take(high) end close");
  sides_end (&sides, "open start pass(high) pause FALSE full woken woken woken resume pass(high) pause FALSE resume "
                     "pass(high) pause FALSE resume end close");
}
END_TEST

START_TEST (row_35_a_middle_node_resumes_when_no_reason_is_left)
{
  Rig *rig = rig_new ();
  Fake *push = side_add (rig, _i, "push", WEIR_PRODUCER, &pusher);
  Fake *middle = side_add (rig, _i, "middle", WEIR_TRANSFORM, &passes);
  Fake *a = side_add (rig, _i, "a", WEIR_CONSUMER, &taps);
  Fake *b = side_add (rig, _i, "b", WEIR_CONSUMER, &taps);
  rig_link_with (rig, push, 0, middle, twice (_i));
  side_link (rig, _i, middle, a);
  side_link (rig, _i, middle, b);
  rig_begin (rig);
  fake_emits (push, setting_at[_i].high);
  rig_until_noted (rig, middle, "FALSE", 1);
  fake_operator_pauses (middle, TRUE);
  fake_look (middle, "three");
  side_let (a, 1);
  fake_look (middle, "two");
  fake_operator_pauses (middle, FALSE);
  fake_look (middle, "one");
  side_let (b, 1);
  fake_look (middle, "none");
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start emit(high) TRUE close");
  fake_assert_events (middle, "open start pass(high) pause FALSE three two one resume none end close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, row_27_pause_and_resume_are_idempotent, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_27_resume_after_the_loss_does_nothing, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_28_a_splitter_stops_at_FALSE_and_is_paused_once, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_34_every_stage_hears_only_real_changes, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_35_a_middle_node_resumes_when_no_reason_is_left, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("changes", add);
}
