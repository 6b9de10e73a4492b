/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the engine's keys: they can be meant so, their defaults are the engine's, and the manual names every key. */
#include "keys.h"

#include "link.h"
#include "options.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST (the_tables_of_options_are_sane)
{
  const WeirRole engine = { .options = weir_engine_keys, .state_size = sizeof (WeirEngineValues) };
  const WeirRole queue = { .options = weir_queue_keys, .state_size = sizeof (WeirQueueValues) };
  char *message = NULL;

  ck_assert_msg (weir_options_sane (&engine, &message), "%s", message);
  ck_assert_msg (weir_options_sane (&queue, &message), "%s", message);
}
END_TEST

START_TEST (a_queues_defaults_are_those_of_a_link)
{
  const WeirQueueSettings link = WEIR_QUEUE_DEFAULTS;
  WeirQueueValues values = { .records = -1 };

  for (const WeirOption *option = weir_queue_keys; option->name != NULL; option++) {
    json_object *initial = weir_option_default (option);
    g_autofree char *message = NULL;
    ck_assert_msg (weir_option_parse (option, initial, &values, NULL, &message), "%s: %s", option->name, message);
    json_object_put (initial);
  }
  ck_assert_int_eq (values.records, link.records);
  ck_assert_uint_eq (values.bytes, link.bytes);
  ck_assert_int_eq (values.age, link.age);
  ck_assert (values.low == link.low && values.hard == link.hard);
  ck_assert_int_eq (values.when_full, link.when_full);
}
END_TEST

START_TEST (a_key_is_found_by_its_whole_name)
{
  ck_assert_int_eq (weir_key_find (weir_stage_keys, "from")->form, WEIR_KEY_FROM);
  ck_assert_int_eq (weir_key_find (weir_file_keys, "consumers")->form, WEIR_KEY_CONSUMERS);
  ck_assert_ptr_null (weir_key_find (weir_stage_keys, "fro"));
  ck_assert_ptr_null (weir_key_find (weir_stage_keys, "engine"));
}
END_TEST

START_TEST (words_of_later_versions_are_reserved_and_not_suggested)
{
  g_autofree const char **names = weir_key_names (weir_stage_keys);

  ck_assert (weir_option_is_reserved ("copies"));
  ck_assert (!g_strv_contains (names, "copies"));
  ck_assert (g_strv_contains (names, "per_connection"));
  ck_assert (!weir_option_is_reserved ("path"));
}
END_TEST

static void
expect_named (const char *page, const char *key)
{
  g_autofree char *code = g_strdup_printf ("`%s`", key);
  ck_assert_msg (strstr (page, code) != NULL, "docs/configuration.md does not name \"%s\"", key);
}

START_TEST (the_manual_names_every_key)
{
  const char *source = g_getenv ("WEIR_SOURCE");
  ck_assert_msg (source != NULL, "WEIR_SOURCE is not set");
  g_autofree char *path = g_build_filename (source, "docs", "configuration.md", NULL), *page = NULL;
  const WeirKey *const tables[] = { weir_file_keys, weir_stage_keys };
  const WeirOption *const options[] = { weir_engine_keys, weir_queue_keys };

  ck_assert (g_file_get_contents (path, &page, NULL, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++) {
    g_autofree const char **names = weir_key_names (tables[i]);
    for (gsize j = 0; names[j] != NULL; j++) {
      expect_named (page, names[j]);
    }
    for (const WeirOption *option = options[i]; option->name != NULL; option++) {
      expect_named (page, option->name);
    }
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("keys");
  TCase *cases = tcase_create ("keys");

  tcase_add_test (cases, the_tables_of_options_are_sane);
  tcase_add_test (cases, a_queues_defaults_are_those_of_a_link);
  tcase_add_test (cases, a_key_is_found_by_its_whole_name);
  tcase_add_test (cases, words_of_later_versions_are_reserved_and_not_suggested);
  tcase_add_test (cases, the_manual_names_every_key);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
