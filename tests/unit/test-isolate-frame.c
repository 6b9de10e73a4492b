/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what crosses between an isolated stage and its child process: records, contexts and control entries as frames over a real
 * socket pair, in any portions, and each way in which what comes may be no frame. */
#include "context.h"
#include "isolate/receiver.h"
#include "isolate/sender.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD_MAX 200000

static int pair[2];
static WeirPool *pool;
static WeirSender sender;
static WeirReceiver receiver;
static WeirBuffer *bytes;

static void
set_up (void)
{
  static guint8 data[300000];
  for (gsize i = 0; i < sizeof data; i++) {
    data[i] = (guint8) ('a' + i % 26);
  }
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), 0);
  pool = weir_pool_new ();
  weir_pool_adopt (pool);
  bytes = weir_buffer_wrap (data, sizeof data, NULL, NULL);
  weir_sender_init (&sender);
  weir_receiver_init (&receiver, pool, 2, TRUE, RECORD_MAX);
}

static void
tear_down (void)
{
  weir_sender_clear (&sender);
  weir_receiver_clear (&receiver);
  weir_buffer_unref (bytes);
  weir_pool_disown (pool);
  weir_pool_unref (pool);
  close (pair[0]);
  close (pair[1]);
}

static WeirRecord
record_at (gsize offset, gsize size, guint16 trail)
{
  return (WeirRecord){ .data = bytes->data + offset, .size = size, .trail = trail, .buffer = bytes };
}

/* The next thing that comes, filling as often as that takes. */
static WeirReceived
next (guint16 *port, WeirRecord *record, guint32 *stream)
{
  for (;;) {
    WeirReceived what = weir_receiver_next (&receiver, port, record, stream);
    if (what != WEIR_RECEIVED_NOTHING || weir_receiver_fill (&receiver, pair[1]) <= 0) {
      return what;
    }
  }
}

static void
expect_record (guint16 port, const WeirRecord *sent)
{
  guint16 came_by;
  guint32 stream;
  WeirRecord record;
  ck_assert_int_eq (next (&came_by, &record, &stream), WEIR_RECEIVED_RECORD);
  ck_assert_uint_eq (came_by, port);
  ck_assert_uint_eq (record.size, sent->size);
  ck_assert_uint_eq (record.trail, sent->trail);
  ck_assert_mem_eq (record.data, sent->data, sent->size + sent->trail);
  ck_assert_int_eq (record.time, sent->time);
  ck_assert_uint_eq (record.stream, sent->stream);
  ck_assert_uint_eq (record.flags, sent->flags);
}

static void
expect_nothing (void)
{
  guint16 port;
  guint32 stream;
  WeirRecord record;
  ck_assert_int_eq (next (&port, &record, &stream), WEIR_RECEIVED_NOTHING);
}

START_TEST (a_record_comes_as_it_was)
{
  WeirRecord sent = record_at (3, 10, 2);
  sent.time = -5;
  sent.stream = 4000000000u;
  sent.flags = WEIR_RECORD_GAP | WEIR_RECORD_CHUNK;
  weir_sender_records (&sender, 1, &sent, 1, 0);
  ck_assert (weir_sender_push (&sender, pair[0]));
  expect_record (1, &sent);
  expect_nothing ();
}
END_TEST

START_TEST (many_come_in_order_by_their_ports)
{
  WeirRecord sent[3000];
  for (guint i = 0; i < G_N_ELEMENTS (sent); i++) {
    sent[i] = record_at (i, i % 50, i % 3);
    sent[i].stream = i;
  }
  weir_sender_records (&sender, 0, sent, 2000, 0);
  weir_sender_records (&sender, WEIR_FRAME_REJECTED, sent + 2000, 1000, 0);
  ck_assert (weir_sender_push (&sender, pair[0]));
  for (guint i = 0; i < G_N_ELEMENTS (sent); i++) {
    expect_record (i < 2000 ? 0 : WEIR_FRAME_REJECTED, &sent[i]);
  }
  expect_nothing ();
}
END_TEST

START_TEST (a_record_of_the_largest_size_and_one_of_none)
{
  WeirRecord sent[] = { record_at (0, RECORD_MAX, G_MAXUINT16), record_at (0, 0, 0), record_at (9, 1, 0) };
  weir_sender_records (&sender, 0, sent, 3, 0);
  /* The socket does not hold it: some of it at a time. */
  guint16 port;
  guint32 stream;
  WeirRecord record;
  while (!weir_sender_push (&sender, pair[0])) {
    ck_assert_int_eq (errno, EAGAIN);
    ck_assert_int_eq (weir_receiver_next (&receiver, &port, &record, &stream), WEIR_RECEIVED_NOTHING);
    ck_assert_int_gt (weir_receiver_fill (&receiver, pair[1]), 0);
  }
  for (guint i = 0; i < 3; i++) {
    expect_record (0, &sent[i]);
  }
}
END_TEST

START_TEST (a_full_socket_is_gone_on_with)
{
  static WeirRecord sent[4096];
  guint taken = 0;
  for (guint i = 0; i < G_N_ELEMENTS (sent); i++) {
    sent[i] = record_at (i, 1000, 1);
  }
  weir_sender_records (&sender, 0, sent, G_N_ELEMENTS (sent), 0);
  while (!weir_sender_push (&sender, pair[0])) {
    ck_assert_int_eq (errno, EAGAIN);
    ck_assert (!weir_sender_is_idle (&sender));
    expect_record (0, &sent[taken++]);
  }
  ck_assert_uint_gt (taken, 0);
  ck_assert (weir_sender_is_idle (&sender));
  while (taken < G_N_ELEMENTS (sent)) {
    expect_record (0, &sent[taken++]);
  }
}
END_TEST

/* The frames of a record with a context and of an end, a byte at a time. */
START_TEST (bytes_may_come_one_by_one)
{
  int ends[2];
  guint8 all[512];
  WeirRecord sent = record_at (0, 30, 1);
  sent.context = weir_context_with (NULL, "key", "value");
  weir_sender_records (&sender, 0, &sent, 1, 0);
  weir_sender_control (&sender, WEIR_FRAME_IS_END_STREAM, 1, 77);
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM, 0, ends), 0);
  ck_assert (weir_sender_push (&sender, ends[0]));
  ssize_t size = read (ends[1], all, sizeof all);
  guint16 port;
  guint32 stream;
  WeirRecord record;
  guint records = 0, stream_ends = 0;
  for (ssize_t i = 0; i < size; i++) {
    ck_assert_int_eq (write (pair[0], &all[i], 1), 1);
    ck_assert_int_eq (weir_receiver_fill (&receiver, pair[1]), 1);
    for (WeirReceived what;
         (what = weir_receiver_next (&receiver, &port, &record, &stream)) != WEIR_RECEIVED_NOTHING;) {
      ck_assert_int_ne (what, WEIR_RECEIVED_BAD);
      records += what == WEIR_RECEIVED_RECORD ? 1 : 0;
      stream_ends += what == WEIR_RECEIVED_END_STREAM && stream == 77 && port == 1 ? 1 : 0;
    }
  }
  ck_assert_uint_eq (records, 1);
  ck_assert_uint_eq (stream_ends, 1);
  ck_assert (!weir_receiver_is_torn (&receiver));
  weir_context_unref (sent.context);
  close (ends[0]);
  close (ends[1]);
}
END_TEST

START_TEST (tags_come_and_are_sent_once)
{
  WeirRecord sent[] = { record_at (0, 5, 0), record_at (5, 5, 0), record_at (10, 5, 0) };
  WeirContext *one = weir_context_new (weir_tags_with (NULL, "a", "1")), *both = weir_context_with (one, "b", "");
  sent[0].context = sent[2].context = one;
  sent[1].context = both;
  weir_sender_records (&sender, 0, sent, 3, 0);
  gsize first = sender.head->len;
  ck_assert (weir_sender_push (&sender, pair[0]));
  weir_sender_records (&sender, 0, sent, 3, 0);
  ck_assert_uint_lt (sender.head->len, first);
  ck_assert (weir_sender_push (&sender, pair[0]));
  for (guint i = 0; i < 6; i++) {
    guint16 port;
    guint32 stream;
    WeirRecord record;
    ck_assert_int_eq (next (&port, &record, &stream), WEIR_RECEIVED_RECORD);
    ck_assert_str_eq (weir_record_tag (&record, "a"), "1");
    if (i % 3 == 1) {
      ck_assert_str_eq (weir_record_tag (&record, "b"), "");
    } else {
      ck_assert_ptr_null (weir_record_tag (&record, "b"));
    }
  }
  weir_context_unref (one);
  weir_context_unref (both);
}
END_TEST

START_TEST (more_contexts_than_the_table_holds)
{
  enum { MANY = 2000 };
  WeirRecord sent[MANY];
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *value = g_strdup_printf ("%u", i);
    sent[i] = record_at (0, 1, 0);
    sent[i].context = weir_context_new (weir_tags_with (NULL, "number", value));
  }
  weir_sender_records (&sender, 0, sent, MANY, 0);
  ck_assert (weir_sender_push (&sender, pair[0]));
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *value = g_strdup_printf ("%u", i);
    guint16 port;
    guint32 stream;
    WeirRecord record;
    ck_assert_int_eq (next (&port, &record, &stream), WEIR_RECEIVED_RECORD);
    ck_assert_str_eq (weir_record_tag (&record, "number"), value);
    weir_context_unref (sent[i].context);
  }
}
END_TEST

START_TEST (control_entries_keep_their_place)
{
  WeirRecord sent = record_at (0, 1, 0), record;
  guint16 port;
  guint32 stream;
  weir_sender_records (&sender, 0, &sent, 1, 0);
  weir_sender_control (&sender, WEIR_FRAME_IS_END_STREAM, 0, 5);
  weir_sender_records (&sender, 0, &sent, 1, 0);
  weir_sender_control (&sender, WEIR_FRAME_IS_END, 1, 0);
  ck_assert (weir_sender_push (&sender, pair[0]));
  expect_record (0, &sent);
  ck_assert_int_eq (next (&port, &record, &stream), WEIR_RECEIVED_END_STREAM);
  ck_assert_uint_eq (stream, 5);
  expect_record (0, &sent);
  ck_assert_int_eq (next (&port, &record, &stream), WEIR_RECEIVED_END);
  ck_assert_uint_eq (port, 1);
}
END_TEST

START_TEST (nobody_at_the_other_end)
{
  WeirRecord sent = record_at (0, 1, 0);
  close (pair[1]);
  pair[1] = -1;
  weir_sender_records (&sender, 0, &sent, 1, 0);
  ck_assert (!weir_sender_push (&sender, pair[0]));
  ck_assert_int_eq (errno, EPIPE);
}
END_TEST

/* ---- what is no frame ---- */

static void
expect_refused (const char *fault)
{
  guint16 port;
  guint32 stream;
  WeirRecord record;
  ck_assert_int_eq (next (&port, &record, &stream), WEIR_RECEIVED_BAD);
  ck_assert_str_eq (weir_receiver_fault (&receiver), fault);
  ck_assert_int_eq (next (&port, &record, &stream), WEIR_RECEIVED_BAD); /* for good */
}

static void
send_raw (gconstpointer data, gsize size)
{
  ck_assert_int_eq (write (pair[0], data, size), (ssize_t) size);
}

static void
refuse_frame (WeirFrame frame, const char *fault)
{
  send_raw (&frame, sizeof frame);
  expect_refused (fault);
}

START_TEST (a_frame_of_another_version)
{
  refuse_frame ((WeirFrame){ 2, WEIR_FRAME_IS_RECORDS, 0, 1, 24 }, "a frame of version 2, expected 1");
}
END_TEST

START_TEST (a_frame_of_an_unknown_type)
{
  refuse_frame ((WeirFrame){ WEIR_FRAME_VERSION, 9, 0, 0, 0 }, "a frame of the unknown type 9");
}
END_TEST

START_TEST (a_frame_of_no_type)
{
  refuse_frame ((WeirFrame){ WEIR_FRAME_VERSION, 0, 0, 0, 0 }, "a frame of the unknown type 0");
}
END_TEST

START_TEST (a_port_that_is_not_there)
{
  refuse_frame ((WeirFrame){ WEIR_FRAME_VERSION, WEIR_FRAME_IS_END, 2, 0, 0 }, "a frame of port 2, and there are 2");
}
END_TEST

START_TEST (a_frame_that_is_too_long)
{
  refuse_frame ((WeirFrame){ WEIR_FRAME_VERSION, WEIR_FRAME_IS_RECORDS, 0, 1, G_MAXUINT64 },
                "a frame of 18446744073709551615 bytes, more than 310591");
}
END_TEST

START_TEST (a_control_entry_with_bytes)
{
  refuse_frame ((WeirFrame){ WEIR_FRAME_VERSION, WEIR_FRAME_IS_END, 0, 0, 1 }, "a frame of 1 bytes, more than 0");
}
END_TEST

START_TEST (a_slot_of_contexts_that_is_not_there)
{
  refuse_frame ((WeirFrame){ WEIR_FRAME_VERSION, WEIR_FRAME_IS_CONTEXT, 0, 256, 0 },
                "context number 256, which is not from 1 to 255");
}
END_TEST

START_TEST (a_frame_of_no_records)
{
  refuse_frame ((WeirFrame){ WEIR_FRAME_VERSION, WEIR_FRAME_IS_RECORDS, 0, 0, 0 }, "a frame of 0 records in 0 bytes");
}
END_TEST

START_TEST (more_records_than_it_has_room_for)
{
  WeirFrameRecord heads[2] = { { .size = 0 } };
  WeirFrame frame = { WEIR_FRAME_VERSION, WEIR_FRAME_IS_RECORDS, 0, 3, sizeof heads };
  send_raw (&frame, sizeof frame);
  send_raw (heads, sizeof heads);
  expect_refused ("a frame of 3 records in 48 bytes");
}
END_TEST

static void
refuse_record (WeirFrameRecord head, gsize behind, const char *fault)
{
  WeirFrame frame = { WEIR_FRAME_VERSION, WEIR_FRAME_IS_RECORDS, 0, 1, sizeof head + behind };
  send_raw (&frame, sizeof frame);
  send_raw (&head, sizeof head);
  send_raw (bytes->data, behind);
  expect_refused (fault);
}

START_TEST (a_record_longer_than_its_frame)
{
  refuse_record ((WeirFrameRecord){ .size = 6 }, 5, "a record of 6 bytes where 5 are left");
}
END_TEST

START_TEST (a_record_so_long_that_sums_wrap)
{
  refuse_record ((WeirFrameRecord){ .size = G_MAXUINT64, .trail = 6 }, 5,
                 "a record of 18446744073709551615 bytes where 5 are left");
}
END_TEST

START_TEST (a_trail_longer_than_its_frame)
{
  refuse_record ((WeirFrameRecord){ .size = 5, .trail = 1 }, 5, "a record of 5 bytes where 5 are left");
}
END_TEST

START_TEST (bytes_behind_the_last_record)
{
  refuse_record ((WeirFrameRecord){ .size = 3 }, 5, "a frame with 2 bytes behind its records");
}
END_TEST

START_TEST (flags_that_are_unknown)
{
  refuse_record ((WeirFrameRecord){ .size = 5, .flags = 4 }, 5, "a record with the unknown flags 4");
}
END_TEST

START_TEST (a_context_that_was_not_sent)
{
  refuse_record ((WeirFrameRecord){ .size = 5, .context = 7 }, 5, "a record of context 7, which was not sent");
}
END_TEST

START_TEST (tags_without_an_end)
{
  static const char *const wrong[] = { "key", "key\0value", "a\0b\0c" };
  static const gsize sizes[] = { 3, 9, 5 };
  WeirFrame frame = { WEIR_FRAME_VERSION, WEIR_FRAME_IS_CONTEXT, 0, 1, sizes[_i] };
  send_raw (&frame, sizeof frame);
  send_raw (wrong[_i], sizes[_i]);
  expect_refused ("tags that are cut off");
}
END_TEST

START_TEST (an_end_in_the_middle_of_a_frame)
{
  WeirFrame frame = { WEIR_FRAME_VERSION, WEIR_FRAME_IS_RECORDS, 0, 1, 100 };
  send_raw (&frame, sizeof frame);
  shutdown (pair[0], SHUT_WR);
  expect_nothing ();
  ck_assert_int_eq (weir_receiver_fill (&receiver, pair[1]), 0);
  ck_assert (weir_receiver_is_torn (&receiver));
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("isolate-frame");
  TCase *cases = tcase_create ("frames");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, a_record_comes_as_it_was);
  tcase_add_test (cases, many_come_in_order_by_their_ports);
  tcase_add_test (cases, a_record_of_the_largest_size_and_one_of_none);
  tcase_add_test (cases, a_full_socket_is_gone_on_with);
  tcase_add_test (cases, bytes_may_come_one_by_one);
  tcase_add_test (cases, tags_come_and_are_sent_once);
  tcase_add_test (cases, more_contexts_than_the_table_holds);
  tcase_add_test (cases, control_entries_keep_their_place);
  tcase_add_test (cases, nobody_at_the_other_end);
  tcase_add_test (cases, a_frame_of_another_version);
  tcase_add_test (cases, a_frame_of_an_unknown_type);
  tcase_add_test (cases, a_frame_of_no_type);
  tcase_add_test (cases, a_port_that_is_not_there);
  tcase_add_test (cases, a_frame_that_is_too_long);
  tcase_add_test (cases, a_control_entry_with_bytes);
  tcase_add_test (cases, a_slot_of_contexts_that_is_not_there);
  tcase_add_test (cases, a_frame_of_no_records);
  tcase_add_test (cases, more_records_than_it_has_room_for);
  tcase_add_test (cases, a_record_longer_than_its_frame);
  tcase_add_test (cases, a_record_so_long_that_sums_wrap);
  tcase_add_test (cases, a_trail_longer_than_its_frame);
  tcase_add_test (cases, bytes_behind_the_last_record);
  tcase_add_test (cases, flags_that_are_unknown);
  tcase_add_test (cases, a_context_that_was_not_sent);
  tcase_add_loop_test (cases, tags_without_an_end, 0, 3);
  tcase_add_test (cases, an_end_in_the_middle_of_a_frame);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
