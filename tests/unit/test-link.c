/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a link's limits and marks, stepped on one thread: what is full, and which limits there can be. */
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
    const WeirMarks *all[] = { &link->limits->records, &link->limits->bytes, &link->limits->pinned };
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
  TCase *settings = tcase_create ("settings");
  tcase_add_test (settings, contradicting_limits_are_refused);
  tcase_add_test (settings, marks_of_huge_limits_keep_their_order);
  suite_add_tcase (suite, settings);
  return weir_run_suite (suite);
}
