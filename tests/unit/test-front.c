/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of drop_oldest links, stepped on one thread: what is dropped, what is held, limits. */
#include "front-bed.h"

#include <string.h>

START_TEST (below_high_all_pass_in_order)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000));
  for (guint i = 0; i < 20; i++) {
    weir_bed_put (bed, 50);
    weir_bed_publish (bed);
    ck_assert_uint_eq (weir_bed_take (bed, 20), 20);
    weir_bed_check_ledger (bed);
  }
  ck_assert_uint_eq (weir_bed_take (bed, 1000), 600);
  ck_assert_int_eq (bed->expected, 1000);
  check_dropped (bed, 0, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (at_high_the_oldest_is_dropped)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 10));
  weir_bed_put (bed, 25);
  check_dropped (bed, 15, 0);
  bed->expected = 15;
  ck_assert_uint_eq (weir_bed_take (bed, 100), 10);
  ck_assert_int_eq (bed->expected, 25);
  check_dropped (bed, 15, 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (at_high_in_bytes_too)
{
  WeirBed *bed = weir_bed_new (OLDEST (.bytes = 100));
  weir_bed_put_sized (bed, 10, 30, 0);
  check_dropped (bed, 6, 0);
  weir_bed_put_sized (bed, 1, 500, 0);
  check_dropped (bed, 7, 0);
  weir_bed_put_sized (bed, 1, 1, 0);
  check_dropped (bed, 11, 0);
  ck_assert_uint_eq (weir_bed_take (bed, 100), 1);
  weir_bed_free (bed);
}
END_TEST

START_TEST (at_high_in_pinned_bytes_too)
{
  WeirBed *bed = weir_bed_new (OLDEST (.bytes = 1024 * 1024));
  for (guint i = 0; i < 20; i++) {
    weir_bed_put_buffer (bed, weir_bed_wrap (bed, 1024 * 1024), 140 * 1024);
  }
  check_dropped (bed, 16, 0);
  ck_assert_uint_eq (bed->wrapped, 5);
  weir_bed_take (bed, 100);
  ck_assert_uint_eq (bed->wrapped, 1);
  weir_bed_free (bed);
}
END_TEST

START_TEST (neighbours_in_one_buffer_pin_it_once)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000, .bytes = 1024 * 1024));
  for (guint i = 0; i < 3; i++) {
    WeirBuffer *buffer = weir_bed_wrap (bed, 1024 * 1024);
    for (guint j = 0; j < 50; j++) {
      weir_bed_put_buffer (bed, weir_buffer_ref (buffer), 3000);
    }
    weir_buffer_unref (buffer);
    weir_bed_publish (bed);
  }
  weir_bed_put_buffer (bed, weir_bed_wrap (bed, 1024 * 1024), 140 * 1024);
  check_dropped (bed, 0, 0);
  /* A fifth buffer fits when all records of the first one are gone. */
  weir_bed_put_buffer (bed, weir_bed_wrap (bed, 1024 * 1024), 140 * 1024);
  check_dropped (bed, 50, 0);
  weir_bed_free (bed);
}
END_TEST

static void
check_bytes (WeirBed *bed, const WeirRecord *record)
{
  (void) bed;
  for (gsize i = 0; i < record->size; i++) {
    ck_assert_uint_eq (record->data[i], (guint8) record->time);
  }
}

START_TEST (ten_bytes_out_of_each_large_buffer_pin_little)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 5000, .bytes = 200000));
  for (guint i = 0; i < 4000; i++) {
    WeirBuffer *buffer = weir_buffer_new (bed->takers, 65000, 1);
    memset (buffer->data + 100, (int) (i & 0xff), 10);
    weir_bed_put_record (bed, (WeirRecord){ .data = buffer->data + 100, .size = 10, .buffer = buffer });
    weir_buffer_unref (buffer);
  }
  check_dropped (bed, 0, 0);
  ck_assert_uint_le (weir_pool_in_use (bed->takers), 140);
  ck_assert_uint_eq (weir_bed_take_each (bed, 5000, check_bytes), 4000);
  weir_link_done (bed->link);
  weir_bed_free (bed);
}
END_TEST

static gint64 age_high = 2000;

static void
pass_time (gint64 since, gint64 time)
{
  while (g_get_monotonic_time () - since < time) {
    g_thread_yield ();
  }
}

START_TEST (what_is_too_old_expires_when_something_is_put)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000, .age = age_high));
  weir_bed_put (bed, 3);
  weir_bed_publish (bed);
  gint64 published = g_get_monotonic_time ();
  check_dropped (bed, 0, 0);
  pass_time (published, age_high);
  weir_bed_put (bed, 2);
  weir_bed_publish (bed);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_EXPIRED], 3);
  ck_assert_uint_eq (figures.dropped, 3);
  ck_assert_uint_eq (weir_bed_take (bed, 10), 2);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).out, 2);
  weir_bed_free (bed);
}
END_TEST

START_TEST (what_is_too_old_expires_when_something_is_taken)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 1000, .age = age_high));
  ck_assert_int_eq (weir_front_age_deadline (bed->link->front), 0);
  weir_bed_put (bed, 3);
  weir_bed_publish (bed);
  gint64 published = g_get_monotonic_time ();
  ck_assert_int_le (weir_front_age_deadline (bed->link->front), published + age_high);
  pass_time (published, age_high);
  ck_assert_uint_eq (weir_bed_take (bed, 10), 0);
  ck_assert_int_eq (weir_front_age_deadline (bed->link->front), 0);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).dropped_by[WEIR_DROP_EXPIRED], 3);
  weir_bed_free (bed);
}
END_TEST

START_TEST (an_age_limit_drops_nothing_that_is_held)
{
  guint64 held = 0;
  WeirBed *bed = weir_bed_new (OLDEST (.records = 4000, .age = 10 * age_high));
  for (guint i = 0; i < 3; i++) {
    weir_bed_put (bed, 64);
    weir_bed_publish (bed);
    gint64 published = g_get_monotonic_time ();
    bed->expected = bed->sequence - 64;
    held += weir_bed_take_each (bed, 64, NULL); /* all 64, if the machine had time for it */
    pass_time (published, 10 * age_high);
    weir_front_expire (bed->link->front);
    WeirLinkFigures figures = weir_bed_check_ledger (bed);
    ck_assert_uint_eq (figures.queued, held);
    ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_EXPIRED], (i + 1) * 64 - held);
  }
  ck_assert_uint_gt (held, 0);
  weir_link_done (bed->link);
  ck_assert_uint_eq (weir_bed_check_ledger (bed).out, held);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_taken_record_is_never_dropped)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 100));
  weir_bed_put (bed, 100);
  weir_bed_publish (bed);
  ck_assert_uint_eq (weir_bed_take_each (bed, 10, NULL), 10);
  /* The run of 64 lies in the ring, 36 in the front. */
  weir_bed_put (bed, 30);
  check_dropped (bed, 30, 0);
  weir_bed_put (bed, 6);
  check_dropped (bed, 36, 0);
  ck_assert_uint_eq (weir_bed_take_each (bed, 54, NULL), 54);
  ck_assert_int_eq (bed->expected, 64);
  weir_link_done (bed->link);
  bed->expected = 100;
  ck_assert_uint_eq (weir_bed_take (bed, 1000), 36);
  weir_bed_free (bed);
}
END_TEST

START_TEST (when_all_is_held_the_new_record_is_dropped)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 50));
  weir_bed_put (bed, 50);
  weir_bed_publish (bed);
  ck_assert_uint_eq (weir_bed_take_each (bed, 50, NULL), 50);
  weir_bed_put (bed, 7);
  check_dropped (bed, 0, 7);
  weir_link_done (bed->link);
  weir_bed_put (bed, 3);
  check_dropped (bed, 0, 7);
  bed->expected = 57;
  ck_assert_uint_eq (weir_bed_take (bed, 100), 3);
  weir_bed_free (bed);
}
END_TEST

START_TEST (kept_records_are_held)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 10));
  weir_bed_put (bed, 10);
  weir_bed_publish (bed);
  WeirRecord *records;
  weir_link_look (bed->link);
  ck_assert_uint_eq (weir_link_peek (bed->link, &records, 10), 10);
  WeirRecord *kept[10];
  for (guint i = 0; i < 10; i++) {
    kept[i] = weir_record_keep (bed->to, &records[i]);
  }
  weir_link_take (bed->link, 10, 10);
  weir_link_done (bed->link);
  weir_bed_put (bed, 5);
  check_dropped (bed, 0, 5);
  for (guint i = 0; i < 3; i++) {
    weir_record_release (kept[i]);
  }
  weir_link_done (bed->link);
  weir_bed_put (bed, 5);
  check_dropped (bed, 2, 5);
  for (guint i = 3; i < 10; i++) {
    weir_record_release (kept[i]);
  }
  weir_link_done (bed->link);
  ck_assert_uint_eq (weir_bed_take (bed, 100), 3);
  weir_bed_check_ledger (bed);
  weir_bed_free (bed);
}
END_TEST

START_TEST (level_is_what_lies_in_front_and_what_is_held)
{
  WeirBed *bed = weir_bed_new (OLDEST (.records = 100, .bytes = 100000));
  weir_bed_put_sized (bed, 80, 10, 0);
  weir_bed_publish (bed);
  ck_assert_uint_eq (weir_bed_take_each (bed, 64, NULL), 64);
  weir_bed_put_sized (bed, 10, 10, 0);
  weir_bed_publish (bed);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.queued, 90);
  ck_assert_uint_eq (figures.level_bytes, 900);
  ck_assert_uint_eq (figures.peak_records, 90);
  ck_assert_uint_eq (figures.peak_bytes, 900);
  ck_assert_uint_eq (figures.bytes_in, 900);
  weir_link_done (bed->link);
  figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.queued, 26);
  ck_assert_uint_eq (figures.bytes_out, 640);
  weir_bed_free (bed);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("drop_oldest");
  TCase *drops = tcase_create ("drops");
  tcase_add_test (drops, below_high_all_pass_in_order);
  tcase_add_test (drops, at_high_the_oldest_is_dropped);
  tcase_add_test (drops, at_high_in_bytes_too);
  tcase_add_test (drops, at_high_in_pinned_bytes_too);
  tcase_add_test (drops, neighbours_in_one_buffer_pin_it_once);
  tcase_add_test (drops, ten_bytes_out_of_each_large_buffer_pin_little);
  tcase_add_test (drops, what_is_too_old_expires_when_something_is_put);
  tcase_add_test (drops, what_is_too_old_expires_when_something_is_taken);
  tcase_add_test (drops, an_age_limit_drops_nothing_that_is_held);
  tcase_add_test (drops, a_taken_record_is_never_dropped);
  tcase_add_test (drops, when_all_is_held_the_new_record_is_dropped);
  tcase_add_test (drops, kept_records_are_held);
  tcase_add_test (drops, level_is_what_lies_in_front_and_what_is_held);
  suite_add_tcase (suite, drops);
  return weir_run_suite (suite);
}
