/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of a plugin's table as a later version would have them: tests/abi/grown.sh compiles this and the engine with headers in
 * which the tables have more fields. Opens the plugin NAME in FILE and says in one line what became of it.
 * Names no field that it has more, so that it can be compiled with today's headers too. */
#include "plugin-object.h"

#include <stdio.h>
#include <string.h>

static gboolean
is_zero (gconstpointer table, gsize from, gsize to)
{
  for (gsize i = from; i < to; i++) {
    if (((const char *) table)[i] != 0) {
      return FALSE;
    }
  }
  return TRUE;
}

/* How many options it has; G_MAXSIZE: something is in what its header did not have. */
static gsize
count_options (const WeirRole *role, gsize role_size, gsize option_size)
{
  gsize count = 0;
  if (role == NULL) {
    return 0;
  }
  if (!is_zero (role, role_size, sizeof *role)) {
    return G_MAXSIZE;
  }
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    if (!is_zero (option, option_size, sizeof *option)) {
      return G_MAXSIZE;
    }
    count++;
  }
  return count;
}

int
main (G_GNUC_UNUSED int argc, char **argv)
{
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  const WeirPlugin *plugin = weir_plugin_object_open (argv[1], argv[2], owned, &message);
  if (plugin == NULL) {
    puts (message);
    return 1;
  }
  printf ("%s: %d and %d bytes more a role and an option, %d and %d options, the rest %s\n", plugin->name,
          (int) (sizeof (WeirRole) - plugin->role_size), (int) (sizeof (WeirOption) - plugin->option_size),
          (int) count_options (plugin->producer, plugin->role_size, plugin->option_size),
          (int) count_options (plugin->consumer, plugin->role_size, plugin->option_size),
          is_zero (plugin, plugin->size, sizeof *plugin) ? "zero" : "not zero");
  return 0;
}
