/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what comes from outside engine callbacks: helper threads (post, invoke), and a plugin's own GSource, whose emits make
 * the stage dirty. */
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
  rig_until_noted (pair.rig, pair.push, "pause", 1);
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

/* ---- invoke ---- */

static _Atomic gint destroyed, called;

static void
count_call (WeirStage *stage, G_GNUC_UNUSED gpointer self, gpointer data)
{
  ck_assert_ptr_eq (weir_worker_current (), stage->worker);
  ck_assert_int_eq (atomic_fetch_add (&called, 1), GPOINTER_TO_INT (data)); /* once, in order */
}

static void
count_destroyed (gpointer data)
{
  ck_assert_int_eq (atomic_fetch_add (&destroyed, 1), GPOINTER_TO_INT (data)); /* behind its call */
}

START_TEST (invoke_calls_once_in_order_and_then_destroys)
{
  Pair pair = pair_new (&pusher, &taker, 10, 0);
  rig_begin (pair.rig);
  for (gint i = 0; i < 5000; i++) {
    weir_stage_invoke (pair.push->stage, count_call, GINT_TO_POINTER (i), count_destroyed);
  }
  fake_look (pair.push, "looked");
  while (atomic_load (&destroyed) < 5000) {
    fake_look (pair.push, "looked");
  }
  ck_assert_int_eq (atomic_load (&called), 5000);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  rig_free (pair.rig);
}
END_TEST

static void
count_any (G_GNUC_UNUSED gpointer data)
{
  atomic_fetch_add (&destroyed, 1);
}

static Gate gate = GATE_CLOSED;

static void
wait_at_gate (G_GNUC_UNUSED Fake *fake)
{
  gate_pass (&gate);
}

static gpointer
invoke_many (gpointer data)
{
  Fake *fake = data;
  for (gint i = 0; i < 1030; i++) {
    weir_stage_invoke (fake->stage, count_call, GINT_TO_POINTER (i), count_any);
    atomic_store (&fake->counted, i + 1);
    if (i >= 1022) {
      fake_flag (fake, i + 1);
    }
  }
  return NULL;
}

START_TEST (invoke_waits_at_its_bound)
{
  Pair pair = pair_new (&pusher, &taker, 10, 0);
  rig_begin (pair.rig);
  fake_do (pair.push, wait_at_gate);
  pthread_create (&pair.push->thread, NULL, invoke_many, pair.push);
  rig_until_flag (pair.rig, pair.push, 1023);
  ck_assert_int_le (atomic_load (&pair.push->counted), 1025); /* 1,024, and the gate's own may not be out yet */
  gate_open (&gate);
  rig_until_flag (pair.rig, pair.push, 1030);
  pthread_join (pair.push->thread, NULL);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  ck_assert_int_eq (atomic_load (&destroyed), 1030);
  rig_free (pair.rig);
}
END_TEST

START_TEST (invoke_after_close_only_destroys)
{
  Pair pair = pair_new (&numbers, &taker, 10, 0);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  weir_stage_invoke (pair.push->stage, count_call, GINT_TO_POINTER (0), count_destroyed);
  ck_assert_int_eq (atomic_load (&called), 0);
  ck_assert_int_eq (atomic_load (&destroyed), 1);
  rig_free (pair.rig);
}
END_TEST

/* A helper thread in open(), which never leads to a start, and a close() that joins it while it waits at the bound. */
static WeirNext
start_invoking (Fake *fake)
{
  pthread_create (&fake->thread, NULL, invoke_many, fake);
  return WEIR_MORE;
}

static WeirNext
fail_in_open (Fake *fake)
{
  gate_pass (&gate);
  return weir_stage_fail (fake->stage, "broken");
}

static const Script invokes_in_open = { .open = start_invoking, .close = join_thread };
static const Script breaks_in_open = { .open = fail_in_open, .consume = take };

START_TEST (invoke_at_its_bound_is_let_go_by_close)
{
  Pair pair = pair_new (&invokes_in_open, &breaks_in_open, 10, 0);
  rig_start (pair.rig);
  rig_until_flag (pair.rig, pair.push, 1024);
  gate_open (&gate);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_FAILED);
  rig_free (pair.rig);
  ck_assert_int_eq (atomic_load (&called), 0);
  ck_assert_int_eq (atomic_load (&destroyed), 1030);
}
END_TEST

/* ---- a GSource of the plugin's own ---- */

static gboolean
emit_in_source (gpointer data)
{
  Fake *fake = data;
  if (fake->paused) {
    return G_SOURCE_CONTINUE;
  }
  produce_number (fake);
  if (fake->next < fake->most) {
    return G_SOURCE_CONTINUE;
  }
  fake_finish (fake);
  return G_SOURCE_REMOVE;
}

static void
attach (Fake *fake)
{
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, emit_in_source, fake, NULL);
  weir_stage_attach (fake->stage, source);
}

static WeirNext
attach_in_start (Fake *fake)
{
  attach (fake);
  return WEIR_MORE;
}

static const Script source_pusher = { .start = attach_in_start };

START_TEST (source_emits_are_published_without_a_turn)
{
  Pair pair = pair_new (&source_pusher, &in_order, 1000, 1000000);
  rig_begin (pair.rig);
  while (atomic_load (&pair.end->counted) < 2) { /* far below any mark at which a put would wake */
    fake_look (pair.end, "looked");
  }
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  rig_free (pair.rig);
}
END_TEST

START_TEST (source_emits_pause_and_resume)
{
  Pair pair = pair_new (&source_pusher, &in_order, 2, 300);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pair.end->counted), 300);
  ck_assert_uint_le (figures_of (pair.link).peak_records, 3); /* with the end, a control entry */
  rig_free (pair.rig);
}
END_TEST

static gboolean
set_time_in_source (gpointer data)
{
  Fake *fake = data;
  weir_stage_set_time (fake->stage, 7);
  if (fake->next == 0) {
    produce_number (fake); /* one that emits, and one that only sets */
  }
  fake->next++;
  fake_flag (fake, fake->next);
  return G_SOURCE_REMOVE;
}

static void
attach_setter (Fake *fake)
{
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, set_time_in_source, fake, NULL);
  weir_stage_attach (fake->stage, source);
}

static void
emit_plain (Fake *fake)
{
  fake_emit (fake, "plain");
}

static WeirNext
note_time (Fake *fake, const WeirRecord *record)
{
  fake_note (fake, "%d", (int) record->time);
  return take (fake, record);
}

static const Script timekeeper = { .consume = note_time };

START_TEST (source_settings_end_with_its_dispatch)
{
  Pair pair = pair_new (&pusher, &timekeeper, 10, 100);
  rig_begin (pair.rig);
  for (gint64 flag = 2; flag <= 3; flag++) {
    fake_do (pair.push, attach_setter);
    rig_until_flag (pair.rig, pair.push, flag);
    fake_do (pair.push, emit_plain);
  }
  while (atomic_load (&pair.end->counted) < 3) {
    fake_look (pair.end, "looked");
  }
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (fake_count (pair.end, "7"), 1);
  ck_assert_uint_eq (fake_count (pair.end, "0"), 2);
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
  tcase_add_test (tcase, post_buffer_carries_time_and_tags_and_takes_the_reference);
  tcase_add_test (tcase, invoke_calls_once_in_order_and_then_destroys);
  tcase_add_test (tcase, invoke_waits_at_its_bound);
  tcase_add_test (tcase, invoke_after_close_only_destroys);
  tcase_add_test (tcase, invoke_at_its_bound_is_let_go_by_close);
  tcase_add_test (tcase, source_emits_are_published_without_a_turn);
  tcase_add_test (tcase, source_emits_pause_and_resume);
  tcase_add_test (tcase, source_settings_end_with_its_dispatch);
}

int
main (void)
{
  return run_suite ("rules-post", add);
}
