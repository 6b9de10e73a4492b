/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader says of what exists once for each connection: each mistake by name with its whole message. */
#include "config-files.h"

/* Line 1; each test goes on behind it. */
#define LISTEN "{'producers': {'in': {'plugin': 'doors', 'per_connection': true},"
#define LISTENS LISTEN " 'log': {'plugin': 'probe', 'path': '/x'}},\n"
#define ALONE "{'producers': {'in': {'plugin': 'doors', 'per_connection': true}},\n"
#define TURN " 'transforms': {'turn': {'plugin': 'probe', 'from': 'in', 'pattern': 'x'}},\n"
#define REPLY "'back': {'plugin': 'reply', 'to': 'in', 'from': 'turn'}"

START_TEST (what_lies_downstream_belongs_to_the_listener)
{
  g_autoptr (WeirConfig) config = load_fine (
    LISTENS TURN " 'consumers': {" REPLY
                 ", 'keep': {'plugin': 'probe', 'from': ['turn', 'log', 'turn.rejected'], 'shared': true,\n"
                 "  'queue': {'when_full': 'drop_oldest'}},\n"
                 "  'all': {'plugin': 'probe', 'from': 'keep.rejected'}}}");
  const WeirConfigStage *in = weir_config_stage (config, "in");
  ck_assert (in->per_connection && in->listener == NULL);
  ck_assert_ptr_eq (weir_config_stage (config, "turn")->listener, in);
  ck_assert_ptr_eq (weir_config_stage (config, "back")->listener, in);
  ck_assert_ptr_null (weir_config_stage (config, "keep")->listener);
  ck_assert_ptr_null (weir_config_stage (config, "all")->listener); /* behind a shared stage all exists once */
  ck_assert_ptr_null (weir_config_stage (config, "log")->listener);
}
END_TEST

START_TEST (a_reply_has_the_options_of_its_plugins_reply)
{
  g_autoptr (WeirConfig) config = load_fine (
    ALONE TURN " 'consumers': {'back': {'plugin': 'reply', 'to': 'in', 'from': 'turn', 'greeting': 'hello'}}}");
  ck_assert_ptr_eq (weir_config_stage (config, "back")->role, weir_config_stage (config, "in")->plugin->reply);
  expect_refused (ALONE TURN
                  " 'consumers': {'back': {'plugin': 'reply', 'to': 'in', 'from': 'turn', 'greting': 'hello'}}}",
                  "p.json:3:72: error: consumers.back.greting: unknown key \"greting\"; did you mean \"greeting\"?");
}
END_TEST

/* ---- "per_connection" ---- */

START_TEST (only_a_producer_accepts)
{
  expect_refused ("{" PRODUCER ",\n 'transforms': {'bad': {'plugin': 'probe', 'from': 'log', 'pattern': 'x',\n"
                  "  'per_connection': true}},\n 'consumers': {'out': {'plugin': 'probe', 'from': 'bad',\n"
                  "  'per_connection': true}}}",
                  "p.json:3:3: error: transforms.bad.per_connection: only a producer accepts connections\n"
                  "p.json:5:3: error: consumers.out.per_connection: only a producer accepts connections");
}
END_TEST

START_TEST (only_a_plugin_that_can_accepts)
{
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/x', 'per_connection': true}},\n " TRANSFORM
                  ",\n " CONSUMER "}",
                  "p.json:1:57: error: producers.log.per_connection: plugin \"probe\" accepts no connections");
}
END_TEST

START_TEST (they_are_booleans)
{
  expect_refused ("{'producers': {'in': {'plugin': 'doors', 'per_connection': 'often'}},\n" TURN
                  " 'consumers': {'out': {'plugin': 'probe', 'from': 'turn', 'shared': 1}}}",
                  "p.json:1:60: error: producers.in.per_connection: found \"often\", expected true or false\n"
                  "p.json:3:69: error: consumers.out.shared: found 1, expected true or false");
}
END_TEST

START_TEST (false_is_as_if_it_were_not_there)
{
  g_autoptr (WeirConfig)
    config = load_fine ("{'producers': {'in': {'plugin': 'doors', 'per_connection': false}},\n" TURN
                        " 'consumers': {'out': {'plugin': 'probe', 'from': 'turn', 'shared': false}}}");
  ck_assert_ptr_null (weir_config_stage (config, "out")->listener);
}
END_TEST

START_TEST (somebody_takes_what_the_listener_gets)
{
  expect_refused (ALONE " 'consumers': {'back': {'plugin': 'reply', 'to': 'in', 'from': 'in.rejected'}}}",
                  "p.json:1:16: error: producers.in: nobody takes its output; name \"in\" in the \"from\" of a "
                  "transform or consumer");
}
END_TEST

/* ---- inputs ---- */

START_TEST (inputs_of_one_connection)
{
  expect_refused (LISTENS " 'consumers': {'out': {'plugin': 'probe', 'from': ['in', 'log']}}}",
                  "p.json:2:51: error: consumers.out.from: \"log\" exists once, another input once for each connection "
                  "of \"in\"; expected inputs of one connection, or \"shared\": true");
  expect_refused (LISTEN " 'in2': {'plugin': 'doors', 'per_connection': true}},\n"
                         " 'consumers': {'out': {'plugin': 'probe', 'from': ['in', 'in2']}}}",
                  "p.json:2:51: error: consumers.out.from: \"in2\" exists once for each connection of \"in2\", another "
                  "input for each of \"in\"; expected inputs of one connection, or \"shared\": true");
  expect_refused (
    LISTENS TURN " 'consumers': {'keep': {'plugin': 'probe', 'from': 'turn', 'shared': true},\n"
                 "  'out': {'plugin': 'probe', 'from': ['keep.rejected', 'turn', 'log']}}}",
    "p.json:4:38: error: consumers.out.from: \"keep\" exists once, another input once for each connection "
    "of \"in\"; expected inputs of one connection, or \"shared\": true");
}
END_TEST

START_TEST (what_is_shared_is_fed_by_connections)
{
  expect_refused ("{" PRODUCER ",\n " TRANSFORM ",\n"
                  " 'consumers': {'out': {'plugin': 'probe', 'from': 'bad', 'shared': true}}}",
                  "p.json:3:58: error: consumers.out.shared: nothing that feeds it exists once for each connection");
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/x', 'shared': true}},\n " TRANSFORM
                  ",\n " CONSUMER "}",
                  "p.json:1:57: error: producers.log.shared: nothing that feeds it exists once for each connection");
  expect_refused (ALONE TURN " 'consumers': {'keep': {'plugin': 'probe', 'from': 'turn', 'shared': true},\n"
                             "  'all': {'plugin': 'probe', 'from': 'keep.rejected', 'shared': true}}}",
                  "p.json:4:55: error: consumers.all.shared: nothing that feeds it exists once for each connection");
}
END_TEST

/* ---- what cannot exist once for each connection ---- */

START_TEST (no_thread_of_its_own)
{
  expect_refused (ALONE TURN " 'consumers': {'out': {'plugin': 'probe', 'from': 'turn',\n  'thread': 'one'}}}",
                  "p.json:4:3: error: consumers.out.thread: it exists once for each connection of \"in\", on a pool of "
                  "workers");
}
END_TEST

START_TEST (nothing_that_restarts)
{
  expect_refused (ALONE TURN " 'consumers': {'out': {'plugin': 'probe', 'from': 'turn',\n  'on_error': 'restart'}}}",
                  "p.json:4:15: error: consumers.out.on_error: it exists once for each connection of \"in\", and its "
                  "failure ends that connection alone; expected \"stop\"");
}
END_TEST

START_TEST (nothing_that_blocks)
{
  expect_refused (
    ALONE " 'transforms': {'turn': {'plugin': 'doors', 'from': 'in'}},\n"
          " 'consumers': {'out': {'plugin': 'doors', 'from': 'turn'}}}",
    "p.json:2:36: error: transforms.turn.plugin: as a transform \"doors\" may block, so it cannot exist once for each "
    "connection of \"in\"; expected \"shared\": true\n"
    "p.json:3:34: error: consumers.out.plugin: as a consumer \"doors\" may block, so it cannot exist once for each "
    "connection of \"in\"; expected \"shared\": true");
  g_autoptr (WeirConfig)
    config = load_fine (ALONE TURN " 'consumers': {'out': {'plugin': 'doors', 'from': 'turn', 'shared': true}}}");
  ck_assert_ptr_nonnull (config);
}
END_TEST

START_TEST (no_file_that_each_would_write)
{
  expect_refused (ALONE TURN " 'consumers': {'out': {'plugin': 'probe', 'from': 'turn',\n  'path': 'x'}}}",
                  "p.json:4:11: error: consumers.out.path: each connection of \"in\" would write it; expected "
                  "\"shared\": true");
}
END_TEST

/* ---- "reply" ---- */

START_TEST (a_reply_is_a_consumer)
{
  expect_refused ("{'producers': {'in': {'plugin': 'reply'}},\n"
                  " 'transforms': {'turn': {'plugin': 'reply', 'from': 'in', 'to': 'in'}},\n"
                  " 'consumers': {'out': {'plugin': 'probe', 'from': 'turn'}}}",
                  "p.json:1:33: error: producers.in.plugin: found \"reply\" among the producers, expected it among the "
                  "consumers\n"
                  "p.json:2:36: error: transforms.turn.plugin: found \"reply\" among the transforms, expected it among "
                  "the consumers");
}
END_TEST

START_TEST (a_reply_says_to_whom)
{
  expect_refused (ALONE TURN " 'consumers': {'back': {'plugin': 'reply', 'from': 'turn'}}}",
                  "p.json:3:24: error: consumers.back: missing key \"to\": the stage whose connections it replies to");
  expect_refused (ALONE TURN " 'consumers': {'back': {'plugin': 'reply', 'from': 'turn', 'to': 'im'}}}",
                  "p.json:3:66: error: consumers.back.to: no stage \"im\"; did you mean \"in\"?");
  expect_refused (ALONE TURN " 'consumers': {'back': {'plugin': 'reply', 'from': 'turn', 'to': 5}}}",
                  "p.json:3:66: error: consumers.back.to: found 5, expected a string");
}
END_TEST

START_TEST (a_reply_needs_connections)
{
  expect_refused (LISTENS TURN " 'consumers': {'back': {'plugin': 'reply', 'from': 'turn', 'to': 'log'},\n"
                               "  'out': {'plugin': 'probe', 'from': 'log'}}}",
                  "p.json:3:66: error: consumers.back.to: \"log\" has no connections to reply to; expected a producer "
                  "that is \"per_connection\"");
  expect_refused (ALONE TURN " 'consumers': {'back': {'plugin': 'reply', 'from': 'turn', 'to': 'back'}}}",
                  "p.json:3:66: error: consumers.back.to: \"back\" has no connections to reply to; expected a producer "
                  "that is \"per_connection\"");
}
END_TEST

START_TEST (not_every_plugin_can_be_replied_to)
{
  expect_refused ("{'producers': {'in': {'plugin': 'turnstile', 'per_connection': true}},\n" TURN
                  " 'consumers': {" REPLY "}}",
                  "p.json:3:50: error: consumers.back.to: plugin \"turnstile\" of \"in\" cannot be replied to");
}
END_TEST

START_TEST (a_reply_gets_what_its_connection_makes)
{
  expect_refused (LISTEN " 'in2': {'plugin': 'doors', 'per_connection': true}},\n" TURN " 'consumers': {" REPLY
                         ", 'cross': {'plugin': 'reply', 'from': 'in2',\n  'to': 'in'}}}",
                  "p.json:4:9: error: consumers.cross.to: what feeds \"cross\" belongs to no connection of \"in\"");
  expect_refused (LISTENS TURN " 'consumers': {'keep': {'plugin': 'probe', 'from': 'turn', 'shared': true},\n"
                               "  'back': {'plugin': 'reply', 'from': 'log',\n  'to': 'in'}}}",
                  "p.json:5:9: error: consumers.back.to: what feeds \"back\" belongs to no connection of \"in\"");
}
END_TEST

START_TEST (a_reply_is_not_shared)
{
  expect_refused (ALONE TURN
                  " 'consumers': {'back': {'plugin': 'reply', 'from': 'turn', 'to': 'in',\n  'shared': true}}}",
                  "p.json:4:3: error: consumers.back.shared: a reply belongs to one connection");
}
END_TEST

START_TEST (only_a_reply_has_a_to)
{
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/x',\n  'to': 'bad'}},\n"
                  " 'transforms': {'bad': {'plugin': 'probe', 'from': 'log', 'pattern': 'x',\n  'to': 'log'}},\n"
                  " 'consumers': {'out': {'plugin': 'probe', 'from': 'bad',\n  'to': 'log'}}}",
                  "p.json:2:3: error: producers.log.to: only a stage whose plugin is \"reply\" has it\n"
                  "p.json:4:3: error: transforms.bad.to: only a stage whose plugin is \"reply\" has it\n"
                  "p.json:6:3: error: consumers.out.to: only a stage whose plugin is \"reply\" has it");
}
END_TEST

/* ---- "engine" ---- */

START_TEST (the_number_of_workers)
{
  g_autoptr (WeirConfig)
    config = load_fine ("{" PRODUCER ",\n " TRANSFORM ",\n " CONSUMER ",\n 'engine': {'workers': 1024}}");
  ck_assert_uint_eq (config->workers, 1024);
  expect_refused ("{" PRODUCER ",\n " TRANSFORM ",\n " CONSUMER ",\n 'engine': {'workers': 0}}",
                  "p.json:4:24: error: engine.workers: found 0, expected a whole number from 1 to 1024");
  expect_refused ("{" PRODUCER ",\n " TRANSFORM ",\n " CONSUMER ",\n 'engine': {'workers': 1025}}",
                  "p.json:4:24: error: engine.workers: found 1025, expected a whole number from 1 to 1024");
  expect_refused ("{" PRODUCER ",\n " TRANSFORM ",\n " CONSUMER ",\n 'engine': {'workers': 'all'}}",
                  "p.json:4:24: error: engine.workers: found \"all\", expected a whole number from 1 to 1024");
}
END_TEST

START_TEST (all_is_told_in_one_go)
{
  expect_refused (
    LISTENS " 'transforms': {'turn': {'plugin': 'doors', 'from': ['in', 'log'], 'to': 'in'}},\n"
            " 'consumers': {'out': {'plugin': 'probe', 'from': 'turn', 'thread': 't'}}}",
    "p.json:2:36: error: transforms.turn.plugin: as a transform \"doors\" may block, so it cannot exist once for each "
    "connection of \"in\"; expected \"shared\": true\n"
    "p.json:2:53: error: transforms.turn.from: \"log\" exists once, another input once for each connection of \"in\"; "
    "expected inputs of one connection, or \"shared\": true\n"
    "p.json:2:68: error: transforms.turn.to: only a stage whose plugin is \"reply\" has it\n"
    "p.json:3:59: error: consumers.out.thread: it exists once for each connection of \"in\", on a pool of workers");
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("connections");
  tcase_add_test (cases, what_lies_downstream_belongs_to_the_listener);
  tcase_add_test (cases, a_reply_has_the_options_of_its_plugins_reply);
  tcase_add_test (cases, only_a_producer_accepts);
  tcase_add_test (cases, only_a_plugin_that_can_accepts);
  tcase_add_test (cases, they_are_booleans);
  tcase_add_test (cases, false_is_as_if_it_were_not_there);
  tcase_add_test (cases, somebody_takes_what_the_listener_gets);
  tcase_add_test (cases, inputs_of_one_connection);
  tcase_add_test (cases, what_is_shared_is_fed_by_connections);
  tcase_add_test (cases, no_thread_of_its_own);
  tcase_add_test (cases, nothing_that_restarts);
  tcase_add_test (cases, nothing_that_blocks);
  tcase_add_test (cases, no_file_that_each_would_write);
  tcase_add_test (cases, a_reply_is_a_consumer);
  tcase_add_test (cases, a_reply_says_to_whom);
  tcase_add_test (cases, a_reply_needs_connections);
  tcase_add_test (cases, not_every_plugin_can_be_replied_to);
  tcase_add_test (cases, a_reply_gets_what_its_connection_makes);
  tcase_add_test (cases, a_reply_is_not_shared);
  tcase_add_test (cases, only_a_reply_has_a_to);
  tcase_add_test (cases, the_number_of_workers);
  tcase_add_test (cases, all_is_told_in_one_go);
  return run_suite ("connections", cases);
}
