/* SPDX-License-Identifier: Apache-2.0 */
/* How a pipeline is doing, while it runs (see progress.h). Main thread, by a timer; owns what the figures were a moment ago. */
#include "cli/progress.h"

#include "cli/screen.h"
#include "cli/table.h"
#include "connections.h"

#include <string.h>

/* Milliseconds between two pictures: on a terminal, elsewhere. */
#define REDRAW 200
#define REPEAT 1000
#define BAR 10
/* Rates are those of a second, less what a timer may be early. */
#define SPAN (G_USEC_PER_SEC - 10000)

typedef struct {
  guint64 in, out;
} Seen;

struct _WeirProgress {
  WeirPipeline *pipeline;
  const char *state;
  gboolean terminal, settled; /* settled: a second has passed */
  guint timer;
  guint count;  /* of links */
  Seen ends;    /* the same of all producers and consumers */
  Seen *before; /* a link's figures at `at`: rates are counted from there */
  double *rates_in, *rates_out;
  gint64 at;
};

/* How full, by the limit that is nearest; 1 is the high mark. Of those that exist once for each connection, on average. */
static double
fill_of (const WeirLink *link, const WeirLinkFigures *figures)
{
  double links = weir_link_stands_for (link) != NULL ? MAX (weir_connections_alive (weir_link_stands_for (link)), 1)
                                                     : 1;
  const WeirQueueSettings *settings = &link->limits->settings;
  double records = settings->records > 0 ? (double) figures->queued / (double) settings->records : 0;
  double bytes = settings->bytes > 0 ? (double) figures->level_bytes / (double) settings->bytes : 0;
  return MAX (records, bytes) / links;
}

static void
add_bar (WeirTable *table, double fill)
{
  char bar[BAR + 1];
  gsize full = (gsize) (MIN (fill, 1) * BAR + 0.5);
  full = full == 0 && fill > 0 ? 1 : full;
  memset (bar, '.', BAR);
  memset (bar, '#', full);
  bar[BAR] = '\0';
  weir_table_add (table, "[%s]", bar);
  weir_table_add (table, "%4.0f%%", fill * 100);
}

static double
rate (guint64 now, guint64 before, double seconds)
{
  return now > before ? (double) (now - before) / seconds : 0;
}

/* Counts the rates anew once a second; in the first second each time. */
static void
look (WeirProgress *progress)
{
  gint64 now = g_get_monotonic_time ();
  double seconds = (double) MAX (now - progress->at, 1) / G_USEC_PER_SEC;
  gboolean renew = now - progress->at >= SPAN;
  if (!renew && progress->settled) {
    return;
  }
  for (guint i = 0; i < progress->count; i++) {
    WeirLinkFigures figures;
    weir_link_figures (weir_pipeline_link_at (progress->pipeline, i), &figures);
    progress->rates_in[i] = rate (figures.in, progress->before[i].in, seconds);
    progress->rates_out[i] = rate (figures.out, progress->before[i].out, seconds);
    if (renew) {
      progress->before[i] = (Seen){ figures.in, figures.out };
    }
  }
  if (renew) {
    progress->at = now;
    progress->settled = TRUE;
  }
}

/* It has failed, and will be opened again. */
static gboolean
is_down (WeirStage *stage)
{
  return weir_load_relaxed (&stage->life_seen) == WEIR_LIFE_DOWN;
}

static void
add_row (WeirProgress *progress, WeirTable *table, guint index)
{
  WeirLink *link = weir_pipeline_link_at (progress->pipeline, index);
  WeirLinkFigures figures;
  weir_link_figures (link, &figures);
  g_autofree char *in = weir_table_short (progress->rates_in[index]);
  g_autofree char *out = weir_table_short (progress->rates_out[index]);
  g_autofree char *pauses = weir_table_short ((double) figures.pauses);
  weir_table_add (table, "%s", link->identity->name);
  add_bar (table, fill_of (link, &figures));
  weir_table_add (table, "%6s/s", in);
  weir_table_add (table, "%6s/s", out);
  weir_table_add (table, "%s", pauses);
  gboolean down = is_down (link->to);
  weir_table_add (table, "%s%s%s%s%s", figures.paused ? link->from->name : "", figures.paused ? " is paused" : "",
                  figures.paused && down ? ", " : "", down ? link->to->name : "", down ? " is down" : "");
}

/* Links that pause somebody come first where not all fit. */
static guint
add_rows (WeirProgress *progress, WeirTable *table, guint room)
{
  guint added = 0;
  for (guint pass = 0; pass < 2; pass++) {
    for (guint i = 0; i < progress->count; i++) {
      WeirLinkFigures figures;
      weir_link_figures (weir_pipeline_link_at (progress->pipeline, i), &figures);
      gboolean first = progress->count <= room || figures.paused;
      if (first == (pass == 0) && added < room) {
        add_row (progress, table, i);
        added++;
      }
    }
  }
  return added;
}

/* "serve: running, 1.5 s, 12 connections" */
static char *
describe (WeirProgress *progress)
{
  GString *line = g_string_new (NULL);
  guint connections = 0;
  gboolean any = FALSE;
  WeirStage *stage;
  for (guint i = 0; (stage = weir_pipeline_stage (progress->pipeline, i)) != NULL; i++) {
    any = any || stage->listens;
    connections += stage->listens ? weir_connections_alive (stage->connections) : 0;
  }
  g_string_printf (line, "%s: %s, %.1f s", weir_pipeline_name (progress->pipeline), progress->state,
                   (double) weir_pipeline_running_time (progress->pipeline) / G_USEC_PER_SEC);
  if (any) {
    g_string_append_printf (line, ", %u connection%s", connections, connections == 1 ? "" : "s");
  }
  return g_string_free (line, FALSE);
}

static void
draw_table (WeirProgress *progress)
{
  guint columns = 80, lines = 24;
  weir_screen_size (&columns, &lines);
  g_autoptr (WeirTable) table = weir_table_new ("llrrrrl");
  static const char *const head[] = { "link", "queue", "", "in", "out", "pauses", "" };
  for (gsize i = 0; i < G_N_ELEMENTS (head); i++) {
    weir_table_add (table, "%s", head[i]);
  }
  guint added = add_rows (progress, table, lines > 5 ? lines - 4 : 1);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *title = describe (progress);
  g_autofree char *cut = g_utf8_substring (title, 0, MIN (g_utf8_strlen (title, -1), (glong) columns - 1));
  g_string_append_printf (text, "%s\n", cut);
  weir_table_write (table, text, 2, columns - 1);
  guint drawn = added + 2;
  if (added < progress->count) {
    g_string_append_printf (text, "  and %u more\n", progress->count - added);
    drawn++;
  }
  weir_screen_table (text->str, drawn);
}

/* Of those that exist once for each connection, is any? */
static gboolean
is_paused (WeirProgress *progress, WeirStage *stage)
{
  WeirLinkFigures figures = { .paused = weir_stage_paused (stage) };
  for (guint i = 0; i < progress->count && stage->connections != NULL && !figures.paused; i++) {
    WeirLink *link = weir_pipeline_link_at (progress->pipeline, i);
    if (weir_link_stands_for (link) == stage->connections && strcmp (link->from->name, stage->name) == 0) {
      weir_link_figures (link, &figures);
    }
  }
  return figures.paused;
}

/* Names of the stages that links pause, and of those that are down, each once. */
static void
append_held_up (WeirProgress *progress, GString *line)
{
  const char *before_paused = "; paused: ", *before_down = "; down: ";
  WeirStage *stage;
  for (guint i = 0; (stage = weir_pipeline_stage (progress->pipeline, i)) != NULL; i++) {
    if (is_paused (progress, stage)) {
      g_string_append_printf (line, "%s%s", before_paused, stage->name);
      before_paused = ", ";
    }
  }
  for (guint i = 0; (stage = weir_pipeline_stage (progress->pipeline, i)) != NULL; i++) {
    if (is_down (stage)) {
      g_string_append_printf (line, "%s%s", before_down, stage->name);
      before_down = ", ";
    }
  }
}

/* What all producers have made and all consumers have taken. */
static Seen
ends (WeirProgress *progress, guint64 *queued)
{
  Seen seen = { 0, 0 };
  WeirStage *stage;
  for (guint i = 0; (stage = weir_pipeline_stage (progress->pipeline, i)) != NULL; i++) {
    WeirStageFigures figures;
    weir_stage_figures (stage, &figures);
    seen.in += stage->kind == WEIR_PRODUCER ? figures.records_out : 0;
    seen.out += stage->kind == WEIR_CONSUMER ? figures.records_in : 0;
  }
  for (guint i = 0; i < progress->count; i++) {
    WeirLinkFigures figures;
    weir_link_figures (weir_pipeline_link_at (progress->pipeline, i), &figures);
    *queued += figures.queued;
  }
  return seen;
}

static void
print_line (WeirProgress *progress)
{
  guint64 queued = 0;
  gint64 now = g_get_monotonic_time ();
  double seconds = (double) MAX (now - progress->at, 1) / G_USEC_PER_SEC;
  Seen seen = ends (progress, &queued);
  double rate_in = rate (seen.in, progress->ends.in, seconds), rate_out = rate (seen.out, progress->ends.out, seconds);
  progress->ends = seen;
  progress->at = now;
  g_autofree char *in = weir_table_short (rate_in), *out = weir_table_short (rate_out);
  g_autofree char *title = describe (progress);
  g_autoptr (GString) line = g_string_new (NULL);
  g_string_printf (line,
                   "weir: %s; produced %" G_GUINT64_FORMAT " (%s/s), queued %" G_GUINT64_FORMAT
                   ", consumed %" G_GUINT64_FORMAT " (%s/s)",
                   title, seen.in, in, queued, seen.out, out);
  append_held_up (progress, line);
  g_string_append_c (line, '\n');
  weir_screen_write (line->str);
}

static gboolean
tick (gpointer data)
{
  WeirProgress *progress = data;
  if (progress->terminal) {
    look (progress);
    draw_table (progress);
  } else {
    print_line (progress);
  }
  return G_SOURCE_CONTINUE;
}

WeirProgress *
weir_progress_new (WeirPipeline *pipeline)
{
  WeirProgress *progress = g_new0 (WeirProgress, 1);
  guint columns, lines;
  progress->pipeline = pipeline;
  progress->state = "starting";
  progress->terminal = weir_screen_size (&columns, &lines);
  while (weir_pipeline_link_at (pipeline, progress->count) != NULL) {
    progress->count++;
  }
  progress->before = g_new0 (Seen, progress->count);
  progress->rates_in = g_new0 (double, progress->count);
  progress->rates_out = g_new0 (double, progress->count);
  progress->at = g_get_monotonic_time ();
  progress->timer = g_timeout_add (progress->terminal ? REDRAW : REPEAT, tick, progress);
  return progress;
}

void
weir_progress_free (WeirProgress *progress)
{
  if (progress == NULL) {
    return;
  }
  g_source_remove (progress->timer);
  if (progress->terminal) {
    weir_screen_table (NULL, 0);
  }
  g_free (progress->before);
  g_free (progress->rates_in);
  g_free (progress->rates_out);
  g_free (progress);
}

void
weir_progress_set_state (WeirProgress *progress, const char *state)
{
  if (progress != NULL) {
    progress->state = state;
  }
}
