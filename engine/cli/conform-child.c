/* SPDX-License-Identifier: Apache-2.0 */
/* A rule in a child process of its own: a plugin that crashes, exits or hangs there is an answer like any other, which names the
 * callback. The child answers through a pipe: a letter of WeirConformResult and a text. Its parent has one thread. */
#include "cli/conform-server.h"

#include "plugin-object.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLACK (5 * G_USEC_PER_SEC) /* how much longer the parent waits than the child's own alarm */

/* ---- the child ---- */

/* What the handlers look at: there is one rule a process. */
static WeirConform *at_work;
static const char *doing;
static int answers = -1;
static pid_t self;

void
weir_conform_note (const char *what)
{
  doing = what;
}

/* Only what is safe in a signal handler. */
static void
say (const char *text)
{
  gsize size = strlen (text);
  while (size > 0) {
    gssize written = write (answers, text, size);
    if (written < 0 && errno != EINTR) {
      return;
    }
    text += MAX (written, 0);
    size -= (gsize) MAX (written, 0);
  }
}

static void
say_where (const char *what)
{
  WeirWorker *worker = at_work == NULL            ? NULL
                       : at_work->harness != NULL ? at_work->harness->worker
                       : at_work->server != NULL  ? at_work->server->worker
                                                  : NULL;
  const char *callback = worker != NULL ? weir_load_relaxed (&worker->callback) : NULL;
  say ("F");
  say (what);
  if (gettid () != self) {
    say (" in a thread of its own");
  } else if (callback == NULL) {
    say (" outside of its callbacks");
  } else {
    say (" in ");
    say (callback);
    say (weir_callback_is_named (callback) ? "()" : "");
  }
  if (doing != NULL) {
    say (", ");
    say (doing);
  }
}

static void
on_fatal (int number)
{
  static const struct {
    int number;
    const char *text;
  } names[] = { { SIGSEGV, "it crashes (SIGSEGV)" }, { SIGBUS, "it crashes (SIGBUS)" },
                { SIGILL, "it crashes (SIGILL)" },   { SIGFPE, "it crashes (SIGFPE)" },
                { SIGABRT, "it aborts (SIGABRT)" },  { SIGTRAP, "it aborts (SIGTRAP)" },
                { SIGSYS, "it crashes (SIGSYS)" },   { SIGALRM, "it hangs" } };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    if (names[i].number == number) {
      say_where (names[i].text);
    }
  }
  _exit (0);
}

static void
on_exit_of_plugin (void)
{
  if (getpid () == self) {
    say_where ("it ends the process");
    _exit (0);
  }
}

static void
catch_signals (gint64 limit)
{
  static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGALRM };
  static guint8 stack[64 * 1024]; /* for one whose own stack is used up */
  sigaltstack (&(const stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
  struct sigaction action = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK };
  sigfillset (&action.sa_mask);
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++) {
    sigaction (fatal[i], &action, NULL);
  }
  signal (SIGPIPE, SIG_IGN);
  signal (SIGTERM, SIG_DFL);
  signal (SIGINT, SIG_DFL);
  const struct itimerval once = { .it_value = { limit / G_USEC_PER_SEC, limit % G_USEC_PER_SEC } };
  setitimer (ITIMER_REAL, &once, NULL);
}

static void
enter_child (const WeirConformPlan *plan)
{
  self = getpid ();
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setrlimit (RLIMIT_CORE, &(const struct rlimit){ 0, 0 });
  int nowhere = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere >= 0) {
    dup2 (nowhere, STDIN_FILENO);
    dup2 (nowhere, STDOUT_FILENO);
    dup2 (nowhere, STDERR_FILENO);
    close (nowhere);
  }
  catch_signals (plan->limit);
  atexit (on_exit_of_plugin);
}

G_GNUC_NORETURN static void
be_child (const WeirConformPlan *plan, const WeirConformRule *rule, WeirKind kind)
{
  enter_child (plan);
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  WeirConform conform = { .plan = plan, .kind = kind };
  at_work = &conform;
  conform.plugin = weir_plugin_object_open (plan->name, plan->file, owned, &message);
  if (conform.plugin == NULL) {
    say ("F");
    say (message);
    _exit (0);
  }
  conform.role = kind == WEIR_PRODUCER    ? conform.plugin->producer
                 : kind == WEIR_TRANSFORM ? conform.plugin->transform
                                          : conform.plugin->consumer;
  weir_conform_listen ();
  weir_conform_set_up (&conform);
  WeirConformResult result = rule->run (&conform);
  weir_conform_server_drop (&conform);
  weir_conform_drop (&conform);
  char letter[] = { (char) result, '\0' };
  say (letter);
  say (conform.said != NULL ? conform.said : "");
  g_free (conform.said);
  json_object_put (conform.options);
  g_ptr_array_set_size (owned, 0);
  _exit (0);
}

/* ---- the parent ---- */

/* FALSE: it has not ended in time. */
static gboolean
read_answer (int fd, gint64 deadline, GString *answer)
{
  char block[4096];
  for (;;) {
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    gint64 left = deadline - g_get_monotonic_time ();
    int count = left > 0 ? poll (&ready, 1, (int) (left / 1000) + 1) : 0;
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return FALSE;
    }
    gssize size = read (fd, block, sizeof block);
    if (size == 0 || (size < 0 && errno != EINTR)) {
      return TRUE;
    }
    g_string_append_len (answer, block, MAX (size, 0));
  }
}

/* What valgrind has found in the child; NULL: nothing. */
static char *
read_valgrind (const WeirConformPlan *plan, pid_t child)
{
  if (plan->valgrind_logs == NULL) {
    return NULL;
  }
  g_autofree char *file = g_strdup_printf ("%s/%d", plan->valgrind_logs, (int) child), *text = NULL;
  if (!g_file_get_contents (file, &text, NULL, NULL)) {
    return NULL;
  }
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) found = g_string_new (NULL);
  for (guint i = 0; lines[i] != NULL; i++) {
    const char *line = strstr (lines[i], "== ");
    if (line != NULL && line[3] != '\0') {
      g_string_append_printf (found, "\n  %s", line + 3);
    }
  }
  return found->len > 0 ? g_strconcat ("valgrind says:", found->str, NULL) : NULL;
}

static WeirConformResult
judge (const WeirConformPlan *plan, const GString *answer, gboolean in_time, int status, char **said)
{
  if (!in_time && answer->len == 0) {
    *said = g_strdup_printf ("it hangs, and blocks SIGALRM; expected an end within %" G_GINT64_FORMAT " s",
                             plan->limit / G_USEC_PER_SEC);
    return WEIR_CONFORM_FAILED;
  }
  if (answer->len == 0) {
    *said = WIFSIGNALED (status)
              ? g_strdup_printf ("it dies of signal %d (%s)", WTERMSIG (status), g_strsignal (WTERMSIG (status)))
              : g_strdup_printf ("it ends the process (exit status %d)", WEXITSTATUS (status));
    return WEIR_CONFORM_FAILED;
  }
  WeirConformResult result = (WeirConformResult) answer->str[0];
  if (result != WEIR_CONFORM_OK && result != WEIR_CONFORM_FAILED && result != WEIR_CONFORM_SKIPPED &&
      result != WEIR_CONFORM_UNUSABLE) {
    *said = g_strdup ("it writes to a descriptor that is not its own");
    return WEIR_CONFORM_FAILED;
  }
  *said = g_strdup (answer->str + 1);
  if (g_str_has_prefix (*said, "it hangs")) {
    char *longer = g_strdup_printf ("%s; expected an end within %" G_GINT64_FORMAT " s", *said,
                                    plan->limit / G_USEC_PER_SEC);
    g_free (*said);
    *said = longer;
  }
  return result;
}

WeirConformResult
weir_conform_run (const WeirConformPlan *plan, const WeirConformRule *rule, WeirKind kind, char **said)
{
  int ends[2];
  pid_t child = -1;
  if (pipe2 (ends, O_CLOEXEC) != 0 || (child = fork ()) < 0) {
    *said = g_strdup_printf ("cannot be looked at: %s", g_strerror (errno));
    return WEIR_CONFORM_FAILED;
  }
  if (child == 0) {
    close (ends[0]);
    answers = ends[1];
    be_child (plan, rule, kind);
  }
  close (ends[1]);
  g_autoptr (GString) answer = g_string_new (NULL);
  gboolean in_time = read_answer (ends[0], g_get_monotonic_time () + plan->limit + SLACK, answer);
  close (ends[0]);
  /* A child of the plugin's may hold the other end: what the rule's own process has said is enough. */
  if (!in_time) {
    kill (child, SIGKILL);
  }
  int status = 0;
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    ;
  WeirConformResult result = judge (plan, answer, in_time, status, said);
  g_autofree char *found = result != WEIR_CONFORM_FAILED ? read_valgrind (plan, child) : NULL;
  if (found != NULL) {
    g_free (*said);
    *said = g_steal_pointer (&found);
    result = WEIR_CONFORM_FAILED;
  }
  return result;
}
