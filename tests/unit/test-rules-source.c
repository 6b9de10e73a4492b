/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what else comes from outside engine callbacks: calls of helper threads (invoke), and a plugin's own GSource, whose emits
 * make the stage dirty. */
#include "fakes.h"

static void
join_thread (Fake *fake)
{
  pthread_join (fake->thread, NULL); /* would wait for ever if post() went on */
}

static WeirNext
check_next (Fake *fake, const WeirRecord *record)
{
  g_autofree char *text = g_strndup ((const char *) record->data, record->size);
  ck_assert_int_eq (g_ascii_strtoll (text, NULL, 10), fake->next++);
  return take (fake, record);
}

static const Script in_order = { .consume = check_next };

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

static gboolean
emit_once (gpointer data)
{
  produce_number (data);
  return G_SOURCE_REMOVE;
}

static WeirNext
attach_once (Fake *fake)
{
  GSource *source = g_timeout_source_new (1); /* by then the turn of start() is over */
  g_source_set_callback (source, emit_once, fake, NULL);
  weir_stage_attach (fake->stage, source);
  return WEIR_MORE;
}

static const Script single_pusher = { .start = attach_once };

START_TEST (source_emits_are_published_without_a_turn)
{
  Pair pair = pair_new (&single_pusher, &in_order, 1000, 2); /* one record is far below where a put would publish */
  pair.end->quiet = FALSE;
  rig_begin (pair.rig);
  rig_until_noted (pair.rig, pair.end, "consume(0)", 1);
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

/* ---- what is inherited, and what not ---- */

static WeirNext
begin (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_PRODUCE;
}

static WeirNext
produce_when_allowed (Fake *fake)
{
  if (atomic_load (&fake->allowed) == 0) {
    return WEIR_WAIT;
  }
  fake_emit (fake, "of_record");
  return WEIR_DONE;
}

static void
emit_timed (Fake *fake)
{
  weir_stage_set_time (fake->stage, 7);
  fake_emit (fake, "timed");
  fake_finish (fake);
}

static const Script patient = { .consume = begin, .produce = produce_when_allowed };

START_TEST (invoke_between_two_produces_inherits_nothing)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *many = rig_add (rig, "many", WEIR_TRANSFORM, &patient, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &timekeeper, NULL);
  rig_link (rig, push, many, 10);
  rig_link (rig, many, end, 10);
  rig_begin (rig);
  fake_do (push, emit_timed);
  rig_until_noted (rig, many, "produce", 1);
  fake_do (many, emit_plain);
  rig_until_noted (rig, end, "consume(plain)", 1);
  fake_allow (many, 1);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(plain) 0 consume(of_record) 7 end close");
  rig_free (rig);
}
END_TEST

static void
emit_timed_in_resume (Fake *fake)
{
  weir_stage_set_time (fake->stage, 7);
  fake_emit (fake, "timed");
}

static const Script timed_resume = { .resume = emit_timed_in_resume, .produce = produce_number };

START_TEST (source_settings_of_resume_end_with_it)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &timed_resume, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &timekeeper, "together");
  pull->most = 3;
  rig_link (rig, pull, end, 2);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (end,
                      "open start consume(0) 0 consume(1) 0 consume(timed) 7 consume(2) 0 consume(timed) 7 end close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, invoke_calls_once_in_order_and_then_destroys);
  tcase_add_test (tcase, invoke_waits_at_its_bound);
  tcase_add_test (tcase, invoke_after_close_only_destroys);
  tcase_add_test (tcase, invoke_at_its_bound_is_let_go_by_close);
  tcase_add_test (tcase, source_emits_are_published_without_a_turn);
  tcase_add_test (tcase, source_emits_pause_and_resume);
  tcase_add_test (tcase, source_settings_end_with_its_dispatch);
  tcase_add_test (tcase, invoke_between_two_produces_inherits_nothing);
  tcase_add_test (tcase, source_settings_of_resume_end_with_it);
}

int
main (void)
{
  return run_suite ("rules-source", add);
}
