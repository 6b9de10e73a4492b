/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a worker's descriptors: one wake-up each, what adds up, what is forgotten, what epoll cannot watch. */
#include "watch.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static GMainContext *context;
static WeirWatches *watches;
static int ends[2];
static guint woken, woken_other;

static void
setup (void)
{
  g_autoptr (GError) error = NULL;
  context = g_main_context_new ();
  watches = weir_watches_new (context, &error);
  ck_assert_ptr_nonnull (watches);
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  woken = woken_other = 0;
}

static void
teardown (void)
{
  weir_watches_free (watches);
  g_main_context_unref (context);
  close (ends[0]);
  close (ends[1]);
}

static void
wake (gpointer owner, G_GNUC_UNUSED guint32 halves)
{
  ++*(guint *) owner;
}

static void
add (int fd, GIOCondition condition)
{
  weir_watches_add (watches, fd, condition, WEIR_HALF_INPUT, wake, &woken);
}

static void
iterate (void)
{
  while (g_main_context_iteration (context, FALSE)) {}
}

static void
send_byte (void)
{
  ck_assert_int_eq (write (ends[1], "x", 1), 1);
}

START_TEST (a_ready_descriptor_wakes_once)
{
  add (ends[0], G_IO_IN);
  iterate ();
  ck_assert_uint_eq (woken, 0);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (it_wakes_again_when_asked_again)
{
  for (guint i = 1; i <= 5; i++) {
    send_byte ();
    add (ends[0], G_IO_IN);
    iterate ();
    ck_assert_uint_eq (woken, i);
  }
}
END_TEST

START_TEST (asking_twice_wakes_once)
{
  add (ends[0], G_IO_IN);
  add (ends[0], G_IO_IN);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (what_one_owner_asks_for_adds_up)
{
  add (ends[0], G_IO_IN);
  iterate ();
  add (ends[0], G_IO_OUT);
  iterate ();
  ck_assert_uint_eq (woken, 1);
  /* And is over with the wake-up. */
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (two_owners_wait_for_one_descriptor_apart)
{
  add (ends[0], G_IO_IN);
  weir_watches_add (watches, ends[0], G_IO_OUT, WEIR_HALF_INPUT, wake, &woken_other);
  iterate ();
  ck_assert_uint_eq (woken, 0);
  ck_assert_uint_eq (woken_other, 1);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
  ck_assert_uint_eq (woken_other, 1);
}
END_TEST

START_TEST (a_third_owner_takes_the_place_of_one_that_looks_again)
{
  guint woken_third = 0;
  add (ends[0], G_IO_IN);
  weir_watches_add (watches, ends[0], G_IO_IN, WEIR_HALF_INPUT, wake, &woken_other);
  weir_watches_add (watches, ends[0], G_IO_IN, WEIR_HALF_INPUT, wake, &woken_third);
  ck_assert_uint_eq (woken, 1);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
  ck_assert_uint_eq (woken_other, 1);
  ck_assert_uint_eq (woken_third, 1);
}
END_TEST

START_TEST (one_of_two_owners_is_forgotten)
{
  add (ends[0], G_IO_IN);
  weir_watches_add (watches, ends[0], G_IO_IN, WEIR_HALF_INPUT, wake, &woken_other);
  weir_watches_forget_wait (watches, ends[0], &woken);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 0);
  ck_assert_uint_eq (woken_other, 1);
}
END_TEST

START_TEST (a_hang_up_wakes)
{
  add (ends[0], G_IO_IN);
  close (ends[1]);
  ends[1] = -1;
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (a_peer_that_has_sent_all_wakes_a_reader)
{
  add (ends[0], G_IO_IN);
  shutdown (ends[1], SHUT_WR);
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (a_writer_waits_until_there_is_room)
{
  char bytes[4096] = { 0 };
  while (write (ends[0], bytes, sizeof bytes) > 0) {}
  add (ends[0], G_IO_OUT);
  iterate ();
  ck_assert_uint_eq (woken, 0);
  while (read (ends[1], bytes, sizeof bytes) > 0) {}
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (a_forgotten_descriptor_does_not_wake)
{
  add (ends[0], G_IO_IN);
  weir_watches_forget (watches, ends[0]);
  weir_watches_forget (watches, ends[0]);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 0);
  add (ends[0], G_IO_IN);
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (a_number_that_is_used_again_is_watched_again)
{
  for (guint i = 1; i <= 3; i++) {
    add (ends[0], G_IO_IN);
    send_byte ();
    iterate ();
    ck_assert_uint_eq (woken, i);
    add (ends[0], G_IO_OUT | G_IO_IN);
    weir_watches_forget (watches, ends[0]);
    int number = ends[0];
    close (ends[0]);
    close (ends[1]);
    ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ck_assert_int_eq (ends[0], number);
  }
}
END_TEST

START_TEST (a_descriptor_closed_without_a_word_is_watched_again_under_its_number)
{
  add (ends[0], G_IO_IN);
  int number = ends[0];
  close (ends[0]);
  close (ends[1]);
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  ck_assert_int_eq (ends[0], number);
  add (ends[0], G_IO_IN);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (an_owner_is_forgotten_with_all_it_waits_for)
{
  add (ends[0], G_IO_IN);
  weir_watches_add (watches, ends[1], G_IO_OUT, WEIR_HALF_INPUT, wake, &woken_other);
  weir_watches_forget_owner (watches, &woken_other);
  send_byte ();
  iterate ();
  ck_assert_uint_eq (woken, 1);
  ck_assert_uint_eq (woken_other, 0);
}
END_TEST

static void
forget_all (gpointer owner, G_GNUC_UNUSED guint32 halves)
{
  ++*(guint *) owner;
  weir_watches_forget (watches, ends[0]);
  weir_watches_forget (watches, ends[1]);
}

START_TEST (what_is_woken_may_forget_what_would_be_woken_next)
{
  weir_watches_add (watches, ends[0], G_IO_OUT, WEIR_HALF_INPUT, forget_all, &woken);
  weir_watches_add (watches, ends[1], G_IO_OUT, WEIR_HALF_INPUT, forget_all, &woken);
  iterate ();
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (a_regular_file_is_always_ready)
{
  FILE *file = tmpfile ();
  ck_assert_ptr_nonnull (file);
  add (fileno (file), G_IO_IN);
  ck_assert_uint_eq (woken, 1);
  add (fileno (file), G_IO_IN);
  ck_assert_uint_eq (woken, 2);
  weir_watches_forget (watches, fileno (file));
  fclose (file);
}
END_TEST

START_TEST (a_bad_descriptor_wakes_so_that_the_next_call_tells)
{
  int number = dup (ends[0]);
  close (number);
  add (number, G_IO_IN);
  ck_assert_uint_eq (woken, 1);
}
END_TEST

START_TEST (more_descriptors_than_events_at_a_time_all_wake)
{
  enum { COUNT = 200 };
  int many[COUNT];
  for (guint i = 0; i < COUNT; i++) {
    many[i] = dup (ends[0]);
    ck_assert_int_ge (many[i], 0);
    add (many[i], G_IO_OUT);
  }
  iterate ();
  ck_assert_uint_eq (woken, COUNT);
  for (guint i = 0; i < COUNT; i++) {
    weir_watches_forget (watches, many[i]);
    close (many[i]);
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("watch");
  TCase *cases = tcase_create ("watch");
  tcase_add_checked_fixture (cases, setup, teardown);
  tcase_add_test (cases, a_ready_descriptor_wakes_once);
  tcase_add_test (cases, it_wakes_again_when_asked_again);
  tcase_add_test (cases, asking_twice_wakes_once);
  tcase_add_test (cases, what_one_owner_asks_for_adds_up);
  tcase_add_test (cases, two_owners_wait_for_one_descriptor_apart);
  tcase_add_test (cases, a_third_owner_takes_the_place_of_one_that_looks_again);
  tcase_add_test (cases, one_of_two_owners_is_forgotten);
  tcase_add_test (cases, a_hang_up_wakes);
  tcase_add_test (cases, a_peer_that_has_sent_all_wakes_a_reader);
  tcase_add_test (cases, a_writer_waits_until_there_is_room);
  tcase_add_test (cases, a_forgotten_descriptor_does_not_wake);
  tcase_add_test (cases, a_number_that_is_used_again_is_watched_again);
  tcase_add_test (cases, a_descriptor_closed_without_a_word_is_watched_again_under_its_number);
  tcase_add_test (cases, an_owner_is_forgotten_with_all_it_waits_for);
  tcase_add_test (cases, what_is_woken_may_forget_what_would_be_woken_next);
  tcase_add_test (cases, a_regular_file_is_always_ready);
  tcase_add_test (cases, a_bad_descriptor_wakes_so_that_the_next_call_tells);
  tcase_add_test (cases, more_descriptors_than_events_at_a_time_all_wake);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
