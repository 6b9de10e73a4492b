/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c: the plugin `exec`: a child process as a producer (its output), a consumer (its input) or a duplex transform (both).
 * Runs on the stage's worker. The state owns the child, which exec/child.c starts, watches and reaps; a child that has closed its
 * output, or whose input was closed, has a limited time to exit, and its status decides whether the stage has failed. */
#include "exec/ending.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- its exit ---- */

/* It has exited, and there may be no input at hand by whose callback that would be noticed. */
static void
exit_idle (WeirStage *stage, Exec *self)
{
  /* A transform that has failed says so behind the last of its output, and is to have its input still if it restarts. */
  if (!self->flushing && !self->ending &&
      (self->reads ? exec_has_succeeded (self) : exec_conclude (stage, self) == WEIR_DONE)) {
    weir_stage_enough (stage);
  }
}

static void
child_exited (WeirStage *stage, gpointer state)
{
  Exec *self = state;
  if (self->stopping) {
    weir_stage_linger (stage, FALSE);
    return;
  }
  exec_expect_end (stage, self); /* what it has started may hold its pipes open */
  if (self->feeds) {
    exit_idle (stage, self);
  }
  weir_stage_wake (stage);
}

/* ---- its output ---- */

static void
end_output (WeirStage *stage, Exec *self)
{
  if (self->stream != 0) {
    weir_stream_close (stage, self->stream);
    self->stream = 0;
  }
  child_close_output (&self->child);
}

/* Nothing is there to be read: its output may go on, or be held open by what it has left behind. */
static WeirNext
wait_for_output (WeirStage *stage, Exec *self)
{
  Child *child = &self->child;
  if (!exec_wait_for_end (stage, self)) {
    return weir_stage_wait_fd (stage, child->output, G_IO_IN);
  }
  if (!child->exited) {
    self->overdue = TRUE;
    child_end (child, self->kill_after);
    return weir_stage_wait_fd (stage, child->output, G_IO_IN);
  }
  weir_stage_log (stage, G_LOG_LEVEL_WARNING, "%s has exited, but what it has started holds its output open; killed",
                  child->name);
  child_kill (child);
  end_output (stage, self);
  return exec_conclude (stage, self);
}

/* A few bytes need no buffer for a whole chunk. */
static gsize
room_for (const Exec *self)
{
  int there;
  return ioctl (self->child.output, FIONREAD, &there) == 0 ? CLAMP ((gsize) MAX (there, 0), 1, self->chunk)
                                                           : self->chunk;
}

static WeirNext
exec_produce (WeirStage *stage, gpointer state)
{
  Exec *self = state;
  if (self->child.output < 0) {
    return exec_conclude (stage, self);
  }
  if (self->stream == 0) {
    self->stream = weir_stream_open (stage, NULL);
  }
  gsize size = room_for (self);
  gpointer room = weir_emit_begin (stage, size);
  ssize_t got = read (self->child.output, room, size);
  int error = errno;
  if (got > 0) {
    if (self->since != 0) {
      exec_expect_end (stage, self);
    }
    weir_stream_use (stage, self->stream);
    weir_emit_end (stage, (gsize) got);
    return WEIR_MORE;
  }
  weir_emit_end (stage, 0);
  if (got < 0 && error == EAGAIN) {
    return wait_for_output (stage, self);
  }
  if (got < 0 && error != EINTR) {
    errno = error;
    return weir_stage_fail_errno (stage, "cannot read the output of %s", self->child.name);
  }
  if (got == 0) {
    end_output (stage, self);
    exec_expect_end (stage, self);
  }
  return WEIR_MORE;
}

/* ---- its input ---- */

static void
end_input (WeirStage *stage, Exec *self)
{
  child_close_input (&self->child);
  exec_expect_end (stage, self);
}

static WeirNext
exec_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  Exec *self = state;
  self->flushing = FALSE;
  if (self->child.input >= 0) {
    if (weir_writer_write (&self->writer, self->child.input, records, count)) {
      return WEIR_MORE;
    }
    if (errno == EAGAIN) {
      self->flushing = TRUE;
      return weir_stage_wait_fd (stage, self->child.input, G_IO_OUT);
    }
    if (errno != EPIPE) {
      return weir_stage_fail_errno (stage, "cannot write to %s", self->child.name);
    }
    end_input (stage, self);
  }
  /* It takes no more. Whether it has failed, its exit says; of a transform, produce() behind its output. */
  WeirNext next = !self->reads ? exec_conclude (stage, self) : exec_has_succeeded (self) ? WEIR_DONE : WEIR_WAIT;
  self->flushing = next == WEIR_WAIT;
  return next;
}

static WeirNext
exec_end (WeirStage *stage, gpointer state)
{
  Exec *self = state;
  self->ending = TRUE;
  if (self->child.input >= 0) {
    end_input (stage, self);
  }
  if (self->reads) {
    weir_stage_wake (stage); /* the producing half: its time is limited by now */
    return WEIR_MORE;
  }
  WeirNext next = exec_conclude (stage, self);
  return next == WEIR_DONE ? WEIR_MORE : next;
}

/* ---- its life ---- */

static ChildPlan
plan_of (const Exec *self)
{
  return (ChildPlan){ .command = self->command,
                      .environment = self->environment,
                      .directory = self->directory,
                      .feeds = self->feeds,
                      .reads = self->reads,
                      .errors = self->errors };
}

static WeirNext
open_role (WeirStage *stage, Exec *self, gboolean feeds, gboolean reads)
{
  weir_writer_init (&self->writer, self->delimiter);
  self->feeds = feeds;
  self->reads = reads;
  ChildPlan plan = plan_of (self);
  return child_check (stage, &plan) ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
producer_open (WeirStage *stage, gpointer state)
{
  return open_role (stage, state, FALSE, TRUE);
}

static WeirNext
consumer_open (WeirStage *stage, gpointer state)
{
  return open_role (stage, state, TRUE, FALSE);
}

static WeirNext
transform_open (WeirStage *stage, gpointer state)
{
  return open_role (stage, state, TRUE, TRUE);
}

/* Only now, as a child that nothing was to be given or taken from had to be ended amid what it does. */
static WeirNext
exec_start (WeirStage *stage, gpointer state)
{
  Exec *self = state;
  ChildPlan plan = plan_of (self);
  return child_start (stage, &self->child, &plan, child_exited, self) ? WEIR_MORE : WEIR_FAIL;
}

static void
exec_stop (WeirStage *stage, gpointer state)
{
  Exec *self = state;
  self->stopping = TRUE;
  if (self->child.pid == 0 || self->child.exited) {
    return;
  }
  if (self->ending && !self->reads) {
    weir_stage_fail (stage, "%s had not exited when the time to stop was over", self->child.name);
  }
  child_end (&self->child, self->kill_after);
  child_close_input (&self->child);
  child_close_output (&self->child);
  weir_stage_linger (stage, TRUE);
}

static void
exec_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Exec *self = state;
  child_close (&self->child);
}

/* ---- the options ---- */

static char *
exec_check (gconstpointer state, const char **option)
{
  const Exec *self = state;
  if (*self->command[0] == '\0') {
    *option = "command";
    return g_strdup ("found an empty name, expected a program and its arguments");
  }
  for (const WeirPair *pair = self->environment; pair != NULL && pair->key != NULL; pair++) {
    if (*pair->key == '\0' || strchr (pair->key, '=') != NULL) {
      *option = "environment";
      return g_strdup_printf ("found \"%s\", expected names without \"=\"", pair->key);
    }
  }
  if (self->success[0] == NULL) {
    *option = "success";
    return g_strdup ("found an empty list, expected at least one exit status from 0 to 255");
  }
  for (gsize i = 0; self->success[i] != NULL; i++) {
    guint64 status;
    if (!g_ascii_string_to_unsigned (self->success[i], 10, 0, 255, &status, NULL)) {
      *option = "success";
      return g_strdup_printf ("found \"%s\", expected exit statuses from 0 to 255", self->success[i]);
    }
  }
  return NULL;
}

#define COMMON_OPTIONS \
  WEIR_STRINGS (Exec, command, NULL, WEIR_REQUIRED, "The program and its arguments, a list; no shell is between"), \
    WEIR_MAP (Exec, environment, 0, "Variables that are added to our environment"), \
    WEIR_STRING (Exec, directory, NULL, WEIR_PATH, "Working directory of the child; default: ours"), \
    { "stderr", \
      "log", \
      "log|inherit|discard", \
      "Its standard error: a line each in the log, where ours goes, or nowhere", \
      WEIR_FIELD_ (Exec, errors, int), \
      WEIR_OPTION_CHOICE_, \
      0 }, \
    WEIR_STRINGS (Exec, success, "0", 0, "Exit statuses that are no failure"), \
    WEIR_DURATION (Exec, exit_timeout, "1m", "0..", 0, \
                   "How long it may go on, silent, once its input or output has come to an end; 0: no limit"), \
    WEIR_DURATION (Exec, kill_after, "5s", "0..", 0, "How long after SIGTERM it is killed")

#define CHUNK_OPTION WEIR_SIZE (Exec, chunk, "64KiB", "1..16MiB", 0, "Bytes read at a time, at most")

static const WeirOption producer_options[] = { COMMON_OPTIONS, CHUNK_OPTION, WEIR_OPTIONS_END };
static const WeirOption transform_options[] = { COMMON_OPTIONS, CHUNK_OPTION, WEIR_DELIMITER_OPTION (Exec),
                                                WEIR_OPTIONS_END };
static const WeirOption consumer_options[] = { COMMON_OPTIONS, WEIR_DELIMITER_OPTION (Exec), WEIR_OPTIONS_END };

/* ---- the roles ---- */

static const WeirRole producer = { .summary = "Runs a program and takes its output",
                                   .options = producer_options,
                                   .state_size = sizeof (Exec),
                                   .flags = WEIR_BYTES,
                                   .open = producer_open,
                                   .start = exec_start,
                                   .produce = exec_produce,
                                   .stop = exec_stop,
                                   .close = exec_close,
                                   .check = exec_check };

static const WeirRole transform = { .summary = "Runs a program, writes to its input and takes its output",
                                    .options = transform_options,
                                    .state_size = sizeof (Exec),
                                    .flags = WEIR_BYTES | WEIR_DUPLEX,
                                    .open = transform_open,
                                    .start = exec_start,
                                    .produce = exec_produce,
                                    .flush = exec_flush,
                                    .end = exec_end,
                                    .stop = exec_stop,
                                    .close = exec_close,
                                    .check = exec_check };

static const WeirRole consumer = { .summary = "Runs a program and writes to its input",
                                   .options = consumer_options,
                                   .state_size = sizeof (Exec),
                                   .open = consumer_open,
                                   .start = exec_start,
                                   .flush = exec_flush,
                                   .end = exec_end,
                                   .stop = exec_stop,
                                   .close = exec_close,
                                   .check = exec_check };

WEIR_PLUGIN ("exec", "1.0", &producer, &transform, &consumer);
