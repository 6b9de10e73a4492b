/* SPDX-License-Identifier: Apache-2.0 */
/* A fatal signal's last words (see crash.h). The handler runs on the thread that has failed, on the alternate stack where the
 * thread has one (workers do), and calls only what is safe in a signal handler: the table of whose code is where is made before,
 * and unwinding allocates nothing. The signal is then raised again with the action it had before, so that the core that is dumped
 * shows where it happened. */
#include "cli/crash.h"

#include "cli/log.h"

#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <unwind.h>

#define FRAMES 200

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

/* ---- whose code is where ---- */

/* A stage, and the addresses of its plugin's shared object. */
typedef struct {
  WeirStage *stage;
  guintptr begin, end;
} Place;

static struct {
  Place *places;
  gsize count;
} known;

static int
find_object (struct dl_phdr_info *info, G_GNUC_UNUSED size_t size, gpointer data)
{
  Place *place = data;
  guintptr begin = G_MAXSIZE, end = 0;
  for (guint i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type == PT_LOAD) {
      guintptr at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
      begin = MIN (begin, at);
      end = MAX (end, at + info->dlpi_phdr[i].p_memsz);
    }
  }
  if (place->begin < begin || place->begin >= end) {
    return 0;
  }
  place->begin = begin;
  place->end = end;
  return 1;
}

/* Some callback of the role: one of these every role has. */
static guintptr
code_of (const WeirRole *role)
{
  return role->produce != NULL   ? (guintptr) role->produce
         : role->consume != NULL ? (guintptr) role->consume
         : role->flush != NULL   ? (guintptr) role->flush
         : role->start != NULL   ? (guintptr) role->start
                                 : (guintptr) role->open;
}

void
weir_crash_know (WeirPipeline *pipeline)
{
  GArray *places = g_array_new (FALSE, FALSE, sizeof (Place));
  WeirStage *stage;
  for (guint i = 0; (stage = weir_pipeline_stage (pipeline, i)) != NULL; i++) {
    Place place = { .stage = stage, .begin = code_of (stage->role) };
    if ((stage->elsewhere == NULL || !stage->elsewhere->ours) && dl_iterate_phdr (find_object, &place) != 0) {
      g_array_append_val (places, place);
    }
  }
  known.places = g_array_steal (places, &known.count);
  g_array_unref (places);
}

void
weir_crash_forget (void)
{
  known.count = 0;
  g_clear_pointer (&known.places, g_free);
}

/* ---- the handler ---- */

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

typedef struct {
  const Place *found;
  guint frames;
} Unwinding;

/* A return address may lie just behind the function, where that never returns: what called is the byte before. */
static _Unwind_Reason_Code
look_at_frame (struct _Unwind_Context *context, gpointer data)
{
  Unwinding *unwinding = data;
  int before = 0;
  guintptr at = _Unwind_GetIPInfo (context, &before);
  at -= before == 0 && at > 0 ? 1 : 0;
  for (gsize i = 0; i < known.count && unwinding->found == NULL; i++) {
    if (at >= known.places[i].begin && at < known.places[i].end) {
      unwinding->found = &known.places[i];
    }
  }
  return unwinding->found != NULL || ++unwinding->frames >= FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* How often the handler has come on this thread, within itself: what it looks at may be destroyed, and then it comes once more
 * and does with less: without the stack, and at last without anything. */
static _Thread_local guint depth;

/* A stage of the plugin whose code this thread was in, the innermost, or NULL. */
static const Place *
find_plugin (void)
{
  Unwinding unwinding = { NULL, 0 };
  _Unwind_Backtrace (look_at_frame, &unwinding);
  return unwinding.found;
}

static void
add_stage (Line *line, const WeirStage *stage)
{
  add (line, stage->name);
  add (line, " (");
  add (line, stage->plugin);
  add (line, ", ");
  add (line, weir_kind_names[stage->kind]);
  add (line, ")");
}

/* All stages whose code it may have been: those of that object, on that worker (NULL: on any). FALSE: there is none. */
static gboolean
add_stages (Line *line, const Place *object, const WeirWorker *worker)
{
  const WeirStage *only = NULL;
  guint found = 0;
  for (gsize i = 0; i < known.count; i++) {
    const Place *place = &known.places[i];
    if ((object != NULL && place->begin != object->begin) || (worker != NULL && place->stage->worker != worker)) {
      continue;
    }
    if (found++ > 0) {
      add (line, found == 2 ? only->name : "");
      add (line, " or ");
      add (line, place->stage->name);
    }
    only = place->stage;
  }
  if (found == 1) {
    add_stage (line, only);
  } else if (found > 1 && object != NULL) {
    add (line, " (");
    add (line, object->stage->plugin);
    add (line, ")");
  }
  return found > 0;
}

/* The stage whose own source the worker is dispatching, or NULL. */
static WeirStage *
find_source (const WeirWorker *worker)
{
  GSource *source = g_main_current_source ();
  for (gsize i = 0; source != NULL && i < known.count; i++) {
    WeirStage *stage = known.places[i].stage;
    const GPtrArray *sources = stage->worker == worker && stage->extras != NULL ? stage->extras->sources : NULL;
    for (guint j = 0; sources != NULL && j < sources->len; j++) {
      if (g_ptr_array_index (sources, j) == source) {
        return stage;
      }
    }
  }
  return NULL;
}

static void
add_signal (Line *line, const char *signal_name, const char *where)
{
  add (line, "fatal signal ");
  add (line, signal_name);
  add (line, where);
}

static void
add_turn (Line *line, WeirWorker *worker, const Place *plugin, const char *signal_name)
{
  const WeirStage *stage = weir_load_relaxed (&worker->running);
  const char *callback = weir_load_relaxed (&worker->callback);
  add_stage (line, stage);
  add (line, ": ");
  add_signal (line, signal_name, callback != NULL ? " in " : " in the engine, between two callbacks");
  if (callback != NULL) {
    add (line, callback);
    add (line, weir_callback_is_named (callback) ? "()" : "");
  }
  /* A buffer, say, is freed by who is done with it, in the way of who has made it. */
  if (plugin != NULL && strcmp (plugin->stage->plugin, stage->plugin) != 0) {
    add (line, ", in code of plugin \"");
    add (line, plugin->stage->plugin);
    add (line, "\"");
  }
}

static void
add_place (Line *line, const char *signal_name)
{
  WeirWorker *worker = weir_worker_current ();
  const Place *plugin = depth == 1 ? find_plugin () : NULL;
  const WeirStage *owner = weir_stage_interrupting ();
  if (owner != NULL) {
    add_stage (line, owner);
    add (line, ": ");
    add_signal (line, signal_name, " in interrupt()");
  } else if (worker != NULL && weir_load_relaxed (&worker->running) != NULL) {
    add_turn (line, worker, plugin, signal_name);
  } else if (worker != NULL && (owner = find_source (worker)) != NULL) {
    add_stage (line, owner);
    add (line, ": ");
    add_signal (line, signal_name, " in a source of its own");
  } else if (plugin != NULL && add_stages (line, plugin, worker)) {
    add (line, ": ");
    add_signal (line, signal_name,
                worker != NULL           ? " in an asynchronous call of its own"
                : getpid () == gettid () ? " on the main thread, outside its callbacks"
                                         : " in a thread of its own");
  } else if (worker != NULL && worker->stages == 1 && add_stages (line, NULL, worker)) {
    add (line, ": ");
    add_signal (line, signal_name, " on its worker, outside its callbacks");
  } else if (worker != NULL) {
    add_signal (line, signal_name, " on worker \"");
    add (line, worker->name);
    add (line, "\", in no stage's turn");
  } else {
    add_signal (line, signal_name, " in no worker's thread");
  }
  add (line, "\n");
}

/* Where it is said instead of standard error, ready to be sent to; or what stands in front of it there. */
static struct {
  int socket; /* -1: standard error */
  char head[64];
} said = { -1, "weir: " };

static void
say (Line *line)
{
  struct iovec parts[] = { { said.head, strlen (said.head) }, { line->text, line->size } };
  if (writev (said.socket >= 0 ? said.socket : STDERR_FILENO, parts, G_N_ELEMENTS (parts)) < 0) {
    /* Nothing is left to say it to. */
  }
}

static void
on_fatal (int number)
{
  Line line = { .size = 0 };
  Fatal *signal = fatal;
  sigset_t faults, before;
  while (signal->number != number) {
    signal++;
  }
  sigemptyset (&faults);
  sigaddset (&faults, SIGSEGV);
  sigaddset (&faults, SIGBUS);
  if (++depth <= 2) {
    pthread_sigmask (SIG_UNBLOCK, &faults, &before);
    add_place (&line, signal->name);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
  } else {
    add_signal (&line, signal->name, "\n");
  }
  say (&line);
  sigaction (number, &signal->before, NULL);
  raise (number); /* comes once this handler has returned */
}

static gboolean
connect_to (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0) {
    if (fd >= 0) {
      close (fd);
    }
    return FALSE;
  }
  said.socket = fd;
  return TRUE;
}

void
weir_crash_detach (void)
{
  if (connect_to (WEIR_LOG_JOURNAL)) {
    g_strlcpy (said.head, "PRIORITY=2\nSYSLOG_IDENTIFIER=weir\nMESSAGE=", sizeof said.head);
  } else if (connect_to (WEIR_LOG_SYSLOG)) {
    snprintf (said.head, sizeof said.head, "<26>weir[%d]: ", (int) getpid ()); /* daemon.crit */
  }
}

void
weir_crash_tell (int socket, const char *head)
{
  said.socket = socket;
  g_strlcpy (said.head, head, sizeof said.head);
}

void
weir_crash_open (void)
{
  struct sigaction action = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK };
  sigemptyset (&action.sa_mask);
  if (weir_log_is_kept ()) {
    g_strlcpy (said.head, "<2>", sizeof said.head); /* crit: the journal takes it off */
  }
  find_plugin (); /* whatever the unwinder does once, it has done */
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++) {
    sigaction (fatal[i].number, &action, &fatal[i].before);
    if ((fatal[i].before.sa_flags & SA_SIGINFO) == 0 && fatal[i].before.sa_handler == SIG_IGN) {
      fatal[i].before.sa_handler = SIG_DFL;
    }
  }
}
