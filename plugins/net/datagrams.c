/* SPDX-License-Identifier: Apache-2.0 */
/* datagrams.c: receives datagrams in batches (see datagrams.h). What the kernel had no room for it counts; the count is read behind
 * each batch and at the end, so that nothing is lost uncounted.
 * Runs on the stage's worker, as a pull producer: while the stage is paused nothing is read, and the kernel's buffer fills. */
#include "datagrams.h"

#include "listeners.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define BATCH 64                      /* datagrams received at once, at most */
#define BATCH_BYTES (4 * 1024 * 1024) /* room for them; its pages are used as far as datagrams need them */
#define PEERS 64                      /* whose tags are remembered */
#define TELL_FIRST G_USEC_PER_SEC     /* between warnings, doubled each time */
#define TELL_LAST G_TIME_SPAN_HOUR

const char *const net_datagram_counters[] = { "kernel_drops", "too_long", "left", NULL };

typedef struct {
  struct sockaddr_storage address;
  socklen_t size; /* 0: a unix socket without a name, told by its process */
  pid_t pid;
  WeirTags *tags; /* NULL: not in use */
} Peer;

/* Room for the process of a sender. */
typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE (sizeof (struct ucred))];
} Credentials;

struct _NetDatagrams {
  WeirStage *stage;
  const NetDatagramSettings *settings;
  const NetSettings *sockets;
  NetListeners *listeners;
  guint next; /* the socket that is read first */
  guint batch;
  guint received, emitted; /* of the batch at hand */
  guint8 *room;            /* batch times datagram_max bytes */
  struct mmsghdr *headers;
  struct iovec *pieces;
  struct sockaddr_storage *senders;
  Credentials *credentials; /* of unix sockets that are to be tagged; NULL: none */
  Peer *peers;
  guint32 *drops; /* a socket: what the kernel has counted so far */
  guint64 untold; /* drops */
  gint64 tell,
    between; /* when the next warning may come, and how long behind that one the next; monotonic, microseconds */
};

static void
count (NetDatagrams *datagrams, guint counter, guint64 n)
{
  weir_stage_count (datagrams->stage, datagrams->settings->counters + counter, n);
}

/* ---- options ---- */

static gboolean
parse_group (const char *text, struct sockaddr_storage *address)
{
  g_autoptr (GInetAddress) group = g_inet_address_new_from_string (text);
  if (group == NULL || !g_inet_address_get_is_multicast (group)) {
    return FALSE;
  }
  g_autoptr (GSocketAddress) socket_address = g_inet_socket_address_new (group, 0);
  return g_socket_address_to_native (socket_address, address, sizeof (*address), NULL);
}

char *
net_datagrams_check (const NetDatagramSettings *settings, NetFamily family, const char **option)
{
  gboolean joins = settings->group != NULL && settings->group[0] != NULL;
  for (guint i = 0; joins && settings->group[i] != NULL; i++) {
    struct sockaddr_storage address;
    if (!parse_group (settings->group[i], &address)) {
      *option = "group";
      return g_strdup_printf ("found \"%s\", expected a multicast address such as 239.1.2.3 or ff02::1234",
                              settings->group[i]);
    }
  }
  if (settings->interface != NULL && !joins) {
    *option = "interface";
    return g_strdup ("found an interface without a group to join on it");
  }
  return net_listeners_check (settings->listen, settings->mode, family, option);
}

/* ---- opening ---- */

NetDatagrams *
net_datagrams_new (WeirStage *stage, NetFamily family, const NetDatagramSettings *settings, const NetSettings *sockets)
{
  NetListenOptions options = { .family = family,
                               .type = SOCK_DGRAM,
                               .shared = settings->group != NULL && settings->group[0] != NULL,
                               .settings = sockets };
  NetListeners *listeners = net_listeners_new (stage, settings->listen, settings->mode, &options);
  if (listeners == NULL) {
    return NULL;
  }
  gboolean credited = family == NET_UNIX && settings->tag_peer;
  guint batch = (guint) CLAMP (BATCH_BYTES / settings->datagram_max, 1, BATCH);
  NetDatagrams *datagrams = g_new (NetDatagrams, 1);
  *datagrams = (NetDatagrams){ .stage = stage,
                               .settings = settings,
                               .sockets = sockets,
                               .listeners = listeners,
                               .batch = batch,
                               .room = g_malloc (batch * settings->datagram_max),
                               .headers = g_new0 (struct mmsghdr, batch),
                               .pieces = g_new0 (struct iovec, batch),
                               .senders = g_new0 (struct sockaddr_storage, batch),
                               .credentials = credited ? g_new0 (Credentials, batch) : NULL,
                               .peers = settings->tag_peer ? g_new0 (Peer, PEERS) : NULL,
                               .between = TELL_FIRST };
  for (guint i = 0; i < batch; i++) {
    datagrams->pieces[i] = (struct iovec){ datagrams->room + i * settings->datagram_max, settings->datagram_max };
    datagrams->headers[i].msg_hdr = (struct msghdr){ .msg_name = settings->tag_peer ? &datagrams->senders[i] : NULL,
                                                     .msg_iov = &datagrams->pieces[i],
                                                     .msg_iovlen = 1 };
  }
  return datagrams;
}

/* Receiving writes over these. */
static void
prepare (NetDatagrams *datagrams, guint count)
{
  for (guint i = 0; i < count; i++) {
    struct msghdr *header = &datagrams->headers[i].msg_hdr;
    header->msg_namelen = sizeof (struct sockaddr_storage);
    header->msg_control = datagrams->credentials != NULL ? &datagrams->credentials[i] : NULL;
    header->msg_controllen = datagrams->credentials != NULL ? sizeof (Credentials) : 0;
  }
}

/* The system has a limit of its own, and tells nobody. */
static void
look_at_buffer (const NetDatagrams *datagrams, const NetListening *listening)
{
  guint64 wanted = datagrams->sockets->receive_buffer;
  int given = 0;
  socklen_t size = sizeof (given);
  /* The kernel doubles what it is asked for, to have room for its own data. */
  if (wanted > 0 && getsockopt (listening->fd, SOL_SOCKET, SO_RCVBUF, &given, &size) == 0 &&
      (guint64) given / 2 < wanted) {
    weir_stage_log (datagrams->stage, G_LOG_LEVEL_WARNING,
                    "receive_buffer: the kernel gives %d bytes of %" G_GUINT64_FORMAT
                    "; its limit is net.core.rmem_max",
                    given / 2, wanted);
  }
}

/* FALSE: the stage has failed. */
static gboolean
join (const NetDatagrams *datagrams, const NetListening *listening, const char *group)
{
  struct group_req request = { .gr_interface = 0 };
  const char *interface = datagrams->settings->interface;
  if (interface != NULL && (request.gr_interface = if_nametoindex (interface)) == 0) {
    weir_stage_fail_errno (datagrams->stage, "interface: cannot find \"%s\"", interface);
    return FALSE;
  }
  (void) parse_group (group, &request.gr_group);
  int level = request.gr_group.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (setsockopt (listening->fd, level, MCAST_JOIN_GROUP, &request, sizeof (request)) < 0) {
    weir_stage_fail_errno (datagrams->stage, "cannot join %s at %s", group, listening->text);
    return FALSE;
  }
  return TRUE;
}

static guint32
read_drops (int fd)
{
  guint32 info[SK_MEMINFO_VARS] = { 0 };
  socklen_t size = sizeof (info);
  return getsockopt (fd, SOL_SOCKET, SO_MEMINFO, info, &size) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

static void
opened (gpointer owner)
{
  NetDatagrams *datagrams = owner;
  guint sockets = net_listeners_count (datagrams->listeners);
  datagrams->drops = g_new0 (guint32, sockets);
  for (guint i = 0; i < sockets; i++) {
    const NetListening *listening = net_listeners_get (datagrams->listeners, i);
    look_at_buffer (datagrams, listening);
    int yes = datagrams->credentials != NULL;
    if (yes) {
      (void) setsockopt (listening->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof (yes));
    }
    /* A socket that we were given has had a life before. */
    datagrams->drops[i] = listening->inherited ? read_drops (listening->fd) : 0;
    const char *const *group = datagrams->settings->group;
    for (guint j = 0; group != NULL && group[j] != NULL; j++) {
      if (!join (datagrams, listening, group[j])) {
        return;
      }
    }
  }
}

WeirNext
net_datagrams_start (NetDatagrams *datagrams)
{
  return net_listeners_start (datagrams->listeners, opened, datagrams);
}

/* ---- what the kernel has dropped ---- */

static void
tell_drops (NetDatagrams *datagrams, gboolean last)
{
  gint64 now = weir_stage_now (datagrams->stage);
  if (datagrams->untold == 0 || (!last && now < datagrams->tell)) {
    return;
  }
  weir_stage_log (datagrams->stage, G_LOG_LEVEL_WARNING,
                  "the kernel has dropped %" G_GUINT64_FORMAT "%s datagrams, as its buffer was full (receive_buffer)",
                  datagrams->untold, datagrams->tell == 0 ? "" : " more");
  datagrams->untold = 0;
  datagrams->tell = now + datagrams->between;
  datagrams->between = MIN (datagrams->between * 2, TELL_LAST);
}

static void
look_at_drops (NetDatagrams *datagrams, guint index)
{
  guint32 drops = read_drops (net_listeners_get (datagrams->listeners, index)->fd);
  guint32 more = drops - datagrams->drops[index]; /* it goes round at 2^32 */
  if (G_UNLIKELY (more > 0)) {
    datagrams->drops[index] = drops;
    datagrams->untold += more;
    count (datagrams, NET_KERNEL_DROPS, more);
    tell_drops (datagrams, FALSE);
  }
}

/* ---- receiving ---- */

static guint
hash_peer (const struct sockaddr_storage *address, socklen_t size, pid_t pid)
{
  const guint8 *bytes = (gconstpointer) address;
  guint hash = 2166136261u ^ (guint) pid;
  for (socklen_t i = 0; i < size; i++) {
    hash = (hash ^ bytes[i]) * 16777619u;
  }
  return hash;
}

/* 0: not known. */
static pid_t
pid_of (struct msghdr *header)
{
  const struct cmsghdr *control = CMSG_FIRSTHDR (header);
  struct ucred credentials;
  if (control == NULL || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_CREDENTIALS) {
    return 0;
  }
  memcpy (&credentials, CMSG_DATA (control), sizeof (credentials));
  return credentials.pid;
}

/* NULL: nobody knows. */
static const WeirTags *
tags_of (NetDatagrams *datagrams, struct msghdr *header)
{
  const struct sockaddr_storage *address = header->msg_name;
  gboolean named = header->msg_namelen > sizeof (sa_family_t);
  socklen_t size = named ? header->msg_namelen : 0;
  pid_t pid = named ? 0 : pid_of (header);
  if (!named && pid == 0) {
    return NULL;
  }
  Peer *peer = &datagrams->peers[hash_peer (address, size, pid) % PEERS];
  if (peer->tags == NULL || peer->size != size || peer->pid != pid || memcmp (&peer->address, address, size) != 0) {
    char text[NET_TEXT_SIZE];
    if (named) {
      net_address_describe ((const struct sockaddr *) address, size, text);
    } else {
      g_snprintf (text, sizeof (text), "pid %d", (int) pid);
    }
    g_clear_pointer (&peer->tags, weir_tags_unref);
    peer->tags = weir_tags_with (NULL, "peer", text);
    memcpy (&peer->address, address, size);
    peer->size = size;
    peer->pid = pid;
  }
  return peer->tags;
}

/* FALSE: stop here for now. */
static gboolean
emit_one (NetDatagrams *datagrams, const struct mmsghdr *message)
{
  WeirStage *stage = datagrams->stage;
  const guint8 *data = message->msg_hdr.msg_iov->iov_base;
  if (G_LIKELY ((message->msg_hdr.msg_flags & MSG_TRUNC) == 0)) {
    return weir_emit_copy (stage, data, message->msg_len);
  }
  g_autofree char *reason = g_strdup_printf ("a datagram of more than %" G_GUINT64_FORMAT
                                             " bytes (datagram_max) was cut off",
                                             datagrams->settings->datagram_max);
  count (datagrams, NET_TOO_LONG, 1);
  weir_stage_set_rejected (stage, reason);
  gboolean go_on = weir_emit_copy (stage, data, message->msg_len);
  weir_stage_set_rejected (stage, NULL);
  return go_on;
}

static void
emit_batch (NetDatagrams *datagrams)
{
  const WeirTags *tags = NULL;
  gboolean go_on = TRUE;
  while (go_on && datagrams->emitted < datagrams->received) {
    guint index = datagrams->emitted++;
    struct mmsghdr *message = &datagrams->headers[index];
    if (datagrams->peers != NULL) {
      const WeirTags *of_peer = tags_of (datagrams, &message->msg_hdr);
      if (of_peer != tags) {
        weir_stage_set_tags (datagrams->stage, of_peer);
        tags = of_peer;
      }
    }
    go_on = emit_one (datagrams, message);
  }
}

/* FALSE: none was there. */
static gboolean
receive (NetDatagrams *datagrams, guint index)
{
  const NetListening *listening = net_listeners_get (datagrams->listeners, index);
  guint wanted = (guint) CLAMP (weir_stage_room (datagrams->stage), 1, datagrams->batch);
  prepare (datagrams, wanted);
  int got = recvmmsg (listening->fd, datagrams->headers, wanted, MSG_DONTWAIT, NULL);
  if (got < 0 && errno != EAGAIN && errno != EINTR && errno != ENOMEM && errno != ENOBUFS) {
    weir_stage_fail_errno (datagrams->stage, "cannot receive at %s", listening->text);
  }
  datagrams->received = (guint) MAX (got, 0);
  datagrams->emitted = 0;
  look_at_drops (datagrams, index);
  return got > 0;
}

WeirNext
net_datagrams_produce (NetDatagrams *datagrams)
{
  guint sockets = net_listeners_count (datagrams->listeners);
  gboolean some = datagrams->emitted < datagrams->received;
  for (guint i = 0; i < sockets && !some; i++) {
    some = receive (datagrams, datagrams->next);
    datagrams->next = datagrams->next + 1 == sockets ? 0 : datagrams->next + 1;
  }
  if (some) {
    emit_batch (datagrams);
    return WEIR_MORE;
  }
  for (guint i = 0; i < sockets; i++) {
    weir_stage_wait_fd (datagrams->stage, net_listeners_get (datagrams->listeners, i)->fd, G_IO_IN);
  }
  return WEIR_WAIT;
}

/* ---- the end ---- */

void
net_datagrams_free (NetDatagrams *datagrams)
{
  for (guint i = 0; datagrams->drops != NULL && i < net_listeners_count (datagrams->listeners); i++) {
    look_at_drops (datagrams, i);
  }
  tell_drops (datagrams, TRUE);
  if (datagrams->emitted < datagrams->received) {
    count (datagrams, NET_LEFT, datagrams->received - datagrams->emitted);
  }
  net_listeners_free (datagrams->listeners);
  for (guint i = 0; datagrams->peers != NULL && i < PEERS; i++) {
    g_clear_pointer (&datagrams->peers[i].tags, weir_tags_unref);
  }
  g_free (datagrams->peers);
  g_free (datagrams->senders);
  g_free (datagrams->credentials);
  g_free (datagrams->pieces);
  g_free (datagrams->headers);
  g_free (datagrams->room);
  g_free (datagrams->drops);
  g_free (datagrams);
}
