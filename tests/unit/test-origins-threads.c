/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of origins where threads meet: records that helper threads hand in under origins, and records that other threads give back in
 * any order. Run under a sanitizer of threads, too. */
#include "delivery.h"

#include <string.h>

/* ---- handed in ---- */

static WeirNext
start_thread_of (Fake *fake, gpointer (*run) (gpointer data))
{
  pthread_create (&fake->thread, NULL, run, fake);
  return WEIR_MORE;
}

static void
join_thread (Fake *fake)
{
  pthread_join (fake->thread, NULL);
}

/* Signalled behind each one. */
static GMutex posts_lock;
static GCond posts_cond;

/* Under origins and without one by turns, until it has done all or is told FALSE. */
static gpointer
post_numbers (gpointer data)
{
  Fake *fake = data;
  for (gint64 i = 0; fake->most < 0 || i < fake->most; i++) {
    char text[32];
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, i);
    gboolean under = i % 3 != 0;
    if (!(under ? fake_post (fake, text, text) : weir_stage_post (fake->stage, text, strlen (text)))) {
      fake_flag (fake, 1);
      return NULL;
    }
    g_mutex_lock (&posts_lock);
    atomic_fetch_add (&fake->counted, under ? 1 : 0);
    g_cond_signal (&posts_cond);
    g_mutex_unlock (&posts_lock);
  }
  fake_flag (fake, 2);
  return NULL;
}

static WeirNext
start_posting (Fake *fake)
{
  return start_thread_of (fake, post_numbers);
}

static const Script poster = { .start = start_posting, .stop = join_thread, .delivered = be_told };
static const Script poster_to_its_end = { .start = start_posting, .close = join_thread, .delivered = be_told };

static gint64
told_in_all (Fake *fake)
{
  gint64 told = 0;
  for (guint i = 0; i < G_N_ELEMENTS (fake->told); i++) {
    told += atomic_load (&fake->told[i]);
  }
  return told;
}

static gboolean
all_is_told (gpointer data)
{
  Fake *fake = data;
  return told_in_all (fake) == atomic_load (&fake->counted) && atomic_load (&fake->flag) == 2;
}

START_TEST (what_is_handed_in_is_told_where_a_token_came_with_it)
{
  Way way = way_with (&poster, &keeper, queue_of (100));
  way.push->most = 9;
  rig_begin (way.rig);
  rig_until_flag (way.rig, way.push, 2);
  rig_until_noted (way.rig, way.end, "consume(8)", 1);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start looked");
  fake_do (way.end, fake_release_all);
  rig_until_told (way.rig, way.push, WEIR_DELIVERED, 6);
  rig_stop (way.rig);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_STOPPED);
  rig_free (way.rig);
}
END_TEST

/* The worker is busy until more is handed in than the link takes. */
static void
start_and_await_posts (Fake *fake)
{
  start_posting (fake);
  g_mutex_lock (&posts_lock);
  while (atomic_load (&fake->counted) < 12) {
    g_cond_wait (&posts_cond, &posts_lock);
  }
  g_mutex_unlock (&posts_lock);
}

static const Script poster_when_asked = { .stop = join_thread, .delivered = be_told };

START_TEST (what_is_handed_in_and_refused_is_abandoned)
{
  Way way = way_with (&poster_when_asked, &valve, queue_of (4));
  way.push->quiet = way.end->quiet = TRUE;
  way.push->most = -1;
  rig_begin (way.rig);
  fake_do (way.push, start_and_await_posts);
  rig_until_noted (way.rig, way.push, "pause", 1);
  rig_stop (way.rig);
  rig_until_noted (way.rig, way.push, "stop", 1);
  fake_allow (way.end, 1000);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_STOPPED);
  ck_assert_int_eq (told_in_all (way.push), atomic_load (&way.push->counted));
  ck_assert_int_gt (atomic_load (&way.push->told[WEIR_ABANDONED]), 0);
  ck_assert_int_gt (atomic_load (&way.push->told[WEIR_DELIVERED]), 0);
  rig_free (way.rig);
}
END_TEST

START_TEST (what_is_handed_in_is_abandoned_where_the_stage_fails)
{
  Way way = way_with (&poster_to_its_end, &valve, queue_of (4));
  way.push->quiet = way.end->quiet = TRUE;
  way.push->most = -1;
  rig_begin (way.rig);
  rig_until_noted (way.rig, way.push, "pause", 1);
  fake_do (way.push, fail_now);
  rig_until_flag (way.rig, way.push, 1);
  fake_allow (way.end, 1000);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_FAILED);
  ck_assert_int_eq (told_in_all (way.push), atomic_load (&way.push->counted));
  rig_free (way.rig);
}
END_TEST

START_TEST (two_producers_of_one_taker_are_told_of_their_own)
{
  Way way = way_with (&poster, &taker, queue_of (5));
  Fake *other = rig_add (way.rig, "other", WEIR_PRODUCER, &poster, NULL);
  rig_link (way.rig, other, way.end, 3);
  way.push->quiet = way.end->quiet = other->quiet = TRUE;
  way.push->most = 2000;
  other->most = 1500;
  rig_begin (way.rig);
  rig_until_flag (way.rig, way.push, 2);
  rig_until_flag (way.rig, other, 2);
  rig_until (way.rig, all_is_told, way.push);
  rig_until (way.rig, all_is_told, other);
  rig_stop (way.rig);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_STOPPED);
  ck_assert_int_eq (atomic_load (&other->told[WEIR_DELIVERED]), 1000);
  rig_free (way.rig);
}
END_TEST

/* ---- given back elsewhere, in any order ---- */

/* Locks of GLib are none for a sanitizer of threads. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  GPtrArray *lying; /* kept records, for the thread */
  gboolean hurried; /* it is not to wait for more */
  gboolean ending, over;
  GRand *random;
} Releaser;

static Releaser
releaser_new (guint32 seed)
{
  return (Releaser){ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, g_ptr_array_new (),
                     .random = g_rand_new_with_seed (seed) };
}

static void
releaser_clear (Releaser *releaser)
{
  g_ptr_array_unref (releaser->lying);
  g_rand_free (releaser->random);
}

/* One of those that lie there, any; NULL: there will be none. */
static WeirRecord *
next_record (Releaser *releaser)
{
  pthread_mutex_lock (&releaser->lock);
  while (releaser->lying->len < 8 && !releaser->over &&
         (releaser->lying->len == 0 || (!releaser->hurried && !releaser->ending))) {
    pthread_cond_wait (&releaser->cond, &releaser->lock);
  }
  guint count = releaser->lying->len;
  WeirRecord *record = NULL;
  if (count > 0) {
    guint which = (guint) g_rand_int_range (releaser->random, 0, (gint32) count);
    record = g_ptr_array_steal_index_fast (releaser->lying, which);
  }
  releaser->hurried = releaser->hurried && count > 1;
  pthread_mutex_unlock (&releaser->lock);
  return record;
}

static gpointer
release_shuffled (gpointer data)
{
  for (WeirRecord *record; (record = next_record (((Fake *) data)->data)) != NULL;) {
    weir_record_release (record);
  }
  return NULL;
}

static WeirNext
start_releasing (Fake *fake)
{
  return start_thread_of (fake, release_shuffled);
}

static void
tell_releaser (Fake *fake, WeirRecord *kept, gboolean ending, gboolean over)
{
  Releaser *releaser = fake->data;
  pthread_mutex_lock (&releaser->lock);
  if (kept != NULL) {
    g_ptr_array_add (releaser->lying, kept);
  } else {
    releaser->hurried = TRUE;
  }
  releaser->ending = releaser->ending || ending;
  releaser->over = releaser->over || over;
  pthread_cond_signal (&releaser->cond);
  pthread_mutex_unlock (&releaser->lock);
}

static WeirNext
keep_for_thread (Fake *fake, const WeirRecord *record)
{
  tell_releaser (fake, weir_record_keep (fake->stage, record), FALSE, FALSE);
  return WEIR_MORE;
}

static WeirNext
hurry (Fake *fake)
{
  tell_releaser (fake, NULL, FALSE, FALSE);
  return WEIR_MORE;
}

static WeirNext
end_releasing (Fake *fake)
{
  tell_releaser (fake, NULL, TRUE, FALSE);
  return WEIR_MORE;
}

static void
join_releasing (Fake *fake)
{
  tell_releaser (fake, NULL, TRUE, TRUE);
  join_thread (fake);
}

static const Script releases_elsewhere = {
  .start = start_releasing, .consume = keep_for_thread, .settle = hurry, .end = end_releasing, .close = join_releasing
};

static gint64
rounds (void)
{
  return g_getenv ("WEIR_TEST_LONG") != NULL ? 1000000 : 20000;
}

static const Script numbers_in_order = { .produce = produce_number_under,
                                         .delivered = be_told,
                                         .flags = WEIR_IN_ORDER };

START_TEST (stress_of_releases_out_of_order)
{
  static const guint64 capacities[] = { 2, 5, 64 };
  Releaser releasers[2];
  Way way = way_with (_i % 2 == 0 ? &numbers_under : &numbers_in_order, &releases_elsewhere, queue_of (capacities[_i]));
  Fake *second = rig_add (way.rig, "second", WEIR_CONSUMER, &releases_elsewhere, NULL);
  rig_link (way.rig, way.push, second, 33);
  for (guint i = 0; i < G_N_ELEMENTS (releasers); i++) {
    releasers[i] = releaser_new (7 + i);
  }
  way.end->data = &releasers[0];
  second->data = &releasers[1];
  way.push->quiet = way.end->quiet = second->quiet = TRUE;
  way.push->most = rounds ();
  ck_assert_int_eq (rig_run (way.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&way.push->told[WEIR_DELIVERED]), rounds ());
  rig_free (way.rig);
  for (guint i = 0; i < G_N_ELEMENTS (releasers); i++) {
    releaser_clear (&releasers[i]);
  }
}
END_TEST

/* Records of a window, named in pairs by the transform, which are told on the producer's worker while it emits. */
static WeirNext
join_pairs (Fake *fake, const WeirRecord *record)
{
  if (fake->kept->len == 0) {
    fake_keep (fake, record);
    return WEIR_MORE;
  }
  weir_origin_join (fake->stage, g_ptr_array_index (fake->kept, 0));
  fake_emit (fake, "pair");
  release_first (fake);
  return WEIR_MORE;
}

static const Script pairs = { .consume = join_pairs, .settle = settle_now };

START_TEST (stress_of_joins_that_others_give_back)
{
  Releaser releaser = releaser_new (5);
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers_under, NULL);
  Fake *join = rig_add (rig, "join", WEIR_TRANSFORM, &pairs, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &releases_elsewhere, NULL);
  rig_link (rig, pull, join, 8);
  rig_link (rig, join, end, 8);
  end->data = &releaser;
  pull->quiet = join->quiet = end->quiet = TRUE;
  pull->most = rounds () + 1; /* the last has no other */
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pull->told[WEIR_DELIVERED]), pull->most);
  rig_free (rig);
  releaser_clear (&releaser);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_set_timeout (tcase, 300);
  tcase_add_test (tcase, what_is_handed_in_is_told_where_a_token_came_with_it);
  tcase_add_test (tcase, what_is_handed_in_and_refused_is_abandoned);
  tcase_add_test (tcase, what_is_handed_in_is_abandoned_where_the_stage_fails);
  tcase_add_test (tcase, two_producers_of_one_taker_are_told_of_their_own);
  tcase_add_loop_test (tcase, stress_of_releases_out_of_order, 0, 3);
  tcase_add_test (tcase, stress_of_joins_that_others_give_back);
}

int
main (void)
{
  return run_suite ("origins-threads", add);
}
