/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-file-run.h: the producer of plugins/file.c in a pipeline: file -> lines -> notes, so that the end of a stream is seen by its
 * last line without a newline (`text~`). What another process would do to the files, the test's main thread does while the pipeline
 * runs, and waits for what must come of it. Everything static: one test program includes it once. */
#pragma once

#include "plugin-live.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static void
set_up (void)
{
  folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  ck_assert_int_eq (chdir (folder), 0);
  live_set_up ();
}

static void
tear_down (void)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", folder);
  ck_assert_int_eq (chdir ("/"), 0);
  ck_assert_int_eq (system (command), 0);
  live_tear_down ();
  g_free (folder);
}

/* ---- files ---- */

G_GNUC_UNUSED static void
put (const char *path, const char *text, int flags)
{
  int fd = open (path, O_WRONLY | O_CREAT | flags, 0644);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, text, strlen (text)), (ssize_t) strlen (text));
  close (fd);
}

G_GNUC_UNUSED static void
make (const char *path, const char *text)
{
  put (path, text, O_TRUNC);
}

G_GNUC_UNUSED static void
append (const char *path, const char *text)
{
  put (path, text, O_APPEND);
}

/* ---- the pipeline ---- */

G_GNUC_UNUSED static void
begin_with (const char *json, const char *lines_json, guint64 records)
{
  const WeirRole *role = load_plugin ("file")->producer, *cutter = load_plugin ("lines")->transform;
  pipeline = weir_pipeline_new ("test");
  WeirStage *from = add_stage (pipeline, "log", WEIR_PRODUCER, role, role_state (role, json, owned));
  WeirStage *lines = add_stage (pipeline, "lines", WEIR_TRANSFORM, cutter, role_state (cutter, lines_json, owned));
  WeirStage *to = add_stage (pipeline, "notes", WEIR_CONSUMER, &note_role, noter_state (&notes));
  join (pipeline, from, 0, lines, records);
  join (pipeline, lines, 0, to, records);
  weir_pipeline_start (pipeline, &live_events, NULL);
}

G_GNUC_UNUSED static void
begin (const char *json)
{
  begin_with (json, "{}", 4096);
}

G_GNUC_UNUSED static void
stop (void)
{
  weir_pipeline_stop (pipeline);
  finish ();
  ck_assert_msg (result == WEIR_RESULT_STOPPED, "%s", failure);
}

G_GNUC_UNUSED static void
expect (const char *text)
{
  finish ();
  ck_assert_msg (result == WEIR_RESULT_DONE, "%s", failure);
  ck_assert_str_eq (notes.text->str, text);
}

G_GNUC_UNUSED static void
expect_failure (const char *message)
{
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (failure, message);
}

G_GNUC_UNUSED static int
run_cases (const char *name, TCase *cases)
{
  Suite *suite = suite_create (name);
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_set_timeout (cases, 60);
  suite_add_tcase (suite, cases);
  return run_suite (suite);
}
