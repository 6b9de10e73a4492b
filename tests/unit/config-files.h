/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the loader: pipelines in a folder of their own, written with ' for ", and what a load says of them. */
#ifndef WEIR_CONFIG_FILES_H
#define WEIR_CONFIG_FILES_H

#include "config.h"

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *files_folder;
static WeirRegistry *files_registry;

static inline void
files_begin (void)
{
  const char *modules = g_getenv ("WEIR_TEST_MODULES");

  ck_assert_msg (modules != NULL, "WEIR_TEST_MODULES is not set");
  files_folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_int_eq (g_chdir (files_folder), 0);
  files_registry = weir_registry_new ();
  weir_registry_add_folder (files_registry, modules, WEIR_FOLDER_ARGUMENT);
}

static inline void
files_end (void)
{
  const char *command[] = { "rm", "-rf", files_folder, NULL };

  weir_registry_free (files_registry);
  ck_assert (g_spawn_sync ("/", (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (files_folder);
}

static inline void
put_file (const char *name, const char *text)
{
  g_autofree char *quoted = g_strdelimit (g_strdup (text), "'", '"');

  ck_assert (g_file_set_contents (name, quoted, -1, NULL));
}

/* What has been loaded, and what was said of it, for tests/cli/schema.sh, which names the folder. */
static inline void
keep_for_the_schema (const char *name, const char *const *settings, const char *said)
{
  const char *folder = g_getenv ("WEIR_TEST_KEEP");
  g_autofree char *text = NULL;
  gsize size = 0;

  if (folder == NULL || settings != NULL || !g_file_get_contents (name, &text, &size, NULL)) {
    return;
  }
  g_autofree char *base = g_strdup_printf ("%s/%d-%" G_GINT64_FORMAT, folder, (int) getpid (), g_get_monotonic_time ());
  g_autofree char *file = g_strconcat (base, ".json", NULL), *lines = g_strconcat (base, ".said", NULL);
  ck_assert (g_file_set_contents (file, text, (gssize) size, NULL));
  g_autofree char *whole = g_strdup_printf ("%s\n%s", name, said);
  ck_assert (g_file_set_contents (lines, whole, -1, NULL));
}

/* Loads p.json; said: all lines, and the configuration or NULL. */
static inline WeirConfig *
load_file (const char *name, const char *const *settings, char **said)
{
  g_autoptr (WeirProblems) problems = weir_problems_new ();
  WeirConfig *config = weir_config_load (name, settings, files_registry, problems);

  ck_assert_int_eq (config == NULL, weir_problems_count (problems, WEIR_SEVERITY_ERROR) > 0);
  *said = weir_problems_format (problems);
  keep_for_the_schema (name, settings, *said);
  return config;
}

static inline WeirConfig *
load_fine_with (const char *text, const char *const *settings)
{
  g_autofree char *said = NULL;

  put_file ("p.json", text);
  WeirConfig *config = load_file ("p.json", settings, &said);
  ck_assert_str_eq (said, "");
  ck_assert_ptr_nonnull (config);
  return config;
}
#define load_fine(text) load_fine_with (text, NULL)

/* The lines are those of a refused p.json, each with its end but the last. */
static inline void
expect_refused_with (const char *text, const char *const *settings, const char *lines)
{
  g_autofree char *said = NULL;
  g_autofree char *expected = g_strconcat (lines, "\n", NULL);

  put_file ("p.json", text);
  WeirConfig *config = load_file ("p.json", settings, &said);
  ck_assert_str_eq (said, expected);
  ck_assert_ptr_null (config);
}
#define expect_refused(text, lines) expect_refused_with (text, NULL, lines)

static inline int
run_suite (const char *name, TCase *cases)
{
  Suite *suite = suite_create (name);

  tcase_add_checked_fixture (cases, files_begin, files_end);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define PRODUCER "'producers': {'log': {'plugin': 'probe', 'path': '/x'}}"
#define TRANSFORM "'transforms': {'bad': {'plugin': 'probe', 'from': 'log', 'pattern': 'x'}}"
#define CONSUMER "'consumers': {'out': {'plugin': 'probe', 'from': 'bad'}}"

#endif
