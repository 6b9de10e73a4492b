/* SPDX-License-Identifier: Apache-2.0 */
/* A fatal signal's last words (see crash.h). The handler runs on the thread that has failed, on the alternate stack where the
 * thread has one (workers do), and calls only what is safe in a signal handler. The signal is then raised again with the action
 * it had before, so that the core that is dumped shows where it happened. */
#include "cli/crash.h"

#include "stage.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  int number;
  const char *name;
  struct sigaction before;
} Fatal;

static Fatal fatal[] = {
  { .number = SIGSEGV, .name = "SIGSEGV" }, { .number = SIGBUS, .name = "SIGBUS" },
  { .number = SIGABRT, .name = "SIGABRT" }, { .number = SIGFPE, .name = "SIGFPE" },
  { .number = SIGILL, .name = "SIGILL" },   { .number = SIGTRAP, .name = "SIGTRAP" }, /* g_error() raises it */
  { .number = SIGSYS, .name = "SIGSYS" },
};

/* A line of fixed size. */
typedef struct {
  char text[512];
  gsize size;
} Line;

static void
add (Line *line, const char *text)
{
  gsize size = MIN (strlen (text), sizeof line->text - line->size);
  memcpy (line->text + line->size, text, size);
  line->size += size;
}

static void
add_place (Line *line, const char *signal_name)
{
  WeirWorker *worker = weir_worker_current ();
  WeirStage *stage = worker != NULL ? worker->running : NULL;
  if (stage != NULL) {
    add (line, stage->name);
    add (line, " (");
    add (line, stage->plugin);
    add (line, ", ");
    add (line, weir_kind_names[stage->kind]);
    add (line, "): ");
  }
  add (line, "fatal signal ");
  add (line, signal_name);
  if (stage != NULL && worker->callback != NULL) {
    add (line, " in ");
    add (line, worker->callback);
    add (line, "()");
  } else if (stage != NULL) {
    add (line, " in the engine, between two callbacks");
  } else if (worker != NULL) {
    add (line, " on worker \"");
    add (line, worker->name);
    add (line, "\", in no stage's turn");
  } else {
    add (line, " in no worker's thread");
  }
  add (line, "\n");
}

static void
on_fatal (int number)
{
  Line line = { .size = 0 };
  struct sigaction *before = NULL;
  add (&line, "weir: ");
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++) {
    if (fatal[i].number == number) {
      before = &fatal[i].before;
      add_place (&line, fatal[i].name);
    }
  }
  if (write (STDERR_FILENO, line.text, line.size) < 0) {
    /* Nothing is left to say it to. */
  }
  sigaction (number, before, NULL);
  raise (number); /* comes once this handler has returned */
}

void
weir_crash_open (void)
{
  struct sigaction action = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK };
  sigemptyset (&action.sa_mask);
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++) {
    sigaction (fatal[i].number, &action, &fatal[i].before);
    if ((fatal[i].before.sa_flags & SA_SIGINFO) == 0 && fatal[i].before.sa_handler == SIG_IGN) {
      fatal[i].before.sa_handler = SIG_DFL;
    }
  }
}
