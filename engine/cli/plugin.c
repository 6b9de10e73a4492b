/* SPDX-License-Identifier: Apache-2.0 */
/* `weir plugin COMMAND`: what is for authors of plugins. Main thread only. */
#include "cli/command.h"

#include "found.h"
#include "suggest.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  const char *name;
  int (*run) (int argc, char **argv); /* argv[0] is the name */
  const char *summary;
} Command;

static const Command commands[] = {
  { "check", weir_plugin_check_command, "Hold a plugin to the rules that every stage keeps" },
};

static void
print_help (void)
{
  printf ("Usage:\n  weir plugin COMMAND [ARGUMENT…]\n\nFor authors of plugins.\n\n"
          "Commands (weir plugin COMMAND --help tells more):\n");
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    printf ("  %-10s %s\n", commands[i].name, commands[i].summary);
  }
}

int
weir_plugin_command (int argc, char **argv)
{
  if (argc < 2) {
    return weir_command_refuse ("plugin", "no command given");
  }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0) {
    print_help ();
    return WEIR_EXIT_DONE;
  }
  const char *names[G_N_ELEMENTS (commands) + 1] = { NULL };
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    names[i] = commands[i].name;
    if (strcmp (argv[1], commands[i].name) == 0) {
      return commands[i].run (argc - 1, argv + 1);
    }
  }
  g_autofree char *found = weir_found_text (argv[1]);
  g_autoptr (GString) message = g_string_new ("unknown command ");
  g_string_append (message, found);
  weir_suggest_append (message, argv[1], names);
  return weir_command_refuse ("plugin", "%s", message->str);
}
