/* SPDX-License-Identifier: Apache-2.0 */
/* A file that two stages would share, however they call it: what the loader says of it, and what is none of its business. */
#include "config-files.h"

#include <sys/stat.h>
#include <unistd.h>

/* Each stage on a line of its own. */
#define PIPELINE(log, consumers) "{'producers': {'log': {'plugin': 'probe', " log "}},\n'consumers': {\n" consumers "}}"
#define OUT(name, path) \
  "'" name "': {'plugin': 'probe', 'from': 'log', 'path': '" path "', 'queue': {'when_full': 'drop_newest'}}"
#define READS(place, path) \
  "p.json:" place ": error: consumers.out.path: found \"" path "\", the file that \"log\" reads"

START_TEST (the_file_that_a_producer_reads)
{
  put_file ("in", "");
  expect_refused (PIPELINE ("'path': 'in'", OUT ("out", "in")),
                  READS ("3:51", "in") " at p.json:1:51; expected another one");
}
END_TEST

START_TEST (the_same_by_another_path)
{
  g_autofree char *whole = g_build_filename (files_folder, "in", NULL);
  g_autofree char *text = g_strdup_printf (PIPELINE ("'path': './/in'", OUT ("out", "%s")), whole);
  g_autofree char *lines = g_strdup_printf (READS ("3:51", "%s") " as \".//in\" at p.json:1:51; expected another one",
                                            whole);
  put_file ("in", "");
  expect_refused (text, lines);
}
END_TEST

START_TEST (the_same_by_links)
{
  put_file ("in", "");
  ck_assert_int_eq (symlink ("in", "soft"), 0);
  ck_assert_int_eq (link ("in", "hard"), 0);
  expect_refused (PIPELINE ("'path': 'in'", OUT ("out", "soft")),
                  READS ("3:51", "soft") " as \"in\" at p.json:1:51; expected another one");
  expect_refused (PIPELINE ("'path': 'hard'", OUT ("out", "soft")),
                  READS ("3:51", "soft") " as \"hard\" at p.json:1:51; expected another one");
}
END_TEST

START_TEST (one_of_a_list)
{
  put_file ("in", "");
  expect_refused (PIPELINE ("'path': '/x', 'paths': ['a', 'in']", OUT ("out", "in")),
                  READS ("3:51", "in") " at p.json:1:72; expected another one");
}
END_TEST

START_TEST (what_a_glob_matches)
{
  ck_assert_int_eq (g_mkdir ("logs", 0755), 0);
  put_file ("logs/a.log", "");
  ck_assert_int_eq (symlink ("logs/a.log", "soft"), 0);
  expect_refused (PIPELINE ("'path': 'l*/*.log'", OUT ("out", "soft")),
                  READS ("3:51", "soft") " as \"l*/*.log\" at p.json:1:51; expected another one");
}
END_TEST

START_TEST (what_a_glob_would_match)
{
  ck_assert_int_eq (g_mkdir ("logs", 0755), 0);
  expect_refused (PIPELINE ("'path': 'l*/*.log'", OUT ("out", "./logs/new.log")),
                  READS ("3:51", "./logs/new.log") " as \"l*/*.log\" at p.json:1:51; expected another one");
  weir_config_free (load_fine (PIPELINE ("'path': 'l*/*.log'", OUT ("out", "logs/new.txt"))));
  weir_config_free (load_fine (PIPELINE ("'path': 'l*/*.log'", OUT ("out", "new.log"))));
  weir_config_free (load_fine (PIPELINE ("'path': 'l*/*.log'", OUT ("out", "logs/.log"))));
}
END_TEST

START_TEST (a_file_that_is_not_there_yet)
{
  ck_assert_int_eq (symlink ("later", "soft"), 0);
  expect_refused (PIPELINE ("'path': 'later'", OUT ("out", "./later")),
                  READS ("3:51", "./later") " as \"later\" at p.json:1:51; expected another one");
  expect_refused (PIPELINE ("'path': 'later'", OUT ("out", "soft")),
                  READS ("3:51", "soft") " as \"later\" at p.json:1:51; expected another one");
}
END_TEST

START_TEST (a_file_that_two_write)
{
  expect_refused (PIPELINE ("'path': '/x'", OUT ("a", "made") ",\n" OUT ("b", "made") ",\n" OUT ("c", "./made")),
                  "p.json:4:49: error: consumers.b.path: found \"made\", the file that \"a\" writes at p.json:3:49; "
                  "expected one of its own\n"
                  "p.json:5:49: error: consumers.c.path: found \"./made\", the file that \"a\" writes as \"made\" at "
                  "p.json:3:49; expected one of its own");
}
END_TEST

START_TEST (a_file_that_was_set)
{
  static const char *const set[] = { "out.path=in", NULL };
  put_file ("in", "");
  expect_refused_with (PIPELINE ("'path': 'in'", OUT ("out", "made")), set,
                       "--set:1:10: error: consumers.out.path: found \"in\", the file that \"log\" reads at "
                       "p.json:1:51; expected another one");
}
END_TEST

START_TEST (what_is_no_file_may_be_shared)
{
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  weir_config_free (load_fine (PIPELINE ("'path': '/dev/null'", OUT ("a", "/dev/null") "," OUT ("b", "/dev/null"))));
  weir_config_free (load_fine (PIPELINE ("'path': 'fifo'", OUT ("out", "fifo"))));
  weir_config_free (load_fine (PIPELINE ("'path': 'none/a'", OUT ("out", "none/a"))));
}
END_TEST

START_TEST (files_of_ones_own)
{
  put_file ("in", "");
  put_file ("a", "");
  weir_config_free (load_fine (
    PIPELINE ("'path': 'in', 'paths': ['in', 'in']", OUT ("a", "a") "," OUT ("b", "b") "," OUT ("c", "in.c"))));
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("config-paths");
  tcase_add_test (cases, the_file_that_a_producer_reads);
  tcase_add_test (cases, the_same_by_another_path);
  tcase_add_test (cases, the_same_by_links);
  tcase_add_test (cases, one_of_a_list);
  tcase_add_test (cases, what_a_glob_matches);
  tcase_add_test (cases, what_a_glob_would_match);
  tcase_add_test (cases, a_file_that_is_not_there_yet);
  tcase_add_test (cases, a_file_that_two_write);
  tcase_add_test (cases, a_file_that_was_set);
  tcase_add_test (cases, what_is_no_file_may_be_shared);
  tcase_add_test (cases, files_of_ones_own);
  return run_suite ("config-paths", cases);
}
