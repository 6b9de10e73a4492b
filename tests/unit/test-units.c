/* SPDX-License-Identifier: Apache-2.0 */
/* units.c: what sizes and durations are worth, to the byte and the microsecond, and how what is none is refused. */
#include "units.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *text;
  guint64 value;
  const char *message;
} Case;

static const Case sizes[] = {
  { "0", 0, NULL },
  { "65536", 65536, NULL },
  { "64KiB", 65536, NULL },
  { "1.5MiB", 1572864, NULL },
  { "2GiB", G_GUINT64_CONSTANT (2147483648), NULL },
  { "3KB", 3000, NULL },
  { "1.25MB", 1250000, NULL },
  { "0.000000001GB", 1, NULL },
  { "1.0", 1, NULL },
  { "0.500000000000000000000000KiB", 512, NULL },
  { "18446744073709551615", G_MAXUINT64, NULL },
  { "17179869183.999999999GiB", 0, "found \"17179869183.999999999GiB\", expected a whole number of bytes" },
  { "17179869183.5GiB", G_GUINT64_CONSTANT (18446744073172680704), NULL },
};

static const Case bad_sizes[] = {
  { "0.1KiB", 0, "found \"0.1KiB\", expected a whole number of bytes" },
  { "1.5", 0, "found \"1.5\", expected a whole number of bytes" },
  { "18446744073709551616", 0,
    "found \"18446744073709551616\", expected a size of at most 18446744073709551615 bytes" },
  { "17179869184GiB", 0, "found \"17179869184GiB\", expected a size of at most 18446744073709551615 bytes" },
  { "0.0000000000000000001KiB", 0, "found \"0.0000000000000000001KiB\", expected a whole number of bytes" },
  { "", 0, "found \"\", expected " WEIR_SIZE_FORM },
  { "-1", 0, "found \"-1\", expected " WEIR_SIZE_FORM },
  { "+1", 0, "found \"+1\", expected " WEIR_SIZE_FORM },
  { "1 KiB", 0, "found \"1 KiB\", expected " WEIR_SIZE_FORM },
  { " 1KiB", 0, "found \" 1KiB\", expected " WEIR_SIZE_FORM },
  { "1kib", 0, "found \"1kib\", expected " WEIR_SIZE_FORM },
  { "1TiB", 0, "found \"1TiB\", expected " WEIR_SIZE_FORM },
  { "KiB", 0, "found \"KiB\", expected " WEIR_SIZE_FORM },
  { ".5KiB", 0, "found \".5KiB\", expected " WEIR_SIZE_FORM },
  { "1.KiB", 0, "found \"1.KiB\", expected " WEIR_SIZE_FORM },
  { "1,5KiB", 0, "found \"1,5KiB\", expected " WEIR_SIZE_FORM },
  { "1.5.5KiB", 0, "found \"1.5.5KiB\", expected " WEIR_SIZE_FORM },
  { "0x10", 0, "found \"0x10\", expected " WEIR_SIZE_FORM },
  { "1e3", 0, "found \"1e3\", expected " WEIR_SIZE_FORM },
  { "nan", 0, "found \"nan\", expected " WEIR_SIZE_FORM },
  { "1\n", 0, "found \"1\\n\", expected " WEIR_SIZE_FORM },
  { "\xff", 0, "found \"\xef\xbf\xbd\", expected " WEIR_SIZE_FORM },
};

static const Case durations[] = {
  { "0", 0, NULL },
  { "0s", 0, NULL },
  { "1us", 1, NULL },
  { "100ms", 100000, NULL },
  { "1.5s", 1500000, NULL },
  { "0.000001s", 1, NULL },
  { "2m", 120000000, NULL },
  { "1.5h", G_GUINT64_CONSTANT (5400000000), NULL },
  { "7d", G_GUINT64_CONSTANT (604800000000), NULL },
  { "9223372036854775807us", G_MAXINT64, NULL },
};

static const Case bad_durations[] = {
  { "10 parsecs", 0, "found \"10 parsecs\", expected a duration such as \"100ms\" (units us, ms, s, m, h, d)" },
  { "10", 0, "found \"10\", expected " WEIR_DURATION_FORM },
  { "00", 0, "found \"00\", expected " WEIR_DURATION_FORM },
  { "-1s", 0, "found \"-1s\", expected " WEIR_DURATION_FORM },
  { "1S", 0, "found \"1S\", expected " WEIR_DURATION_FORM },
  { "1sec", 0, "found \"1sec\", expected " WEIR_DURATION_FORM },
  { "s", 0, "found \"s\", expected " WEIR_DURATION_FORM },
  { "", 0, "found \"\", expected " WEIR_DURATION_FORM },
  { "1,5s", 0, "found \"1,5s\", expected " WEIR_DURATION_FORM },
  { "0.5us", 0, "found \"0.5us\", expected a whole number of microseconds" },
  { "9223372036854775808us", 0,
    "found \"9223372036854775808us\", expected a duration of at most 9223372036854775807us" },
  { "106751992d", 0, "found \"106751992d\", expected a duration of at most 9223372036854775807us" },
};

static void
check_size (const Case *wanted)
{
  guint64 bytes = 12345;
  g_autofree char *message = NULL;
  gboolean taken = weir_parse_size (wanted->text, &bytes, &message);

  ck_assert_pstr_eq (message, wanted->message);
  ck_assert_int_eq (taken, wanted->message == NULL);
  ck_assert_uint_eq (bytes, taken ? wanted->value : 12345);
}

static void
check_duration (const Case *wanted)
{
  gint64 microseconds = 12345;
  g_autofree char *message = NULL;
  gboolean taken = weir_parse_duration (wanted->text, &microseconds, &message);

  ck_assert_pstr_eq (message, wanted->message);
  ck_assert_int_eq (taken, wanted->message == NULL);
  ck_assert_int_eq (microseconds, taken ? (gint64) wanted->value : 12345);
}

START_TEST (a_size)
{
  check_size (&sizes[_i]);
}
END_TEST

START_TEST (a_bad_size)
{
  check_size (&bad_sizes[_i]);
}
END_TEST

START_TEST (a_duration)
{
  check_duration (&durations[_i]);
}
END_TEST

START_TEST (a_bad_duration)
{
  check_duration (&bad_durations[_i]);
}
END_TEST

START_TEST (no_message_is_asked_for)
{
  guint64 bytes;
  gint64 microseconds;
  ck_assert (!weir_parse_size ("x", &bytes, NULL));
  ck_assert (!weir_parse_duration ("x", &microseconds, NULL));
}
END_TEST

START_TEST (a_long_text_is_cut)
{
  guint64 bytes;
  g_autofree char *text = g_strnfill (100000, 'x');
  g_autofree char *message = NULL;
  ck_assert (!weir_parse_size (text, &bytes, &message));
  ck_assert (g_str_has_prefix (message, "found \"xxxxxxxx"));
  ck_assert (g_str_has_suffix (message, "xxx...\", expected " WEIR_SIZE_FORM));
  ck_assert_uint_lt (strlen (message), 200);
}
END_TEST

int
main (void)
{
  /* Where there is one with a decimal comma, it changes nothing. */
  setlocale (LC_ALL, "de_DE.UTF-8");
  TCase *cases = tcase_create ("units");
  tcase_add_loop_test (cases, a_size, 0, G_N_ELEMENTS (sizes));
  tcase_add_loop_test (cases, a_bad_size, 0, G_N_ELEMENTS (bad_sizes));
  tcase_add_loop_test (cases, a_duration, 0, G_N_ELEMENTS (durations));
  tcase_add_loop_test (cases, a_bad_duration, 0, G_N_ELEMENTS (bad_durations));
  tcase_add_test (cases, no_message_is_asked_for);
  tcase_add_test (cases, a_long_text_is_cut);
  Suite *suite = suite_create ("units");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
