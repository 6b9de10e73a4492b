/* SPDX-License-Identifier: Apache-2.0 */
/* build-tree.c: plugins beside the program count when configure's marker stands there and belongs to the program's owner. */
#include "build-tree.h"

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *folder, *program, *marker, *plugins;

static void
make_folder (void)
{
  folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  program = g_build_filename (folder, "weir", NULL);
  marker = g_build_filename (folder, "weir.build-tree", NULL);
  plugins = g_build_filename (folder, "plugins", ".libs", NULL);
  ck_assert (g_file_set_contents (program, "", 0, NULL));
}

static void
remove_folder (void)
{
  g_unlink (program);
  g_remove (marker);
  g_rmdir (folder);
  g_free (plugins);
  g_free (marker);
  g_free (program);
  g_free (folder);
}

START_TEST (marker_gives_the_plugins)
{
  ck_assert (g_file_set_contents (marker, "", 0, NULL));
  g_autofree char *found = weir_build_tree_plugins_beside (program);
  ck_assert_pstr_eq (found, plugins);
}
END_TEST

START_TEST (no_marker_gives_nothing)
{
  ck_assert_ptr_null (weir_build_tree_plugins_beside (program));
}
END_TEST

START_TEST (no_program_gives_nothing)
{
  ck_assert (g_file_set_contents (marker, "", 0, NULL));
  g_unlink (program);
  ck_assert_ptr_null (weir_build_tree_plugins_beside (program));
}
END_TEST

START_TEST (folder_as_marker_gives_nothing)
{
  ck_assert_int_eq (g_mkdir (marker, 0700), 0);
  ck_assert_ptr_null (weir_build_tree_plugins_beside (program));
}
END_TEST

START_TEST (this_program_is_not_at_the_top_of_the_tree)
{
  ck_assert_ptr_null (weir_build_tree_plugins ());
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("build-tree");
  tcase_add_checked_fixture (cases, make_folder, remove_folder);
  tcase_add_test (cases, marker_gives_the_plugins);
  tcase_add_test (cases, no_marker_gives_nothing);
  tcase_add_test (cases, no_program_gives_nothing);
  tcase_add_test (cases, folder_as_marker_gives_nothing);
  tcase_add_test (cases, this_program_is_not_at_the_top_of_the_tree);
  Suite *suite = suite_create ("build-tree");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
