/* SPDX-License-Identifier: Apache-2.0 */
/* template.c: what each name gives, how a brace is written, which texts are no templates, and the cache. */
#include "context.h"
#include "template.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define WALL G_GINT64_CONSTANT (1700000000000001)

static WeirContext *context;

static void
make_context (void)
{
  context = weir_context_new (weir_tags_with (NULL, "user", "ada"));
}

static void
drop_context (void)
{
  weir_context_unref (context);
}

static char *
expand_at (const char *text, gint64 time)
{
  static const char payload[] = "hello, world";
  g_autofree char *message = NULL;
  g_autoptr (WeirTemplate) template = weir_template_compile (text, &message);
  ck_assert_pstr_eq (message, NULL);
  ck_assert_ptr_nonnull (template);
  WeirRecord record = { .data = (const guint8 *) payload, .size = 5, .time = time, .context = context };
  GString *out = g_string_new ("> ");
  weir_template_expand (template, &record, WALL, out);
  ck_assert_uint_eq (out->len, strlen (out->str));
  return g_string_free (out, FALSE);
}

typedef struct {
  const char *text, *result;
} Case;

static const Case good[] = {
  { "", "> " },
  { "plain", "> plain" },
  { "{}", "> hello" },
  { "{}{}", "> hellohello" },
  { "[{}]", "> [hello]" },
  { "{user}", "> ada" },
  { "{user}:{}", "> ada:hello" },
  { "{missing}", "> " },
  { "a{missing}b", "> ab" },
  { "{first name}", "> " },
  { "{a.b-c_d}", "> " },
  { "{{", "> {" },
  { "}}", "> }" },
  { "{{}}", "> {}" },
  { "{{{}}}", "> {hello}" },
  { "{{user}}", "> {user}" },
  { "{{\"line\": \"{}\"}}", "> {\"line\": \"hello\"}" },
  { "{time}", "> 2023-11-14T22:13:20.000001Z" },
  { "Gr\xc3\xbc\xc3\x9f"
    "e {user}",
    "> Gr\xc3\xbc\xc3\x9f"
    "e ada" },
};

START_TEST (a_template)
{
  g_autofree char *result = expand_at (good[_i].text, 0);
  ck_assert_str_eq (result, good[_i].result);
}
END_TEST

/* The result is the message. */
static const Case bad[] = {
  { "{", "a template: the \"{\" at byte 1 is not closed; \"{{\" is a brace" },
  { "ab{user", "a template: the \"{\" at byte 3 is not closed; \"{{\" is a brace" },
  { "{a{b}}", "a template: the \"{\" at byte 1 is not closed; \"{{\" is a brace" },
  { "}", "a template: the \"}\" at byte 1 closes nothing; \"}}\" is a brace" },
  { "{user}}", "a template: the \"}\" at byte 7 closes nothing; \"}}\" is a brace" },
  { "{\"a\": 1}", "a template: the \"{\" at byte 1 begins no name; \"{{\" is a brace" },
  { "body { color }", "a template: the \"{\" at byte 6 begins no name; \"{{\" is a brace" },
  { "{a\tb}", "a template: the \"{\" at byte 1 begins no name; \"{{\" is a brace" },
};

START_TEST (a_bad_template)
{
  g_autofree char *message = NULL;
  ck_assert_ptr_null (weir_template_compile (bad[_i].text, &message));
  ck_assert_pstr_eq (message, bad[_i].result);
  ck_assert_ptr_null (weir_template_compile (bad[_i].text, NULL));
}
END_TEST

typedef struct {
  gint64 time;
  const char *text;
} Moment;

static const Moment moments[] = {
  { 1, "> 1970-01-01T00:00:00.000001Z" },
  { -1, "> 1969-12-31T23:59:59.999999Z" },
  { G_GINT64_CONSTANT (951782400123456), "> 2000-02-29T00:00:00.123456Z" },
  { G_GINT64_CONSTANT (253402300799999999), "> 9999-12-31T23:59:59.999999Z" },
  { G_GINT64_CONSTANT (1700000000100000), "> 2023-11-14T22:13:20.100000Z" },
};

START_TEST (the_time_of_the_record)
{
  g_autofree char *result = expand_at ("{time}", moments[_i].time);
  ck_assert_str_eq (result, moments[_i].text);
}
END_TEST

START_TEST (the_time_goes_on)
{
  g_autoptr (WeirTemplate) template = weir_template_compile ("{time}", NULL);
  g_autoptr (GString) out = g_string_new (NULL);
  weir_template_expand (template, NULL, WALL, out);
  weir_template_expand (template, NULL, WALL + 999998, out);
  weir_template_expand (template, NULL, WALL + 999999, out);
  weir_template_expand (template, NULL, WALL, out);
  ck_assert_str_eq (out->str, "2023-11-14T22:13:20.000001Z2023-11-14T22:13:20.999999Z"
                              "2023-11-14T22:13:21.000000Z2023-11-14T22:13:20.000001Z");
}
END_TEST

START_TEST (any_time_is_written)
{
  const gint64 times[] = { G_MININT64, G_MAXINT64 };
  for (gsize i = 0; i < G_N_ELEMENTS (times); i++) {
    g_autofree char *result = expand_at ("{time}", times[i]);
    ck_assert (g_str_has_suffix (result, "Z"));
  }
}
END_TEST

START_TEST (only_time_needs_the_clock)
{
  g_autoptr (WeirTemplate) with = weir_template_compile ("a {time}", NULL);
  g_autoptr (WeirTemplate) without = weir_template_compile ("{{time}} {} {host}", NULL);
  ck_assert (weir_template_uses_time (with));
  ck_assert (!weir_template_uses_time (without));
}
END_TEST

START_TEST (the_host)
{
  g_autofree char *result = expand_at ("{host}", 0);
  g_autofree char *wanted = g_strconcat ("> ", g_get_host_name (), NULL);
  ck_assert_str_eq (result, wanted);
}
END_TEST

START_TEST (no_record)
{
  g_autoptr (WeirTemplate) template = weir_template_compile ("a{}b{user}c", NULL);
  g_autoptr (GString) out = g_string_new (NULL);
  weir_template_expand (template, NULL, WALL, out);
  ck_assert_str_eq (out->str, "abc");
}
END_TEST

START_TEST (no_tags)
{
  WeirRecord record = { .data = (const guint8 *) "x\0y", .size = 3 };
  g_autoptr (WeirTemplate) template = weir_template_compile ("{user}{}", NULL);
  g_autoptr (GString) out = g_string_new (NULL);
  weir_template_expand (template, &record, WALL, out);
  ck_assert_uint_eq (out->len, 3);
  ck_assert_mem_eq (out->str, "x\0y", 4);
}
END_TEST

START_TEST (a_large_payload_grows_the_string)
{
  g_autofree char *payload = g_strnfill (100000, 'p');
  WeirRecord record = { .data = (const guint8 *) payload, .size = 100000 };
  g_autoptr (WeirTemplate) template = weir_template_compile ("<{}>", NULL);
  g_autoptr (GString) out = g_string_new (NULL);
  weir_template_expand (template, &record, WALL, out);
  ck_assert_uint_eq (out->len, 100002);
  ck_assert_int_eq (out->str[100001], '>');
}
END_TEST

START_TEST (the_cache_keeps_what_it_compiled)
{
  WeirTemplateCache *cache = weir_template_cache_new ();
  static const char text[] = "{user}", other[] = "{}";
  WeirTemplate *first = weir_template_cache_get (cache, text);
  WeirTemplate *second = weir_template_cache_get (cache, other);
  ck_assert_ptr_ne (first, second);
  ck_assert_ptr_eq (weir_template_cache_get (cache, text), first);
  ck_assert_ptr_eq (weir_template_cache_get (cache, other), second);
  weir_template_cache_free (cache);
  weir_template_cache_free (NULL);
}
END_TEST

static void
expect_cached (WeirTemplateCache *cache, const char *text, const char *wanted)
{
  g_autoptr (GString) out = g_string_new (NULL);
  weir_template_expand (weir_template_cache_get (cache, text), NULL, WALL, out);
  ck_assert_str_eq (out->str, wanted);
}

START_TEST (the_cache_sees_another_text_in_the_same_place)
{
  WeirTemplateCache *cache = weir_template_cache_new ();
  char text[8] = "one";
  expect_cached (cache, text, "one");
  strcpy (text, "two");
  expect_cached (cache, text, "two");
  weir_template_cache_free (cache);
}
END_TEST

START_TEST (the_cache_is_bounded)
{
  WeirTemplateCache *cache = weir_template_cache_new ();
  char texts[40][8];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 40; i++) {
      g_snprintf (texts[i], sizeof texts[i], "text %d", i);
      expect_cached (cache, texts[i], texts[i]);
    }
  }
  weir_template_cache_free (cache);
}
END_TEST

START_TEST (a_text_that_is_no_template_stands_for_itself)
{
  WeirTemplateCache *cache = weir_template_cache_new ();
  expect_cached (cache, "{ no", "{ no");
  weir_template_cache_free (cache);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("template");
  tcase_add_checked_fixture (cases, make_context, drop_context);
  tcase_add_loop_test (cases, a_template, 0, G_N_ELEMENTS (good));
  tcase_add_loop_test (cases, a_bad_template, 0, G_N_ELEMENTS (bad));
  tcase_add_loop_test (cases, the_time_of_the_record, 0, G_N_ELEMENTS (moments));
  tcase_add_test (cases, the_time_goes_on);
  tcase_add_test (cases, any_time_is_written);
  tcase_add_test (cases, only_time_needs_the_clock);
  tcase_add_test (cases, the_host);
  tcase_add_test (cases, no_record);
  tcase_add_test (cases, no_tags);
  tcase_add_test (cases, a_large_payload_grows_the_string);
  tcase_add_test (cases, the_cache_keeps_what_it_compiled);
  tcase_add_test (cases, the_cache_sees_another_text_in_the_same_place);
  tcase_add_test (cases, the_cache_is_bounded);
  tcase_add_test (cases, a_text_that_is_no_template_stands_for_itself);
  Suite *suite = suite_create ("template");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
