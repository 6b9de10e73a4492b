/* SPDX-License-Identifier: Apache-2.0 */
/* option-table.c: defaults as they are shown, and the tables that are no tables. */
#include "option-tables.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

START_TEST (defaults_are_shown_as_json)
{
  static const char *const wanted[] = { "\"some\"",  "null",  "null",      "null",   "[\"a\",\"b\"]",
                                        "null",      "true",  "80",        "0",      "0.25",
                                        "\"64KiB\"", "\"0\"", "\"100ms\"", "\"0s\"", "\"batch\"" };
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++) {
    json_object *value = weir_option_default (&table[i]);
    ck_assert_str_eq (json_object_to_json_string_ext (value, JSON_C_TO_STRING_PLAIN), wanted[i]);
    json_object_put (value);
  }
}
END_TEST

/* ---- tables ---- */

static void
expect_table (const WeirOption *options, gsize state_size, const char *wanted)
{
  const WeirRole tried = { .options = options, .state_size = state_size };
  g_autofree char *message = NULL;
  gboolean sane = weir_options_sane (&tried, &message);
  ck_assert_pstr_eq (message, wanted);
  ck_assert_int_eq (sane, wanted == NULL);
}

START_TEST (a_sane_table)
{
  expect_table (table, sizeof (State), NULL);
  expect_table (NULL, 0, NULL);
}
END_TEST

#define END WEIR_OPTIONS_END
#define AT(field) offsetof (State, field)

static const struct {
  WeirOption options[3];
  const char *message;
} tables[] = {
  { { { "a b", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }, END },
    "option 1: found \"a b\", expected a name of letters, digits and _" },
  { { { NULL, NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }, END },
    "option 1: found no name, expected a name of letters, digits and _" },
  { { { "1a", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }, END },
    "option 1: found \"1a\", expected a name of letters, digits and _" },
  { { { "queue", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }, END },
    "option \"queue\": this key belongs to the engine" },
  { { { "isolate", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }, END },
    "option \"isolate\": this key belongs to the engine" },
  { { WEIR_STRING (State, text, NULL, 0, ""), WEIR_STRING (State, text, NULL, 0, ""), END },
    "option \"text\": it is there twice" },
  { { { "a", NULL, NULL, NULL, 0, 77, 0 }, END }, "option \"a\": found kind 77, expected one of this version's" },
  { { WEIR_STRING (State, text, NULL, 1024, ""), END },
    "option \"text\": found flags 0x400, expected those of this version only" },
  { { WEIR_STRING (State, text, NULL, WEIR_LIVE, ""), END },
    "option \"text\": it has the flag WEIR_LIVE, which this version of Weir does not know" },
  { { WEIR_SIZE (State, size, NULL, NULL, WEIR_SECRET, ""), END },
    "option \"size\": WEIR_SECRET, WEIR_PATH and WEIR_TEMPLATE are for strings, and it is a size" },
  { { WEIR_STRING (State, text, NULL, WEIR_WRITES, ""), END },
    "option \"text\": WEIR_READS and WEIR_WRITES are for strings and lists that have WEIR_PATH" },
  { { WEIR_MAP (State, map, WEIR_PATH | WEIR_READS, ""), END },
    "option \"map\": WEIR_READS and WEIR_WRITES are for strings and lists that have WEIR_PATH" },
  { { WEIR_STRING (State, text, "x", WEIR_REQUIRED, ""), END }, "option \"text\": it is required and has a default" },
  { { { "a", "x", NULL, NULL, AT (map), WEIR_OPTION_MAP_, 0 }, END }, "option \"a\": it is a map and has a default" },
  { { { "a", NULL, "1..2", NULL, 0, WEIR_OPTION_STRING_, 0 }, END }, "option \"a\": it is a string and has a range" },
  { { WEIR_INTEGER (State, port, NULL, "5", 0, ""), END },
    "option \"port\": found the range \"5\", expected LOW..HIGH, LOW.. or ..HIGH" },
  { { WEIR_INTEGER (State, port, NULL, "..", 0, ""), END },
    "option \"port\": found the range \"..\", expected LOW..HIGH, LOW.. or ..HIGH" },
  { { WEIR_INTEGER (State, port, NULL, "1..x", 0, ""), END },
    "option \"port\": found the range \"1..x\", expected LOW..HIGH, LOW.. or ..HIGH" },
  { { WEIR_INTEGER (State, port, NULL, "2..1", 0, ""), END },
    "option \"port\": found the range \"2..1\", expected LOW..HIGH, LOW.. or ..HIGH" },
  { { WEIR_SIZE (State, size, NULL, "1..1parsec", 0, ""), END },
    "option \"size\": found the range \"1..1parsec\", expected LOW..HIGH, LOW.. or ..HIGH" },
  { { WEIR_INTEGER (State, port, "70000", "1..65535", 0, ""), END },
    "option \"port\": its default: found \"70000\", expected a whole number from 1 to 65535" },
  { { WEIR_DURATION (State, wait, "10", NULL, 0, ""), END },
    "option \"wait\": its default: found \"10\", expected " WEIR_DURATION_FORM },
  { { WEIR_STRINGS (State, list, "[1]", 0, ""), END },
    "option \"list\": its default: item 1: found 1, expected a string" },
  { { WEIR_STRING (State, line, "{", WEIR_TEMPLATE, ""), END },
    "option \"line\": its default: found \"{\", expected a template: the \"{\" at byte 1 is not closed; \"{{\" is a "
    "brace" },
  { { WEIR_CHOICE (State, mode, NULL, NULL, 0, ""), END },
    "option \"mode\": it is a choice and names nothing to choose from" },
  { { WEIR_CHOICE (State, mode, NULL, "", 0, ""), END },
    "option \"mode\": it is a choice and names nothing to choose from" },
  { { WEIR_CHOICE (State, mode, NULL, "a||b", 0, ""), END },
    "option \"mode\": found choices \"a||b\", expected words such as \"a|b|c\"" },
  { { WEIR_CHOICE (State, mode, NULL, "a|b|a", 0, ""), END }, "option \"mode\": its choice \"a\" is there twice" },
  { { WEIR_CHOICE (State, mode, "c", "a|b", 0, ""), END },
    "option \"mode\": its default: found \"c\", expected one of \"a\", \"b\"" },
  { { { "a", NULL, NULL, NULL, sizeof (State) - 4, WEIR_OPTION_STRING_, 0 }, END }, "outside" },
  { { { "a", NULL, NULL, NULL, G_MAXSIZE, WEIR_OPTION_STRING_, 0 }, END }, "outside" },
  { { { "a", NULL, NULL, NULL, 4, WEIR_OPTION_STRING_, 0 }, END },
    "option \"a\": its field, at byte 4, is not aligned" },
  { { { "a", NULL, NULL, NULL, 8, WEIR_OPTION_STRING_, 0 },
      { "b", NULL, NULL, NULL, 12, WEIR_OPTION_BOOLEAN_, 0 },
      END },
    "option \"b\": it shares its field with \"a\"" },
};

START_TEST (a_contradictory_table)
{
  const char *wanted = tables[_i].message;
  if (strcmp (wanted, "outside") != 0) {
    expect_table (tables[_i].options, sizeof (State), wanted);
    return;
  }
  gsize offset = tables[_i].options[0].offset;
  g_autofree char *message = g_strdup_printf ("option \"a\": its field, bytes %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT
                                              ", lies outside the state of %" G_GSIZE_FORMAT " bytes",
                                              offset, offset + sizeof (char *), sizeof (State));
  expect_table (tables[_i].options, sizeof (State), message);
}
END_TEST

START_TEST (a_table_without_an_end)
{
  enum { MANY = 600 };
  WeirOption *many = g_new0 (WeirOption, MANY);
  char names[MANY][8];
  for (int i = 0; i < MANY; i++) {
    g_snprintf (names[i], sizeof names[i], "o%d", i);
    many[i] = (WeirOption){ names[i], NULL, NULL, NULL, 8 * (gsize) i, WEIR_OPTION_STRING_, 0 };
  }
  expect_table (many, 8 * MANY, "its table of options does not end with WEIR_OPTIONS_END");
  g_free (many);
}
END_TEST

int
main (void)
{
  /* Where there is one with a decimal comma, it changes nothing. */
  setlocale (LC_ALL, "de_DE.UTF-8");
  TCase *cases = tcase_create ("option-table");
  tcase_add_test (cases, defaults_are_shown_as_json);
  tcase_add_test (cases, a_sane_table);
  tcase_add_loop_test (cases, a_contradictory_table, 0, G_N_ELEMENTS (tables));
  tcase_add_test (cases, a_table_without_an_end);
  Suite *suite = suite_create ("option-table");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
