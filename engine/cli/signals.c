/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of a running program (see signals.h). Main thread; the program has one set of signals, so its state is one. */
#include "cli/signals.h"

#include "cli/log.h"

#include <glib-unix.h>
#include <signal.h>

typedef struct {
  int number;
  const char *name;
  gboolean ends;
  guint source;
} Signal;

static Signal watched[] = {
  { SIGTERM, "SIGTERM", TRUE, 0 },  { SIGINT, "SIGINT", TRUE, 0 },    { SIGHUP, "SIGHUP", FALSE, 0 },
  { SIGUSR1, "SIGUSR1", FALSE, 0 }, { SIGUSR2, "SIGUSR2", FALSE, 0 },
};
static WeirSignalHandler handle;
static gpointer handle_data;
static int asked;       /* the signal that asked for the end; 0: none */
static gint64 asked_at; /* monotonic clock */

/* timeout(1) sends its signal to its child and then to the group, and wrappers pass on a Ctrl-C that the terminal has sent already: the
 * same signal again within so many microseconds is the same wish. */
#define SAME_WISH (100 * G_TIME_SPAN_MILLISECOND)

static gboolean
on_signal (gpointer data)
{
  const Signal *signal = data;
  if (!signal->ends) {
    weir_log_info ("%s is ignored", signal->name);
    return G_SOURCE_CONTINUE;
  }
  gint64 now = g_get_monotonic_time ();
  gboolean again = asked != 0;
  if (asked == signal->number && now - asked_at < SAME_WISH) {
    return G_SOURCE_CONTINUE;
  }
  asked = signal->number;
  asked_at = now;
  handle (signal->number, again, handle_data);
  return G_SOURCE_CONTINUE;
}

void
weir_signals_open (WeirSignalHandler handler, gpointer data)
{
  handle = handler;
  handle_data = data;
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN); /* a file too large is an error of the stage that writes it */
  signal (SIGCHLD, SIG_DFL); /* whoever started us may ignore it, and then no exit status of a child is to be had */
  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++) {
    /* Before anything else that the loop has to do. */
    watched[i].source = g_unix_signal_add_full (G_PRIORITY_HIGH, watched[i].number, on_signal, &watched[i], NULL);
  }
}

void
weir_signals_close (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++) {
    g_clear_handle_id (&watched[i].source, g_source_remove);
  }
}

static void
mask (int how)
{
  sigset_t set;
  sigemptyset (&set);
  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++) {
    sigaddset (&set, watched[i].number);
  }
  pthread_sigmask (how, &set, NULL);
}

void
weir_signals_hold (void)
{
  mask (SIG_BLOCK);
}

void
weir_signals_unhold (void)
{
  mask (SIG_UNBLOCK);
}
