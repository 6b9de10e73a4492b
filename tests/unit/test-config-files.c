/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader takes from elsewhere: included files, the environment, and --set; each mistake by name with its message. */
#include "config-files.h"

#define START "{" PRODUCER ",\n " TRANSFORM ",\n "
#define WHOLE START CONSUMER "}"

static const char *
option (const WeirConfig *config, const char *stage, const char *key)
{
  json_object *value = NULL;

  json_object_object_get_ex (weir_config_stage (config, stage)->options, key, &value);
  return json_object_get_string (value);
}

/* ---- include --------------------------------------------------------------------------------------------------------- */

START_TEST (included_stages_come_behind)
{
  ck_assert_int_eq (g_mkdir ("sub", 0755), 0);
  put_file ("sub/in.json", "{" PRODUCER ", 'name': 'joined', 'include': '../middle.json'}");
  put_file ("middle.json", "{" TRANSFORM ", 'engine': {'shutdown': '1s'}}");
  g_autoptr (WeirConfig) config = load_fine ("{'include': ['sub/in.json'], " CONSUMER "}");
  ck_assert_uint_eq (config->stages->len, 3);
  ck_assert_str_eq (((WeirConfigStage *) g_ptr_array_index (config->stages, 0))->name, "out");
  ck_assert_str_eq (((WeirConfigStage *) g_ptr_array_index (config->stages, 1))->name, "log");
  ck_assert_str_eq (config->name, "joined");
  ck_assert_int_eq (config->shutdown, 1000000);
  g_autofree char *place = weir_place_format (weir_config_stage (config, "bad")->place);
  ck_assert_str_eq (place, "sub/../middle.json:1:17");
}
END_TEST

START_TEST (a_missing_include)
{
  expect_refused ("{'include': ['no.json', '/nonexistent/x.json'], " CONSUMER "}",
                  "p.json:1:14: error: include[0]: \"no.json\": cannot open: No such file or directory\n"
                  "p.json:1:25: error: include[1]: \"/nonexistent/x.json\": cannot open: No such file or directory");
}
END_TEST

START_TEST (an_include_of_another_type)
{
  expect_refused ("{'include': [5, ''], " CONSUMER "}",
                  "p.json:1:14: error: include[0]: found 5, expected the path of a file\n"
                  "p.json:1:17: error: include[1]: found \"\", expected the path of a file");
  expect_refused ("{'include': {}, " CONSUMER "}",
                  "p.json:1:13: error: include: found {}, expected the path of a file");
  expect_refused ("{'include': '-', " CONSUMER "}",
                  "p.json:1:13: error: include: \"-\": standard input cannot be included");
}
END_TEST

START_TEST (mistakes_of_all_files_are_told)
{
  put_file ("a.json", "{'producers': {'log': {'plugin': 'probe', 'path': '/x', 'a': 1}}}");
  put_file ("b.json", "{'transforms': {'bad': {'plugin': 'probe', 'from': 'log', 'pattern': 'x', 'b': 1}}}");
  put_file ("c.json", "{'x': ");
  expect_refused (
    "{'include': ['a.json', 'b.json', 'c.json'],\n'consumers': {'out': {'plugin': 'probe', 'from': 'bad', 'c': 1}}}",
    "p.json:2:57: error: consumers.out.c: unknown key \"c\"\n"
    "a.json:1:57: error: producers.log.a: unknown key \"a\"\n"
    "b.json:1:75: error: transforms.bad.b: unknown key \"b\"\n"
    "c.json:1:7: error: x: the text ends, expected a value; \"{\" at 1:1 is not closed");
}
END_TEST

START_TEST (a_name_in_two_files)
{
  put_file ("a.json", "{" PRODUCER ", 'name': 'a', 'engine': {}}");
  expect_refused ("{'name': 'p', 'engine': {}, 'include': 'a.json',\n " PRODUCER ",\n " TRANSFORM ",\n " CONSUMER "}",
                  "a.json:1:16: error: producers.log: the name \"log\" is taken; the first is at p.json:2:16\n"
                  "a.json:1:59: error: name: is in two files; the first is at p.json:1:2\n"
                  "a.json:1:72: error: engine: is in two files; the first is at p.json:1:15");
}
END_TEST

START_TEST (a_file_that_includes_itself)
{
  put_file ("a.json", "{'include': 'b.json'}");
  put_file ("b.json", "{'include': './p.json'}");
  expect_refused ("{'include': 'a.json'}",
                  "b.json:1:13: error: include: \"./p.json\": includes itself: p.json -> a.json -> b.json -> p.json");
}
END_TEST

START_TEST (a_file_included_twice)
{
  put_file ("a.json", "{'include': 'c.json'}");
  put_file ("b.json", "{'include': 'c.json'}");
  put_file ("c.json", "{}");
  expect_refused ("{'include': ['a.json', 'b.json']}",
                  "b.json:1:13: error: include: \"c.json\": is included twice; the first is at a.json:1:13");
}
END_TEST

START_TEST (sixty_four_includes_and_no_more)
{
  g_autoptr (GString) text = g_string_new ("{'include': [");
  for (int i = 0; i < 64; i++) {
    g_autofree char *name = g_strdup_printf ("%d.json", i);
    put_file (name, "{}");
    g_string_append_printf (text, "'%s', ", name);
  }
  put_file ("last.json", "{}");
  g_autofree char *fine = g_strconcat (text->str, "\n'0.json']}", NULL);
  g_string_append (text, "\n'last.json']}");
  expect_refused (text->str, "p.json:2:1: error: include[64]: \"last.json\": more than 64 files are included");
  expect_refused (fine, "p.json:2:1: error: include[64]: \"0.json\": is included twice; the first is at p.json:1:14");
}
END_TEST

/* ---- ${NAME} ---------------------------------------------------------------------------------------------------------- */

START_TEST (the_environment_is_read)
{
  g_setenv ("WEIR_TEST_A", "one", TRUE);
  g_setenv ("WEIR_TEST_EMPTY", "", TRUE);
  g_unsetenv ("WEIR_TEST_NONE");
  put_file ("one.json", "{}");
  g_autoptr (WeirConfig)
    config = load_fine ("{'producers': {'log': {'plugin': '${WEIR_TEST_P:-probe}', 'path': "
                        "'/${WEIR_TEST_A}/${WEIR_TEST_EMPTY}x', 'count': '${C:-7}'}},\n"
                        " 'transforms': {'bad': {'plugin': 'probe', 'from': '${F:-log}', 'pattern': "
                        "'${WEIR_TEST_NONE:-a:-b}${WEIR_TEST_EMPTY:-c}'}},\n"
                        " " CONSUMER ", 'name': 'is-${WEIR_TEST_A}', 'include': '${WEIR_TEST_A}.json'}");
  ck_assert_str_eq (option (config, "log", "path"), "/one/x");
  ck_assert_str_eq (option (config, "bad", "pattern"), "a:-bc");
  ck_assert_str_eq (option (config, "log", "count"), "7");
  ck_assert_str_eq (config->name, "is-one");
}
END_TEST

START_TEST (other_dollars_stay)
{
  g_setenv ("WEIR_TEST_A", "${HOME}", TRUE);
  g_autoptr (WeirConfig) config = load_fine (
    "{'producers': {'log': {'plugin': 'probe', 'path': '$ $x $$ $${A} $$${B} ${WEIR_TEST_A}$'}},\n" TRANSFORM
    ", " CONSUMER "}");
  ck_assert_str_eq (option (config, "log", "path"), "$ $x $$ ${A} $${B} ${HOME}$");
}
END_TEST

START_TEST (keys_are_not_expanded)
{
  g_setenv ("WEIR_TEST_A", "path", TRUE);
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/x', '${WEIR_TEST_A}': 1}},\n " TRANSFORM
                  ",\n " CONSUMER "}",
                  "p.json:1:57: error: producers.log[\"${WEIR_TEST_A}\"]: unknown key \"${WEIR_TEST_A}\"");
}
END_TEST

START_TEST (an_unset_variable)
{
  g_unsetenv ("WEIR_TEST_NONE");
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/${WEIR_TEST_NONE}', 'count': "
                  "'${WEIR_TEST_NONE}'}},\n " TRANSFORM
                  ",\n 'consumers': {'out': {'plugin': 'probe', 'from': ['${WEIR_TEST_NONE}']}}}",
                  "p.json:1:51: error: producers.log.path: the environment has no WEIR_TEST_NONE; write "
                  "${WEIR_TEST_NONE:-text} to give "
                  "a default\n"
                  "p.json:1:82: error: producers.log.count: the environment has no WEIR_TEST_NONE; write "
                  "${WEIR_TEST_NONE:-text} to give "
                  "a default\n"
                  "p.json:3:52: error: consumers.out.from[0]: the environment has no WEIR_TEST_NONE; write "
                  "${WEIR_TEST_NONE:-text} to give "
                  "a default");
}
END_TEST

START_TEST (a_malformed_expansion)
{
  expect_refused (
    "{'producers': {'log': {'plugin': 'probe', 'path': '/${1A}'}}, 'name': '${A',\n " TRANSFORM
    ",\n 'consumers': {'out': {'plugin': 'probe', 'from': 'bad', 'x': '${}', 'y': '${A:+b}'}}}",
    "p.json:1:51: error: producers.log.path: found \"${1A}\", expected ${NAME} or ${NAME:-text}; write $${ for a plain "
    "${\n"
    "p.json:1:71: error: name: found \"${A\", which is not closed by \"}\"; write $${ for a plain ${\n"
    "p.json:3:58: error: consumers.out.x: unknown key \"x\"\n"
    "p.json:3:63: error: consumers.out.x: found \"${}\", expected ${NAME} or ${NAME:-text}; write $${ for a plain ${\n"
    "p.json:3:70: error: consumers.out.y: unknown key \"y\"\n"
    "p.json:3:75: error: consumers.out.y: found \"${A:+b}\", expected ${NAME} or ${NAME:-text}; write $${ for a plain "
    "${");
}
END_TEST

START_TEST (an_environment_that_is_no_text)
{
  g_setenv ("WEIR_TEST_A", "\xff", TRUE);
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '${WEIR_TEST_A}'}},\n " TRANSFORM ",\n " CONSUMER
                  "}",
                  "p.json:1:51: error: producers.log.path: the environment's WEIR_TEST_A is not UTF-8");
}
END_TEST

/* ---- --set ------------------------------------------------------------------------------------------------------------- */

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST (settings_come_last)
{
  g_autoptr (WeirConfig) config = load_fine_with (
    WHOLE, SETTINGS ("log.path=/y", "log.count=3", "log.count=4", "bad.pattern=\"5\"", "out.queue.records=10",
                     "out.thread=t", "out.from={\"bad\": {\"low\": 0}}", "log.chunk=64KiB", "bad.invert=true"));
  const WeirConfigInput *input = g_ptr_array_index (weir_config_stage (config, "out")->inputs, 0);
  ck_assert_str_eq (option (config, "log", "path"), "/y");
  ck_assert_str_eq (option (config, "log", "count"), "4");
  ck_assert_str_eq (option (config, "bad", "pattern"), "5");
  ck_assert_str_eq (option (config, "log", "chunk"), "64KiB");
  ck_assert_uint_eq (input->queue.records, 10);
  ck_assert (input->queue.low == 0);
  ck_assert_str_eq (weir_config_stage (config, "out")->thread, "t");
}
END_TEST

START_TEST (settings_are_taken_as_they_are)
{
  g_autoptr (WeirConfig) config = load_fine_with (WHOLE, SETTINGS ("log.path=/${HOME}=1", "bad.pattern= // x"));
  ck_assert_str_eq (option (config, "log", "path"), "/${HOME}=1");
  ck_assert_str_eq (option (config, "bad", "pattern"), " // x");
}
END_TEST

START_TEST (a_setting_that_is_none)
{
  expect_refused_with (WHOLE, SETTINGS ("log", "log=1", ".path=1", "log.=1", "log..path=1", "=", "", "\xff.a=1"),
                       "--set:1:1: error: found \"log\", expected STAGE.OPTION=VALUE\n"
                       "--set:2:1: error: found \"log=1\", expected STAGE.OPTION=VALUE\n"
                       "--set:3:1: error: found \".path=1\", expected STAGE.OPTION=VALUE\n"
                       "--set:4:1: error: found \"log.=1\", expected STAGE.OPTION=VALUE\n"
                       "--set:5:1: error: found \"log..path=1\", expected STAGE.OPTION=VALUE\n"
                       "--set:6:1: error: found \"=\", expected STAGE.OPTION=VALUE\n"
                       "--set:7:1: error: found \"\", expected STAGE.OPTION=VALUE\n"
                       "--set:8:1: error: found \"\xef\xbf\xbd.a=1\", expected STAGE.OPTION=VALUE");
}
END_TEST

START_TEST (a_setting_of_a_stage_that_is_not_there)
{
  expect_refused_with (WHOLE, SETTINGS ("lgo.path=1", "another.path=1"),
                       "--set:1:1: error: no stage \"lgo\"; did you mean \"log\"?\n"
                       "--set:2:1: error: no stage \"another\"");
}
END_TEST

START_TEST (mistakes_in_settings_have_their_place)
{
  expect_refused_with (
    WHOLE,
    SETTINGS ("bad.patern=y", "log.count=11", "out.queue.recods=5", "out.queue.low=x", "out.from=[\"bad\", \"lgo\"]",
              "log.queue.x.y=1", "out.plugin=prob"),
    "--set:1:5: error: transforms.bad.patern: unknown key \"patern\"; did you mean \"pattern\"?\n"
    "--set:2:11: error: producers.log.count: found 11, expected a whole number from 0 to 10\n"
    "--set:3:11: error: consumers.out.queue.recods: unknown key \"recods\"; did you mean \"records\"?\n"
    "--set:4:15: error: consumers.out.queue.low: found \"x\", expected a number from 0 to 1\n"
    "--set:5:18: error: consumers.out.from[1]: no stage \"lgo\"; did you mean \"log\"?\n"
    "--set:6:13: error: producers.log.queue: a producer has no input, and so no queue\n"
    "--set:7:12: error: consumers.out.plugin: unknown plugin \"prob\"; did you mean \"probe\"?");
}
END_TEST

START_TEST (a_setting_below_what_is_no_object)
{
  expect_refused_with (WHOLE, SETTINGS ("log.path.x=1", "out.from.bad.low=0"),
                       "--set:1:10: error: producers.log.path: found \"/x\", expected an object to set \"x\" in\n"
                       "--set:2:14: error: consumers.out.from: found \"bad\", expected an object to set \"bad\" in");
}
END_TEST

START_TEST (a_later_setting_takes_the_earlier_ones_place)
{
  expect_refused_with (WHOLE, SETTINGS ("out.queue.low=x", "out.queue={\"low\": \"y\"}"),
                       "--set:2:19: error: consumers.out.queue.low: found \"y\", expected a number from 0 to 1");
}
END_TEST

START_TEST (settings_mend_mistakes)
{
  g_autoptr (WeirConfig) config = load_fine_with (
    "{'producers': {'log': {'plugin': 'probe', 'count': 99}},\n " TRANSFORM ",\n " CONSUMER "}",
    SETTINGS ("log.path=/x", "log.count=1"));
  ck_assert_str_eq (option (config, "log", "path"), "/x");
}
END_TEST

/* ---- mutated pipelines ---------------------------------------------------------------------------------------------- */

START_TEST (mutated_pipelines_are_loaded_or_refused_with_a_word)
{
  static const char seed[] = "{'name': 'n', 'engine': {'shutdown': '2s', 'record_max': 4096}, 'include': [],\n"
                             "'producers': {'log': {'plugin': 'probe', 'path': '/x', 'chunk': '4KiB', 'count': 7}},\n"
                             "'transforms': {'bad': {'plugin': 'probe', 'from': 'log', 'pattern': '${X:-p}', 'thread': "
                             "'t', 'log': 'info'},\n"
                             "'two': {'plugin': 'sample', 'from': ['bad', 'log.rejected']}},\n"
                             "'consumers': {'out': {'plugin': 'probe', 'queue': {'records': 9, 'low': 0.5},\n"
                             "'from': {'two.even': {'age': '1s'}, 'two.odd': {'when_full': 'drop_newest'}}}}}";
  static const char *const values[] = { "5",          "-1",      "null",
                                        "true",       "[]",      "{}",
                                        "''",         "'log'",   "'out'",
                                        "'two'",      "'bad'",   "['a', 'a', {}]",
                                        "01",         "1e999",   "'${}'",
                                        "'${NO}'",    "'a.b.c'", "{'a': {'b': 1}}",
                                        "'two.even'", "'9s'",    "{'x': 1, 'x': 2}" };
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  guint fine = 0, refused = 0;

  for (int round = 0; round < 1500; round++) {
    g_auto (GStrv) words = g_regex_split_simple ("('[^']*'|[0-9.]+)", seed, 0, 0);
    guint count = g_strv_length (words);
    for (int change = g_rand_int_range (random, 0, 4); change > 0; change--) {
      guint at = (guint) g_rand_int_range (random, 0, (gint32) count);
      guint other = (guint) g_rand_int_range (random, 0, (gint32) count);
      const char *value = g_rand_boolean (random) ? words[other]
                                                  : values[g_rand_int_range (random, 0, G_N_ELEMENTS (values))];
      char *copy = g_strdup (value);
      g_free (words[at]);
      words[at] = copy;
    }
    g_autofree char *text = g_strjoinv ("", words);
    g_autofree char *said = NULL;
    put_file ("p.json", text);
    g_autoptr (WeirConfig)
      config = load_file ("p.json", round % 3 == 0 ? SETTINGS ("out.queue.low=0.1", "log.x.y={}") : NULL, &said);
    *(config != NULL ? &fine : &refused) += 1;
    ck_assert_msg (g_utf8_validate (said, -1, NULL), "%s", text);
  }
  ck_assert_uint_gt (fine, 50);
  ck_assert_uint_gt (refused, 500);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("config-files");

  tcase_add_test (cases, included_stages_come_behind);
  tcase_add_test (cases, a_missing_include);
  tcase_add_test (cases, an_include_of_another_type);
  tcase_add_test (cases, mistakes_of_all_files_are_told);
  tcase_add_test (cases, a_name_in_two_files);
  tcase_add_test (cases, a_file_that_includes_itself);
  tcase_add_test (cases, a_file_included_twice);
  tcase_add_test (cases, sixty_four_includes_and_no_more);
  tcase_add_test (cases, the_environment_is_read);
  tcase_add_test (cases, other_dollars_stay);
  tcase_add_test (cases, keys_are_not_expanded);
  tcase_add_test (cases, an_unset_variable);
  tcase_add_test (cases, a_malformed_expansion);
  tcase_add_test (cases, an_environment_that_is_no_text);
  tcase_add_test (cases, settings_come_last);
  tcase_add_test (cases, settings_are_taken_as_they_are);
  tcase_add_test (cases, a_setting_that_is_none);
  tcase_add_test (cases, a_setting_of_a_stage_that_is_not_there);
  tcase_add_test (cases, mistakes_in_settings_have_their_place);
  tcase_add_test (cases, a_setting_below_what_is_no_object);
  tcase_add_test (cases, a_later_setting_takes_the_earlier_ones_place);
  tcase_add_test (cases, settings_mend_mistakes);
  tcase_add_test (cases, mutated_pipelines_are_loaded_or_refused_with_a_word);
  tcase_set_timeout (cases, 60);
  return run_suite ("config-files", cases);
}
