/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what an isolated stage and its child process say to each other beside records, with descriptors and without, and of the wires
 * that are handed over so. */
#include "isolate/control.h"
#include "isolate/wire.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];

static void
set_up (void)
{
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void
tear_down (void)
{
  close (pair[0]);
  close (pair[1]);
}

static guint
count_open (void)
{
  guint count = 0;
  for (int fd = 0; fd < 1024; fd++) {
    count += fcntl (fd, F_GETFD) >= 0 ? 1 : 0;
  }
  return count;
}

/* Nobody has the other end of it any more. */
static gboolean
is_alone (int fd)
{
  struct pollfd ready = { .fd = fd };
  return poll (&ready, 1, 0) == 1 && (ready.revents & POLLHUP) != 0;
}

static void
expect_said (int type, const char *said)
{
  g_autofree char *text = NULL;
  ck_assert_int_eq (weir_control_hear (pair[1], &text), type);
  ck_assert_pstr_eq (text, said);
}

/* ---- messages ---- */

START_TEST (what_is_said_is_heard_whole_and_in_order)
{
  g_autofree char *much = g_strnfill (WEIR_CONTROL_TEXT + 10, 'x'), *most = g_strnfill (WEIR_CONTROL_TEXT, 'x');
  expect_said (0, NULL);
  ck_assert (weir_control_say (pair[0], WEIR_SAY_STOP, NULL));
  ck_assert (weir_control_say (pair[0], WEIR_SAY_FAILED, "why"));
  ck_assert (weir_control_say (pair[0], WEIR_SAY_LOG, much));
  expect_said (WEIR_SAY_STOP, "");
  expect_said (WEIR_SAY_FAILED, "why");
  expect_said (WEIR_SAY_LOG, most);
  expect_said (0, NULL);
}
END_TEST

START_TEST (the_last_words_of_one_that_had_not_heard_all_are_heard)
{
  ck_assert (weir_control_say (pair[1], WEIR_SAY_DRAIN, NULL));
  ck_assert (weir_control_say (pair[0], WEIR_SAY_FAILED, "why"));
  close (pair[0]);
  expect_said (WEIR_SAY_FAILED, "why");
  expect_said (-1, NULL);
  expect_said (-1, NULL);
  ck_assert (!weir_control_say (pair[1], WEIR_SAY_HALT, NULL));
  pair[0] = -1;
}
END_TEST

START_TEST (another_version_and_less_than_a_message_are_none)
{
  static const char *const wrong[] = { "2f", "1", "x" };
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
    ck_assert_int_eq (send (pair[0], wrong[i], strlen (wrong[i]), 0), (int) strlen (wrong[i]));
    expect_said (-1, NULL);
  }
}
END_TEST

/* ---- descriptors ---- */

START_TEST (descriptors_come_along_and_are_closed_on_exec)
{
  int fds[WEIR_CONTROL_FDS], came[WEIR_CONTROL_FDS];
  g_autofree char *text = NULL;
  gsize count;
  for (gsize i = 0; i < WEIR_CONTROL_FDS; i++) {
    fds[i] = pair[i % 2];
  }
  ck_assert (weir_control_say_with (pair[0], WEIR_SAY_ACCEPTED, "a peer", fds, WEIR_CONTROL_FDS));
  ck_assert_int_eq (weir_control_hear_with (pair[1], &text, came, &count), WEIR_SAY_ACCEPTED);
  ck_assert_str_eq (text, "a peer");
  ck_assert_uint_eq (count, WEIR_CONTROL_FDS);
  for (gsize i = 0; i < count; i++) {
    ck_assert_int_eq (fcntl (came[i], F_GETFD), FD_CLOEXEC);
    close (came[i]);
  }
}
END_TEST

START_TEST (descriptors_that_nobody_expects_are_closed)
{
  int other[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
  ck_assert (weir_control_say_with (pair[0], WEIR_SAY_READY, NULL, other, 1));
  close (other[0]);
  ck_assert (!is_alone (other[1]));
  expect_said (WEIR_SAY_READY, "");
  ck_assert (is_alone (other[1]));
  close (other[1]);
}
END_TEST

START_TEST (descriptors_of_what_is_no_message_are_still_the_callers)
{
  guint before = count_open ();
  union {
    struct cmsghdr head;
    guint8 bytes[CMSG_SPACE (sizeof (int))];
  } rights = { .head = { CMSG_LEN (sizeof (int)), SOL_SOCKET, SCM_RIGHTS } };
  memcpy (CMSG_DATA (&rights.head), &pair[0], sizeof (int));
  char bytes[] = "2n";
  struct iovec part = { bytes, 2 };
  struct msghdr message = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights
  };
  int came[WEIR_CONTROL_FDS];
  char *text;
  gsize count;
  ck_assert_int_eq (sendmsg (pair[0], &message, 0), 2);
  ck_assert_int_eq (weir_control_hear_with (pair[1], &text, came, &count), -1);
  ck_assert_ptr_null (text);
  ck_assert_uint_eq (count, 1);
  close (came[0]);
  ck_assert_uint_eq (count_open (), before);
}
END_TEST

/* ---- wires ---- */

START_TEST (a_wire_joins_two_ends)
{
  guint before = count_open ();
  WeirWire wires[3] = { WEIR_WIRE_NONE, WEIR_WIRE_NONE, WEIR_WIRE_NONE }, taken[2];
  int fds[WEIR_CONTROL_FDS];
  WeirShared *shared = weir_wire_new (&wires[0], &wires[1], 1, 2);
  ck_assert_ptr_nonnull (shared);
  ck_assert_int_eq (wires[0].page, -1);
  ck_assert_uint_eq (weir_wires_give (wires + 1, 2, fds), 6);
  ck_assert (!weir_wires_take (taken, 2, fds, 5));
  ck_assert (weir_wires_take (taken, 2, fds, 6));
  ck_assert_int_eq (taken[1].data, -1);
  WeirShared *mapped = weir_shared_map (taken[0].page, 1, 2);
  ck_assert_ptr_nonnull (mapped);
  weir_store_relaxed (weir_shared_released (shared, 0), 7);
  ck_assert_uint_eq (weir_load_relaxed (weir_shared_released (mapped, 0)), 7);
  weir_shared_free (mapped);
  weir_shared_free (shared);
  weir_wire_close (&wires[0]);
  ck_assert (is_alone (taken[0].data) && is_alone (taken[0].control));
  weir_wire_close (&taken[0]);
  weir_wire_close (&taken[0]); /* once is enough */
  ck_assert_uint_eq (count_open (), before);
}
END_TEST

START_TEST (without_room_for_a_wire_nothing_is_left_open)
{
  struct rlimit limit, less;
  guint before = count_open ();
  ck_assert_int_eq (getrlimit (RLIMIT_NOFILE, &limit), 0);
  for (guint room = 0; room < 5; room++) {
    WeirWire near, far;
    less = limit;
    less.rlim_cur = (rlim_t) pair[1] + 1 + room;
    ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &less), 0);
    WeirShared *shared = weir_wire_new (&near, &far, 0, 0);
    int error = errno;
    ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
    ck_assert_ptr_null (shared);
    ck_assert_int_eq (error, EMFILE);
    ck_assert_uint_eq (count_open (), before);
  }
}
END_TEST

static int
make_page (gsize size, int seals)
{
  int fd = memfd_create ("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd >= 0 && ftruncate (fd, (off_t) size) == 0 && fcntl (fd, F_ADD_SEALS, seals) == 0 ? fd : -1;
}

START_TEST (a_page_that_may_shrink_or_is_of_another_size_is_refused)
{
  gsize size = sizeof (WeirShared) + 3 * sizeof (guint64);
  int wrong[] = { make_page (size, 0),
                  make_page (size, F_SEAL_GROW),
                  make_page (size - 8, F_SEAL_SHRINK),
                  make_page (size + 8, F_SEAL_SHRINK),
                  make_page (0, F_SEAL_SHRINK),
                  open ("/dev/zero", O_RDWR | O_CLOEXEC),
                  -1 };
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
    ck_assert_ptr_null (weir_shared_map (wrong[i], 1, 2));
    ck_assert_int_eq (errno, EINVAL);
    if (wrong[i] >= 0) {
      close (wrong[i]);
    }
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("isolate-wire");
  TCase *tests = tcase_create ("isolate-wire");
  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, what_is_said_is_heard_whole_and_in_order);
  tcase_add_test (tests, the_last_words_of_one_that_had_not_heard_all_are_heard);
  tcase_add_test (tests, another_version_and_less_than_a_message_are_none);
  tcase_add_test (tests, descriptors_come_along_and_are_closed_on_exec);
  tcase_add_test (tests, descriptors_that_nobody_expects_are_closed);
  tcase_add_test (tests, descriptors_of_what_is_no_message_are_still_the_callers);
  tcase_add_test (tests, a_wire_joins_two_ends);
  tcase_add_test (tests, without_room_for_a_wire_nothing_is_left_open);
  tcase_add_test (tests, a_page_that_may_shrink_or_is_of_another_size_is_refused);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
