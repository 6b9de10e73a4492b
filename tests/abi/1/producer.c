/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of abi-1: pulled, by a source, by a thread, or one for each connection. Never changed; see abi-1.c. */
#include "abi-1.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  const char *greeting, *path;
  const char *const *words;
  const WeirPair *pairs;
  gboolean yes;
  gint64 port, wait;
  double rate;
  guint64 chunk;
  int how;
  guint step, delivered;
  guint32 stream;
  int pipe[2];
  GThread *thread;
} Producer;

enum { PULL, SOURCE, THREAD };

static const WeirOption producer_options[] = {
  WEIR_STRING (Producer, greeting, "hello", WEIR_SECRET, "A string"),
  WEIR_STRING (Producer, path, NULL, WEIR_PATH | WEIR_WRITES, "What a connection has got"),
  WEIR_STRINGS (Producer, words, "[\"a\", \"b\"]", 0, "Some strings"),
  WEIR_MAP (Producer, pairs, 0, "Pairs of strings"),
  WEIR_BOOLEAN (Producer, yes, "true", 0, "A truth"),
  WEIR_INTEGER (Producer, port, "80", "1..65535", 0, "A whole number"),
  WEIR_NUMBER (Producer, rate, "0.5", "0..1", 0, "A number"),
  WEIR_SIZE (Producer, chunk, "64KiB", "1..", 0, "A size"),
  WEIR_DURATION (Producer, wait, "100ms", "..1h", 0, "A duration"),
  WEIR_CHOICE (Producer, how, "pull", "pull|source|thread", 0, "Who emits"),
  WEIR_OPTIONS_END,
};

static void
peer_free (gpointer data)
{
  Peer *peer = data;
  char got[256];
  ssize_t size = recv (peer->ends[1], got, sizeof got, MSG_DONTWAIT);
  g_file_set_contents (peer->path, got, MAX (size, 0), NULL);
  close (peer->ends[0]);
  close (peer->ends[1]);
  g_free (peer);
}

static WeirNext
listen_once (WeirStage *stage, Producer *self)
{
  if (self->step++ == 0) {
    Peer *peer = g_new0 (Peer, 1);
    peer->path = self->path;
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer->ends) != 0) {
      g_free (peer);
      return weir_stage_fail_errno (stage, "no sockets");
    }
    weir_stage_accept (stage, peer, peer_free, "the peer");
  }
  return weir_stage_connections (stage) > 0 ? WEIR_WAIT : WEIR_DONE;
}

static WeirNext
emit_wrapped (WeirStage *stage)
{
  static char bytes[] = "wrapped";
  WeirBuffer *buffer = weir_buffer_wrap (bytes, 7, NULL, NULL);
  weir_buffer_unref (weir_buffer_ref (buffer));
  return weir_emit_buffer (stage, buffer, bytes, 7) ? WEIR_MORE : WEIR_MORE;
}

static WeirNext
emit_tagged (WeirStage *stage)
{
  g_autoptr (WeirTags) one = weir_tags_with (NULL, "n", "1");
  g_autoptr (WeirTags) two = weir_tags_with (one, "m", weir_tags_get (one, "n"));
  weir_tags_unref (weir_tags_ref (two));
  weir_stage_set_tags (stage, two);
  weir_stage_set_time (stage, 1);
  weir_stage_set_trail (stage, 1);
  emit_text (stage, "copy\n");
  return WEIR_MORE;
}

static WeirNext
produce (WeirStage *stage, gpointer state)
{
  static const char *const texts[] = { "slice me", "reject", "refused", "twice", "other", "reject later" };
  static const guint32 sizes[] = { 3, 3 };
  Producer *self = state;
  char byte;
  if (weir_stage_per_connection (stage)) {
    return listen_once (stage, self);
  }
  if (weir_stage_connection (stage) != NULL) {
    emit_text (stage, "to the peer");
    return WEIR_DONE;
  }
  if (self->how != PULL) {
    return WEIR_WAIT;
  }
  switch (self->step++) {
  case 0:
    weir_origin_begin (stage, self);
    weir_emit_printf (stage, "%s %s%s %s=%s %d %d %.1f %d %d", self->greeting, self->words[0], self->words[1],
                      self->pairs[0].key, self->pairs[0].value, self->yes, (int) self->port, self->rate,
                      (int) self->chunk, (int) self->wait);
    return WEIR_MORE;
  case 1:
    return emit_tagged (stage);
  case 2:
    weir_origin_end (stage);
    return emit_wrapped (stage);
  case 3:
    memcpy (weir_emit_begin (stage, 16), "begun", 5);
    weir_emit_end (stage, 5);
    memcpy (weir_emit_begin (stage, 16), "onetwo", 6);
    weir_emit_end_many (stage, sizes, G_N_ELEMENTS (sizes));
    return weir_stage_room (stage) > 0 ? WEIR_MORE : WEIR_WAIT;
  case 4:
    self->stream = weir_stream_open (stage, NULL);
    weir_stream_use (stage, self->stream);
    emit_text (stage, "of a stream");
    return weir_stage_wait_time (stage, 1000);
  case 5:
    weir_stream_use (stage, self->stream);
    emit_text (stage, "of it too");
    weir_stream_close (stage, self->stream);
    if (pipe2 (self->pipe, O_CLOEXEC) != 0 || write (self->pipe[1], "x", 1) != 1) {
      return weir_stage_fail_errno (stage, "no pipe");
    }
    return weir_stage_wait_fd (stage, self->pipe[0], G_IO_IN);
  case 6:
    if (read (self->pipe[0], &byte, 1) != 1) {
      return weir_stage_fail_errno (stage, "nothing in the pipe");
    }
    weir_stage_close_fd (stage, self->pipe[0]);
    close (self->pipe[1]);
    return WEIR_MORE;
  default:
    if (self->step - 8 >= G_N_ELEMENTS (texts)) {
      return self->delivered == 1 ? WEIR_DONE : WEIR_WAIT;
    }
    emit_text (stage, texts[self->step - 8]);
    return WEIR_MORE;
  }
}

static void
delivered (WeirStage *stage, gpointer state, gpointer token, WeirOutcome outcome)
{
  Producer *self = state;
  gboolean fine = outcome <= WEIR_DROPPED || (outcome == WEIR_ABANDONED && self->how == THREAD); /* it was stopped */
  if (!fine || (token != self && token != NULL)) {
    weir_stage_fail (stage, "found outcome %d", (int) outcome);
  }
  self->delivered++;
}

static gboolean
on_source (gpointer data)
{
  weir_stage_ready (data);
  emit_text (data, "by a source");
  weir_stage_finish (data);
  return G_SOURCE_REMOVE;
}

static void
on_call (WeirStage *stage, gpointer self, gpointer data)
{
  ((Producer *) self)->step = GPOINTER_TO_UINT (data);
  weir_stage_finish (stage);
}

static gpointer
help (gpointer data)
{
  static char bytes[] = "by a thread's buffer";
  weir_stage_post (data, "by a thread", 11);
  weir_stage_post_buffer (data, weir_buffer_wrap (bytes, sizeof bytes - 1, NULL, NULL), bytes, sizeof bytes - 1, 2,
                          NULL);
  weir_stage_post_origin (data, weir_buffer_wrap (bytes, sizeof bytes - 1, NULL, NULL), bytes, 11, 2, NULL, NULL);
  weir_stage_invoke (data, on_call, GUINT_TO_POINTER (7), NULL);
  weir_stage_wake (data);
  weir_stage_unref (data);
  return NULL;
}

static WeirNext
start (WeirStage *stage, gpointer state)
{
  Producer *self = state;
  if (self->how == SOURCE) {
    GSource *source = g_idle_source_new ();
    g_source_set_callback (source, on_source, stage, NULL);
    weir_stage_attach (stage, source);
    return WEIR_WAIT;
  }
  if (self->how == THREAD) {
    self->thread = g_thread_new ("helper", help, weir_stage_ref (stage));
  }
  return WEIR_MORE;
}

static void
join (WeirStage *stage, gpointer state)
{
  Producer *self = state;
  (void) stage;
  g_clear_pointer (&self->thread, g_thread_join);
}

static char *
check (gconstpointer state, const char **option)
{
  const Producer *self = state;
  if (self->port != 81) {
    return NULL;
  }
  *option = "port";
  return g_strdup ("found 81, expected any other");
}

static const char *const tags[] = { "n", "m", NULL };

const WeirRole abi_producer = {
  .summary = "Emits in each way there is",
  .options = producer_options,
  .state_size = sizeof (Producer),
  .flags = WEIR_CONNECTIONS | WEIR_IN_ORDER,
  .start = start,
  .produce = produce,
  .delivered = delivered,
  .pause = nothing,
  .resume = nothing,
  .stop = nothing,
  .close = join,
  .check = check,
  .tags = tags,
};
