/* SPDX-License-Identifier: Apache-2.0 */
/* `weir graph FILE`: draws a pipeline. Main thread only; loads the file as `run` does, opens and runs nothing. */
#include "cli/command.h"
#include "cli/drawing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct {
  char **files, **folders, **settings;
  char *format;
} Graph;

static guint
output_width (void)
{
  struct winsize size;
  gboolean known = isatty (STDOUT_FILENO) && ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return known && size.ws_col > 40 ? size.ws_col : 80;
}

static char *
draw (const WeirConfig *config, const char *format)
{
  if (strcmp (format, "dot") == 0) {
    return weir_draw_dot (config);
  }
  if (strcmp (format, "mermaid") == 0) {
    return weir_draw_mermaid (config);
  }
  return weir_draw_text (config, output_width (), !g_get_charset (NULL));
}

static int
draw_file (const Graph *graph, const char *format)
{
  g_auto (WeirLoaded) loaded = weir_command_load (graph->files[0], graph->folders, graph->settings);
  if (loaded.config == NULL) {
    g_autofree char *problems = weir_problems_format (loaded.problems);
    fputs (problems, stderr);
    return WEIR_EXIT_USAGE;
  }
  g_autofree char *drawing = draw (loaded.config, format);
  fputs (drawing, stdout);
  if (fflush (stdout) == 0) {
    return WEIR_EXIT_DONE;
  }
  fprintf (stderr, "weir: graph: cannot write to standard output: %s\n", g_strerror (errno));
  return WEIR_EXIT_FAILED;
}

static int
graph_arguments (const Graph *graph)
{
  static const char *const formats[] = { "text", "dot", "mermaid", NULL };
  const char *format = graph->format != NULL ? graph->format : "text";
  if (graph->files == NULL) {
    return weir_command_refuse ("graph", "no file given");
  }
  if (graph->files[1] != NULL) {
    return weir_command_refuse ("graph", "found %u files, expected one", g_strv_length (graph->files));
  }
  if (!g_strv_contains (formats, format)) {
    return weir_command_refuse ("graph", "found format \"%s\", expected text, dot or mermaid", format);
  }
  return draw_file (graph, format);
}

int
weir_graph_command (int argc, char **argv)
{
  Graph graph = { 0 };
  const GOptionEntry entries[] = {
    { "format", 0, 0, G_OPTION_ARG_STRING, &graph.format, "text (the default), dot (Graphviz) or mermaid", "FORMAT" },
    { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &graph.folders,
      "Look for plugins in DIR first; more than once if need be", "DIR" },
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &graph.settings, "Change an option; more than once if need be",
      "STAGE.OPTION=VALUE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &graph.files, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  gboolean right = weir_command_parse ("graph", "FILE", "Draws the pipeline that FILE describes; - is standard input.",
                                       entries, argc, argv);
  int code = right ? graph_arguments (&graph) : WEIR_EXIT_USAGE;
  g_strfreev (graph.files);
  g_strfreev (graph.folders);
  g_strfreev (graph.settings);
  g_free (graph.format);
  return code;
}
