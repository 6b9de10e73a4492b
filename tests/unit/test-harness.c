/* SPDX-License-Identifier: Apache-2.0 */
/* The harness (weir/harness.h): how it is made, the life of the stage in it, its event list, and what is expected of it. */
#include "harness-roles.h"

/* ---- make ---- */

static void
expect_no_harness (const WeirRole *role, WeirHarnessKind kind, const char *options, const char *message)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_harness_new_for_role (role, kind, options, &error));
  ck_assert_str_eq (error->message, message);
}

START_TEST (options_fill_the_state)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, "{ \"most\": 3 /* comment */ }");
  ck_assert_int_eq (((Numbers *) weir_harness_self (harness))->most, 3);
  ck_assert_str_eq (weir_stage_name (weir_harness_stage (harness)), "test");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "1|2|3|");
}
END_TEST

START_TEST (bad_options_are_told_together)
{
  expect_no_harness (&numbers, WEIR_HARNESS_PRODUCER, "{\"most\": -1, \"mots\": 2}",
                     "most: found -1, expected a whole number of at least 0\n"
                     "mots: unknown key \"mots\"; did you mean \"most\"?");
}
END_TEST

START_TEST (broken_json_is_told_by_place)
{
  expect_no_harness (&numbers, WEIR_HARNESS_PRODUCER, "{\"most\" 1}",
                     "options:1:9: error: most: expected \":\" behind the key, found \"1\"");
}
END_TEST

START_TEST (options_are_an_object)
{
  expect_no_harness (&numbers, WEIR_HARNESS_PRODUCER, "[1]", "options: found [1], expected an object");
}
END_TEST

static char *
never_fine (G_GNUC_UNUSED gconstpointer self, const char **option)
{
  *option = "most";
  return g_strdup ("found what it is, expected what it is not");
}

START_TEST (the_role_checks_its_options)
{
  WeirRole role = numbers;
  role.check = never_fine;
  expect_no_harness (&role, WEIR_HARNESS_PRODUCER, "{\"most\": 1}", "most: found what it is, expected what it is not");
}
END_TEST

START_TEST (a_role_that_cannot_be_is_refused)
{
  static const WeirRole role = { .summary = "Has nothing" };
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_harness_new_for_role (&role, WEIR_HARNESS_CONSUMER, NULL, &error));
  ck_assert_msg (g_str_has_prefix (error->message, "plugin \"test\": "), "%s", error->message);
}
END_TEST

static const WeirPlugin table = {
  WEIR_ABI, sizeof (WeirPlugin), sizeof (WeirRole), sizeof (WeirOption), "count", "1.0", "0.1", &numbers, &passer, NULL,
  NULL
};

START_TEST (a_plugin_gives_its_name)
{
  g_autoptr (WeirHarness) harness = weir_harness_new (&table, WEIR_HARNESS_TRANSFORM, NULL, NULL);
  ck_assert_str_eq (weir_stage_name (weir_harness_stage (harness)), "count");
}
END_TEST

START_TEST (a_plugin_without_the_role_is_refused)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_harness_new (&table, WEIR_HARNESS_CONSUMER, NULL, &error));
  ck_assert_str_eq (error->message, "plugin \"count\" is no consumer, only a producer and a transform");
}
END_TEST

START_TEST (a_plugin_of_another_abi_is_refused)
{
  WeirPlugin other = table;
  other.abi = WEIR_ABI + 1;
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_harness_new (&other, WEIR_HARNESS_PRODUCER, NULL, &error));
  ck_assert_msg (g_str_has_prefix (error->message, "plugin \"count\": ABI 2, this weir has ABI 1"), "%s",
                 error->message);
}
END_TEST

START_TEST (a_file_by_its_path)
{
  g_autofree char *path = g_build_filename (g_getenv ("WEIR_BUILD"), "plugins/.libs/head.so", NULL);
  GError *error = NULL;
  g_autoptr (WeirHarness) harness = weir_harness_new_for_file (path, WEIR_HARNESS_TRANSFORM, "{\"count\": 1}", &error);
  ck_assert_msg (harness != NULL, "%s", error != NULL ? error->message : "");
  weir_harness_push_text (harness, "a");
  weir_harness_push_text (harness, "b");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "a|");
}
END_TEST

START_TEST (a_file_by_its_name)
{
  g_autofree char *folder = g_build_filename (g_getenv ("WEIR_BUILD"), "plugins/.libs", NULL);
  g_setenv ("WEIR_PLUGIN_PATH", folder, TRUE);
  GError *error = NULL;
  g_autoptr (WeirHarness) harness = weir_harness_new_for_file ("null", WEIR_HARNESS_CONSUMER, NULL, &error);
  ck_assert_msg (harness != NULL, "%s", error != NULL ? error->message : "");
  weir_harness_push_text (harness, "a");
  ck_assert (weir_harness_finish (harness));
  ck_assert_uint_eq (weir_harness_figure (harness, "records_in"), 1);
}
END_TEST

START_TEST (a_file_that_is_not_there_is_told)
{
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_harness_new_for_file ("./no.so", WEIR_HARNESS_CONSUMER, NULL, &error));
  ck_assert_str_eq (error->message, "plugin \"no\" (./no.so): cannot be read: No such file or directory");
  g_clear_error (&error);
  ck_assert_ptr_null (weir_harness_new_for_file ("nobody-has-this", WEIR_HARNESS_CONSUMER, NULL, &error));
  ck_assert_msg (g_str_has_prefix (error->message, "unknown plugin \"nobody-has-this\""), "%s", error->message);
}
END_TEST

/* ---- life ---- */

START_TEST (a_producer_from_open_to_close)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, "{\"most\": 3}");
  limit (harness, NULL, 2);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_expect_state (harness, "new");
  ck_assert (weir_harness_open (harness));
  weir_harness_expect_state (harness, "open");
  weir_harness_expect_events (harness, "open");
  ck_assert (weir_harness_start (harness));
  weir_harness_expect_state (harness, "running");
  weir_harness_expect_events (harness, "start pause");
  ck_assert (weir_harness_is_paused (harness));
  weir_harness_allow (harness, NULL, G_MAXSIZE);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_events (harness, "resume close");
  weir_harness_expect_state (harness, "closed");
  weir_harness_expect_output (harness, NULL, "1|2|3|");
  ck_assert (weir_harness_ended (harness, NULL));
  ck_assert_str_eq (weir_harness_events (harness), "open start pause resume close");
  ck_assert_str_eq (weir_harness_calls (harness), "open start produce produce pause resume produce produce=DONE close");
}
END_TEST

START_TEST (the_same_call_in_a_row_is_counted)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, "{\"most\": 300}");
  weir_harness_finish (harness);
  weir_harness_expect_calls (harness, "open start produce*300 produce=DONE close");
}
END_TEST

START_TEST (what_was_expected_is_not_counted_on)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_start (harness);
  weir_harness_push_text (harness, "a");
  weir_harness_run (harness);
  weir_harness_expect_calls (harness, "open start consume(a)");
  for (guint i = 0; i < 3; i++) {
    weir_harness_push_text (harness, "a");
  }
  weir_harness_push_text (harness, "a longer record with a\nnewline");
  weir_harness_run (harness);
  weir_harness_expect_calls (harness, "consume(a)*3 consume(a longer record with a\\nn...)");
  weir_harness_expect_calls (harness, "");
}
END_TEST

START_TEST (a_transform_ends_with_its_input)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_text (harness, "a");
  weir_harness_push_line (harness, "b");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "a|b<\\n>|");
  weir_harness_expect_events (harness, "open start end close");
}
END_TEST

START_TEST (a_producer_is_stopped)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_allow (harness, NULL, 5);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_stop (harness);
  weir_harness_expect_events (harness, "open start pause stop close");
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 5);
  ck_assert (!weir_harness_ended (harness, NULL)); /* the taker holds */
  weir_harness_allow (harness, NULL, G_MAXSIZE);
  weir_harness_run (harness);
  ck_assert (weir_harness_ended (harness, NULL));
  ck_assert (weir_harness_balances (harness));
}
END_TEST

START_TEST (a_consumer_is_stopped_by_its_end)
{
  static const WeirRole role = {
    .summary = "Takes", .consume = hand_on, .end = fine, .stop = nothing, .close = nothing
  };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_start (harness);
  weir_harness_push_text (harness, "never seen");
  weir_harness_stop (harness);
  weir_harness_expect_calls (harness, "end close");
  ck_assert_uint_eq (weir_harness_backlog (harness), 0);
}
END_TEST

START_TEST (what_is_open_and_not_started_is_only_closed)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_open (harness);
  weir_harness_stop (harness);
  weir_harness_expect_events (harness, "open close");
  weir_harness_expect_state (harness, "closed");
}
END_TEST

START_TEST (halt_closes_what_waits)
{
  static const WeirRole role = { .summary = "Waits", .produce = waits, .stop = nothing, .close = nothing };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_start (harness);
  weir_harness_run (harness);
  ck_assert (weir_harness_is_waiting (harness));
  weir_harness_halt (harness);
  weir_harness_expect_calls (harness, "produce=WAIT stop close");
}
END_TEST

static WeirNext
cannot (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  return weir_stage_fail (stage, "cannot, as it is");
}

START_TEST (an_open_that_fails_is_closed)
{
  WeirRole role = passer;
  role.open = cannot;
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_TRANSFORM, NULL);
  ck_assert (!weir_harness_open (harness));
  weir_harness_expect_events (harness, "open=FAIL close");
  weir_harness_expect_error (harness, "cannot, as it is");
  ck_assert (!weir_harness_start (harness));
  ck_assert (!weir_harness_finish (harness));
  weir_harness_expect_events (harness, "");
}
END_TEST

START_TEST (a_start_that_fails_is_closed)
{
  WeirRole role = passer;
  role.start = cannot;
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_text (harness, "a");
  ck_assert (!weir_harness_start (harness));
  weir_harness_expect_events (harness, "open start=FAIL close");
  weir_harness_expect_state (harness, "closed");
}
END_TEST

START_TEST (a_start_that_waits)
{
  WeirRole role = numbers;
  role.start = waits;
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, "{\"most\": 1}");
  ck_assert (weir_harness_start (harness));
  weir_harness_run (harness);
  weir_harness_expect_state (harness, "starting");
  weir_stage_ready (weir_harness_stage (harness));
  weir_harness_run (harness);
  weir_harness_expect_events (harness, "open start=WAIT close");
  weir_harness_expect_output (harness, NULL, "1|");
}
END_TEST

START_TEST (a_failure_from_outside_its_callbacks)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_start (harness);
  weir_harness_fail (harness, "lost it");
  weir_harness_expect_events (harness, "open start close");
  weir_harness_expect_error (harness, "lost it");
  ck_assert (!weir_harness_finish (harness));
}
END_TEST

static WeirNext
swallow (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer self, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_MORE;
}

START_TEST (a_duplex_stage_ends_half_by_half)
{
  static const WeirRole role = { .summary = "Two halves",
                                 .options = number_options,
                                 .state_size = sizeof (Numbers),
                                 .flags = WEIR_DUPLEX,
                                 .produce = produce_number,
                                 .consume = swallow,
                                 .end = fine,
                                 .close = nothing };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_TRANSFORM, "{\"most\": 2}");
  weir_harness_start (harness);
  weir_harness_run (harness);
  weir_harness_expect_output (harness, NULL, "1|2|");
  ck_assert (weir_harness_ended (harness, NULL));
  weir_harness_expect_state (harness, "running");
  weir_harness_push_text (harness, "a");
  ck_assert (weir_harness_finish (harness));
  weir_harness_expect_calls (harness, "produce*2 produce=DONE consume(a) end close");
}
END_TEST

START_TEST (it_is_freed_in_every_state)
{
  weir_harness_free (NULL);
  weir_harness_free (harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL));
  WeirHarness *harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_text (harness, "pushed");
  weir_harness_open (harness);
  weir_harness_free (harness);
  harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_chunk (harness, 1, "on the link");
  weir_harness_start (harness);
  weir_harness_free (harness);
  harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_allow (harness, NULL, 7);
  weir_harness_start (harness);
  weir_harness_run (harness);
  weir_harness_take (harness, NULL);
  weir_harness_free (harness);
}
END_TEST

START_TEST (two_of_them_beside_each_other)
{
  g_autoptr (WeirHarness) one = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  g_autoptr (WeirHarness) other = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_start (one);
  weir_harness_start (other);
  weir_harness_advance (one, 5);
  weir_harness_push_text (one, "one");
  weir_harness_push_text (other, "other");
  weir_harness_run (other);
  weir_harness_run (one);
  weir_harness_expect_output (one, NULL, "one|");
  weir_harness_expect_output (other, NULL, "other|");
  ck_assert_int_eq (weir_harness_now (one) - weir_harness_now (other), 5);
}
END_TEST

static WeirNext
say (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  weir_stage_log (stage, G_LOG_LEVEL_WARNING, "took %d", 3);
  weir_stage_log (stage, G_LOG_LEVEL_DEBUG, "and more");
  return WEIR_MORE;
}

START_TEST (what_it_says_is_kept)
{
  WeirRole role = passer;
  role.open = say;
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_TRANSFORM, NULL);
  ck_assert_str_eq (weir_harness_log (harness), "");
  weir_harness_open (harness);
  ck_assert_str_eq (weir_harness_log (harness), "warning: took 3\ndebug: and more\n");
}
END_TEST

/* ---- expectations ---- */

static char *told;

static void
note_mismatch (const char *file, int line, const char *text)
{
  g_free (told);
  told = g_strdup_printf ("%s %s %s", strrchr (file, '/') + 1, line > 0 ? "line" : "no line", text);
}

START_TEST (a_mismatch_is_told_to_the_handler)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_set_mismatch (note_mismatch);
  weir_harness_start (harness);
  ck_assert (!weir_harness_expect_events (harness, "open"));
  ck_assert_str_eq (told, "test-harness.c line events:\n  expected: open\n  found:    open start");
  ck_assert (!weir_harness_expect_output (harness, NULL, "a|"));
  ck_assert_str_eq (told, "test-harness.c line output:\n  expected: a|\n  found:    ");
  ck_assert (!weir_harness_expect_error (harness, "wrong"));
  ck_assert_str_eq (told, "test-harness.c line error:\n  expected: wrong\n  found:    (none)");
  ck_assert (weir_harness_expect_error (harness, NULL));
  g_clear_pointer (&told, g_free);
  weir_harness_set_mismatch (mismatch);
}
END_TEST

START_TEST (a_wrong_name_is_critical)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "*no link \"nowhere\"");
  ck_assert_uint_eq (weir_harness_count (harness, "nowhere"), 0);
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "*\"input\" is no output");
  ck_assert_ptr_null (weir_harness_take (harness, "input"));
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "*no counter \"things\"");
  ck_assert_uint_eq (weir_harness_counter (harness, "things"), 0);
  g_test_assert_expected_messages ();
}
END_TEST

int
main (void)
{
  const Case cases[] = { options_fill_the_state,
                         bad_options_are_told_together,
                         broken_json_is_told_by_place,
                         options_are_an_object,
                         the_role_checks_its_options,
                         a_role_that_cannot_be_is_refused,
                         a_plugin_gives_its_name,
                         a_plugin_without_the_role_is_refused,
                         a_plugin_of_another_abi_is_refused,
                         a_file_by_its_path,
                         a_file_by_its_name,
                         a_file_that_is_not_there_is_told,
                         a_producer_from_open_to_close,
                         the_same_call_in_a_row_is_counted,
                         what_was_expected_is_not_counted_on,
                         a_transform_ends_with_its_input,
                         a_producer_is_stopped,
                         a_consumer_is_stopped_by_its_end,
                         what_is_open_and_not_started_is_only_closed,
                         halt_closes_what_waits,
                         an_open_that_fails_is_closed,
                         a_start_that_fails_is_closed,
                         a_start_that_waits,
                         a_failure_from_outside_its_callbacks,
                         a_duplex_stage_ends_half_by_half,
                         it_is_freed_in_every_state,
                         two_of_them_beside_each_other,
                         what_it_says_is_kept,
                         a_mismatch_is_told_to_the_handler,
                         a_wrong_name_is_critical };
  return run_cases ("harness", cases, G_N_ELEMENTS (cases));
}
