/* SPDX-License-Identifier: Apache-2.0 */
/* The program `weir`: reads the command line and hands over to a command. Main thread only. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <glib.h>
#include <json-c/json.h>
#include <locale.h>
#include <pcre2.h>
#include <stdlib.h>

/* Exit status for bad usage: trying again cannot help. */
#define EXIT_USAGE 2

static void
print_version (void)
{
  char pcre2[64] = "?";
  pcre2_config (PCRE2_CONFIG_VERSION, pcre2);
  g_print ("weir %s\n", PACKAGE_VERSION);
  g_print ("GLib %u.%u.%u, json-c %s, PCRE2 %s\n", glib_major_version, glib_minor_version, glib_micro_version,
           json_c_version (), pcre2);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and the libraries in use", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_set_summary (context, "Runs streaming pipelines of plugins, with backpressure.");
  g_option_context_add_main_entries (context, entries, NULL);
  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("weir: %s\n", error->message);
    return EXIT_USAGE;
  }
  if (version) {
    print_version ();
    return EXIT_SUCCESS;
  }
  if (argc > 1)
    g_printerr ("weir: unknown command \"%s\"; see weir --help\n", argv[1]);
  else
    g_printerr ("weir: no command given; see weir --help\n");
  return EXIT_USAGE;
}
