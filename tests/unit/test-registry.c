/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c, plugin-object.c and registry-list.c: where plugins are looked for, which files are none, and listings that survive
 * what a plugin does in its constructors. The modules are those of tests/modules. */
#include "registry.h"

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *first, *second;
static WeirRegistry *registry;

static char *
make_folder (void)
{
  char *folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  return folder;
}

static void
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

static void
set_up (void)
{
  first = make_folder ();
  second = make_folder ();
  registry = weir_registry_new ();
  weir_registry_add_folder (registry, first, WEIR_FOLDER_ARGUMENT);
  weir_registry_add_folder (registry, second, WEIR_FOLDER_INSTALLED);
}

static void
tear_down (void)
{
  weir_registry_free (registry);
  remove_folder (first);
  remove_folder (second);
}

static char *
file_in (const char *folder, const char *name)
{
  g_autofree char *entry = g_strconcat (name, ".so", NULL);
  return g_build_filename (folder, entry, NULL);
}

/* Puts size bytes (-1: all) of a test module into a folder, under a name. */
static void
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

static void
install (const char *module, const char *folder)
{
  install_part (module, folder, module, -1);
}

static void
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *target = file_in (folder, name);
  ck_assert (g_file_set_contents (target, text, -1, NULL));
}

static void expect_error (const char *name, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* In the format, the first %s is the first folder. */
static void
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

/* ---- files that are no plugins ---- */

#define BROKEN(name, message) \
  expect_error (name, WEIR_REGISTRY_ERROR_BROKEN, "plugin \"" name "\" (%s/" name ".so): " message, first)

START_TEST (a_text_file)
{
  write_file (first, "text", "#!/bin/sh\necho this is a text and no shared object, however long it may be\n");
  BROKEN ("text", "found a file that is no ELF object, expected a shared object");
}
END_TEST

START_TEST (an_empty_file)
{
  write_file (first, "empty", "");
  BROKEN ("empty", "found an empty file, expected a shared object");
}
END_TEST

START_TEST (a_directory)
{
  g_autofree char *path = file_in (first, "folder");
  ck_assert_int_eq (g_mkdir (path, 0755), 0);
  BROKEN ("folder", "found a directory, expected a shared object");
}
END_TEST

START_TEST (a_fifo)
{
  g_autofree char *path = file_in (first, "fifo");
  ck_assert_int_eq (mkfifo (path, 0644), 0);
  BROKEN ("fifo", "found a special file, expected a shared object");
}
END_TEST

START_TEST (a_link_to_nowhere)
{
  g_autofree char *path = file_in (first, "dangling");
  ck_assert_int_eq (symlink ("/nowhere/at/all.so", path), 0);
  BROKEN ("dangling", "cannot be read: No such file or directory");
}
END_TEST

START_TEST (an_unreadable_file)
{
  install ("sample", first);
  g_autofree char *path = file_in (first, "sample");
  ck_assert_int_eq (g_chmod (path, 0), 0);
  ck_assert_int_eq (g_chmod (first, 0755), 0);
  /* Root reads everything, so this is tried as nobody. */
  gboolean root = geteuid () == 0;
  ck_assert (!root || seteuid (65534) == 0);
  BROKEN ("sample", "cannot be read: Permission denied");
  ck_assert (!root || seteuid (0) == 0);
}
END_TEST

START_TEST (a_truncated_object)
{
  install_part ("sample", first, "sample", 4096);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_registry_open (registry, "sample", &error));
  g_autofree char *begin = g_strdup_printf (
    "plugin \"sample\" (%s/sample.so): found an object cut off at 4096 bytes, expected ", first);
  ck_assert_msg (g_str_has_prefix (error->message, begin), "%s", error->message);
  ck_assert_int_gt (atoi (error->message + strlen (begin)), 4096);
}
END_TEST

START_TEST (an_object_of_any_length_does_no_harm)
{
  /* Whatever is cut off, it is said and not died of. Beyond the last segment nothing is missed. */
  for (gssize size = 0; size < 16384; size += 509) {
    install_part ("sample", first, "sample", size);
    g_autoptr (WeirRegistry) fresh = weir_registry_new ();
    weir_registry_add_folder (fresh, first, WEIR_FOLDER_ARGUMENT);
    g_autoptr (GError) error = NULL;
    if (weir_registry_open (fresh, "sample", &error) != NULL)
      return;
    ck_assert (g_error_matches (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_BROKEN));
  }
}
END_TEST

START_TEST (half_a_header)
{
  install_part ("sample", first, "sample", 20);
  BROKEN ("sample", "found an object cut off at 20 bytes, expected 64");
}
END_TEST

/* Overwrites one byte of the file. */
static void
patch (const char *name, long offset, char byte)
{
  g_autofree char *path = file_in (first, name);
  FILE *file = fopen (path, "r+");
  ck_assert_ptr_nonnull (file);
  ck_assert_int_eq (fseek (file, offset, SEEK_SET), 0);
  ck_assert_int_eq (fputc (byte, file), byte);
  ck_assert_int_eq (fclose (file), 0);
}

START_TEST (an_object_for_another_machine)
{
  install ("sample", first);
  patch ("sample", 18, 8); /* MIPS */
  patch ("sample", 19, 0);
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (weir_registry_open (registry, "sample", &error));
  ck_assert_msg (strstr (error->message, "found an object for another machine (ELF machine 8, class ") != NULL, "%s",
                 error->message);
}
END_TEST

START_TEST (an_object_file)
{
  install ("sample", first);
  patch ("sample", 16, 1); /* ET_REL */
  BROKEN ("sample", "found an ELF file of type 1, expected a shared object");
}
END_TEST

START_TEST (a_folder_that_everybody_writes_to)
{
  install ("sample", first);
  ck_assert_int_eq (g_chmod (first, 01777), 0);
  BROKEN ("sample", "found its folder writable by everyone (mode 1777), expected only its owner or group to be");
  ck_assert_int_eq (g_chmod (first, 0700), 0);
}
END_TEST

START_TEST (a_file_that_everybody_writes_to)
{
  install ("sample", first);
  g_autofree char *path = file_in (first, "sample");
  ck_assert_int_eq (g_chmod (path, 0757), 0);
  BROKEN ("sample", "found the file writable by everyone (mode 0757), expected only its owner or group to be");
}
END_TEST

START_TEST (no_symbol)
{
  install ("no-symbol", first);
  BROKEN ("no-symbol", "found no symbol \"weir_plugin\", expected the table that WEIR_PLUGIN() makes");
}
END_TEST

START_TEST (another_abi)
{
  install ("other-abi", first);
  BROKEN ("other-abi", "ABI 2, this weir has ABI 1; rebuild the plugin against this weir's headers");
}
END_TEST

START_TEST (another_name)
{
  install ("other-name", first);
  BROKEN ("other-name", "found \"another\" as its name, expected \"other-name\", as its file is called");
}
END_TEST

START_TEST (a_function_that_is_not_there)
{
  install ("lacking", first);
  BROKEN ("lacking", "cannot be opened: undefined symbol: weir_function_of_the_future");
}
END_TEST

START_TEST (an_older_plugin)
{
  install ("small-role", first);
  g_autoptr (GError) error = NULL;
  const WeirPlugin *plugin = weir_registry_open (registry, "small-role", &error);
  ck_assert_msg (plugin != NULL, "%s", error == NULL ? "" : error->message);
  ck_assert_ptr_nonnull (plugin->consumer->close);
  ck_assert_ptr_null (plugin->consumer->interrupt);
  ck_assert_ptr_null (plugin->reply);
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
  weir_registry_set_patience (registry, 300 * 1000);
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
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_add_test (cases, a_plugin_is_found_and_kept);
  tcase_add_test (cases, the_first_folder_wins);
  tcase_add_test (cases, a_broken_first_is_not_passed_over);
  tcase_add_test (cases, folders_are_searched_by_source);
  tcase_add_test (cases, a_folder_named_twice_is_searched_once);
  tcase_add_test (cases, the_environment_names_folders);
  tcase_add_test (cases, an_unknown_plugin_is_guessed_at);
  tcase_add_test (cases, an_unknown_plugin_names_the_folders);
  tcase_add_test (cases, no_folder_at_all);
  tcase_add_test (cases, a_path_is_no_name);
  tcase_add_test (cases, a_text_file);
  tcase_add_test (cases, an_empty_file);
  tcase_add_test (cases, a_directory);
  tcase_add_test (cases, a_fifo);
  tcase_add_test (cases, a_link_to_nowhere);
  tcase_add_test (cases, an_unreadable_file);
  tcase_add_test (cases, a_truncated_object);
  tcase_add_test (cases, an_object_of_any_length_does_no_harm);
  tcase_add_test (cases, half_a_header);
  tcase_add_test (cases, an_object_for_another_machine);
  tcase_add_test (cases, an_object_file);
  tcase_add_test (cases, a_folder_that_everybody_writes_to);
  tcase_add_test (cases, a_file_that_everybody_writes_to);
  tcase_add_test (cases, no_symbol);
  tcase_add_test (cases, another_abi);
  tcase_add_test (cases, another_name);
  tcase_add_test (cases, a_function_that_is_not_there);
  tcase_add_test (cases, an_older_plugin);
  tcase_add_test (cases, a_listing_survives_its_plugins);
  tcase_add_test (cases, a_listing_names_what_is_hidden);
  tcase_add_test (cases, a_listing_names_folders_that_are_missing);
  tcase_add_test (cases, a_listing_passes_other_files_over);
  tcase_add_test (cases, a_listing_opens_nothing_here);
  tcase_add_test (cases, a_description);
  tcase_add_test (cases, an_unknown_plugin_is_not_described);
  Suite *suite = suite_create ("registry");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
