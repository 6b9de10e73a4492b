/* SPDX-License-Identifier: Apache-2.0 */
/* registry-folders.h: a registry with two folders of its own, and what a test puts into them: the modules of tests/modules, whole or
 * cut, and other files. Everything static: one test program includes it once. */
#pragma once

#include "registry.h"

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_GNUC_UNUSED static char *first, *second;
G_GNUC_UNUSED static WeirRegistry *registry;

G_GNUC_UNUSED static char *
make_folder (void)
{
  char *folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  return folder;
}

G_GNUC_UNUSED static void
remove_folder (char *folder)
{
  const char *entry;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, entry, NULL);
    g_remove (path);
  }
  g_rmdir (folder);
  g_free (folder);
}

G_GNUC_UNUSED static void
set_up (void)
{
  first = make_folder ();
  second = make_folder ();
  registry = weir_registry_new ();
  weir_registry_add_folder (registry, first, WEIR_FOLDER_ARGUMENT);
  weir_registry_add_folder (registry, second, WEIR_FOLDER_INSTALLED);
}

G_GNUC_UNUSED static void
tear_down (void)
{
  weir_registry_free (registry);
  remove_folder (first);
  remove_folder (second);
}

G_GNUC_UNUSED static char *
file_in (const char *folder, const char *name)
{
  g_autofree char *entry = g_strconcat (name, ".so", NULL);
  return g_build_filename (folder, entry, NULL);
}

/* Puts size bytes (-1: all) of a test module into a folder, under a name. */
G_GNUC_UNUSED static void
install_part (const char *module, const char *folder, const char *name, gssize size)
{
  const char *modules = g_getenv ("WEIR_TEST_MODULES");
  ck_assert_msg (modules != NULL, "WEIR_TEST_MODULES is not set");
  g_autofree char *source = file_in (modules, module), *target = file_in (folder, name), *contents = NULL;
  gsize whole;
  ck_assert_msg (g_file_get_contents (source, &contents, &whole, NULL), "%s is missing", source);
  ck_assert (g_file_set_contents (target, contents, size < 0 ? (gssize) whole : size, NULL));
  ck_assert_int_eq (g_chmod (target, 0755), 0);
}

G_GNUC_UNUSED static void
install (const char *module, const char *folder)
{
  install_part (module, folder, module, -1);
}

G_GNUC_UNUSED static void
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *target = file_in (folder, name);
  ck_assert (g_file_set_contents (target, text, -1, NULL));
}

G_GNUC_UNUSED static void expect_error (const char *name, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* In the format, the first %s is the first folder. */
G_GNUC_UNUSED static void
expect_error (const char *name, int code, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *wanted = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_registry_open (registry, name, &error));
  ck_assert_pstr_eq (error->message, wanted);
  ck_assert (g_error_matches (error, WEIR_REGISTRY_ERROR, code));
  /* It stays so. */
  g_autoptr (GError) again = NULL;
  ck_assert_ptr_null (weir_registry_open (registry, name, &again));
  ck_assert_pstr_eq (again->message, wanted);
}

G_GNUC_UNUSED static int
run_suite (const char *name, TCase *cases)
{
  Suite *suite = suite_create (name);
  tcase_add_checked_fixture (cases, set_up, tear_down);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
