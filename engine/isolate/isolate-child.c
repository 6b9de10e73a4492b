/* SPDX-License-Identifier: Apache-2.0 */
/* isolate-child.c: what the child process of a stage that is isolated says to its parent, and its end (see isolate-state.h). Runs on the
 * stage's worker. What the child says comes by a watch of the worker's, whatever the stage is doing; where a callback has to wait for it
 * (open, start, close), it is taken there. */
#include "isolate/isolate-state.h"

#include "connections.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what it is told ---- */

typedef struct {
  WeirSaying what;
  char *text;
} Saying;

static void
saying_free (gpointer data)
{
  Saying *saying = data;
  g_free (saying->text);
  g_free (saying);
}

static void on_room (gpointer owner, guint32 halves);

static void
await_room (WeirIsolate *isolate)
{
  weir_watches_add (isolate->stage->worker->watches, isolate->control, G_IO_OUT, WEIR_HALF_OUTPUT, on_room, isolate);
}

static void
on_room (gpointer owner, G_GNUC_UNUSED guint32 halves)
{
  WeirIsolate *isolate = owner;
  while (!g_queue_is_empty (&isolate->unsaid)) {
    const Saying *saying = g_queue_peek_head (&isolate->unsaid);
    if (!isolate->gone && !weir_control_try (isolate->control, saying->what, saying->text) && errno == EAGAIN) {
      await_room (isolate);
      return;
    }
    saying_free (g_queue_pop_head (&isolate->unsaid));
  }
}

/* Behind what waits already. */
static void
say_later (WeirIsolate *isolate, WeirSaying what, const char *text)
{
  Saying *saying = g_new (Saying, 1);
  *saying = (Saying){ what, g_strdup (text) };
  if (g_queue_is_empty (&isolate->unsaid)) {
    await_room (isolate);
  }
  g_queue_push_tail (&isolate->unsaid, saying);
}

void
weir_isolate_say (WeirIsolate *isolate, WeirSaying what, const char *text)
{
  if (isolate->gone || isolate->control < 0) {
    return;
  }
  if (isolate->stage->connection == NULL) {
    weir_control_say (isolate->control, what, text);
  } else if (!g_queue_is_empty (&isolate->unsaid) ||
             (!weir_control_try (isolate->control, what, text) && errno == EAGAIN)) {
    say_later (isolate, what, text);
  }
}

/* ---- what it says ---- */

/* As control.h has it. A listener's child speaks for the replies to its connections, too. */
static void
log_for (WeirStage *stage, const char *text)
{
  enum { LEVEL, DOMAIN, STAGE, PLUGIN, MESSAGE, PARTS };
  g_auto (GStrv) parts = g_strsplit (text, WEIR_CONTROL_BETWEEN, PARTS);
  if (g_strv_length (parts) != PARTS) {
    return;
  }
  GLogLevelFlags level = (GLogLevelFlags) g_ascii_strtoull (parts[LEVEL], NULL, 10) & G_LOG_LEVEL_MASK;
  if ((level & G_LOG_LEVEL_ERROR) != 0) {
    level = G_LOG_LEVEL_CRITICAL; /* one that is fatal ends the process it is given out in: the child was meant */
  }
  if (g_str_equal (parts[DOMAIN], G_LOG_DOMAIN)) {
    g_log_structured (G_LOG_DOMAIN, level, "WEIR_STAGE", *parts[STAGE] != '\0' ? parts[STAGE] : stage->name,
                      "WEIR_PLUGIN", *parts[PLUGIN] != '\0' ? parts[PLUGIN] : stage->plugin, "MESSAGE", "%s",
                      parts[MESSAGE]);
  } else {
    g_log_structured (*parts[DOMAIN] != '\0' ? parts[DOMAIN] : "unknown", level, "MESSAGE", "%s", parts[MESSAGE]);
  }
}

/* The crash report begins as every message of the stage does. */
static char *
without_head (WeirStage *stage, const char *text)
{
  g_autofree char *head = g_strdup_printf ("%s (%s, %s): ", stage->name, stage->plugin, weir_kind_names[stage->kind]);
  return g_strchomp (g_strdup (g_str_has_prefix (text, head) ? text + strlen (head) : text));
}

static void
note (char **where, char *text)
{
  if (*where == NULL) {
    *where = text;
  } else {
    g_free (text);
  }
}

static void
take (WeirIsolate *isolate, int type, const char *text, const int *fds, gsize fd_count)
{
  WeirStage *stage = isolate->stage;
  switch (type) {
  case WEIR_SAY_ACCEPTED:
    weir_accepted_begin (stage, (int) isolate->process.number, isolate->of->places, text, fds, fd_count);
    break;
  case WEIR_SAY_OPENED:
    isolate->opened = TRUE;
    if (isolate->start_wanted) {
      weir_isolate_say (isolate, WEIR_SAY_START, NULL);
    }
    break;
  case WEIR_SAY_STARTED:
    isolate->started = TRUE;
    break;
  case WEIR_SAY_READY:
    isolate->ready = TRUE;
    if (stage->life == WEIR_LIFE_STARTING) {
      weir_stage_ready (stage);
    }
    break;
  case WEIR_SAY_FAILED:
    note (&isolate->failure, g_strdup (text));
    if (weir_isolate_is_joined (isolate)) {
      weir_connection_fails (stage->connection);
    }
    break;
  case WEIR_SAY_CRASHED:
    note (&isolate->crash, without_head (stage, text));
    break;
  case WEIR_SAY_STUCK:
    note (&isolate->stuck, g_strdup (text));
    break;
  case WEIR_SAY_ENOUGH:
    isolate->enough = TRUE;
    weir_stage_enough (stage);
    break;
  case WEIR_SAY_RELEASED:
    weir_task_make_ready (&stage->task);
    break;
  case WEIR_SAY_DELIVERED:
    weir_isolate_hear_over (isolate, text);
    break;
  case WEIR_SAY_LOG:
    log_for (stage, text);
    break;
  default:
    break;
  }
}

static void
child_is_gone (WeirIsolate *isolate)
{
  isolate->gone = TRUE;
  weir_process_reap (&isolate->process);
  weir_stage_linger (isolate->stage, FALSE);
  if (isolate->stage->life == WEIR_LIFE_STARTING) {
    weir_stage_ready (isolate->stage); /* what it has made before is still to be taken */
  }
  weir_isolate_conclude (isolate);
  weir_stage_wake (isolate->stage);
}

void
weir_isolate_hear (WeirIsolate *isolate)
{
  int fds[WEIR_CONTROL_FDS];
  while (!isolate->gone) {
    g_autofree char *text = NULL;
    gsize count = 0;
    gboolean listens = isolate->stage->listens;
    int type = weir_control_hear_with (isolate->control, &text, listens ? fds : NULL, &count);
    if (type == 0) {
      return;
    }
    for (gsize i = 0; i < count && type != WEIR_SAY_ACCEPTED; i++) {
      close (fds[i]);
    }
    if (type < 0) {
      child_is_gone (isolate);
    } else if (type != WEIR_SAY_ACCEPTED || listens) {
      take (isolate, type, text, fds, count);
    }
  }
}

static void
on_control (gpointer owner, G_GNUC_UNUSED guint32 halves)
{
  WeirIsolate *isolate = owner;
  weir_isolate_hear (isolate);
  if (!isolate->gone && isolate->control >= 0) {
    weir_isolate_listen_to (isolate);
  }
}

/* No GSource: a poll of them all is linear in connections. */
void
weir_isolate_listen_to (WeirIsolate *isolate)
{
  weir_watches_add (isolate->stage->worker->watches, isolate->control, G_IO_IN, WEIR_HALF_INPUT, on_control, isolate);
}

void
weir_isolate_await (WeirIsolate *isolate, const gboolean *flag, gint64 limit)
{
  gint64 deadline = g_get_monotonic_time () + limit;
  weir_isolate_hear (isolate);
  while (!*flag && !isolate->gone) {
    struct pollfd ready = { .fd = isolate->control, .events = POLLIN };
    gint64 left = deadline - g_get_monotonic_time ();
    if (limit >= 0 && left <= 0) {
      return;
    }
    if (poll (&ready, 1, limit < 0 ? -1 : (int) (left / 1000) + 1) < 0 && errno != EINTR) {
      return;
    }
    weir_isolate_hear (isolate);
  }
}

/* ---- its end ---- */

static void
fail (WeirIsolate *isolate)
{
  WeirStage *stage = isolate->stage;
  int number = (int) isolate->process.number;
  g_autofree char *outcome = weir_process_outcome (&isolate->process);
  if (isolate->failure != NULL) {
    weir_stage_fail (stage, "%s", isolate->failure);
  } else if (isolate->crash != NULL) {
    weir_stage_fail (stage, "its child process %d has crashed: %s", number, isolate->crash);
  } else if (isolate->stuck != NULL) {
    weir_stage_fail (stage, "%s%s does not return; its child process %d was ended", isolate->stuck,
                     strchr (isolate->stuck, ' ') == NULL ? "()" : "", number);
  } else if (weir_isolate_is_joined (isolate)) {
    weir_stage_fail (stage, "its child process %d has gone", number); /* what became of it, the listener tells */
  } else {
    weir_stage_fail (stage, "its child process %d %s", number, outcome);
  }
}

static void
warn_of_output (WeirIsolate *isolate)
{
  guint64 made = weir_load_relaxed (&isolate->shared->made);
  gboolean wanted = FALSE;
  for (guint p = 0; p < isolate->stage->port_count; p++) {
    for (guint i = 0; i < isolate->stage->ports[p].count; i++) {
      wanted = wanted || weir_load_relaxed (&isolate->stage->ports[p].links[i]->closed) == WEIR_LINK_OPEN;
    }
  }
  /* Of a connection that is lost they are lost with it, as over a network. */
  if (wanted && made > isolate->received && isolate->stage->kind == WEIR_PRODUCER &&
      isolate->stage->connection == NULL) {
    weir_stage_log (isolate->stage, G_LOG_LEVEL_WARNING,
                    "%" G_GUINT64_FORMAT " records that it had made were lost with its child process",
                    made - isolate->received);
  }
}

void
weir_isolate_conclude (WeirIsolate *isolate)
{
  if (!isolate->gone || !isolate->drained || isolate->concluded) {
    return;
  }
  isolate->concluded = TRUE;
  weir_isolate_settle_links (isolate);
  warn_of_output (isolate);
  if (!isolate->stage->failed && weir_load_relaxed (&isolate->shared->over) == 0) {
    fail (isolate);
  }
  weir_stage_wake (isolate->stage);
}

static void
close_fd (WeirStage *stage, int *fd)
{
  if (*fd >= 0) {
    weir_stage_close_fd (stage, *fd);
    *fd = -1;
  }
}

/* How long one that is told to halt may take, before it is killed: behind the time after which it says itself that it is stuck. */
#define HALT_LIMIT (3 * G_USEC_PER_SEC)

void
weir_isolate_end_child (WeirIsolate *isolate)
{
  static const gboolean never = FALSE;
  if (isolate->data < 0) {
    return;
  }
  gboolean by_itself = isolate->output_over && isolate->stage->kind == WEIR_PRODUCER;
  if (!isolate->gone && isolate->process.pid != 0) {
    if (!by_itself) {
      weir_isolate_say (isolate, WEIR_SAY_HALT, NULL);
    }
    weir_isolate_await (isolate, &never, by_itself ? -1 : HALT_LIMIT);
  }
  if (!isolate->gone) {
    child_is_gone (isolate);
  }
  isolate->drained = TRUE;
  weir_isolate_conclude (isolate);
  close_fd (isolate->stage, &isolate->data);
  close_fd (isolate->stage, &isolate->control);
  g_queue_clear_full (&isolate->unsaid, saying_free);
}

static gboolean
on_halt_limit (gpointer data)
{
  WeirIsolate *isolate = data;
  weir_isolate_hear (isolate);
  if (!isolate->gone) {
    child_is_gone (isolate);
  }
  return G_SOURCE_REMOVE;
}

gboolean
weir_isolate_is_ended (WeirIsolate *isolate)
{
  gboolean none = isolate->stage == NULL || isolate->data < 0;
  if (none || isolate->gone) {
    return TRUE;
  }
  if (weir_isolate_is_joined (isolate) && isolate->output_over && !isolate->halted) {
    weir_stage_linger (isolate->stage, TRUE); /* the others of its connection there may not be over yet */
    return FALSE;
  }
  if (!isolate->halt_told) {
    isolate->halt_told = TRUE;
    weir_isolate_say (isolate, WEIR_SAY_HALT, NULL);
    GSource *source = g_timeout_source_new (HALT_LIMIT / 1000);
    g_source_set_callback (source, on_halt_limit, isolate, NULL);
    weir_stage_attach (isolate->stage, source);
    weir_stage_linger (isolate->stage, TRUE);
  }
  return FALSE;
}
