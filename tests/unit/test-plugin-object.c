/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-object.c: which files are no plugins, each with what is said of it. */
#include "registry-folders.h"

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
    if (weir_registry_open (fresh, "sample", &error) != NULL) {
      return;
    }
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

START_TEST (a_link_into_a_folder_that_everybody_writes_to)
{
  install ("sample", second);
  g_autofree char *target = file_in (second, "sample"), *link = file_in (first, "sample");
  ck_assert_int_eq (symlink (target, link), 0);
  ck_assert_int_eq (g_chmod (second, 0777), 0);
  BROKEN ("sample",
          "found the folder that it is linked to writable by everyone (mode 0777), expected only its owner or "
          "group to be");
  ck_assert_int_eq (g_chmod (second, 0700), 0);
}
END_TEST

/* Only root can make a file somebody else's. */
static void
expect_strange (const char *path, const char *what)
{
  if (geteuid () != 0) {
    return;
  }
  ck_assert_int_eq (chown (path, 4321, (gid_t) -1), 0);
  expect_error (
    "sample", WEIR_REGISTRY_ERROR_BROKEN,
    "plugin \"sample\" (%s/sample.so): found %s owned by user 4321, expected root, user 0 who runs this, or the "
    "owner of weir itself",
    first, what);
  ck_assert_int_eq (chown (path, 0, (gid_t) -1), 0);
}

START_TEST (a_file_of_somebody_else)
{
  install ("sample", first);
  g_autofree char *path = file_in (first, "sample");
  expect_strange (path, "the file");
}
END_TEST

START_TEST (a_folder_of_somebody_else)
{
  install ("sample", first);
  expect_strange (first, "its folder");
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

int
main (void)
{
  umask (022);
  TCase *cases = tcase_create ("plugin-object");
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
  tcase_add_test (cases, a_link_into_a_folder_that_everybody_writes_to);
  tcase_add_test (cases, a_file_of_somebody_else);
  tcase_add_test (cases, a_folder_of_somebody_else);
  tcase_add_test (cases, no_symbol);
  tcase_add_test (cases, another_abi);
  tcase_add_test (cases, another_name);
  tcase_add_test (cases, a_function_that_is_not_there);
  tcase_add_test (cases, an_older_plugin);
  return run_suite ("plugin-object", cases);
}
