/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of buffers and of the packer: where bytes come from, how references are counted, when they go. */
#include "packer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static WeirPool *pool;
static guint destroyed;

static void
setup (void)
{
  pool = weir_pool_new ();
  weir_pool_adopt (pool);
  destroyed = 0;
}

static void
teardown (void)
{
  ck_assert_uint_eq (weir_pool_in_use (pool), 0);
  weir_pool_unref (pool);
}

static void
count_destroyed (gpointer user)
{
  ++*(guint *) user;
}

/* ---- buffers ---- */

START_TEST (a_buffer_holds_what_was_asked_for)
{
  static const gsize sizes[] = { 0, 1, 3968, 3969, 16256, 16257, 65536, 65537, 1000000 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    WeirBuffer *buffer = weir_buffer_new (pool, sizes[i], 1);
    ck_assert_uint_ge (buffer->capacity, sizes[i]);
    memset (buffer->data, 7, buffer->capacity);
    ck_assert_uint_eq (weir_pool_in_use (pool), sizes[i] <= 65536 ? 1 : 0);
    weir_buffer_unref (buffer);
  }
}
END_TEST

START_TEST (a_pooled_buffer_comes_home_with_its_last_reference)
{
  WeirBuffer *buffer = weir_buffer_new (pool, 100, 3);
  weir_buffer_unref (buffer);
  ck_assert_uint_eq (weir_pool_in_use (pool), 1);
  weir_buffer_unref_many (buffer, 2);
  ck_assert_uint_eq (weir_pool_in_use (pool), 0);
  ck_assert_ptr_eq (weir_buffer_new (pool, 100, 1), buffer);
  weir_buffer_unref (buffer);
}
END_TEST

START_TEST (a_used_buffer_comes_back_without_its_past)
{
  WeirBuffer *buffer = weir_buffer_new (pool, 100, 1);
  weir_buffer_unref (buffer);
  buffer = weir_buffer_new (pool, 3000, 5);
  ck_assert_int_eq (weir_load_relaxed (&buffer->references), 5);
  ck_assert_ptr_null (buffer->destroy);
  weir_buffer_unref_many (buffer, 5);
}
END_TEST

START_TEST (wrapped_bytes_are_destroyed_once_with_the_last_reference)
{
  char bytes[10];
  WeirBuffer *buffer = weir_buffer_wrap (bytes, sizeof bytes, count_destroyed, &destroyed);
  ck_assert_ptr_eq (buffer->data, bytes);
  ck_assert_uint_eq (buffer->capacity, 10);
  ck_assert_ptr_eq (weir_buffer_ref (buffer), buffer);
  weir_buffer_ref_many (buffer, 10);
  weir_buffer_unref_many (buffer, 11);
  ck_assert_uint_eq (destroyed, 0);
  weir_buffer_unref (buffer);
  ck_assert_uint_eq (destroyed, 1);
}
END_TEST

START_TEST (static_bytes_need_no_destroy)
{
  WeirBuffer *buffer = weir_buffer_wrap ((gpointer) "text", 4, NULL, NULL);
  ck_assert_mem_eq (buffer->data, "text", 4);
  weir_buffer_unref (buffer);
}
END_TEST

static gpointer
unref_all (gpointer data)
{
  for (guint i = 0; i < 10000; i++) {
    weir_buffer_ref (data);
    weir_buffer_unref_many (data, 2);
  }
  return NULL;
}

START_TEST (any_threads_drop_references)
{
  char bytes[1];
  WeirBuffer *buffer = weir_buffer_wrap (bytes, 1, count_destroyed, &destroyed);
  weir_buffer_ref_many (buffer, 3 * 10000);
  GThread *threads[3];
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    threads[i] = g_thread_new ("dropper", unref_all, buffer);
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    g_thread_join (threads[i]);
  }
  ck_assert_uint_eq (destroyed, 0);
  weir_buffer_unref (buffer);
  ck_assert_uint_eq (destroyed, 1);
}
END_TEST

/* ---- the packer ---- */

START_TEST (small_outputs_lie_side_by_side)
{
  WeirPacker packer = { .pool = pool };
  guint8 *first = weir_packer_reserve (&packer, 100);
  weir_packer_commit (&packer, 60);
  ck_assert_ptr_eq (weir_packer_reserve (&packer, 100), first + 60);
  ck_assert_uint_eq (weir_pool_in_use (pool), 1);
  weir_packer_clear (&packer);
}
END_TEST

START_TEST (what_is_reserved_and_not_committed_is_reserved_again)
{
  WeirPacker packer = { .pool = pool };
  guint8 *first = weir_packer_reserve (&packer, 100);
  ck_assert_ptr_eq (weir_packer_reserve (&packer, 10), first);
  weir_packer_clear (&packer);
}
END_TEST

START_TEST (buffers_grow_while_they_fill)
{
  WeirPacker packer = { .pool = pool };
  static const gsize capacities[] = { 3968, 16256, 65536, 65536 };
  for (guint i = 0; i < G_N_ELEMENTS (capacities); i++) {
    weir_packer_reserve (&packer, 1000);
    ck_assert_uint_eq (packer.buffer->capacity, capacities[i]);
    weir_packer_commit (&packer, packer.buffer->capacity - packer.used);
  }
  weir_packer_clear (&packer);
  weir_packer_reserve (&packer, 10);
  ck_assert_uint_eq (packer.buffer->capacity, capacities[0]);
  weir_packer_clear (&packer);
}
END_TEST

START_TEST (a_large_output_gets_the_room_it_needs)
{
  WeirPacker packer = { .pool = pool };
  guint8 *to = weir_packer_reserve (&packer, 1000000);
  memset (to, 1, 1000000);
  weir_packer_commit (&packer, 1000000);
  weir_packer_reserve (&packer, 1);
  ck_assert_uint_le (packer.buffer->capacity, 65536);
  weir_packer_clear (&packer);
}
END_TEST

START_TEST (a_buffer_that_was_handed_out_outlives_the_packer)
{
  WeirPacker packer = { .pool = pool };
  memcpy (weir_packer_reserve (&packer, 4), "text", 4);
  weir_packer_commit (&packer, 4);
  WeirBuffer *buffer = packer.buffer;
  packer.credit--; /* as a link does for a run */
  weir_packer_clear (&packer);
  ck_assert_uint_eq (weir_pool_in_use (pool), 1);
  ck_assert_int_eq (weir_load_relaxed (&buffer->references), 1);
  ck_assert_mem_eq (buffer->data, "text", 4);
  weir_buffer_unref (buffer);
}
END_TEST

START_TEST (a_copied_record_views_the_copy)
{
  WeirPacker packer = { .pool = pool };
  WeirBuffer *buffer = weir_buffer_wrap ((gpointer) "line\nmore", 9, NULL, NULL);
  WeirRecord record = { .data = buffer->data, .size = 4, .trail = 1, .buffer = buffer };
  weir_packer_copy (&packer, &record);
  weir_buffer_unref (buffer);
  ck_assert_ptr_eq (record.buffer, packer.buffer);
  ck_assert_mem_eq (record.data, "line\n", 5);
  ck_assert_uint_eq (packer.used, 5);
  weir_packer_clear (&packer);
}
END_TEST

START_TEST (clearing_twice_is_clearing_once)
{
  WeirPacker packer = { .pool = pool };
  weir_packer_clear (&packer);
  weir_packer_reserve (&packer, 1);
  weir_packer_clear (&packer);
  weir_packer_clear (&packer);
  ck_assert_ptr_null (packer.buffer);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("buffer");
  TCase *buffers = tcase_create ("buffers");
  tcase_add_checked_fixture (buffers, setup, teardown);
  tcase_add_test (buffers, a_buffer_holds_what_was_asked_for);
  tcase_add_test (buffers, a_pooled_buffer_comes_home_with_its_last_reference);
  tcase_add_test (buffers, a_used_buffer_comes_back_without_its_past);
  tcase_add_test (buffers, wrapped_bytes_are_destroyed_once_with_the_last_reference);
  tcase_add_test (buffers, static_bytes_need_no_destroy);
  tcase_add_test (buffers, any_threads_drop_references);
  suite_add_tcase (suite, buffers);
  TCase *packers = tcase_create ("packers");
  tcase_add_checked_fixture (packers, setup, teardown);
  tcase_add_test (packers, small_outputs_lie_side_by_side);
  tcase_add_test (packers, what_is_reserved_and_not_committed_is_reserved_again);
  tcase_add_test (packers, buffers_grow_while_they_fill);
  tcase_add_test (packers, a_large_output_gets_the_room_it_needs);
  tcase_add_test (packers, a_buffer_that_was_handed_out_outlives_the_packer);
  tcase_add_test (packers, a_copied_record_views_the_copy);
  tcase_add_test (packers, clearing_twice_is_clearing_once);
  suite_add_tcase (suite, packers);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
