/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of duplex stages: two halves side by side, which pause, wait and end apart (R1, R6, R10, R16). */
#include "fakes.h"

#include <sys/socket.h>
#include <unistd.h>

/* push -> both -> end, each on a worker of its own. */
typedef struct {
  Rig *rig;
  Fake *push, *both, *end;
  WeirLink *in, *out;
} Line;

static Line
line_new (const Script *both, const Script *end, guint64 records)
{
  Line line = { .rig = rig_new () };
  line.push = rig_add (line.rig, "push", WEIR_PRODUCER, &pusher, NULL);
  line.both = rig_add (line.rig, "both", WEIR_TRANSFORM, both, NULL);
  line.end = rig_add (line.rig, "end", WEIR_CONSUMER, end, NULL);
  line.in = rig_link (line.rig, line.push, line.both, records);
  line.out = rig_link (line.rig, line.both, line.end, records);
  return line;
}

static void
emit_ab (Fake *fake)
{
  fake_emit (fake, "a");
  fake_emit (fake, "b");
}

static void
emit_ab_and_finish (Fake *fake)
{
  emit_ab (fake);
  fake_finish (fake);
}

/* Emits up to what is allowed, then waits to be woken; ends at `most`. */
static WeirNext
answer (Fake *fake)
{
  if (fake->next == fake->most) {
    return WEIR_DONE;
  }
  return fake->next < atomic_load (&fake->allowed) ? produce_number (fake) : WEIR_WAIT;
}

static const Script both_ways = { .consume = take, .produce = answer, .flags = WEIR_DUPLEX };

START_TEST (r1_the_producing_half_pauses_alone)
{
  Line line = line_new (&both_ways, &valve, 2);
  line.both->most = 4;
  line.both->allowed = 4;
  rig_begin (line.rig);
  rig_until_noted (line.rig, line.both, "pause", 1);
  fake_do (line.push, emit_ab_and_finish);
  rig_until_noted (line.rig, line.both, "end", 1);
  fake_assert_events (line.both, "open start produce produce pause consume(a) consume(b) end");
  fake_allow (line.end, 4);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (fake_count (line.both, "stop"), 0);
  ck_assert_uint_eq (figures_of (line.out).out, 4);
  rig_free (line.rig);
}
END_TEST

static WeirNext
consume_waits (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return atomic_load (&fake->flag) > 0 ? WEIR_MORE : WEIR_WAIT;
}

static const Script input_waits = { .consume = consume_waits, .produce = answer, .flags = WEIR_DUPLEX };

START_TEST (r6_the_consuming_half_waits_alone)
{
  Line line = line_new (&input_waits, &taker, 10);
  line.both->most = 2;
  rig_begin (line.rig);
  fake_do (line.push, emit_ab_and_finish);
  rig_until_noted (line.rig, line.both, "consume(a)", 1);
  fake_allow (line.both, 1);
  rig_until_noted (line.rig, line.end, "consume(0)", 1);
  ck_assert_uint_eq (fake_count (line.both, "consume(b)"), 0);
  fake_flag (line.both, 1);
  fake_allow (line.both, 2);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (line.both, "consume(b)"), 1);
  rig_free (line.rig);
}
END_TEST

START_TEST (r6_the_producing_half_waits_alone)
{
  Line line = line_new (&both_ways, &taker, 10);
  line.both->most = 1;
  rig_begin (line.rig);
  rig_until_noted (line.rig, line.both, "produce", 1);
  fake_do (line.push, emit_ab);
  rig_until_noted (line.rig, line.both, "consume(b)", 1);
  fake_look (line.both, "looked");
  fake_assert_events (line.both, "open start produce consume(a) consume(b) looked");
  fake_allow (line.both, 1);
  rig_until_noted (line.rig, line.end, "end", 1);
  fake_do (line.push, fake_finish);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  rig_free (line.rig);
}
END_TEST

START_TEST (r10_the_input_ends_and_the_output_goes_on)
{
  Line line = line_new (&both_ways, &taker, 10);
  line.both->most = 2;
  rig_begin (line.rig);
  fake_do (line.push, emit_ab_and_finish);
  rig_until_noted (line.rig, line.both, "end", 1);
  fake_look (line.both, "half");
  ck_assert_uint_eq (fake_count (line.end, "end"), 0);
  fake_allow (line.both, 2);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  fake_assert_events (line.end, "open start consume(0) consume(1) end close");
  g_autofree char *events = fake_events (line.both);
  ck_assert_msg (g_str_has_suffix (events, "end half produce produce produce close"), "%s", events);
  rig_free (line.rig);
}
END_TEST

START_TEST (r10_the_output_ends_and_the_input_goes_on)
{
  Line line = line_new (&both_ways, &taker, 10);
  rig_begin (line.rig); /* most is 0: its output is over at once */
  rig_until_noted (line.rig, line.end, "close", 1);
  fake_do (line.push, emit_ab);
  rig_until_noted (line.rig, line.both, "consume(b)", 1);
  fake_do (line.push, fake_finish);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  fake_assert_events (line.both, "open start produce consume(a) consume(b) end close");
  fake_assert_events (line.end, "open start end close");
  rig_free (line.rig);
}
END_TEST

/* Push likewise: finish() ends the output alone. */
static const Script push_both = { .consume = take, .start = NULL, .flags = WEIR_DUPLEX };

START_TEST (r10_finish_ends_the_output_alone)
{
  Line line = line_new (&push_both, &taker, 10);
  rig_begin (line.rig);
  fake_do (line.both, emit_ab_and_finish);
  rig_until_noted (line.rig, line.end, "close", 1);
  fake_do (line.push, emit_ab_and_finish);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  fake_assert_events (line.both, "open start consume(a) consume(b) end close");
  fake_assert_events (line.end, "open start consume(a) consume(b) end close");
  rig_free (line.rig);
}
END_TEST

static WeirNext
take_one (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_DONE;
}

static const Script one = { .consume = take_one };

START_TEST (r16_it_is_stopped_when_its_output_has_no_taker_left)
{
  Line line = line_new (&both_ways, &one, 10);
  line.both->most = 100;
  rig_begin (line.rig); /* or it could be over before the last is started */
  fake_allow (line.both, 1);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  /* Before or after `push` was started. */
  ck_assert_uint_eq (fake_count (line.push, "stop"), 1);
  g_autofree char *events = fake_events (line.both);
  ck_assert_msg (g_str_has_suffix (events, "stop close"), "%s", events);
  rig_free (line.rig);
}
END_TEST

static WeirNext
flush_waits (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *records, G_GNUC_UNUSED gsize count)
{
  return WEIR_WAIT;
}

static const Script run_waits = { .flush = flush_waits, .produce = answer, .flags = WEIR_DUPLEX };

/* R12: what it had at hand was taken, and went nowhere. */
START_TEST (r16_what_is_at_hand_when_it_is_stopped_counts_as_dropped)
{
  Line line = line_new (&run_waits, &one, 10);
  line.both->most = 100;
  rig_begin (line.rig);
  fake_do (line.push, emit_ab);
  rig_until_noted (line.rig, line.both, "flush(2)", 1);
  fake_allow (line.both, 1);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  WeirLinkFigures figures = figures_of (line.in);
  ck_assert_uint_eq (figures.out, 0);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 2);
  rig_free (line.rig);
}
END_TEST

static const Script one_and_answer = { .consume = take_one, .produce = answer, .flags = WEIR_DUPLEX };

START_TEST (r16_enough_input_leaves_the_output)
{
  Line line = line_new (&one_and_answer, &taker, 10);
  line.both->most = 2;
  rig_begin (line.rig);
  fake_do (line.push, emit_ab);
  rig_until_noted (line.rig, line.push, "close", 1);
  fake_assert_events (line.push, "open start stop close");
  fake_allow (line.both, 2);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  fake_assert_events (line.end, "open start consume(0) consume(1) end close");
  ck_assert_uint_eq (figures_of (line.in).dropped_by[WEIR_DROP_TAKER_FINISHED], 1);
  rig_free (line.rig);
}
END_TEST

static WeirNext
reject (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return weir_stage_reject (fake->stage, "bad");
}

static const Script rejects = { .consume = reject, .produce = answer, .flags = WEIR_DUPLEX };

START_TEST (r1_full_rejected_pauses_both_halves)
{
  Line line = line_new (&rejects, &taker, 10);
  Fake *junk = rig_add (line.rig, "junk", WEIR_CONSUMER, &valve, NULL);
  WeirLink *rejected = rig_link_with (line.rig, line.both, WEIR_PORT_REJECTED, junk, queue_of (1));
  line.both->most = 1;
  rig_begin (line.rig);
  fake_do (line.push, emit_ab_and_finish);
  rig_until_noted (line.rig, line.both, "pause", 1);
  fake_look (line.both, "looked");
  ck_assert_uint_eq (fake_count (line.both, "consume(b)"), 0);
  fake_allow (junk, 2);
  rig_until_noted (line.rig, line.both, "end", 1);
  fake_allow (line.both, 1);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (rejected).out, 2);
  rig_free (line.rig);
}
END_TEST

static WeirNext
produce_nothing (Fake *fake)
{
  return fake->next++ < 20 ? WEIR_MORE : WEIR_DONE;
}

static const Script empty_turns = { .consume = take, .produce = produce_nothing, .flags = WEIR_DUPLEX };

START_TEST (r5_an_empty_produce_holds_up_no_input)
{
  Line line = line_new (&empty_turns, &taker, 10);
  rig_begin (line.rig);
  fake_do (line.push, emit_ab_and_finish);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (line.both, "produce"), 21);
  ck_assert_uint_eq (fake_count (line.both, "consume(b)"), 1);
  rig_free (line.rig);
}
END_TEST

/* Both halves wait for one socket: the output for something to read, the input for room. */
static int ends[2];

static WeirNext
open_socket (G_GNUC_UNUSED Fake *fake)
{
  return socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0 ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
read_socket (Fake *fake)
{
  char text[8];
  gssize count = read (ends[0], text, sizeof text - 1);
  if (count < 0) {
    return weir_stage_wait_fd (fake->stage, ends[0], G_IO_IN);
  }
  text[count] = '\0';
  if (count > 0) {
    fake_emit (fake, text);
  }
  return count > 0 ? WEIR_MORE : WEIR_DONE;
}

static WeirNext
write_socket (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  static const char zeros[65536];
  gboolean full = FALSE;
  while (write (ends[0], zeros, sizeof zeros) > 0) {
    full = TRUE;
  }
  /* Full now; and again after the next wake, until what lies in it was read. */
  return full && fake->counted++ == 0 ? weir_stage_wait_fd (fake->stage, ends[0], G_IO_OUT) : WEIR_MORE;
}

static void
close_socket (G_GNUC_UNUSED Fake *fake)
{
  close (ends[0]);
}

static const Script on_a_socket = {
  .open = open_socket, .consume = write_socket, .produce = read_socket, .close = close_socket, .flags = WEIR_DUPLEX
};

START_TEST (both_halves_wait_for_one_descriptor)
{
  Line line = line_new (&on_a_socket, &taker, 10);
  rig_begin (line.rig);
  rig_until_noted (line.rig, line.both, "produce", 1);
  fake_do (line.push, emit_ab);
  rig_until_noted (line.rig, line.both, "consume(a)", 1);
  /* What can be read wakes the one half. */
  ck_assert_int_eq (write (ends[1], "x", 1), 1);
  rig_until_noted (line.rig, line.end, "consume(x)", 1);
  fake_look (line.both, "read");
  fake_assert_events (line.both, "open start produce consume(a) produce produce read");
  /* What can be written wakes the other. */
  static char bytes[1 << 20];
  while (read (ends[1], bytes, sizeof bytes) > 0) {}
  rig_until_noted (line.rig, line.both, "consume(b)", 1);
  fake_look (line.both, "written");
  ck_assert_uint_eq (fake_count (line.both, "produce"), 3);
  close (ends[1]);
  fake_do (line.push, fake_finish);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  rig_free (line.rig);
}
END_TEST

static WeirNext
consume_later (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return fake->counted++ == 0 ? weir_stage_wait_time (fake->stage, 2000) : WEIR_MORE;
}

static WeirNext
produce_much_later (Fake *fake)
{
  return fake->next++ == 0 ? weir_stage_wait_time (fake->stage, (gint64) 3600 * G_USEC_PER_SEC) : WEIR_DONE;
}

static const Script on_time = { .consume = consume_later, .produce = produce_much_later, .flags = WEIR_DUPLEX };

START_TEST (each_half_has_a_timer_of_its_own)
{
  Line line = line_new (&on_time, &taker, 10);
  rig_begin (line.rig);
  rig_until_noted (line.rig, line.both, "produce", 1);
  fake_do (line.push, emit_ab_and_finish);
  rig_until_noted (line.rig, line.both, "end", 1);
  ck_assert_uint_eq (fake_count (line.both, "consume(a)"), 2);
  ck_assert_uint_eq (fake_count (line.both, "produce"), 1);
  weir_stage_wake (line.both->stage);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_DONE);
  rig_free (line.rig);
}
END_TEST

static WeirNext
fail_to_produce (Fake *fake)
{
  return weir_stage_fail (fake->stage, "the peer is gone");
}

static const Script fails = { .consume = take, .produce = fail_to_produce, .flags = WEIR_DUPLEX };

START_TEST (a_half_that_fails_takes_the_stage)
{
  Line line = line_new (&fails, &taker, 10);
  rig_start (line.rig);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (line.rig->failure, "both: the peer is gone");
  fake_assert_events (line.end, "open start end close");
  rig_free (line.rig);
}
END_TEST

START_TEST (r9_a_stop_ends_the_input_and_awaits_the_output)
{
  Line line = line_new (&both_ways, &taker, 10);
  line.both->most = 1;
  rig_begin (line.rig);
  rig_stop (line.rig);
  rig_until_noted (line.rig, line.both, "end", 1);
  fake_allow (line.both, 1);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (line.end, "open start consume(0) end close");
  ck_assert_uint_eq (fake_count (line.both, "stop"), 0);
  rig_free (line.rig);
}
END_TEST

static WeirNext
end_waits_for_a_stop (Fake *fake)
{
  if (!weir_stage_draining (fake->stage)) {
    return WEIR_WAIT;
  }
  fake_finish (fake);
  return WEIR_MORE;
}

static const Script waits_at_the_end = {
  .consume = take, .produce = answer, .end = end_waits_for_a_stop, .flags = WEIR_DUPLEX
};

/* Its end() waits by then, or comes only now. */
START_TEST (r9_a_stop_calls_an_end_that_waits)
{
  Line line = line_new (&waits_at_the_end, &taker, 10);
  line.both->most = 1;
  rig_begin (line.rig);
  if (_i == 1) {
    fake_do (line.push, fake_finish);
    rig_until_noted (line.rig, line.both, "end", 1);
    fake_look (line.both, "looked");
  }
  rig_stop (line.rig);
  ck_assert_int_eq (rig_finish (line.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (line.both, _i == 1 ? "open start produce end looked end close" : "open start produce end close");
  ck_assert (!line.rig->late);
  rig_free (line.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r1_the_producing_half_pauses_alone);
  tcase_add_test (tcase, r6_the_consuming_half_waits_alone);
  tcase_add_test (tcase, r6_the_producing_half_waits_alone);
  tcase_add_test (tcase, r10_the_input_ends_and_the_output_goes_on);
  tcase_add_test (tcase, r10_the_output_ends_and_the_input_goes_on);
  tcase_add_test (tcase, r10_finish_ends_the_output_alone);
  tcase_add_test (tcase, r16_it_is_stopped_when_its_output_has_no_taker_left);
  tcase_add_test (tcase, r16_what_is_at_hand_when_it_is_stopped_counts_as_dropped);
  tcase_add_test (tcase, r16_enough_input_leaves_the_output);
  tcase_add_test (tcase, r1_full_rejected_pauses_both_halves);
  tcase_add_test (tcase, r5_an_empty_produce_holds_up_no_input);
  tcase_add_test (tcase, both_halves_wait_for_one_descriptor);
  tcase_add_test (tcase, each_half_has_a_timer_of_its_own);
  tcase_add_test (tcase, a_half_that_fails_takes_the_stage);
  tcase_add_test (tcase, r9_a_stop_ends_the_input_and_awaits_the_output);
  tcase_add_loop_test (tcase, r9_a_stop_calls_an_end_that_waits, 0, 2);
}

int
main (void)
{
  return run_suite ("duplex", add);
}
