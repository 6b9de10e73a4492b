/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a worker's timers: order, moving, disarming, and arming from what fires. */
#include "timers.h"

#include <check.h>
#include <stdlib.h>

static GMainContext *context;
static WeirTimers *timers;
static GString *fired;
static gint64 base;

static void
setup (void)
{
  context = g_main_context_new ();
  timers = weir_timers_new (context);
  fired = g_string_new (NULL);
  base = g_get_monotonic_time ();
}

static void
teardown (void)
{
  weir_timers_free (timers);
  g_main_context_unref (context);
  g_string_free (fired, TRUE);
}

static void
note (WeirTimer *timer, gpointer data)
{
  ck_assert_ptr_null (timer->iter);
  ck_assert_int_ge (g_get_monotonic_time (), timer->at);
  g_string_append (fired, data);
}

#define TIMER(name) \
  { \
    .fire = note, .data = (gpointer) (name) \
  }

/* A time that has come, so long before this test began. */
static gint64
past (gint64 microseconds)
{
  return base - microseconds;
}

START_TEST (timers_fire_in_the_order_of_their_times)
{
  WeirTimer a = TIMER ("a"), b = TIMER ("b"), c = TIMER ("c");
  weir_timers_arm (timers, &b, past (20));
  weir_timers_arm (timers, &c, past (10));
  weir_timers_arm (timers, &a, past (30));
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "abc");
  ck_assert (!g_main_context_iteration (context, FALSE));
}
END_TEST

START_TEST (equal_times_fire_in_the_order_of_arming)
{
  WeirTimer a = TIMER ("a"), b = TIMER ("b"), c = TIMER ("c");
  gint64 at = past (1);
  weir_timers_arm (timers, &a, at);
  weir_timers_arm (timers, &b, at);
  weir_timers_arm (timers, &c, at);
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "abc");
}
END_TEST

START_TEST (a_timer_fires_once_when_its_time_has_come)
{
  WeirTimer a = TIMER ("a");
  weir_timers_arm (timers, &a, g_get_monotonic_time () + 2000);
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "");
  while (fired->len == 0) {
    g_main_context_iteration (context, TRUE);
  }
  ck_assert_str_eq (fired->str, "a");
  ck_assert (!g_main_context_iteration (context, FALSE));
}
END_TEST

START_TEST (arming_again_moves_it)
{
  WeirTimer a = TIMER ("a"), b = TIMER ("b");
  weir_timers_arm (timers, &a, past (20));
  weir_timers_arm (timers, &b, past (10));
  weir_timers_arm (timers, &a, past (5));
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "ba");
  weir_timers_arm (timers, &a, past (5));
  weir_timers_arm (timers, &a, g_get_monotonic_time () + 60 * G_USEC_PER_SEC);
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "ba");
  weir_timers_disarm (timers, &a);
}
END_TEST

START_TEST (a_disarmed_timer_does_not_fire)
{
  WeirTimer a = TIMER ("a"), b = TIMER ("b");
  weir_timers_arm (timers, &a, past (20));
  weir_timers_arm (timers, &b, past (10));
  weir_timers_disarm (timers, &a);
  weir_timers_disarm (timers, &a);
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "b");
}
END_TEST

static void
disarm_other (WeirTimer *timer, gpointer data)
{
  (void) timer;
  g_string_append (fired, "x");
  weir_timers_disarm (timers, data);
}

START_TEST (what_fires_may_disarm_what_would_fire_next)
{
  WeirTimer b = TIMER ("b"), x = { .fire = disarm_other, .data = &b };
  weir_timers_arm (timers, &x, past (20));
  weir_timers_arm (timers, &b, past (10));
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "x");
}
END_TEST

static void
arm_again (WeirTimer *timer, gpointer data)
{
  g_string_append (fired, "r");
  if (fired->len < GPOINTER_TO_UINT (data)) {
    weir_timers_arm (timers, timer, past (1));
  }
}

START_TEST (what_fires_may_arm_itself_for_the_next_round)
{
  WeirTimer r = { .fire = arm_again, .data = GUINT_TO_POINTER (3) };
  weir_timers_arm (timers, &r, past (1));
  for (guint rounds = 0; fired->len < 3; rounds++) {
    ck_assert_uint_lt (rounds, 3);
    g_main_context_iteration (context, FALSE);
  }
  ck_assert (!g_main_context_iteration (context, FALSE));
}
END_TEST

START_TEST (a_timer_that_is_always_due_does_not_keep_the_others_out)
{
  WeirTimer r = { .fire = arm_again, .data = GUINT_TO_POINTER (1000) }, a = TIMER ("a");
  weir_timers_arm (timers, &r, past (20));
  weir_timers_arm (timers, &a, past (10));
  g_main_context_iteration (context, FALSE);
  ck_assert_str_eq (fired->str, "ra");
  weir_timers_disarm (timers, &r);
}
END_TEST

START_TEST (thousands_of_timers_fire_in_order)
{
  enum { COUNT = 5000 };
  WeirTimer *many = g_new0 (WeirTimer, COUNT);
  GRand *random = g_rand_new_with_seed (1);
  gint64 now = g_get_monotonic_time ();
  for (guint i = 0; i < COUNT; i++) {
    many[i] = (WeirTimer) TIMER (".");
    weir_timers_arm (timers, &many[i], now - g_rand_int_range (random, 0, 100000));
  }
  g_main_context_iteration (context, FALSE);
  ck_assert_uint_eq (fired->len, COUNT);
  g_rand_free (random);
  g_free (many);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("timers");
  TCase *cases = tcase_create ("timers");
  tcase_add_checked_fixture (cases, setup, teardown);
  tcase_add_test (cases, timers_fire_in_the_order_of_their_times);
  tcase_add_test (cases, equal_times_fire_in_the_order_of_arming);
  tcase_add_test (cases, a_timer_fires_once_when_its_time_has_come);
  tcase_add_test (cases, arming_again_moves_it);
  tcase_add_test (cases, a_disarmed_timer_does_not_fire);
  tcase_add_test (cases, what_fires_may_disarm_what_would_fire_next);
  tcase_add_test (cases, what_fires_may_arm_itself_for_the_next_round);
  tcase_add_test (cases, a_timer_that_is_always_due_does_not_keep_the_others_out);
  tcase_add_test (cases, thousands_of_timers_fire_in_order);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
