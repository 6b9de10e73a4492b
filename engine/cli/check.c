/* SPDX-License-Identifier: Apache-2.0 */
/* `weir check FILE...`: loads pipelines as `run` does and tells every mistake at once; nothing is opened or run. Main thread
 * only. Mistakes and warnings go to standard error, the memory that a pipeline may need to standard output. */
#include "cli/command.h"

#include "advice.h"

#include <errno.h>
#include <stdio.h>

typedef struct {
  char **files, **folders, **settings;
  gboolean strict;
} Check;

static void
tell_note (const char *line, gpointer file)
{
  fprintf (stderr, "%s: note: %s\n", (const char *) file, line);
}

/* TRUE: it would run. */
static gboolean
check_file (const Check *check, const char *file)
{
  g_auto (WeirLoaded) loaded = weir_command_load (file, check->folders, check->settings);
  g_autofree char *problems = weir_problems_format (loaded.problems);
  fputs (problems, stderr);
  if (loaded.config == NULL) {
    return FALSE;
  }
  weir_command_tell_hidden (&loaded, tell_note, (gpointer) file);
  g_autofree char *memory = weir_advise_memory_line (loaded.config);
  printf ("%s: %s\n", file, memory);
  return !check->strict || weir_problems_count (loaded.problems, WEIR_SEVERITY_WARNING) == 0;
}

int
weir_check_command (int argc, char **argv)
{
  Check check = { 0 };
  const GOptionEntry entries[] = {
    { "strict", 0, 0, G_OPTION_ARG_NONE, &check.strict, "Count warnings as mistakes", NULL },
    { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &check.folders,
      "Look for plugins in DIR first; more than once if need be", "DIR" },
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &check.settings, "Change an option; more than once if need be",
      "STAGE.OPTION=VALUE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &check.files, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  gboolean right = weir_command_parse ("check", "FILE…",
                                       "Tells every mistake in pipelines, without running them; - is standard input.",
                                       entries, argc, argv);
  int code = right ? WEIR_EXIT_DONE : WEIR_EXIT_USAGE;
  if (right && check.files == NULL) {
    code = weir_command_refuse ("check", "no file given");
  }
  for (gsize i = 0; right && check.files != NULL && check.files[i] != NULL; i++) {
    if (!check_file (&check, check.files[i])) {
      code = WEIR_EXIT_USAGE;
    }
  }
  if (fflush (stdout) != 0) {
    fprintf (stderr, "weir: check: cannot write to standard output: %s\n", g_strerror (errno));
    code = code == WEIR_EXIT_DONE ? WEIR_EXIT_FAILED : code;
  }
  g_strfreev (check.files);
  g_strfreev (check.folders);
  g_strfreev (check.settings);
  return code;
}
