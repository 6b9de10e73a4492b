/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kept records (R14) and of the window. Settle is in test-rules-settle.c. */
#include "keepers.h"

/* ---- R14 ---- */

START_TEST (r14_kept_records_stay_queued_and_pause_their_producer)
{
  Pair pair = pair_new (&keeper, 4, 4);
  fake_do (pair.push, fake_emit_most);
  rig_until_noted (pair.rig, pair.end, "consume(3)", 1);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  fake_look (pair.end, "kept");
  fake_look (pair.push, "still_paused");
  ck_assert_uint_eq (figures_of (pair.link).queued, 4);
  fake_release_all (pair.end);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  pair_finish (&pair);
  ck_assert_uint_eq (figures_of (pair.link).out, 4);
  fake_assert_events (pair.push, "open start pause still_paused resume close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (r14_done_advances_over_the_finished_prefix)
{
  Pair pair = pair_new (&keeper, 100, 5);
  fake_do (pair.push, fake_emit_most);
  rig_until_noted (pair.rig, pair.end, "consume(4)", 1);
  fake_look (pair.end, "kept");
  static const guint order[] = { 3, 1, 0, 4, 2 }, expected[] = { 5, 5, 3, 3, 0 };
  for (guint i = 0; i < 5; i++) {
    weir_record_release (g_ptr_array_index (pair.end->kept, order[i]));
    fake_look (pair.end, "looked");
    ck_assert_uint_eq (figures_of (pair.link).queued, expected[i]);
    ck_assert_uint_eq (figures_of (pair.link).level_bytes, expected[i]);
  }
  pair_finish (&pair);
  rig_free (pair.rig);
}
END_TEST

/* A helper thread gives back what the worker hands it, newest first. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  GPtrArray *handed;
  gboolean over;
} Shelf;

static gpointer
release_in_reverse (gpointer data)
{
  Shelf *shelf = data;
  pthread_mutex_lock (&shelf->lock);
  while (!shelf->over || shelf->handed->len > 0) {
    if (shelf->handed->len == 0) {
      pthread_cond_wait (&shelf->cond, &shelf->lock);
      continue;
    }
    GPtrArray *mine = shelf->handed;
    shelf->handed = g_ptr_array_new ();
    pthread_mutex_unlock (&shelf->lock);
    while (mine->len > 0) {
      weir_record_release (g_ptr_array_steal_index (mine, mine->len - 1));
    }
    g_ptr_array_unref (mine);
    pthread_mutex_lock (&shelf->lock);
  }
  pthread_mutex_unlock (&shelf->lock);
  return NULL;
}

static WeirNext
hand_to_thread (Fake *fake, const WeirRecord *record)
{
  Shelf *shelf = fake->data;
  WeirRecord *kept = weir_record_keep (fake->stage, record);
  pthread_mutex_lock (&shelf->lock);
  g_ptr_array_add (shelf->handed, kept);
  pthread_cond_signal (&shelf->cond);
  pthread_mutex_unlock (&shelf->lock);
  return take (fake, record);
}

static void
join_thread (Fake *fake)
{
  Shelf *shelf = fake->data;
  pthread_mutex_lock (&shelf->lock);
  shelf->over = TRUE;
  pthread_cond_signal (&shelf->cond);
  pthread_mutex_unlock (&shelf->lock);
  pthread_join (fake->thread, NULL);
}

static const Script threaded = { .consume = hand_to_thread, .settle = settle_later, .close = join_thread };

START_TEST (r14_records_are_released_out_of_order_from_another_thread)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &threaded, NULL);
  Shelf shelf = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, g_ptr_array_new (), FALSE };
  end->data = &shelf;
  pull->most = 5000;
  pull->quiet = end->quiet = TRUE;
  WeirLink *link = rig_link (rig, pull, end, 16);
  pthread_create (&end->thread, NULL, release_in_reverse, &shelf);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 5000);
  ck_assert_uint_eq (figures_of (link).out, 5000);
  ck_assert_uint_le (figures_of (link).peak_records, 17);
  g_ptr_array_unref (shelf.handed);
  rig_free (rig);
}
END_TEST

static WeirNext
check_run (Fake *fake, const WeirRecord *records, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    g_autofree char *text = g_strndup ((const char *) records[i].data, records[i].size);
    ck_assert_int_eq (g_ascii_strtoll (text, NULL, 10), fake->next++);
  }
  atomic_fetch_add (&fake->counted, (gint64) count);
  return WEIR_MORE;
}

static WeirNext
keep_run (Fake *fake, const WeirRecord *records, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    fake_keep (fake, &records[i]);
  }
  atomic_fetch_add (&fake->counted, (gint64) count);
  return WEIR_MORE;
}

static const Script flusher = { .flush = check_run };
static const Script flush_keeper = { .flush = keep_run, .settle = settle_now };
static const Script consume_and_flush = { .consume = take, .flush = check_run };

START_TEST (r14_a_role_with_only_flush_is_a_whole_consumer)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, _i == 0 ? &flusher : &consume_and_flush, NULL);
  pull->most = 5000;
  pull->quiet = end->quiet = TRUE;
  rig_link (rig, pull, end, 2000);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (end->next, 5000);
  rig_free (rig);
}
END_TEST

START_TEST (r14_flush_hands_out_at_most_1024_records)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &flusher, "together");
  rig_link (rig, push, end, 4096);
  push->most = 1600;
  rig_begin (rig);
  fake_do (push, fake_emit_most);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (end);
  g_auto (GStrv) list = g_strsplit (events, " ", -1);
  for (guint i = 0; list[i] != NULL; i++) {
    ck_assert_uint_le (g_str_has_prefix (list[i], "flush(") ? g_ascii_strtoull (list[i] + 6, NULL, 10) : 0, 1024);
  }
  ck_assert_int_eq (end->next, 1600);
  rig_free (rig);
}
END_TEST

START_TEST (r14_flush_may_keep_records_of_its_run)
{
  Pair pair = pair_new (&flush_keeper, 4, 4);
  fake_do (pair.push, fake_emit_most);
  rig_until_noted (pair.rig, pair.end, "settle", 1);
  pair_finish (&pair);
  ck_assert_uint_eq (fake_count (pair.end, "settle"), 1);
  ck_assert_uint_eq (figures_of (pair.link).out, 4);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r14_what_is_not_given_back_by_close_stays_queued)
{
  Pair pair = pair_new (&keeper, 4, 2);
  weir_pipeline_set_shutdown (pair.rig->pipeline, 5000);
  fake_do (pair.push, fake_emit_most);
  rig_until_noted (pair.rig, pair.end, "consume(1)", 1);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_UNDELIVERED);
  ck_assert_uint_eq (figures_of (pair.link).queued, 2);
  rig_free (pair.rig);
}
END_TEST

/* ---- the window ---- */

static WeirNext
window_in_open (Fake *fake)
{
  weir_stage_window (fake->stage, 2);
  return WEIR_MORE;
}

static const Script windowed = { .open = window_in_open, .consume = keep, .settle = settle_later };
static const Script windowed_flush = { .open = window_in_open, .flush = keep_run, .settle = settle_later };

START_TEST (window_no_more_is_handed_out_while_so_many_are_kept)
{
  Pair pair = pair_new (_i == 0 ? &windowed : &windowed_flush, 100, 5);
  pair.end->quiet = TRUE;
  fake_do (pair.push, fake_emit_most);
  static const gint64 expected[] = { 2, 4, 5 };
  for (guint i = 0; i < 3; i++) {
    while (atomic_load (&pair.end->counted) < expected[i]) {
      fake_look (pair.end, "looked");
    }
    fake_look (pair.end, "looked");
    ck_assert_int_eq (atomic_load (&pair.end->counted), expected[i]);
    fake_do (pair.end, fake_release_all);
  }
  pair_finish (&pair);
  rig_free (pair.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r14_kept_records_stay_queued_and_pause_their_producer);
  tcase_add_test (tcase, r14_done_advances_over_the_finished_prefix);
  tcase_add_test (tcase, r14_records_are_released_out_of_order_from_another_thread);
  tcase_add_loop_test (tcase, r14_a_role_with_only_flush_is_a_whole_consumer, 0, 2);
  tcase_add_test (tcase, r14_flush_hands_out_at_most_1024_records);
  tcase_add_test (tcase, r14_flush_may_keep_records_of_its_run);
  tcase_add_test (tcase, r14_what_is_not_given_back_by_close_stays_queued);
  tcase_add_loop_test (tcase, window_no_more_is_handed_out_while_so_many_are_kept, 0, 2);
}

int
main (void)
{
  return run_suite ("rules-keep", add);
}
