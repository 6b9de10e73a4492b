/* SPDX-License-Identifier: Apache-2.0 */
/* The program `weir`: reads the command line and hands over to a command. Main thread only. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "cli/command.h"
#include "cli/inspect.h"
#include "cli/isolated.h"

#include "found.h"
#include "suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <json-c/json.h>
#include <locale.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const char *name;
  int (*run) (int argc, char **argv); /* argv[0] is the name */
  const char *summary;
} Command;

static int help_command (int argc, char **argv);

static const Command commands[] = {
  { "run", weir_run_command, "Run a pipeline" },
  { "check", weir_check_command, "Tell every mistake in a pipeline without running it" },
  { "graph", weir_graph_command, "Draw a pipeline" },
  { "inspect", weir_inspect_command, "Show which plugins there are, and their options" },
  { "plugin", weir_plugin_command, "Check a plugin that you write" },
  { "schema", weir_schema_command, "Print a JSON Schema of pipeline files" },
  { "new-plugin", weir_new_plugin_command, "Write a folder with a plugin to begin with" },
  { "help", help_command, "Show this help, or that of a command" },
};

static const Command *
find_command (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (strcmp (commands[i].name, name) == 0) {
      return &commands[i];
    }
  }
  return NULL;
}

static int
refuse_command (const char *name)
{
  const char *names[G_N_ELEMENTS (commands) + 1] = { NULL };
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    names[i] = commands[i].name;
  }
  g_autofree char *found = weir_found_text (name);
  g_autoptr (GString) message = g_string_new (NULL);
  g_string_printf (message, "weir: unknown command %s", found);
  weir_suggest_append (message, name, names);
  g_printerr ("%s; see weir --help\n", message->str);
  return WEIR_EXIT_USAGE;
}

/* The end of --help. */
static char *
list_commands (void)
{
  GString *list = g_string_new ("Commands (weir COMMAND --help tells more):\n");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    g_string_append_printf (list, "  %-10s %s\n", commands[i].name, commands[i].summary);
  }
  return g_string_free (list, FALSE);
}

static GOptionContext *
make_context (gboolean *version)
{
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, version, "Print the version and the libraries in use", NULL },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new ("COMMAND [ARGUMENT…]");
  g_autofree char *description = list_commands ();
  g_option_context_set_description (context, description);
  /* What comes behind the command is the command's. */
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_set_summary (context, "Runs streaming pipelines of plugins, with backpressure.");
  g_option_context_add_main_entries (context, entries, NULL);
  return context;
}

/* `weir help COMMAND` is `weir COMMAND --help`; of help itself there is nothing more to say. */
static int
help_command (int argc, char **argv)
{
  if (argc > 2) {
    return weir_command_refuse ("help", "found %d arguments, expected one command or none", argc - 1);
  }
  const Command *command = argc == 2 ? find_command (argv[1]) : NULL;
  if (argc == 2 && command == NULL && strcmp (argv[1], "--help") != 0 && strcmp (argv[1], "-h") != 0) {
    return refuse_command (argv[1]);
  }
  if (command != NULL && command->run != help_command) {
    return command->run (2, (char *[]){ (char *) command->name, (char *) "--help", NULL });
  }
  g_autoptr (GOptionContext) context = make_context (&(gboolean){ FALSE });
  g_autofree char *help = g_option_context_get_help (context, TRUE, NULL);
  g_print ("%s", help);
  return EXIT_SUCCESS;
}

static void
print_version (void)
{
  char pcre2[64] = "?";
  pcre2_config (PCRE2_CONFIG_VERSION, pcre2);
  g_autoptr (WeirRegistry) registry = weir_registry_new ();
  weir_registry_add_defaults (registry);
  g_autofree char *folders = g_strjoinv (", ", (char **) weir_registry_folders (registry));
  g_print ("weir %s, plugin ABI %d\n", PACKAGE_VERSION, WEIR_ABI);
  g_print ("plugins in %s\n", folders);
  g_print ("GLib %u.%u.%u, json-c %s, PCRE2 %s\n", glib_major_version, glib_minor_version, glib_micro_version,
           json_c_version (), pcre2);
}

/* A descriptor that a plugin opens must never be taken for standard input, output or error. One that was closed cannot be read or
 * written afterwards either: what is meant for it must not vanish without a word. */
static void
open_standard_descriptors (void)
{
  static const int flags[] = { O_WRONLY, O_RDONLY, O_RDWR };
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl (fd, F_GETFD) < 0) {
      (void) !open ("/dev/null", flags[fd]); /* it gets the lowest number that is free: this one */
    }
  }
}

/* Help and version: where they cannot be written, that is told. GLib's own handler says nothing. */
static void
print_or_fail (const char *text)
{
  const char *charset = NULL;
  g_autofree char *converted = g_get_console_charset (&charset)
                                 ? NULL
                                 : g_convert_with_fallback (text, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
  fputs (converted != NULL ? converted : text, stdout);
  if (fflush (stdout) != 0 || ferror (stdout) != 0) {
    fprintf (stderr, "weir: cannot write to standard output: %s\n", g_strerror (errno));
    exit (WEIR_EXIT_FAILED);
  }
}

int
main (int argc, char **argv)
{
  open_standard_descriptors ();
  setlocale (LC_ALL, "");
  g_set_print_handler (print_or_fail);
  setlocale (LC_NUMERIC, "C"); /* numbers are read and written in one way everywhere */
  gboolean version = FALSE;
  g_autoptr (GOptionContext) context = make_context (&version);
  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("weir: %s; see weir --help\n", error->message);
    return WEIR_EXIT_USAGE;
  }
  if (version) {
    print_version ();
    return EXIT_SUCCESS;
  }
  if (argc > 1 && strcmp (argv[1], WEIR_ISOLATED_COMMAND) == 0) {
    return weir_isolated_command (argc - 1, argv + 1);
  }
  const Command *command = argc > 1 ? find_command (argv[1]) : NULL;
  if (command != NULL) {
    return command->run (argc - 1, argv + 1);
  }
  if (argc > 1) {
    return refuse_command (argv[1]);
  }
  g_printerr ("weir: no command given; see weir --help\n");
  return WEIR_EXIT_USAGE;
}
