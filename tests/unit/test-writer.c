/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c: what weir_writer_write() puts on a descriptor, in how many pieces, and how it goes on after a part.
 * The records are made by hand over static bytes; writev(2) of this program is the one below, so that it can be counted, cut
 * short and made to fail. */
#include <weir/writer.h>

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
static WeirWriter writer; /* with "|" */

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
  weir_writer_init (&writer, "|");
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
write_all (const WeirRecord *records, gsize count)
{
  return weir_writer_write (&writer, -2, records, count);
}

START_TEST (delimiter_only_behind_a_message_without_trail)
{
  static const char text[] = "message line\nchunk";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 7, 0, 0), make (buffer, text + 8, 4, 1, 0),
                           make (buffer, text + 13, 5, 0, WEIR_RECORD_CHUNK), make (buffer, text, 7, 0, 0) };
  ck_assert (write_all (records, G_N_ELEMENTS (records)));
  ck_assert_str_eq (written->str, "message|line\nchunkmessage|");
  ck_assert_uint_eq (writer.progress, 0);
}
END_TEST

START_TEST (no_delimiter_where_its_size_is_zero)
{
  static const char text[] = "message";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 7, 0, 0), make (buffer, text, 7, 0, WEIR_RECORD_GAP) };
  weir_writer_init (&writer, "");
  ck_assert (weir_writer_write (&writer, -2, records, 2));
  ck_assert_str_eq (written->str, "messagemessage");
}
END_TEST

START_TEST (neighbours_leave_as_one_piece)
{
  static const char text[] = "one\ntwo\nthree\nfo";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord records[] = { make (buffer, text, 3, 1, 0), make (buffer, text + 4, 3, 1, 0),
                           make (buffer, text + 8, 5, 1, 0), make (buffer, text + 14, 2, 0, WEIR_RECORD_CHUNK) };
  ck_assert (write_all (records, G_N_ELEMENTS (records)));
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
  ck_assert (write_all (records, G_N_ELEMENTS (records)));
  ck_assert_str_eq (written->str, "|");
  ck_assert_int_eq (most_pieces, 1);
}
END_TEST

START_TEST (nothing_to_write_calls_nothing)
{
  static const char text[] = "a";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord record = make (buffer, text, 0, 0, WEIR_RECORD_CHUNK);
  ck_assert (write_all (NULL, 0));
  ck_assert (write_all (&record, 1));
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
  ck_assert (write_all (records, MANY));
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
  at_most = 7;
  ck_assert (write_all (records, MANY));
  ck_assert_str_eq (written->str, wanted->str);
  ck_assert_uint_eq (writer.progress, 0);
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
    g_string_truncate (written, 0);
    at_most = 1;
    fail_with = ENOSPC;
    fail_after = at;
    ck_assert (!write_all (records, G_N_ELEMENTS (records)));
    ck_assert_int_eq (errno, ENOSPC);
    ck_assert_uint_eq (writer.progress, (guint) at);
    ck_assert_uint_eq (written->len, (guint) at);
    at_most = 0;
    ck_assert (write_all (records, G_N_ELEMENTS (records)));
    ck_assert_str_eq (written->str, wanted);
    ck_assert_uint_eq (writer.progress, 0);
  }
}
END_TEST

START_TEST (interrupted_call_is_tried_again)
{
  static const char text[] = "message";
  g_autoptr (WeirBuffer) buffer = wrap (text);
  WeirRecord record = make (buffer, text, 7, 0, 0);
  fail_with = EINTR;
  ck_assert (write_all (&record, 1));
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
  gsize got = 0, turns = 0;
  for (gboolean over = FALSE; !over; turns++) {
    over = to_socket ? weir_writer_send (&writer, ends[1], records, 2, FALSE)
                     : weir_writer_write (&writer, ends[1], records, 2);
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
  ck_assert (!weir_writer_write (&writer, -1, &record, 1));
  ck_assert_int_eq (errno, EBADF);
  ck_assert_uint_eq (writer.progress, 0);
}
END_TEST

/* ---- between streams ---- */

/* Bytes of a stream; a capital letter is the stream's, of what lies behind it. "Aone" is a chunk of A, "Aone/" one with a gap before it,
 * "-one" a message without trail, "+one" one whose last byte is its trail. */
static WeirRecord
piece (const char *text)
{
  gboolean is_chunk = g_ascii_isupper (text[0]), has_gap = g_str_has_suffix (text, "/");
  gsize size = strlen (text) - 1 - (has_gap ? 1 : 0);
  guint flags = (is_chunk ? WEIR_RECORD_CHUNK : 0) | (has_gap ? WEIR_RECORD_GAP : 0);
  WeirRecord record = make (NULL, text + 1, size - (text[0] == '+' ? 1 : 0), text[0] == '+' ? 1 : 0, flags);
  record.stream = is_chunk ? (guint32) text[0] : 0;
  return record;
}

typedef struct {
  const char *delimiter, *pieces, *wanted;
} Case;

static const Case cases_between[] = {
  /* The unended last line of one stream, and the first line of another. */
  { "|", "Aone Btwo|", "one|two|" },
  { "|", "Aone| Btwo|", "one|two|" },
  { "|", "Aone -two +three| Bfour", "one|two|three|four" },
  { "|", "-one Atwo Bthree", "one|two|three" },
  { "|", "+one| Atwo", "one|two" },
  /* Chunks in turn. */
  { "|", "Ao Bt Ane| Bwo|", "o|t|ne|wo|" },
  { "|", "Ao Ane Btwo", "one|two" },
  /* What is empty is between nothing; but an empty message is one. */
  { "|", "Ao B Ane", "one" },
  { "|", "Ao - Ane", "o||ne" },
  /* Something of the stream was lost. */
  { "|", "Aone Atwo/", "one|two" },
  { "|", "Aone A/ Atwo", "one|two" },
  { "|", "Aone| Atwo/", "one|two" },
  /* A delimiter of more bytes, also where chunks cut it. */
  { "<>", "Aone<> Btwo", "one<>two" },
  { "<>", "Aone< A> Btwo", "one<>two" },
  { "<>", "Aone> Btwo", "one><>two" },
  { "<>", "Aone< Btwo", "one<<>two" },
  { "<<>", "Aone< A< A< A> Btwo", "one<<<>two" },
  { "<<>", "A< A<> Btwo", "<<>two" },
  { "<<>", "A< B<> Atwo", "<<<><><<>two" },
  /* None at all. */
  { "", "Aone Btwo -three Aone", "onetwothreeone" },
};

static gsize
parse_pieces (const char *text, WeirRecord records[8], char ***words)
{
  *words = g_strsplit (text, " ", -1);
  gsize count = 0;
  for (char **word = *words; *word != NULL; word++) {
    records[count++] = piece (*word);
  }
  return count;
}

/* In one run, a run each, a byte a call with a failure behind each byte, by copies of some bytes, and as fit() has it. */
START_TEST (streams_are_parted)
{
  const Case *at = &cases_between[_i];
  WeirRecord records[8];
  g_auto (GStrv) words = NULL;
  gsize count = parse_pieces (at->pieces, records, &words), size = strlen (at->wanted);
  weir_writer_init (&writer, at->delimiter);
  ck_assert (write_all (records, count));
  ck_assert_str_eq (written->str, at->wanted);

  g_string_truncate (written, 0);
  weir_writer_restart (&writer);
  for (gsize i = 0; i < count; i++) {
    ck_assert (write_all (&records[i], 1));
  }
  ck_assert_str_eq (written->str, at->wanted);

  g_string_truncate (written, 0);
  weir_writer_restart (&writer);
  at_most = 1;
  for (gsize out = 0; out < size; out++) {
    fail_with = ENOSPC;
    fail_after = out == 0 ? 0 : 1;
    ck_assert (!write_all (records, count));
    ck_assert_uint_eq (writer.progress, out);
  }
  ck_assert (write_all (records, count));
  ck_assert_str_eq (written->str, at->wanted);

  g_string_truncate (written, 0);
  weir_writer_restart (&writer);
  char some[3];
  for (gsize got; (got = weir_writer_copy (&writer, records, count, some, sizeof (some))) > 0;) {
    g_string_append_len (written, some, (gssize) got);
    writer.progress += got;
  }
  ck_assert_str_eq (written->str, at->wanted);
  weir_writer_restart (&writer);
  guint64 bytes;
  ck_assert_uint_eq (weir_writer_fit (&writer, records, count, G_MAXUINT64, &bytes), count);
  ck_assert_uint_eq (bytes, size);
}
END_TEST

START_TEST (done_knows_what_a_run_ended_with)
{
  const WeirRecord first[] = { piece ("+one|"), piece ("Atwo") }, other = piece ("Bthree"), same = piece ("Athree");
  guint64 bytes;
  weir_writer_done (&writer, first, 2);
  ck_assert_uint_eq (weir_writer_fit (&writer, &same, 1, 5, &bytes), 1);
  ck_assert_uint_eq (bytes, 5);
  ck_assert_uint_eq (weir_writer_fit (&writer, &other, 1, 5, &bytes), 0);
  ck_assert_uint_eq (weir_writer_fit (&writer, &other, 1, 6, &bytes), 1);
  ck_assert_uint_eq (bytes, 6);
}
END_TEST

START_TEST (nothing_is_before_what_goes_elsewhere)
{
  const WeirRecord first = piece ("Aone"), other = piece ("Btwo");
  ck_assert (write_all (&first, 1));
  weir_writer_restart (&writer);
  ck_assert (write_all (&other, 1));
  ck_assert_str_eq (written->str, "onetwo");
}
END_TEST

START_TEST (a_zero_byte_is_called_nul)
{
  const WeirRecord record = piece ("-one");
  weir_writer_init (&writer, "nul");
  ck_assert (write_all (&record, 1));
  ck_assert_uint_eq (written->len, 4);
  ck_assert_int_eq (written->str[3], '\0');
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("writer");
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
  tcase_add_loop_test (cases, streams_are_parted, 0, G_N_ELEMENTS (cases_between));
  tcase_add_test (cases, done_knows_what_a_run_ended_with);
  tcase_add_test (cases, nothing_is_before_what_goes_elsewhere);
  tcase_add_test (cases, a_zero_byte_is_called_nul);
  Suite *suite = suite_create ("writer");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
