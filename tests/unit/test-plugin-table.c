/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-table.c and plugin-describe.c: each way in which a plugin's table can be wrong, and how a right one is shown. */
#include "plugin-object.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static WeirNext
begin (WeirStage *stage G_GNUC_UNUSED, gpointer self G_GNUC_UNUSED)
{
  return WEIR_MORE;
}

static void
tell (WeirStage *stage G_GNUC_UNUSED, gpointer self G_GNUC_UNUSED)
{
}

static WeirNext
consume (WeirStage *stage G_GNUC_UNUSED, gpointer self G_GNUC_UNUSED, const WeirRecord *record G_GNUC_UNUSED)
{
  return WEIR_MORE;
}

static WeirNext
flush (WeirStage *stage G_GNUC_UNUSED, gpointer self G_GNUC_UNUSED, const WeirRecord *records G_GNUC_UNUSED,
       gsize count G_GNUC_UNUSED)
{
  return WEIR_MORE;
}

static WeirNext
end_stream (WeirStage *stage G_GNUC_UNUSED, gpointer self G_GNUC_UNUSED, gpointer state G_GNUC_UNUSED)
{
  return WEIR_MORE;
}

static WeirNext
take_over (WeirStage *stage G_GNUC_UNUSED, gpointer self G_GNUC_UNUSED, gpointer previous G_GNUC_UNUSED)
{
  return WEIR_MORE;
}

static void
delivered (WeirStage *stage G_GNUC_UNUSED, gpointer self G_GNUC_UNUSED, gpointer token G_GNUC_UNUSED,
           WeirOutcome outcome G_GNUC_UNUSED)
{
}

static WeirPlugin
table_of (const WeirRole *producer, const WeirRole *transform, const WeirRole *consumer)
{
  return (WeirPlugin){ WEIR_ABI,
                       sizeof (WeirPlugin),
                       sizeof (WeirRole),
                       sizeof (WeirOption),
                       "foo",
                       "1.0",
                       "0.1",
                       producer,
                       transform,
                       consumer,
                       NULL };
}

static void
expect (const WeirPlugin *table, const char *wanted)
{
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  const WeirPlugin *plugin = weir_plugin_table_check ("foo", table, owned, &message);
  ck_assert_pstr_eq (message, wanted);
  ck_assert_ptr_eq (plugin, wanted == NULL ? table : NULL);
  ck_assert_uint_eq (owned->len, 0);
}

START_TEST (a_right_table)
{
  const WeirRole pull = { .produce = begin };
  const WeirRole push = { .start = begin, .pause = tell, .resume = tell };
  const WeirRole transform = {
    .consume = consume, .produce = begin, .settle = begin, .flags = WEIR_STATELESS | WEIR_BYTES
  };
  const WeirRole by_record = { .consume = consume };
  const WeirRole by_run = { .flush = flush, .interrupt = tell, .flags = WEIR_BLOCKING };
  WeirPlugin table = table_of (&pull, &transform, &by_record);
  expect (&table, NULL);
  table = table_of (&push, NULL, &by_run);
  expect (&table, NULL);
}
END_TEST

START_TEST (another_abi)
{
  const WeirRole consumer = { .consume = consume };
  WeirPlugin table = table_of (NULL, NULL, &consumer);
  table.abi = 2;
  expect (&table, "ABI 2, this weir has ABI 1; rebuild the plugin against this weir's headers");
  table.abi = 0;
  expect (&table, "ABI 0, this weir has ABI 1; rebuild the plugin against this weir's headers");
}
END_TEST

static void
expect_size (const WeirPlugin *table, const char *what, gsize found, gsize least, gsize most)
{
  g_autofree char *range = least == most ? g_strdup_printf ("%" G_GSIZE_FORMAT, most)
                                         : g_strdup_printf ("%" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT, least, most);
  g_autofree char *wanted = g_strdup_printf (
    "found a %s of %" G_GSIZE_FORMAT
    " bytes, expected %s: it was built for \"0.1\" of Weir, and this is \"" PACKAGE_VERSION
    "\"; rebuild the plugin against this weir's headers",
    what, found, range);
  expect (table, wanted);
}

START_TEST (other_sizes)
{
  const WeirRole consumer = { .consume = consume };
  const gsize plugin_size = sizeof (WeirPlugin), role_size = sizeof (WeirRole), option_size = sizeof (WeirOption);
  const gsize role_least = WEIR_ROLE_SIZE_LEAST, plugin_least = WEIR_PLUGIN_SIZE_LEAST;
  WeirPlugin table = table_of (NULL, NULL, &consumer);
  table.size += 8;
  expect_size (&table, "WeirPlugin", plugin_size + 8, plugin_least, plugin_size);
  table.size = (guint32) plugin_least - 8;
  expect_size (&table, "WeirPlugin", plugin_least - 8, plugin_least, plugin_size);
  table = table_of (NULL, NULL, &consumer);
  table.role_size += 8;
  expect_size (&table, "WeirRole", role_size + 8, role_least, role_size);
  table.role_size = (guint32) role_least - 8;
  expect_size (&table, "WeirRole", role_least - 8, role_least, role_size);
  table.role_size = (guint32) role_size - 4;
  expect_size (&table, "WeirRole", role_size - 4, role_least, role_size);
  table = table_of (NULL, NULL, &consumer);
  table.option_size = 0;
  expect_size (&table, "WeirOption", 0, option_size, option_size);
}
END_TEST

START_TEST (what_an_older_role_lacks_is_null)
{
  /* Behind close() there is something in memory, which is not the role's. */
  const WeirRole consumer = { .consume = consume, .close = tell, .interrupt = tell };
  const WeirRole producer = { .produce = begin };
  WeirPlugin table = table_of (&producer, NULL, &consumer);
  table.role_size = G_STRUCT_OFFSET (WeirRole, interrupt);
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  const WeirPlugin *plugin = weir_plugin_table_check ("foo", &table, owned, &message);
  ck_assert_pstr_eq (message, NULL);
  ck_assert_ptr_ne (plugin, &table);
  ck_assert_ptr_eq (plugin->consumer->consume, consume);
  ck_assert_ptr_eq (plugin->consumer->close, tell);
  ck_assert_ptr_null (plugin->consumer->interrupt);
  ck_assert_ptr_eq (plugin->producer->produce, begin);
  ck_assert_ptr_null (plugin->transform);
}
END_TEST

START_TEST (a_role_that_ends_before_its_callbacks_has_none)
{
  const WeirRole consumer = { .consume = consume };
  WeirPlugin table = table_of (NULL, NULL, &consumer);
  table.role_size = WEIR_ROLE_SIZE_LEAST;
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  ck_assert_ptr_null (weir_plugin_table_check ("foo", &table, owned, &message));
  ck_assert_pstr_eq (message, "consumer: has neither consume() nor flush()");
}
END_TEST

START_TEST (what_an_older_plugin_lacks_is_null)
{
  /* Behind the consumer there is something in memory, which is not the table's. */
  const WeirRole producer = { .produce = begin, .flags = WEIR_CONNECTIONS }, consumer = { .consume = consume };
  WeirPlugin table = table_of (&producer, NULL, &consumer);
  table.reply = &consumer;
  table.size = G_STRUCT_OFFSET (WeirPlugin, reply);
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  const WeirPlugin *plugin = weir_plugin_table_check ("foo", &table, owned, &message);
  ck_assert_pstr_eq (message, NULL);
  ck_assert_ptr_ne (plugin, &table);
  ck_assert_ptr_eq (plugin->consumer->consume, consume);
  ck_assert_ptr_null (plugin->reply);
}
END_TEST

START_TEST (another_name)
{
  const WeirRole consumer = { .consume = consume };
  WeirPlugin table = table_of (NULL, NULL, &consumer);
  table.name = "bar";
  expect (&table, "found \"bar\" as its name, expected \"foo\", as its file is called");
  table.name = NULL;
  expect (&table, "found no name as its name, expected \"foo\", as its file is called");
}
END_TEST

START_TEST (no_version)
{
  const WeirRole consumer = { .consume = consume };
  WeirPlugin table = table_of (NULL, NULL, &consumer);
  table.version = NULL;
  expect (&table, "found no version, expected one such as \"1.0\"");
  table.version = "";
  expect (&table, "found no version, expected one such as \"1.0\"");
}
END_TEST

START_TEST (no_role)
{
  WeirPlugin table = table_of (NULL, NULL, NULL);
  expect (&table, "found no role, expected a producer, a transform or a consumer");
}
END_TEST

static const char *const twice[] = { "same", "same", NULL };
static const char *const malformed[] = { "fine", "not fine", NULL };
static const char *const reserved[] = { "rejected", NULL };
static const WeirOption engine_key[] = {
  { "thread", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 },
  WEIR_OPTIONS_END,
};
static const WeirOption two_lines[] = {
  { "a", NULL, NULL, "One\ntwo", 0, WEIR_OPTION_STRING_, 0 },
  WEIR_OPTIONS_END,
};

static const struct {
  char part;
  WeirRole role;
  const char *message;
} roles[] = {
  { 'p', { .open = begin }, "producer: has neither produce() nor start()" },
  { 'p',
    { .produce = begin, .consume = consume },
    "producer: has consume(), which only transforms and consumers have" },
  { 'p', { .produce = begin, .flush = flush }, "producer: has flush(), which only transforms and consumers have" },
  { 'p', { .produce = begin, .settle = begin }, "producer: has settle(), which only transforms and consumers have" },
  { 'p',
    { .produce = begin, .end_stream = end_stream },
    "producer: has end_stream(), which only transforms and consumers have" },
  { 'p', { .produce = begin, .end = begin }, "producer: has end(), which only transforms and consumers have" },
  { 'p',
    { .produce = begin, .stream_size = 8 },
    "producer: has a stream_size, which only transforms and consumers have" },
  { 'p', { .produce = begin, .pause = tell }, "producer: has pause() without resume()" },
  { 'p', { .produce = begin, .resume = tell }, "producer: has resume() without pause()" },
  { 'p', { .produce = begin, .interrupt = tell }, "producer: has interrupt() without the flag WEIR_BLOCKING" },
  { 'p', { .produce = begin, .flags = WEIR_IN_ORDER }, "producer: has the flag WEIR_IN_ORDER without delivered()" },
  { 'p', { .produce = begin, .flags = WEIR_DUPLEX }, "producer: has the flag WEIR_DUPLEX, which only transforms have" },
  { 'p', { .produce = begin, .flags = 64 }, "producer: found flags 0x40, expected those of this version only" },
  { 'p',
    { .produce = begin, .state_size = G_MAXSIZE },
    "producer: found a state of 18446744073709551615 bytes, expected at most 67108864" },
  { 't', { .produce = begin }, "transform: has no consume()" },
  { 't', { .flush = flush }, "transform: has no consume()" },
  { 't',
    { .consume = consume, .flags = WEIR_DUPLEX },
    "transform: has the flag WEIR_DUPLEX and neither produce() nor start(): nothing makes what it emits" },
  { 't',
    { .consume = consume, .flags = WEIR_CONNECTIONS },
    "transform: has the flag WEIR_CONNECTIONS, which only producers have" },
  { 't',
    { .consume = consume, .take_over = take_over },
    "transform: has take_over(), which this version of Weir does not know" },
  { 't', { .consume = consume, .delivered = delivered }, "transform: has delivered(), which only producers have" },
  { 't',
    { .consume = consume, .changed = begin },
    "transform: has changed(), which this version of Weir does not know" },
  { 't', { .consume = consume, .counters = twice }, "transform: its counter \"same\" is there twice" },
  { 't',
    { .consume = consume, .counters = malformed },
    "transform: found the counter \"not fine\", expected a name of letters, digits, _ and -" },
  { 't', { .consume = consume, .ports = twice }, "transform: its port \"same\" is there twice" },
  { 't',
    { .consume = consume, .ports = malformed },
    "transform: found the port \"not fine\", expected a name of letters, digits, _ and -" },
  { 't', { .consume = consume, .ports = reserved }, "transform: its port \"rejected\" is the engine's" },
  { 't', { .consume = consume, .summary = "a\tb" }, "transform: its summary: expected one line of UTF-8" },
  { 't', { .consume = consume, .summary = "\xff" }, "transform: its summary: expected one line of UTF-8" },
  { 't',
    { .consume = consume, .options = two_lines, .state_size = 8 },
    "transform: option \"a\": its help: expected one line of UTF-8" },
  { 'c', { .open = begin }, "consumer: has neither consume() nor flush()" },
  { 'c',
    { .consume = consume, .produce = begin },
    "consumer: has produce(), which only producers and transforms have" },
  { 'c',
    { .consume = consume, .flags = WEIR_DUPLEX },
    "consumer: has the flag WEIR_DUPLEX, which only transforms have" },
  { 'c',
    { .consume = consume, .flags = WEIR_CONNECTIONS },
    "consumer: has the flag WEIR_CONNECTIONS, which only producers have" },
  { 't', { .consume = consume, .tags = twice }, "transform: its tag \"same\" is there twice" },
  { 'c', { .consume = consume, .tags = twice }, "consumer: has tags, which only producers and transforms have" },
  { 'c', { .consume = consume, .ports = twice }, "consumer: has ports, which only producers and transforms have" },
  { 'c',
    { .consume = consume, .flags = WEIR_BYTES },
    "consumer: has the flag WEIR_BYTES, which only producers and transforms have" },
  { 'c',
    { .consume = consume, .options = engine_key, .state_size = 8 },
    "consumer: option \"thread\": this key belongs to the engine" },
  { 'c',
    { .consume = consume, .options = two_lines, .state_size = 4 },
    "consumer: option \"a\": its field, bytes 0 to 8, lies outside the state of 4 bytes" },
};

START_TEST (a_contradictory_role)
{
  const WeirRole *role = &roles[_i].role;
  const char part = roles[_i].part;
  WeirPlugin table = table_of (part == 'p' ? role : NULL, part == 't' ? role : NULL, part == 'c' ? role : NULL);
  expect (&table, roles[_i].message);
}
END_TEST

START_TEST (the_two_halves_of_a_duplex_transform)
{
  const WeirRole pull = { .consume = consume, .produce = begin, .flags = WEIR_DUPLEX | WEIR_BYTES };
  const WeirRole push = { .consume = consume, .start = begin, .flags = WEIR_DUPLEX };
  WeirPlugin table = table_of (NULL, &pull, NULL);
  expect (&table, NULL);
  table = table_of (NULL, &push, NULL);
  expect (&table, NULL);
}
END_TEST

START_TEST (connections_and_their_reply)
{
  const WeirRole accepting = { .produce = begin, .flags = WEIR_CONNECTIONS };
  const WeirRole plain = { .produce = begin }, reply = { .flush = flush }, none = { .open = begin };
  WeirPlugin table = table_of (&accepting, NULL, NULL);
  expect (&table, NULL);
  table.reply = &reply;
  expect (&table, NULL);
  table.reply = &none;
  expect (&table, "reply: has neither consume() nor flush()");
  table = table_of (&plain, NULL, NULL);
  table.reply = &reply;
  expect (&table, "reply: is there without a producer that has the flag WEIR_CONNECTIONS");
  table = table_of (NULL, NULL, &reply);
  table.reply = &reply;
  expect (&table, "reply: is there without a producer that has the flag WEIR_CONNECTIONS");
}
END_TEST

START_TEST (names)
{
  ck_assert (weir_name_is_sane ("a"));
  ck_assert (weir_name_is_sane ("_A-9_"));
  ck_assert (!weir_name_is_sane (NULL));
  ck_assert (!weir_name_is_sane (""));
  ck_assert (!weir_name_is_sane ("9a"));
  ck_assert (!weir_name_is_sane ("-a"));
  ck_assert (!weir_name_is_sane ("a.b"));
  ck_assert (!weir_name_is_sane ("../a"));
  ck_assert (!weir_name_is_sane ("\xc3\xa4"));
}
END_TEST

START_TEST (a_description)
{
  static const WeirOption options[] = {
    { "path", NULL, NULL, "File to read", 0, WEIR_OPTION_STRING_, WEIR_REQUIRED | WEIR_PATH },
    { "token", "hush", NULL, "A token", 8, WEIR_OPTION_STRING_, WEIR_SECRET },
    { "size", "1KiB", "1..", "A size", 16, WEIR_OPTION_SIZE_, 0 },
    { "mode", NULL, "none|batch", NULL, 24, WEIR_OPTION_CHOICE_, 0 },
    WEIR_OPTIONS_END,
  };
  static const char *const counters[] = { "seen", NULL };
  const WeirRole consumer = { .summary = "Takes",
                              .options = options,
                              .state_size = 32,
                              .flags = WEIR_BLOCKING,
                              .counters = counters,
                              .consume = consume };
  const WeirRole producer = { .produce = begin, .flags = WEIR_CONNECTIONS };
  const WeirRole transform = { .consume = consume, .produce = begin, .flags = WEIR_DUPLEX };
  const WeirRole reply = { .summary = "Answers", .consume = consume };
  WeirPlugin table = table_of (&producer, &transform, &consumer);
  table.reply = &reply;
  json_object *description = weir_plugin_table_describe (&table);
  ck_assert_str_eq (
    json_object_to_json_string_ext (description, JSON_C_TO_STRING_PLAIN),
    "{\"name\":\"foo\",\"version\":\"1.0\",\"abi\":1,\"built_for\":\"0.1\",\"roles\":{"
    "\"producer\":{\"summary\":\"\",\"flags\":[\"connections\"],\"options\":[],\"counters\":[],\"ports\":[],\"tags\":[]"
    "},"
    "\"transform\":{\"summary\":\"\",\"flags\":[\"duplex\"],\"options\":[],\"counters\":[],\"ports\":[],\"tags\":[]},"
    "\"consumer\":{"
    "\"summary\":\"Takes\",\"flags\":[\"blocking\"],\"options\":["
    "{\"name\":\"path\",\"type\":\"string\",\"required\":true,\"flags\":[\"path\"],\"help\":\"File to read\"},"
    "{\"name\":\"token\",\"type\":\"string\",\"required\":false,\"flags\":[\"secret\"],\"help\":\"A token\"},"
    "{\"name\":\"size\",\"type\":\"size\",\"required\":false,\"default\":\"1KiB\",\"minimum\":\"1\",\"flags\":[],"
    "\"help\":\"A size\"},"
    "{\"name\":\"mode\",\"type\":\"choice\",\"required\":false,\"default\":\"none\",\"choices\":[\"none\",\"batch\"],"
    "\"flags\":[]}],"
    "\"counters\":[\"seen\"],\"ports\":[],\"tags\":[]},"
    "\"reply\":{\"summary\":\"Answers\",\"flags\":[],\"options\":[],\"counters\":[],\"ports\":[],\"tags\":[]}}}");
  json_object_put (description);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("plugin-table");
  tcase_add_test (cases, a_right_table);
  tcase_add_test (cases, another_abi);
  tcase_add_test (cases, other_sizes);
  tcase_add_test (cases, what_an_older_role_lacks_is_null);
  tcase_add_test (cases, a_role_that_ends_before_its_callbacks_has_none);
  tcase_add_test (cases, what_an_older_plugin_lacks_is_null);
  tcase_add_test (cases, another_name);
  tcase_add_test (cases, no_version);
  tcase_add_test (cases, no_role);
  tcase_add_loop_test (cases, a_contradictory_role, 0, G_N_ELEMENTS (roles));
  tcase_add_test (cases, the_two_halves_of_a_duplex_transform);
  tcase_add_test (cases, connections_and_their_reply);
  tcase_add_test (cases, names);
  tcase_add_test (cases, a_description);
  Suite *suite = suite_create ("plugin-table");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
