/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: what weir_write_records() puts on a descriptor, in how many pieces, and how it goes on after a part.
 * The records are made by hand over static bytes; writev(2) of this program is the one below, so that it can be counted, cut
 * short and made to fail. */
#include <weir/record.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int calls, most_pieces;
static gsize at_most;  /* bytes a call; 0: as many as it likes */
static int fail_with;  /* errno of the next call; 0: none */
static int fail_after; /* calls before that */
static GString *written;

ssize_t
writev (int fd, const struct iovec *pieces, int count)
{
  if (fd != -2) {
    return syscall (SYS_writev, fd, pieces, count);
  }
  calls++;
  most_pieces = MAX (most_pieces, count);
  if (fail_with != 0 && fail_after-- == 0) {
    errno = fail_with;
    fail_with = 0;
    return -1;
  }
  if (count > IOV_MAX) {
    errno = EINVAL;
    return -1;
  }
  gsize before = written->len;
  for (int i = 0; i < count; i++) {
    gsize room = at_most > 0 ? at_most - (written->len - before) : G_MAXSIZE;
    g_string_append_len (written, pieces[i].iov_base, (gssize) MIN (room, pieces[i].iov_len));
  }
  return (ssize_t) (written->len - before);
}

static void
set_up (void)
{
  calls = most_pieces = fail_with = fail_after = 0;
  at_most = 0;
  written = g_string_new (NULL);
}

static void
tear_down (void)
{
  g_string_free (written, TRUE);
}

static WeirRecord
make (WeirBuffer *buffer, const char *data, gsize size, guint trail, guint flags)
{
  return (WeirRecord){
    .data = (const guint8 *) data, .size = size, .buffer = buffer, .trail = (guint16) trail, .flags = (guint16) flags
  };
}

static WeirBuffer *
wrap (const char *text)
{
  return weir_buffer_wrap ((gpointer) text, strlen (text), NULL, NULL);
}

static gboolean
write_all (const WeirRecord *records, gsize count, gsize *progress)
{
  return weir_write_records (-2, records, count, "|", 1, progress);
}

START_TEST (delimiter_only_behind_a_message_without_trail)
{
  static const char text[] = "message line\nchunk";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 7, 0, 0), make (buffer, text + 8, 4, 1, 0),
                           make (buffer, text + 13, 5, 0, WEIR_RECORD_CHUNK), make (buffer, text, 7, 0, 0) };
  gsize progress = 0;
  ck_assert (write_all (records, G_N_ELEMENTS (records), &progress));
  ck_assert_str_eq (written->str, "message|line\nchunkmessage|");
  ck_assert_uint_eq (progress, 0);
}
END_TEST

START_TEST (no_delimiter_where_its_size_is_zero)
{
  static const char text[] = "message";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 7, 0, 0), make (buffer, text, 7, 0, WEIR_RECORD_GAP) };
  gsize progress = 0;
  ck_assert (weir_write_records (-2, records, 2, NULL, 0, &progress));
  ck_assert_str_eq (written->str, "messagemessage");
}
END_TEST

START_TEST (neighbours_leave_as_one_piece)
{
  static const char text[] = "one\ntwo\nthree\nfo";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 3, 1, 0), make (buffer, text + 4, 3, 1, 0),
                           make (buffer, text + 8, 5, 1, 0), make (buffer, text + 14, 2, 0, WEIR_RECORD_CHUNK) };
  gsize progress = 0;
  ck_assert (write_all (records, G_N_ELEMENTS (records), &progress));
  ck_assert_str_eq (written->str, text);
  ck_assert_int_eq (calls, 1);
  ck_assert_int_eq (most_pieces, 1);
}
END_TEST

START_TEST (empty_records_take_no_piece)
{
  static const char text[] = "a";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 0, 0, WEIR_RECORD_CHUNK), make (buffer, text, 0, 0, 0),
                           make (buffer, text, 0, 0, WEIR_RECORD_CHUNK) };
  gsize progress = 0;
  ck_assert (write_all (records, G_N_ELEMENTS (records), &progress));
  ck_assert_str_eq (written->str, "|");
  ck_assert_int_eq (most_pieces, 1);
}
END_TEST

START_TEST (nothing_to_write_calls_nothing)
{
  static const char text[] = "a";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord record = make (buffer, text, 0, 0, WEIR_RECORD_CHUNK);
  gsize progress = 0;
  ck_assert (write_all (NULL, 0, &progress));
  ck_assert (write_all (&record, 1, &progress));
  ck_assert_int_eq (calls, 0);
}
END_TEST

/* 3,000 records of "xy" in one text, each with a delimiter: 6,000 pieces. */
#define MANY 3000

static GString *
make_many (WeirRecord *records, WeirBuffer **buffer)
{
  static const char text[] = "xy";
  *buffer = wrap (text);
  GString *wanted = g_string_new (NULL);
  for (int i = 0; i < MANY; i++) {
    records[i] = make (*buffer, text, 2, 0, 0);
    g_string_append (wanted, "xy|");
  }
  return wanted;
}

START_TEST (many_records_leave_in_batches_of_iov_max)
{
  g_autofree WeirRecord *records = g_new (WeirRecord, MANY);
  g_autoptr (WeirBuffer) buffer = NULL;
  g_autoptr (GString) wanted = make_many (records, &buffer);
  gsize progress = 0;
  ck_assert (write_all (records, MANY, &progress));
  ck_assert_str_eq (written->str, wanted->str);
  ck_assert_int_le (most_pieces, IOV_MAX);
  ck_assert_int_le (calls, 2 * MANY / IOV_MAX + 1);
}
END_TEST

START_TEST (short_writes_go_on_where_they_stopped)
{
  g_autofree WeirRecord *records = g_new (WeirRecord, MANY);
  g_autoptr (WeirBuffer) buffer = NULL;
  g_autoptr (GString) wanted = make_many (records, &buffer);
  gsize progress = 0;
  at_most = 7;
  ck_assert (write_all (records, MANY, &progress));
  ck_assert_str_eq (written->str, wanted->str);
  ck_assert_uint_eq (progress, 0);
}
END_TEST

/* Fails at every place in turn; what is out then and what the same run adds later must be the whole. */
START_TEST (failed_run_goes_on_from_its_progress)
{
  static const char text[] = "one\ntwo message";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 3, 1, 0), make (buffer, text + 8, 7, 0, 0), make (buffer, text, 0, 0, 0),
                           make (buffer, text + 4, 3, 0, WEIR_RECORD_CHUNK) };
  static const char wanted[] = "one\nmessage||two";
  for (int at = 0; at < (int) strlen (wanted); at++) {
    gsize progress = 0;
    g_string_truncate (written, 0);
    at_most = 1;
    fail_with = ENOSPC;
    fail_after = at;
    ck_assert (!write_all (records, G_N_ELEMENTS (records), &progress));
    ck_assert_int_eq (errno, ENOSPC);
    ck_assert_uint_eq (progress, (guint) at);
    ck_assert_uint_eq (written->len, (guint) at);
    at_most = 0;
    ck_assert (write_all (records, G_N_ELEMENTS (records), &progress));
    ck_assert_str_eq (written->str, wanted);
    ck_assert_uint_eq (progress, 0);
  }
}
END_TEST

START_TEST (interrupted_call_is_tried_again)
{
  static const char text[] = "message";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord record = make (buffer, text, 7, 0, 0);
  gsize progress = 0;
  fail_with = EINTR;
  ck_assert (write_all (&record, 1, &progress));
  ck_assert_str_eq (written->str, "message|");
  ck_assert_int_eq (calls, 2);
}
END_TEST

/* A pipe that is O_NONBLOCK, and a socket that is not. */
START_TEST (full_reader_says_eagain_and_goes_on)
{
  static char block[500000];
  memset (block, 'b', sizeof (block));
  g_autoptr (WeirBuffer) buffer = weir_buffer_wrap (block, sizeof (block), NULL, NULL);
  WeirRecord records[] = { make (buffer, block, 100000, 0, 0), make (buffer, block + 100001, 399999, 0, 0) };
  int ends[2];
  gboolean to_socket = _i == 1;
  ck_assert_int_eq (
    to_socket ? socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) : pipe2 (ends, O_NONBLOCK | O_CLOEXEC), 0);
  g_autofree char *read_back = g_malloc (sizeof (block) * 2);
  gsize progress = 0, got = 0, turns = 0;
  for (gboolean over = FALSE; !over; turns++) {
    over = to_socket ? weir_send_records (ends[1], records, 2, "|", 1, FALSE, &progress)
                     : weir_write_records (ends[1], records, 2, "|", 1, &progress);
    ck_assert (over || errno == EAGAIN);
    ssize_t n = read (ends[0], read_back + got, sizeof (block) * 2 - got);
    ck_assert_int_gt (n, 0);
    got += (gsize) n;
  }
  close (ends[1]);
  for (ssize_t n; (n = read (ends[0], read_back + got, sizeof (block) * 2 - got)) > 0;) {
    got += (gsize) n;
  }
  close (ends[0]);
  ck_assert_uint_gt (turns, 2);
  ck_assert_uint_eq (got, 500001);
  ck_assert (read_back[100000] == '|' && read_back[500000] == '|');
  ck_assert_ptr_null (memchr (read_back, '|', 100000));
  ck_assert_ptr_null (memchr (read_back + 100001, '|', 399999));
}
END_TEST

START_TEST (closed_descriptor_says_so)
{
  static const char text[] = "message";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord record = make (buffer, text, 7, 0, 0);
  gsize progress = 0;
  ck_assert (!weir_write_records (-1, &record, 1, "|", 1, &progress));
  ck_assert_int_eq (errno, EBADF);
  ck_assert_uint_eq (progress, 0);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("write");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, delimiter_only_behind_a_message_without_trail);
  tcase_add_test (cases, no_delimiter_where_its_size_is_zero);
  tcase_add_test (cases, neighbours_leave_as_one_piece);
  tcase_add_test (cases, empty_records_take_no_piece);
  tcase_add_test (cases, nothing_to_write_calls_nothing);
  tcase_add_test (cases, many_records_leave_in_batches_of_iov_max);
  tcase_add_test (cases, short_writes_go_on_where_they_stopped);
  tcase_add_test (cases, failed_run_goes_on_from_its_progress);
  tcase_add_test (cases, interrupted_call_is_tried_again);
  tcase_add_loop_test (cases, full_reader_says_eagain_and_goes_on, 0, 2);
  tcase_add_test (cases, closed_descriptor_says_so);
  Suite *suite = suite_create ("write");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
