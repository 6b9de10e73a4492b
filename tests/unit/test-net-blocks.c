/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/net/blocks.c: what one peer gets of blocks that others get too, where some are dropped, with a delimiter between what does
 * not belong together. The peer is the other end of a pair of sockets; everything runs on the test's thread. */
#include "plugins/net/blocks.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int ends[2];
static NetConnection *connection;
static NetBlocks blocks;
static guint64 number;

static void
set_up (void)
{
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  connection = net_connection_new (ends[0], "peer");
  blocks = (NetBlocks){ .bytes = 0 };
  net_blocks_init (&blocks, "|");
  number = 0;
}

static void
tear_down (void)
{
  net_blocks_clear (&blocks);
  net_connection_free (connection);
  close (ends[1]);
}

/* A block of one chunk; with `lost` the peer does not get it. */
static void
pass (guint stream, const char *text, gboolean lost)
{
  gsize next = 0;
  WeirRecord record = {
    .data = (const guint8 *) text, .size = strlen (text), .stream = stream, .flags = WEIR_RECORD_CHUNK
  };
  NetBlock *block = net_block_new (&record, 1, &next, "|", 65536, ++number);
  ck_assert_uint_eq (next, 1);
  if (!lost) {
    net_blocks_push (&blocks, block);
  }
  net_block_unref (block);
}

static void
write_all (void)
{
  GIOCondition wait;
  g_autoptr (GError) error = NULL;
  ck_assert_int_eq (net_blocks_write (&blocks, connection, &wait, &error), NET_OK);
  ck_assert_uint_eq (blocks.bytes, 0);
  ck_assert_uint_eq (blocks.progress, 0);
}

static void
expect (const char *wanted)
{
  char found[256];
  ssize_t got = recv (ends[1], found, sizeof (found) - 1, 0);
  ck_assert_int_ge (got, 0);
  found[got] = '\0';
  ck_assert_str_eq (found, wanted);
}

START_TEST (streams_are_parted_between_blocks)
{
  pass (1, "one", FALSE);
  pass (1, " more", FALSE);
  pass (2, "two|", FALSE);
  pass (1, "three", FALSE);
  write_all ();
  pass (1, " four", FALSE);
  pass (2, "five", FALSE);
  write_all ();
  expect ("one more|two|three four|five");
}
END_TEST

START_TEST (what_a_dropped_block_parts_is_parted)
{
  pass (1, "one", FALSE);
  pass (1, " is lost|", TRUE);
  pass (1, "two", FALSE);
  write_all ();
  pass (1, "|lost|", TRUE);
  pass (2, "three|", FALSE);
  pass (2, "lost", TRUE);
  pass (2, "four", FALSE);
  write_all ();
  expect ("one|two|three|four");
}
END_TEST

START_TEST (oldest_that_is_dropped_parts_too)
{
  pass (1, "one", FALSE);
  write_all ();
  pass (1, " is lost|", FALSE);
  pass (1, "two", FALSE);
  ck_assert_uint_eq (net_blocks_drop_oldest (&blocks), 1);
  write_all ();
  expect ("one|two");
}
END_TEST

START_TEST (nothing_is_before_what_a_peer_hears_first)
{
  pass (1, "lost", TRUE);
  pass (2, "one", FALSE);
  write_all ();
  expect ("one");
}
END_TEST

START_TEST (records_of_a_run_are_cut_into_blocks)
{
  WeirRecord records[4] = { { .data = (const guint8 *) "on", .size = 2, .stream = 1, .flags = WEIR_RECORD_CHUNK },
                            { .data = (const guint8 *) "two|", .size = 3, .stream = 2, .trail = 1 },
                            { .data = (const guint8 *) "three", .size = 5 },
                            { .data = (const guint8 *) "e", .size = 1, .stream = 1, .flags = WEIR_RECORD_CHUNK } };
  static const guint sizes[] = { 7, 6, 1 };
  gsize next = 0;
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    NetBlock *block = net_block_new (records, G_N_ELEMENTS (records), &next, "|", i == 1 ? 1 : 7, ++number);
    ck_assert_uint_eq (block->view.size, sizes[i]);
    net_blocks_push (&blocks, block);
    net_block_unref (block);
  }
  ck_assert_uint_eq (next, 4);
  write_all ();
  expect ("on|two|three|e");
}
END_TEST

/* A peer that takes a byte here and there: the delimiter is part of what has to get out. */
START_TEST (slow_peer_gets_each_byte_once)
{
  enum { MANY = 2000 };
  GString *wanted = g_string_new (NULL), *found = g_string_new (NULL);
  int small = 4096;
  setsockopt (ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof (small));
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *text = g_strnfill (i % 100 + 1, (char) ('a' + i % 26));
    pass (1 + i % 2, text, FALSE);
    g_string_append_printf (wanted, "%s%s", i > 0 ? "|" : "", text);
  }
  GIOCondition wait;
  NetResult result;
  do {
    char some[97];
    result = net_blocks_write (&blocks, connection, &wait, NULL);
    ck_assert (result == NET_OK || result == NET_AGAIN);
    for (ssize_t got; (got = recv (ends[1], some, sizeof (some), 0)) > 0;) {
      g_string_append_len (found, some, got);
    }
  } while (result != NET_OK);
  ck_assert_str_eq (found->str, wanted->str);
  g_string_free (found, TRUE);
  g_string_free (wanted, TRUE);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("net-blocks");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, streams_are_parted_between_blocks);
  tcase_add_test (cases, what_a_dropped_block_parts_is_parted);
  tcase_add_test (cases, oldest_that_is_dropped_parts_too);
  tcase_add_test (cases, nothing_is_before_what_a_peer_hears_first);
  tcase_add_test (cases, records_of_a_run_are_cut_into_blocks);
  tcase_add_test (cases, slow_peer_gets_each_byte_once);
  Suite *suite = suite_create ("net-blocks");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
