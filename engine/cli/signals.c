/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of a running program (see signals.h). Main thread; the program has one set of signals, so its state is one. */
#include "cli/signals.h"

#include "atomics.h"
#include "cli/log.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct {
  int number;
  const char *name;
  gboolean ends;
  _Atomic gint64 arrived; /* when, by the monotonic clock, since it was last looked at; 0: not */
} Signal;

static Signal watched[] = {
  { SIGTERM, "SIGTERM", TRUE, 0 },  { SIGINT, "SIGINT", TRUE, 0 },    { SIGHUP, "SIGHUP", FALSE, 0 },
  { SIGUSR1, "SIGUSR1", FALSE, 0 }, { SIGUSR2, "SIGUSR2", FALSE, 0 },
};
static int wake_fd = -1; /* an eventfd, written by the handler */
static guint source;
static WeirSignalHandler handle;
static gpointer handle_data;
static int asked;       /* the signal that asked for the end; 0: none */
static gint64 asked_at; /* monotonic clock */

/* timeout(1) sends its signal to its child and then to the group, and wrappers pass on a Ctrl-C that the terminal has sent already: the
 * same signal again within so many microseconds is the same wish. */
#define SAME_WISH (100 * G_TIME_SPAN_MILLISECOND)

static void
tell (const Signal *signal, gint64 at)
{
  if (!signal->ends) {
    weir_log_info ("%s is ignored", signal->name);
    return;
  }
  gboolean again = asked != 0;
  if (asked == signal->number && at - asked_at < SAME_WISH) {
    return;
  }
  asked = signal->number;
  asked_at = at;
  handle (signal->number, again, handle_data);
}

static gboolean
on_wake (int fd, G_GNUC_UNUSED GIOCondition condition, G_GNUC_UNUSED gpointer data)
{
  guint64 count;
  (void) !read (fd, &count, sizeof count);
  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++) {
    gint64 at = weir_exchange (&watched[i].arrived, 0);
    if (at != 0) {
      tell (&watched[i], at);
    }
  }
  return G_SOURCE_CONTINUE;
}

/* The handler of all; on whatever thread. */
static void
note (int number)
{
  int error = errno;
  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++) {
    if (watched[i].number == number) {
      weir_store_release (&watched[i].arrived, g_get_monotonic_time ());
    }
  }
  (void) !write (wake_fd, &(guint64){ 1 }, sizeof (guint64));
  errno = error;
}

/* The same once the pipeline is over, and the program about to end: that wish is granted already; another one ends it now. */
static void
note_late (int number)
{
  if (number != asked || g_get_monotonic_time () - asked_at >= SAME_WISH) {
    signal (number, SIG_DFL);
    raise (number);
  }
}

static void
set_handlers (void (*ending) (int number), void (*other) (int number))
{
  struct sigaction action = { .sa_flags = SA_RESTART };
  sigemptyset (&action.sa_mask);
  for (gsize i = 0; i < G_N_ELEMENTS (watched); i++) {
    action.sa_handler = watched[i].ends ? ending : other;
    sigaction (watched[i].number, &action, NULL);
  }
}

gboolean
weir_signals_open (WeirSignalHandler handler, gpointer data, char **message)
{
  /* GLib's own would have a thread of its own, and end the program where none can be made. */
  wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    *message = g_strdup_printf ("cannot make an eventfd for signals: %s", g_strerror (errno));
    return FALSE;
  }
  handle = handler;
  handle_data = data;
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN); /* a file too large is an error of the stage that writes it */
  signal (SIGCHLD, SIG_DFL); /* whoever started us may ignore it, and then no exit status of a child is to be had */
  /* Before anything else that the loop has to do. */
  source = g_unix_fd_add_full (G_PRIORITY_HIGH, wake_fd, G_IO_IN, on_wake, NULL, NULL);
  set_handlers (note, note);
  return TRUE;
}

void
weir_signals_close (void)
{
  set_handlers (note_late, SIG_IGN);
  g_clear_handle_id (&source, g_source_remove);
  close (wake_fd);
  wake_fd = -1;
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
