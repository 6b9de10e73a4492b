/* SPDX-License-Identifier: Apache-2.0 */
/* The list of mistakes that a load of a pipeline finds, and how they are written. One thread at a time; the list owns copies
 * of all that it is given. A file of a million mistakes must not cost gigabytes: the first 1,000 are kept, the rest counted. */
#include "problem.h"

#include <string.h>

#define KEPT_MAX 1000

typedef struct {
  WeirProblem told;
  guint file_rank, rank;
} Entry;

struct _WeirProblems {
  GPtrArray *entries;
  GPtrArray *files;
  guint64 counts[2];
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->told.path);
  g_free (entry->told.message);
  g_free (entry);
}

WeirProblems *
weir_problems_new (void)
{
  WeirProblems *problems = g_new0 (WeirProblems, 1);

  problems->entries = g_ptr_array_new_with_free_func (entry_free);
  problems->files = g_ptr_array_new_with_free_func (g_free);
  return problems;
}

void
weir_problems_free (WeirProblems *problems)
{
  if (problems == NULL) {
    return;
  }
  g_ptr_array_unref (problems->entries);
  g_ptr_array_unref (problems->files);
  g_free (problems);
}

static guint
file_rank (WeirProblems *problems, const char *file)
{
  for (guint i = 0; i < problems->files->len; i++) {
    if (strcmp (g_ptr_array_index (problems->files, i), file) == 0) {
      return i;
    }
  }
  g_ptr_array_add (problems->files, g_strdup (file));
  return problems->files->len - 1;
}

void
weir_problems_add_file (WeirProblems *problems, const char *file)
{
  file_rank (problems, file);
}

void
weir_problems_add (WeirProblems *problems, WeirSeverity severity, WeirPlace place, const char *path, const char *format,
                   ...)
{
  va_list arguments;

  problems->counts[severity]++;
  if (problems->entries->len == KEPT_MAX) {
    return;
  }
  Entry *entry = g_new0 (Entry, 1);
  entry->rank = problems->entries->len;
  entry->file_rank = file_rank (problems, place.file);
  entry->told.severity = severity;
  entry->told.place = place;
  entry->told.place.file = g_ptr_array_index (problems->files, entry->file_rank);
  entry->told.path = path == NULL || *path == '\0' ? NULL : g_strdup (path);
  va_start (arguments, format);
  entry->told.message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_ptr_array_add (problems->entries, entry);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const Entry *x = *(const Entry *const *) a, *y = *(const Entry *const *) b;

  if (x->file_rank != y->file_rank) {
    return x->file_rank < y->file_rank ? -1 : 1;
  }
  if (x->told.place.line != y->told.place.line) {
    return x->told.place.line < y->told.place.line ? -1 : 1;
  }
  if (x->told.place.column != y->told.place.column) {
    return x->told.place.column < y->told.place.column ? -1 : 1;
  }
  return x->rank < y->rank ? -1 : x->rank > y->rank;
}

void
weir_problems_sort (WeirProblems *problems)
{
  g_ptr_array_sort (problems->entries, compare);
}

guint64
weir_problems_count (const WeirProblems *problems, WeirSeverity severity)
{
  return problems->counts[severity];
}

guint
weir_problems_kept (const WeirProblems *problems)
{
  return problems->entries->len;
}

gboolean
weir_problems_is_full (const WeirProblems *problems)
{
  return problems->entries->len == KEPT_MAX;
}

const WeirProblem *
weir_problems_get (const WeirProblems *problems, guint index)
{
  return &((const Entry *) g_ptr_array_index (problems->entries, index))->told;
}

char *
weir_place_format (WeirPlace place)
{
  if (place.line == 0) {
    return g_strdup (place.file);
  }
  return g_strdup_printf ("%s:%u:%u", place.file, place.line, place.column);
}

char *
weir_problem_format (const WeirProblem *problem)
{
  g_autofree char *place = weir_place_format (problem->place);

  return g_strdup_printf ("%s: %s: %s%s%s", place, problem->severity == WEIR_SEVERITY_ERROR ? "error" : "warning",
                          problem->path != NULL ? problem->path : "", problem->path != NULL ? ": " : "",
                          problem->message);
}

char *
weir_problems_format (const WeirProblems *problems)
{
  GString *text = g_string_new (NULL);
  guint64 all = problems->counts[WEIR_SEVERITY_ERROR] + problems->counts[WEIR_SEVERITY_WARNING];

  for (guint i = 0; i < problems->entries->len; i++) {
    g_autofree char *line = weir_problem_format (weir_problems_get (problems, i));
    g_string_append (text, line);
    g_string_append_c (text, '\n');
  }
  if (all > problems->entries->len) {
    g_string_append_printf (text, "%s: error: %" G_GUINT64_FORMAT " more are not shown\n",
                            (const char *) g_ptr_array_index (problems->files, 0), all - problems->entries->len);
  }
  return g_string_free (text, FALSE);
}
