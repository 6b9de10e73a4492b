/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` says of good pipelines: which branch can stall which, and how much memory they may come to hold. */
#include "advice.h"
#include "config-files.h"

static void
expect_warnings (const char *text, const char *lines)
{
  g_autofree char *said = NULL;

  put_file ("p.json", text);
  g_autoptr (WeirConfig) config = load_file ("p.json", NULL, &said);
  ck_assert_str_eq (said, lines);
  ck_assert_ptr_nonnull (config);
}

#define SPLIT \
  "{" PRODUCER ",\n 'transforms': {'split': {'plugin': 'probe', 'from': 'log', 'pattern': 'x'}},\n 'consumers': {\n"

START_TEST (two_branches_that_pause_stall_each_other)
{
  expect_warnings (
    SPLIT "'fast': {'plugin': 'probe', 'from': 'split'},\n'slow': {'plugin': 'probe', 'from': 'split'}}}",
    "p.json:5:37: warning: \"slow\" can stall \"fast\" at \"split\" (both pause; when_full on split:slow?)\n");
}
END_TEST

START_TEST (three_branches_are_one_warning)
{
  expect_warnings (
    SPLIT "'a': {'plugin': 'probe', 'from': 'split'},\n'b': {'plugin': 'probe', 'from': 'split'},\n"
          "'c': {'plugin': 'probe', 'from': {'split': {}}}}}",
    "p.json:6:35: warning: \"c\" can stall \"a\", \"b\" at \"split\" (all pause; when_full on split:c?)\n");
}
END_TEST

START_TEST (a_branch_that_drops_stalls_nobody)
{
  expect_warnings (SPLIT "'fast': {'plugin': 'probe', 'from': 'split'},\n"
                         "'slow': {'plugin': 'probe', 'from': 'split', 'queue': {'when_full': 'drop_newest'}}}}",
                   "");
}
END_TEST

START_TEST (rejected_records_are_no_branch)
{
  expect_warnings (
    SPLIT "'fast': {'plugin': 'probe', 'from': 'split'},\n'junk': {'plugin': 'probe', 'from': 'split.rejected'}}}", "");
}
END_TEST

START_TEST (two_ports_are_branches)
{
  expect_warnings (
    "{" PRODUCER ",\n 'transforms': {'split': {'plugin': 'sample', 'from': 'log'}},\n 'consumers': {\n"
    "'a': {'plugin': 'probe', 'from': 'split.even'},\n'b': {'plugin': 'probe', 'from': 'split.odd'}}}",
    "p.json:5:34: warning: \"b\" can stall \"a\" at \"split\" (both pause; when_full on split.odd:b?)\n");
}
END_TEST

static void
expect_memory (const char *text, const char *line)
{
  g_autoptr (WeirConfig) config = load_fine (text);
  g_autofree char *said = weir_advise_memory_line (config);

  ck_assert_str_eq (said, line);
}

#define OUT(settings) SPLIT "'out': {'plugin': 'probe', 'from': {'split': {" settings "}}}}}"

/* A link of the default size: 8,192 slots of 49 bytes and 8 MiB of pinned buffers, so 8.38 MiB. */
START_TEST (links_are_counted_at_their_hard_limit)
{
  expect_memory (OUT (""),
                 "worst case 16.9 MiB: links 16.8 (2 x 8.4), stages 0.1; and one record of up to 16.0 MiB a link");
  g_autoptr (WeirConfig) config = load_fine (OUT ("'records': 100, 'bytes': '2MiB', 'hard': 1"));
  WeirMemory memory = weir_advise_memory (config);
  ck_assert (memory.links == 8192 * 49 + 8 * 1048576.0 + 100 * 49 + 8 * 1048576.0);
  ck_assert (memory.stages == 2 * 65536.0 + (double) (weir_config_stage (config, "log")->role->state_size +
                                                      weir_config_stage (config, "split")->role->state_size +
                                                      weir_config_stage (config, "out")->role->state_size));
  ck_assert (memory.record == 16 * 1048576.0);
}
END_TEST

START_TEST (links_of_different_size_are_told_apart)
{
  expect_memory (
    OUT ("'bytes': '16MiB'"),
    "worst case 136.9 MiB: links 136.8 (1 x 8.4, 1 x 128.4), stages 0.1; and one record of up to 16.0 MiB a link");
}
END_TEST

START_TEST (without_a_limit_in_bytes_each_record_may_be_the_largest)
{
  expect_memory (OUT ("'bytes': 0"),
                 "worst case 128.0 GiB: links 128.0 (1 x 128.0), stages 0.0; and one record of up to 16.0 MiB a link");
}
END_TEST

START_TEST (without_a_limit_in_records_each_may_be_one_byte)
{
  expect_memory (
    OUT ("'records': 0"),
    "worst case 114.5 MiB: links 114.4 (1 x 8.4, 1 x 106.0), stages 0.1; and one record of up to 16.0 MiB a link");
}
END_TEST

/* Links from "log" to so many more consumers, the i-th with records and bytes of i. */
static WeirConfig *
load_fan (guint count, char *(*queue) (guint i))
{
  g_autoptr (GString) text = g_string_new ("{" PRODUCER ", 'consumers': {");
  for (guint i = 0; i < count; i++) {
    g_autofree char *settings = queue (i);
    g_string_append_printf (text,
                            "%s'c%u': {'plugin': 'probe', 'from': 'log', 'queue': {'when_full': 'drop_newest', %s}}",
                            i == 0 ? "" : ", ", i, settings);
  }
  g_string_append (text, "}}");
  return load_fine (text->str);
}

static char *
small_queue (guint i)
{
  return g_strdup_printf ("'bytes': '%s'", i == 0 ? "1GiB" : "1MiB");
}

static char *
growing_queue (guint i)
{
  return g_strdup_printf ("'records': 1, 'bytes': '%uMiB', 'hard': 1", i % 6 + 1);
}

START_TEST (small_links_show_only_where_they_are_many)
{
  const char *rest = ", stages 0.0; and one record of up to 16.0 MiB a link";
  g_autoptr (WeirConfig) few = load_fan (5, small_queue);
  g_autoptr (WeirConfig) many = load_fan (101, small_queue);
  g_autofree char *said_few = weir_advise_memory_line (few), *said_many = weir_advise_memory_line (many);
  g_autofree char *line_few = g_strconcat ("worst case 8.0 GiB: links 8.0 (1 x 8.0)", rest, NULL);
  g_autofree char *line_many = g_strconcat ("worst case 8.8 GiB: links 8.8 (1 x 8.0, 100 x 0.008)", rest, NULL);
  ck_assert_str_eq (said_few, line_few);
  ck_assert_str_eq (said_many, line_many);
}
END_TEST

START_TEST (links_of_one_size_are_one_term_also_behind_others)
{
  g_autoptr (WeirConfig) config = load_fan (12, growing_queue);
  g_autofree char *said = weir_advise_memory_line (config);
  ck_assert_str_eq (said, "worst case 168.1 MiB: links 168.0 (2 x 4.0, 2 x 8.0, 2 x 12.0, 2 x 16.0, 4 more), stages "
                          "0.1; and one record of up to 16.0 MiB a link");
}
END_TEST

#define CONNECTIONS(max) \
  "{'producers': {'in': {'plugin': 'doors', 'per_connection': true" max "}},\n" \
  " 'transforms': {'turn': {'plugin': 'probe', 'from': 'in', 'pattern': 'x'}},\n" \
  " 'consumers': {'back': {'plugin': 'reply', 'to': 'in', 'from': 'turn'}, 'all': {'plugin': 'probe', 'shared': " \
  "true,\n" \
  "  'from': 'turn', 'queue': {'when_full': 'drop_oldest'}}, 'junk': {'plugin': 'probe', 'from': 'all.rejected'}}}"

START_TEST (connections_are_counted_as_often_as_there_may_be)
{
  expect_memory (CONNECTIONS (", 'max': 3"),
                 "worst case 84.3 MiB: links 83.8 (10 x 8.4), stages 0.4; and one record of up to 16.0 MiB a link");
  expect_memory (CONNECTIONS (", 'max': '1000'"),
                 "worst case 24.7 GiB: links 24.6 (3001 x 0.008), stages 0.1; and one record of up to 16.0 MiB a link");
  g_autoptr (WeirConfig) config = load_fine (CONNECTIONS (", 'max': 3"));
  ck_assert_int_eq (weir_advise_connections (weir_config_stage (config, "in")), 3);
}
END_TEST

START_TEST (any_number_of_connections_is_told_for_one)
{
  expect_memory (CONNECTIONS (""),
                 "worst case 8.4 MiB: links 8.4 (1 x 8.4), stages 0.1, and 25.3 for each connection of "
                 "\"in\"; and one record of up to 16.0 MiB a link");
  expect_memory (CONNECTIONS (", 'max': 0"),
                 "worst case 8.4 MiB: links 8.4 (1 x 8.4), stages 0.1, and 25.3 for each connection of \"in\"; and one "
                 "record of up to 16.0 MiB a link");
}
END_TEST

START_TEST (branches_of_a_connection_stall_each_other)
{
  expect_warnings ("{'producers': {'in': {'plugin': 'doors', 'per_connection': true}},\n"
                   " 'consumers': {'back': {'plugin': 'reply', 'to': 'in', 'from': 'in'},\n"
                   "  'all': {'plugin': 'probe', 'shared': true, 'from': 'in'}}}",
                   "p.json:3:54: warning: \"all\" can stall \"back\" at \"in\" (both pause; when_full on in:all?)\n");
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("advice");

  tcase_add_test (cases, two_branches_that_pause_stall_each_other);
  tcase_add_test (cases, three_branches_are_one_warning);
  tcase_add_test (cases, a_branch_that_drops_stalls_nobody);
  tcase_add_test (cases, rejected_records_are_no_branch);
  tcase_add_test (cases, two_ports_are_branches);
  tcase_add_test (cases, links_are_counted_at_their_hard_limit);
  tcase_add_test (cases, links_of_different_size_are_told_apart);
  tcase_add_test (cases, without_a_limit_in_bytes_each_record_may_be_the_largest);
  tcase_add_test (cases, without_a_limit_in_records_each_may_be_one_byte);
  tcase_add_test (cases, small_links_show_only_where_they_are_many);
  tcase_add_test (cases, links_of_one_size_are_one_term_also_behind_others);
  tcase_add_test (cases, connections_are_counted_as_often_as_there_may_be);
  tcase_add_test (cases, any_number_of_connections_is_told_for_one);
  tcase_add_test (cases, branches_of_a_connection_stall_each_other);
  return run_suite ("advice", cases);
}
