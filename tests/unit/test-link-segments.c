/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a link is made of, stepped on one thread: control entries among the records, segments, the ledger. */
#include "link-bed.h"

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

int
main (void)
{
  Suite *suite = suite_create ("link: what it is made of");
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
  return weir_run_suite (suite);
}
