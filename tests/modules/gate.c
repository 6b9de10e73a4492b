/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests alone that accepts connections at a unix socket, and goes wrong where a peer says so: what is read as one is a record,
 * each under an origin, and what became of those is told in a file. Its reply writes what it gets, or keeps it until it is settled.
 * Runs on the stages' workers; a connection owns its socket. */
#include <weir/weir.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct {
  const char *path, *told;
  gboolean keep;
  int fd, told_fd; /* of the listener; of a connection's producer */
  guint peers, records;
  guint32 stream; /* what a peer sends is one */
  GPtrArray *kept;
} Gate;

typedef struct {
  int fd;
} Peer;

enum { PEERS, BYTES };

static const char *const counters[] = { "peers", "bytes", NULL };

static const WeirOption producer_options[] = {
  WEIR_STRING (Gate, path, NULL, WEIR_REQUIRED | WEIR_PATH, "The socket"),
  WEIR_STRING (Gate, told, NULL, WEIR_PATH, "What became of each record is appended there"),
  WEIR_OPTIONS_END,
};

static const WeirOption reply_options[] = {
  WEIR_BOOLEAN (Gate, keep, "false", 0, "Each record is kept until all of them are to be given back"),
  WEIR_OPTIONS_END,
};

/* What a record asks for, by the side that it is meant for. */
static WeirNext
obey (WeirStage *stage, const char *side, const guint8 *data, gsize size)
{
  static const char *const orders[] = { "segv", "abort", "fail", "hang" };
  for (guint i = 0; i < G_N_ELEMENTS (orders); i++) {
    g_autofree char *order = g_strdup_printf ("%s-%s\n", side, orders[i]);
    if (size < strlen (order) || memcmp (data, order, strlen (order)) != 0) {
      continue;
    }
    switch (i) {
    case 0:
      raise (SIGSEGV);
      break;
    case 1:
      abort ();
    case 2:
      return weir_stage_fail (stage, "was told to fail");
    default:
      (void) !write (STDOUT_FILENO, "hanging\n", strlen ("hanging\n"));
      for (;;) {
        pause ();
      }
    }
  }
  return WEIR_MORE;
}

/* ---- the producer ---- */

static void
peer_free (gpointer data)
{
  Peer *peer = data;
  close (peer->fd);
  g_free (peer);
}

static WeirNext
begin_listening (WeirStage *stage, Gate *self)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_strlcpy (address.sun_path, self->path, sizeof address.sun_path);
  self->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  unlink (self->path);
  if (bind (self->fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (self->fd, 100) < 0) {
    return weir_stage_fail_errno (stage, "cannot listen at %s", self->path);
  }
  weir_stage_log (stage, G_LOG_LEVEL_INFO, "listening on %s", self->path);
  return WEIR_MORE;
}

static WeirNext
gate_open (WeirStage *stage, gpointer state)
{
  Gate *self = state;
  self->fd = self->told_fd = -1;
  if (self->told != NULL && weir_stage_connection (stage) != NULL) {
    self->told_fd = open (self->told, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
  return weir_stage_per_connection (stage) ? begin_listening (stage, self) : WEIR_MORE;
}

static WeirNext
accept_one (WeirStage *stage, Gate *self)
{
  int fd = accept4 (self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    return errno == EAGAIN ? weir_stage_wait_fd (stage, self->fd, G_IO_IN)
                           : weir_stage_fail_errno (stage, "cannot accept");
  }
  Peer *peer = g_new (Peer, 1);
  peer->fd = fd;
  g_autofree char *name = g_strdup_printf ("peer %u", ++self->peers);
  weir_stage_count (stage, PEERS, 1);
  weir_stage_accept (stage, peer, peer_free, name);
  return WEIR_MORE;
}

static WeirNext
gate_produce (WeirStage *stage, gpointer state)
{
  Gate *self = state;
  const Peer *peer = weir_stage_connection (stage);
  if (peer == NULL) {
    return accept_one (stage, self);
  }
  guint8 bytes[1024];
  gssize got = recv (peer->fd, bytes, sizeof bytes, 0);
  if (got < 0) {
    return errno == EAGAIN ? weir_stage_wait_fd (stage, peer->fd, G_IO_IN)
                           : weir_stage_fail_errno (stage, "cannot read");
  }
  if (got == 0) {
    return WEIR_DONE;
  }
  if (self->stream == 0) {
    self->stream = weir_stream_open (stage, NULL);
  }
  weir_stage_count (stage, BYTES, (guint64) got);
  weir_stream_use (stage, self->stream);
  weir_origin_begin (stage, GUINT_TO_POINTER (++self->records));
  weir_emit_copy (stage, bytes, (gsize) got);
  weir_origin_end (stage);
  return obey (stage, "read", bytes, (gsize) got);
}

static void
gate_delivered (G_GNUC_UNUSED WeirStage *stage, gpointer state, gpointer token, WeirOutcome outcome)
{
  static const char *const names[] = { "delivered", "dropped", "rejected", "abandoned" };
  const Gate *self = state;
  if (self->told_fd >= 0) {
    g_autofree char *text = g_strdup_printf ("%u %s\n", GPOINTER_TO_UINT (token), names[outcome]);
    (void) !write (self->told_fd, text, strlen (text));
  }
}

static void
gate_close (WeirStage *stage, gpointer state)
{
  const Gate *self = state;
  if (self->fd >= 0) {
    weir_stage_close_fd (stage, self->fd);
    unlink (self->path);
  }
  if (self->told_fd >= 0) {
    close (self->told_fd);
  }
}

/* ---- the reply ---- */

static WeirNext
reply_open (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Gate *self = state;
  self->kept = g_ptr_array_new ();
  return WEIR_MORE;
}

static void
give_back (Gate *self)
{
  for (guint i = 0; i < self->kept->len; i++) {
    weir_record_release (g_ptr_array_index (self->kept, i));
  }
  g_ptr_array_set_size (self->kept, 0);
}

static WeirNext
reply_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Gate *self = state;
  const Peer *peer = weir_stage_connection (stage);
  gsize size = record->size + record->trail;
  if (send (peer->fd, record->data, size, MSG_NOSIGNAL) < 0) {
    return errno == EAGAIN ? weir_stage_wait_fd (stage, peer->fd, G_IO_OUT)
                           : weir_stage_fail_errno (stage, "cannot write");
  }
  weir_stage_count (stage, BYTES, size);
  if (self->keep) {
    g_ptr_array_add (self->kept, weir_record_keep (stage, record));
  }
  return obey (stage, "reply", record->data, size);
}

static WeirNext
reply_settle (WeirStage *stage, gpointer state)
{
  weir_stage_count (stage, PEERS, 1);
  give_back (state);
  return WEIR_MORE;
}

static WeirNext
reply_end (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  give_back (state);
  return WEIR_MORE;
}

static void
reply_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  g_ptr_array_unref (((Gate *) state)->kept);
}

static const char *const reply_counters[] = { "settled", "bytes", NULL };

static const WeirRole producer = { .summary = "Lets in",
                                   .options = producer_options,
                                   .counters = counters,
                                   .state_size = sizeof (Gate),
                                   .flags = WEIR_BYTES | WEIR_CONNECTIONS,
                                   .open = gate_open,
                                   .produce = gate_produce,
                                   .delivered = gate_delivered,
                                   .close = gate_close };

static const WeirRole reply = { .summary = "Answers",
                                .options = reply_options,
                                .counters = reply_counters,
                                .state_size = sizeof (Gate),
                                .open = reply_open,
                                .consume = reply_consume,
                                .settle = reply_settle,
                                .end = reply_end,
                                .close = reply_close };

WEIR_PLUGIN_WITH_REPLY ("gate", "1.0", &producer, NULL, NULL, &reply);
