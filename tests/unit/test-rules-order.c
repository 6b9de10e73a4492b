/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of order (R8), fan-in and fan-out, ports, and stages that share a worker. */
#include "fakes.h"

/* ---- R8 ---- */

static WeirNext
check_next (Fake *fake, const WeirRecord *record)
{
  g_autofree char *text = g_strndup ((const char *) record->data, record->size);
  ck_assert_int_eq (g_ascii_strtoll (text, NULL, 10), fake->next);
  fake->next++;
  return take (fake, record);
}

static const Script in_order = { .consume = check_next };

START_TEST (r8_order_is_kept_through_every_stage)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *first = rig_add (rig, "first", WEIR_TRANSFORM, &passer, NULL);
  Fake *second = rig_add (rig, "second", WEIR_TRANSFORM, &passer, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &in_order, NULL);
  pull->quiet = first->quiet = second->quiet = end->quiet = TRUE;
  pull->most = 5000;
  rig_link (rig, pull, first, 5);
  rig_link (rig, first, second, 4096);
  rig_link (rig, second, end, 64);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 5000);
  rig_free (rig);
}
END_TEST

static WeirNext
push_zero_lengths (Fake *fake)
{
  fake_emit (fake, "");
  fake_emit (fake, "a");
  fake_emit (fake, "");
  return WEIR_DONE;
}

static const Script empties = { .produce = push_zero_lengths };

START_TEST (r8_zero_length_records_are_records)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &empties, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &passer, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, pull, pass, 2);
  WeirLink *link = rig_link (rig, pass, end, 2);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume() consume(a) consume() end close");
  ck_assert_uint_eq (figures_of (link).out, 3);
  ck_assert_uint_eq (figures_of (link).bytes_out, 1);
  rig_free (rig);
}
END_TEST

/* ---- fan-in: what one act leaves on both links is there when the taker, on the same worker, gets its turn ---- */

static void
fill_both (Fake *fake)
{
  for (gint64 i = 0; i < fake->most; i++) {
    fake_emit_size (fake, (gsize) fake->next);
  }
  if (fake->other != NULL) {
    for (gint64 i = 0; i < fake->most; i++) {
      fake_emit_size (fake->other, (gsize) fake->next);
    }
  }
}

/* No more than `most` in a row from one link while the other has something too. A used up turn may cut a row short. */
static WeirNext
take_rows (Fake *fake, const WeirRecord *record)
{
  WeirStage *stage = fake->stage;
  if (fake->data != stage->current_link) {
    fake->data = stage->current_link;
    fake->next = 0;
  }
  const WeirLink *other = stage->inputs[stage->inputs[0] == stage->current_link ? 1 : 0];
  if (weir_load_relaxed (&other->put) - other->taken > 1) { /* more than its end */
    ck_assert_int_lt (fake->next, fake->most);
  }
  fake->next++;
  return take (fake, record);
}

static const Script rows = { .consume = take_rows };

static void
finish_both (Fake *fake)
{
  fake_finish (fake);
  fake_finish (fake->other);
}

static void
funnel (gint64 records, gint64 size, gint64 row)
{
  Rig *rig = rig_new ();
  Fake *a = rig_add (rig, "a", WEIR_PRODUCER, &pusher, "together");
  Fake *b = rig_add (rig, "b", WEIR_PRODUCER, &pusher, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &rows, "together");
  a->other = b;
  a->most = records;
  a->next = b->next = size;
  end->most = row;
  end->quiet = TRUE;
  rig_link (rig, a, end, 1000);
  rig_link (rig, b, end, 1000);
  rig_begin (rig);
  fake_do (a, fill_both);
  fake_do (a, finish_both);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 2 * records);
  rig_free (rig);
}

START_TEST (r8_fan_in_is_served_round_robin_64_records_each)
{
  funnel (160, 1, 64);
}
END_TEST

START_TEST (r8_fan_in_is_served_round_robin_64_kib_each)
{
  funnel (10, 16384, 4);
}
END_TEST

static WeirNext
flush_rows (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, gsize count)
{
  atomic_fetch_add (&fake->counted, (gint64) count);
  return WEIR_MORE;
}

static const Script flushing = { .flush = flush_rows };

START_TEST (r8_fan_in_of_a_flush_only_role_is_fair_too)
{
  Rig *rig = rig_new ();
  Fake *a = rig_add (rig, "a", WEIR_PRODUCER, &pusher, "together");
  Fake *b = rig_add (rig, "b", WEIR_PRODUCER, &pusher, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &flushing, "together");
  a->other = b;
  a->most = 6;
  a->next = b->next = 16384;
  rig_link (rig, a, end, 1000);
  rig_link (rig, b, end, 1000);
  rig_begin (rig);
  fake_do (a, fill_both);
  fake_do (a, finish_both);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start flush(4) flush(4) flush(2) flush(2) end close");
  rig_free (rig);
}
END_TEST

/* ---- fan-out ---- */

START_TEST (r8_a_fan_out_diamond_with_unequal_branches_loses_nothing)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *quick = rig_add (rig, "quick", WEIR_TRANSFORM, &passer, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_TRANSFORM, &passer, NULL);
  Fake *slower = rig_add (rig, "slower", WEIR_TRANSFORM, &passer, NULL);
  Fake *join = rig_add (rig, "join", WEIR_CONSUMER, &taker, NULL);
  pull->most = 1000;
  pull->quiet = quick->quiet = slow->quiet = slower->quiet = join->quiet = TRUE;
  rig_link (rig, pull, quick, 1000);
  rig_link (rig, pull, slow, 2);
  rig_link (rig, slow, slower, 1);
  rig_link (rig, quick, join, 3);
  rig_link (rig, slower, join, 1);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&join->counted), 2000);
  rig_free (rig);
}
END_TEST

static const char *const two_ports[] = { "even", "odd", NULL };

static WeirNext
sort_out (Fake *fake, const WeirRecord *record)
{
  weir_stage_set_port (fake->stage, weir_stage_port (fake->stage, (record->data[0] & 1) == 0 ? "even" : "odd"));
  fake_forward (fake, record);
  return WEIR_MORE;
}

static const Script sorter = { .consume = sort_out, .ports = two_ports };

START_TEST (ports_lead_to_their_own_takers)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *sort = rig_add (rig, "sort", WEIR_TRANSFORM, &sorter, NULL);
  Fake *even = rig_add (rig, "even", WEIR_CONSUMER, &taker, NULL);
  Fake *odd = rig_add (rig, "odd", WEIR_CONSUMER, &taker, NULL);
  pull->most = 6;
  rig_link (rig, pull, sort, 100);
  ck_assert_str_eq (rig_link_with (rig, sort, 0, even, queue_of (100))->identity->name, "sort.even:even");
  ck_assert_str_eq (rig_link_with (rig, sort, 1, odd, queue_of (100))->identity->name, "sort.odd:odd");
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (even, "open start consume(0) consume(2) consume(4) end close");
  fake_assert_events (odd, "open start consume(1) consume(3) consume(5) end close");
  rig_free (rig);
}
END_TEST

START_TEST (ports_that_nobody_takes_go_nowhere)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *sort = rig_add (rig, "sort", WEIR_TRANSFORM, &sorter, NULL);
  Fake *odd = rig_add (rig, "odd", WEIR_CONSUMER, &taker, NULL);
  pull->most = 4;
  rig_link (rig, pull, sort, 100);
  rig_link_with (rig, sort, 1, odd, queue_of (100));
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (odd, "open start consume(1) consume(3) end close");
  rig_free (rig);
}
END_TEST

START_TEST (ports_pause_their_stage_alone_and_together)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *sort = rig_add (rig, "sort", WEIR_TRANSFORM, &sorter, NULL);
  Fake *even = rig_add (rig, "even", WEIR_CONSUMER, &taker, NULL);
  Fake *odd = rig_add (rig, "odd", WEIR_CONSUMER, &valve, NULL);
  pull->most = 20;
  rig_link (rig, pull, sort, 100);
  rig_link_with (rig, sort, 0, even, queue_of (100));
  rig_link_with (rig, sort, 1, odd, queue_of (2));
  rig_start (rig);
  rig_until_noted (rig, sort, "pause", 1);
  fake_look (sort, "stands");
  fake_assert_events (sort, "open start consume(0) consume(1) consume(2) consume(3) pause stands");
  fake_allow (odd, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&even->counted) + atomic_load (&odd->counted), 20);
  rig_free (rig);
}
END_TEST

/* ---- sharing: every pair of roles on one worker, the rest on their own, links so small that all are paused ---- */

START_TEST (sharing_a_worker_works_in_every_pair_of_roles)
{
  static const guint pairs[][2] = { { 0, 1 }, { 0, 2 }, { 0, 3 }, { 1, 2 }, { 1, 3 },
                                    { 2, 3 }, { 1, 4 }, { 3, 4 }, { 0, 0 } };
  const char *threads[5] = { NULL };
  guint a = pairs[_i][0], b = pairs[_i][1];
  if (a == b) {
    for (guint i = 0; i < 5; i++) {
      threads[i] = "together";
    }
  } else {
    threads[a] = threads[b] = "together";
  }
  Rig *rig = rig_new ();
  Fake *one = rig_add (rig, "one", WEIR_PRODUCER, &numbers, threads[0]);
  Fake *two = rig_add (rig, "two", WEIR_PRODUCER, &numbers, threads[1]);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &passer, threads[2]);
  Fake *next = rig_add (rig, "next", WEIR_TRANSFORM, &passer, threads[3]);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, threads[4]);
  one->most = two->most = 250;
  one->quiet = two->quiet = pass->quiet = next->quiet = end->quiet = TRUE;
  rig_link (rig, one, pass, 1);
  rig_link (rig, two, pass, 3);
  rig_link (rig, pass, next, 2);
  rig_link (rig, next, end, 1);
  rig_link (rig, pass, end, 2);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 1000);
  rig_free (rig);
}
END_TEST

START_TEST (sharing_is_refused_to_a_blocking_role)
{
  static const WeirRole role = { .flags = WEIR_BLOCKING };
  WeirPipeline *pipeline = weir_pipeline_new ("rules");
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_pipeline_add (pipeline, "db", WEIR_CONSUMER, "sql", &role, NULL, "together", &error));
  ck_assert_str_eq (error->message, "db (sql, consumer): its callbacks may block, so it cannot share thread "
                                    "\"together\"; it always has one of its own");
  weir_pipeline_free (pipeline);
}
END_TEST

START_TEST (r17_a_cycle_is_refused)
{
  Rig *rig = rig_new ();
  Fake *a = rig_add (rig, "a", WEIR_TRANSFORM, &passer, NULL);
  Fake *b = rig_add (rig, "b", WEIR_TRANSFORM, &passer, NULL);
  Fake *c = rig_add (rig, "c", WEIR_TRANSFORM, &passer, NULL);
  rig_link (rig, a, b, 10);
  rig_link_with (rig, b, WEIR_PORT_REJECTED, c, queue_of (10));
  WeirQueueSettings settings = queue_of (10);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_pipeline_link (rig->pipeline, c->stage, 0, a->stage, &settings, &error));
  ck_assert_str_eq (error->message, "c:a would close a cycle");
  g_clear_error (&error);
  ck_assert_ptr_null (weir_pipeline_link (rig->pipeline, a->stage, WEIR_PORT_REJECTED, a->stage, &settings, &error));
  ck_assert_str_eq (error->message, "a:a would close a cycle");
  rig_free (rig);
}
END_TEST

/* A pause() that emits comes when every link has the record that filled one of them. */
static void
emit_next (Fake *fake)
{
  if (fake->next < fake->most) {
    produce_number (fake);
  }
}

static const Script emits_in_pause = { .produce = produce_number, .pause = emit_next };

START_TEST (r8_order_is_kept_on_all_links_when_pause_emits)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &emits_in_pause, NULL);
  Fake *narrow = rig_add (rig, "narrow", WEIR_CONSUMER, &taker, NULL);
  Fake *wide = rig_add (rig, "wide", WEIR_CONSUMER, &taker, NULL);
  pull->most = 4;
  rig_link (rig, pull, narrow, 2);
  rig_link (rig, pull, wide, 100);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (wide, "open start consume(0) consume(1) consume(2) consume(3) end close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r8_order_is_kept_through_every_stage);
  tcase_add_test (tcase, r8_zero_length_records_are_records);
  tcase_add_test (tcase, r8_fan_in_is_served_round_robin_64_records_each);
  tcase_add_test (tcase, r8_fan_in_is_served_round_robin_64_kib_each);
  tcase_add_test (tcase, r8_fan_in_of_a_flush_only_role_is_fair_too);
  tcase_add_test (tcase, r8_a_fan_out_diamond_with_unequal_branches_loses_nothing);
  tcase_add_test (tcase, ports_lead_to_their_own_takers);
  tcase_add_test (tcase, ports_that_nobody_takes_go_nowhere);
  tcase_add_test (tcase, ports_pause_their_stage_alone_and_together);
  tcase_add_loop_test (tcase, sharing_a_worker_works_in_every_pair_of_roles, 0, 9);
  tcase_add_test (tcase, sharing_is_refused_to_a_blocking_role);
  tcase_add_test (tcase, r8_order_is_kept_on_all_links_when_pause_emits);
  tcase_add_test (tcase, r17_a_cycle_is_refused);
}

int
main (void)
{
  return run_suite ("rules-order", add);
}
