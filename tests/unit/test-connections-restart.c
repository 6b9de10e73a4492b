/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of "on_error": "restart" where there are connections: a stage that they share is down while they come and go, and so is the
 * one that listens. */
#include "connected.h"

static WeirNext
break_down (Fake *fake)
{
  return weir_stage_fail (fake->stage, "broken");
}

static void
fail_now (Fake *fake)
{
  break_down (fake);
}

/* Keeps two at a time, and fails at each third record, twelve times. */
static WeirNext
keep_two_and_fail (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  if (++fake->next % 3 == 0 && atomic_load (&fake->flag) < 12) {
    atomic_fetch_add (&fake->flag, 1);
    return break_down (fake);
  }
  if (fake->kept->len == 2) {
    atomic_fetch_add (&fake->counted, 2);
    fake_release_all (fake);
  }
  return WEIR_MORE;
}

static WeirNext
give_back (Fake *fake)
{
  atomic_fetch_add (&fake->counted, fake->kept->len);
  fake_release_all (fake);
  return WEIR_MORE;
}

static const Script keeps_two = { .consume = keep_two_and_fail, .settle = give_back, .end = give_back };

START_TEST (a_shared_stage_has_all_that_connections_have_given_it)
{
  Connected all = connected_shared (&pusher, &keeps_two, queue_of (8));
  rig_restarts (all.sink);
  connected_begin (&all, 10);
  for (guint i = 1; i <= 10; i++) {
    fake_do (rig_peer (all.rig, all.client, i), emit_ab_and_finish);
  }
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  ck_assert_ptr_null (all.rig->failure);
  ck_assert_int_eq (atomic_load (&all.sink->counted), 20);
  ck_assert_uint_eq (figures_of (all.shared).out, 20);
  ck_assert_uint_ge (weir_restart_count (all.sink->stage), 3);
  rig_free (all.rig);
}
END_TEST

START_TEST (connections_come_and_go_while_it_is_down)
{
  Connected all = connected_shared (&pusher, &taker, queue_of (8));
  rig_restarts (all.sink);
  all.sink->restarts_at_once = FALSE;
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  fake_do (first, emit_a);
  rig_until_noted (all.rig, all.sink, "consume(a)", 1);
  fake_do (all.sink, fail_now);
  rig_until_noted (all.rig, all.sink, "close", 1);
  fake_do (first, fake_finish); /* its end waits for the sink, too */
  fake_allow (all.client, 2);
  Fake *second = rig_peer (all.rig, all.client, 2);
  fake_do (second, emit_ab_and_finish);
  fake_look (second, "finished");
  ck_assert_uint_eq (figures_of (all.shared).queued, 2);
  weir_stage_request (all.sink->stage, WEIR_REQUEST_RESTART);
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (all.sink, "open start consume(a) close open start consume(a) consume(b) end close");
  rig_free (all.rig);
}
END_TEST

START_TEST (one_that_listens_leaves_its_connections_alone)
{
  Connected all = connected_shared (&pusher, &taker, queue_of (8));
  rig_restarts (all.client);
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  fake_do (all.client, fail_now);
  rig_until_noted (all.rig, all.client, "start", 2);
  fake_do (first, emit_a);
  rig_until_noted (all.rig, all.sink, "consume(a)", 1);
  fake_allow (all.client, 2);
  fake_do (rig_peer (all.rig, all.client, 2), emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 1);
  fake_do (first, fake_finish);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (all.client, "open start close open start close");
  fake_assert_events (first, "open start close");
  ck_assert_uint_eq (figures_of (all.shared).out, 3);
  rig_free (all.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_shared_stage_has_all_that_connections_have_given_it);
  tcase_add_test (tcase, connections_come_and_go_while_it_is_down);
  tcase_add_test (tcase, one_that_listens_leaves_its_connections_alone);
}

int
main (void)
{
  return run_suite ("connections-restart", add);
}
