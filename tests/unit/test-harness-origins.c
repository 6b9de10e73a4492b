/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a harness shows of origins: what a producer is told of what the takers take, what becomes of what was pushed into a
 * transform or a consumer, and, by that, what `lines` does with origins. Only public headers. */
#include "harness-roles.h"

/* ---- a producer ---- */

static WeirNext
produce_under (WeirStage *stage, gpointer self)
{
  Numbers *counted = self;
  if (counted->most != 0 && counted->next == counted->most) {
    return WEIR_DONE;
  }
  weir_origin_begin (stage, self);
  weir_emit_printf (stage, "%" G_GINT64_FORMAT, ++counted->next);
  weir_origin_end (stage);
  return WEIR_MORE;
}

static void
delivered (G_GNUC_UNUSED WeirStage *stage, gpointer self, gpointer token, G_GNUC_UNUSED WeirOutcome outcome)
{
  ck_assert_ptr_eq (token, self);
}

static const WeirRole numbers_under = { .summary = "Counts under origins",
                                        .options = number_options,
                                        .state_size = sizeof (Numbers),
                                        .produce = produce_under,
                                        .delivered = delivered,
                                        .stop = nothing,
                                        .close = nothing };

START_TEST (a_producer_is_told_once_the_taker_has_taken)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers_under, WEIR_HARNESS_PRODUCER, "{\"most\": 3}");
  weir_harness_allow (harness, NULL, 1);
  ck_assert (weir_harness_start (harness));
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_calls (harness, "produce*3 produce=DONE delivered(DELIVERED)");
  weir_harness_expect_state (harness, "ended");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_calls (harness, "delivered(DELIVERED)*2 close");
  weir_harness_expect_events (harness, "close");
  weir_harness_expect_output (harness, NULL, "1|2|3|");
}
END_TEST

START_TEST (a_producer_is_told_each_outcome)
{
  static const char *const expected[] = { "delivered(DELIVERED)", "delivered(DROPPED)", "delivered(REJECTED)",
                                          "delivered(ABANDONED)" };
  for (WeirOutcome outcome = WEIR_DELIVERED; outcome <= WEIR_ABANDONED; outcome++) {
    g_autoptr (WeirHarness) harness = harness_of (&numbers_under, WEIR_HARNESS_PRODUCER, "{\"most\": 1}");
    weir_harness_set_outcome (harness, NULL, outcome);
    ck_assert (weir_harness_finish (harness));
    ck_assert_ptr_nonnull (strstr (weir_harness_calls (harness), expected[outcome]));
  }
}
END_TEST

START_TEST (a_lossy_link_and_a_taker_that_has_enough_drop)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers_under, WEIR_HARNESS_PRODUCER, "{\"most\": 4}");
  ck_assert (weir_harness_set_queue (harness, NULL, "{\"records\": 2, \"when_full\": \"drop_newest\"}", NULL));
  weir_harness_allow (harness, NULL, 0);
  ck_assert (weir_harness_start (harness));
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_calls (harness, "produce*4 produce=DONE delivered(DROPPED)*2");
  weir_harness_enough (harness, NULL);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_calls (harness, "delivered(DROPPED)*2 close");
}
END_TEST

START_TEST (a_halt_abandons)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers_under, WEIR_HARNESS_PRODUCER, "{\"most\": 2}");
  weir_harness_allow (harness, NULL, 0);
  ck_assert (weir_harness_start (harness));
  ck_assert (weir_harness_run (harness));
  weir_harness_halt (harness);
  weir_harness_expect_calls (harness, "produce*2 produce=DONE delivered(ABANDONED)*2 close");
  weir_harness_expect_state (harness, "closed");
}
END_TEST

/* ---- what was pushed ---- */

START_TEST (what_was_pushed_is_delivered_once_it_was_taken)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_set_origin (harness, "a");
  weir_harness_push_text (harness, "1");
  weir_harness_push_text (harness, "2");
  weir_harness_set_origin (harness, "b");
  weir_harness_push_text (harness, "3");
  weir_harness_set_origin (harness, NULL);
  weir_harness_push_text (harness, "4");
  weir_harness_allow (harness, NULL, 1);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_delivered (harness, "");
  weir_harness_allow (harness, NULL, 1);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_delivered (harness, "a=DELIVERED");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_delivered (harness, "b=DELIVERED");
  ck_assert_str_eq (weir_harness_delivered (harness), "a=DELIVERED b=DELIVERED");
  weir_harness_expect_output (harness, NULL, "1|2|3|4|");
}
END_TEST

START_TEST (an_origin_ends_with_its_last_record_also_on_a_full_link)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  limit (harness, "input", 1);
  limit (harness, NULL, 1);
  weir_harness_set_origin (harness, "a");
  weir_harness_push_text (harness, "1");
  weir_harness_set_origin (harness, "b");
  weir_harness_push_text (harness, "2");
  weir_harness_push_text (harness, "3");
  weir_harness_push_text (harness, "4");
  weir_harness_allow (harness, NULL, 1);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_delivered (harness, "a=DELIVERED");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_delivered (harness, "b=DELIVERED");
}
END_TEST

static WeirNext
consume_and_keep (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  *(WeirRecord **) self = weir_record_keep (stage, record);
  return WEIR_MORE;
}

static const WeirRole keeps = {
  .summary = "Keeps", .state_size = sizeof (WeirRecord *), .consume = consume_and_keep, .settle = fine
};

START_TEST (what_a_consumer_keeps_is_not_delivered_until_it_is_given_back)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeps, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_origin (harness, "a");
  weir_harness_push_text (harness, "1");
  weir_harness_set_origin (harness, NULL);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_delivered (harness, "");
  weir_record_release (*(WeirRecord **) weir_harness_self (harness));
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_delivered (harness, "a=DELIVERED");
}
END_TEST

START_TEST (what_is_rejected_is_told_so)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeps, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_taken (harness, "rejected", TRUE);
  weir_harness_set_origin (harness, "a");
  weir_harness_push_text (harness, "1");
  weir_harness_set_origin (harness, NULL);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_record_reject (*(WeirRecord **) weir_harness_self (harness), "bad");
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_delivered (harness, "a=REJECTED");
  weir_harness_expect_output (harness, "rejected", "1|");
}
END_TEST

START_TEST (what_is_left_at_a_halt_is_abandoned)
{
  g_autoptr (WeirHarness) harness = harness_of (&keeps, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_set_origin (harness, "a");
  weir_harness_push_text (harness, "1");
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_halt (harness);
  weir_harness_expect_delivered (harness, "a=ABANDONED");
}
END_TEST

START_TEST (tags_and_streams_go_with_origins)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "own", "yes");
  weir_harness_set_origin (harness, "a");
  weir_harness_push_record (harness, &(WeirRecord){ .data = (const guint8 *) "1", .size = 1 }, tags);
  weir_harness_push_chunk (harness, 4, "2");
  weir_harness_set_origin (harness, NULL);
  ck_assert (weir_harness_finish (harness));
  ck_assert_str_eq (weir_harness_tags (harness, NULL, "own"), "yes||");
  ck_assert_str_eq (weir_harness_tags (harness, NULL, "path"), "|stream 4|");
  weir_harness_expect_delivered (harness, "a=DELIVERED");
}
END_TEST

/* ---- lines ---- */

static WeirHarness *
lines_new (void)
{
  const char *build = g_getenv ("WEIR_BUILD");
  g_autofree char *file = g_build_filename (build != NULL ? build : ".", "plugins", ".libs", "lines.so", NULL);
  GError *error = NULL;
  WeirHarness *harness = weir_harness_new_for_file (file, WEIR_HARNESS_TRANSFORM, NULL, &error);
  ck_assert_msg (harness != NULL, "%s", error != NULL ? error->message : "no error");
  ck_assert (weir_harness_start (harness));
  return harness;
}

static void
push_under (WeirHarness *harness, const char *origin, guint32 stream, const char *text)
{
  weir_harness_set_origin (harness, origin);
  weir_harness_push_chunk (harness, stream, text);
  weir_harness_set_origin (harness, NULL);
  ck_assert (weir_harness_run (harness));
}

START_TEST (a_line_within_a_chunk_is_the_chunks)
{
  g_autoptr (WeirHarness) harness = lines_new ();
  weir_harness_allow (harness, NULL, 1);
  push_under (harness, "a", 1, "one\n");
  push_under (harness, "b", 1, "two\nthree\n");
  weir_harness_expect_delivered (harness, "a=DELIVERED");
  weir_harness_allow (harness, NULL, 1);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_delivered (harness, "");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_delivered (harness, "b=DELIVERED");
}
END_TEST

START_TEST (a_line_across_a_border_waits_for_both)
{
  g_autoptr (WeirHarness) harness = lines_new ();
  push_under (harness, "a", 1, "o");
  push_under (harness, "b", 1, "n");
  weir_harness_allow (harness, NULL, 0);
  push_under (harness, "c", 1, "e\n");
  weir_harness_expect_delivered (harness, "");
  weir_harness_allow (harness, NULL, 1);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_output (harness, NULL, "one<\\n>|");
  ck_assert_uint_eq (strlen (weir_harness_delivered (harness)), strlen ("a=DELIVERED b=DELIVERED c=DELIVERED"));
  ck_assert (weir_harness_finish (harness));
}
END_TEST

START_TEST (a_peer_that_is_silent_in_a_line_holds_up_nobody_else)
{
  g_autoptr (WeirHarness) harness = lines_new ();
  push_under (harness, "silent", 1, "one\nha");
  push_under (harness, "a", 2, "two\n");
  push_under (harness, "b", 2, "th");
  push_under (harness, "c", 2, "ree\n");
  ck_assert_ptr_null (strstr (weir_harness_delivered (harness), "silent"));
  ck_assert_uint_eq (strlen (weir_harness_delivered (harness)), strlen ("a=DELIVERED b=DELIVERED c=DELIVERED"));
  weir_harness_end_stream (harness, 1);
  ck_assert (weir_harness_finish (harness));
  ck_assert (g_str_has_suffix (weir_harness_delivered (harness), " silent=DELIVERED"));
}
END_TEST

START_TEST (half_a_line_is_abandoned_by_a_halt)
{
  g_autoptr (WeirHarness) harness = lines_new ();
  push_under (harness, "a", 1, "ha");
  weir_harness_halt (harness);
  ck_assert_str_ne (weir_harness_delivered (harness), "a=DELIVERED");
  ck_assert_ptr_nonnull (strstr (weir_harness_delivered (harness), "a="));
}
END_TEST

START_TEST (a_mismatch_is_told)
{
  weir_harness_set_mismatch (NULL);
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  ck_assert (!weir_harness_expect_delivered (harness, "a=DELIVERED"));
}
END_TEST

int
main (void)
{
  const Case cases[] = { a_producer_is_told_once_the_taker_has_taken,
                         a_producer_is_told_each_outcome,
                         a_lossy_link_and_a_taker_that_has_enough_drop,
                         a_halt_abandons,
                         what_was_pushed_is_delivered_once_it_was_taken,
                         an_origin_ends_with_its_last_record_also_on_a_full_link,
                         what_a_consumer_keeps_is_not_delivered_until_it_is_given_back,
                         what_is_rejected_is_told_so,
                         what_is_left_at_a_halt_is_abandoned,
                         tags_and_streams_go_with_origins,
                         a_line_within_a_chunk_is_the_chunks,
                         a_line_across_a_border_waits_for_both,
                         a_peer_that_is_silent_in_a_line_holds_up_nobody_else,
                         half_a_line_is_abandoned_by_a_halt,
                         a_mismatch_is_told };
  return run_cases ("harness-origins", cases, G_N_ELEMENTS (cases));
}
