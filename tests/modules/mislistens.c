/* SPDX-License-Identifier: Apache-2.0 */
/* Bad plugins with connections, each of which breaks one rule, made of this file by tests/cli/plugin-check.sh with -DHOW=WORD
 * -DNAME="NAME"; as it stands it is one that breaks none: it listens at a path, and each connection's reply writes to it. */
#include <weir/weir.h>

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
  LISTENS,
  CANNOT_BE_FOUND,
  EMITS_ITSELF,
  ACCEPTS_NONE,
  STAYS,
  TICKS_PAUSED,
  READS_PAUSED,
  DROPS_PAUSED,
  PAUSES_ALL,
  DIES_WITH_PEER,
  FAILS_WITH_PEER,
  WANTS_BEGIN,
  STAYS_OPEN,
  EMITS_ELSEWHERE,
  LEAKS_SOCKETS,
  LEAKS_PEERS,
  LOSES_LINES,
  WRITES_NOTHING,
  HANGS_UP,
  CLOSES_TWICE,
  ENDS_NEVER,
  GATHERS,
  DROPS_FULL,
  WRITES_BLOCKING
};

#ifndef HOW
#define HOW LISTENS
#define NAME "mislistens"
#endif

typedef struct {
  int fd;
  WeirStage *producer; /* of its connection; NULL: it is not open */
} Peer;

typedef struct {
  const char *path, *whereabouts;
  int fd; /* that listens */
  Peer *peer;
  gsize sent; /* bytes of the record at hand */
  guint records;
  gboolean paused;
  WeirStage *stage;
  GByteArray *gathered;
  guint8 *begun;
} State;

static const WeirOption options[] = {
  WEIR_STRING (State, path, NULL, WEIR_REQUIRED, "Where it listens"),
  WEIR_OPTIONS_END,
};

static const WeirOption unknown_options[] = {
  WEIR_STRING (State, whereabouts, "", 0, "Where it listens"),
  WEIR_OPTIONS_END,
};

static gboolean somebody_is_paused, peer_was_lost;
static WeirStage *first_one;

static void
peer_free (gpointer data)
{
  Peer *peer = data;
  if (HOW != LEAKS_SOCKETS) {
    close (peer->fd);
  }
  if (HOW != LEAKS_PEERS) {
    g_free (peer);
  }
}

/* ---- the listening stage ---- */

static WeirNext
begin_listening (WeirStage *stage, State *self)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const char *path = HOW == CANNOT_BE_FOUND ? self->whereabouts : self->path;
  if (*path == '\0') {
    return weir_stage_fail (stage, "found no place to listen at");
  }
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  unlink (path);
  self->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self->fd < 0 || bind (self->fd, (const struct sockaddr *) &address, sizeof address) != 0 ||
      listen (self->fd, 100) != 0) {
    return weir_stage_fail_errno (stage, "cannot listen at \"%s\"", path);
  }
  return WEIR_MORE;
}

static WeirNext
accept_one (WeirStage *stage, State *self)
{
  if (HOW == EMITS_ITSELF) {
    weir_emit_copy (stage, "listening", 9);
    return weir_stage_wait_time (stage, 3600 * (gint64) G_USEC_PER_SEC);
  }
  if (HOW == ACCEPTS_NONE) {
    return weir_stage_wait_time (stage, 3600 * (gint64) G_USEC_PER_SEC);
  }
  if (HOW == FAILS_WITH_PEER && peer_was_lost) {
    return weir_stage_fail (stage, "a peer was lost");
  }
  int fd = accept (self->fd, NULL, NULL);
  if (fd < 0) {
    return weir_stage_wait_fd (stage, self->fd, G_IO_IN);
  }
  g_unix_set_fd_nonblocking (fd, HOW != WRITES_BLOCKING, NULL);
  Peer *peer = g_new0 (Peer, 1);
  peer->fd = fd;
  weir_stage_accept (stage, peer, peer_free, "somebody");
  return WEIR_MORE;
}

/* ---- a connection ---- */

static gboolean
on_tick (gpointer data)
{
  weir_emit_copy (((State *) data)->stage, "tick\n", 5);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_read (gpointer data)
{
  State *self = data;
  char bytes[64];
  gssize size = recv (self->peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (size > 0) {
    weir_emit_copy (self->stage, bytes, (gsize) size);
  } else if (size == 0) {
    weir_stage_finish (self->stage);
  }
  return size == 0 ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static WeirNext
producer_open (WeirStage *stage, gpointer data)
{
  State *self = data;
  self->stage = stage;
  self->fd = -1;
  self->peer = weir_stage_connection (stage);
  if (self->peer != NULL) {
    self->peer->producer = stage;
    return WEIR_MORE;
  }
  return weir_stage_per_connection (stage) ? begin_listening (stage, self)
                                           : weir_stage_fail (stage, "has nothing to do but for \"per_connection\"");
}

static WeirNext
producer_start (WeirStage *stage, gpointer data)
{
  State *self = data;
  self->begun = g_malloc0 (1);
  if (self->peer != NULL && (HOW == TICKS_PAUSED || HOW == READS_PAUSED)) {
    GSource *source = g_timeout_source_new (5);
    g_source_set_callback (source, HOW == TICKS_PAUSED ? on_tick : on_read, self, NULL);
    weir_stage_attach (stage, source);
  }
  if (self->peer != NULL && first_one == NULL && HOW == EMITS_ELSEWHERE) {
    first_one = weir_stage_ref (stage);
  }
  return WEIR_MORE;
}

/* Its peer is gone without a word: read() has failed. */
static WeirNext
lose (WeirStage *stage)
{
  peer_was_lost = TRUE;
  if (HOW == DIES_WITH_PEER) {
    raise (SIGSEGV);
  }
  return weir_stage_fail_errno (stage, "cannot read");
}

static WeirNext
producer_produce (WeirStage *stage, gpointer data)
{
  State *self = data;
  if (self->peer == NULL) {
    return accept_one (stage, self);
  }
  if (HOW == READS_PAUSED) {
    return WEIR_WAIT;
  }
  if (HOW == PAUSES_ALL && somebody_is_paused && !self->paused) {
    return weir_stage_wait_time (stage, G_USEC_PER_SEC);
  }
  char bytes[1024];
  gssize size = recv (self->peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (size < 0) {
    return errno == EAGAIN ? weir_stage_wait_fd (stage, self->peer->fd, G_IO_IN) : lose (stage);
  }
  if (size == 0) {
    return HOW == STAYS ? weir_stage_wait_time (stage, G_USEC_PER_SEC) : WEIR_DONE;
  }
  if (HOW == EMITS_ELSEWHERE && first_one != stage) {
    weir_emit_copy (first_one, bytes, (gsize) size);
  }
  weir_emit_copy (stage, bytes, (gsize) size);
  return WEIR_MORE;
}

static void
producer_pause (G_GNUC_UNUSED WeirStage *stage, gpointer data)
{
  State *self = data;
  char bytes[1024];
  self->paused = somebody_is_paused = TRUE;
  if (HOW == DROPS_PAUSED) {
    (void) !read (self->peer->fd, bytes, sizeof bytes); /* makes room, as it were */
  }
}

static void
producer_resume (G_GNUC_UNUSED WeirStage *stage, gpointer data)
{
  State *self = data;
  self->paused = somebody_is_paused = FALSE;
}

static void
producer_stop (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  if (HOW == STAYS_OPEN && weir_stage_per_connection (stage)) {
    weir_stage_linger (stage, TRUE);
  }
}

static void
producer_close (WeirStage *stage, gpointer data)
{
  State *self = data;
  if (HOW == HANGS_UP && self->peer != NULL) {
    shutdown (self->peer->fd, SHUT_RDWR); /* and not left to the reply */
  }
  if (self->peer != NULL) {
    self->peer->producer = NULL;
  }
  if (HOW == WANTS_BEGIN && self->begun == NULL && self->peer != NULL) {
    raise (SIGSEGV);
  }
  g_free (self->begun);
  weir_stage_close_fd (stage, self->fd);
}

/* ---- its reply ---- */

static WeirNext
reply_open (WeirStage *stage, gpointer data)
{
  State *self = data;
  self->peer = weir_stage_connection (stage);
  self->gathered = g_byte_array_new ();
  return WEIR_MORE;
}

static WeirNext
reply_consume (WeirStage *stage, gpointer data, const WeirRecord *record)
{
  State *self = data;
  gsize size = record->size + record->trail;
  if (HOW == WRITES_NOTHING || (HOW == LOSES_LINES && self->records++ % 2 != 0)) {
    return WEIR_MORE;
  }
  if (HOW == GATHERS) {
    g_byte_array_append (self->gathered, record->data, (guint) size);
    gssize went = write (self->peer->fd, self->gathered->data, self->gathered->len);
    if (went > 0) {
      g_byte_array_remove_range (self->gathered, 0, (guint) went);
    }
    return WEIR_MORE;
  }
  gssize went = send (self->peer->fd, record->data + self->sent, size - self->sent, MSG_NOSIGNAL);
  if (went < 0 && HOW == DROPS_FULL) {
    return WEIR_MORE;
  }
  if (went < 0) {
    return errno == EAGAIN ? weir_stage_wait_fd (stage, self->peer->fd, G_IO_OUT)
                           : weir_stage_fail_errno (stage, "cannot write");
  }
  self->sent += (gsize) went;
  if (self->sent < size) {
    return weir_stage_wait_fd (stage, self->peer->fd, G_IO_OUT);
  }
  self->sent = 0;
  return WEIR_MORE;
}

static WeirNext
reply_end (WeirStage *stage, gpointer data)
{
  if (HOW == ENDS_NEVER) {
    return weir_stage_wait_time (stage, 3600 * (gint64) G_USEC_PER_SEC);
  }
  shutdown (((State *) data)->peer->fd, SHUT_WR);
  return WEIR_MORE;
}

static void
reply_close (G_GNUC_UNUSED WeirStage *stage, gpointer data)
{
  State *self = data;
  g_clear_pointer (&self->gathered, g_byte_array_unref);
  if (HOW == CLOSES_TWICE && self->peer->producer != NULL) {
    close (self->peer->fd); /* and so does peer_free() */
    weir_stage_finish (self->peer->producer);
  }
}

static const WeirRole producer = {
  .summary = "Listens as it should not",
  .options = HOW == CANNOT_BE_FOUND ? unknown_options : options,
  .state_size = sizeof (State),
  .flags = WEIR_CONNECTIONS,
  .open = producer_open,
  .start = producer_start,
  .produce = producer_produce,
  .pause = producer_pause,
  .resume = producer_resume,
  .stop = producer_stop,
  .close = producer_close,
};

static const WeirRole reply = {
  .summary = "Writes as it should not",
  .state_size = sizeof (State),
  .open = reply_open,
  .consume = reply_consume,
  .end = reply_end,
  .close = reply_close,
};

WEIR_PLUGIN_WITH_REPLY (NAME, "1.0", &producer, NULL, NULL, &reply);
