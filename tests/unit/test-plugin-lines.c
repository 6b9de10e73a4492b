/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/lines.c in a harness: what is cut where, as a message with its delimiter as trail or as a chunk of its stream; and that
 * no way of cutting the input into chunks, and no full link, changes a byte of it. */
#include "plugin-run.h"

#define CUT(json, pieces) RUN_ON_CHUNKS ("lines", json, pieces)

/* ---- lines ---- */

START_TEST (lines_in_one_chunk)
{
  static const Piece pieces[] = { CHUNK (1, "one\ntwo\n\nfour\n") };
  CUT ("{}", pieces);
  expect ("one<\\n>|two<\\n>|<\\n>|four<\\n>|");
}
END_TEST

START_TEST (line_across_chunks_is_joined)
{
  static const Piece pieces[] = { CHUNK (1, "on"), CHUNK (1, "e"), CHUNK (1, "\ntw"), CHUNK (1, "o"), CHUNK (1, "\n") };
  CUT ("{}", pieces);
  expect ("one<\\n>|two<\\n>|");
}
END_TEST

START_TEST (last_line_without_delimiter_stays_a_chunk)
{
  static const Piece pieces[] = { CHUNK (1, "one\nla"), CHUNK (1, "st"), CLOSE (1) };
  CUT ("{}", pieces);
  expect ("one<\\n>|last~|");
  expect_tags (NULL, "path", "stream 1|stream 1|");
}
END_TEST

START_TEST (last_line_comes_at_the_end_of_the_link_too)
{
  static const Piece pieces[] = { CHUNK (1, "one\nlast") };
  CUT ("{}", pieces);
  expect ("one<\\n>|last~|");
  expect_tags (NULL, "path", "stream 1|stream 1|");
}
END_TEST

START_TEST (streams_do_not_mix)
{
  static const Piece pieces[] = { CHUNK (1, "a1"),     CHUNK (2, "b1"), CHUNK (1, "a2\na3"),
                                  CHUNK (2, "b2\nb3"), CLOSE (1),       CLOSE (2) };
  CUT ("{}", pieces);
  expect ("a1a2<\\n>|b1b2<\\n>|a3~|b3~|");
  expect_tags (NULL, "path", "stream 1|stream 2|stream 1|stream 2|");
}
END_TEST

START_TEST (a_stream_begins_anew_after_its_end)
{
  static const Piece pieces[] = { CHUNK (1, "half"), CLOSE (1), CHUNK (1, "other\n"), CLOSE (1) };
  CUT ("{}", pieces);
  expect ("half~|other<\\n>|");
}
END_TEST

START_TEST (nothing_in_nothing_out)
{
  static const Piece pieces[] = { CLOSE (1) };
  CUT ("{}", pieces);
  expect ("");
}
END_TEST

START_TEST (carriage_return_is_kept)
{
  static const Piece pieces[] = { CHUNK (1, "one\r\ntwo\r\n") };
  CUT ("{}", pieces);
  expect ("one\\x0d<\\n>|two\\x0d<\\n>|");
}
END_TEST

/* ---- delimiters ---- */

START_TEST (nul_is_a_zero_byte)
{
  static const Piece pieces[] = { CHUNK (1, "one\0t\nwo\0") };
  CUT ("{\"delimiter\": \"nul\"}", pieces);
  expect ("one<\\x00>|t\\nwo<\\x00>|");
}
END_TEST

START_TEST (delimiter_of_many_bytes)
{
  static const Piece pieces[] = { CHUNK (1, "one\r\nt\nw\ro\r\n\r\n") };
  CUT ("{\"delimiter\": \"\\r\\n\"}", pieces);
  expect ("one<\\x0d\\n>|t\\nw\\x0do<\\x0d\\n>|<\\x0d\\n>|");
}
END_TEST

START_TEST (delimiter_across_chunks)
{
  static const Piece pieces[] = { CHUNK (1, "one0123456789ab"), CHUNK (1, "cdef"), CHUNK (1, "0"),
                                  CHUNK (1, "123456789abcde"),  CHUNK (1, "f"),    CHUNK (1, "0123456789abcde") };
  CUT ("{\"delimiter\": \"0123456789abcdef\"}", pieces);
  expect ("one<0123456789abcdef>|<0123456789abcdef>|0123456789abcde~|");
}
END_TEST

START_TEST (delimiter_that_overlaps_itself)
{
  static const Piece pieces[] = { CHUNK (1, "a"), CHUNK (1, "a"), CHUNK (1, "a"), CHUNK (1, "b"), CHUNK (1, "aaaab") };
  CUT ("{\"delimiter\": \"aab\"}", pieces);
  expect ("a<aab>|aa<aab>|");
}
END_TEST

START_TEST (empty_delimiter_is_refused)
{
  expect_refused ("lines", WEIR_HARNESS_TRANSFORM, "{\"delimiter\": \"\"}",
                  "delimiter: found 0 bytes, expected 1 to 16, or \"nul\"");
}
END_TEST

START_TEST (too_long_delimiter_is_refused)
{
  expect_refused ("lines", WEIR_HARNESS_TRANSFORM, "{\"delimiter\": \"0123456789abcdefg\"}",
                  "delimiter: found 17 bytes, expected 1 to 16, or \"nul\"");
  expect_refused ("lines", WEIR_HARNESS_TRANSFORM, "{\"delimiter\": \"0123456789abcdef\"}", "");
}
END_TEST

/* ---- lines that are too long ---- */

START_TEST (split_gives_pieces)
{
  static const Piece pieces[] = { CHUNK (1, "12345\n123456\n1234567890\n12345678901\n") };
  CUT ("{\"max\": 5}", pieces);
  expect ("12345<\\n>|12345~|6<\\n>|12345~|67890<\\n>|12345~|67890~|1<\\n>|");
}
END_TEST

START_TEST (split_across_chunks)
{
  static const Piece pieces[] = { CHUNK (1, "123"), CHUNK (1, "4567890"), CHUNK (1, "1"),
                                  CHUNK (1, "\n"),  CHUNK (1, "12345"),   CLOSE (1) };
  CUT ("{\"max\": 5}", pieces);
  expect ("12345~|67890~|1<\\n>|12345~|");
}
END_TEST

START_TEST (split_with_half_a_delimiter)
{
  static const Piece pieces[] = { CHUNK (1, "12345<"), CHUNK (1, "="), CHUNK (1, "x<=>"), CHUNK (1, "12345<="),
                                  CLOSE (1) };
  CUT ("{\"max\": 5, \"delimiter\": \"<=>\"}", pieces);
  expect ("12345~|<=x<<=>>|12345~|<=~|");
}
END_TEST

START_TEST (truncate_drops_the_rest)
{
  static const Piece pieces[] = { CHUNK (1, "12345\n123456\n1234567890"), CHUNK (1, "123\nok\n12345678"), CLOSE (1),
                                  CHUNK (1, "fine\n") };
  CUT ("{\"max\": 5, \"too_long\": \"truncate\"}", pieces);
  expect ("12345<\\n>|12345<\\n>|12345<\\n>|ok<\\n>|12345<\\n>|fine<\\n>|");
}
END_TEST

START_TEST (truncate_finds_a_delimiter_across_chunks)
{
  static const Piece pieces[] = { CHUNK (1, "12345678<"), CHUNK (1, "="),        CHUNK (1, ">"),
                                  CHUNK (1, "ok<=>"),     CHUNK (1, "123456<="), CLOSE (1) };
  CUT ("{\"max\": 5, \"too_long\": \"truncate\", \"delimiter\": \"<=>\"}", pieces);
  expect ("12345<<=>>|ok<<=>>|12345<<=>>|");
}
END_TEST

START_TEST (reject_sends_the_whole_line_and_nothing_else)
{
  static const Piece pieces[] = { CHUNK (1, "ok\n1234567"), CHUNK (1, "8901\nfine\n123456"), CLOSE (1) };
  run_transform ("lines", "{\"max\": 5, \"too_long\": \"reject\"}", AS_CHUNKS, pieces, G_N_ELEMENTS (pieces), 4096,
                 TRUE);
  expect ("ok<\\n>|fine<\\n>|");
  ck_assert_str_eq (weir_harness_text (harness, "rejected"), "12345~|67890~|1<\\n>|12345~|6~|");
  expect_bytes ("rejected", "12345678901\n123456");
  const char *reason = "a line is longer than 5 bytes|";
  g_autofree char *reasons = g_strconcat (reason, reason, reason, reason, reason, NULL);
  expect_tags ("rejected", "reason", reasons);
  expect_tags ("rejected", "path", "stream 1|stream 1|stream 1|stream 1|stream 1|");
}
END_TEST

START_TEST (reject_fails_the_stage_where_nobody_takes_it)
{
  static const Piece pieces[] = { CHUNK (1, "ok\n123456\nfine\n") };
  CUT ("{\"max\": 5, \"too_long\": \"reject\"}", pieces);
  expect_failure ("rejected a record, and nobody takes lines.rejected: a line is longer than 5 bytes");
}
END_TEST

/* ---- messages ---- */

START_TEST (messages_are_cut_each_by_itself)
{
  static const Piece pieces[] = {
    { "one\ntwo", 7, 0, 0, FALSE }, { "three", 5, 0, 0, FALSE }, { "", 0, 0, 0, FALSE }, { "four\n", 5, 0, 0, FALSE }
  };
  run_transform ("lines", "{}", AS_MESSAGES, pieces, G_N_ELEMENTS (pieces), 4096, FALSE);
  expect ("one<\\n>|two<\\n>|three<\\n>|<\\n>|four<\\n>|");
}
END_TEST

START_TEST (a_message_keeps_its_trail)
{
  static const Piece pieces[] = { { "one\ntwo\r\n", 7, 2, 0, FALSE },
                                  { "\n", 0, 1, 0, FALSE },
                                  { "a\n;", 2, 1, 0, FALSE } };
  run_transform ("lines", "{}", AS_MESSAGES, pieces, G_N_ELEMENTS (pieces), 4096, FALSE);
  expect ("one<\\n>|two<\\x0d\\n>|<\\n>|a<\\n>|<;>|");
}
END_TEST

START_TEST (a_message_ends_the_half_line_of_its_stream)
{
  static const Piece pieces[] = { CHUNK (1, "ha"), { "lf\n", 2, 1, 1, FALSE }, CHUNK (1, "next\n") };
  CUT ("{}", pieces);
  expect ("half<\\n>|next<\\n>|");
}
END_TEST

START_TEST (a_message_that_is_too_long)
{
  static const Piece pieces[] = { { "123456<=", 8, 0, 0, FALSE }, { "12345", 5, 0, 0, FALSE } };
  run_transform ("lines", "{\"max\": 5, \"delimiter\": \"<=>\"}", AS_MESSAGES, pieces, G_N_ELEMENTS (pieces), 1, FALSE);
  expect ("12345~|6<=<<=>>|12345<<=>>|");
}
END_TEST

/* ---- backpressure and every border ---- */

START_TEST (a_flood_through_a_link_of_one)
{
  static char flood[10000];
  memset (flood, '\n', sizeof (flood));
  Piece pieces[] = { { flood, sizeof (flood), 0, 1, FALSE }, CHUNK (1, "last\n") };
  run_transform ("lines", "{}", AS_CHUNKS, pieces, G_N_ELEMENTS (pieces), 1, FALSE);
  expect_done ();
  ck_assert_uint_eq (count_out (), 10001);
  gsize size;
  weir_harness_bytes (harness, NULL, &size);
  ck_assert_uint_eq (size, 10000 + 5);
}
END_TEST

/* Every way of cutting a text in three, one after another through one pipeline: each gives the same lines and its bytes again. _i
 * says with which options. */
START_TEST (every_border_gives_the_same)
{
  static const char text[] = "a<=>bcdefghij<=<=>\n<=>klmnopqrstuvwxyz<=>1<=";
  static const char *const options[] = { "{\"delimiter\": \"<=>\"}", "{\"delimiter\": \"<=>\", \"max\": 4}",
                                         "{\"max\": 3}", "{\"delimiter\": \"<=>\", \"max\": 1}" };
  const gsize size = sizeof (text) - 1;
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  gsize ways = 0;
  for (gsize first = 0; first <= size; first++) {
    for (gsize second = first; second <= size; second++) {
      Piece four[] = { { text, first, 0, 1, FALSE },
                       { text + first, second - first, 0, 1, FALSE },
                       { text + second, size - second, 0, 1, FALSE },
                       CLOSE (1) };
      g_array_append_vals (pieces, four, 4);
      ways++;
    }
  }
  run_transform ("lines", options[_i], AS_CHUNKS, (const Piece *) pieces->data, pieces->len, 2, FALSE);
  expect_done ();
  gsize written;
  const char *bytes = weir_harness_bytes (harness, NULL, &written), *found = weir_harness_text (harness, NULL);
  ck_assert_uint_eq (written, ways * size);
  gsize one = strlen (found) / ways;
  for (gsize i = 0; i < ways; i++) {
    ck_assert_mem_eq (bytes + i * size, text, size);
    ck_assert_mem_eq (found + i * one, found, one);
  }
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("lines");
  tcase_add_test (cases, lines_in_one_chunk);
  tcase_add_test (cases, line_across_chunks_is_joined);
  tcase_add_test (cases, last_line_without_delimiter_stays_a_chunk);
  tcase_add_test (cases, last_line_comes_at_the_end_of_the_link_too);
  tcase_add_test (cases, streams_do_not_mix);
  tcase_add_test (cases, a_stream_begins_anew_after_its_end);
  tcase_add_test (cases, nothing_in_nothing_out);
  tcase_add_test (cases, carriage_return_is_kept);
  tcase_add_test (cases, nul_is_a_zero_byte);
  tcase_add_test (cases, delimiter_of_many_bytes);
  tcase_add_test (cases, delimiter_across_chunks);
  tcase_add_test (cases, delimiter_that_overlaps_itself);
  tcase_add_test (cases, empty_delimiter_is_refused);
  tcase_add_test (cases, too_long_delimiter_is_refused);
  tcase_add_test (cases, split_gives_pieces);
  tcase_add_test (cases, split_across_chunks);
  tcase_add_test (cases, split_with_half_a_delimiter);
  tcase_add_test (cases, truncate_drops_the_rest);
  tcase_add_test (cases, truncate_finds_a_delimiter_across_chunks);
  tcase_add_test (cases, reject_sends_the_whole_line_and_nothing_else);
  tcase_add_test (cases, reject_fails_the_stage_where_nobody_takes_it);
  tcase_add_test (cases, messages_are_cut_each_by_itself);
  tcase_add_test (cases, a_message_keeps_its_trail);
  tcase_add_test (cases, a_message_ends_the_half_line_of_its_stream);
  tcase_add_test (cases, a_message_that_is_too_long);
  tcase_add_test (cases, a_flood_through_a_link_of_one);
  tcase_add_loop_test (cases, every_border_gives_the_same, 0, 4);
  return run_suite ("plugin-lines", cases);
}
