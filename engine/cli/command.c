/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the program share (see command.h). Main thread only. */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

int
weir_command_refuse (const char *command, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  fprintf (stderr, "weir: %s: %s; see weir %s --help\n", command, text, command);
  return WEIR_EXIT_USAGE;
}

gboolean
weir_command_parse (const char *command, const char *arguments, const char *summary, const GOptionEntry *entries,
                    int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (arguments);
  g_autofree char *name = g_strconcat ("weir ", command, NULL);
  g_autoptr (GError) error = NULL;
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  g_set_prgname (name);
  if (g_option_context_parse (context, &argc, &argv, &error)) {
    return TRUE;
  }
  weir_command_refuse (command, "%s", error->message);
  return FALSE;
}

WeirLoaded
weir_command_load (const char *file, char *const *folders, char *const *settings)
{
  WeirLoaded loaded = { .registry = weir_registry_new (), .problems = weir_problems_new () };
  for (gsize i = 0; folders != NULL && folders[i] != NULL; i++) {
    weir_registry_add_folder (loaded.registry, folders[i], WEIR_FOLDER_ARGUMENT);
  }
  weir_registry_add_defaults (loaded.registry);
  loaded.config = weir_config_load (file, (const char *const *) settings, loaded.registry, loaded.problems);
  return loaded;
}

void
weir_command_tell_hidden (const WeirLoaded *loaded, void (*tell) (const char *line, gpointer data), gpointer data)
{
  g_autoptr (GHashTable) told = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < loaded->config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (loaded->config->stages, i);
    g_autofree char *file = NULL, *hidden = NULL;
    if (g_hash_table_add (told, stage->plugin_name) &&
        weir_registry_hides (loaded->registry, stage->plugin_name, &file, &hidden)) {
      g_autofree char *line = g_strdup_printf ("plugin \"%s\" is %s, which hides %s", stage->plugin_name, file, hidden);
      tell (line, data);
    }
  }
}

void
weir_loaded_clear (WeirLoaded *loaded)
{
  g_clear_pointer (&loaded->config, weir_config_free);
  g_clear_pointer (&loaded->problems, weir_problems_free);
  g_clear_pointer (&loaded->registry, weir_registry_free);
}
