/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline has done, for people and as JSON (see summary.h). Main thread; it reads figures, which are exact once the
 * pipeline is over. Numbers are the same in every locale. */
#include "cli/summary.h"

#include "cli/log.h"
#include "cli/table.h"
#include "connections.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- for people ---- */

static void
add_count (WeirTable *table, guint64 count)
{
  g_autofree char *text = weir_table_count (count);
  weir_table_add (table, "%s", text);
}

static void
add_seconds (WeirTable *table, gint64 microseconds)
{
  weir_table_add (table, "%.3f", (double) microseconds / G_USEC_PER_SEC);
}

static void
add_head (WeirTable *table, const char *const *names)
{
  for (; *names != NULL; names++) {
    weir_table_add (table, "%s", *names);
  }
}

/* What exists once for each connection says of how many its figures are. */
static void
add_name (WeirTable *table, WeirStage *stage)
{
  if (stage->connections != NULL && !stage->listens) {
    weir_table_add (table, "%s x %" G_GUINT64_FORMAT, stage->name, weir_connections_accepted (stage->connections));
  } else {
    weir_table_add (table, "%s", stage->name);
  }
}

static void
write_stages (WeirPipeline *pipeline, GString *out)
{
  static const char *const head[] = { "stage",   "plugin",  "state",   "in",      "out",
                                      "working", "starved", "blocked", "waiting", NULL };
  g_autoptr (WeirTable) table = weir_table_new ("lllrrrrrr");
  WeirStage *stage;
  add_head (table, head);
  for (guint i = 0; (stage = weir_pipeline_stage (pipeline, i)) != NULL; i++) {
    WeirStageFigures figures;
    weir_stage_figures (stage, &figures);
    add_name (table, stage);
    weir_table_add (table, "%s", stage->plugin);
    weir_table_add (table, "%s", weir_stage_outcome (stage));
    add_count (table, figures.records_in);
    add_count (table, figures.records_out);
    for (guint clock = 0; clock < WEIR_CLOCKS; clock++) {
      add_seconds (table, figures.clocks[clock]);
    }
  }
  weir_table_write (table, out, 2, 0);
}

/* What most stages have nothing of: a line for each that has. */
static void
write_notes (WeirPipeline *pipeline, GString *out)
{
  WeirStage *stage;
  for (guint i = 0; (stage = weir_pipeline_stage (pipeline, i)) != NULL; i++) {
    g_autoptr (GString) notes = g_string_new (NULL);
    WeirStageFigures figures;
    weir_stage_figures (stage, &figures);
    if (figures.rejected > 0) {
      g_string_append_printf (notes, ", %" G_GUINT64_FORMAT " rejected", figures.rejected);
    }
    if (figures.errors > 0) {
      g_string_append_printf (notes, ", %" G_GUINT64_FORMAT " error%s", figures.errors, figures.errors == 1 ? "" : "s");
    }
    if (figures.restarts > 0) {
      g_string_append_printf (notes, ", restarted %" G_GUINT64_FORMAT " time%s", figures.restarts,
                              figures.restarts == 1 ? "" : "s");
    }
    if (figures.redelivered > 0) {
      g_string_append_printf (notes, ", %" G_GUINT64_FORMAT " record%s handed out again", figures.redelivered,
                              figures.redelivered == 1 ? "" : "s");
    }
    for (guint j = 0; j < stage->counter_count; j++) {
      guint64 count = weir_stage_counter (stage, j);
      if (count > 0) {
        g_string_append_printf (notes, ", %s %" G_GUINT64_FORMAT, stage->role->counters[j], count);
      }
    }
    if (notes->len > 0) {
      g_string_append_printf (out, "  %s: %s\n", stage->name, notes->str + 2);
    }
  }
}

static void
write_links (WeirPipeline *pipeline, GString *out)
{
  static const char *const head[] = { "link",   "in",     "= out", "+ dropped", "+ queued",
                                      "pauses", "paused", "peak",  "bytes",     NULL };
  g_autoptr (WeirTable) table = weir_table_new ("lrrrrrrrr");
  WeirLink *link;
  add_head (table, head);
  for (guint i = 0; (link = weir_pipeline_link_at (pipeline, i)) != NULL; i++) {
    WeirLinkFigures figures;
    weir_link_figures (link, &figures);
    g_autofree char *bytes = weir_table_bytes (figures.peak_bytes);
    weir_table_add (table, "%s", link->identity->name);
    add_count (table, figures.in);
    add_count (table, figures.out);
    add_count (table, figures.dropped);
    add_count (table, figures.queued);
    add_count (table, figures.pauses);
    add_seconds (table, figures.paused_us);
    add_count (table, figures.peak_records);
    weir_table_add (table, "%s", bytes);
  }
  weir_table_write (table, out, 2, 0);
}

static guint
percent (gint64 part, gint64 whole)
{
  return (guint) (MIN (part, whole) * 100 / MAX (whole, 1));
}

/* How long there has been a stage: of one that exists once for each connection, all its lives together. */
static gint64
whole_of (WeirPipeline *pipeline, WeirStage *stage)
{
  WeirStageFigures figures;
  gint64 whole = 0;
  if (stage->connections == NULL) {
    return weir_pipeline_running_time (pipeline);
  }
  weir_stage_figures (stage, &figures);
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    whole += figures.clocks[i];
  }
  return whole;
}

/* In words, what the tables show: a link that was full most of the time, in front of a stage that nobody held up, is where the
 * stream was held up. */
static void
write_bottlenecks (WeirPipeline *pipeline, GString *out)
{
  WeirLink *link;
  for (guint i = 0; (link = weir_pipeline_link_at (pipeline, i)) != NULL; i++) {
    WeirLinkFigures figures;
    WeirStageFigures stage;
    weir_link_figures (link, &figures);
    weir_stage_figures (link->to, &stage);
    gint64 whole = whole_of (pipeline, link->from), whole_to = whole_of (pipeline, link->to);
    if (whole == 0 || figures.paused_us < whole / 2 || stage.clocks[WEIR_CLOCK_BLOCKED] > whole_to / 2) {
      continue;
    }
    gint64 working = stage.clocks[WEIR_CLOCK_WORKING], waiting = stage.clocks[WEIR_CLOCK_WAITING];
    g_string_append_printf (out, "  held up by %s (%s): %s was full %u%% of the time, in which %s was %s %u%%\n",
                            link->to->name, link->to->plugin, link->identity->name, percent (figures.paused_us, whole),
                            link->to->name,
                            weir_clock_names[waiting > working ? WEIR_CLOCK_WAITING : WEIR_CLOCK_WORKING],
                            percent (MAX (waiting, working), whole_to));
  }
}

char *
weir_summary_text (WeirPipeline *pipeline, WeirResult result)
{
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, "weir: %s: %s after %.3f s\n", weir_pipeline_name (pipeline), weir_result_names[result],
                          (double) weir_pipeline_running_time (pipeline) / G_USEC_PER_SEC);
  write_stages (pipeline, out);
  write_notes (pipeline, out);
  write_links (pipeline, out);
  write_bottlenecks (pipeline, out);
  return g_string_free (out, FALSE);
}

void
weir_summary_log_queued (WeirPipeline *pipeline)
{
  WeirLink *link;
  for (guint i = 0; (link = weir_pipeline_link_at (pipeline, i)) != NULL; i++) {
    WeirLinkFigures figures;
    weir_link_figures (link, &figures);
    if (figures.queued > 0) {
      weir_log_warning ("%s holds %" G_GUINT64_FORMAT " records, %" G_GUINT64_FORMAT " bytes", link->identity->name,
                        figures.queued, figures.level_bytes);
    }
  }
}

/* ---- JSON ---- */

static void
put_count (json_object *object, const char *key, guint64 count)
{
  json_object_object_add (object, key, json_object_new_uint64 (count));
}

static void
put_text (json_object *object, const char *key, const char *text)
{
  json_object_object_add (object, key, json_object_new_string (text));
}

static void
put_seconds (json_object *object, const char *key, gint64 microseconds)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  double seconds = (double) microseconds / G_USEC_PER_SEC;
  g_ascii_formatd (text, sizeof text, "%.6f", seconds);
  json_object_object_add (object, key, json_object_new_double_s (seconds, text));
}

static json_object *
describe_stage (WeirStage *stage)
{
  json_object *object = json_object_new_object (), *counters = json_object_new_object ();
  WeirStageFigures figures;
  weir_stage_figures (stage, &figures);
  put_text (object, "plugin", stage->plugin);
  put_text (object, "role", weir_kind_names[stage->kind]);
  put_text (object, "state", weir_stage_outcome (stage));
  if (stage->connections != NULL) {
    put_count (object, "connections", weir_connections_accepted (stage->connections));
  }
  put_count (object, "records_in", figures.records_in);
  put_count (object, "records_out", figures.records_out);
  put_count (object, "bytes_in", figures.bytes_in);
  put_count (object, "bytes_out", figures.bytes_out);
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    g_autofree char *key = g_strconcat (weir_clock_names[i], "_s", NULL);
    put_seconds (object, key, figures.clocks[i]);
  }
  put_count (object, "rejected", figures.rejected);
  put_count (object, "refused", figures.refused);
  put_count (object, "errors", figures.errors);
  put_count (object, "restarts", figures.restarts);
  put_count (object, "redelivered", figures.redelivered);
  for (guint i = 0; i < stage->counter_count; i++) {
    put_count (counters, stage->role->counters[i], weir_stage_counter (stage, i));
  }
  json_object_object_add (object, "counters", counters);
  return object;
}

static json_object *
describe_link (WeirLink *link)
{
  json_object *object = json_object_new_object (), *reasons = json_object_new_object ();
  WeirLinkFigures figures;
  weir_link_figures (link, &figures);
  put_text (object, "name", link->identity->name);
  put_text (object, "from", link->from->name);
  put_text (object, "to", link->to->name);
  put_count (object, "in", figures.in);
  put_count (object, "out", figures.out);
  put_count (object, "dropped", figures.dropped);
  for (guint i = 0; i < WEIR_DROP_REASONS; i++) {
    put_count (reasons, weir_drop_reason_names[i], figures.dropped_by[i]);
  }
  json_object_object_add (object, "dropped_by", reasons);
  put_count (object, "queued", figures.queued);
  put_count (object, "bytes_in", figures.bytes_in);
  put_count (object, "bytes_out", figures.bytes_out);
  put_count (object, "pauses", figures.pauses);
  put_count (object, "resumes", figures.resumes);
  put_seconds (object, "paused_s", figures.paused_us);
  put_count (object, "peak_records", figures.peak_records);
  put_count (object, "peak_bytes", figures.peak_bytes);
  put_count (object, "peak_pinned", figures.peak_pinned);
  return object;
}

json_object *
weir_summary_json (WeirPipeline *pipeline, WeirResult result)
{
  json_object *summary = json_object_new_object (), *stages = json_object_new_object (),
              *links = json_object_new_array ();
  WeirStage *stage;
  WeirLink *link;
  put_text (summary, "pipeline", weir_pipeline_name (pipeline));
  put_text (summary, "result", weir_result_names[result]);
  put_seconds (summary, "seconds", weir_pipeline_running_time (pipeline));
  for (guint i = 0; (stage = weir_pipeline_stage (pipeline, i)) != NULL; i++) {
    json_object_object_add (stages, stage->name, describe_stage (stage));
  }
  for (guint i = 0; (link = weir_pipeline_link_at (pipeline, i)) != NULL; i++) {
    json_object_array_add (links, describe_link (link));
  }
  json_object_object_add (summary, "stages", stages);
  json_object_object_add (summary, "links", links);
  return summary;
}

/* ---- the file ---- */

/* A summary is whole or not there: until it is written, its file has no name, and then it takes PATH's place. What is no regular
 * file (a FIFO, a device, a link) is written directly, and so is one in a folder that cannot be written or makes no such files. */
struct _WeirSummaryFile {
  char *path;
  int fd;
  gboolean nameless;
};

static int
open_nameless (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat status;
  gboolean there = lstat (path, &status) == 0;
  if (there && !S_ISREG (status.st_mode)) {
    return -1;
  }
  int fd = open (folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  if (fd >= 0 && there) {
    (void) fchmod (fd, status.st_mode & 07777);
  }
  return fd;
}

WeirSummaryFile *
weir_summary_file_new (const char *path, char **message)
{
  gboolean output = g_str_equal (path, "-");
  int fd = output ? STDOUT_FILENO : open_nameless (path);
  gboolean nameless = !output && fd >= 0;
  if (fd < 0) {
    fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  }
  if (fd < 0) {
    *message = g_strdup_printf ("cannot open summary file %s: %s", path, g_strerror (errno));
    return NULL;
  }
  WeirSummaryFile *file = g_new (WeirSummaryFile, 1);
  file->path = g_strdup (output ? "standard output" : path);
  file->fd = fd;
  file->nameless = nameless;
  return file;
}

static gboolean
write_all (int fd, const char *text)
{
  struct stat status;
  if (fd != STDOUT_FILENO && fstat (fd, &status) == 0 && S_ISREG (status.st_mode) && ftruncate (fd, 0) < 0) {
    return FALSE;
  }
  while (*text != '\0') {
    ssize_t size = write (fd, text, strlen (text));
    if (size < 0 && errno != EINTR) {
      return FALSE;
    }
    text += MAX (size, 0);
  }
  return TRUE;
}

static gboolean
give_name (const WeirSummaryFile *file)
{
  g_autofree char *from = g_strdup_printf ("/proc/self/fd/%d", file->fd);
  g_autofree char *beside = g_strdup_printf ("%s.%d", file->path, (int) getpid ());
  if (linkat (AT_FDCWD, from, AT_FDCWD, beside, AT_SYMLINK_FOLLOW) < 0) {
    return FALSE;
  }
  if (rename (beside, file->path) < 0) {
    int error = errno;
    unlink (beside);
    errno = error;
    return FALSE;
  }
  return TRUE;
}

gboolean
weir_summary_file_write (WeirSummaryFile *file, WeirPipeline *pipeline, WeirResult result, char **message)
{
  json_object *summary = weir_summary_json (pipeline, result);
  int form = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
  g_autofree char *text = g_strconcat (json_object_to_json_string_ext (summary, form), "\n", NULL);
  json_object_put (summary);
  if (!write_all (file->fd, text) || (file->nameless && !give_name (file))) {
    *message = g_strdup_printf ("cannot write summary to %s: %s", file->path, g_strerror (errno));
    return FALSE;
  }
  return TRUE;
}

void
weir_summary_file_free (WeirSummaryFile *file)
{
  if (file == NULL) {
    return;
  }
  if (file->fd != STDOUT_FILENO) {
    close (file->fd);
  }
  g_free (file->path);
  g_free (file);
}
