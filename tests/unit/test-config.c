/* SPDX-License-Identifier: Apache-2.0 */
/* The loader: what a good pipeline becomes, and each mistake by name with its whole message. */
#include "config-files.h"

#define START "{" PRODUCER ",\n " TRANSFORM ",\n "

/* ---- good pipelines ------------------------------------------------------------------------------------------------ */

START_TEST (a_good_pipeline_is_loaded_whole)
{
  g_autoptr (WeirConfig) config = load_fine (
    "{'name': 'errors', 'engine': {'shutdown': '2s', 'record_max': '1MiB'},\n"
    " 'producers': {'log': {'plugin': 'probe', 'path': '/x', 'chunk': 4096}},\n"
    " 'transforms': {'split': {'plugin': 'probe', 'from': 'log', 'pattern': 'p', 'thread': 'shared', 'log': 'debug'},\n"
    "                'route': {'plugin': 'sample', 'from': 'split', 'thread': 'shared', 'on_error': 'stop'}},\n"
    " 'consumers': {'out': {'plugin': 'probe', 'from': ['route.odd', 'split.rejected']}}}");

  ck_assert_str_eq (config->name, "errors");
  ck_assert_int_eq (config->shutdown, 2000000);
  ck_assert_uint_eq (config->record_max, 1048576);
  ck_assert_uint_eq (config->stages->len, 4);
  WeirConfigStage *log = weir_config_stage (config, "log"), *split = weir_config_stage (config, "split");
  WeirConfigStage *route = weir_config_stage (config, "route"), *out = weir_config_stage (config, "out");
  ck_assert_ptr_eq (g_ptr_array_index (config->stages, 0), log);
  ck_assert_int_eq (log->kind, WEIR_PRODUCER);
  ck_assert_str_eq (log->plugin_name, "probe");
  ck_assert_ptr_eq (log->role, log->plugin->producer);
  ck_assert_str_eq (
    json_object_to_json_string_ext (log->options, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
    "{\"path\":\"/x\",\"chunk\":4096}");
  ck_assert_uint_eq (log->inputs->len, 0);
  ck_assert_int_eq (split->kind, WEIR_TRANSFORM);
  ck_assert_str_eq (split->thread, "shared");
  ck_assert_int_eq (split->log, G_LOG_LEVEL_DEBUG);
  ck_assert_int_eq (log->log, 0);
  ck_assert_ptr_null (log->thread);
  ck_assert_str_eq (json_object_to_json_string_ext (split->options, JSON_C_TO_STRING_PLAIN), "{\"pattern\":\"p\"}");
  ck_assert_int_eq (out->kind, WEIR_CONSUMER);
  ck_assert_uint_eq (out->inputs->len, 2);
  const WeirConfigInput *odd = g_ptr_array_index (out->inputs, 0), *rejected = g_ptr_array_index (out->inputs, 1);
  ck_assert_str_eq (odd->name, "route.odd:out");
  ck_assert_ptr_eq (odd->from, route);
  ck_assert_uint_eq (odd->port, 1);
  ck_assert (!odd->rejected);
  ck_assert_str_eq (rejected->name, "split.rejected:out");
  ck_assert (rejected->rejected);
  g_autofree char *place = weir_place_format (odd->place);
  ck_assert_str_eq (place, "p.json:5:52");
  g_autofree char *own_place = weir_place_format (route->place);
  ck_assert_str_eq (own_place, "p.json:4:17");
}
END_TEST

START_TEST (defaults_are_those_of_the_manual)
{
  g_autoptr (WeirConfig) config = load_fine (START CONSUMER "}");
  const WeirConfigInput *input = g_ptr_array_index (weir_config_stage (config, "out")->inputs, 0);

  ck_assert_str_eq (config->name, "p");
  ck_assert_int_eq (config->shutdown, 10000000);
  ck_assert_uint_eq (config->record_max, 16 << 20);
  ck_assert_uint_eq (input->queue.records, 4096);
  ck_assert_uint_eq (input->queue.bytes, 1048576);
  ck_assert_int_eq (input->queue.age, 0);
  ck_assert (input->queue.low == 0.5 && input->queue.hard == 2);
  ck_assert_int_eq (input->queue.when_full, WEIR_WHEN_FULL_PAUSE);
}
END_TEST

START_TEST (queue_settings_go_from_the_stage_to_its_links)
{
  g_autoptr (WeirConfig) config = load_fine (
    START "'consumers': {'out': {'plugin': 'probe', 'queue': {'records': 10, 'low': 0.25, 'age': '1500ms'},\n"
          " 'from': {'bad': {'when_full': 'drop_oldest', 'bytes': '4KiB'}, 'log.rejected': {'records': '20', 'hard': "
          "1, 'age': 0}}}}}");
  const WeirConfigStage *out = weir_config_stage (config, "out");
  const WeirConfigInput *bad = g_ptr_array_index (out->inputs, 0), *log = g_ptr_array_index (out->inputs, 1);

  ck_assert_uint_eq (bad->queue.records, 10);
  ck_assert_uint_eq (bad->queue.bytes, 4096);
  ck_assert_int_eq (bad->queue.age, 1500000);
  ck_assert (bad->queue.low == 0.25 && bad->queue.hard == 2);
  ck_assert_int_eq (bad->queue.when_full, WEIR_WHEN_FULL_DROP_OLDEST);
  ck_assert_uint_eq (log->queue.records, 20);
  ck_assert_uint_eq (log->queue.bytes, 1048576);
  ck_assert_int_eq (log->queue.age, 0);
  ck_assert (log->queue.hard == 1);
  ck_assert_int_eq (log->queue.when_full, WEIR_WHEN_FULL_PAUSE);
}
END_TEST

START_TEST (the_files_name_is_the_pipelines)
{
  g_autofree char *said = NULL;
  ck_assert_int_eq (g_mkdir ("sub", 0755), 0);
  put_file ("sub/my.pipe.json", START CONSUMER "}");
  g_autoptr (WeirConfig) config = load_file ("sub/my.pipe.json", NULL, &said);
  ck_assert_str_eq (said, "");
  ck_assert_str_eq (config->name, "my.pipe");
}
END_TEST

START_TEST (standard_input_is_read)
{
  g_autofree char *said = NULL, *also = NULL;
  put_file ("p.json", START CONSUMER "}");
  ck_assert_ptr_nonnull (freopen ("p.json", "r", stdin));
  g_autoptr (WeirConfig) config = load_file ("-", NULL, &said);
  ck_assert_str_eq (said, "");
  ck_assert_str_eq (config->name, "stdin");
  put_file ("p.json", "[");
  ck_assert_ptr_nonnull (freopen ("p.json", "r", stdin));
  ck_assert_ptr_null (load_file ("-", NULL, &also));
  ck_assert_str_eq (also, "-:1:2: error: [0]: the text ends, expected a value; \"[\" at 1:1 is not closed\n");
}
END_TEST

START_TEST (a_consumer_without_transforms_is_enough)
{
  g_autoptr (WeirConfig)
    config = load_fine ("{" PRODUCER ", 'consumers': {'out': {'plugin': 'probe', 'from': 'log'}}}");
  ck_assert_uint_eq (config->stages->len, 2);
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------------------------------- */

START_TEST (a_missing_file_is_refused)
{
  g_autofree char *said = NULL;
  ck_assert_ptr_null (load_file ("no.json", NULL, &said));
  ck_assert_str_eq (said, "no.json: error: cannot open: No such file or directory\n");
}
END_TEST

START_TEST (a_folder_is_refused)
{
  g_autofree char *said = NULL;
  ck_assert_ptr_null (load_file ("/", NULL, &said));
  ck_assert_str_eq (said, "/: error: is a folder, not a file\n");
}
END_TEST

START_TEST (an_unreadable_file_is_refused)
{
  g_autofree char *said = NULL;
  put_file ("p.json", "{}");
  ck_assert_int_eq (g_chmod ("p.json", 0), 0);
  if (g_access ("p.json", R_OK) == 0) { /* root reads all; a dangling path through a file is as unreadable */
    ck_assert_ptr_null (load_file ("p.json/x", NULL, &said));
  } else {
    ck_assert_ptr_null (load_file ("p.json", NULL, &said));
  }
  ck_assert (g_str_has_suffix (said, ": error: cannot open: Not a directory\n") ||
             g_str_has_suffix (said, ": error: cannot open: Permission denied\n"));
}
END_TEST

START_TEST (a_file_of_100_mib_is_refused)
{
  g_autofree char *said = NULL;
  put_file ("p.json", "{}");
  ck_assert_int_eq (truncate ("p.json", (off_t) 100 << 20), 0);
  ck_assert_ptr_null (load_file ("p.json", NULL, &said));
  ck_assert_str_eq (said, "p.json: error: larger than 16 MiB\n");
}
END_TEST

START_TEST (an_empty_file_is_refused)
{
  expect_refused ("", "p.json:1:1: error: the text is empty");
}
END_TEST

START_TEST (another_value_than_an_object_is_refused)
{
  expect_refused ("[1]", "p.json:1:1: error: found [1], expected an object");
  expect_refused ("null", "p.json:1:1: error: found null, expected an object");
}
END_TEST

START_TEST (mistakes_of_the_scan_and_of_the_loader_are_told_together)
{
  expect_refused ("{'producers': {'log': {'plugin': 'probe', 'path': '/a', 'path': '/b', 'count': 01, 'colour': 1,}},\n"
                  " 'consumers': {'out': {'plugin': 'probe', 'from': 'lgo'}}}",
                  "p.json:1:57: error: producers.log.path: duplicate key \"path\"; the first is at p.json:1:43\n"
                  "p.json:1:80: error: producers.log.count: \"01\" is no number of JSON\n"
                  "p.json:1:84: error: producers.log.colour: unknown key \"colour\"\n"
                  "p.json:1:95: error: producers.log: trailing comma\n"
                  "p.json:2:51: error: consumers.out.from: no stage \"lgo\"; did you mean \"log\"?");
}
END_TEST

START_TEST (a_file_may_name_its_schema)
{
  g_autofree char *said = NULL;
  put_file ("p.json", "{'$schema': './weir.schema.json', 'producers': {'log': {'plugin': 'probe', 'path': '/a'}},\n"
                      " 'consumers': {'out': {'plugin': 'probe', 'from': 'log'}}}");
  g_autoptr (WeirConfig) config = load_file ("p.json", NULL, &said);
  ck_assert_msg (config != NULL, "%s", said);
  expect_refused ("{'$schema': 1, 'producers': {'log': {'plugin': 'probe', 'path': '/a'}},\n"
                  " 'consumers': {'out': {'plugin': 'probe', 'from': 'log'}}}",
                  "p.json:1:13: error: [\"$schema\"]: found 1, expected where the schema is");
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("config");

  tcase_add_test (cases, a_good_pipeline_is_loaded_whole);
  tcase_add_test (cases, a_file_may_name_its_schema);
  tcase_add_test (cases, defaults_are_those_of_the_manual);
  tcase_add_test (cases, queue_settings_go_from_the_stage_to_its_links);
  tcase_add_test (cases, the_files_name_is_the_pipelines);
  tcase_add_test (cases, standard_input_is_read);
  tcase_add_test (cases, a_consumer_without_transforms_is_enough);
  tcase_add_test (cases, a_missing_file_is_refused);
  tcase_add_test (cases, a_folder_is_refused);
  tcase_add_test (cases, an_unreadable_file_is_refused);
  tcase_add_test (cases, a_file_of_100_mib_is_refused);
  tcase_add_test (cases, an_empty_file_is_refused);
  tcase_add_test (cases, another_value_than_an_object_is_refused);
  tcase_add_test (cases, mistakes_of_the_scan_and_of_the_loader_are_told_together);
  tcase_set_timeout (cases, 60);
  return run_suite ("config", cases);
}
