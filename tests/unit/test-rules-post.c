/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of records that helper threads hand in (post). */
#include "fakes.h"

#include <string.h>

/* ---- post ---- */

/* The helper thread of a fake: posts numbers until it is told FALSE. */
static gpointer
post_numbers (gpointer data)
{
  Fake *fake = data;
  for (gint64 i = 0; fake->most < 0 || i < fake->most; i++) {
    char text[32];
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, i);
    if (!weir_stage_post (fake->stage, text, strlen (text))) {
      fake_flag (fake, 1);
      return NULL;
    }
    atomic_fetch_add (&fake->counted, 1);
  }
  fake_flag (fake, 2);
  return NULL;
}

static WeirNext
start_thread (Fake *fake)
{
  pthread_create (&fake->thread, NULL, post_numbers, fake);
  return WEIR_MORE;
}

static void
join_thread (Fake *fake)
{
  pthread_join (fake->thread, NULL); /* would wait for ever if post() went on */
}

static const Script poster = { .start = start_thread, .stop = join_thread };
static const Script early_poster = { .open = start_thread, .close = join_thread };

static WeirNext
check_next (Fake *fake, const WeirRecord *record)
{
  g_autofree char *text = g_strndup ((const char *) record->data, record->size);
  ck_assert_int_eq (g_ascii_strtoll (text, NULL, 10), fake->next++);
  return take (fake, record);
}

static WeirNext
check_next_allowed (Fake *fake, const WeirRecord *record)
{
  return atomic_load (&fake->counted) < atomic_load (&fake->allowed) ? check_next (fake, record) : WEIR_WAIT;
}

static const Script in_order = { .consume = check_next }, slow_in_order = { .consume = check_next_allowed };

typedef struct {
  Rig *rig;
  Fake *push, *end;
  WeirLink *link;
} Pair;

static Pair
pair_new (const Script *push, const Script *end, guint64 records, gint64 most)
{
  Pair pair = { .rig = rig_new () };
  pair.push = rig_add (pair.rig, "push", WEIR_PRODUCER, push, NULL);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, end, NULL);
  pair.push->most = most;
  pair.push->quiet = pair.end->quiet = TRUE;
  pair.link = rig_link (pair.rig, pair.push, pair.end, records);
  return pair;
}

START_TEST (post_hands_records_in_in_order)
{
  Pair pair = pair_new (&poster, &in_order, 3, 2000);
  rig_start (pair.rig);
  rig_until_flag (pair.rig, pair.push, 2);
  while (atomic_load (&pair.end->counted) < 2000) {
    fake_look (pair.end, "looked");
  }
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (figures_of (pair.link).out, 2000);
  ck_assert_uint_le (figures_of (pair.link).peak_records, 4);
  rig_free (pair.rig);
}
END_TEST

START_TEST (post_feels_the_backpressure_and_is_told_false_before_stop)
{
  Pair pair = pair_new (&poster, &slow_in_order, 4, -1);
  rig_begin (pair.rig);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  fake_look (pair.push, "stands");
  gint64 posted = atomic_load (&pair.push->counted);
  ck_assert_int_le (posted, 4 + 64 + 1); /* the link, and what may wait at the stage */
  rig_stop (pair.rig);
  rig_until_noted (pair.rig, pair.push, "close", 1);
  ck_assert_int_eq (atomic_load (&pair.push->flag), 1);
  fake_allow (pair.end, 1000);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  /* Every record that was taken is emitted, or refused and counted. */
  ck_assert_uint_eq (figures_of (pair.link).out + weir_load_relaxed (&pair.push->stage->refused),
                     (guint64) atomic_load (&pair.push->counted));
  rig_free (pair.rig);
}
END_TEST

START_TEST (post_goes_on_after_a_resume)
{
  Pair pair = pair_new (&poster, &slow_in_order, 4, 500);
  rig_begin (pair.rig);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  fake_allow (pair.end, 1000);
  rig_until_flag (pair.rig, pair.push, 2);
  while (atomic_load (&pair.end->counted) < 500) {
    fake_look (pair.end, "looked");
  }
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  rig_free (pair.rig);
}
END_TEST

START_TEST (post_before_the_start_waits_for_it)
{
  Pair pair = pair_new (&early_poster, &in_order, 100, 10);
  rig_start (pair.rig);
  rig_until_flag (pair.rig, pair.push, 2);
  while (atomic_load (&pair.end->counted) < 10) {
    fake_look (pair.end, "looked");
  }
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  rig_free (pair.rig);
}
END_TEST

static void
fail_now (Fake *fake)
{
  weir_stage_fail (fake->stage, "broken");
}

START_TEST (post_is_told_false_when_the_stage_has_failed)
{
  Pair pair = pair_new (&poster, &slow_in_order, 4, -1);
  rig_begin (pair.rig);
  rig_until_noted (pair.rig, pair.push, "pause", 1);
  fake_do (pair.push, fail_now);
  rig_until_flag (pair.rig, pair.push, 1);
  fake_allow (pair.end, 1000);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_FAILED);
  pthread_join (pair.push->thread, NULL);
  rig_free (pair.rig);
}
END_TEST

static _Atomic gint buffers_freed;

static void
count_freed (gpointer data)
{
  g_free (data);
  atomic_fetch_add (&buffers_freed, 1);
}

static gpointer
post_buffers (gpointer data)
{
  Fake *fake = data;
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "peer", "two");
  for (guint i = 0; i < 2; i++) {
    char *bytes = g_strdup ("xpayloadx");
    WeirBuffer *buffer = weir_buffer_wrap (bytes, 9, count_freed, bytes);
    fake_flag (fake, weir_stage_post_buffer (fake->stage, buffer, bytes + 1, 7, 42, tags) ? 1 : 2);
  }
  return NULL;
}

static WeirNext
start_buffers (Fake *fake)
{
  pthread_create (&fake->thread, NULL, post_buffers, fake);
  return WEIR_MORE;
}

static WeirNext
check_tagged (Fake *fake, const WeirRecord *record)
{
  ck_assert_int_eq (record->time, 42);
  ck_assert_str_eq (weir_record_tag (record, "peer"), "two");
  ck_assert_uint_eq (record->size, 7);
  ck_assert_mem_eq (record->data, "payload", 7);
  take (fake, record);
  return atomic_load (&fake->counted) == 2 ? WEIR_DONE : WEIR_MORE;
}

static const Script buffer_poster = { .start = start_buffers, .stop = join_thread };
static const Script tagged = { .consume = check_tagged };

START_TEST (post_buffer_carries_time_and_tags_and_takes_the_reference)
{
  Pair pair = pair_new (&buffer_poster, &tagged, 4, 0);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  rig_free (pair.rig);
  ck_assert_int_eq (atomic_load (&buffers_freed), 2);
}
END_TEST

static void
finish_now (Fake *fake)
{
  fake_finish (fake);
}

static gpointer
post_and_finish (gpointer data)
{
  post_numbers (data);
  fake_do (data, finish_now);
  return NULL;
}

/* All is handed in before any of it is seen to. */
static WeirNext
start_finisher (Fake *fake)
{
  pthread_create (&fake->thread, NULL, post_and_finish, fake);
  pthread_join (fake->thread, NULL);
  return WEIR_MORE;
}

static const Script finisher = { .start = start_finisher };

START_TEST (an_output_ends_behind_what_was_posted)
{
  Pair pair = pair_new (&finisher, &slow_in_order, 4, 40);
  rig_begin (pair.rig);
  fake_look (pair.push, "looked");
  fake_allow (pair.end, 1000);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (pair.link).out, 40);
  ck_assert_uint_eq (weir_load_relaxed (&pair.push->stage->refused), 0);
  g_autofree char *events = fake_events (pair.push);
  ck_assert_str_eq (events, "open start looked close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (a_stop_drops_what_was_posted_before_the_end)
{
  Pair pair = pair_new (&finisher, &slow_in_order, 4, 40);
  rig_begin (pair.rig);
  fake_look (pair.push, "looked");
  rig_stop (pair.rig);
  rig_until_noted (pair.rig, pair.push, "close", 1);
  fake_allow (pair.end, 1000);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (figures_of (pair.link).out + weir_load_relaxed (&pair.push->stage->refused), 40);
  g_autofree char *events = fake_events (pair.push);
  ck_assert_str_eq (events, "open start looked close");
  rig_free (pair.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, post_hands_records_in_in_order);
  tcase_add_test (tcase, post_feels_the_backpressure_and_is_told_false_before_stop);
  tcase_add_test (tcase, post_goes_on_after_a_resume);
  tcase_add_test (tcase, post_before_the_start_waits_for_it);
  tcase_add_test (tcase, post_is_told_false_when_the_stage_has_failed);
  tcase_add_test (tcase, an_output_ends_behind_what_was_posted);
  tcase_add_test (tcase, a_stop_drops_what_was_posted_before_the_end);
  tcase_add_test (tcase, post_buffer_carries_time_and_tags_and_takes_the_reference);
}

int
main (void)
{
  return run_suite ("rules-post", add);
}
