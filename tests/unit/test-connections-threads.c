/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of connections and threads: references and wake-ups of helper threads, records that they give back while the connection
 * goes, and thousands of short connections with ends of all kinds. */
#include "connected.h"

static GLogWriterOutput
say_nothing (G_GNUC_UNUSED GLogLevelFlags level, G_GNUC_UNUSED const GLogField *fields, G_GNUC_UNUSED gsize count,
             G_GNUC_UNUSED gpointer data)
{
  return G_LOG_WRITER_HANDLED;
}

/* ---- references ---- */

START_TEST (a_reference_keeps_the_handle_and_the_wake_comes_late)
{
  Connected all = connected_new (&pusher, &passer, &taker);
  connected_begin (&all, 1);
  Fake *client = rig_peer (all.rig, all.client, 1), *turn = rig_peer (all.rig, all.turn, 1);
  WeirStage *stage = weir_stage_ref (turn->stage);
  fake_do (client, emit_ab_and_finish);
  rig_until_noted (all.rig, turn, "close", 1);
  rig_until_noted (all.rig, rig_peer (all.rig, all.answer, 1), "close", 1);
  for (guint i = 0; i < 100; i++) {
    weir_stage_wake (stage);
  }
  ck_assert (!weir_stage_post (stage, "x", 1));
  ck_assert_str_eq (weir_stage_name (stage), "turn");
  ck_assert_uint_eq (weir_connections_alive (all.client->stage->connections), 1);
  weir_stage_wake (stage);
  weir_stage_unref (stage); /* with its task on the run queue */
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  rig_free (all.rig);
}
END_TEST

/* A helper thread of a connection's producer: hands in and wakes until it is told that the stage stops. */
static gpointer
help (gpointer data)
{
  WeirStage *stage = data;
  while (weir_stage_post (stage, "x", 1)) {
    weir_stage_wake (stage);
  }
  weir_stage_wake (stage);
  weir_stage_unref (stage);
  return NULL;
}

static _Atomic guint helpers;

static gpointer
help_and_count (gpointer data)
{
  help (data);
  atomic_fetch_sub (&helpers, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static WeirNext
start_helper (Fake *fake)
{
  atomic_fetch_add (&helpers, 1);
  g_thread_unref (g_thread_new ("helper", help_and_count, weir_stage_ref (fake->stage)));
  return WEIR_MORE;
}

static const Script helped = { .start = start_helper };

static gboolean
is_helped (G_GNUC_UNUSED gpointer data)
{
  return atomic_load (&helpers) == 0;
}

START_TEST (helper_threads_outlive_their_connections)
{
  Connected all = connected_new (&helped, &passer, &taker);
  all.turn->quiet = all.answer->quiet = TRUE;
  connected_begin (&all, 4);
  for (guint i = 1; i <= 4; i++) {
    rig_until_noted (all.rig, rig_peer (all.rig, all.client, i), "start", 1);
  }
  fake_do (rig_peer (all.rig, all.client, 2), fake_finish);
  rig_until_alive (all.rig, all.client, 3);
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  rig_until (all.rig, is_helped, NULL);
  rig_free (all.rig);
}
END_TEST

/* ---- records that another thread gives back ---- */

/* pthread's, which ThreadSanitizer sees, and not GLib's. */
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t kept_cond = PTHREAD_COND_INITIALIZER;
static GQueue kept = G_QUEUE_INIT;
static gboolean no_more_kept;

static void
push (gpointer record)
{
  pthread_mutex_lock (&kept_lock);
  if (record != NULL) {
    g_queue_push_tail (&kept, record);
  }
  no_more_kept = record == NULL;
  pthread_cond_broadcast (&kept_cond);
  pthread_mutex_unlock (&kept_lock);
}

static gpointer
pop (void)
{
  pthread_mutex_lock (&kept_lock);
  while (kept.length == 0 && !no_more_kept) {
    pthread_cond_wait (&kept_cond, &kept_lock);
  }
  gpointer record = g_queue_pop_head (&kept);
  pthread_mutex_unlock (&kept_lock);
  return record;
}

static WeirNext
keep_for_thread (Fake *fake, const WeirRecord *record)
{
  push (weir_record_keep (fake->stage, record));
  return WEIR_MORE;
}

static WeirNext
settle_itself (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_MORE; /* the thread is at it */
}

static gpointer
give_back (G_GNUC_UNUSED gpointer data)
{
  for (gpointer record; (record = pop ()) != NULL;) {
    weir_record_release (record);
  }
  return NULL;
}

static WeirNext
emit_a_few (Fake *fake)
{
  return fake->next < fake->most ? produce_number (fake) : WEIR_DONE;
}

static const Script few = { .produce = emit_a_few }, threaded = { .consume = keep_for_thread, .settle = settle_itself };

#define MANY 1500

START_TEST (connections_go_while_threads_give_back)
{
  GThread *threads[2];
  Connected all = connected_shared (&few, &threaded, queue_of (2));
  all.client->other->most = 3;
  all.client->most = 20;
  all.sink->quiet = all.client->other->quiet = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    threads[i] = g_thread_new ("giver", give_back, NULL);
  }
  connected_begin (&all, MANY);
  rig_peer (all.rig, all.client, MANY);
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  push (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    g_thread_join (threads[i]);
  }
  ck_assert_uint_eq (figures_of (all.shared).out, 3 * MANY);
  rig_free (all.rig);
}
END_TEST

/* ---- ends of all kinds ---- */

static WeirNext
end_somehow (Fake *fake)
{
  if (fake->next == fake->most) {
    return fake->connection % 5 == 0 ? weir_stage_fail (fake->stage, "broken") : WEIR_DONE;
  }
  return produce_number (fake);
}

static WeirNext
begin_somehow (Fake *fake)
{
  fake->most = fake->connection % 17;
  return fake->connection % 31 == 0 ? weir_stage_fail (fake->stage, "no way in") : WEIR_MORE;
}

static WeirNext
take_somehow (Fake *fake, const WeirRecord *record)
{
  guint number = (guint) atomic_fetch_add (&fake->counted, 1);
  if (fake->connection % 7 == 0 && number == 3) {
    return WEIR_DONE;
  }
  if (fake->connection % 11 == 0 && number == 2) {
    return weir_stage_fail (fake->stage, "broken");
  }
  if (fake->connection % 3 == 0 && number % 4 == 0) {
    weir_stage_wake (fake->stage);
    return WEIR_WAIT;
  }
  return fake->stage->kind == WEIR_CONSUMER ? WEIR_MORE : hand_on (fake, record);
}

static WeirNext
start_somehow (Fake *fake)
{
  return fake->connection % 23 == 0 ? weir_stage_fail (fake->stage, "cannot begin") : WEIR_MORE;
}

static const Script somehow = { .open = begin_somehow, .produce = end_somehow };
static const Script some_turn = { .start = start_somehow, .consume = take_somehow }, some = { .consume = take_somehow };

static Connected
storm_new (void)
{
  static gboolean quiet;
  if (!quiet) {
    g_log_set_writer_func (say_nothing, NULL, NULL); /* once a process */
    quiet = TRUE;
  }
  Connected all = { .rig = rig_new () };
  weir_pipeline_set_workers (all.rig->pipeline, 2);
  all.client = rig_listen (all.rig, "client", &listening, &somehow);
  all.turn = rig_template (all.rig, all.client, "turn", WEIR_TRANSFORM, &some_turn);
  all.answer = rig_template (all.rig, all.client, "answer", WEIR_CONSUMER, &some);
  all.sink = rig_add (all.rig, "sink", WEIR_CONSUMER, &taker, NULL);
  all.in = rig_link (all.rig, all.client, all.turn, 4);
  all.out = rig_link (all.rig, all.turn, all.answer, 2);
  WeirQueueSettings settings = queue_of (4);
  settings.when_full = WEIR_WHEN_FULL_DROP_OLDEST;
  all.shared = rig_link_with (all.rig, all.turn, 0, all.sink, settings);
  rig_link (all.rig, all.client, all.sink, 4);
  all.client->most = 40;
  all.client->other->quiet = all.turn->quiet = all.answer->quiet = all.sink->quiet = TRUE;
  return all;
}

START_TEST (thousands_come_and_go)
{
  Connected all = storm_new ();
  connected_begin (&all, 3000);
  rig_peer (all.rig, all.client, 3000);
  rig_until_alive (all.rig, all.client, 0);
  ck_assert_uint_eq (all.sink->stage->input_count, 2); /* of the template */
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  WeirLinkFigures in = figures_of (all.in);
  ck_assert_uint_gt (in.out, 3000);
  ck_assert_uint_gt (in.dropped_by[WEIR_DROP_CONNECTION_LOST], 0);
  ck_assert_uint_eq (in.queued, 0);
  ck_assert_uint_eq (figures_of (all.shared).queued, 0);
  rig_free (all.rig);
}
END_TEST

START_TEST (a_stop_in_the_midst_of_them)
{
  Connected all = storm_new ();
  connected_begin (&all, G_MAXINT);
  rig_peer (all.rig, all.client, 100 + 37 * (guint) _i);
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  rig_free (all.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_set_timeout (tcase, 120);
  tcase_add_test (tcase, a_reference_keeps_the_handle_and_the_wake_comes_late);
  tcase_add_test (tcase, helper_threads_outlive_their_connections);
  tcase_add_test (tcase, connections_go_while_threads_give_back);
  tcase_add_test (tcase, thousands_come_and_go);
  tcase_add_loop_test (tcase, a_stop_in_the_midst_of_them, 0, 5);
}

int
main (void)
{
  return run_suite ("connections: threads", add);
}
