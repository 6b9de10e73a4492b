/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 7 to 12, 16 and 17: what is full, when a push producer is told to pause and to resume, and what it may do inside. */
#include "tests/conformance/sides.h"

START_TEST (row_07_full_is_the_high_mark_and_not_a_byte_less)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high - 1);
  fake_look (sides.producer, "below");
  fake_emits (sides.producer, 1);
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high-1) TRUE below emit(1) pause FALSE close");
}
END_TEST

START_TEST (row_07_parity_is_above_65536)
{
  Sides sides = sides_begin (PARITY, &pusher, &taps);
  fake_emits (sides.producer, 65536);
  fake_look (sides.producer, "not_full");
  fake_emits (sides.producer, 1);
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high-1) TRUE not_full emit(1) pause FALSE close");
}
END_TEST

/* The parity setting has no limit of records of its own; each then counts as a byte at least, also an empty one. */
START_TEST (row_07_full_in_records)
{
  Sides sides = sides_begin (_i, &pusher, &valve);
  fake_emits_many (sides.producer, 0, _i == PARITY ? 65536 : 4095);
  fake_emits (sides.producer, 0);
  sides_finish (&sides);
  sides_end (&sides, _i == PARITY ? "open start emit(0)x65536 TRUE emit(0) pause FALSE close"
                                  : "open start emit(0)x4095 TRUE emit(0) pause FALSE close");
}
END_TEST

/* A fourth of a mebibyte held down by each 8 KiB. */
static void
emit_pinning (Fake *fake, gint64 count)
{
  static guint8 bytes[65536];
  for (gint64 i = 0; i < count; i++) {
    fake->emitting = TRUE;
    gboolean go_on = weir_emit_buffer (fake->stage, weir_buffer_wrap (bytes, sizeof bytes, NULL, NULL), bytes, 8192);
    fake->emitting = FALSE;
    if (!go_on) {
      fake_note (fake, "FALSE_at_%d", (int) i + 1);
      return;
    }
  }
}

/* With parity's bytes pinned bytes are never the first to be full: what views under an eighth of its buffer is copied. */
START_TEST (row_07_full_in_pinned_bytes)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_do_with (sides.producer, emit_pinning, 1000);
  rig_until_noted (sides.rig, sides.producer, "pause", 1);
  fake_look (sides.producer, NULL);
  sides_finish (&sides);
  sides_end (&sides, _i == PARITY ? "open start pause FALSE_at_9 close" : "open start pause FALSE_at_64 close");
}
END_TEST

START_TEST (row_07_full_in_age)
{
  Rig *rig = rig_new ();
  Fake *push = side_add (rig, _i, "push", WEIR_PRODUCER, &pusher);
  Fake *consumer = side_add (rig, _i, "consumer", WEIR_CONSUMER, &taps);
  WeirQueueSettings queue = setting_at[_i].queue;
  queue.age = 1000;
  Sides sides = { rig, push, consumer, rig_link_with (rig, push, 0, consumer, queue) };
  rig_begin (rig);
  fake_emits (push, 1);
  rig_until_noted (rig, push, "pause", 1);
  sides_let (&sides, 1);
  sides_finish (&sides);
  sides_end (&sides, "open start emit(1) TRUE pause resume close");
}
END_TEST

/* ---- inside write ---- */

static void
look_in_pause (Fake *fake)
{
  WeirLink *link = fake->stage->ports[0].links[0];
  note_size (fake, "queued", weir_load_relaxed (&link->put_bytes) - weir_load_relaxed (&link->done_bytes));
  fake_note (fake, weir_load_relaxed (&link->full) != 0 && weir_stage_paused (fake->stage) ? "set" : "not_set");
}

static const Script looks_in_pause = { .pause = look_in_pause };

START_TEST (row_08_pause_comes_inside_write_after_the_data_is_taken)
{
  Sides sides = sides_begin (_i, &looks_in_pause, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high) pause queued(high) set FALSE close");
}
END_TEST

START_TEST (row_09_writing_while_paused_is_taken_and_pauses_once)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_emits (sides.producer, 1);
  fake_emits (sides.producer, 1);
  sides_finish (&sides);
  fake_assert_events (sides.consumer, "open start take(high) take(1) take(1) end close");
  sides_end (&sides, "open start emit(high) pause FALSE emit(1) FALSE emit(1) FALSE close");
}
END_TEST

static void
emit_one_byte (Fake *fake)
{
  emit_noted (fake, 1);
}

/* Twisted's buffer grows. Here the third of these waits until there is room. */
START_TEST (row_09_the_slack_is_bounded)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_do (sides.producer, emit_one_byte);
  rig_until_held (sides.rig, sides.producer);
  fake_assert_events (sides.producer, "open start emit(high) pause FALSE emit(high) FALSE emit(1)");
  sides_let (&sides, 3);
  sides_finish (&sides);
  ck_assert_uint_le (figures_of (sides.link).peak_bytes, 2 * setting_at[_i].high);
  sides_end (&sides, "open start emit(high) pause FALSE emit(high) FALSE emit(1) FALSE resume close");
}
END_TEST

START_TEST (rows_10_12_one_resume_however_many_pauses)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_emits (sides.producer, 1);
  fake_emits (sides.producer, 1);
  sides_let (&sides, 3);
  weir_stage_wake (sides.producer->stage);
  fake_look (sides.producer, "drained");
  fake_emits (sides.producer, setting_at[_i].high);
  sides_let (&sides, 4);
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high) pause FALSE emit(1) FALSE emit(1) FALSE resume drained emit(high) pause "
                     "FALSE resume close");
}
END_TEST

START_TEST (rows_10_12_no_resume_without_a_pause)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high - 1);
  sides_let (&sides, 1);
  weir_stage_wake (sides.producer->stage);
  fake_look (sides.producer, "drained");
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high-1) TRUE drained close");
}
END_TEST

/* Parity resumes when all is taken, the defaults when half is. */
START_TEST (row_11_resume_comes_at_the_low_mark)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  for (guint i = 0; i < 4; i++) {
    fake_emits (sides.producer, (setting_at[_i].high + 3) / 4);
  }
  for (guint i = 1; i <= 4; i++) {
    sides_let (&sides, i);
    weir_stage_wake (sides.producer->stage);
    fake_look (sides.producer, (const char *[]){ "0", "1", "2", "3", "4" }[i]);
  }
  sides_finish (&sides);
  sides_end (&sides, _i == PARITY ? "open start emit(high/4) TRUE emit(high/4) TRUE emit(high/4) TRUE emit(high/4) "
                                    "pause FALSE 1 2 3 resume 4 close"
                                  : "open start emit(high/4) TRUE emit(high/4) TRUE emit(high/4) TRUE emit(high/4) "
                                    "pause FALSE 1 resume 2 3 4 close");
}
END_TEST

/* ---- inside resume and pause ---- */

static void
emit_in_resume (Fake *fake)
{
  if (fake->next++ == 0) {
    emit_noted (fake, side_high (fake));
  }
}

static const Script writes_in_resume = { .resume = emit_in_resume };

/* Twisted pauses inside the write; here the pause comes when resume() has returned, as no callback nests in it. */
START_TEST (row_16_resume_write_pause_is_remembered_and_resumes_again)
{
  Sides sides = sides_begin (_i, &writes_in_resume, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  sides_let (&sides, 1);
  fake_look (sides.producer, "full_again");
  sides_let (&sides, 2);
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high) pause FALSE resume emit(high) FALSE pause full_again resume close");
}
END_TEST

static void
emit_in_pause (Fake *fake)
{
  emit_noted (fake, 1);
}

static const Script writes_in_pause = { .pause = emit_in_pause };

START_TEST (row_17_writing_inside_pause_goes_into_slack)
{
  Sides sides = sides_begin (_i, &writes_in_pause, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_look (sides.producer, "full");
  sides_let (&sides, 2);
  sides_finish (&sides);
  fake_assert_events (sides.consumer, "open start take(high) take(1) end close");
  sides_end (&sides, "open start emit(high) pause emit(1) FALSE FALSE full resume close");
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, row_07_full_is_the_high_mark_and_not_a_byte_less, 0, SETTINGS);
  tcase_add_test (tcase, row_07_parity_is_above_65536);
  tcase_add_loop_test (tcase, row_07_full_in_records, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_07_full_in_pinned_bytes, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_07_full_in_age, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_08_pause_comes_inside_write_after_the_data_is_taken, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_09_writing_while_paused_is_taken_and_pauses_once, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_09_the_slack_is_bounded, 0, SETTINGS);
  tcase_add_loop_test (tcase, rows_10_12_one_resume_however_many_pauses, 0, SETTINGS);
  tcase_add_loop_test (tcase, rows_10_12_no_resume_without_a_pause, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_11_resume_comes_at_the_low_mark, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_16_resume_write_pause_is_remembered_and_resumes_again, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_17_writing_inside_pause_goes_into_slack, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("marks", add);
}
