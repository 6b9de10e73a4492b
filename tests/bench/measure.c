/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c: times whole commands side by side for `make bench`.
 * measure RUNS UNITS WORD LABEL COMMAND [LABEL COMMAND ...]: runs the commands in turn, RUNS times over, each by sh -c as a child
 * of its own, and prints for each the median wall time, units a second (WORD: "GiB/s"), CPU seconds a unit and peak resident memory, and
 * how many times as fast as it the first one is. A failing command is said and left out. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  const char *label, *command;
  GArray *wall, *cpu, *memory;
  int status;
} Entry;

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
run (Entry *entry)
{
  gint64 start = g_get_monotonic_time ();
  pid_t child = fork ();
  if (child == 0) {
    execl ("/bin/sh", "sh", "-c", entry->command, (char *) NULL);
    _exit (127);
  }
  struct rusage usage = { 0 };
  int status = -1;
  if (child < 0 || wait4 (child, &status, 0, &usage) != child || status != 0) {
    entry->status = status;
    return;
  }
  double wall = (double) (g_get_monotonic_time () - start) / 1e6;
  double cpu = seconds (usage.ru_utime) + seconds (usage.ru_stime), memory = (double) usage.ru_maxrss / 1024;
  g_array_append_val (entry->wall, wall);
  g_array_append_val (entry->cpu, cpu);
  g_array_append_val (entry->memory, memory);
}

int
main (int argc, char **argv)
{
  if (argc < 6 || argc % 2 != 0) {
    fprintf (stderr, "usage: measure RUNS UNITS WORD LABEL COMMAND [LABEL COMMAND ...]\n");
    return 2;
  }
  int runs = atoi (argv[1]), count = (argc - 4) / 2;
  double units = g_ascii_strtod (argv[2], NULL);
  Entry *entries = g_new0 (Entry, count);
  for (int i = 0; i < count; i++) {
    entries[i] = (Entry){ .label = argv[4 + 2 * i],
                          .command = argv[5 + 2 * i],
                          .wall = g_array_new (FALSE, FALSE, sizeof (double)),
                          .cpu = g_array_new (FALSE, FALSE, sizeof (double)),
                          .memory = g_array_new (FALSE, FALSE, sizeof (double)) };
  }
  for (int r = 0; r < runs; r++) {
    for (int i = 0; i < count; i++) {
      run (&entries[i]);
    }
  }
  double first = 0;
  printf ("  %-34s %9s %14s %9s %14s %10s  %s\n", "", "seconds", argv[3], "first is", "CPU s a unit", "peak MiB",
          "fastest to slowest");
  for (int i = 0; i < count; i++) {
    Entry *entry = &entries[i];
    if (entry->wall->len == 0) {
      printf ("  %-34s failed (status %d): %s\n", entry->label, entry->status, entry->command);
      continue;
    }
    double wall = median (entry->wall), rate = units / wall;
    first = first == 0 ? rate : first;
    printf ("  %-34s %9.3f %14.3f %8.2fx %14.3f %10.1f  %.3f to %.3f s\n", entry->label, wall, rate, first / rate,
            median (entry->cpu) / units, median (entry->memory), g_array_index (entry->wall, double, 0),
            g_array_index (entry->wall, double, entry->wall->len - 1));
  }
  return 0;
}
