/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader says of keys, values and plugins: each mistake by name with its whole message. */
#include "config-files.h"

#define START "{" PRODUCER ",\n " TRANSFORM ",\n "

/* ---- keys and types -------------------------------------------------------------------------------------------------- */

START_TEST (an_unknown_key_of_a_plugin)
{
  expect_refused ("{" PRODUCER
                  ",\n 'transforms': {'bad': {'plugin': 'probe', 'from': 'log', 'patern': 'x', 'pattern': 'y'}},\n"
                  " " CONSUMER "}",
                  "p.json:2:59: error: transforms.bad.patern: unknown key \"patern\"; did you mean \"pattern\"?");
}
END_TEST

START_TEST (an_unknown_key_at_the_top)
{
  expect_refused (START CONSUMER ",\n 'transfroms': {}, 'tests': []}",
                  "p.json:4:2: error: transfroms: unknown key \"transfroms\"; did you mean \"transforms\"?\n"
                  "p.json:4:20: error: tests: unknown key \"tests\"");
}
END_TEST

START_TEST (an_unknown_key_of_the_engine)
{
  expect_refused (START CONSUMER ",\n 'engine': {'plugin': '/x', 'workers': 4, 'control': false}}",
                  "p.json:4:13: error: engine.plugin: unknown key \"plugin\"; did you mean \"plugins\"?\n"
                  "p.json:4:43: error: engine.control: unknown key \"control\"");
}
END_TEST

START_TEST (an_unknown_key_of_a_queue)
{
  expect_refused (START
                  "'consumers': {'out': {'plugin': 'probe', 'from': {'bad': {'size': 1}}, 'queue': {'record': 5}}}}",
                  "p.json:3:60: error: consumers.out.from.bad.size: unknown key \"size\"\n"
                  "p.json:3:83: error: consumers.out.queue.record: unknown key \"record\"; did you mean \"records\"?");
}
END_TEST

START_TEST (keys_of_later_versions_and_of_connections)
{
  expect_refused (START
                  "'consumers': {'out': {'plugin': 'probe', 'from': 'bad', 'to': 'log', 'copies': 2, 'order': true,\n"
                  "'per_connection': true, 'shared': true, 'isolate': true}}}",
                  "p.json:3:58: error: consumers.out.to: only a stage whose plugin is \"reply\" has it\n"
                  "p.json:3:71: error: consumers.out.copies: unknown key \"copies\"\n"
                  "p.json:3:84: error: consumers.out.order: unknown key \"order\"\n"
                  "p.json:4:1: error: consumers.out.per_connection: only a producer accepts connections\n"
                  "p.json:4:25: error: consumers.out.shared: nothing that feeds it exists once for each connection");
}
END_TEST

#define CHECKED(options) \
  "{" PRODUCER ",\n 'transforms': {'bad': {'plugin': 'probe', 'from': 'log', " options "}},\n " CONSUMER "}"

START_TEST (what_a_plugin_checks_is_told_at_its_option)
{
  expect_refused (CHECKED ("'pattern': '('"),
                  "p.json:2:70: error: transforms.bad.pattern: found \"(\", expected a pattern that is closed");
  expect_refused (CHECKED ("'pattern': 'batch', 'mode': 'none'"),
                  "p.json:2:87: error: transforms.bad.mode: found \"none\", expected \"batch\"");
}
END_TEST

START_TEST (what_a_plugin_checks_is_told_at_the_stage)
{
  expect_refused (CHECKED ("'pattern': 'batch'"),
                  "p.json:2:24: error: transforms.bad: mode: found \"none\", expected \"batch\"");
  expect_refused (CHECKED ("'pattern': 'batch', 'invert': true"),
                  "p.json:2:24: error: transforms.bad: found invert without mode \"batch\", expected both or none");
}
END_TEST

START_TEST (what_a_plugin_checks_is_told_where_it_was_set)
{
  static const char *const set[] = { "bad.pattern=(", NULL };
  expect_refused_with (CHECKED ("'pattern': 'x'"), set,
                       "--set:1:13: error: transforms.bad.pattern: found \"(\", expected a pattern that is closed");
}
END_TEST

START_TEST (a_key_that_the_scan_has_told_is_not_told_again)
{
  expect_refused ("{'a\\u0000': 1, " PRODUCER ",\n 'transforms': {'b\\u0000d': {'plugin': 'probe', 'from': 'log',\n"
                  "  'pattern': 'x', '\\ud800': 1}},\n"
                  " 'consumers': {'out': {'plugin': 'probe', 'from': {'log': {}, 'b\\u0000d': {}}}}}",
                  "p.json:1:4: error: \\u0000: a string cannot hold a NUL\n"
                  "p.json:2:19: error: transforms: \\u0000: a string cannot hold a NUL\n"
                  "p.json:3:20: error: transforms[\"b u0000d\"]: \\ud800 is half of a surrogate pair\n"
                  "p.json:4:65: error: consumers.out.from: \\u0000: a string cannot hold a NUL");
}
END_TEST

START_TEST (wrong_types_are_told)
{
  expect_refused ("{'name': 5, 'engine': [], 'producers': 1, 'transforms': 'x', 'consumers': null}",
                  "p.json:1:10: error: name: found 5, expected a name of 1 to 100 bytes without \"/\"\n"
                  "p.json:1:23: error: engine: found [], expected an object\n"
                  "p.json:1:40: error: producers: found 1, expected an object\n"
                  "p.json:1:57: error: transforms: found \"x\", expected an object\n"
                  "p.json:1:75: error: consumers: found null, expected an object");
  expect_refused (
    START "'consumers': {'a': 5, 'out': {'plugin': 7, 'from': 8, 'queue': 9, 'thread': [], 'log': 1}}}",
    "p.json:3:21: error: consumers.a: found 5, expected an object\n"
    "p.json:3:42: error: consumers.out.plugin: found 7, expected a string\n"
    "p.json:3:53: error: consumers.out.from: found 8, expected a stage, a list of stages, or an object with settings\n"
    "p.json:3:65: error: consumers.out.queue: found 9, expected an object\n"
    "p.json:3:78: error: consumers.out.thread: found [], expected a string\n"
    "p.json:3:89: error: consumers.out.log: found 1, expected one of \"debug\", \"info\", \"warning\", \"error\"");
}
END_TEST

START_TEST (bad_values_of_options)
{
  expect_refused (
    "{'producers': {'log': {'plugin': 'probe', 'chunk': '5 potatoes', 'count': 11}},\n"
    " 'transforms': {'bad': {'plugin': 'probe', 'from': 'log', 'pattern': 'x', 'invert': 'maybe', 'mode': 'bach'}},\n"
    " " CONSUMER "}",
    "p.json:1:23: error: producers.log: missing key \"path\" (File to read)\n"
    "p.json:1:52: error: producers.log.chunk: found \"5 potatoes\", expected a size such as \"64KiB\" (bytes, or units "
    "KiB, "
    "MiB, GiB, KB, MB, GB)\n"
    "p.json:1:75: error: producers.log.count: found 11, expected a whole number from 0 to 10\n"
    "p.json:2:85: error: transforms.bad.invert: found \"maybe\", expected true or false\n"
    "p.json:2:102: error: transforms.bad.mode: found \"bach\", expected one of \"none\", \"batch\"; did you mean "
    "\"batch\"?");
}
END_TEST

START_TEST (bad_values_of_a_queue)
{
  expect_refused (
    START "'consumers': {'out': {'plugin': 'probe', 'from': 'bad',\n"
          "'queue': {'records': -1, 'bytes': '1 XB', 'age': 5, 'low': 2, 'hard': 0.5, 'when_full': 'drop-oldest'}}}}",
    "p.json:4:22: error: consumers.out.queue.records: found -1, expected a whole number from 0 to 1000000000\n"
    "p.json:4:35: error: consumers.out.queue.bytes: found \"1 XB\", expected a size such as \"64KiB\" (bytes, or units "
    "KiB, "
    "MiB, GiB, KB, MB, GB)\n"
    "p.json:4:50: error: consumers.out.queue.age: found 5, expected a duration such as \"100ms\" (units us, ms, s, m, "
    "h, d)\n"
    "p.json:4:60: error: consumers.out.queue.low: found 2, expected a number from 0 to 1\n"
    "p.json:4:71: error: consumers.out.queue.hard: found 0.5, expected a number from 1 to 1000000\n"
    "p.json:4:89: error: consumers.out.queue.when_full: found \"drop-oldest\", expected one of \"pause\", "
    "\"drop_newest\", "
    "\"drop_oldest\"; did you mean \"drop_oldest\"?");
}
END_TEST

START_TEST (a_queue_must_be_bounded)
{
  expect_refused (START
                  "'consumers': {'out': {'plugin': 'probe', 'from': {'bad': {'bytes': 0}}, 'queue': {'records': 0}}}}",
                  "p.json:3:59: error: consumers.out.from.bad: neither records nor bytes are limited; a link must be "
                  "bounded by one of "
                  "them");
}
END_TEST

START_TEST (low_must_lie_below_high)
{
  expect_refused (
    START "'consumers': {'out': {'plugin': 'probe', 'from': 'bad', 'queue': {'low': 1}}}}",
    "p.json:3:67: error: consumers.out.queue: low is 1; it must be at least 0 and below 1, as low < high");
}
END_TEST

START_TEST (on_error_is_stop_or_restart)
{
  expect_refused (START "'consumers': {'out': {'plugin': 'probe', 'from': 'bad', 'on_error': 'repeat'}}}",
                  "p.json:3:70: error: consumers.out.on_error: found \"repeat\", expected one of \"stop\", "
                  "\"restart\"; did you mean \"restart\"?");
}
END_TEST

START_TEST (engine_values_are_checked)
{
  expect_refused (
    START CONSUMER ",\n'engine': {'shutdown': 5, 'record_max': 0, 'plugins': [1]}}",
    "p.json:4:24: error: engine.shutdown: found 5, expected a duration such as \"100ms\" (units us, ms, s, m, h, d)\n"
    "p.json:4:41: error: engine.record_max: found 0, expected a size from 1 to 4GiB\n"
    "p.json:4:55: error: engine.plugins: item 1: found 1, expected a string");
}
END_TEST

START_TEST (names_of_pipelines_fit_into_paths)
{
  expect_refused (START CONSUMER ", 'name': 'a/b'}",
                  "p.json:3:68: error: name: found \"a/b\", expected a name of 1 to 100 bytes without \"/\"");
  expect_refused (START CONSUMER ", 'name': '..'}",
                  "p.json:3:68: error: name: found \"..\", expected a name of 1 to 100 bytes without \"/\"");
}
END_TEST

/* ---- plugins --------------------------------------------------------------------------------------------------------- */

START_TEST (a_missing_plugin_key)
{
  expect_refused (START "'consumers': {'out': {'from': 'bad'}}}",
                  "p.json:3:23: error: consumers.out: missing key \"plugin\"");
}
END_TEST

START_TEST (an_unknown_plugin)
{
  expect_refused (START "'consumers': {'out': {'plugin': 'prob', 'from': 'bad'}}}",
                  "p.json:3:34: error: consumers.out.plugin: unknown plugin \"prob\"; did you mean \"probe\"?");
}
END_TEST

START_TEST (a_plugin_in_a_role_that_it_has_not)
{
  expect_refused ("{'producers': {'log': {'plugin': 'taker', 'path': '/x'}},\n " TRANSFORM ",\n " CONSUMER "}",
                  "p.json:1:34: error: producers.log.plugin: plugin \"taker\" is no producer, only a consumer");
}
END_TEST

START_TEST (engine_plugins_are_searched)
{
  g_autofree char *said = NULL;
  put_file ("p.json", START CONSUMER ", 'engine': {'plugins': ['/nonexistent/a', 'b']}}");
  g_autoptr (WeirConfig) config = load_file ("p.json", NULL, &said);
  ck_assert_ptr_nonnull (config);
  const char *const *folders = weir_registry_folders (files_registry);
  ck_assert_str_eq (said, "");
  ck_assert_str_eq (folders[1], "/nonexistent/a");
  ck_assert (g_str_has_suffix (folders[2], "/b"));
}
END_TEST

START_TEST (a_stage_that_blocks_shares_no_worker)
{
  expect_refused ("{'producers': {'log': {'plugin': 'sample', 'path': '/x', 'thread': 'one'}},\n " TRANSFORM
                  ",\n " CONSUMER "}",
                  "p.json:1:58: error: producers.log.thread: as a producer \"sample\" may block, so it always has a "
                  "worker of its own");
}
END_TEST

START_TEST (names_of_workers_are_plain)
{
  expect_refused (
    START "'consumers': {'out': {'plugin': 'probe', 'from': 'bad', 'thread': 'a b'}}}",
    "p.json:3:68: error: consumers.out.thread: found \"a b\", expected a letter or _, then letters, digits, _ or -");
}
END_TEST

START_TEST (secrets_are_not_shown)
{
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/x', 'password': {'hush': 1}}},\n " TRANSFORM
                  ",\n " CONSUMER "}",
                  "p.json:1:69: error: producers.log.password: found a secret value, expected a string");
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("config-values");

  tcase_add_test (cases, an_unknown_key_of_a_plugin);
  tcase_add_test (cases, an_unknown_key_at_the_top);
  tcase_add_test (cases, an_unknown_key_of_the_engine);
  tcase_add_test (cases, an_unknown_key_of_a_queue);
  tcase_add_test (cases, keys_of_later_versions_and_of_connections);
  tcase_add_test (cases, what_a_plugin_checks_is_told_at_its_option);
  tcase_add_test (cases, what_a_plugin_checks_is_told_at_the_stage);
  tcase_add_test (cases, what_a_plugin_checks_is_told_where_it_was_set);
  tcase_add_test (cases, a_key_that_the_scan_has_told_is_not_told_again);
  tcase_add_test (cases, wrong_types_are_told);
  tcase_add_test (cases, bad_values_of_options);
  tcase_add_test (cases, bad_values_of_a_queue);
  tcase_add_test (cases, a_queue_must_be_bounded);
  tcase_add_test (cases, low_must_lie_below_high);
  tcase_add_test (cases, on_error_is_stop_or_restart);
  tcase_add_test (cases, engine_values_are_checked);
  tcase_add_test (cases, names_of_pipelines_fit_into_paths);
  tcase_add_test (cases, a_missing_plugin_key);
  tcase_add_test (cases, an_unknown_plugin);
  tcase_add_test (cases, a_plugin_in_a_role_that_it_has_not);
  tcase_add_test (cases, engine_plugins_are_searched);
  tcase_add_test (cases, a_stage_that_blocks_shares_no_worker);
  tcase_add_test (cases, names_of_workers_are_plain);
  tcase_add_test (cases, secrets_are_not_shown);
  tcase_set_timeout (cases, 60);
  return run_suite ("config-values", cases);
}
