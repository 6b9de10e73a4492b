/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of how links of connections part with a shared stage: with kept records out, late wake-ups, and a stage that ends first
 * (R9, R10, R14, R16). */
#include "connected.h"
#include "keepers.h"

START_TEST (r14_what_is_kept_holds_the_connection_until_it_is_given_back)
{
  Connected all = connected_shared (&pusher, &keeper, queue_of (8));
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  fake_do (first, emit_ab_and_finish);
  rig_until_noted (all.rig, all.sink, "consume(b)", 1);
  rig_until_noted (all.rig, first, "close", 1);
  fake_look (all.sink, "looked");
  ck_assert_uint_eq (weir_connections_alive (all.client->stage->connections), 1);
  ck_assert_uint_eq (figures_of (all.shared).queued, 2);
  fake_release_all (all.sink); /* by this thread, which is not its worker */
  rig_until_alive (all.rig, all.client, 0);
  ck_assert_uint_eq (all.sink->stage->input_count, 1);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (all.shared).out, 2);
  rig_free (all.rig);
}
END_TEST

/* On its worker, whose they are. */
static void
note_links (Fake *fake)
{
  const WeirStageExtras *extras = fake->stage->extras;
  atomic_fetch_add (&fake->flag, 1);
  fake_note (fake, "links(%u)%s", fake->stage->input_count, extras != NULL && extras->leaving != NULL ? "leaving" : "");
}

/* Links join, and part behind the close() of their connection's stages, when they are told to: there is no event for it, so this looks
 * again and again. */
static void
await_links (Fake *fake, const char *links)
{
  for (guint before = fake_count (fake, links); fake_count (fake, links) == before;) {
    gint64 looks = atomic_load (&fake->flag);
    fake_do (fake, note_links);
    rig_until_flag (fake->rig, fake, looks + 1);
  }
}

static void
release_all (Fake *fake)
{
  fake_release_all (fake);
}

/* The steps of a thread that gives a record back, and that is slow between them: see weir_record_release(). */
START_TEST (r14_a_link_stays_while_a_thread_has_its_hands_on_it)
{
  Connected all = connected_shared (&pusher, &keeper, queue_of (8));
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1);
  WeirLink *link = first->stage->ports[0].links[0];
  atomic_fetch_add (&link->giving, 1);
  fake_do (first, emit_ab_and_finish);
  rig_until_noted (all.rig, all.sink, "consume(b)", 1);
  rig_until_noted (all.rig, first, "close", 1);
  fake_do (all.sink, release_all);
  fake_look (all.sink, "idle");
  await_links (all.sink, "links(3)leaving");
  weir_link_make_ready (link);
  fake_look (all.sink, "ready");
  ck_assert_uint_eq (weir_connections_alive (all.client->stage->connections), 2);
  /* Once more, with another link active behind it, and the hands off in between. */
  weir_link_make_ready (link);
  fake_do (rig_peer (all.rig, all.client, 2), emit_ab_and_finish);
  rig_until_noted (all.rig, all.sink, "consume(b)", 2);
  atomic_fetch_sub (&link->giving, 1);
  weir_task_make_ready (&all.sink->stage->task);
  rig_until_alive (all.rig, all.client, 1);
  fake_do (all.sink, release_all);
  rig_until_alive (all.rig, all.client, 0);
  await_links (all.sink, "links(1)");
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  rig_free (all.rig);
}
END_TEST

/* A producer wakes the taker behind the end that it has put: by then the taker may have taken it, and be through with the link. */
START_TEST (r10_a_link_stays_until_its_connection_is_over)
{
  Connected all = connected_shared (&pusher, &taker, queue_of (8));
  Fake *answer = rig_template (all.rig, all.client, "answer", WEIR_CONSUMER, &valve);
  rig_link (all.rig, all.client, answer, 8);
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1), *last = rig_peer (all.rig, answer, 1);
  WeirLink *link = first->stage->ports[0].links[0];
  fake_do (first, emit_ab_and_finish);
  rig_until_noted (all.rig, first, "close", 1);
  rig_until_noted (all.rig, all.sink, "consume(b)", 1);
  fake_look (all.sink, "idle");
  await_links (all.sink, "links(2)");
  weir_link_make_ready (link); /* late */
  fake_look (all.sink, "looked");
  await_links (all.sink, "links(2)");
  fake_allow (last, 2);
  rig_until_alive (all.rig, all.client, 0);
  await_links (all.sink, "links(1)");
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  rig_free (all.rig);
}
END_TEST

/* ---- a shared stage that ends before its connections do ---- */

static WeirNext
keep_and_have_enough (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  return WEIR_DONE;
}

static const Script keeps_one = { .consume = keep_and_have_enough, .settle = settle_later };

START_TEST (r16_who_joins_a_stage_that_has_had_enough_holds_up_nothing)
{
  Connected all = connected_shared (&pusher, &keeps_one, queue_of (8));
  Fake *answer = rig_template (all.rig, all.client, "answer", WEIR_CONSUMER, &taker);
  rig_link (all.rig, all.client, answer, 8);
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  fake_do (first, emit_a);
  rig_until_noted (all.rig, all.sink, "settle", 1);
  /* The listener goes on, as each connection has a taker of its own. */
  fake_allow (all.client, 2);
  Fake *second = rig_peer (all.rig, all.client, 2);
  fake_do (second, emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 1);
  fake_do (all.sink, release_all);
  rig_until_noted (all.rig, all.sink, "close", 1);
  fake_do (first, emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (all.sink, "open start consume(a) settle close");
  ck_assert_uint_eq (figures_of (all.shared).dropped_by[WEIR_DROP_TAKER_FINISHED], 4);
  rig_free (all.rig);
}
END_TEST

static WeirNext
hand_on_allowed (Fake *fake, const WeirRecord *record)
{
  if (atomic_load (&fake->counted) >= atomic_load (&fake->allowed)) {
    return WEIR_WAIT;
  }
  atomic_fetch_add (&fake->counted, 1);
  return hand_on (fake, record);
}

static WeirNext
have_enough (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_DONE;
}

static const Script sluice = { .consume = hand_on_allowed }, one = { .consume = have_enough };

START_TEST (r16_a_stage_that_is_stopped_lets_go_of_a_connection_that_is_over)
{
  Rig *rig = rig_new ();
  Fake *client = rig_listen (rig, "client", &listening, &pusher);
  Fake *gate = rig_add (rig, "gate", WEIR_TRANSFORM, &sluice, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &one, NULL);
  WeirLink *shared = rig_link (rig, client, gate, 8);
  rig_link (rig, gate, end, 8);
  rig_begin (rig);
  fake_allow (client, 1);
  Fake *first = rig_peer (rig, client, 1);
  fake_do (first, emit_ab_and_finish);
  rig_until_noted (rig, first, "close", 1);
  rig_until_noted (rig, gate, "consume(a)", 1);
  fake_allow (gate, 1);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (gate);
  ck_assert_msg (g_str_has_suffix (events, "stop close"), "%s", events);
  ck_assert_uint_eq (figures_of (shared).dropped_by[WEIR_DROP_TAKER_FINISHED], 1);
  rig_free (rig);
}
END_TEST

static WeirNext
linger (Fake *fake)
{
  weir_stage_linger (fake->stage, TRUE);
  return WEIR_MORE;
}

static WeirNext
keep_and_fail (Fake *fake, const WeirRecord *record)
{
  if (*record->data == 'b') {
    return weir_stage_fail (fake->stage, "the disk is full");
  }
  fake_keep (fake, record);
  return WEIR_MORE;
}

static gboolean
leave (gpointer data)
{
  weir_stage_linger (((Fake *) data)->stage, FALSE);
  return G_SOURCE_REMOVE;
}

static const Script lingers = { .start = linger, .consume = keep_and_fail, .settle = settle_later };

START_TEST (r9_what_a_stage_keeps_that_lingers_is_given_back_until_it_is_closed)
{
  Connected all = connected_shared (&pusher, &lingers, queue_of (8));
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  fake_do (first, emit_ab_and_finish);
  rig_until_noted (all.rig, first, "close", 1);
  fake_look (all.sink, "parked");
  ck_assert_uint_eq (weir_connections_alive (all.client->stage->connections), 1);
  fake_release_all (all.sink);
  g_main_context_invoke (weir_stage_context (all.sink->stage), leave, all.sink);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_FAILED);
  rig_free (all.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r14_what_is_kept_holds_the_connection_until_it_is_given_back);
  tcase_add_test (tcase, r10_a_link_stays_until_its_connection_is_over);
  tcase_add_test (tcase, r14_a_link_stays_while_a_thread_has_its_hands_on_it);
  tcase_add_test (tcase, r16_who_joins_a_stage_that_has_had_enough_holds_up_nothing);
  tcase_add_test (tcase, r16_a_stage_that_is_stopped_lets_go_of_a_connection_that_is_over);
  tcase_add_test (tcase, r9_what_a_stage_keeps_that_lingers_is_given_back_until_it_is_closed);
}

int
main (void)
{
  return run_suite ("connections: parting", add);
}
