/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-file-run.h: the producer of plugins/file.c in a harness, and behind it lines in another, so that the end of a stream is seen by
 * its last line without a newline (`text~`). What another process would do to the files, the test does between its cranks, and waits
 * for what must come of it. Everything static: one test program includes it once. */
#pragma once

#include "plugin-run.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;
static WeirHarness *cutter; /* lines */

static void
enter_folder (void)
{
  folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  ck_assert_int_eq (chdir (folder), 0);
}

static void
leave_folder (void)
{
  g_clear_pointer (&cutter, weir_harness_free);
  g_clear_pointer (&harness, weir_harness_free);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", folder);
  ck_assert_int_eq (chdir ("/"), 0);
  ck_assert_int_eq (system (command), 0);
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

/* ---- the two stages ---- */

/* Made, and not opened yet. */
G_GNUC_UNUSED static void
prepare (const char *json, const char *lines_json, guint records)
{
  make_stage ("lines", WEIR_HARNESS_TRANSFORM, lines_json, records);
  cutter = g_steal_pointer (&harness);
  make_stage ("file", WEIR_HARNESS_PRODUCER, json, records);
}

G_GNUC_UNUSED static void
begin (const char *json)
{
  prepare (json, "{}", 4096);
  ck_assert (weir_harness_start (cutter));
  weir_harness_start (harness);
}

/* What has come so far, and whether there is something new. */
static const char *
look (void)
{
  weir_harness_hand_on (harness, NULL, cutter);
  weir_harness_run (cutter);
  return weir_harness_text (cutter, NULL);
}

static gboolean
is_text (G_GNUC_UNUSED WeirHarness *of, gpointer text)
{
  return g_str_equal (look (), text);
}

G_GNUC_UNUSED static void
await (const char *text)
{
  gboolean came = weir_harness_wait_until (harness, is_text, (gpointer) text);
  ck_assert_msg (came, "expected: %s\nfound: %s", text, look ());
}

/* What there is to read has been. */
G_GNUC_UNUSED static void
await_idle (void)
{
  ck_assert_msg (weir_harness_run (harness), "it is never idle; %s", look ());
}

G_GNUC_UNUSED static void
stop (void)
{
  weir_harness_stop (harness);
  weir_harness_expect_error (harness, NULL);
  weir_harness_expect_state (harness, "closed");
  weir_harness_stop (cutter);
}

/* It comes to its end by itself. */
G_GNUC_UNUSED static void
expect_lines (const char *text)
{
  finish ();
  expect_done ();
  look ();
  ck_assert (weir_harness_finish (cutter));
  ck_assert_str_eq (look (), text);
}

G_GNUC_UNUSED static int
run_file_cases (const char *name, TCase *cases)
{
  tcase_add_checked_fixture (cases, enter_folder, leave_folder);
  return run_suite (name, cases);
}
