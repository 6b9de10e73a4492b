/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a worker's pool: blocks come home across threads, the pool is capped, it shrinks, and outlives its worker. */
#include "pool.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static WeirPool *pool;

static void
setup (void)
{
  pool = weir_pool_new ();
  weir_pool_adopt (pool);
}

static void
teardown (void)
{
  ck_assert_uint_eq (weir_pool_in_use (pool), 0);
  weir_pool_unref (pool);
}

static GPtrArray *
take_many (WeirBlockClass block_class, guint count)
{
  GPtrArray *blocks = g_ptr_array_new ();
  for (guint i = 0; i < count; i++) {
    g_ptr_array_add (blocks, weir_pool_take (pool, block_class));
  }
  return blocks;
}

static gpointer
give_all (gpointer blocks)
{
  g_ptr_array_foreach (blocks, (GFunc) (void (*) (void)) weir_pool_give, NULL);
  g_ptr_array_unref (blocks);
  return NULL;
}

static void
give_elsewhere (GPtrArray *blocks)
{
  g_thread_join (g_thread_new ("giver", give_all, blocks));
}

START_TEST (blocks_of_a_class_have_its_size_and_do_not_overlap)
{
  for (WeirBlockClass c = 0; c < WEIR_BLOCK_CLASSES; c++) {
    GPtrArray *blocks = take_many (c, 50);
    for (guint i = 0; i < 50; i++) {
      memset ((guint8 *) blocks->pdata[i] + sizeof (WeirBlock), (int) i, weir_block_size (c) - sizeof (WeirBlock));
    }
    for (guint i = 0; i < 50; i++) {
      const WeirBlock *block = blocks->pdata[i];
      const guint8 *bytes = blocks->pdata[i];
      ck_assert_ptr_eq (block->pool, pool);
      ck_assert_uint_eq (block->block_class, c);
      ck_assert_uint_eq ((gsize) block % 64, 0);
      ck_assert_uint_eq (bytes[sizeof (WeirBlock)], i);
      ck_assert_uint_eq (bytes[weir_block_size (c) - 1], i);
    }
    give_all (blocks);
  }
}
END_TEST

START_TEST (every_address_in_a_segment_finds_it)
{
  for (WeirBlockClass c = WEIR_BLOCK_SEGMENT_64; c <= WEIR_BLOCK_SEGMENT_1024; c++) {
    GPtrArray *blocks = take_many (c, 50);
    for (guint i = 0; i < 50; i++) {
      guint8 *start = blocks->pdata[i];
      ck_assert_ptr_eq (weir_arena_segment (start), start);
      ck_assert_ptr_eq (weir_arena_segment (start + 1000), start);
      ck_assert_ptr_eq (weir_arena_segment (start + weir_block_size (c) - 1), start);
    }
    give_all (blocks);
  }
}
END_TEST

START_TEST (the_owner_gets_back_what_it_gave_last)
{
  for (WeirBlockClass c = 0; c < WEIR_BLOCK_CLASSES; c++) {
    WeirBlock *block = weir_pool_take (pool, c);
    weir_pool_give (block);
    ck_assert_ptr_eq (weir_pool_take (pool, c), block);
    weir_pool_give (block);
  }
}
END_TEST

START_TEST (a_block_comes_home_from_another_thread)
{
  for (WeirBlockClass c = 0; c < WEIR_BLOCK_CLASSES; c++) {
    WeirBlock *block = weir_pool_take (pool, c);
    gsize idle = weir_pool_idle_bytes (pool);
    GPtrArray *blocks = g_ptr_array_new ();
    g_ptr_array_add (blocks, block);
    ck_assert_uint_eq (weir_pool_in_use (pool), 1);
    give_elsewhere (blocks);
    ck_assert_uint_eq (weir_pool_in_use (pool), 0);
    ck_assert_uint_eq (weir_pool_idle_bytes (pool), idle + weir_block_size (c));
  }
}
END_TEST

START_TEST (blocks_from_elsewhere_are_used_before_new_ones)
{
  GPtrArray *blocks = take_many (WEIR_BLOCK_BUFFER_16K, 5);
  GHashTable *known = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < blocks->len; i++) {
    g_hash_table_add (known, blocks->pdata[i]);
  }
  give_elsewhere (blocks);
  blocks = take_many (WEIR_BLOCK_BUFFER_16K, 5);
  for (guint i = 0; i < blocks->len; i++) {
    ck_assert (g_hash_table_remove (known, blocks->pdata[i]));
  }
  g_hash_table_unref (known);
  give_all (blocks);
}
END_TEST

START_TEST (what_the_owner_gives_back_is_capped)
{
  for (WeirBlockClass c = 0; c < WEIR_BLOCK_CLASSES; c++) {
    give_all (take_many (c, 1000));
    ck_assert_uint_le (weir_pool_idle_bytes (pool), 80 * weir_block_size (c));
    while (weir_pool_shrink (pool)) {}
  }
}
END_TEST

START_TEST (what_comes_home_is_capped)
{
  for (WeirBlockClass c = 0; c < WEIR_BLOCK_CLASSES; c++) {
    give_elsewhere (take_many (c, 1000));
    give_all (take_many (c, 20)); /* more than an arena's rest: they are looked at when none is left */
    ck_assert_uint_le (weir_pool_idle_bytes (pool), 80 * weir_block_size (c));
    while (weir_pool_shrink (pool)) {}
  }
}
END_TEST

START_TEST (an_idle_pool_shrinks_to_nothing_and_says_so)
{
  for (WeirBlockClass c = 0; c < WEIR_BLOCK_CLASSES; c++) {
    give_all (take_many (c, 45));
    ck_assert_uint_gt (weir_pool_idle_bytes (pool), 0);
    guint rounds = 0;
    while (weir_pool_shrink (pool)) {
      ck_assert_uint_lt (++rounds, 10);
    }
    ck_assert_uint_eq (weir_pool_idle_bytes (pool), 0);
  }
}
END_TEST

START_TEST (shrinking_keeps_a_part_at_first)
{
  give_all (take_many (WEIR_BLOCK_BUFFER_16K, 20));
  ck_assert (weir_pool_shrink (pool));
  ck_assert_uint_eq (weir_pool_idle_bytes (pool), 5 * weir_block_size (WEIR_BLOCK_BUFFER_16K));
}
END_TEST

START_TEST (an_arena_in_use_stays_and_nobody_is_asked_to_come_again)
{
  WeirBlock *first = weir_pool_take (pool, WEIR_BLOCK_SEGMENT_64);
  guint rounds = 0;
  while (weir_pool_shrink (pool)) {
    ck_assert_uint_lt (++rounds, 10);
  }
  ck_assert_uint_gt (weir_pool_idle_bytes (pool), 0);
  memset ((guint8 *) first + sizeof (WeirBlock), 1, 3000);
  weir_pool_give (first);
  while (weir_pool_shrink (pool)) {}
  ck_assert_uint_eq (weir_pool_idle_bytes (pool), 0);
}
END_TEST

START_TEST (arenas_go_back_whole_in_any_order)
{
  GPtrArray *blocks = take_many (WEIR_BLOCK_SEGMENT_64, 200);
  GRand *random = g_rand_new_with_seed (5);
  while (blocks->len > 0) {
    weir_pool_give (g_ptr_array_remove_index_fast (blocks, (guint) g_rand_int_range (random, 0, (gint32) blocks->len)));
    if (blocks->len % 10 == 0) {
      weir_pool_shrink (pool);
    }
  }
  while (weir_pool_shrink (pool)) {}
  ck_assert_uint_eq (weir_pool_idle_bytes (pool), 0);
  g_ptr_array_unref (blocks);
  g_rand_free (random);
}
END_TEST

START_TEST (blocks_outlive_the_worker_and_the_last_one_frees_the_pool)
{
  WeirPool *mine = weir_pool_new ();
  weir_pool_adopt (mine);
  GPtrArray *blocks = g_ptr_array_new ();
  for (WeirBlockClass c = 0; c < WEIR_BLOCK_CLASSES; c++) {
    g_ptr_array_add (blocks, weir_pool_take (mine, c));
    g_ptr_array_add (blocks, weir_pool_take (mine, c));
    weir_pool_give (weir_pool_take (mine, c));
  }
  weir_pool_disown (mine);
  weir_pool_unref (mine);
  /* Under AddressSanitizer: written to while they live, and no byte leaks. */
  for (guint i = 0; i < blocks->len; i++) {
    memset ((guint8 *) blocks->pdata[i] + sizeof (WeirBlock), 1, 100);
  }
  give_elsewhere (blocks);
}
END_TEST

START_TEST (a_pool_without_an_owner_takes_blocks_back_on_its_stack)
{
  WeirBlock *block = weir_pool_take (pool, WEIR_BLOCK_BUFFER_16K);
  weir_pool_disown (pool);
  weir_pool_give (block);
  ck_assert_uint_eq (weir_pool_in_use (pool), 0);
  weir_pool_adopt (pool);
  ck_assert_ptr_eq (weir_pool_take (pool, WEIR_BLOCK_BUFFER_16K), block);
  weir_pool_give (block);
}
END_TEST

/* ---- threads ---- */

#define GIVERS 3
#define SLOTS 64

static _Atomic (WeirBlock *) slots[SLOTS];
static _Atomic guint32 over;

static gpointer
give_what_comes (gpointer data)
{
  guint at = GPOINTER_TO_UINT (data);
  while (weir_load_acquire (&over) == 0) {
    WeirBlock *block = weir_exchange (&slots[at++ % SLOTS], NULL);
    if (block != NULL) {
      ck_assert_uint_eq (*((guint8 *) block + sizeof (WeirBlock)), block->block_class);
      weir_pool_give (block);
    } else {
      g_thread_yield ();
    }
  }
  return NULL;
}

START_TEST (many_threads_give_back_while_the_owner_takes)
{
  GThread *givers[GIVERS];
  weir_store_relaxed (&over, 0);
  for (guint i = 0; i < GIVERS; i++) {
    givers[i] = g_thread_new ("giver", give_what_comes, GUINT_TO_POINTER (i * 20));
  }
  guint rounds = g_getenv ("WEIR_TEST_LONG") != NULL ? 1000000 : 50000;
  for (guint i = 0; i < rounds; i++) {
    WeirBlock *block = weir_pool_take (pool, i % WEIR_BLOCK_CLASSES);
    *((guint8 *) block + sizeof (WeirBlock)) = (guint8) block->block_class;
    WeirBlock *before = weir_exchange (&slots[(i / 7) % SLOTS], block);
    if (before != NULL) {
      weir_pool_give (before);
    }
    if (i % 1000 == 0) {
      weir_pool_shrink (pool);
    }
  }
  weir_store_release (&over, 1);
  for (guint i = 0; i < GIVERS; i++) {
    g_thread_join (givers[i]);
  }
  for (guint i = 0; i < SLOTS; i++) {
    if (slots[i] != NULL) {
      weir_pool_give (slots[i]);
      slots[i] = NULL;
    }
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("pool");
  TCase *cases = tcase_create ("pool");
  tcase_set_timeout (cases, 300);
  tcase_add_checked_fixture (cases, setup, teardown);
  tcase_add_test (cases, blocks_of_a_class_have_its_size_and_do_not_overlap);
  tcase_add_test (cases, every_address_in_a_segment_finds_it);
  tcase_add_test (cases, the_owner_gets_back_what_it_gave_last);
  tcase_add_test (cases, a_block_comes_home_from_another_thread);
  tcase_add_test (cases, blocks_from_elsewhere_are_used_before_new_ones);
  tcase_add_test (cases, what_the_owner_gives_back_is_capped);
  tcase_add_test (cases, what_comes_home_is_capped);
  tcase_add_test (cases, an_idle_pool_shrinks_to_nothing_and_says_so);
  tcase_add_test (cases, shrinking_keeps_a_part_at_first);
  tcase_add_test (cases, an_arena_in_use_stays_and_nobody_is_asked_to_come_again);
  tcase_add_test (cases, arenas_go_back_whole_in_any_order);
  tcase_add_test (cases, blocks_outlive_the_worker_and_the_last_one_frees_the_pool);
  tcase_add_test (cases, a_pool_without_an_owner_takes_blocks_back_on_its_stack);
  tcase_add_test (cases, many_threads_give_back_while_the_owner_takes);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
