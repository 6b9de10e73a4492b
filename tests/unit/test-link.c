/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a link's limits, marks, segments and ledger, stepped on one thread: what is full, what is low, what is owned. */
#include "link-bed.h"

#include <math.h>

/* ---- full ---- */

START_TEST (full_is_the_high_mark_in_records)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4));
  weir_bed_put (bed, 3);
  ck_assert (!weir_bed_full (bed));
  weir_bed_put (bed, 1);
  ck_assert (weir_bed_full (bed));
  ck_assert_uint_eq (weir_link_room (bed->link), 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (full_is_the_high_mark_in_bytes)
{
  WeirBed *bed = weir_bed_new (LIMITS (.bytes = 100));
  weir_bed_put_sized (bed, 1, 99, 0);
  ck_assert (!weir_bed_full (bed));
  weir_bed_put_sized (bed, 1, 1, 0);
  ck_assert (weir_bed_full (bed));
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_trail_counts_as_bytes)
{
  WeirBed *bed = weir_bed_new (LIMITS (.bytes = 100));
  weir_bed_put_record (bed, (WeirRecord){ .data = bed->buffer->data, .size = 98, .trail = 2, .buffer = bed->buffer });
  ck_assert (weir_bed_full (bed));
  ck_assert_uint_eq (weir_bed_check_ledger (bed).bytes_in, 100);
  weir_bed_free (bed);
}
END_TEST

START_TEST (full_is_four_times_bytes_in_pinned_bytes)
{
  WeirBed *bed = weir_bed_new (LIMITS (.bytes = 1024 * 1024));
  for (guint i = 0; i < 4; i++) {
    ck_assert (!weir_bed_full (bed));
    weir_bed_put_buffer (bed, weir_bed_wrap (bed, 1024 * 1024), 140 * 1024);
  }
  ck_assert (weir_bed_full (bed));
  weir_bed_take (bed, 1);
  ck_assert (!weir_link_recheck (bed->link));
  weir_bed_take (bed, 2);
  ck_assert (weir_link_recheck (bed->link));
  weir_bed_free (bed);
}
END_TEST

START_TEST (pinned_bytes_may_be_a_mebibyte_however_small_bytes_is)
{
  WeirBed *bed = weir_bed_new (LIMITS (.bytes = 1000));
  for (guint i = 0; i < 15; i++) {
    weir_bed_put_buffer (bed, weir_bed_wrap (bed, 65536), 0);
  }
  /* Sparse, so copied out but for the first of them. */
  ck_assert (!weir_bed_full (bed));
  weir_bed_free (bed);
}
END_TEST

START_TEST (one_buffer_pins_its_bytes_once_however_many_records_view_it)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000, .bytes = 1024 * 1024));
  WeirBuffer *buffer = weir_bed_wrap (bed, 1024 * 1024);
  for (guint i = 0; i < 500; i++) {
    weir_bed_put_buffer (bed, weir_buffer_ref (buffer), 1000);
    weir_link_publish (bed->link);
  }
  weir_buffer_unref (buffer);
  ck_assert (!weir_bed_full (bed));
  weir_link_look (bed->link);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).peak_pinned, 1024 * 1024);
  weir_bed_free (bed);
}
END_TEST

/* Waits until the link's oldest record is too old. */
static void
await_age (WeirBed *bed)
{
  gint64 deadline = weir_link_age_deadline (bed->link);
  ck_assert_int_ne (deadline, 0);
  while (g_get_monotonic_time () < deadline) {
    g_thread_yield ();
  }
}

START_TEST (full_is_an_oldest_record_that_is_too_old)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000, .age = 2000));
  ck_assert_int_eq (weir_link_age_deadline (bed->link), 0);
  weir_bed_put (bed, 2);
  weir_link_publish (bed->link);
  weir_link_age_full (bed->link);
  ck_assert (!weir_bed_full (bed));
  await_age (bed);
  weir_link_age_full (bed->link);
  ck_assert (weir_bed_full (bed));
  ck_assert (weir_bed_take (bed, 1) == 1);
  ck_assert (!weir_link_recheck (bed->link));
  ck_assert (weir_bed_take (bed, 1) == 1);
  ck_assert (weir_link_recheck (bed->link));
  ck_assert_int_eq (weir_link_age_deadline (bed->link), 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_put_notices_an_age_that_is_reached)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000, .age = 1000));
  weir_bed_put (bed, 1);
  weir_link_publish (bed->link);
  await_age (bed);
  weir_bed_put (bed, 64);
  ck_assert (weir_bed_full (bed));
  weir_bed_free (bed);
}
END_TEST

START_TEST (an_age_limit_knows_no_hard_limit)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4, .age = 60 * G_USEC_PER_SEC));
  weir_bed_put (bed, 4);
  ck_assert (weir_bed_full (bed));
  ck_assert (weir_link_below_hard (bed->link));
  weir_bed_put (bed, 4);
  ck_assert (!weir_link_below_hard (bed->link));
  weir_bed_free (bed);
}
END_TEST

START_TEST (no_limit_of_a_kind_is_never_reached)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000));
  weir_bed_put_sized (bed, 999, 1 << 30, 0);
  ck_assert (!weir_bed_full (bed));
  weir_bed_free (bed);
  bed = weir_bed_new (LIMITS (.bytes = 10000));
  weir_bed_put (bed, 9999);
  ck_assert (!weir_bed_full (bed));
  weir_link_publish (bed->link);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).in, 9999);
  weir_bed_free (bed);
}
END_TEST

START_TEST (zero_length_records_count_as_records)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4, .bytes = 1));
  weir_bed_put_sized (bed, 3, 0, 0);
  ck_assert (!weir_bed_full (bed));
  weir_bed_put_sized (bed, 1, 0, 0);
  ck_assert (weir_bed_full (bed));
  ck_assert_uint_eq (weir_bed_take (bed, 2), 2);
  ck_assert (weir_link_recheck (bed->link));
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_record_larger_than_the_hard_limit_passes_alone)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10, .bytes = 100));
  ck_assert (weir_link_below_hard (bed->link));
  weir_bed_put_sized (bed, 1, 100000, 0);
  ck_assert (weir_bed_full (bed));
  ck_assert (!weir_link_below_hard (bed->link));
  ck_assert_uint_eq (weir_bed_take (bed, 10), 1);
  ck_assert (weir_link_recheck (bed->link));
  ck_assert (weir_link_below_hard (bed->link));
  weir_bed_check_ledger (bed);
  weir_bed_free (bed);
}
END_TEST

START_TEST (hard_is_reached_in_any_limit)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4, .bytes = 100));
  weir_bed_put (bed, 7);
  ck_assert (weir_link_below_hard (bed->link));
  weir_bed_put (bed, 1);
  ck_assert (!weir_link_below_hard (bed->link));
  weir_link_publish (bed->link);
  weir_bed_take (bed, 8);
  ck_assert (weir_link_below_hard (bed->link));
  weir_bed_put_sized (bed, 1, 199, 0);
  ck_assert (weir_link_below_hard (bed->link));
  weir_bed_put_sized (bed, 1, 1, 0);
  ck_assert (!weir_link_below_hard (bed->link));
  weir_bed_free (bed);
}
END_TEST

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

/* ---- control entries ---- */

START_TEST (control_entries_count_for_the_level_and_not_for_the_ledger)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4));
  weir_bed_put (bed, 2);
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 7);
  ck_assert (!weir_bed_full (bed));
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 8);
  ck_assert (weir_bed_full (bed));
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 2);
  ck_assert_uint_eq (figures.queued, 2);
  ck_assert_uint_eq (weir_bed_take (bed, 10), 2);
  figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.out, 2);
  ck_assert_uint_eq (bed->link->done_private, 4);
  weir_bed_free (bed);
}
END_TEST

START_TEST (control_entries_pass_the_hard_limit)
{
  WeirBed *bed = weir_bed_new (SETTINGS (.records = 2, .hard = 1, .low = 0.5));
  weir_bed_put (bed, 2);
  for (guint i = 0; i < 1000; i++) {
    weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, i + 1);
  }
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  weir_link_publish (bed->link);
  ck_assert_uint_eq (weir_load_relaxed (&bed->link->put), 1003);
  ck_assert_uint_eq (weir_bed_take (bed, 10), 2);
  ck_assert (bed->link->over);
  weir_bed_check_ledger (bed);
  weir_bed_free (bed);
}
END_TEST

START_TEST (control_entries_keep_their_place)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000));
  weir_bed_put (bed, 100);
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 5);
  weir_bed_put (bed, 100);
  weir_bed_publish (bed);
  weir_link_look (bed->link);
  gsize seen = 0;
  WeirRecord *records;
  for (gsize count; (count = weir_link_peek (bed->link, &records, 30)) > 0;) {
    ck_assert_ptr_null (weir_link_peek_control (bed->link));
    weir_link_take (bed->link, count, count);
    seen += count;
  }
  ck_assert_uint_eq (seen, 100);
  const WeirRecord *control = weir_link_peek_control (bed->link);
  ck_assert_ptr_nonnull (control);
  ck_assert_uint_eq (control->stream, 5);
  ck_assert_uint_eq (control->flags, WEIR_CONTROL_END_STREAM);
  bed->link->controls_taken++;
  weir_link_take (bed->link, 1, 0);
  bed->expected = 100;
  ck_assert_uint_eq (weir_bed_take (bed, 1000), 100);
  weir_bed_free (bed);
}
END_TEST

START_TEST (nothing_is_put_behind_the_end)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10));
  weir_bed_put (bed, 2);
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 3);
  weir_bed_put (bed, 3);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 5);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_REFUSED], 3);
  ck_assert_uint_eq (weir_load_relaxed (&bed->link->put), 3);
  weir_bed_free (bed);
}
END_TEST

START_TEST (unpublished_control_entries_do_not_upset_the_figures)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 1);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 0);
  ck_assert_uint_eq (figures.queued, 0);
  weir_bed_free (bed);
}
END_TEST

/* ---- segments ---- */

START_TEST (segments_grow_with_the_link)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  weir_bed_put (bed, 64);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 1);
  ck_assert_uint_eq (bed->link->put_segment->slots, 64);
  weir_bed_put (bed, 256);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 2);
  ck_assert_uint_eq (bed->link->put_segment->slots, 256);
  weir_bed_put (bed, 2048);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 4);
  ck_assert_uint_eq (bed->link->put_segment->slots, 1024);
  weir_bed_publish (bed);
  ck_assert_uint_eq (weir_bed_take (bed, 5000), 2368);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 1);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_small_link_has_small_segments)
{
  WeirBed *bed = weir_bed_new (SETTINGS (.records = 32, .hard = 2, .low = 0.5));
  for (guint i = 0; i < 100; i++) {
    weir_bed_put (bed, 10);
    weir_bed_publish (bed);
    weir_bed_take (bed, 10);
    ck_assert_uint_eq (bed->link->put_segment->slots, 64);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (an_empty_link_owns_no_segment)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
  for (guint round = 0; round < 10; round++) {
    weir_bed_put (bed, 64 * round + 1);
    weir_bed_publish (bed);
    weir_bed_take (bed, 5000);
    ck_assert_uint_eq (weir_pool_in_use (bed->segments), 1);
    weir_link_put_idle (bed->link);
    ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
    ck_assert (weir_link_take_idle (bed->link));
    /* Back to small ones. */
    weir_bed_put (bed, 1);
    ck_assert_uint_eq (bed->link->put_segment->slots, 64);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (the_taker_frees_the_last_segment_of_an_idle_producer)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  for (guint round = 0; round < 10; round++) {
    weir_bed_put (bed, round % 2 == 0 ? 64 : 10);
    weir_bed_publish (bed);
    weir_link_put_idle (bed->link);
    weir_link_put_idle (bed->link);
    ck_assert_uint_eq (weir_pool_in_use (bed->segments), 1);
    weir_bed_take (bed, 5000);
    ck_assert (weir_link_take_idle (bed->link));
    ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
    weir_bed_check_ledger (bed);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_producer_that_comes_back_early_goes_on_in_its_segment)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  for (guint round = 0; round < 200; round++) {
    weir_bed_put (bed, 1);
    weir_bed_publish (bed);
    weir_link_put_idle (bed->link);
    weir_bed_put (bed, 1);
    weir_bed_publish (bed);
    ck_assert_uint_eq (weir_bed_take (bed, 2), 2);
    ck_assert (weir_link_take_idle (bed->link));
    ck_assert_uint_eq (weir_pool_in_use (bed->segments), 1);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_control_entry_comes_back_to_a_segment_that_was_handed_over)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  weir_bed_put (bed, 1);
  weir_bed_publish (bed);
  weir_link_put_idle (bed->link);
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 1);
  weir_bed_publish (bed);
  weir_link_put_idle (bed->link);
  weir_bed_take (bed, 5);
  ck_assert (weir_link_take_idle (bed->link));
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  weir_bed_take (bed, 5);
  ck_assert (bed->link->over);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_link_is_freed_in_every_state)
{
  static const guint counts[] = { 0, 1, 63, 64, 65, 320, 321, 1500 };
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    for (guint state = 0; state < 64; state++) {
      WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
      if ((state & 1) != 0) { /* a round that ended with the taker freeing the segment */
        weir_bed_put (bed, 64);
        weir_bed_publish (bed);
        weir_link_put_idle (bed->link);
        weir_bed_take (bed, 64);
        weir_link_take_idle (bed->link);
      }
      weir_bed_put (bed, counts[i]);
      if ((state & 2) != 0) {
        weir_bed_publish (bed);
      }
      if ((state & 4) != 0) {
        weir_link_look (bed->link);
      }
      if ((state & 8) != 0) {
        weir_bed_take (bed, counts[i] / 2);
      }
      if ((state & 16) != 0) {
        weir_link_put_idle (bed->link);
      }
      if ((state & 32) != 0) {
        weir_bed_take (bed, counts[i]);
        weir_link_take_idle (bed->link);
      }
      weir_bed_check_ledger (bed);
      weir_bed_free (bed);
    }
  }
}
END_TEST

/* ---- ledger and figures ---- */

START_TEST (the_ledger_balances_at_each_step)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 500, .bytes = 3000));
  GRand *random = g_rand_new_with_seed (7);
  guint64 put = 0, taken = 0;
  for (guint step = 0; step < 3000; step++) {
    switch (g_rand_int_range (random, 0, 6)) {
    case 0:
    case 1:
      for (gint n = g_rand_int_range (random, 0, 200); n > 0 && weir_link_below_hard (bed->link); n--) {
        weir_bed_put_sized (bed, 1, (gsize) g_rand_int_range (random, 0, 20), (guint32) n);
        put++;
      }
      break;
    case 2:
      weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 1 + step);
      break;
    case 3:
      weir_link_put_idle (bed->link);
      break;
    case 4:
      taken += weir_bed_take (bed, (gsize) g_rand_int_range (random, 0, 300));
      break;
    default:
      if (weir_link_look (bed->link) == 0) {
        weir_link_take_idle (bed->link);
      }
      break;
    }
    weir_bed_check_ledger (bed);
  }
  weir_link_publish (bed->link);
  taken += weir_bed_take (bed, G_MAXSIZE);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, put);
  ck_assert_uint_eq (figures.out, taken);
  ck_assert_uint_eq (put, taken);
  ck_assert_uint_eq (figures.bytes_in, figures.bytes_out);
  g_rand_free (random);
  weir_bed_free (bed);
}
END_TEST

START_TEST (figures_tell_bytes_level_and_peaks)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 100));
  weir_bed_put_sized (bed, 10, 5, 0);
  weir_link_publish (bed->link);
  weir_bed_take (bed, 4);
  weir_bed_put_sized (bed, 2, 5, 0);
  weir_link_publish (bed->link);
  weir_bed_take (bed, 1);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 12);
  ck_assert_uint_eq (figures.out, 5);
  ck_assert_uint_eq (figures.queued, 7);
  ck_assert_uint_eq (figures.bytes_in, 60);
  ck_assert_uint_eq (figures.bytes_out, 25);
  ck_assert_uint_eq (figures.level_bytes, 35);
  ck_assert_uint_eq (figures.peak_records, 10);
  ck_assert_uint_eq (figures.peak_bytes, 50);
  ck_assert_uint_eq (figures.peak_pinned, 4096);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_pause_is_timed_while_it_lasts)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 2));
  weir_bed_put (bed, 2);
  WeirLinkFigures figures;
  do {
    weir_link_figures (bed->link, &figures);
  } while (figures.paused_us == 0);
  ck_assert (figures.paused);
  weir_bed_take (bed, 2);
  ck_assert (weir_link_recheck (bed->link));
  WeirLinkFigures after = weir_bed_check_ledger (bed);
  ck_assert (!after.paused);
  ck_assert_int_ge (after.paused_us, figures.paused_us);
  weir_bed_free (bed);
}
END_TEST

/* ---- settings ---- */

START_TEST (contradicting_limits_are_refused)
{
  static const struct {
    WeirQueueSettings settings;
    const char *message;
  } cases[] = {
    { { .low = 0.5, .hard = 2 }, "neither records nor bytes are limited; a link must be bounded by one of them" },
    { { .records = 1, .low = 1, .hard = 2 }, "low is 1; it must be at least 0 and below 1, as low < high" },
    { { .records = 1, .low = -0.5, .hard = 2 }, "low is -0.5; it must be at least 0 and below 1, as low < high" },
    { { .records = 1, .low = 0.5, .hard = 0.9 },
      "hard is 0.9; it must be at least 1, as high <= hard, and at most 1000000" },
    { { .records = 1, .low = 0.5, .hard = 1e7 },
      "hard is 1e+07; it must be at least 1, as high <= hard, and at most 1000000" },
    { { .records = 1, .low = (double) NAN, .hard = 2 },
      "low is nan; it must be at least 0 and below 1, as low < high" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *message = NULL;
    ck_assert (!weir_queue_settings_check (&cases[i].settings, &message));
    ck_assert_str_eq (message, cases[i].message);
  }
  WeirQueueSettings defaults = WEIR_QUEUE_DEFAULTS;
  ck_assert (weir_queue_settings_check (&defaults, NULL));
}
END_TEST

START_TEST (marks_of_huge_limits_keep_their_order)
{
  static const guint64 limits[] = { 1, 2, 3, (1ull << 53) + 1, (1ull << 62) + 1, G_MAXINT64, G_MAXUINT64 - 1 };
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    WeirLink *link = weir_link_new (
      "huge", SETTINGS (.records = limits[i], .bytes = limits[i], .low = 0.9999999999999999, .hard = 1));
    const WeirMarks *all[] = { &link->records, &link->bytes, &link->pinned };
    for (guint j = 0; j < G_N_ELEMENTS (all); j++) {
      ck_assert_uint_lt (all[j]->low, all[j]->high);
      ck_assert_uint_le (all[j]->high, all[j]->hard);
      ck_assert_uint_ge (all[j]->high, MIN (limits[i], 1024 * 1024));
    }
    weir_link_free (link);
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("link");
  TCase *full = tcase_create ("full");
  tcase_add_test (full, full_is_the_high_mark_in_records);
  tcase_add_test (full, full_is_the_high_mark_in_bytes);
  tcase_add_test (full, a_trail_counts_as_bytes);
  tcase_add_test (full, full_is_four_times_bytes_in_pinned_bytes);
  tcase_add_test (full, pinned_bytes_may_be_a_mebibyte_however_small_bytes_is);
  tcase_add_test (full, one_buffer_pins_its_bytes_once_however_many_records_view_it);
  tcase_add_test (full, full_is_an_oldest_record_that_is_too_old);
  tcase_add_test (full, a_put_notices_an_age_that_is_reached);
  tcase_add_test (full, an_age_limit_knows_no_hard_limit);
  tcase_add_test (full, no_limit_of_a_kind_is_never_reached);
  tcase_add_test (full, zero_length_records_count_as_records);
  tcase_add_test (full, a_record_larger_than_the_hard_limit_passes_alone);
  tcase_add_test (full, hard_is_reached_in_any_limit);
  suite_add_tcase (suite, full);
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
  TCase *control = tcase_create ("control entries");
  tcase_add_test (control, control_entries_count_for_the_level_and_not_for_the_ledger);
  tcase_add_test (control, control_entries_pass_the_hard_limit);
  tcase_add_test (control, control_entries_keep_their_place);
  tcase_add_test (control, nothing_is_put_behind_the_end);
  tcase_add_test (control, unpublished_control_entries_do_not_upset_the_figures);
  suite_add_tcase (suite, control);
  TCase *segments = tcase_create ("segments");
  tcase_add_test (segments, segments_grow_with_the_link);
  tcase_add_test (segments, a_small_link_has_small_segments);
  tcase_add_test (segments, an_empty_link_owns_no_segment);
  tcase_add_test (segments, the_taker_frees_the_last_segment_of_an_idle_producer);
  tcase_add_test (segments, a_producer_that_comes_back_early_goes_on_in_its_segment);
  tcase_add_test (segments, a_control_entry_comes_back_to_a_segment_that_was_handed_over);
  tcase_add_test (segments, a_link_is_freed_in_every_state);
  suite_add_tcase (suite, segments);
  TCase *ledger = tcase_create ("ledger");
  tcase_add_test (ledger, the_ledger_balances_at_each_step);
  tcase_add_test (ledger, figures_tell_bytes_level_and_peaks);
  tcase_add_test (ledger, a_pause_is_timed_while_it_lasts);
  suite_add_tcase (suite, ledger);
  TCase *settings = tcase_create ("settings");
  tcase_add_test (settings, contradicting_limits_are_refused);
  tcase_add_test (settings, marks_of_huge_limits_keep_their_order);
  suite_add_tcase (suite, settings);
  return weir_run_suite (suite);
}
