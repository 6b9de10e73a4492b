/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-run.h: what tests of the shipped plugins share: one stage of a plugin in a harness, what is fed to it, and what is expected of
 * it. Everything static: one test program includes it once. There is one harness at a time, freed by the fixture or the next run. */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <weir/harness.h>

static WeirHarness *harness;
static gboolean finished; /* the last run: closed, not failed, balanced */

static void
mismatch (const char *file, int line, const char *text)
{
  ck_abort_msg ("%s:%d: %s", file, line, text);
}

G_GNUC_UNUSED static void
set_up (void)
{
  const char *build = g_getenv ("WEIR_BUILD");
  g_autofree char *folder = g_build_filename (build != NULL ? build : ".", "plugins", ".libs", NULL);
  g_setenv ("WEIR_PLUGIN_PATH", folder, TRUE);
  weir_harness_set_mismatch (mismatch);
}

G_GNUC_UNUSED static void
tear_down (void)
{
  g_clear_pointer (&harness, weir_harness_free);
}

/* ---- the feed ---- */

typedef struct {
  const char *bytes;
  gsize size;
  guint trail;    /* bytes behind size that are trail */
  guint stream;   /* a number of the test's; 0: none */
  gboolean close; /* the stream is over behind it; bytes NULL: nothing else */
} Piece;

#define CHUNK(stream, text) \
  { \
    (text), sizeof (text) - 1, 0, (stream), FALSE \
  }
#define CLOSE(stream) \
  { \
    NULL, 0, 0, (stream), TRUE \
  }
/* A message, and a message with a newline behind it. */
#define MESSAGE(text) \
  { \
    (text), sizeof (text) - 1, 0, 0, FALSE \
  }
#define LINE(text) \
  { \
    (text "\n"), sizeof (text) - 1, 1, 0, FALSE \
  }

/* What the feed makes of a piece of a stream without a trail. */
typedef enum { AS_MESSAGES, AS_CHUNKS } Feeding;

G_GNUC_UNUSED static void
push_pieces_to (WeirHarness *to, Feeding feeding, const Piece *pieces, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    const Piece *piece = &pieces[i];
    WeirRecord record = { .data = (const guint8 *) piece->bytes,
                          .size = piece->size,
                          .trail = (guint16) piece->trail,
                          .stream = piece->stream };
    record.flags = feeding == AS_CHUNKS && piece->stream != 0 && piece->trail == 0 ? WEIR_RECORD_CHUNK : 0;
    if (piece->bytes != NULL) {
      weir_harness_push_record (to, &record, NULL);
    }
    if (piece->close) {
      weir_harness_end_stream (to, piece->stream);
    }
  }
}

G_GNUC_UNUSED static void
push_pieces (Feeding feeding, const Piece *pieces, gsize count)
{
  push_pieces_to (harness, feeding, pieces, count);
}

/* ---- runs ---- */

static void
limit (const char *link, guint records)
{
  GError *error = NULL;
  g_autofree char *queue = g_strdup_printf ("{\"records\": %u}", records);
  ck_assert_msg (weir_harness_set_queue (harness, link, queue, &error), "%s", error != NULL ? error->message : "");
}

/* A stage of the plugin, with links of so many records, that is not opened yet. */
G_GNUC_UNUSED static void
make_stage (const char *name, WeirHarnessKind kind, const char *json, guint queue)
{
  GError *error = NULL;
  g_clear_pointer (&harness, weir_harness_free);
  harness = weir_harness_new_for_file (name, kind, json, &error);
  ck_assert_msg (harness != NULL, "%s", error != NULL ? error->message : "");
  if (kind != WEIR_HARNESS_PRODUCER) {
    limit ("input", queue);
  }
  if (kind != WEIR_HARNESS_CONSUMER) {
    limit (NULL, queue);
  }
}

G_GNUC_UNUSED static void
finish (void)
{
  finished = weir_harness_finish (harness);
}

G_GNUC_UNUSED static void
run_transform (const char *name, const char *json, Feeding feeding, const Piece *pieces, gsize count, guint queue,
               gboolean take_rejected)
{
  make_stage (name, WEIR_HARNESS_TRANSFORM, json, queue);
  weir_harness_set_taken (harness, "rejected", take_rejected);
  push_pieces (feeding, pieces, count);
  finish ();
}

#define RUN(name, json, pieces) run_transform (name, json, AS_MESSAGES, pieces, G_N_ELEMENTS (pieces), 4096, FALSE)
#define RUN_WITH_REJECTED(name, json, pieces) \
  run_transform (name, json, AS_MESSAGES, pieces, G_N_ELEMENTS (pieces), 4096, TRUE)
#define RUN_ON_CHUNKS(name, json, pieces) \
  run_transform (name, json, AS_CHUNKS, pieces, G_N_ELEMENTS (pieces), 4096, FALSE)

G_GNUC_UNUSED static void
run_producer (const char *name, const char *json, guint queue)
{
  make_stage (name, WEIR_HARNESS_PRODUCER, json, queue);
  finish ();
}

G_GNUC_UNUSED static void
run_consumer (const char *name, const char *json, const Piece *pieces, gsize count, guint queue)
{
  make_stage (name, WEIR_HARNESS_CONSUMER, json, queue);
  push_pieces (AS_MESSAGES, pieces, count);
  finish ();
}

/* ---- what came of it ---- */

G_GNUC_UNUSED static gsize
count_out (void)
{
  return weir_harness_count (harness, NULL);
}

G_GNUC_UNUSED static guint64
count_taken (void)
{
  return weir_harness_figure (harness, "records_in");
}

G_GNUC_UNUSED static void
expect_done (void)
{
  ck_assert_msg (finished, "%s; %s", weir_harness_error (harness), weir_harness_ledger (harness));
}

G_GNUC_UNUSED static void
expect (const char *text)
{
  expect_done ();
  ck_assert_str_eq (weir_harness_text (harness, NULL), text);
}

G_GNUC_UNUSED static void
expect_tags (const char *link, const char *key, const char *tags)
{
  ck_assert_str_eq (weir_harness_tags (harness, link, key), tags);
}

G_GNUC_UNUSED static void
expect_bytes (const char *link, const char *bytes)
{
  ck_assert_str_eq (weir_harness_bytes (harness, link, NULL), bytes);
}

G_GNUC_UNUSED static void
expect_failure (const char *message)
{
  ck_assert (!finished);
  ck_assert_str_eq (weir_harness_error (harness), message);
}

/* What options are refused with, a mistake a line; "": they are not. */
G_GNUC_UNUSED static void
expect_refused (const char *name, WeirHarnessKind kind, const char *json, const char *problems)
{
  g_autoptr (GError) error = NULL;
  weir_harness_free (weir_harness_new_for_file (name, kind, json, &error));
  ck_assert_str_eq (error != NULL ? error->message : "", problems);
}

/* ---- suites ---- */

G_GNUC_UNUSED static int
run_suite (const char *name, TCase *cases)
{
  Suite *suite = suite_create (name);
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_set_timeout (cases, 60);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Each test of the list under its name. */
typedef const TTest *Case;
G_GNUC_UNUSED static int
run_cases (const char *name, const Case *cases, gsize count)
{
  TCase *all = tcase_create (name);
  for (gsize i = 0; i < count; i++) {
    tcase_add_test (all, cases[i]);
  }
  return run_suite (name, all);
}
