/* SPDX-License-Identifier: Apache-2.0 */
/* datagram-sender.c: sends runs of records, a datagram each, in batches (see datagram-sender.h). A peer that is away is no failure:
 * of UDP what is sent meanwhile is lost on the way, as always, but another of its name's addresses is sent to, and the name is
 * looked up again; at a unix socket the records wait.
 * Runs on the stage's worker. */
#include "datagram-sender.h"

#include "backoff.h"
#include "lookup.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BATCH 64
#define AGAIN G_USEC_PER_SEC /* until it is tried again where nothing tells when to */
#define FULL 1000            /* likewise where the network device's queue is full */

const char *const net_sender_counters[] = { "unheard", "waits", NULL };

struct _NetDatagramSender {
  WeirStage *stage;
  NetFamily family;
  const NetSettings *settings;
  guint counters;
  NetAddress address;
  NetLookup *lookup;
  GPtrArray *addresses; /* GSocketAddress: what the address stands for */
  guint at;             /* of them, the one in use */
  guint unreachable;    /* of them, in a row */
  gint64 failed_at;     /* one was of no use last; monotonic microseconds */
  guint pause;          /* milliseconds, between two lookups */
  gint64 look_up_at;    /* not before that */
  int fd;               /* -1: not connected */
  gsize done;           /* records of the run that are out, or rejected */
  gboolean away;        /* and that was said */
};

char *
net_datagram_sender_check (const char *connect, NetFamily family, const char **option)
{
  NetAddress address;
  char *message = net_address_parse (&address, connect, family, FALSE);
  net_address_clear (&address);
  *option = message != NULL ? "connect" : NULL;
  return message;
}

NetDatagramSender *
net_datagram_sender_new (WeirStage *stage, const char *connect, NetFamily family, const NetSettings *settings,
                         guint counters)
{
  NetDatagramSender *sender = g_new (NetDatagramSender, 1);
  *sender = (NetDatagramSender){ .stage = stage,
                                 .family = family,
                                 .settings = settings,
                                 .counters = counters,
                                 .fd = -1,
                                 .addresses = g_ptr_array_new_with_free_func (g_object_unref) };
  g_autofree char *message = net_address_parse (&sender->address, connect, family, FALSE);
  if (message != NULL) {
    weir_stage_fail (stage, "connect: %s", message);
    net_datagram_sender_free (sender);
    return NULL;
  }
  if (sender->address.address != NULL) {
    g_ptr_array_add (sender->addresses, g_object_ref (sender->address.address));
  }
  return sender;
}

/* ---- connecting ---- */

static void
disconnect (NetDatagramSender *sender)
{
  if (sender->fd >= 0) {
    weir_stage_close_fd (sender->stage, sender->fd);
    sender->fd = -1;
  }
}

/* FALSE: errno says why. */
static gboolean
connect_to (NetDatagramSender *sender, guint at)
{
  GSocketAddress *address = g_ptr_array_index (sender->addresses, at);
  struct sockaddr_storage native = { 0 };
  gssize size = g_socket_address_get_native_size (address);
  if (!g_socket_address_to_native (address, &native, sizeof (native), NULL)) {
    errno = EAFNOSUPPORT;
    return FALSE;
  }
  int fd = net_socket_new (native.ss_family, SOCK_DGRAM, sender->settings), yes = 1;
  if (fd < 0) {
    return FALSE;
  }
  (void) setsockopt (fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof (yes));
  if (connect (fd, (struct sockaddr *) &native, (socklen_t) size) < 0) {
    int number = errno;
    close (fd);
    errno = number;
    return FALSE;
  }
  sender->fd = fd;
  sender->at = at;
  return TRUE;
}

/* To the first that there is a way to, from this one on. FALSE: errno says why there is none to the last. */
static gboolean
connect_from (NetDatagramSender *sender, guint first)
{
  guint count = sender->addresses->len;
  for (guint i = 0; i < count; i++) {
    if (connect_to (sender, (first + i) % count)) {
      return TRUE;
    }
  }
  return FALSE;
}

static WeirNext
cannot_send (NetDatagramSender *sender)
{
  return weir_stage_fail_errno (sender->stage, "cannot send to %s", sender->address.text);
}

static void
set_addresses (NetDatagramSender *sender, GList *addresses)
{
  g_ptr_array_set_size (sender->addresses, 0);
  for (GList *item = addresses; item != NULL; item = item->next) {
    g_ptr_array_add (sender->addresses, g_inet_socket_address_new (item->data, sender->address.port));
  }
}

static void
found (gpointer owner, GList *addresses, const GError *error)
{
  NetDatagramSender *sender = owner;
  sender->lookup = NULL;
  if (addresses == NULL) {
    weir_stage_fail (sender->stage, "cannot send to %s: %s", sender->address.text, error->message);
    return;
  }
  set_addresses (sender, addresses);
  if (!connect_from (sender, 0)) {
    cannot_send (sender);
  } else {
    weir_stage_ready (sender->stage);
  }
}

WeirNext
net_datagram_sender_start (NetDatagramSender *sender)
{
  if (sender->address.kind == NET_ADDRESS_NAME) {
    sender->lookup = net_lookup_begin (sender->address.host, found, sender);
    return WEIR_WAIT;
  }
  /* A unix socket may come later. */
  return sender->family == NET_UNIX || connect_to (sender, 0) ? WEIR_MORE : cannot_send (sender);
}

/* ---- looking again ---- */

/* What it stands for may have changed. The one in use stays so, where it is still among them. */
static void
found_again (gpointer owner, GList *addresses, G_GNUC_UNUSED const GError *error)
{
  NetDatagramSender *sender = owner;
  sender->lookup = NULL;
  if (addresses == NULL) {
    return; /* then those are tried again that were found before */
  }
  g_autoptr (GInetSocketAddress) used = g_object_ref (g_ptr_array_index (sender->addresses, sender->at));
  set_addresses (sender, addresses);
  sender->at = sender->unreachable = 0;
  gboolean known = FALSE;
  for (guint i = 0; i < sender->addresses->len && !known; i++) {
    known = g_inet_address_equal (g_inet_socket_address_get_address (used),
                                  g_inet_socket_address_get_address (g_ptr_array_index (sender->addresses, i)));
    sender->at = known ? i : 0;
  }
  if (!known) {
    disconnect (sender);
  }
  weir_stage_wake (sender->stage);
}

/* The pauses between lookups begin anew where addresses have been of use for longer than any. */
static void
look_up_again (NetDatagramSender *sender)
{
  gint64 now = weir_stage_now (sender->stage);
  if (now - sender->failed_at > NET_PAUSE_LAST * 1000) {
    sender->pause = 0;
  }
  sender->failed_at = now;
  if (sender->address.kind == NET_ADDRESS_NAME && sender->lookup == NULL && now >= sender->look_up_at) {
    sender->look_up_at = now + (gint64) net_backoff_next (&sender->pause) * 1000;
    sender->lookup = net_lookup_begin (sender->address.host, found_again, sender);
  }
}

/* The address in use is of no use now: the next one is taken, where there is one. */
static void
move_on (NetDatagramSender *sender)
{
  look_up_again (sender);
  if (sender->addresses->len > 1) {
    disconnect (sender);
    sender->at = (sender->at + 1) % sender->addresses->len;
  }
}

/* ---- sending ---- */

static void
tell_away (NetDatagramSender *sender, int number)
{
  weir_stage_count (sender->stage, sender->counters + NET_SEND_WAITS, 1);
  if (!sender->away) {
    sender->away = TRUE;
    weir_stage_log (sender->stage, G_LOG_LEVEL_WARNING, "cannot send to %s: %s; trying again each second",
                    sender->address.text, g_strerror (number));
  }
}

static void
tell_back (NetDatagramSender *sender)
{
  if (G_UNLIKELY (sender->away)) {
    sender->away = FALSE;
    weir_stage_log (sender->stage, G_LOG_LEVEL_MESSAGE, "sending to %s again", sender->address.text);
  }
}

static void
reject (NetDatagramSender *sender, const WeirRecord *record)
{
  weir_record_reject (weir_record_keep (sender->stage, record),
                      "%" G_GSIZE_FORMAT " bytes are too many for a datagram to %s", record->size,
                      sender->address.text);
}

/* How many records were sent; -1: errno says why none was. */
static int
send_batch (int fd, const WeirRecord *records, gsize count)
{
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  guint batch = (guint) MIN (count, BATCH);
  for (guint i = 0; i < batch; i++) {
    pieces[i] = (struct iovec){ (gpointer) records[i].data, records[i].size };
    messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &pieces[i], .msg_iovlen = 1 } };
  }
  return sendmmsg (fd, messages, batch, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static WeirNext
no_way (NetDatagramSender *sender)
{
  int number = errno;
  move_on (sender);
  if (++sender->unreachable < sender->addresses->len) {
    return WEIR_MORE;
  }
  sender->unreachable = 0;
  tell_away (sender, number);
  return weir_stage_wait_time (sender->stage, AGAIN);
}

/* The first record left could not be sent. MORE: go on with what is left. */
static WeirNext
trouble (NetDatagramSender *sender, const WeirRecord *record)
{
  switch (errno) {
  case EINTR:
    return WEIR_MORE;
  case EAGAIN:
    return weir_stage_wait_fd (sender->stage, sender->fd, G_IO_OUT);
  case ENOBUFS:
  case ENOMEM:
    return weir_stage_wait_time (sender->stage, FULL);
  case EMSGSIZE:
    reject (sender, record);
    sender->done++;
    return WEIR_MORE;
  case ECONNREFUSED:
  case ECONNRESET:
  case ENOTCONN:
    weir_stage_count (sender->stage, sender->counters + NET_UNHEARD, 1);
    if (sender->family == NET_UNIX) {
      disconnect (sender); /* its socket is gone; there may be another */
    } else {
      move_on (sender);
    }
    return WEIR_MORE; /* told of an earlier datagram */
  case ENETUNREACH:
  case EHOSTUNREACH:
  case ENETDOWN:
  case EPERM:
    return no_way (sender);
  default:
    return cannot_send (sender);
  }
}

/* Of connecting by UDP: there may be one later. */
static gboolean
is_no_way (int number)
{
  return number == ENETUNREACH || number == EHOSTUNREACH || number == ENETDOWN || number == EADDRNOTAVAIL ||
         number == EAFNOSUPPORT;
}

static WeirNext
connect_again (NetDatagramSender *sender)
{
  if (connect_from (sender, sender->at)) {
    return WEIR_MORE;
  }
  gboolean may_come = sender->family == NET_UNIX ? errno == ENOENT || errno == ECONNREFUSED : is_no_way (errno);
  if (!may_come) {
    return cannot_send (sender);
  }
  tell_away (sender, errno);
  look_up_again (sender);
  return weir_stage_wait_time (sender->stage, AGAIN);
}

WeirNext
net_datagram_sender_flush (NetDatagramSender *sender, const WeirRecord *records, gsize count)
{
  while (sender->done < count) {
    const WeirRecord *next = records + sender->done;
    WeirNext answer = sender->fd >= 0 ? WEIR_MORE : connect_again (sender);
    int sent = answer == WEIR_MORE ? send_batch (sender->fd, next, count - sender->done) : -1;
    if (sent > 0) {
      tell_back (sender);
      sender->unreachable = 0;
      sender->done += (gsize) sent;
      continue;
    }
    answer = answer == WEIR_MORE ? trouble (sender, next) : answer;
    if (answer != WEIR_MORE) {
      return answer;
    }
  }
  sender->done = 0;
  return WEIR_MORE;
}

void
net_datagram_sender_free (NetDatagramSender *sender)
{
  if (sender->lookup != NULL) {
    net_lookup_cancel (sender->lookup);
  }
  disconnect (sender);
  g_ptr_array_unref (sender->addresses);
  net_address_clear (&sender->address);
  g_free (sender);
}
