/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c: runs whole commands side by side for `make bench`, in turn, several times over, and prints a table of medians.
 * measure [--runs N] [--warm-up] [--word WORD] OPTION... LABEL COMMAND [OPTION... LABEL COMMAND ...]; each command is run by sh -c in
 * a process group of its own, which is ended when this one is. A command that fails once is said and left out. Options of all that follow:
 *   --units N        what one run moves; the table shows units a second, called WORD ("GiB/s"), and CPU seconds a unit
 *   --output FILE    removed before every run, so that nobody gains or loses by pages that are there already
 *   --check COMMAND  run after every run, outside the time; when it fails, so has the run
 *   --figures        the command times itself: its last line, "name=number name=number ...", is the row, the first one being compared
 * and of the next one only:
 *   --until BYTES    a command that does not end: the time ends when --output has so many bytes, and then it is sent SIGTERM */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STALLED_SECONDS = 30, POLL_MICROSECONDS = 1000 };

typedef struct {
  char *name;
  GArray *values;
} Column;

typedef struct {
  const char *label, *command, *output, *check;
  double units;
  gint64 until;
  gboolean figures;
  GPtrArray *columns;
  const char *failure;
  int status;
} Entry;

static const char *word;
static gboolean counted;
static volatile pid_t running;

static void
on_signal (int number)
{
  if (running > 0) {
    bench_stop (running);
  }
  _exit (128 + number);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static double
median (GArray *values)
{
  g_array_sort (values, compare);
  guint half = values->len / 2;
  double middle = g_array_index (values, double, half);
  return values->len % 2 == 1 ? middle : (middle + g_array_index (values, double, half - 1)) / 2;
}

static double
seconds (struct timeval time)
{
  return (double) time.tv_sec + (double) time.tv_usec / 1e6;
}

static void
add (Entry *entry, const char *name, double value)
{
  if (!counted) {
    return;
  }
  Column *column = NULL;
  for (guint i = 0; i < entry->columns->len && column == NULL; i++) {
    Column *candidate = g_ptr_array_index (entry->columns, i);
    column = strcmp (candidate->name, name) == 0 ? candidate : NULL;
  }
  if (column == NULL) {
    column = g_new0 (Column, 1);
    *column = (Column){ .name = g_strdup (name), .values = g_array_new (FALSE, FALSE, sizeof (double)) };
    g_ptr_array_add (entry->columns, column);
  }
  g_array_append_val (column->values, value);
}

/* Waits until OUTPUT is as long as ENTRY wants it; FALSE when the child ended first or nothing grew for long. A look a millisecond:
 * being told of every write(2) would cost the peer more. */
static gboolean
await_output (Entry *entry, pid_t child)
{
  gint64 last = -1, grown = g_get_monotonic_time ();
  for (;;) {
    struct stat info;
    gint64 size = stat (entry->output, &info) == 0 ? info.st_size : 0;
    if (size >= entry->until) {
      return TRUE;
    }
    gint64 now = g_get_monotonic_time ();
    if (size != last) {
      last = size;
      grown = now;
    } else if (now - grown > STALLED_SECONDS * G_USEC_PER_SEC) {
      entry->failure = "its output did not grow any more";
      return FALSE;
    }
    if (bench_has_ended (child)) {
      entry->failure = "it ended before its output was complete";
      return FALSE;
    }
    g_usleep (POLL_MICROSECONDS);
  }
}

/* The last line of TEXT: "name=number name=number". */
static void
read_figures (Entry *entry, char *text)
{
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  guint count = g_strv_length (lines);
  g_auto (GStrv) words = g_strsplit (count > 0 ? lines[count - 1] : "", " ", -1);
  guint found = 0;
  for (char **each = words; *each != NULL; each++) {
    char *equals = strchr (*each, '=');
    if (equals != NULL) {
      *equals = '\0';
      add (entry, g_strdelimit (*each, "_", ' '), g_ascii_strtod (equals + 1, NULL));
      found++;
    }
  }
  if (found == 0) {
    entry->failure = "it printed no figures";
  }
}

static void
run (Entry *entry)
{
  if (entry->output != NULL) {
    unlink (entry->output);
  }
  int out[2] = { -1, -1 };
  if (entry->figures && pipe2 (out, O_CLOEXEC) != 0) {
    entry->failure = g_strerror (errno);
    return;
  }
  gint64 start = g_get_monotonic_time ();
  pid_t child = bench_start (entry->command, out[1]);
  running = child;
  if (entry->figures) {
    close (out[1]);
  }
  g_autoptr (GString) text = g_string_new (NULL);
  if (entry->figures) {
    char block[4096];
    for (ssize_t got; (got = read (out[0], block, sizeof block)) > 0;) {
      g_string_append_len (text, block, got);
    }
    close (out[0]);
  }
  gint64 end = 0;
  int status = -1;
  if (entry->until > 0) {
    await_output (entry, child);
    end = g_get_monotonic_time ();
    kill (-child, SIGTERM);
  }
  struct rusage usage = { 0 };
  pid_t ended = wait4 (child, &status, 0, &usage);
  end = end != 0 ? end : g_get_monotonic_time ();
  running = 0;
  if (entry->failure == NULL && (ended != child || (status != 0 && entry->until == 0))) {
    entry->failure = "it failed";
    entry->status = status;
  }
  if (entry->failure == NULL && entry->check != NULL && system (entry->check) != 0) {
    entry->failure = "its output is not what it has to be";
  }
  if (entry->failure != NULL) {
    return;
  }
  if (entry->figures) {
    read_figures (entry, text->str);
    return;
  }
  double wall = (double) (end - start) / G_USEC_PER_SEC;
  if (word != NULL) {
    add (entry, word, entry->units / wall);
  }
  add (entry, "seconds", wall);
  add (entry, "CPU s a unit", (seconds (usage.ru_utime) + seconds (usage.ru_stime)) / entry->units);
  add (entry, "peak MiB", (double) usage.ru_maxrss / 1024);
}

static void
print (GPtrArray *entries)
{
  double first = 0;
  const char *header = NULL;
  for (guint e = 0; e < entries->len; e++) {
    Entry *entry = g_ptr_array_index (entries, e);
    if (entry->failure != NULL) {
      printf ("  %-36s left out: %s (status %d): %s\n", entry->label, entry->failure, entry->status, entry->command);
      continue;
    }
    for (guint c = 0; header == NULL && c < entry->columns->len; c++) {
      const Column *column = g_ptr_array_index (entry->columns, c);
      printf (c == 0 ? "  %-36s %12s" : "%.0s %12s", "", column->name);
      printf (c == 0 && word != NULL ? "  first is" : "");
    }
    if (header == NULL) {
      printf ("  lowest to highest\n");
      header = entry->label;
    }
    double low = 0, high = 0;
    printf ("  %-36s", entry->label);
    for (guint c = 0; c < entry->columns->len; c++) {
      const Column *column = g_ptr_array_index (entry->columns, c);
      double value = median (column->values);
      printf (" %12.3f", value);
      if (c == 0) {
        first = first == 0 ? value : first;
        low = g_array_index (column->values, double, 0);
        high = g_array_index (column->values, double, column->values->len - 1);
        if (word != NULL) {
          printf (" %8.2fx", first / value);
        }
      }
    }
    printf ("  %.3f to %.3f\n", low, high);
  }
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  Entry next = { .units = 1 };
  int runs = 5, warm_ups = 0;
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp (argv[i], "--warm-up") == 0) {
      warm_ups = 1;
      continue;
    }
    if (strcmp (argv[i], "--figures") == 0) {
      next.figures = TRUE;
      continue;
    }
    if (value == NULL) {
      fprintf (stderr, "measure: \"%s\" needs what follows it; usage: measure [OPTION...] LABEL COMMAND ...\n",
               argv[i]);
      return 2;
    }
    i++;
    if (strcmp (argv[i - 1], "--runs") == 0) {
      runs = atoi (value);
    } else if (strcmp (argv[i - 1], "--word") == 0) {
      word = value;
    } else if (strcmp (argv[i - 1], "--units") == 0) {
      next.units = g_ascii_strtod (value, NULL);
    } else if (strcmp (argv[i - 1], "--output") == 0) {
      next.output = value;
    } else if (strcmp (argv[i - 1], "--check") == 0) {
      next.check = *value != '\0' ? value : NULL;
    } else if (strcmp (argv[i - 1], "--until") == 0) {
      next.until = g_ascii_strtoll (value, NULL, 10);
    } else {
      Entry *entry = g_memdup2 (&next, sizeof next);
      entry->label = argv[i - 1];
      entry->command = value;
      entry->columns = g_ptr_array_new ();
      g_ptr_array_add (entries, entry);
      next.until = 0;
    }
  }
  if (entries->len == 0 || runs < 1 || (next.until > 0 && next.output == NULL)) {
    fprintf (stderr, "usage: measure [OPTION...] LABEL COMMAND [[OPTION...] LABEL COMMAND ...]\n");
    return 2;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (bench_ends); i++) {
    signal (bench_ends[i], on_signal);
  }
  for (int r = -warm_ups; r < runs; r++) {
    counted = r >= 0;
    for (guint e = 0; e < entries->len; e++) {
      Entry *entry = g_ptr_array_index (entries, e);
      if (entry->failure == NULL) {
        run (entry);
      }
    }
  }
  print (entries);
  return 0;
}
