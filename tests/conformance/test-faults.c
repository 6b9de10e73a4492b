/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of pausing and resuming that others had to mend, each shown not to be here: what is told, when, and by which state.
 * Their interleavings are searched by tests/model (the mutants FLAG_AFTER_CALLBACK, RESUME_ABOVE_LOW, RESUME_AT_FIRST_LINK);
 * faults of ending are in test-faults-ends.c, those of limits and counters in test-faults-limits.c. */
#include "tests/conformance/sides.h"
#include "tests/unit/link-bed.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- a late wake-up taken for news ---- */

START_TEST (fault_a_late_wake_up_is_not_taken_for_news)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  sides_let (&sides, 1);
  fake_emits (sides.producer, setting_at[_i].high);
  for (guint i = 0; i < 3; i++) {
    weir_task_make_ready (sides.link->producer); /* as the taker does at low: this one comes late */
    weir_stage_wake (sides.producer->stage);
    weir_link_make_ready (sides.link);
    fake_look (sides.producer, "late");
    fake_look (sides.consumer, "late");
  }
  sides_let (&sides, 2);
  sides_finish (&sides);
  fake_assert_events (sides.consumer, "open start take(high) late late late take(high) end close");
  sides_end (&sides, "open start emit(high) pause FALSE resume emit(high) pause FALSE late late late resume close");
}
END_TEST

START_TEST (fault_a_late_wake_up_makes_no_record_taken)
{
  Sides sides = sides_begin (_i, &pusher, &valve);
  fake_look (sides.consumer, NULL);
  sides.consumer->quiet = FALSE; /* it notes what it is offered; nothing has come to it yet */
  fake_emits (sides.producer, 1);
  rig_until_noted (sides.rig, sides.consumer, "consume(x)", 1);
  weir_link_make_ready (sides.link);
  fake_look (sides.consumer, "no_wake");
  weir_stage_wake (sides.consumer->stage);
  fake_look (sides.consumer, "woken");
  sides_finish (&sides);
  fake_assert_events (sides.consumer, "open start consume(x) no_wake consume(x) woken consume(x) end close");
  sides_end (&sides, "open start emit(1) TRUE close");
}
END_TEST

/* ---- state set after the callback instead of before ---- */

static void
note_state (Fake *fake)
{
  const WeirLink *link = fake->stage->ports[0].links[0];
  fake_note (fake, "%s_%s_%s", weir_stage_paused (fake->stage) ? "paused" : "free",
             weir_load_relaxed (&link->full) != 0 ? "full" : "low",
             weir_stage_room (fake->stage) > 0 ? "room" : "none");
}

static void
note_state_and_emit (Fake *fake)
{
  note_state (fake);
  emit_noted (fake, 1);
}

static const Script looks = { .pause = note_state, .resume = note_state_and_emit, .stop = note_state_and_emit };

START_TEST (fault_state_is_set_before_the_callback)
{
  Sides sides = sides_begin (_i, &looks, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  sides_let (&sides, 1);
  rig_stop (sides.rig);
  fake_allow (sides.consumer, 2);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_STOPPED);
  sides_end (&sides, "open start emit(high) pause paused_full_none FALSE resume free_low_room emit(1) TRUE stop "
                     "free_low_room emit(1) FALSE close");
}
END_TEST

/* ---- level and paused state in two words that disagree ---- */

/* What the marks say of a level. */
static gboolean
high_and_not_full (WeirBed *bed)
{
  WeirLink *link = bed->link;
  return !weir_bed_full (bed) && (link->put_private - link->done_private >= link->limits->records.high ||
                                  link->put_bytes_private - link->done_bytes_private >= link->limits->bytes.high);
}

START_TEST (fault_level_and_paused_state_never_disagree)
{
  WeirQueueSettings queue = setting_at[_i].queue;
  queue.records = 40;
  WeirBed *bed = weir_bed_new (&queue);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1234);
  guint pauses = 0;
  for (guint i = 0; i < 50000; i++) {
    gboolean before = weir_bed_full (bed), filling = i / 100 % 2 == 0;
    switch (g_rand_int_range (rand, 0, 4)) {
    case 0:
    case 1:
      if (weir_link_below_hard (bed->link)) {
        weir_bed_put_sized (bed, (gsize) g_rand_int_range (rand, 1, filling ? 6 : 2), setting_at[_i].high / 32, 0);
      }
      ck_assert (!high_and_not_full (bed));
      pauses += !before && weir_bed_full (bed) ? 1 : 0;
      break;
    case 2:
      weir_bed_publish (bed);
      weir_bed_take (bed, (gsize) g_rand_int_range (rand, 1, filling ? 4 : 16));
      ck_assert (before == weir_bed_full (bed)); /* the taker never clears it */
      break;
    default:
      ck_assert (weir_link_recheck (bed->link) == (before && weir_link_at_low (bed->link)));
      ck_assert (!(weir_bed_full (bed) && weir_link_at_low (bed->link)));
      break;
    }
  }
  ck_assert_uint_gt (pauses, 100);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).pauses, pauses);
  weir_bed_free (bed);
}
END_TEST

/* ---- waiting before the consumer has been woken ---- */

static void
emit_to_hard_and_beyond (Fake *fake)
{
  gsize high = side_high (fake);
  const gsize sizes[] = { high, high - 1, 1, 1 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    emit_noted (fake, sizes[i]);
  }
}

/* The last but one lies unpublished in the other link, far below where a put would publish it. */
START_TEST (fault_consumers_are_woken_before_the_wait)
{
  Sides sides = sides_new (_i, &pusher, &taps);
  Fake *other = side_add (sides.rig, _i, "other", WEIR_CONSUMER, &taps);
  WeirQueueSettings wide = setting_at[_i].queue;
  wide.bytes *= 64;
  rig_link_with (sides.rig, sides.producer, 0, other, wide);
  atomic_store (&other->allowed, G_MAXINT64);
  rig_begin (sides.rig);
  fake_do (sides.producer, emit_to_hard_and_beyond);
  rig_until_noted (sides.rig, other, "take(1)", 1);
  rig_until_held (sides.rig, sides.producer);
  fake_assert_events (other, "open start take(high) take(high-1) take(1)");
  sides_let (&sides, 3);
  rig_until_noted (sides.rig, other, "take(1)", 2);
  sides_let (&sides, 4);
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high) pause FALSE emit(high-1) FALSE emit(1) FALSE emit(1) FALSE resume close");
}
END_TEST

/* ---- several reasons in one flag ---- */

static const guint orders[][4] = {
  { 0, 1, 2, 3 }, { 0, 1, 3, 2 }, { 0, 2, 1, 3 }, { 0, 2, 3, 1 }, { 0, 3, 1, 2 }, { 0, 3, 2, 1 },
  { 1, 0, 2, 3 }, { 1, 0, 3, 2 }, { 1, 2, 0, 3 }, { 1, 2, 3, 0 }, { 1, 3, 0, 2 }, { 1, 3, 2, 0 },
  { 2, 0, 1, 3 }, { 2, 0, 3, 1 }, { 2, 1, 0, 3 }, { 2, 1, 3, 0 }, { 2, 3, 0, 1 }, { 2, 3, 1, 0 },
  { 3, 0, 1, 2 }, { 3, 0, 2, 1 }, { 3, 1, 0, 2 }, { 3, 1, 2, 0 }, { 3, 2, 0, 1 }, { 3, 2, 1, 0 },
};

/* Three full links and the operator: whichever goes last, the resume comes behind it. */
START_TEST (fault_several_reasons_are_no_flag)
{
  gint setting = _i % SETTINGS;
  const guint *order = orders[_i / SETTINGS];
  Sides sides = sides_new (setting, &pusher, &taps);
  Fake *takers[] = { sides.consumer, side_add (sides.rig, setting, "b", WEIR_CONSUMER, &taps),
                     side_add (sides.rig, setting, "c", WEIR_CONSUMER, &taps) };
  side_link (sides.rig, setting, sides.producer, takers[1]);
  side_link (sides.rig, setting, sides.producer, takers[2]);
  rig_begin (sides.rig);
  fake_emits (sides.producer, setting_at[setting].high);
  fake_operator_pauses (sides.producer, TRUE);
  for (guint i = 0; i < 4; i++) {
    fake_look (sides.producer, (const char *[]){ "four", "three", "two", "one" }[i]);
    if (order[i] < 3) {
      side_let (takers[order[i]], 1);
    } else {
      fake_operator_pauses (sides.producer, FALSE);
    }
  }
  fake_look (sides.producer, "none");
  sides_finish (&sides);
  sides_end (&sides, "open start emit(high) pause FALSE four three two one resume none close");
}
END_TEST

/* ---- a plugin that ignores pause ---- */

static void
emit_without_end (Fake *fake, gint64 count)
{
  for (gint64 i = 0; i < count; i++) {
    fake_emit_size (fake, side_quarter (fake));
  }
  fake_note (fake, "over");
  fake_finish (fake);
}

static const Script deaf = { .deaf = TRUE };

START_TEST (fault_a_plugin_that_ignores_pause_is_held_at_the_hard_limit)
{
  Sides sides = sides_begin (_i, &deaf, &valve);
  fake_do_with (sides.producer, emit_without_end, 100);
  rig_until_held (sides.rig, sides.producer);
  fake_allow (sides.consumer, G_MAXINT64);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  WeirLinkFigures figures = figures_of (sides.link);
  ck_assert_uint_eq (figures.out, 100);
  ck_assert_uint_le (figures.peak_bytes, setting_at[_i].high * 2 + setting_at[_i].high / 4 + 1);
  sides_end (&sides, "open start over close");
}
END_TEST

START_TEST (fault_a_plugin_that_ignores_pause_fails_by_name_where_it_would_hold_up_others)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &deaf, "together");
  Fake *other = rig_add (rig, "other", WEIR_CONSUMER, &valve, "together");
  push->data = (gpointer) &setting_at[_i];
  other->quiet = TRUE;
  side_link (rig, _i, push, other);
  rig_begin (rig);
  fake_do_with (push, emit_without_end, 100);
  rig_until_noted (rig, push, "close", 1);
  fake_allow (other, G_MAXINT64);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure,
                    "push: emitted past a full link: push:other is at its hard limit (8 records queued), and the stage "
                    "cannot wait there as it shares worker \"together\"; stop emitting when an emit answers FALSE");
  fake_assert_events (push, "open start over close");
  rig_free (rig);
}
END_TEST

/* ---- a paused input that reads and drops ---- */

static int ends[2];

static WeirNext
read_pipe (Fake *fake)
{
  gpointer to = weir_emit_begin (fake->stage, 4096);
  ssize_t got = read (ends[0], to, 4096);
  fake->emitting = TRUE;
  weir_emit_end (fake->stage, got > 0 ? (gsize) got : 0);
  fake->emitting = FALSE;
  if (got < 0) {
    return weir_stage_wait_fd (fake->stage, ends[0], G_IO_IN);
  }
  if (got == 0) {
    weir_stage_close_fd (fake->stage, ends[0]);
    return WEIR_DONE;
  }
  fake->next += got;
  return WEIR_MORE;
}

static WeirNext
take_bytes (Fake *fake, const WeirRecord *record)
{
  if (atomic_load (&fake->allowed) == 0) {
    return WEIR_WAIT;
  }
  for (gsize i = 0; i < record->size; i++) {
    if (record->data[i] != (guint8) (fake->next++ % 251)) {
      ck_abort_msg ("byte %d is wrong", (int) fake->next - 1);
    }
  }
  return take (fake, record);
}

static const Script reads = { .produce = read_pipe }, takes_bytes = { .consume = take_bytes };

/* As much as the pipe takes; answers what went in so far. */
static gint64
fill_pipe (gint64 written)
{
  for (;;) {
    guint8 bytes[1000];
    for (guint i = 0; i < sizeof bytes; i++) {
      bytes[i] = (guint8) ((written + i) % 251);
    }
    ssize_t put = write (ends[1], bytes, sizeof bytes);
    if (put < 0) {
      return written;
    }
    written += put;
  }
}

START_TEST (fault_a_paused_input_does_not_read)
{
  ck_assert_int_eq (pipe (ends), 0);
  for (guint i = 0; i < 2; i++) {
    ck_assert (g_unix_set_fd_nonblocking (ends[i], TRUE, NULL));
  }
  Sides sides = sides_new (_i, &reads, &takes_bytes);
  sides.producer->quiet = TRUE;
  rig_begin (sides.rig);
  gint64 written = 0;
  while (fake_count (sides.producer, "pause") == 0) {
    written = fill_pipe (written);
    fake_look (sides.producer, NULL);
  }
  written = fill_pipe (written);
  fake_look (sides.producer, "full");
  ck_assert_int_eq (fill_pipe (written), written); /* nobody has read: now the writer would wait */
  int waiting;
  ck_assert_int_eq (ioctl (ends[0], FIONREAD, &waiting), 0);
  ck_assert_uint_eq (figures_of (sides.link).bytes_in + (guint) waiting, (guint64) written);
  close (ends[1]);
  fake_allow (sides.consumer, 1);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (sides.consumer->next, written);
  fake_assert_events (sides.consumer, "open start end close");
  g_autofree char *events = fake_events (sides.producer);
  ck_assert_msg (g_str_has_prefix (events, "open start pause full resume "), "%s", events);
  rig_free (sides.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, fault_a_late_wake_up_is_not_taken_for_news, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_a_late_wake_up_makes_no_record_taken, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_state_is_set_before_the_callback, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_level_and_paused_state_never_disagree, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_consumers_are_woken_before_the_wait, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_several_reasons_are_no_flag, 0, SETTINGS * (int) G_N_ELEMENTS (orders));
  tcase_add_loop_test (tcase, fault_a_plugin_that_ignores_pause_is_held_at_the_hard_limit, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_a_plugin_that_ignores_pause_fails_by_name_where_it_would_hold_up_others, 0,
                       SETTINGS);
  tcase_add_loop_test (tcase, fault_a_paused_input_does_not_read, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("faults", add);
}
