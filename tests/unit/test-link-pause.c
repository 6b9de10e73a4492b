/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a link's reason to pause, stepped on one thread: when it is set and cleared, and who is woken. */
#include "link-bed.h"

/* ---- pause and resume ---- */

START_TEST (a_full_link_publishes_all_and_wakes_its_taker)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4));
  weir_bed_put (bed, 4);
  ck_assert_uint_eq (weir_load_relaxed (&bed->link->put), 4);
  ck_assert (weir_bed_woken (bed, 1));
  ck_assert_ptr_eq (weir_ready_links_take (&bed->to->ready_links), bed->link);
  weir_bed_free (bed);
}
END_TEST

START_TEST (the_producer_is_woken_at_low_and_not_before)
{
  WeirBed *bed = weir_bed_new (SETTINGS (.records = 10, .low = 0.3, .hard = 2));
  weir_bed_put (bed, 10);
  for (guint left = 9; left > 3; left--) {
    weir_bed_take (bed, 1);
    ck_assert (!weir_bed_woken (bed, 0));
    ck_assert (!weir_link_recheck (bed->link));
  }
  weir_bed_take (bed, 1);
  ck_assert (weir_bed_woken (bed, 0));
  ck_assert (weir_link_recheck (bed->link));
  ck_assert (!weir_link_recheck (bed->link));
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.pauses, 1);
  ck_assert_uint_eq (figures.resumes, 1);
  ck_assert (!figures.paused);
  weir_bed_free (bed);
}
END_TEST

START_TEST (low_means_that_every_limit_is_low)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4, .bytes = 100));
  weir_bed_put_sized (bed, 3, 1, 0);
  weir_bed_put_sized (bed, 1, 97, 0);
  ck_assert (weir_bed_full (bed));
  weir_bed_take (bed, 3);
  ck_assert (!weir_bed_woken (bed, 0));
  ck_assert (!weir_link_recheck (bed->link));
  weir_bed_take (bed, 1);
  ck_assert (weir_bed_woken (bed, 0));
  ck_assert (weir_link_recheck (bed->link));
  weir_bed_free (bed);
}
END_TEST

START_TEST (low_at_nothing_means_an_empty_link)
{
  WeirBed *bed = weir_bed_new (SETTINGS (.records = 3, .bytes = 10, .low = 0, .hard = 2));
  for (guint round = 0; round < 3; round++) {
    weir_bed_put_sized (bed, 3, round, 0);
    ck_assert (weir_bed_full (bed));
    weir_bed_take (bed, 2);
    ck_assert (!weir_link_recheck (bed->link));
    weir_bed_take (bed, 1);
    ck_assert (weir_link_recheck (bed->link));
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_link_of_one_record_alternates)
{
  WeirBed *bed = weir_bed_new (SETTINGS (.records = 1, .hard = 1, .low = 0.5));
  for (guint i = 1; i <= 300; i++) {
    weir_bed_put (bed, 1);
    ck_assert (weir_bed_full (bed));
    ck_assert (!weir_link_below_hard (bed->link));
    ck_assert (weir_bed_woken (bed, 1));
    weir_bed_take (bed, 1);
    ck_assert (weir_bed_woken (bed, 0));
    ck_assert (weir_link_recheck (bed->link));
    weir_ready_links_take (&bed->to->ready_links);
    ck_assert (weir_link_take_idle (bed->link));
    ck_assert_uint_eq (weir_bed_check_ledger (bed).pauses, i);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_full_link_that_was_drained_meanwhile_does_not_pause)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4));
  weir_bed_put (bed, 3);
  weir_link_publish (bed->link);
  weir_bed_take (bed, 3);
  weir_bed_put (bed, 3);
  ck_assert (!weir_bed_full (bed));
  ck_assert_uint_eq (weir_bed_check_ledger (bed).pauses, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_closed_link_is_never_full)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4));
  weir_bed_put (bed, 4);
  ck_assert (weir_bed_full (bed));
  weir_link_close (bed->link, WEIR_LINK_FAILED);
  ck_assert (weir_bed_woken (bed, 0));
  ck_assert (weir_link_recheck (bed->link));
  weir_bed_put (bed, 4);
  ck_assert (!weir_bed_full (bed));
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_failed_taker_bounds_what_an_unpaused_producer_can_queue)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4));
  weir_bed_put (bed, 1);
  weir_link_close (bed->link, WEIR_LINK_FAILED);
  weir_bed_put (bed, 999);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_le (figures.queued, 8);
  ck_assert_uint_eq (figures.in, 1000);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_REFUSED], 1000 - figures.queued);
  weir_bed_free (bed);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("link: pause and resume");
  TCase *pause = tcase_create ("pause and resume");
  tcase_add_test (pause, a_full_link_publishes_all_and_wakes_its_taker);
  tcase_add_test (pause, the_producer_is_woken_at_low_and_not_before);
  tcase_add_test (pause, low_means_that_every_limit_is_low);
  tcase_add_test (pause, low_at_nothing_means_an_empty_link);
  tcase_add_test (pause, a_link_of_one_record_alternates);
  tcase_add_test (pause, a_full_link_that_was_drained_meanwhile_does_not_pause);
  tcase_add_test (pause, a_closed_link_is_never_full);
  tcase_add_test (pause, a_failed_taker_bounds_what_an_unpaused_producer_can_queue);
  suite_add_tcase (suite, pause);
  return weir_run_suite (suite);
}
