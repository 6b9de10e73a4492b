/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader says of a pipeline's graph: each mistake by name with its whole message. */
#include "config-files.h"

#define START "{" PRODUCER ",\n " TRANSFORM ",\n "

START_TEST (no_producer)
{
  expect_refused ("{}", "p.json:1:1: error: producers: no producer; a pipeline begins with at least one");
  expect_refused ("{'consumers': {},\n 'producers': {}}",
                  "p.json:2:15: error: producers: no producer; a pipeline begins with at least one");
}
END_TEST

START_TEST (an_output_nobody_takes)
{
  expect_refused ("{" PRODUCER ",\n " TRANSFORM "}", "p.json:2:17: error: transforms.bad: nobody takes its output; "
                                                     "name \"bad\" in the \"from\" of a transform or consumer");
}
END_TEST

START_TEST (rejected_records_alone_are_no_output)
{
  expect_refused ("{" PRODUCER ",\n 'consumers': {'out': {'plugin': 'probe', 'from': 'log.rejected'}}}",
                  "p.json:1:16: error: producers.log: nobody takes its output; name \"log\" in the \"from\" of a "
                  "transform or consumer");
}
END_TEST

START_TEST (a_stage_nobody_feeds)
{
  expect_refused (START "'consumers': {'out': {'plugin': 'probe', 'from': 'bad'}, 'a': {'plugin': 'probe'},\n"
                        "'b': {'plugin': 'probe', 'from': []}, 'c': {'plugin': 'probe', 'from': {}}}}",
                  "p.json:3:64: error: consumers.a: missing key \"from\": nothing feeds \"a\"\n"
                  "p.json:4:34: error: consumers.b.from: names no stage: nothing feeds \"b\"\n"
                  "p.json:4:72: error: consumers.c.from: names no stage: nothing feeds \"c\"");
}
END_TEST

START_TEST (an_unknown_stage_in_from)
{
  expect_refused (START "'consumers': {'out': {'plugin': 'probe', 'from': ['bda', 'zzzzzz', 'out2', 5, '']}}}",
                  "p.json:3:52: error: consumers.out.from[0]: no stage \"bda\"; did you mean \"bad\"?\n"
                  "p.json:3:59: error: consumers.out.from[1]: no stage \"zzzzzz\"\n"
                  "p.json:3:69: error: consumers.out.from[2]: no stage \"out2\"; did you mean \"out\"?\n"
                  "p.json:3:77: error: consumers.out.from[3]: found 5, expected the name of a stage\n"
                  "p.json:3:80: error: consumers.out.from[4]: no stage \"\"");
  expect_refused (START "'consumers': {'out': {'plugin': 'probe', 'from': {'bda': {}}}}}",
                  "p.json:3:52: error: consumers.out.from.bda: no stage \"bda\"; did you mean \"bad\"?");
}
END_TEST

START_TEST (an_unknown_port)
{
  expect_refused (
    START "'consumers': {'out': {'plugin': 'probe', 'from': ['bad', 'bad.rejectd', 'log.even']}}}",
    "p.json:3:59: error: consumers.out.from[1]: \"bad\" has no port \"rejectd\"; did you mean \"rejected\"?\n"
    "p.json:3:74: error: consumers.out.from[2]: \"log\" has no port \"even\"");
  expect_refused ("{" PRODUCER ",\n 'transforms': {'bad': {'plugin': 'sample', 'from': 'log'}},\n"
                  " 'consumers': {'out': {'plugin': 'probe', 'from': ['bad', 'bad.evn', 'bad.odd']}}}",
                  "p.json:3:52: error: consumers.out.from[0]: \"bad\" has the ports \"even\", \"odd\"; expected one of "
                  "them, as in \"bad.even\"\n"
                  "p.json:3:59: error: consumers.out.from[1]: \"bad\" has no port \"evn\", only \"even\", \"odd\"; did "
                  "you mean \"even\"?");
}
END_TEST

START_TEST (the_same_from_twice)
{
  expect_refused (
    START "'consumers': {'out': {'plugin': 'probe', 'from': ['bad', 'log', 'bad', 'bad.rejected', 'bad.rejected']}}}",
    "p.json:3:66: error: consumers.out.from[2]: \"bad\" is there twice; the first is at p.json:3:52\n"
    "p.json:3:89: error: consumers.out.from[4]: \"bad.rejected\" is there twice; the first is at p.json:3:73");
}
END_TEST

START_TEST (a_producer_with_an_input)
{
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/x', 'from': 'bad', 'queue': {}}},\n " TRANSFORM
                  ",\n " CONSUMER "}",
                  "p.json:1:57: error: producers.log.from: a producer has no input\n"
                  "p.json:1:72: error: producers.log.queue: a producer has no input, and so no queue");
}
END_TEST

START_TEST (a_consumer_as_an_origin)
{
  expect_refused (
    START "'consumers': {'out': {'plugin': 'probe', 'from': 'bad'}, 'two': {'plugin': 'probe', 'from': 'out'}}}",
    "p.json:3:94: error: consumers.two.from: \"out\" is a consumer and has no output but \"out.rejected\"");
  g_autoptr (WeirConfig) config = load_fine (
    START
    "'consumers': {'out': {'plugin': 'probe', 'from': 'bad'}, 'two': {'plugin': 'probe', 'from': 'out.rejected'}}}");
  ck_assert_ptr_nonnull (config);
}
END_TEST

START_TEST (names_are_unique_over_the_sections)
{
  expect_refused (
    START "'consumers': {'bad': {'plugin': 'probe', 'from': 'bad'},\n 'log': {'plugin': 'probe', 'from': 'bad'}}}",
    "p.json:3:16: error: consumers.bad: the name \"bad\" is taken; the first is at p.json:2:17\n"
    "p.json:4:2: error: consumers.log: the name \"log\" is taken; the first is at p.json:1:16");
}
END_TEST

START_TEST (bad_names)
{
  expect_refused (
    START "'consumers': {'out': {'plugin': 'probe', 'from': 'bad'}, '1st': {}, 'a.b': {}, '': {}, '\xc3\xa4': {}, 'a "
          "b': {}}}",
    "p.json:3:59: error: consumers.1st: bad stage name \"1st\"; expected a letter or _, then letters, digits, _ or -\n"
    "p.json:3:70: error: consumers[\"a.b\"]: bad stage name \"a.b\"; expected a letter or _, then letters, digits, _ "
    "or -\n"
    "p.json:3:81: error: consumers[\"\"]: bad stage name \"\"; expected a letter or _, then letters, digits, _ or -\n"
    "p.json:3:89: error: consumers[\"\xc3\xa4\"]: bad stage name \"\xc3\xa4\"; expected a letter or _, then letters, "
    "digits, _ or -\n"
    "p.json:3:99: error: consumers[\"a b\"]: bad stage name \"a b\"; expected a letter or _, then letters, digits, _ "
    "or -");
}
END_TEST

START_TEST (cycles)
{
  expect_refused ("{" PRODUCER ",\n 'transforms': {\n"
                  "'a': {'plugin': 'probe', 'from': ['log', 'c'], 'pattern': 'x'},\n"
                  "'b': {'plugin': 'probe', 'from': 'a', 'pattern': 'x'},\n"
                  "'c': {'plugin': 'probe', 'from': 'b', 'pattern': 'x'},\n"
                  "'self': {'plugin': 'probe', 'from': ['log', 'self.rejected'], 'pattern': 'x'}},\n"
                  "'consumers': {'out': {'plugin': 'probe', 'from': ['c', 'self']}}}",
                  "p.json:3:34: error: transforms.a.from: cycle: a -> b -> c -> a\n"
                  "p.json:6:37: error: transforms.self.from: cycle: self -> self");
}
END_TEST

START_TEST (a_diamond_is_no_cycle)
{
  g_autofree char *said = NULL;
  put_file ("p.json", START "'consumers': {'out': {'plugin': 'probe', 'from': ['bad', 'log']}}}");
  g_autoptr (WeirConfig) config = load_file ("p.json", NULL, &said);
  ck_assert_ptr_nonnull (config);
}
END_TEST

START_TEST (a_chain_of_ten_thousand_stages_loads)
{
  g_autoptr (GString)
    text = g_string_new ("{" PRODUCER ", 'transforms': {'t0': {'plugin': 'probe', 'from': 'log', 'pattern': 'x'}");
  for (int i = 1; i < 10000; i++) {
    g_string_append_printf (text, ",\n't%d': {'plugin': 'probe', 'from': 't%d', 'pattern': 'x'}", i, i - 1);
  }
  g_string_append (text, "}, 'consumers': {'out': {'plugin': 'probe', 'from': 't9999'}}}");
  g_autoptr (WeirConfig) config = load_fine (text->str);
  ck_assert_uint_eq (config->stages->len, 10002);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("config-graph");

  tcase_add_test (cases, no_producer);
  tcase_add_test (cases, an_output_nobody_takes);
  tcase_add_test (cases, rejected_records_alone_are_no_output);
  tcase_add_test (cases, a_stage_nobody_feeds);
  tcase_add_test (cases, an_unknown_stage_in_from);
  tcase_add_test (cases, an_unknown_port);
  tcase_add_test (cases, the_same_from_twice);
  tcase_add_test (cases, a_producer_with_an_input);
  tcase_add_test (cases, a_consumer_as_an_origin);
  tcase_add_test (cases, names_are_unique_over_the_sections);
  tcase_add_test (cases, bad_names);
  tcase_add_test (cases, cycles);
  tcase_add_test (cases, a_diamond_is_no_cycle);
  tcase_add_test (cases, a_chain_of_ten_thousand_stages_loads);
  tcase_set_timeout (cases, 60);
  return run_suite ("config-graph", cases);
}
