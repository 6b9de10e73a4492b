/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of slots that are kept: released and rejected in any order and from any thread, also when the link ends early. */
#include "link-kept.h"

/* ---- kept slots ---- */

START_TEST (a_kept_record_stays_queued_until_it_is_released)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 2, NULL);
  pass (bed, 1, keep);
  pass (bed, 7, NULL);
  ck_assert_uint_eq (bed->link->done_private, 2);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).queued, 8);
  ck_assert_int_eq (weir_load_relaxed (&bed->to->outstanding), 1);
  release (0);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).queued, 8);
  weir_link_done (bed->link);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).queued, 0);
  ck_assert_int_eq (weir_load_relaxed (&bed->to->outstanding), 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (done_passes_the_released_prefix_only)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 5, keep);
  static const struct {
    guint release;
    guint64 done;
  } steps[] = { { 3, 0 }, { 1, 0 }, { 0, 2 }, { 4, 2 }, { 2, 5 } };
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    release (steps[i].release);
    weir_link_done (bed->link);
    ck_assert_uint_eq (bed->link->done_private, steps[i].done);
    ck_assert_uint_eq (weir_bed_check_ledger (bed).bytes_out, steps[i].done);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (kept_slots_cross_segments)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  pass (bed, 3000, keep_every_third);
  ck_assert_uint_eq (kept->len, 1000);
  GRand *random = g_rand_new_with_seed (3);
  while (kept->len > 0) {
    weir_record_release (
      g_ptr_array_remove_index_fast (kept, (guint) g_rand_int_range (random, 0, (gint32) kept->len)));
    if (kept->len % 50 == 0) {
      weir_link_done (bed->link);
      weir_bed_check_ledger (bed);
    }
  }
  ck_assert_uint_eq (bed->link->done_private, 3000);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 1);
  g_rand_free (random);
  weir_bed_free (bed);
}
END_TEST

static gpointer
release_all (gpointer data)
{
  (void) data;
  for (guint i = kept->len; i-- > 0;) {
    release (i);
  }
  return NULL;
}

START_TEST (records_are_released_from_another_thread)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  pass (bed, 100, keep_every_third);
  while (weir_ready_links_take (&bed->to->ready_links) != NULL) {}
  ck_assert (weir_link_take_idle (bed->link));
  weir_bed_woken (bed, 1);
  g_thread_join (g_thread_new ("releaser", release_all, NULL));
  ck_assert (weir_bed_woken (bed, 1));
  ck_assert_ptr_eq (weir_ready_links_take (&bed->to->ready_links), bed->link);
  ck_assert_uint_eq (weir_load_relaxed (&bed->link->released), 1);
  weir_link_done (bed->link);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).queued, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_link_does_not_go_idle_over_a_release)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 3, keep);
  while (weir_ready_links_take (&bed->to->ready_links) != NULL) {}
  weir_store_relaxed (&bed->link->ready, 1);
  release (0);
  ck_assert (!weir_link_take_idle (bed->link));
  weir_store_relaxed (&bed->link->released, 0);
  weir_link_done (bed->link);
  ck_assert (weir_link_take_idle (bed->link));
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_full_link_of_kept_records_resumes_by_releases)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 8));
  pass (bed, 8, keep);
  ck_assert (weir_bed_full (bed));
  for (guint i = 0; i < 4; i++) {
    ck_assert (!weir_link_recheck (bed->link));
    release (i);
    weir_link_done (bed->link);
  }
  ck_assert (weir_bed_woken (bed, 0));
  ck_assert (weir_link_recheck (bed->link));
  weir_bed_free (bed);
}
END_TEST

START_TEST (an_idle_producers_segment_outlives_a_kept_record)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 3, keep_every_third);
  weir_link_put_idle (bed->link);
  while (weir_ready_links_take (&bed->to->ready_links) != NULL) {}
  ck_assert (weir_link_take_idle (bed->link));
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 1);
  release (0);
  weir_store_relaxed (&bed->link->released, 0);
  weir_link_done (bed->link);
  ck_assert (weir_link_take_idle (bed->link));
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_rejected_record_waits_for_its_own_stage)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 3, keep);
  weir_record_reject (g_ptr_array_index (kept, 0), "row %d is bad", 1);
  ck_assert_int_eq (weir_load_relaxed (&bed->to->outstanding), 2);
  weir_link_done (bed->link);
  ck_assert_uint_eq (bed->link->done_private, 0);
  WeirRecord *slot = weir_link_rejected_slot (bed->link);
  ck_assert_ptr_eq (slot, g_ptr_array_index (kept, 0));
  g_autofree char *reason = weir_link_take_reason (bed->link, slot);
  ck_assert_str_eq (reason, "row 1 is bad");
  weir_link_finish_rejected (bed->link, slot);
  weir_link_done (bed->link);
  ck_assert_uint_eq (bed->link->done_private, 1);
  ck_assert_ptr_null (weir_link_rejected_slot (bed->link));
  weir_bed_free (bed);
}
END_TEST

START_TEST (rejected_records_are_moved_in_slot_order_with_their_own_reasons)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 4, keep);
  weir_record_reject (g_ptr_array_index (kept, 3), "three");
  weir_record_reject (g_ptr_array_index (kept, 0), "zero");
  release (1);
  weir_record_reject (g_ptr_array_index (kept, 2), "two");
  static const char *const reasons[] = { "zero", "two", "three" };
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++) {
    weir_link_done (bed->link);
    WeirRecord *slot = weir_link_rejected_slot (bed->link);
    ck_assert_ptr_nonnull (slot);
    g_autofree char *reason = weir_link_take_reason (bed->link, slot);
    ck_assert_str_eq (reason, reasons[i]);
    weir_link_finish_rejected (bed->link, slot);
  }
  weir_link_done (bed->link);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).queued, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (reasons_nobody_asked_for_go_with_the_link)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 3, keep);
  weir_record_reject (g_ptr_array_index (kept, 2), "taken off the stack");
  weir_link_done (bed->link);
  g_free (weir_link_take_reason (bed->link, g_ptr_array_index (kept, 0)));
  weir_record_reject (g_ptr_array_index (kept, 1), "still on the stack");
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_record_is_given_back_once)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  pass (bed, 1, keep);
  release (0);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*give_back*");
  release (0);
  g_test_assert_expected_messages ();
  ck_assert_int_eq (weir_load_relaxed (&bed->to->outstanding), 0);
  weir_bed_free (bed);
}
END_TEST

/* ---- an early end ---- */

START_TEST (what_a_finished_taker_left_is_dropped_and_counted)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  weir_bed_put (bed, 200);
  weir_bed_publish (bed);
  weir_bed_take (bed, 50);
  weir_link_close (bed->link, WEIR_LINK_FINISHED);
  weir_bed_put (bed, 10);
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 4);
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  weir_bed_put (bed, 7);
  weir_link_discard (bed->link, WEIR_DROP_TAKER_FINISHED);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 217);
  ck_assert_uint_eq (figures.out, 50);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 167);
  ck_assert (bed->link->over);
  weir_bed_free (bed);
}
END_TEST

START_TEST (what_lies_behind_a_kept_record_is_dropped_when_that_is_done)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  weir_bed_put (bed, 100);
  weir_bed_publish (bed);
  weir_bed_take (bed, 10);
  weir_bed_take_each (bed, 2, keep);
  weir_link_close (bed->link, WEIR_LINK_FINISHED);
  weir_link_discard (bed->link, WEIR_DROP_TAKER_FINISHED);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.out, 10);
  ck_assert_uint_eq (figures.queued, 90);
  release (1);
  weir_link_done (bed->link);
  weir_bed_check_ledger (bed);
  release (0);
  weir_link_done (bed->link);
  figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.out, 12);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 88);
  ck_assert_uint_eq (figures.queued, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_failed_taker_leaves_its_queue_as_it_is)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  weir_bed_put (bed, 100);
  weir_bed_publish (bed);
  weir_bed_take (bed, 30);
  weir_link_close (bed->link, WEIR_LINK_FAILED);
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  weir_bed_put (bed, 5);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.queued, 70);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_REFUSED], 5);
  weir_bed_free (bed);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("link: what is kept");
  TCase *slots = tcase_create ("kept slots");
  tcase_add_checked_fixture (slots, setup, teardown);
  tcase_add_test (slots, a_kept_record_stays_queued_until_it_is_released);
  tcase_add_test (slots, done_passes_the_released_prefix_only);
  tcase_add_test (slots, kept_slots_cross_segments);
  tcase_add_test (slots, records_are_released_from_another_thread);
  tcase_add_test (slots, a_link_does_not_go_idle_over_a_release);
  tcase_add_test (slots, a_full_link_of_kept_records_resumes_by_releases);
  tcase_add_test (slots, an_idle_producers_segment_outlives_a_kept_record);
  tcase_add_test (slots, a_rejected_record_waits_for_its_own_stage);
  tcase_add_test (slots, rejected_records_are_moved_in_slot_order_with_their_own_reasons);
  tcase_add_test (slots, reasons_nobody_asked_for_go_with_the_link);
  tcase_add_test (slots, a_record_is_given_back_once);
  suite_add_tcase (suite, slots);
  TCase *early = tcase_create ("early end");
  tcase_add_checked_fixture (early, setup, teardown);
  tcase_add_test (early, what_a_finished_taker_left_is_dropped_and_counted);
  tcase_add_test (early, what_lies_behind_a_kept_record_is_dropped_when_that_is_done);
  tcase_add_test (early, a_failed_taker_leaves_its_queue_as_it_is);
  suite_add_tcase (suite, early);
  return weir_run_suite (suite);
}
