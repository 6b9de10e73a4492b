/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what the records of a link hold down: references by run, and sparse runs that are copied. */
#include "link-kept.h"

#include <string.h>

/* ---- references ---- */

START_TEST (a_run_holds_one_reference_and_drops_it_behind_its_last_record)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000));
  gint64 before = weir_load_relaxed (&bed->buffer->references);
  weir_bed_put (bed, 40);
  ck_assert_int_eq (weir_load_relaxed (&bed->buffer->references), before + 1);
  weir_link_publish (bed->link);
  weir_bed_put (bed, 10);
  weir_link_publish (bed->link);
  ck_assert_int_eq (weir_load_relaxed (&bed->buffer->references), before + 2);
  weir_bed_take (bed, 39);
  ck_assert_int_eq (weir_load_relaxed (&bed->buffer->references), before + 2);
  weir_bed_take (bed, 1);
  ck_assert_int_eq (weir_load_relaxed (&bed->buffer->references), before + 1);
  weir_bed_take (bed, 10);
  ck_assert_int_eq (weir_load_relaxed (&bed->buffer->references), before);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_run_never_crosses_segments)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  weir_bed_put (bed, 65);
  weir_link_publish (bed->link);
  gint64 held = weir_load_relaxed (&bed->buffer->references);
  weir_bed_take (bed, 64);
  ck_assert_int_eq (weir_load_relaxed (&bed->buffer->references), held - 1);
  weir_bed_take (bed, 1);
  ck_assert_int_eq (weir_load_relaxed (&bed->buffer->references), 1);
  weir_bed_free (bed);
}
END_TEST

START_TEST (buffers_are_freed_exactly_when_their_last_record_is_done)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000));
  for (guint i = 0; i < 100; i++) {
    WeirBuffer *buffer = weir_bed_wrap (bed, 100);
    weir_bed_put_buffer (bed, weir_buffer_ref (buffer), 90);
    weir_bed_put_buffer (bed, weir_buffer_ref (buffer), 1);
    weir_bed_put_buffer (bed, buffer, 1);
  }
  weir_link_publish (bed->link);
  ck_assert_uint_eq (bed->wrapped, 101);
  for (guint i = 1; i <= 300; i++) {
    weir_bed_take (bed, 1);
    ck_assert_uint_eq (bed->wrapped, 101 - i / 3);
  }
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_kept_record_holds_its_buffer_and_those_behind_it)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000));
  for (guint i = 0; i < 6; i++) {
    weir_bed_put_buffer (bed, weir_bed_wrap (bed, 100), 90);
  }
  weir_link_publish (bed->link);
  weir_bed_take_each (bed, 6, keep_every_third);
  weir_link_done (bed->link);
  ck_assert_uint_eq (bed->wrapped, 7);
  release (0);
  weir_link_done (bed->link);
  ck_assert_uint_eq (bed->wrapped, 4);
  release (1);
  weir_link_done (bed->link);
  ck_assert_uint_eq (bed->wrapped, 1);
  weir_bed_free (bed);
}
END_TEST

START_TEST (contexts_are_counted_by_run)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000));
  WeirContext *contexts[] = { weir_context_with (NULL, "a", "1"), weir_context_with (NULL, "b", "2"), NULL };
  static const guint order[] = { 0, 0, 1, 2, 2, 1, 1, 0 };
  for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
    weir_bed_put_record (
      bed, (WeirRecord){ .data = bed->buffer->data, .size = 1, .buffer = bed->buffer, .context = contexts[order[i]] });
  }
  ck_assert_int_eq (weir_load_relaxed (&contexts[0]->references), 3);
  ck_assert_int_eq (weir_load_relaxed (&contexts[1]->references), 3);
  weir_link_publish (bed->link);
  static const gint64 left[][2] = { { 3, 3 }, { 2, 3 }, { 2, 2 }, { 2, 2 }, { 2, 2 }, { 2, 2 }, { 2, 1 }, { 1, 1 } };
  for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
    weir_bed_take (bed, 1);
    ck_assert_int_eq (weir_load_relaxed (&contexts[0]->references), left[i][0]);
    ck_assert_int_eq (weir_load_relaxed (&contexts[1]->references), left[i][1]);
  }
  weir_context_unref (contexts[0]);
  weir_context_unref (contexts[1]);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_freed_link_drops_what_it_held)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 4096));
  WeirContext *context = weir_context_with (NULL, "a", "1");
  for (guint i = 0; i < 400; i++) {
    WeirBuffer *buffer = weir_bed_wrap (bed, 100);
    weir_bed_put_record (
      bed, (WeirRecord){ .data = buffer->data, .size = 90, .buffer = buffer, .context = i % 3 == 0 ? context : NULL });
    weir_buffer_unref (buffer);
  }
  weir_link_publish (bed->link);
  weir_bed_take_each (bed, 200, keep_every_third);
  weir_link_done (bed->link);
  release (2);
  weir_bed_free (bed);
  ck_assert_int_eq (weir_load_relaxed (&context->references), 1);
  weir_context_unref (context);
}
END_TEST

START_TEST (packed_records_take_their_references_from_the_packers_credit)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 1000));
  WeirPacker *packer = &bed->from->packer;
  weir_packer_reserve (packer, 10);
  gint64 references = weir_load_relaxed (&packer->buffer->references);
  for (guint i = 0; i < 20; i++) {
    guint8 *to = weir_packer_reserve (packer, 10);
    weir_packer_commit (packer, 10);
    weir_bed_put_record (bed, (WeirRecord){ .data = to, .size = 10, .buffer = packer->buffer });
    weir_link_publish (bed->link);
  }
  ck_assert_int_eq (weir_load_relaxed (&packer->buffer->references), references);
  ck_assert_int_eq (packer->credit, references - 20);
  weir_packer_clear (packer);
  ck_assert_uint_eq (weir_pool_in_use (bed->packed), 1);
  weir_bed_take (bed, 19);
  ck_assert_uint_eq (weir_pool_in_use (bed->packed), 1);
  weir_bed_take (bed, 1);
  ck_assert_uint_eq (weir_pool_in_use (bed->packed), 0);
  weir_bed_free (bed);
}
END_TEST

/* ---- sparse runs ---- */

#define LARGE 65000

static void
check_bytes (WeirBed *bed, const WeirRecord *record)
{
  (void) bed;
  gsize same = 0, size = record->size + record->trail;
  while (same < size && record->data[same] == (guint8) (record->time + (gint64) same)) {
    same++;
  }
  ck_assert_uint_eq (same, size);
}

/* Puts one record of `size` bytes, the last two its trail, out of a large buffer of its own. */
static void
put_out_of_large (WeirBed *bed, gsize size)
{
  WeirBuffer *buffer = weir_buffer_new (bed->takers, LARGE, 1);
  gsize at = LARGE / 2;
  for (gsize i = 0; i < size; i++) {
    buffer->data[at + i] = (guint8) (bed->sequence + (gint64) i);
  }
  weir_bed_put_record (bed, (WeirRecord){ .data = buffer->data + at, .size = size - 2, .trail = 2, .buffer = buffer });
  weir_buffer_unref (buffer);
}

START_TEST (ten_bytes_out_of_each_large_buffer_pin_little)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10000, .bytes = 200000));
  for (guint i = 0; i < 9000; i++) {
    put_out_of_large (bed, 10);
    ck_assert (!weir_bed_full (bed));
    ck_assert_uint_le (weir_pool_in_use (bed->takers), 5);
  }
  weir_link_publish (bed->link);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.bytes_in, 90000);
  ck_assert_uint_eq (weir_bed_take_each (bed, 9000, check_bytes), 9000);
  ck_assert_uint_le (weir_bed_check_ledger (bed).peak_pinned, 600000);
  weir_link_done (bed->link);
  ck_assert_uint_eq (weir_pool_in_use (bed->takers), 0);
  weir_bed_free (bed);
}
END_TEST

START_TEST (dense_runs_are_not_copied)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10000, .bytes = 200000));
  for (guint i = 0; i < 9; i++) {
    put_out_of_large (bed, LARGE / 7);
    weir_link_publish (bed->link);
  }
  ck_assert_uint_eq (weir_pool_in_use (bed->takers), 9);
  ck_assert_uint_eq (weir_pool_in_use (bed->packed), 0);
  ck_assert_uint_eq (weir_bed_take_each (bed, 100, check_bytes), 9);
  weir_link_done (bed->link);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_sparse_run_of_many_records_keeps_its_bytes)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10000, .bytes = 100000));
  for (guint i = 0; i < 200; i++) {
    WeirBuffer *buffer = weir_buffer_new (bed->takers, LARGE, 1);
    for (guint j = 0; j < 7; j++) {
      guint8 *data = buffer->data + j * 1000;
      for (guint k = 0; k < j; k++) {
        data[k] = (guint8) (bed->sequence + k);
      }
      weir_bed_put_record (bed, (WeirRecord){ .data = data, .size = j, .buffer = buffer });
    }
    weir_buffer_unref (buffer);
  }
  weir_link_publish (bed->link);
  ck_assert_uint_le (weir_pool_in_use (bed->takers), 4);
  ck_assert_uint_eq (weir_bed_take_each (bed, 10000, check_bytes), 1400);
  weir_link_done (bed->link);
  weir_bed_check_ledger (bed);
  weir_bed_free (bed);
}
END_TEST

/* A stage packs one output, then another, while runs of slices are still open on its link. */
START_TEST (copying_a_sparse_run_leaves_what_the_stage_is_packing)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10000, .bytes = 100000));
  WeirPacker *packer = &bed->from->packer;
  for (guint i = 0; i < 2000; i++) {
    put_out_of_large (bed, 50 + i % 3000);
    /* weir_emit_copy (): reserve, fill, commit, emit. */
    gsize size = 100 + i % 3900;
    guint8 *to = weir_packer_reserve (packer, size);
    WeirBuffer *buffer = packer->buffer;
    for (gsize j = 0; j < size; j++) {
      to[j] = (guint8) (bed->sequence + (gint64) j);
    }
    weir_packer_commit (packer, size);
    weir_bed_put_record (bed, (WeirRecord){ .data = to, .size = size, .buffer = buffer });
    ck_assert_ptr_eq (packer->buffer, buffer);
    if (i % 32 == 31) {
      weir_link_publish (bed->link);
      weir_bed_take_each (bed, 32, check_bytes);
      weir_link_done (bed->link);
    }
  }
  weir_link_publish (bed->link);
  weir_bed_take_each (bed, 10000, check_bytes);
  weir_link_done (bed->link);
  weir_bed_free (bed);
}
END_TEST

START_TEST (a_reserved_place_outlives_the_copy_of_a_sparse_run)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10000, .bytes = 65536));
  WeirPacker *packer = &bed->from->packer;
  for (guint i = 0; i < 100; i++) {
    /* weir_emit_begin (), something else is emitted, weir_emit_end (). */
    guint8 *to = weir_packer_reserve (packer, 300);
    WeirBuffer *buffer = packer->buffer;
    memset (to, 0xee, 300);
    put_out_of_large (bed, 50);
    weir_link_publish (bed->link);
    ck_assert_ptr_eq (packer->buffer, buffer);
    ck_assert_ptr_eq (buffer->data + packer->used, to);
    for (guint j = 0; j < 300; j++) {
      ck_assert_uint_eq (to[j], 0xee);
    }
    weir_packer_commit (packer, 300);
  }
  weir_bed_take_each (bed, 10000, check_bytes);
  weir_link_done (bed->link);
  weir_bed_free (bed);
}
END_TEST

START_TEST (an_idle_link_holds_no_copies)
{
  WeirBed *bed = weir_bed_new (LIMITS (.records = 10000, .bytes = 65536));
  for (guint i = 0; i < 100; i++) {
    put_out_of_large (bed, 50);
  }
  weir_bed_publish (bed);
  weir_bed_take (bed, 1000);
  weir_link_put_idle (bed->link);
  weir_link_take_idle (bed->link);
  weir_packer_clear (&bed->from->packer);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
  ck_assert_uint_eq (weir_pool_in_use (bed->packed), 0);
  weir_bed_free (bed);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("link: references by run");
  TCase *references = tcase_create ("references");
  tcase_add_checked_fixture (references, setup, teardown);
  tcase_add_test (references, a_run_holds_one_reference_and_drops_it_behind_its_last_record);
  tcase_add_test (references, a_run_never_crosses_segments);
  tcase_add_test (references, buffers_are_freed_exactly_when_their_last_record_is_done);
  tcase_add_test (references, a_kept_record_holds_its_buffer_and_those_behind_it);
  tcase_add_test (references, contexts_are_counted_by_run);
  tcase_add_test (references, a_freed_link_drops_what_it_held);
  tcase_add_test (references, packed_records_take_their_references_from_the_packers_credit);
  suite_add_tcase (suite, references);
  TCase *sparse = tcase_create ("sparse runs");
  tcase_add_test (sparse, ten_bytes_out_of_each_large_buffer_pin_little);
  tcase_add_test (sparse, dense_runs_are_not_copied);
  tcase_add_test (sparse, a_sparse_run_of_many_records_keeps_its_bytes);
  tcase_add_test (sparse, copying_a_sparse_run_leaves_what_the_stage_is_packing);
  tcase_add_test (sparse, a_reserved_place_outlives_the_copy_of_a_sparse_run);
  tcase_add_test (sparse, an_idle_link_holds_no_copies);
  suite_add_tcase (suite, sparse);
  return weir_run_suite (suite);
}
