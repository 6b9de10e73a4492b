/* SPDX-License-Identifier: Apache-2.0 */
/* Harness tests of the plugins in docs/plugin-guide.md that the page does not test itself. tests/cli/plugin-guide.sh cuts the plugins out
 * of the page, builds them and this file out of the tree, and runs it where they lie; each test is a line "ok N /PLUGIN/TEST". */
#include <glib/gstdio.h>
#include <string.h>
#include <weir/harness.h>

#define SECOND G_TIME_SPAN_SECOND

static void
mismatch (const char *file, int line, const char *text)
{
  g_error ("%s:%d: %s", file, line, text);
}

static WeirHarness *
harness_of (const char *plugin, WeirHarnessKind kind, const char *options)
{
  GError *error = NULL;
  WeirHarness *harness = weir_harness_new_for_file (plugin, kind, options, &error);
  g_assert_no_error (error);
  return harness;
}

static void
push_numbers (WeirHarness *harness, int count)
{
  for (int i = 0; i < count; i++) {
    g_autofree char *text = g_strdup_printf ("%d", i);
    weir_harness_push_text (harness, text);
  }
}

static void
expect_refused (const char *plugin, WeirHarnessKind kind, const char *options, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (weir_harness_new_for_file (plugin, kind, options, &error));
  g_assert_cmpstr (error->message, ==, expected);
}

/* ---- alert ---- */

static void
test_alert (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./alert.so", WEIR_HARNESS_CONSUMER, NULL);
  weir_harness_push_text (harness, "disk full");
  weir_harness_push_chunk (harness, 1, "door open");
  g_assert_true (weir_harness_finish (harness));
  g_assert_cmpstr (weir_harness_log (harness), ==, "warning: -: disk full\nwarning: stream 1: door open\n");
  g_assert_cmpuint (weir_harness_counter (harness, "alerts"), ==, 2);
  g_assert_cmpuint (weir_harness_counter (harness, "bytes"), ==, 18);
}

/* ---- watch ---- */

static void
test_watch (void)
{
  g_assert_cmpint (g_mkdir ("watched", 0700), ==, 0);
  g_autoptr (WeirHarness) harness = harness_of ("./watch.so", WEIR_HARNESS_PRODUCER, "{\"folder\": \"watched\"}");
  g_assert_true (weir_harness_start (harness));
  weir_harness_run (harness);
  g_assert_true (weir_harness_is_waiting (harness));
  weir_harness_pause (harness, TRUE);
  g_assert_true (g_file_set_contents_full ("watched/one", "1", 1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  weir_harness_run (harness);
  weir_harness_expect_output (harness, NULL, ""); /* paused, it is not asked */
  weir_harness_pause (harness, FALSE);
  g_assert_true (weir_harness_wait_count (harness, NULL, 1));
  weir_harness_expect_output (harness, NULL, "watched/one|");
  weir_harness_stop (harness);
  weir_harness_expect_state (harness, "closed");
  g_assert_cmpint (g_unlink ("watched/one"), ==, 0);
  g_assert_cmpint (g_rmdir ("watched"), ==, 0);
}

static void
test_watch_of_nothing (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./watch.so", WEIR_HARNESS_PRODUCER, "{\"folder\": \"missing\"}");
  g_assert_false (weir_harness_open (harness));
  weir_harness_expect_error (harness, "option folder: cannot watch \"missing\": No such file or directory");
  weir_harness_expect_events (harness, "open=FAIL close");
}

/* ---- beat ---- */

static void
test_beat (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./beat.so", WEIR_HARNESS_PRODUCER, "{\"every\": \"10m\"}");
  weir_harness_set_queue (harness, NULL, "{\"records\": 1}", NULL);
  g_assert_true (weir_harness_start (harness));
  weir_harness_advance (harness, 11 * 60 * SECOND);
  weir_harness_expect_output (harness, NULL, "beat is alive, beat 1|");
  weir_harness_allow (harness, NULL, 0);
  weir_harness_advance (harness, 30 * 60 * SECOND);
  g_assert_true (weir_harness_is_paused (harness));
  g_assert_cmpuint (weir_harness_counter (harness, "skipped"), ==, 2);
  weir_harness_allow (harness, NULL, G_MAXSIZE);
  weir_harness_run (harness);
  weir_harness_advance (harness, 10 * 60 * SECOND);
  weir_harness_expect_output (harness, NULL, "beat is alive, beat 2|beat is alive, beat 5|");
  weir_harness_expect_events (harness, "start pause resume pause resume pause resume");
  weir_harness_pause (harness, TRUE);
  weir_harness_run (harness);
  weir_harness_stop (harness);
  weir_harness_expect_events (harness, "pause stop");
  g_assert_cmpuint (weir_harness_figure (harness, "refused"), ==, 0);
}

/* ---- find ---- */

static void
make_tree (int files)
{
  g_assert_cmpint (g_mkdir_with_parents ("tree/a/b", 0700), ==, 0);
  for (int i = 0; i < files; i++) {
    g_autofree char *path = g_strdup_printf ("tree/%s/%d", i % 2 == 0 ? "a" : "a/b", i);
    g_assert_true (g_file_set_contents_full (path, "", 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  }
}

static void
remove_tree (int files)
{
  for (int i = 0; i < files; i++) {
    g_autofree char *path = g_strdup_printf ("tree/%s/%d", i % 2 == 0 ? "a" : "a/b", i);
    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir ("tree/a/b") | g_rmdir ("tree/a") | g_rmdir ("tree"), ==, 0);
}

static void
test_find (void)
{
  make_tree (10);
  g_autoptr (WeirHarness) harness = harness_of ("./find.so", WEIR_HARNESS_PRODUCER, "{\"folder\": \"tree\"}");
  g_assert_true (weir_harness_finish (harness));
  g_assert_cmpuint (weir_harness_count (harness, NULL), ==, 10);
  g_assert_true (weir_harness_ended (harness, NULL));
  weir_harness_expect_events (harness, "start close"); /* it has ended by itself: no stop */
  remove_tree (10);
}

/* The thread feels a full link, and a stop ends it there. */
static void
test_find_stopped (void)
{
  make_tree (50);
  g_autoptr (WeirHarness) harness = harness_of ("./find.so", WEIR_HARNESS_PRODUCER, "{\"folder\": \"tree\"}");
  weir_harness_set_queue (harness, NULL, "{\"records\": 2}", NULL);
  weir_harness_allow (harness, NULL, 1);
  g_assert_true (weir_harness_start (harness));
  g_assert_true (weir_harness_wait_count (harness, NULL, 1));
  g_assert_cmpuint (weir_harness_figure (harness, "records_out"), <=, 5);
  weir_harness_stop (harness);
  weir_harness_allow (harness, NULL, G_MAXSIZE);
  g_assert_true (weir_harness_wait_closed (harness));
  g_assert_true (weir_harness_balances (harness));
  remove_tree (50);
}

/* ---- spool ---- */

static void
put_file (const char *path, const char *text)
{
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static WeirHarness *
spool_of (const char *options)
{
  g_assert_cmpint (g_mkdir_with_parents ("spooled", 0700), ==, 0);
  put_file ("spooled/one", "1");
  return harness_of ("./spool.so", WEIR_HARNESS_PRODUCER, options);
}

/* Nothing is left but this file, which is removed. */
static void
expect_left (const char *path)
{
  g_assert_true (path == NULL || g_unlink (path) == 0);
  g_assert_cmpint (g_rmdir ("spooled"), ==, 0);
}

static void
test_spool (void)
{
  g_autoptr (WeirHarness) harness = spool_of ("{\"folder\": \"spooled\"}");
  put_file ("spooled/.two", "2");
  put_file ("spooled/old.bad", "0");
  weir_harness_allow (harness, NULL, 0);
  g_assert_true (weir_harness_start (harness));
  weir_harness_run (harness);
  g_assert_true (g_file_test ("spooled/one", G_FILE_TEST_EXISTS)); /* it is not delivered yet */
  weir_harness_advance (harness, 5 * SECOND);
  weir_harness_allow (harness, NULL, G_MAXSIZE);
  weir_harness_run (harness);
  g_assert_cmpstr (weir_harness_tags (harness, NULL, "name"), ==, "one|");
  weir_harness_expect_output (harness, NULL, "1|");
  g_assert_cmpint (g_rename ("spooled/.two", "spooled/two"), ==, 0);
  weir_harness_advance (harness, SECOND);
  weir_harness_expect_output (harness, NULL, "2|");
  weir_harness_stop (harness);
  weir_harness_expect_state (harness, "closed");
  expect_left ("spooled/old.bad");
}

static void
test_spool_keeps (void)
{
  g_autoptr (WeirHarness) harness = spool_of ("{\"folder\": \"spooled\", \"every\": \"0s\", \"keep\": true}");
  g_assert_true (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "1|");
  expect_left ("spooled/one.done");
}

static void
test_spool_rejected (void)
{
  g_autoptr (WeirHarness) harness = spool_of ("{\"folder\": \"spooled\", \"every\": \"0s\"}");
  weir_harness_set_outcome (harness, NULL, WEIR_REJECTED);
  g_assert_true (weir_harness_finish (harness));
  expect_left ("spooled/one.bad");
}

/* What was dropped comes again, and what a stop has cut off is left for the next run. */
static void
test_spool_leaves (void)
{
  g_autoptr (WeirHarness) harness = spool_of ("{\"folder\": \"spooled\"}");
  weir_harness_set_outcome (harness, NULL, WEIR_DROPPED);
  g_assert_true (weir_harness_start (harness));
  weir_harness_run (harness);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_advance (harness, SECOND);
  weir_harness_halt (harness);
  weir_harness_expect_calls (harness, "open produce produce=WAIT delivered(DROPPED) produce=WAIT produce produce=WAIT "
                                      "delivered(ABANDONED) close");
  expect_left ("spooled/one");
}

static void
test_spool_of_nothing (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./spool.so", WEIR_HARNESS_PRODUCER, "{\"folder\": \"missing\"}");
  g_assert_false (weir_harness_open (harness));
  weir_harness_expect_error (harness, "option folder: \"missing\" is no folder");
}

/* ---- commit ---- */

static void
test_commit (void)
{
  g_autoptr (WeirHarness)
    harness = harness_of ("./commit.so", WEIR_HARNESS_CONSUMER, "{\"path\": \"committed\", \"delimiter\": \";\"}");
  push_numbers (harness, 1000);
  g_assert_true (weir_harness_finish (harness));
  g_autofree char *text = NULL;
  gsize size;
  g_assert_true (g_file_get_contents ("committed", &text, &size, NULL));
  g_assert_true (g_str_has_prefix (text, "0;1;2;") && g_str_has_suffix (text, ";998;999;"));
  g_assert_cmpuint (weir_harness_counter (harness, "commits"), >=, 1);
  g_assert_cmpuint (weir_harness_counter (harness, "commits"), <=, 10);
  g_assert_cmpint (g_unlink ("committed"), ==, 0);
}

/* ---- latest ---- */

static void
test_latest (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./latest.so", WEIR_HARNESS_CONSUMER, "{\"path\": \"last\"}");
  push_numbers (harness, 3000);
  weir_harness_push_line (harness, "the last one");
  g_assert_true (weir_harness_finish (harness));
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents ("last", &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "the last one\n");
  g_assert_cmpint (g_unlink ("last"), ==, 0);
}

/* ---- store ---- */

static void
push_named (WeirHarness *harness, const char *name, const char *text)
{
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "name", name);
  WeirRecord record = { .data = (const guint8 *) text, .size = strlen (text) };
  weir_harness_push_record (harness, &record, tags);
}

static void
test_store (void)
{
  g_assert_cmpint (g_mkdir ("stored", 0700), ==, 0);
  g_autoptr (WeirHarness) harness = harness_of ("./store.so", WEIR_HARNESS_CONSUMER,
                                                "{\"folder\": \"stored\", \"name\": \"{name}.txt\", \"at_once\": 3}");
  weir_harness_set_queue (harness, "input", "{\"records\": 4}", NULL);
  for (int i = 0; i < 40; i++) {
    g_autofree char *name = g_strdup_printf ("a/%d", i);
    push_named (harness, name, name);
  }
  g_assert_true (weir_harness_finish (harness));
  g_assert_cmpuint (weir_harness_figure (harness, "kept"), ==, 0);
  for (int i = 0; i < 40; i++) {
    g_autofree char *path = g_strdup_printf ("stored/a_%d.txt", i), *name = g_strdup_printf ("a/%d", i), *text = NULL;
    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    g_assert_cmpstr (text, ==, name);
    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir ("stored"), ==, 0);
}

static void
test_store_rejects (void)
{
  g_autoptr (WeirHarness)
    harness = harness_of ("./store.so", WEIR_HARNESS_CONSUMER, "{\"folder\": \"missing\", \"name\": \"{name}\"}");
  weir_harness_set_taken (harness, "rejected", TRUE);
  push_named (harness, "one", "text");
  g_assert_true (weir_harness_finish (harness));
  g_assert_cmpstr (weir_harness_text (harness, "rejected"), ==, "text|");
  g_assert_nonnull (strstr (weir_harness_tags (harness, "rejected", "reason"), "No such file or directory"));
}

/* At the deadline of a stop, jobs that no thread has begun are left undone. */
static void
test_store_halted (void)
{
  g_assert_cmpint (g_mkdir ("halted", 0700), ==, 0);
  g_autoptr (WeirHarness) harness = harness_of ("./store.so", WEIR_HARNESS_CONSUMER,
                                                "{\"folder\": \"halted\", \"name\": \"same\", \"at_once\": 1}");
  g_assert_true (weir_harness_start (harness));
  push_numbers (harness, 5);
  weir_harness_turn (harness);
  weir_harness_halt (harness);
  weir_harness_expect_state (harness, "closed");
  g_assert_true (weir_harness_balances (harness));
  g_unlink ("halted/same");
  g_assert_cmpint (g_rmdir ("halted"), ==, 0);
}

/* ---- explode ---- */

static void
test_explode (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./explode.so", WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_line (harness, "a,bc,,d");
  weir_harness_push_text (harness, "");
  weir_harness_push_text (harness, "x,");
  g_assert_true (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "a|bc||d<\\n>||x||");
}

static void
test_explode_into_a_full_link (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./explode.so", WEIR_HARNESS_TRANSFORM, "{\"separator\": \"/\"}");
  weir_harness_set_queue (harness, NULL, "{\"records\": 2}", NULL);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_push_text (harness, "1/2/3/4/5");
  weir_harness_push_text (harness, "6/7");
  weir_harness_start (harness);
  weir_harness_run (harness);
  g_assert_true (weir_harness_is_paused (harness));
  g_assert_cmpuint (weir_harness_figure (harness, "records_out"), ==, 2);
  g_assert_true (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL, "1|2|3|4|5|6|7|");
}

static void
test_explode_checks (void)
{
  expect_refused ("./explode.so", WEIR_HARNESS_TRANSFORM, "{\"separator\": \"ab\"}",
                  "separator: found 2 bytes, expected 1");
}

/* ---- hexdump ---- */

static void
test_hexdump (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./hexdump.so", WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_text (harness, "0123456789abcdefgh\tj");
  weir_harness_push_text (harness, "");
  g_assert_true (weir_harness_finish (harness));
  weir_harness_expect_output (harness, NULL,
                              "00000000 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|<\\n>|"
                              "00000010 67 68 09 6a                                      |gh.j            |<\\n>|");
}

/* Cut short by full links, it is what it is otherwise. */
static void
test_hexdump_into_a_full_link (void)
{
  g_autofree char *text = g_strnfill (16 * 300, 'x');
  g_autofree char *whole = NULL;
  for (int records = 4096; records > 0; records = records == 4096 ? 7 : 0) {
    g_autoptr (WeirHarness) harness = harness_of ("./hexdump.so", WEIR_HARNESS_TRANSFORM, NULL);
    g_autofree char *queue = g_strdup_printf ("{\"records\": %d}", records);
    weir_harness_set_queue (harness, NULL, queue, NULL);
    weir_harness_push_text (harness, text);
    g_assert_true (weir_harness_finish (harness));
    g_assert_cmpuint (weir_harness_count (harness, NULL), ==, 300);
    if (whole == NULL)
      whole = g_strdup (weir_harness_text (harness, NULL));
    else
      g_assert_cmpstr (weir_harness_text (harness, NULL), ==, whole);
  }
}

/* ---- traces ---- */

static void
test_traces (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./traces.so", WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_push_chunk (harness, 1, "one");
  weir_harness_push_chunk (harness, 2, "other");
  weir_harness_push_chunk (harness, 1, " at a");
  weir_harness_push_chunk (harness, 2, " at x");
  weir_harness_push_chunk (harness, 1, " at b");
  weir_harness_push_chunk (harness, 1, "two");
  weir_harness_start (harness);
  weir_harness_run (harness);
  weir_harness_expect_output (harness, NULL, "one\\n at a\\n at b<\\n>|");
  g_assert_cmpuint (weir_harness_figure (harness, "kept"), ==, 3);
  weir_harness_end_stream (harness, 2);
  weir_harness_run (harness);
  g_assert_cmpstr (weir_harness_streams (harness, NULL), ==, "2");
  g_assert_cmpstr (weir_harness_tags (harness, NULL, "path"), ==, "stream 2|");
  weir_harness_expect_output (harness, NULL, "other\\n at x<\\n>|");
  g_assert_true (weir_harness_finish (harness));
  g_assert_cmpstr (weir_harness_streams (harness, NULL), ==, "1 end(2)"); /* an end waits for all before it */
  weir_harness_expect_output (harness, NULL, "two<\\n>|");
}

/* R15: a link full of one trace, or of one that is too old, is settled. */
static void
test_traces_settle (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./traces.so", WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_set_queue (harness, "input", "{\"records\": 3, \"age\": \"1s\"}", NULL);
  weir_harness_start (harness);
  for (int i = 0; i < 4; i++)
    weir_harness_push_text (harness, " x");
  weir_harness_run (harness);
  weir_harness_expect_output (harness, NULL, " x\\n x\\n x<\\n>|");
  g_assert_cmpuint (weir_harness_figure (harness, "kept"), ==, 1);
  weir_harness_advance (harness, SECOND);
  weir_harness_expect_output (harness, NULL, " x<\\n>|");
  g_assert_cmpuint (weir_harness_figure (harness, "kept"), ==, 0);
  weir_harness_push_text (harness, "y");
  weir_harness_run (harness);
  weir_harness_stop (harness);
  weir_harness_expect_output (harness, NULL, "y<\\n>|");
  weir_harness_expect_state (harness, "closed");
  g_assert_true (weir_harness_balances (harness));
}

/* A trace carries the origins of its lines, and no others. */
static void
test_traces_origins (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./traces.so", WEIR_HARNESS_TRANSFORM, NULL);
  static const char *const lines[] = { "one", " at a", "two" };
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    weir_harness_set_origin (harness, lines[i]);
    weir_harness_push_chunk (harness, 1, lines[i]);
  }
  weir_harness_set_origin (harness, "other");
  weir_harness_push_chunk (harness, 2, "other");
  weir_harness_set_origin (harness, NULL);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  weir_harness_run (harness);
  weir_harness_expect_delivered (harness, "");
  weir_harness_allow (harness, NULL, 1);
  weir_harness_run (harness);
  weir_harness_expect_output (harness, NULL, "one\\n at a<\\n>|");
  g_assert_null (strstr (weir_harness_delivered (harness), "two"));
  g_assert_null (strstr (weir_harness_delivered (harness), "other"));
  g_assert_nonnull (strstr (weir_harness_delivered (harness), "one=DELIVERED"));
  g_assert_nonnull (strstr (weir_harness_delivered (harness), " at a=DELIVERED"));
  weir_harness_end_stream (harness, 2);
  g_assert_true (weir_harness_finish (harness));
  g_assert_nonnull (strstr (weir_harness_delivered (harness), "two=DELIVERED"));
}

static void
test_traces_halted (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./traces.so", WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_start (harness);
  weir_harness_push_chunk (harness, 1, "one");
  weir_harness_push_text (harness, "two");
  weir_harness_run (harness);
  weir_harness_halt (harness);
  weir_harness_expect_output (harness, NULL, "");
  weir_harness_expect_state (harness, "closed");
  g_assert_true (weir_harness_balances (harness));
}

/* ---- label ---- */

static void
test_label (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./label.so", WEIR_HARNESS_TRANSFORM,
                                                "{\"tags\": {\"from\": \"<{path}> {}\", \"path\": \"hidden\"}}");
  weir_harness_push_chunk (harness, 7, "half");
  weir_harness_push_line (harness, "line");
  g_assert_true (weir_harness_finish (harness));
  g_assert_cmpstr (weir_harness_tags (harness, NULL, "from"), ==, "<stream 7> half|<> line|");
  g_assert_cmpstr (weir_harness_tags (harness, NULL, "path"), ==, "hidden|hidden|");
  weir_harness_expect_output (harness, NULL, "half~|line<\\n>|");
}

/* ---- severity ---- */

static void
test_severity (void)
{
  g_autoptr (WeirHarness) harness = harness_of ("./severity.so", WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_set_taken (harness, "normal", FALSE);
  weir_harness_set_taken (harness, "rejected", TRUE);
  weir_harness_push_text (harness, "<3>error");
  weir_harness_push_text (harness, "<4>warning");
  weir_harness_push_text (harness, "<191>");
  weir_harness_push_text (harness, "<192>");
  weir_harness_push_text (harness, "<7");
  weir_harness_push_text (harness, "");
  weir_harness_push_text (harness, "<8>emergency");
  g_assert_true (weir_harness_finish (harness));
  weir_harness_expect_output (harness, "urgent", "<3>error|<8>emergency|");
  g_assert_cmpstr (weir_harness_tags (harness, "rejected", "reason"), ==,
                   "found \"<192>\", expected <0> to <191> in front|found \"<7\", expected <0> to <191> in "
                   "front|found \"\", expected <0> to <191> in front|");
  weir_harness_expect_output (harness, "rejected", "<192>|<7||");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  weir_harness_set_mismatch (mismatch);
  g_test_add_func ("/alert/logs", test_alert);
  g_test_add_func ("/watch/names", test_watch);
  g_test_add_func ("/watch/fails", test_watch_of_nothing);
  g_test_add_func ("/beat/pauses", test_beat);
  g_test_add_func ("/find/ends", test_find);
  g_test_add_func ("/find/stops", test_find_stopped);
  g_test_add_func ("/spool/removes", test_spool);
  g_test_add_func ("/spool/keeps", test_spool_keeps);
  g_test_add_func ("/spool/rejected", test_spool_rejected);
  g_test_add_func ("/spool/leaves", test_spool_leaves);
  g_test_add_func ("/spool/fails", test_spool_of_nothing);
  g_test_add_func ("/commit/batches", test_commit);
  g_test_add_func ("/latest/replaces", test_latest);
  g_test_add_func ("/store/releases", test_store);
  g_test_add_func ("/store/rejects", test_store_rejects);
  g_test_add_func ("/store/halts", test_store_halted);
  g_test_add_func ("/explode/parts", test_explode);
  g_test_add_func ("/explode/pauses", test_explode_into_a_full_link);
  g_test_add_func ("/explode/checks", test_explode_checks);
  g_test_add_func ("/hexdump/lines", test_hexdump);
  g_test_add_func ("/hexdump/pauses", test_hexdump_into_a_full_link);
  g_test_add_func ("/traces/joins", test_traces);
  g_test_add_func ("/traces/settles", test_traces_settle);
  g_test_add_func ("/traces/origins", test_traces_origins);
  g_test_add_func ("/traces/halts", test_traces_halted);
  g_test_add_func ("/label/tags", test_label);
  g_test_add_func ("/severity/tells", test_severity);
  return g_test_run ();
}
