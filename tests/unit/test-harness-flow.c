/* SPDX-License-Identifier: Apache-2.0 */
/* The harness (weir/harness.h): what is pushed and what comes out, the limits of its links, and that the rules of flow hold in it. */
#include "harness-roles.h"

/* ---- records ---- */

START_TEST (texts_lines_and_chunks)
{
  static const WeirRole bytes = { .summary = "Hands on", .flags = WEIR_BYTES, .consume = hand_on };
  g_autoptr (WeirHarness) harness = harness_of (&bytes, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_text (harness, "one");
  weir_harness_push_line (harness, "two");
  weir_harness_push_chunk (harness, 7, "thr\x01");
  weir_harness_push_text (harness, "");
  weir_harness_start (harness);
  weir_harness_run (harness);
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 4);
  ck_assert_str_eq (weir_harness_text (harness, NULL), "one|two<\\n>|thr\\x01~||");
  ck_assert_str_eq (weir_harness_streams (harness, NULL), "0 0 7 0");
  ck_assert_str_eq (weir_harness_tags (harness, NULL, "path"), "||stream 7||");
  gsize size;
  ck_assert_str_eq (weir_harness_bytes (harness, NULL, &size), "one\ntwo\nthr\x01\n");
  ck_assert_uint_eq (size, 13);
  weir_harness_forget (harness, NULL);
  ck_assert_str_eq (weir_harness_text (harness, NULL), "");
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 0);
}
END_TEST

START_TEST (a_record_with_all_it_can_have)
{
  static const WeirRole bytes = { .summary = "Hands on", .flags = WEIR_BYTES, .consume = hand_on };
  g_autoptr (WeirHarness) harness = harness_of (&bytes, WEIR_HARNESS_TRANSFORM, NULL);
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "peer", "::1");
  WeirRecord pushed = {
    .data = (const guint8 *) "ab\0\r\n", .size = 3, .trail = 2, .time = 99, .stream = 5, .flags = WEIR_RECORD_GAP
  };
  weir_harness_push_record (harness, &pushed, tags);
  weir_harness_start (harness);
  weir_harness_run (harness);
  const WeirRecord *record = weir_harness_take (harness, NULL);
  ck_assert_uint_eq (record->size, 3);
  ck_assert_mem_eq (record->data, "ab\0\r\n", 5);
  ck_assert_uint_eq (record->trail, 2);
  ck_assert_int_eq (record->time, 99);
  ck_assert_uint_eq (record->stream, 5);
  ck_assert_uint_eq (record->flags, WEIR_RECORD_GAP);
  ck_assert_str_eq (weir_record_tag (record, "peer"), "::1");
  ck_assert_ptr_null (weir_harness_take (harness, NULL));
}
END_TEST

START_TEST (streams_are_numbered_by_the_test)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "path", "own");
  weir_harness_open_stream (harness, 2, tags);
  weir_harness_push_chunk (harness, 2, "a");
  weir_harness_push_chunk (harness, 1, "b");
  weir_harness_end_stream (harness, 2);
  weir_harness_push_chunk (harness, 2, "c");
  ck_assert (weir_harness_finish (harness));
  ck_assert_str_eq (weir_harness_streams (harness, NULL), "2 1 end(2) 2");
  ck_assert_str_eq (weir_harness_tags (harness, NULL, "path"), "own|stream 1|stream 2|");
  weir_harness_expect_output (harness, NULL, "a|b|c|");
}
END_TEST

/* A producer with two streams. */
static WeirNext
produce_streams (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  for (guint i = 0; i < 2; i++) {
    guint32 stream = weir_stream_open (stage, NULL);
    weir_stream_use (stage, stream);
    weir_emit_copy (stage, "x", 1);
    weir_stream_close (stage, stream);
  }
  return WEIR_DONE;
}

START_TEST (streams_of_the_stage_are_counted)
{
  static const WeirRole role = { .summary = "Streams", .flags = WEIR_BYTES, .produce = produce_streams };
  for (guint i = 0; i < 2; i++) {
    g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
    ck_assert (weir_harness_finish (harness));
    ck_assert_str_eq (weir_harness_streams (harness, NULL), "1 end(1) 2 end(2)");
    weir_harness_expect_output (harness, NULL, "x~|x~|");
  }
}
END_TEST

/* Joins what comes of each stream. */
typedef struct {
  char text[32];
} Joined;

static WeirNext
join (WeirStage *stage, G_GNUC_UNUSED gpointer self, const WeirRecord *record)
{
  Joined *joined = weir_stream_state (stage);
  strncat (joined->text, (const char *) record->data, record->size);
  return WEIR_MORE;
}

static WeirNext
emit_joined (WeirStage *stage, G_GNUC_UNUSED gpointer self, gpointer state)
{
  weir_emit_printf (stage, "%s", ((Joined *) state)->text);
  return WEIR_MORE;
}

START_TEST (a_stage_that_joins_sees_streams_end)
{
  static const WeirRole role = {
    .summary = "Joins", .stream_size = sizeof (Joined), .consume = join, .end_stream = emit_joined
  };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_start (harness);
  weir_harness_push_chunk (harness, 1, "a");
  weir_harness_push_chunk (harness, 2, "x");
  weir_harness_push_chunk (harness, 1, "b");
  weir_harness_end_stream (harness, 1);
  weir_harness_run (harness);
  weir_harness_expect_output (harness, NULL, "ab|");
  weir_harness_expect_calls (harness, "consume(a) consume(x) consume(b) end_stream(1)");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "x|");
}
END_TEST

START_TEST (harnesses_stand_one_behind_another)
{
  static const WeirRole role = {
    .summary = "Joins", .stream_size = sizeof (Joined), .consume = join, .end_stream = emit_joined
  };
  g_autoptr (WeirHarness) first = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  g_autoptr (WeirHarness) second = harness_of (&role, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_start (first);
  weir_harness_start (second);
  weir_harness_push_chunk (first, 3, "a");
  weir_harness_push_chunk (first, 3, "b");
  weir_harness_end_stream (first, 3);
  weir_harness_push_chunk (first, 4, "c");
  weir_harness_run (first);
  weir_harness_hand_on (first, NULL, second);
  ck_assert_uint_eq (weir_harness_count (first, NULL), 0);
  weir_harness_run (second);
  ck_assert_str_eq (weir_harness_tags (second, NULL, "path"), "stream 3|");
  weir_harness_expect_output (second, NULL, "ab|");
  ck_assert (weir_harness_finish (first));
  weir_harness_hand_on (first, NULL, second);
  weir_harness_run (second);
  weir_harness_expect_output (second, NULL, "c|");
  weir_harness_expect_state (second, "closed");
}
END_TEST

/* ---- outputs ---- */

static WeirNext
sort (WeirStage *stage, G_GNUC_UNUSED gpointer self, const WeirRecord *record)
{
  if (record->size == 0) {
    return weir_stage_reject (stage, "found nothing");
  }
  weir_stage_set_port (stage, weir_stage_port (stage, g_ascii_isdigit (record->data[0]) ? "digits" : "others"));
  weir_emit (stage, record);
  return WEIR_MORE;
}

static const char *const sort_ports[] = { "digits", "others", NULL };
static const WeirRole sorter = { .summary = "Sorts", .ports = sort_ports, .consume = sort };

START_TEST (each_port_has_its_taker)
{
  g_autoptr (WeirHarness) harness = harness_of (&sorter, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_set_taken (harness, "rejected", TRUE);
  weir_harness_push_text (harness, "1");
  weir_harness_push_text (harness, "a");
  weir_harness_push_text (harness, "");
  weir_harness_push_text (harness, "2");
  ck_assert (weir_harness_finish (harness));
  ck_assert_str_eq (weir_harness_text (harness, NULL), "1|2|"); /* the first one */
  weir_harness_expect_output (harness, "digits", "1|2|");
  weir_harness_expect_output (harness, "others", "a|");
  ck_assert_str_eq (weir_harness_tags (harness, "rejected", "reason"), "found nothing|");
  ck_assert_str_eq (weir_harness_tags (harness, "rejected", "stage"), "test|");
  ck_assert_uint_eq (weir_harness_figure (harness, "rejected"), 1);
}
END_TEST

START_TEST (a_port_may_be_left_out)
{
  g_autoptr (WeirHarness) harness = harness_of (&sorter, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_set_taken (harness, "others", FALSE);
  weir_harness_push_text (harness, "a");
  weir_harness_push_text (harness, "1");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_output (harness, "digits", "1|");
  ck_assert_uint_eq (weir_harness_count (harness, "others"), 0);
}
END_TEST

START_TEST (a_rejection_that_nobody_takes_fails)
{
  g_autoptr (WeirHarness) harness = harness_of (&sorter, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_text (harness, "");
  ck_assert (!weir_harness_finish (harness));
  weir_harness_expect_error (harness, "rejected a record, and nobody takes test.rejected: found nothing");
}
END_TEST

/* ---- limits ---- */

START_TEST (bad_limits_are_told)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  g_autoptr (GError) error = NULL;
  ck_assert (!weir_harness_set_queue (harness, "input", "{\"records\": -1, \"hihg\": 2}", &error));
  ck_assert_msg (g_str_has_prefix (error->message, "records: found -1, expected a whole number from 0 to 1000000000\n"
                                                   "hihg: unknown key \"hihg\""),
                 "%s", error->message);
  g_clear_error (&error);
  ck_assert (!weir_harness_set_queue (harness, "input", "{\"low\": 1}", &error));
  ck_assert_ptr_nonnull (strstr (error->message, "low"));
  g_clear_error (&error);
  ck_assert (!weir_harness_set_queue (harness, "input", "7", &error));
  ck_assert_str_eq (error->message, "queue: found 7, expected an object");
}
END_TEST

START_TEST (links_fill_and_drain)
{
  WeirRole role = passer;
  role.pause = role.resume = nothing;
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_TRANSFORM, NULL);
  limit (harness, "input", 4);
  limit (harness, NULL, 2);
  weir_harness_allow (harness, NULL, 0);
  for (guint i = 0; i < 20; i++) {
    weir_harness_push_text (harness, "x");
  }
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_events (harness, "open start pause");
  ck_assert (weir_harness_is_paused (harness));
  ck_assert (weir_harness_feed_is_paused (harness));
  ck_assert_uint_eq (weir_harness_link_figure (harness, NULL, "queued"), 2);
  ck_assert_uint_eq (weir_harness_link_figure (harness, "input", "queued"), 4);
  ck_assert_uint_eq (weir_harness_backlog (harness), 14);
  weir_harness_allow (harness, NULL, 1);
  weir_harness_run (harness);
  weir_harness_expect_events (harness, "resume pause");
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 1);
  ck_assert_str_eq (weir_harness_ledger (harness),
                    "input: in 6 = out 3 + dropped 0 + queued 3\noutput: in 3 = out 1 + dropped 0 + queued 2");
  ck_assert (weir_harness_finish (harness));
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 20);
  ck_assert (!weir_harness_feed_is_paused (harness));
}
END_TEST

START_TEST (an_operator_pauses_whatever_the_links_hold)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_open (harness);
  weir_harness_pause (harness, TRUE);
  weir_harness_start (harness);
  weir_harness_run (harness);
  weir_harness_expect_calls (harness, "open start pause");
  weir_harness_pause (harness, FALSE);
  weir_harness_turn (harness);
  ck_assert (g_str_has_prefix (weir_harness_calls (harness), "open start pause resume produce"));
}
END_TEST

START_TEST (an_endless_producer_is_paused_at_last)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 1024 * 1024);
  ck_assert (weir_harness_is_paused (harness));
  ck_assert (!weir_harness_turn (harness)); /* for good */
  gsize told = strlen (weir_harness_events (harness));
  weir_harness_forget (harness, NULL);
  weir_harness_turn (harness);
  weir_harness_turn (harness);
  ck_assert_uint_gt (weir_harness_count (harness, NULL), 0);
  ck_assert (g_str_has_prefix (weir_harness_events (harness) + told, " resume"));
}
END_TEST

START_TEST (a_taker_that_has_enough_stops_the_stage)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_allow (harness, NULL, 3);
  weir_harness_start (harness);
  weir_harness_run (harness);
  weir_harness_enough (harness, NULL);
  weir_harness_run (harness);
  weir_harness_expect_events (harness, "open start pause stop close");
  weir_harness_expect_output (harness, NULL, "1|2|3|");
  ck_assert (weir_harness_balances (harness));
}
END_TEST

static WeirNext
emit_on_and_on (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  for (guint i = 0; i < 100; i++) {
    weir_emit_copy (stage, "x", 1);
  }
  return WEIR_MORE;
}

START_TEST (who_ignores_the_pause_fails_at_the_hard_limit)
{
  static const WeirRole role = { .summary = "Does not listen", .produce = emit_on_and_on, .close = nothing };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
  limit (harness, NULL, 4);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  weir_harness_expect_error (
    harness,
    "emitted past a full link: output is at its hard limit (8 records queued), and the stage cannot wait there as it "
    "shares worker \"harness\"; stop emitting when an emit answers FALSE");
  weir_harness_expect_state (harness, "closed");
}
END_TEST

START_TEST (lossy_limits_drop)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  ck_assert (weir_harness_set_queue (harness, NULL, "{\"records\": 2, \"when_full\": \"drop_oldest\"}", NULL));
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  for (guint i = 0; i < 5; i++) {
    weir_harness_push_text (harness, "x");
  }
  weir_harness_run (harness);
  ck_assert_uint_eq (weir_harness_link_figure (harness, NULL, "dropped"), 3);
  ck_assert (!weir_harness_is_paused (harness));
  ck_assert (weir_harness_finish (harness));
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 2);
}
END_TEST

START_TEST (a_record_over_the_limit_is_rejected)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, "{\"most\": 10}");
  weir_harness_set_record_max (harness, 1);
  weir_harness_set_taken (harness, "rejected", TRUE);
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "1|2|3|4|5|6|7|8|9|");
  weir_harness_expect_output (harness, "rejected", "10|");
}
END_TEST

/* ---- kept records ---- */

typedef struct {
  WeirRecord *kept[16];
  guint count;
} Keeper;

static WeirNext
keep (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  Keeper *keeper = self;
  keeper->kept[keeper->count++] = weir_record_keep (stage, record);
  return WEIR_MORE;
}

static WeirNext
release_all (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Keeper *keeper = self;
  while (keeper->count > 0) {
    weir_record_release (keeper->kept[--keeper->count]);
  }
  return WEIR_MORE;
}

START_TEST (what_is_kept_fills_the_input_and_is_settled)
{
  static const char *const counters[] = { "things", NULL };
  static const WeirRole role = {
    .summary = "Keeps", .counters = counters, .state_size = sizeof (Keeper), .consume = keep, .settle = release_all
  };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_CONSUMER, NULL);
  limit (harness, "input", 4);
  weir_harness_start (harness);
  for (guint i = 0; i < 3; i++) {
    weir_harness_push_text (harness, "x");
  }
  weir_harness_run (harness);
  weir_harness_expect_events (harness, "");
  ck_assert_uint_eq (weir_harness_figure (harness, "kept"), 3);
  ck_assert_uint_eq (weir_harness_link_figure (harness, "input", "queued"), 3);
  weir_harness_push_text (harness, "y");
  weir_harness_run (harness);
  weir_harness_expect_events (harness, "settle");
  ck_assert_uint_eq (weir_harness_figure (harness, "kept"), 0);
  weir_harness_push_text (harness, "z");
  weir_harness_run (harness);
  weir_stage_count (weir_harness_stage (harness), 0, 2);
  ck_assert_uint_eq (weir_harness_counter (harness, "things"), 2);
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_events (harness, "settle");
}
END_TEST

int
main (void)
{
  const Case cases[] = { texts_lines_and_chunks,
                         a_record_with_all_it_can_have,
                         streams_are_numbered_by_the_test,
                         streams_of_the_stage_are_counted,
                         a_stage_that_joins_sees_streams_end,
                         harnesses_stand_one_behind_another,
                         each_port_has_its_taker,
                         a_port_may_be_left_out,
                         a_rejection_that_nobody_takes_fails,
                         bad_limits_are_told,
                         links_fill_and_drain,
                         an_operator_pauses_whatever_the_links_hold,
                         an_endless_producer_is_paused_at_last,
                         a_taker_that_has_enough_stops_the_stage,
                         who_ignores_the_pause_fails_at_the_hard_limit,
                         lossy_limits_drop,
                         a_record_over_the_limit_is_rejected,
                         what_is_kept_fills_the_input_and_is_settled };
  return run_cases ("harness-flow", cases, G_N_ELEMENTS (cases));
}
