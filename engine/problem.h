/* SPDX-License-Identifier: Apache-2.0 */
/* The list of mistakes that a load of a pipeline finds: each with severity, place, JSON path and message, told as
 * `FILE:LINE:COL: error: transforms.bad.patern: unknown key "patern"; did you mean "pattern"?`.
 * Used on one thread at a time (the main thread's); a list owns its strings. */
#ifndef WEIR_PROBLEM_H
#define WEIR_PROBLEM_H

#include <glib.h>

G_BEGIN_DECLS

typedef enum { WEIR_SEVERITY_ERROR, WEIR_SEVERITY_WARNING } WeirSeverity;

/* A byte of an input: file name ("-": standard input, "--set": that option, the line is its number), line and column from 1,
 * columns in bytes. Line 0: the input as a whole. */
typedef struct {
  const char *file;
  guint line, column;
} WeirPlace;

typedef struct {
  WeirSeverity severity;
  WeirPlace place; /* file is the list's */
  char *path;      /* "transforms.bad.patern"; NULL: none */
  char *message;
} WeirProblem;

typedef struct _WeirProblems WeirProblems;

WeirProblems *weir_problems_new (void);
void weir_problems_free (WeirProblems *problems);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirProblems, weir_problems_free)

/* Takes copies. The first 1,000 are kept, the rest counted. */
void weir_problems_add (WeirProblems *problems, WeirSeverity severity, WeirPlace place, const char *path,
                        const char *format, ...) G_GNUC_PRINTF (5, 6);
/* A file takes its rank in the order here, or else when it is first named. */
void weir_problems_add_file (WeirProblems *problems, const char *file);
/* By file, line and column; equal places stay as they came. */
void weir_problems_sort (WeirProblems *problems);

guint64 weir_problems_count (const WeirProblems *problems, WeirSeverity severity);
guint weir_problems_kept (const WeirProblems *problems);
/* No more are kept: further ones need no path. */
gboolean weir_problems_is_full (const WeirProblems *problems);
const WeirProblem *weir_problems_get (const WeirProblems *problems, guint index);

/* One line without its end. */
char *weir_problem_format (const WeirProblem *problem);
/* All of them, a line each, and last how many more there are. */
char *weir_problems_format (const WeirProblems *problems);

/* FILE:LINE:COL */
char *weir_place_format (WeirPlace place);

G_END_DECLS
#endif
