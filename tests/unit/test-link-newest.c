/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of drop_newest links, stepped on one thread: what is dropped and counted, gaps, and what is never dropped. */
#include "link-bed.h"

#define NEWEST(...) LIMITS (.when_full = WEIR_WHEN_FULL_DROP_NEWEST, __VA_ARGS__)

START_TEST (at_high_the_new_record_is_dropped)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 10));
  weir_bed_put (bed, 25);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 25);
  ck_assert_uint_eq (figures.queued, 10);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_FULL], 15);
  ck_assert_uint_eq (weir_bed_take (bed, 100), 10);
  ck_assert_int_eq (bed->expected, 10);
  weir_bed_free (bed);
}
END_TEST

START_TEST (at_high_in_bytes_and_pinned_bytes_too)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 1000, .bytes = 100));
  weir_bed_put_sized (bed, 10, 30, 0);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).dropped, 6);
  weir_bed_free (bed);
  bed = weir_bed_new (NEWEST (.bytes = 1024 * 1024));
  for (guint i = 0; i < 7; i++) {
    weir_bed_put_buffer (bed, weir_bed_wrap (bed, 1024 * 1024), 140 * 1024);
  }
  ck_assert_uint_eq (weir_bed_check_ledger (bed).dropped, 3);
  ck_assert_uint_eq (bed->wrapped, 5);
  weir_bed_free (bed);
}
END_TEST

START_TEST (nobody_is_paused_and_the_hard_limit_is_never_met)
{
  WeirBed *bed = weir_bed_new (
    SETTINGS (.when_full = WEIR_WHEN_FULL_DROP_NEWEST, .records = 10, .hard = 1, .low = 0.5));
  for (guint i = 0; i < 50; i++) {
    weir_bed_put (bed, 1);
    ck_assert (!weir_bed_full (bed));
    ck_assert (weir_link_below_hard (bed->link));
    ck_assert_uint_gt (weir_link_room (bed->link), 0);
  }
  ck_assert_uint_eq (weir_bed_check_ledger (bed).pauses, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_full_link_publishes_all_and_wakes_its_taker)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 10));
  weir_bed_put (bed, 10);
  ck_assert_uint_eq (weir_load_relaxed (&bed->link->put), 10);
  ck_assert (weir_bed_woken (bed, 1));
  weir_bed_free (bed);
}
END_TEST

START_TEST (it_takes_again_as_soon_as_it_is_below_high)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 10));
  for (guint i = 0; i < 300; i++) {
    weir_bed_put (bed, 13);
    weir_bed_publish (bed);
    weir_bed_check_ledger (bed);
    ck_assert_uint_eq (weir_bed_take (bed, 3), 3);
  }
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 3900);
  ck_assert_uint_eq (figures.out, 900);
  ck_assert_uint_eq (figures.queued, 7);
  weir_bed_free (bed);
}
END_TEST

START_TEST (the_next_record_of_each_stream_tells_of_the_gap)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 4));
  weir_bed_put_sized (bed, 4, 1, 1);
  weir_bed_put_sized (bed, 2, 1, 1);
  weir_bed_put_sized (bed, 2, 1, 2);
  weir_bed_put_sized (bed, 2, 1, 0);
  ck_assert_uint_eq (weir_bed_take (bed, 4), 4);
  ck_assert_uint_eq (bed->gaps, 0);
  static const struct {
    guint32 stream;
    guint16 flags;
  } next[] = { { 3, 0 }, { 1, WEIR_RECORD_GAP }, { 1, 0 }, { 0, 0 } };
  for (guint i = 0; i < G_N_ELEMENTS (next); i++) {
    weir_bed_put_sized (bed, 1, 1, next[i].stream);
  }
  WeirRecord *records;
  weir_link_look (bed->link);
  ck_assert_uint_eq (weir_link_peek (bed->link, &records, 10), 4);
  for (guint i = 0; i < G_N_ELEMENTS (next); i++) {
    ck_assert_uint_eq (records[i].flags, next[i].flags);
  }
  weir_bed_take (bed, 10);
  weir_bed_put_sized (bed, 1, 1, 2);
  weir_bed_publish (bed);
  bed->gaps = 0;
  weir_bed_take (bed, 10);
  ck_assert_uint_eq (bed->gaps, 1);
  ck_assert_ptr_null (bed->link->gap_streams);
  ck_assert (!bed->link->rare);
  weir_bed_free (bed);
}
END_TEST

START_TEST (the_end_of_a_stream_forgets_its_gap)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 2));
  weir_bed_put_sized (bed, 5, 1, 7);
  weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, 7);
  weir_bed_publish (bed);
  weir_bed_take (bed, 10);
  weir_bed_put_sized (bed, 1, 1, 7);
  weir_bed_publish (bed);
  weir_bed_take (bed, 10);
  ck_assert_uint_eq (bed->gaps, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (control_entries_are_never_dropped)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 100));
  weir_bed_put (bed, 100);
  for (guint32 i = 1; i <= 90; i++) {
    weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, i);
    weir_bed_put (bed, 1);
  }
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  ck_assert_uint_eq (weir_load_relaxed (&bed->link->put), 191);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.dropped, 90);
  ck_assert_uint_eq (weir_bed_take (bed, 1000), 100);
  ck_assert (bed->link->over);
  weir_bed_free (bed);
}
END_TEST

START_TEST (control_entries_alone_pause_the_producer)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 10));
  weir_bed_put (bed, 20);
  for (guint32 i = 1; i <= 10; i++) {
    ck_assert (!weir_bed_full (bed));
    weir_link_put_control (bed->link, WEIR_CONTROL_END_STREAM, i);
  }
  ck_assert (weir_bed_full (bed));
  ck_assert (weir_link_below_hard (bed->link));
  weir_bed_put (bed, 5);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).dropped, 15);
  ck_assert (!weir_link_recheck (bed->link));
  weir_bed_take (bed, 100);
  ck_assert (weir_bed_woken (bed, 0));
  ck_assert (weir_link_recheck (bed->link));
  weir_bed_put (bed, 1);
  weir_bed_publish (bed);
  ck_assert_uint_eq (weir_bed_take (bed, 100), 1);
  weir_bed_check_ledger (bed);
  weir_bed_free (bed);
}
END_TEST

START_TEST (an_idle_producer_gives_its_segment_away_while_it_drops)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 64));
  for (guint round = 0; round < 5; round++) {
    weir_bed_put_sized (bed, 70, 1, 3);
    weir_bed_publish (bed);
    weir_link_put_idle (bed->link);
    ck_assert_uint_eq (weir_bed_take (bed, 100), 64);
    while (weir_ready_links_take (&bed->to->ready_links) != NULL) {}
    ck_assert (weir_link_take_idle (bed->link));
    ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
    ck_assert_uint_eq (bed->gaps, round);
    weir_bed_check_ledger (bed);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (drops_behind_an_end_are_told_apart_and_note_no_gaps)
{
  WeirBed *bed = weir_bed_new (NEWEST (.records = 10));
  weir_bed_put_sized (bed, 15, 1, 1);
  weir_link_close (bed->link, WEIR_LINK_FINISHED);
  weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
  for (guint32 stream = 2; stream < 1000; stream++) {
    weir_bed_put_sized (bed, 1, 1, stream);
  }
  weir_link_discard (bed->link, WEIR_DROP_TAKER_FINISHED);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_FULL], 5);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 1008);
  ck_assert (bed->link->gap_streams == NULL || g_hash_table_size (bed->link->gap_streams) == 1);
  weir_bed_free (bed);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("drop_newest");
  TCase *cases = tcase_create ("drop_newest");
  tcase_add_test (cases, at_high_the_new_record_is_dropped);
  tcase_add_test (cases, at_high_in_bytes_and_pinned_bytes_too);
  tcase_add_test (cases, nobody_is_paused_and_the_hard_limit_is_never_met);
  tcase_add_test (cases, a_full_link_publishes_all_and_wakes_its_taker);
  tcase_add_test (cases, it_takes_again_as_soon_as_it_is_below_high);
  tcase_add_test (cases, the_next_record_of_each_stream_tells_of_the_gap);
  tcase_add_test (cases, the_end_of_a_stream_forgets_its_gap);
  tcase_add_test (cases, control_entries_are_never_dropped);
  tcase_add_test (cases, control_entries_alone_pause_the_producer);
  tcase_add_test (cases, an_idle_producer_gives_its_segment_away_while_it_drops);
  tcase_add_test (cases, drops_behind_an_end_are_told_apart_and_note_no_gaps);
  suite_add_tcase (suite, cases);
  return weir_run_suite (suite);
}
