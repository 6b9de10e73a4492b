/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c and registry-list.c: where plugins are looked for, and tries and listings that survive what a plugin does in its
 * constructors. */
#include "registry-folders.h"

/* ---- the search ---- */

START_TEST (a_plugin_is_found_and_kept)
{
  install ("sample", second);
  g_autoptr (GError) error = NULL;
  const WeirPlugin *plugin = weir_registry_open (registry, "sample", &error);
  ck_assert_msg (plugin != NULL, "%s", error == NULL ? "" : error->message);
  ck_assert_str_eq (plugin->name, "sample");
  ck_assert_ptr_nonnull (plugin->producer);
  ck_assert_ptr_nonnull (plugin->transform);
  ck_assert_ptr_nonnull (plugin->consumer);
  ck_assert_ptr_eq (weir_registry_open (registry, "sample", NULL), plugin);
}
END_TEST

START_TEST (the_first_folder_wins)
{
  install ("sample", first);
  write_file (second, "sample", "broken");
  ck_assert_ptr_nonnull (weir_registry_open (registry, "sample", NULL));
}
END_TEST

START_TEST (what_is_hidden_is_named)
{
  g_autofree char *file = NULL, *hidden = NULL, *shown = file_in (first, "sample"), *other = file_in (second, "sample");
  install ("sample", first);
  ck_assert (!weir_registry_hides (registry, "sample", &file, &hidden));
  ck_assert (file == NULL && hidden == NULL);
  ck_assert (!weir_registry_hides (registry, "unknown", &file, &hidden));
  install ("sample", second);
  ck_assert (weir_registry_hides (registry, "sample", &file, &hidden));
  ck_assert_str_eq (file, shown);
  ck_assert_str_eq (hidden, other);
}
END_TEST

START_TEST (a_build_tree_hides_what_is_installed)
{
  g_autoptr (WeirRegistry) built = weir_registry_new ();
  g_autofree char *file = NULL, *hidden = NULL;
  weir_registry_add_folder (built, first, WEIR_FOLDER_BUILD_TREE);
  weir_registry_add_folder (built, second, WEIR_FOLDER_INSTALLED);
  install ("sample", first);
  install ("sample", second);
  ck_assert (!weir_registry_hides (built, "sample", &file, &hidden));
  ck_assert (file == NULL && hidden == NULL);
}
END_TEST

START_TEST (a_broken_first_is_not_passed_over)
{
  write_file (first, "sample", "broken");
  install ("sample", second);
  expect_error ("sample", WEIR_REGISTRY_ERROR_BROKEN,
                "plugin \"sample\" (%s/sample.so): found a file that is no ELF object, expected a shared object",
                first);
}
END_TEST

START_TEST (folders_are_searched_by_source)
{
  g_autoptr (WeirRegistry) mixed = weir_registry_new ();
  weir_registry_add_folder (mixed, "/installed", WEIR_FOLDER_INSTALLED);
  weir_registry_add_folder (mixed, "/config/1", WEIR_FOLDER_CONFIG);
  weir_registry_add_folder (mixed, "/argument/1", WEIR_FOLDER_ARGUMENT);
  weir_registry_add_folder (mixed, "/environment", WEIR_FOLDER_ENVIRONMENT);
  weir_registry_add_folder (mixed, "/argument/2/../2/", WEIR_FOLDER_ARGUMENT);
  weir_registry_add_folder (mixed, "/config/2", WEIR_FOLDER_CONFIG);
  weir_registry_add_folder (mixed, "/build", WEIR_FOLDER_BUILD_TREE);
  g_autofree char *order = g_strjoinv (" ", (char **) weir_registry_folders (mixed));
  ck_assert_str_eq (order, "/argument/1 /argument/2 /environment /config/1 /config/2 /build /installed");
}
END_TEST

START_TEST (a_folder_named_twice_is_searched_once)
{
  g_autoptr (WeirRegistry) mixed = weir_registry_new ();
  g_autofree char *link = g_strconcat (first, "-link", NULL);
  ck_assert_int_eq (symlink (first, link), 0);
  weir_registry_add_folder (mixed, first, WEIR_FOLDER_INSTALLED);
  weir_registry_add_folder (mixed, second, WEIR_FOLDER_ENVIRONMENT);
  weir_registry_add_folder (mixed, link, WEIR_FOLDER_ARGUMENT);
  weir_registry_add_folder (mixed, second, WEIR_FOLDER_CONFIG);
  g_autofree char *order = g_strjoinv (" ", (char **) weir_registry_folders (mixed));
  g_autofree char *wanted = g_strjoin (" ", link, second, NULL);
  ck_assert_str_eq (order, wanted);
  g_unlink (link);
}
END_TEST

START_TEST (the_environment_names_folders)
{
  g_autoptr (WeirRegistry) mixed = weir_registry_new ();
  g_setenv ("WEIR_PLUGIN_PATH", "/one::/two:", TRUE);
  weir_registry_add_defaults (mixed);
  g_autofree char *order = g_strjoinv (" ", (char **) weir_registry_folders (mixed));
  ck_assert_str_eq (order, "/one /two " WEIR_PLUGIN_DIR);
}
END_TEST

START_TEST (an_unknown_plugin_is_guessed_at)
{
  install ("sample", second);
  expect_error ("smaple", WEIR_REGISTRY_ERROR_UNKNOWN, "unknown plugin \"smaple\"; did you mean \"sample\"?");
}
END_TEST

START_TEST (an_unknown_plugin_names_the_folders)
{
  install ("sample", second);
  weir_registry_add_folder (registry, "/nowhere", WEIR_FOLDER_CONFIG);
  expect_error ("xyz", WEIR_REGISTRY_ERROR_UNKNOWN,
                "unknown plugin \"xyz\"; looked in %s, /nowhere (No such file or directory), %s", first, second);
}
END_TEST

START_TEST (no_folder_at_all)
{
  weir_registry_free (registry);
  registry = weir_registry_new ();
  expect_error ("xyz", WEIR_REGISTRY_ERROR_UNKNOWN, "unknown plugin \"xyz\"; there is no folder to look in");
}
END_TEST

START_TEST (a_path_is_no_name)
{
  install ("sample", second);
  g_autofree char *name = g_strconcat ("../", strrchr (second, '/') + 1, "/sample", NULL);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_registry_open (registry, name, &error));
  ck_assert (g_error_matches (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_UNKNOWN));
}
END_TEST

/* ---- what does harm when it is opened ---- */

static void
expect_refused (const char *name, const char *what)
{
  expect_error (name, WEIR_REGISTRY_ERROR_BROKEN, "plugin \"%s\" (%s/%s.so): %s", name, first, name, what);
}

START_TEST (a_plugin_that_crashes_when_it_is_opened)
{
  install ("crashes", first);
  expect_refused ("crashes", "it crashes while it is opened (signal 11, Segmentation fault)");
}
END_TEST

START_TEST (a_plugin_that_ends_the_process_when_it_is_opened)
{
  install ("exits", first);
  expect_refused ("exits", "it ends the process while it is opened (exit status 7)");
}
END_TEST

START_TEST (a_plugin_that_hangs_when_it_is_opened)
{
  install ("hangs", first);
  weir_registry_set_patience (registry, 100 * 1000);
  expect_refused ("hangs", "it hangs while it is opened");
}
END_TEST

START_TEST (many_are_tried_at_once)
{
  static const char *const names[] = { "sample", "exits",      "no-symbol", "unknown", "crashes",
                                       "exits",  "small-role", "hangs",     NULL };
  for (gsize i = 0; names[i] != NULL; i++) {
    if (strcmp (names[i], "unknown") != 0) {
      install (names[i], first);
    }
  }
  weir_registry_set_patience (registry, G_USEC_PER_SEC);
  weir_registry_try (registry, names);
  expect_refused ("exits", "it ends the process while it is opened (exit status 7)");
  expect_refused ("crashes", "it crashes while it is opened (signal 11, Segmentation fault)");
  expect_refused ("hangs", "it hangs while it is opened");
  expect_refused ("no-symbol", "found no symbol \"weir_plugin\", expected the table that WEIR_PLUGIN() makes");
  ck_assert_ptr_nonnull (weir_registry_open (registry, "sample", NULL));
  ck_assert_ptr_nonnull (weir_registry_open (registry, "small-role", NULL));
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_registry_open (registry, "unknown", &error));
  ck_assert (g_error_matches (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_UNKNOWN));
}
END_TEST

/* ---- listings ---- */

static json_object *
item (json_object *listing, const char *key, gsize i)
{
  json_object *list = json_object_object_get (listing, key);
  ck_assert_uint_gt (json_object_array_length (list), i);
  return json_object_array_get_idx (list, i);
}

static const char *
text (json_object *object, const char *key)
{
  return json_object_get_string (json_object_object_get (object, key));
}

static void
expect_broken (json_object *listing, gsize i, const char *name, const char *error)
{
  ck_assert_str_eq (text (item (listing, "broken", i), "name"), name);
  ck_assert_str_eq (text (item (listing, "broken", i), "error"), error);
}

START_TEST (a_listing_survives_its_plugins)
{
  install ("crashes", first);
  install ("exits", first);
  install ("hangs", first);
  install ("lacking", first);
  install ("sample", first);
  install ("small-role", first);
  write_file (first, "text", "text");
  weir_registry_set_patience (registry, G_USEC_PER_SEC);
  json_object *listing = weir_registry_list (registry);
  ck_assert_uint_eq (json_object_array_length (json_object_object_get (listing, "broken")), 5);
  expect_broken (listing, 0, "crashes", "it crashes while it is opened (signal 11, Segmentation fault)");
  expect_broken (listing, 1, "exits", "it ends the process while it is opened (exit status 7)");
  expect_broken (listing, 2, "hangs", "it hangs while it is opened");
  expect_broken (listing, 3, "lacking", "cannot be opened: undefined symbol: weir_function_of_the_future");
  expect_broken (listing, 4, "text", "found a file that is no ELF object, expected a shared object");
  ck_assert_uint_eq (json_object_array_length (json_object_object_get (listing, "plugins")), 2);
  ck_assert_str_eq (text (item (listing, "plugins", 0), "name"), "sample");
  ck_assert_str_eq (text (item (listing, "plugins", 1), "name"), "small-role");
  json_object_put (listing);
}
END_TEST

START_TEST (a_listing_names_what_is_hidden)
{
  install ("sample", first);
  install ("sample", second);
  write_file (second, "text", "text");
  json_object *listing = weir_registry_list (registry);
  g_autofree char *shown = file_in (first, "sample"), *hidden = file_in (second, "sample");
  ck_assert_str_eq (text (item (listing, "plugins", 0), "file"), shown);
  ck_assert_str_eq (text (item (listing, "hidden", 0), "file"), hidden);
  ck_assert_str_eq (text (item (listing, "hidden", 0), "hidden_by"), shown);
  ck_assert_str_eq (text (item (listing, "folders", 0), "folder"), first);
  ck_assert_str_eq (text (item (listing, "folders", 1), "folder"), second);
  json_object_put (listing);
}
END_TEST

START_TEST (a_listing_names_folders_that_are_missing)
{
  weir_registry_add_folder (registry, "/nowhere", WEIR_FOLDER_CONFIG);
  json_object *listing = weir_registry_list (registry);
  ck_assert_str_eq (text (item (listing, "folders", 1), "folder"), "/nowhere");
  ck_assert_str_eq (text (item (listing, "folders", 1), "problem"), "No such file or directory");
  ck_assert_ptr_null (json_object_object_get (item (listing, "folders", 0), "problem"));
  json_object_put (listing);
}
END_TEST

START_TEST (a_listing_passes_other_files_over)
{
  install ("sample", first);
  install_part ("sample", first, "9lives", -1);
  install_part ("sample", first, "lib.sample", -1);
  g_autofree char *other = g_build_filename (first, "sample.la", NULL);
  ck_assert (g_file_set_contents (other, "x", -1, NULL));
  json_object *listing = weir_registry_list (registry);
  ck_assert_uint_eq (json_object_array_length (json_object_object_get (listing, "plugins")), 1);
  ck_assert_uint_eq (json_object_array_length (json_object_object_get (listing, "broken")), 0);
  json_object_put (listing);
}
END_TEST

START_TEST (a_listing_opens_nothing_here)
{
  /* In this process the plugin would end the test. */
  install ("exits", first);
  install ("crashes", first);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_registry_describe (registry, "exits", &error));
  g_autofree char *wanted = g_strdup_printf (
    "plugin \"exits\" (%s/exits.so): it ends the process while it is opened (exit status 7)", first);
  ck_assert_str_eq (error->message, wanted);
  ck_assert (g_error_matches (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_BROKEN));
}
END_TEST

START_TEST (a_description)
{
  install ("noisy", first);
  install ("noisy", second);
  json_object *plugin = weir_registry_describe (registry, "noisy", NULL);
  g_autofree char *file = file_in (first, "noisy"), *hidden = file_in (second, "noisy");
  ck_assert_ptr_nonnull (plugin);
  ck_assert_str_eq (text (plugin, "name"), "noisy");
  ck_assert_str_eq (text (plugin, "file"), file);
  ck_assert_str_eq (json_object_get_string (item (plugin, "hides", 0)), hidden);
  json_object_put (plugin);
}
END_TEST

START_TEST (an_unknown_plugin_is_not_described)
{
  install ("noisy", first);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_registry_describe (registry, "nosiy", &error));
  ck_assert_str_eq (error->message, "unknown plugin \"nosiy\"; did you mean \"noisy\"?");
  ck_assert (g_error_matches (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_UNKNOWN));
}
END_TEST

int
main (void)
{
  umask (022);
  TCase *cases = tcase_create ("registry");
  tcase_add_test (cases, a_plugin_is_found_and_kept);
  tcase_add_test (cases, the_first_folder_wins);
  tcase_add_test (cases, what_is_hidden_is_named);
  tcase_add_test (cases, a_build_tree_hides_what_is_installed);
  tcase_add_test (cases, a_broken_first_is_not_passed_over);
  tcase_add_test (cases, folders_are_searched_by_source);
  tcase_add_test (cases, a_folder_named_twice_is_searched_once);
  tcase_add_test (cases, the_environment_names_folders);
  tcase_add_test (cases, an_unknown_plugin_is_guessed_at);
  tcase_add_test (cases, an_unknown_plugin_names_the_folders);
  tcase_add_test (cases, no_folder_at_all);
  tcase_add_test (cases, a_path_is_no_name);
  tcase_add_test (cases, a_plugin_that_crashes_when_it_is_opened);
  tcase_add_test (cases, a_plugin_that_ends_the_process_when_it_is_opened);
  tcase_add_test (cases, a_plugin_that_hangs_when_it_is_opened);
  tcase_add_test (cases, many_are_tried_at_once);
  tcase_add_test (cases, a_listing_survives_its_plugins);
  tcase_add_test (cases, a_listing_names_what_is_hidden);
  tcase_add_test (cases, a_listing_names_folders_that_are_missing);
  tcase_add_test (cases, a_listing_passes_other_files_over);
  tcase_add_test (cases, a_listing_opens_nothing_here);
  tcase_add_test (cases, a_description);
  tcase_add_test (cases, an_unknown_plugin_is_not_described);
  return run_suite ("registry", cases);
}
