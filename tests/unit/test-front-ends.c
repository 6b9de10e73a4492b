/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of drop_oldest links, stepped on one thread: gaps, control entries, ends, and what they own. */
#include "front-bed.h"

/* ---- gaps and control entries ---- */

START_TEST (the_next_record_of_a_stream_tells_of_the_gap)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 10));
  weir_bed_put_sized (bed, 6, 1, 1);
  weir_bed_put_sized (bed, 6, 1, 2);
  weir_bed_put_sized (bed, 2, 1, 0);
  weir_bed_publish (bed); /* 4 of stream 1 are gone */
  WeirRecord *records;
  weir_link_look (bed->link);
  ck_assert_uint_eq (weir_link_peek (bed->link, &records, 100), 10);
  for (guint i = 0; i < 10; i++) {
    ck_assert_uint_eq (records[i].flags, i == 0 ? WEIR_RECORD_GAP : 0);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_record_dropped_as_held_leaves_a_gap_too)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 5));
  weir_bed_put_sized (bed, 5, 1, 9);
  weir_bed_publish (bed);
  weir_bed_take_each (bed, 5, NULL);
  weir_bed_put_sized (bed, 1, 1, 9);
  check_dropped (bed, 0, 1);
  weir_link_done (bed->link);
  weir_bed_put_sized (bed, 2, 1, 9);
  weir_bed_publish (bed);
  ck_assert_uint_eq (weir_bed_take (bed, 10), 2);
  ck_assert_uint_eq (bed->gaps, 1);
  weir_bed_free (bed);
}
END_TEST

START_TEST (the_end_of_a_stream_forgets_its_gap)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 4));
  weir_bed_put_sized (bed, 3, 1, 5);
  weir_front_put_control (bed->link->front, WEIR_CONTROL_END_STREAM, 5);
  weir_bed_put_sized (bed, 4, 1, 6);
  check_dropped (bed, 4, 0);
  weir_bed_take (bed, 10);
  weir_bed_put_sized (bed, 1, 1, 5);
  weir_bed_publish (bed);
  bed->gaps = 0;
  ck_assert_uint_eq (weir_bed_take (bed, 10), 1);
  ck_assert_uint_eq (bed->gaps, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (control_entries_are_never_dropped_and_keep_their_order)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 20));
  for (guint32 stream = 1; stream <= 10; stream++) {
    weir_bed_put_sized (bed, 10, 1, stream);
    weir_front_put_control (bed->link->front, WEIR_CONTROL_END_STREAM, stream);
    weir_bed_check_ledger (bed);
  }
  weir_front_put_control (bed->link->front, WEIR_CONTROL_END, 0);
  guint32 expected = 1;
  for (guint64 left; (left = weir_link_look (bed->link)) > 0;) {
    const WeirRecord *control = weir_link_peek_control (bed->link);
    if (control == NULL) {
      WeirRecord *records;
      weir_link_take (bed->link, weir_link_peek (bed->link, &records, 1), 1);
      ck_assert_uint_ge (records->stream, expected);
      continue;
    }
    ck_assert_uint_eq (control->stream, expected <= 10 ? expected : 0);
    ck_assert_uint_eq (control->flags, expected <= 10 ? WEIR_CONTROL_END_STREAM : WEIR_CONTROL_END);
    expected++;
    bed->link->controls_taken++;
    weir_link_take (bed->link, 1, 0);
  }
  ck_assert_uint_eq (expected, 12);
  weir_link_done (bed->link);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 100);
  ck_assert_uint_eq (figures.queued, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (control_entries_alone_pause_the_producer)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 10));
  weir_bed_put (bed, 100);
  weir_bed_publish (bed);
  ck_assert (!weir_bed_full (bed));
  for (guint32 i = 1; i <= 10; i++) {
    ck_assert (!weir_bed_full (bed));
    weir_front_put_control (bed->link->front, WEIR_CONTROL_END_STREAM, i);
  }
  ck_assert (weir_bed_full (bed));
  ck_assert (!weir_front_recheck (bed->link->front));
  weir_bed_woken (bed, 0);
  bed->expected = 90;
  weir_bed_take (bed, 100);
  weir_link_look (bed->link);
  ck_assert (weir_bed_woken (bed, 0));
  ck_assert (weir_front_recheck (bed->link->front));
  ck_assert (!weir_bed_full (bed));
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.pauses, 1);
  ck_assert_uint_eq (figures.resumes, 1);
  weir_bed_free (bed);
}
END_TEST

START_TEST (nothing_is_put_behind_the_end)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 10));
  weir_bed_put (bed, 2);
  weir_front_put_control (bed->link->front, WEIR_CONTROL_END, 0);
  weir_bed_put (bed, 3);
  weir_front_put_control (bed->link->front, WEIR_CONTROL_END_STREAM, 3);
  ck_assert_uint_eq (weir_bed_take (bed, 10), 2);
  ck_assert (bed->link->over);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 5);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_REFUSED], 3);
  weir_bed_free (bed);
}
END_TEST

START_TEST (what_a_finished_taker_left_is_dropped_and_counted)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000));
  weir_bed_put (bed, 700);
  weir_bed_publish (bed);
  weir_bed_take (bed, 70);
  weir_link_close (bed->link, WEIR_LINK_FINISHED);
  weir_bed_put (bed, 5);
  weir_front_put_control (bed->link->front, WEIR_CONTROL_END, 0);
  weir_bed_put (bed, 5);
  weir_link_discard (bed->link, WEIR_DROP_TAKER_FINISHED);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, 710);
  ck_assert_uint_eq (figures.out, 70);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 640);
  weir_bed_free (bed);
}
END_TEST

/* ---- what it owns ---- */

START_TEST (the_producers_packer_and_pools_are_left_alone_by_the_taker)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000));
  WeirPacker *packer = &bed->from->packer;
  guint8 *to = weir_packer_reserve (packer, 10);
  weir_packer_commit (packer, 10);
  weir_bed_put_record (bed, (WeirRecord){ .data = to, .size = 10, .buffer = packer->buffer });
  weir_bed_publish (bed);
  gint64 credit = packer->credit;
  weir_link_look (bed->link);
  ck_assert_int_eq (packer->credit, credit);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
  ck_assert_uint_eq (weir_pool_in_use (bed->takers), 1);
  ck_assert_uint_eq (weir_bed_take (bed, 10), 1);
  weir_packer_clear (packer);
  ck_assert_uint_eq (weir_pool_in_use (bed->packed), 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (buffers_and_contexts_are_freed_however_their_records_end)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 20));
  WeirContext *context = weir_context_with (NULL, "a", "1");
  for (guint i = 0; i < 300; i++) {
    WeirBuffer *buffer = weir_bed_wrap (bed, 100);
    weir_bed_put_record (bed, (WeirRecord){ .data = buffer->data, .size = 90, .buffer = buffer, .context = context });
    weir_buffer_unref (buffer);
    if (i % 100 == 50) {
      weir_bed_publish (bed);
      bed->expected = 0;
      weir_bed_take (bed, 15);
    }
  }
  weir_bed_publish (bed);
  ck_assert_uint_le (bed->wrapped, 26);
  weir_bed_put_buffer (bed, weir_bed_wrap (bed, 100), 90);
  weir_bed_free (bed);
  ck_assert_int_eq (weir_load_relaxed (&context->references), 1);
  weir_context_unref (context);
}
END_TEST

START_TEST (an_empty_link_owns_no_segment)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000));
  for (guint round = 0; round < 10; round++) {
    weir_bed_put (bed, 70 * round + 1);
    weir_bed_publish (bed);
    ck_assert_uint_eq (weir_bed_take (bed, 5000), 70 * round + 1);
    while (weir_ready_links_take (&bed->to->ready_links) != NULL) {}
    ck_assert (weir_link_take_idle (bed->link));
    ck_assert_uint_eq (weir_pool_in_use (bed->takers), 0);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_kept_record_holds_its_segment_until_it_is_released)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000));
  for (guint round = 0; round < 3; round++) {
    weir_bed_put (bed, 10);
    weir_bed_publish (bed);
    WeirRecord *records;
    weir_link_look (bed->link);
    gsize count = weir_link_peek (bed->link, &records, 10);
    ck_assert_uint_eq (count, 10);
    WeirRecord *kept = weir_record_keep (bed->to, &records[4]);
    weir_link_take (bed->link, 10, 10);
    weir_link_done (bed->link);
    while (weir_ready_links_take (&bed->to->ready_links) != NULL) {}
    ck_assert (weir_link_take_idle (bed->link));
    ck_assert_uint_eq (weir_pool_in_use (bed->takers), 1);
    weir_record_release (kept);
    weir_store_relaxed (&bed->link->released, 0);
    weir_link_done (bed->link);
    while (weir_ready_links_take (&bed->to->ready_links) != NULL) {}
    ck_assert (weir_link_take_idle (bed->link));
    ck_assert_uint_eq (weir_pool_in_use (bed->takers), 0);
    weir_bed_check_ledger (bed);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_link_is_freed_in_every_state)
{
  for (guint state = 0; state < 16; state++) {
    WeirBed *bed = weir_bed_new (OLDEST (.records = 100));
    weir_bed_put (bed, 150);
    if ((state & 1) != 0) {
      weir_bed_publish (bed);
    }
    if ((state & 2) != 0) {
      weir_bed_take_each (bed, 20, NULL);
    }
    if ((state & 4) != 0) {
      weir_link_done (bed->link);
    }
    if ((state & 8) != 0) {
      weir_bed_take (bed, 1000);
      weir_link_take_idle (bed->link);
    }
    weir_bed_check_ledger (bed);
    weir_bed_free (bed);
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("drop_oldest: gaps, ends and what it owns");
  TCase *control = tcase_create ("gaps and control entries");
  tcase_add_test (control, the_next_record_of_a_stream_tells_of_the_gap);
  tcase_add_test (control, a_record_dropped_as_held_leaves_a_gap_too);
  tcase_add_test (control, the_end_of_a_stream_forgets_its_gap);
  tcase_add_test (control, control_entries_are_never_dropped_and_keep_their_order);
  tcase_add_test (control, control_entries_alone_pause_the_producer);
  tcase_add_test (control, nothing_is_put_behind_the_end);
  tcase_add_test (control, what_a_finished_taker_left_is_dropped_and_counted);
  suite_add_tcase (suite, control);
  TCase *owned = tcase_create ("what it owns");
  tcase_add_test (owned, the_producers_packer_and_pools_are_left_alone_by_the_taker);
  tcase_add_test (owned, buffers_and_contexts_are_freed_however_their_records_end);
  tcase_add_test (owned, an_empty_link_owns_no_segment);
  tcase_add_test (owned, a_kept_record_holds_its_segment_until_it_is_released);
  tcase_add_test (owned, a_link_is_freed_in_every_state);
  suite_add_tcase (suite, owned);
  return weir_run_suite (suite);
}
