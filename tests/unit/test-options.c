/* SPDX-License-Identifier: Apache-2.0 */
/* options.c and option-value.c: each kind of option with what it takes and what it refuses, defaults, missing and unknown keys, and
 * what a role's own check says. */
#include "option-tables.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const WeirRole role = { .options = table, .state_size = sizeof (State) };

static json_object *
json (const char *text)
{
  json_tokener *tokener = json_tokener_new ();
  json_object *value = json_tokener_parse_ex (tokener, text, (int) strlen (text) + 1);
  ck_assert_msg (json_tokener_get_error (tokener) == json_tokener_success, "%s", text);
  json_tokener_free (tokener);
  return value;
}

static const WeirOption *
option_named (const char *name)
{
  for (const WeirOption *option = table; option->name != NULL; option++) {
    if (strcmp (option->name, name) == 0) {
      return option;
    }
  }
  ck_abort_msg ("no option %s", name);
  return NULL;
}

static void
collect (const char *key, const char *message, gpointer data)
{
  GString *problems = data;
  g_string_append_printf (problems, "%s: %s\n", key == NULL ? "-" : key, message);
}

/* Fills a state from the object and returns what was wrong. */
static char *
fill (const char *text, State *state, GPtrArray *owned)
{
  json_object *object = json (text);
  GString *problems = g_string_new (NULL);
  weir_options_check (&role, object, state, owned, collect, problems);
  json_object_put (object);
  return g_string_free (problems, FALSE);
}

/* ---- one value ---- */

typedef struct {
  const char *option, *value, *message; /* message NULL: it is taken */
} Case;

static const Case taken[] = {
  { "text", "\"\"", NULL },
  { "list", "\"one\"", NULL },
  { "list", "[]", NULL },
  { "map", "{}", NULL },
  { "flag", "\"true\"", NULL },
  { "flag", "\"false\"", NULL },
  { "port", "1", NULL },
  { "port", "\"65535\"", NULL },
  { "port", "8e1", NULL },
  { "count", "-5", NULL },
  { "count", "9223372036854775807", NULL },
  { "rate", "1", NULL },
  { "rate", "\"0.5\"", NULL },
  { "rate", "\"5e-1\"", NULL },
  { "size", "1", NULL },
  { "size", "\"1MiB\"", NULL },
  { "size", "\"1\"", NULL },
  { "chunk", "18446744073709551615", NULL },
  { "wait", "\"1h\"", NULL },
  { "wait", "0", NULL },
  { "mode", "\"none\"", NULL },
  { "line", "\"{time} {}\"", NULL },
};

static const Case refused[] = {
  { "text", "5", "found 5, expected a string" },
  { "text", "null", "found null, expected a string" },
  { "text", "[\"a\"]", "found [\"a\"], expected a string" },
  { "text", "\"a\\u0000b\"", "found \"a\\u0000b\", expected a string without a NUL in it" },
  { "path", "\"\"", "found \"\", expected the path of a file or folder" },
  { "line", "\"{user\"", "found \"{user\", expected a template: the \"{\" at byte 1 is not closed; \"{{\" is a brace" },
  { "token", "5", "found a secret value, expected a string" },
  { "list", "5", "found 5, expected a string or a list of strings" },
  { "list", "{\"a\": 1}", "found {\"a\":1}, expected a string or a list of strings" },
  { "list", "[\"a\", null]", "item 2: found null, expected a string" },
  { "map", "\"a\"", "found \"a\", expected an object of strings" },
  { "map", "[]", "found [], expected an object of strings" },
  { "map", "{\"a\": \"b\", \"c\": 5}", "\"c\": found 5, expected a string" },
  { "flag", "1", "found 1, expected true or false" },
  { "flag", "\"yes\"", "found \"yes\", expected true or false" },
  { "flag", "null", "found null, expected true or false" },
  { "port", "0", "found 0, expected a whole number from 1 to 65535" },
  { "port", "65536", "found 65536, expected a whole number from 1 to 65535" },
  { "port", "80.5", "found 80.5, expected a whole number from 1 to 65535" },
  { "port", "\"\"", "found \"\", expected a whole number from 1 to 65535" },
  { "port", "\"-\"", "found \"-\", expected a whole number from 1 to 65535" },
  { "port", "\" 80\"", "found \" 80\", expected a whole number from 1 to 65535" },
  { "port", "\"0x50\"", "found \"0x50\", expected a whole number from 1 to 65535" },
  { "port", "true", "found true, expected a whole number from 1 to 65535" },
  { "port", "null", "found null, expected a whole number from 1 to 65535" },
  { "count", "-6", "found -6, expected a whole number of at least -5" },
  { "count", "9223372036854775808", "found 9223372036854775808, expected a whole number of at least -5" },
  { "count", "\"9223372036854775808\"", "found \"9223372036854775808\", expected a whole number of at least -5" },
  { "count", "1e300", "found 1e300, expected a whole number of at least -5" },
  { "rate", "-0.1", "found -0.1, expected a number from 0 to 1" },
  { "rate", "2", "found 2, expected a number from 0 to 1" },
  { "rate", "NaN", "found NaN, expected a number from 0 to 1" },
  { "rate", "Infinity", "found Infinity, expected a number from 0 to 1" },
  { "rate", "\"nan\"", "found \"nan\", expected a number from 0 to 1" },
  { "rate", "\"0,5\"", "found \"0,5\", expected a number from 0 to 1" },
  { "rate", "\"1e\"", "found \"1e\", expected a number from 0 to 1" },
  { "rate", "\"1e999\"", "found \"1e999\", expected a number from 0 to 1" },
  { "rate", "\"0.\"", "found \"0.\", expected a number from 0 to 1" },
  { "rate", "false", "found false, expected a number from 0 to 1" },
  { "size", "0", "found 0, expected a size from 1 to 1MiB" },
  { "size", "\"2MiB\"", "found \"2MiB\", expected a size from 1 to 1MiB" },
  { "size", "-1", "found -1, expected " WEIR_SIZE_FORM },
  { "size", "1.5", "found 1.5, expected " WEIR_SIZE_FORM },
  { "size", "\"many\"", "found \"many\", expected " WEIR_SIZE_FORM },
  { "size", "\"0.1KiB\"", "found \"0.1KiB\", expected a whole number of bytes" },
  { "chunk", "[]", "found [], expected " WEIR_SIZE_FORM },
  { "chunk", "-0.5", "found -0.5, expected " WEIR_SIZE_FORM },
  { "wait", "10", "found 10, expected a duration such as \"100ms\" (units us, ms, s, m, h, d)" },
  { "wait", "\"10 parsecs\"",
    "found \"10 parsecs\", expected a duration such as \"100ms\" (units us, ms, s, m, h, d)" },
  { "wait", "\"61m\"", "found \"61m\", expected a duration of at most 1h" },
  { "pause", "\"-1s\"", "found \"-1s\", expected " WEIR_DURATION_FORM },
  { "mode", "\"btach\"", "found \"btach\", expected one of \"none\", \"batch\", \"record\"; did you mean \"batch\"?" },
  { "mode", "\"\"", "found \"\", expected one of \"none\", \"batch\", \"record\"" },
  { "mode", "1", "found 1, expected one of \"none\", \"batch\", \"record\"" },
};

static void
check_value (const Case *wanted)
{
  json_object *value = json (wanted->value);
  State state = { 0 };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL, *dry_message = NULL;
  const WeirOption *option = option_named (wanted->option);
  gboolean parsed = weir_option_parse (option, value, &state, owned, &message);
  gboolean dry = weir_option_parse (option, value, NULL, NULL, &dry_message);
  json_object_put (value);

  ck_assert_pstr_eq (message, wanted->message);
  ck_assert_pstr_eq (dry_message, wanted->message);
  ck_assert_int_eq (parsed, wanted->message == NULL);
  ck_assert_int_eq (dry, parsed);
  if (!parsed) {
    State untouched = { 0 };
    ck_assert_mem_eq (&state, &untouched, sizeof state);
    ck_assert_uint_eq (owned->len, 0);
  }
}

START_TEST (a_value_is_taken)
{
  check_value (&taken[_i]);
}
END_TEST

START_TEST (a_value_is_refused)
{
  check_value (&refused[_i]);
}
END_TEST

START_TEST (an_empty_list_is_refused_where_one_is_required)
{
  WeirOption option = *option_named ("list");
  option.initial = NULL;
  option.flags = WEIR_REQUIRED;
  json_object *value = json ("[]");
  g_autofree char *message = NULL;
  ck_assert (!weir_option_parse (&option, value, NULL, NULL, &message));
  ck_assert_str_eq (message, "found [], expected at least one string");
  json_object_put (value);
}
END_TEST

/* ---- a whole object ---- */

START_TEST (defaults_fill_the_state)
{
  State state = { 0 };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *problems = fill ("{\"path\": \"/x\"}", &state, owned);
  ck_assert_str_eq (problems, "");
  ck_assert_str_eq (state.text, "some");
  ck_assert_str_eq (state.path, "/x");
  ck_assert_ptr_null (state.line);
  ck_assert_str_eq (state.list[0], "a");
  ck_assert_str_eq (state.list[1], "b");
  ck_assert_ptr_null (state.list[2]);
  ck_assert_ptr_null (state.map);
  ck_assert_int_eq (state.flag, TRUE);
  ck_assert_int_eq (state.port, 80);
  ck_assert_int_eq (state.count, 0);
  ck_assert_double_eq (state.rate, 0.25);
  ck_assert_uint_eq (state.size, 65536);
  ck_assert_uint_eq (state.chunk, 0);
  ck_assert_int_eq (state.wait, 100000);
  ck_assert_int_eq (state.pause, 0);
  ck_assert_int_eq (state.mode, 1);
}
END_TEST

START_TEST (values_fill_the_state)
{
  State state = { 0 };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *problems = fill (
    "{\"text\": \"t\", \"path\": \"p\", \"line\": \"{}\", \"token\": \"s\", \"list\": \"one\","
    " \"map\": {\"k\": \"v\", \"l\": \"w\"}, \"flag\": false, \"port\": \"81\", \"count\": -5,"
    " \"rate\": \"0.5\", \"size\": \"1.5KiB\", \"chunk\": 18446744073709551615, \"wait\": \"1.5s\","
    " \"pause\": \"1d\", \"mode\": \"record\"}",
    &state, owned);
  ck_assert_str_eq (problems, "");
  ck_assert_str_eq (state.text, "t");
  ck_assert_str_eq (state.path, "p");
  ck_assert_str_eq (state.line, "{}");
  ck_assert_str_eq (state.token, "s");
  ck_assert_str_eq (state.list[0], "one");
  ck_assert_ptr_null (state.list[1]);
  ck_assert_str_eq (state.map[0].key, "k");
  ck_assert_str_eq (state.map[0].value, "v");
  ck_assert_str_eq (state.map[1].key, "l");
  ck_assert_str_eq (state.map[1].value, "w");
  ck_assert_ptr_null (state.map[2].key);
  ck_assert_int_eq (state.flag, FALSE);
  ck_assert_int_eq (state.port, 81);
  ck_assert_int_eq (state.count, -5);
  ck_assert_double_eq (state.rate, 0.5);
  ck_assert_uint_eq (state.size, 1536);
  ck_assert_uint_eq (state.chunk, G_MAXUINT64);
  ck_assert_int_eq (state.wait, 1500000);
  ck_assert_int_eq (state.pause, G_GINT64_CONSTANT (86400000000));
  ck_assert_int_eq (state.mode, 2);
}
END_TEST

START_TEST (every_problem_is_reported)
{
  State state = { 0 };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *problems = fill ("{\"prot\": 1, \"port\": 0, \"fron\": \"x\", \"from\": \"x\", \"copies\": 2,"
                                    " \"mode\": \"batch\", \"zzz\\n\": 1}",
                                    &state, owned);
  ck_assert_str_eq (problems, "-: missing key \"path\" (File to read)\n"
                              "prot: unknown key \"prot\"; did you mean \"port\"?\n"
                              "port: found 0, expected a whole number from 1 to 65535\n"
                              "fron: unknown key \"fron\"; did you mean \"from\"?\n"
                              "zzz\n: unknown key \"zzz\\n\"\n");
}
END_TEST

START_TEST (checking_alone_needs_no_state)
{
  g_autofree char *problems = fill ("{\"path\": \"/x\", \"port\": 0}", NULL, NULL);
  ck_assert_str_eq (problems, "port: found 0, expected a whole number from 1 to 65535\n");
}
END_TEST

START_TEST (no_object_gives_defaults)
{
  State state = { 0 };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) problems = g_string_new (NULL);
  weir_options_check (&role, NULL, &state, owned, collect, problems);
  ck_assert_str_eq (problems->str, "-: missing key \"path\" (File to read)\n");
  ck_assert_int_eq (state.port, 80);
}
END_TEST

/* ---- the role's own check ---- */

static char *
check_state (gconstpointer self, const char **option)
{
  const State *state = self;
  if (state->port == 1) {
    *option = "port";
  } else if (state->port == 2) {
    *option = "no such option";
  } else if (state->mode == 1) {
    *option = "mode";
  }
  return state->port == 3 ? NULL : g_strdup_printf ("found port %d and\npath %s", (int) state->port, state->path);
}

static void
expect_checked (const char *text, const char *wanted)
{
  const WeirRole checked = { .options = table, .state_size = sizeof (State), .check = check_state };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) problems = g_string_new (NULL);
  State state = { 0 };
  json_object *object = json (text);
  weir_options_check (&checked, object, &state, owned, collect, problems);
  json_object_put (object);
  ck_assert_str_eq (problems->str, wanted);
}

START_TEST (a_check_that_finds_nothing)
{
  expect_checked ("{\"path\": \"/x\", \"port\": 3}", "");
}
END_TEST

START_TEST (a_check_is_told_of_its_option_on_one_line)
{
  expect_checked ("{\"path\": \"/x\", \"port\": 1}", "port: found port 1 and path /x\n");
}
END_TEST

START_TEST (a_check_of_an_option_that_is_not_written_is_told_of_the_stage)
{
  expect_checked ("{\"path\": \"/x\"}", "-: mode: found port 80 and path /x\n");
}
END_TEST

START_TEST (a_check_without_a_known_option_is_told_of_the_stage)
{
  expect_checked ("{\"path\": \"/x\", \"port\": 4, \"mode\": \"none\"}", "-: found port 4 and path /x\n");
  expect_checked ("{\"path\": \"/x\", \"port\": 2}", "-: found port 2 and path /x\n");
}
END_TEST

START_TEST (nothing_is_checked_behind_a_mistake)
{
  expect_checked ("{\"port\": 1}", "-: missing key \"path\" (File to read)\n");
  expect_checked ("{\"path\": 5, \"port\": 1}", "path: found 5, expected a string\n");
  expect_checked ("{\"path\": \"/x\", \"prt\": 1}", "prt: unknown key \"prt\"; did you mean \"port\"?\n");
}
END_TEST

START_TEST (a_role_without_options_knows_no_key)
{
  const WeirRole bare = { .summary = "Bare" };
  json_object *object = json ("{\"plugin\": \"x\", \"some\": 1}");
  g_autoptr (GString) problems = g_string_new (NULL);
  weir_options_check (&bare, object, NULL, NULL, collect, problems);
  ck_assert_str_eq (problems->str, "some: unknown key \"some\"\n");
  json_object_put (object);
}
END_TEST

int
main (void)
{
  /* Where there is one with a decimal comma, it changes nothing. */
  setlocale (LC_ALL, "de_DE.UTF-8");
  TCase *cases = tcase_create ("options");
  tcase_add_loop_test (cases, a_value_is_taken, 0, G_N_ELEMENTS (taken));
  tcase_add_loop_test (cases, a_value_is_refused, 0, G_N_ELEMENTS (refused));
  tcase_add_test (cases, an_empty_list_is_refused_where_one_is_required);
  tcase_add_test (cases, defaults_fill_the_state);
  tcase_add_test (cases, values_fill_the_state);
  tcase_add_test (cases, every_problem_is_reported);
  tcase_add_test (cases, checking_alone_needs_no_state);
  tcase_add_test (cases, no_object_gives_defaults);
  tcase_add_test (cases, a_check_that_finds_nothing);
  tcase_add_test (cases, a_check_is_told_of_its_option_on_one_line);
  tcase_add_test (cases, a_check_of_an_option_that_is_not_written_is_told_of_the_stage);
  tcase_add_test (cases, a_check_without_a_known_option_is_told_of_the_stage);
  tcase_add_test (cases, nothing_is_checked_behind_a_mistake);
  tcase_add_test (cases, a_role_without_options_knows_no_key);
  Suite *suite = suite_create ("options");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
