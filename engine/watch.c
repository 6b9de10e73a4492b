/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c: one epoll set a worker (see watch.h).
 * Runs on the worker. A watch is one-shot and stays in the set unarmed, so that the next wait on the same descriptor is one
 * system call; it is freed by forget, which comes before the descriptor is closed, or with its owner. */
#include "watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 64

typedef struct {
  WeirWatchWake wake;
  gpointer owner; /* NULL: nobody */
  WeirHalf half;
  guint32 events; /* armed; 0: none */
} Wait;

typedef struct {
  int fd;
  Wait waits[2];
} Watch;

struct _WeirWatches {
  int epoll;
  GSource *source;
  GHashTable *by_fd; /* fd -> Watch */
};

typedef struct {
  GSource source;
  WeirWatches *watches;
} Source;

static gboolean
arm (WeirWatches *watches, const Watch *watch)
{
  struct epoll_event event = { .events = watch->waits[0].events | watch->waits[1].events | EPOLLONESHOT,
                               .data.fd = watch->fd };
  return epoll_ctl (watches->epoll, EPOLL_CTL_MOD, watch->fd, &event) == 0 ||
         (errno == ENOENT && epoll_ctl (watches->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0);
}

/* What is woken may forget the watch. */
static void
fire (WeirWatches *watches, Watch *watch, guint32 events)
{
  Wait fired[2] = { { .events = 0 }, { .events = 0 } };
  for (guint i = 0; i < 2; i++) {
    Wait *wait = &watch->waits[i];
    if (wait->events != 0 && (events & (wait->events | EPOLLERR | EPOLLHUP)) != 0) {
      fired[i] = *wait;
      wait->events = 0;
    }
  }
  /* The descriptor is unarmed for both; the other one goes on waiting. */
  if ((watch->waits[0].events | watch->waits[1].events) != 0) {
    arm (watches, watch);
  }
  for (guint i = 0; i < 2; i++) {
    if (fired[i].events != 0) {
      fired[i].wake (fired[i].owner, WEIR_HALF_BIT (fired[i].half));
    }
  }
}

static gboolean
dispatch (GSource *source, G_GNUC_UNUSED GSourceFunc callback, G_GNUC_UNUSED gpointer data)
{
  WeirWatches *watches = ((Source *) source)->watches;
  struct epoll_event events[EVENTS];
  int count = epoll_wait (watches->epoll, events, EVENTS, 0);
  for (int i = 0; i < count; i++) {
    Watch *watch = g_hash_table_lookup (watches->by_fd, GINT_TO_POINTER (events[i].data.fd));
    if (watch != NULL) {
      fire (watches, watch, events[i].events);
    }
  }
  return G_SOURCE_CONTINUE;
}

WeirWatches *
weir_watches_new (GMainContext *context, GError **error)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  int epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll < 0) {
    g_set_error (error, G_UNIX_ERROR, 0, "cannot make an epoll set: %s", g_strerror (errno));
    return NULL;
  }
  WeirWatches *watches = g_new (WeirWatches, 1);
  watches->epoll = epoll;
  watches->by_fd = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  watches->source = g_source_new (&funcs, sizeof (Source));
  ((Source *) watches->source)->watches = watches;
  g_source_set_static_name (watches->source, "weir watches");
  /* Nobody iterates the context inside, and GLib has no need to block the source, which costs two writes to its eventfd. */
  g_source_set_can_recurse (watches->source, TRUE);
  g_source_add_unix_fd (watches->source, epoll, G_IO_IN);
  g_source_attach (watches->source, context);
  return watches;
}

void
weir_watches_free (WeirWatches *watches)
{
  g_source_destroy (watches->source);
  g_source_unref (watches->source);
  g_hash_table_unref (watches->by_fd);
  close (watches->epoll);
  g_free (watches);
}

/* Its own place, else a free one; a third party takes that of one that looks again instead of waiting. */
static Wait *
find_wait (Watch *watch, WeirHalf half, gpointer owner)
{
  for (guint i = 0; i < 2; i++) {
    if (watch->waits[i].owner == owner && watch->waits[i].half == half) {
      return &watch->waits[i];
    }
  }
  Wait *wait = &watch->waits[watch->waits[0].events != 0 && watch->waits[1].events == 0 ? 1 : 0];
  if (wait->events != 0) {
    wait->wake (wait->owner, WEIR_HALF_BIT (wait->half));
  }
  *wait = (Wait){ .owner = owner, .half = half };
  return wait;
}

void
weir_watches_add (WeirWatches *watches, int fd, GIOCondition condition, WeirHalf half, WeirWatchWake wake,
                  gpointer owner)
{
  Watch *watch = g_hash_table_lookup (watches->by_fd, GINT_TO_POINTER (fd));
  if (watch == NULL) {
    watch = g_new0 (Watch, 1);
    watch->fd = fd;
    g_hash_table_insert (watches->by_fd, GINT_TO_POINTER (fd), watch);
  }
  Wait *wait = find_wait (watch, half, owner);
  wait->wake = wake;
  wait->events |= ((condition & G_IO_IN) != 0 ? EPOLLIN | EPOLLRDHUP : 0u) |
                  ((condition & G_IO_OUT) != 0 ? EPOLLOUT : 0u);
  /* Said again even where it is armed: the descriptor may have been closed, and its number be another's by now. */
  if (arm (watches, watch)) {
    return;
  }
  /* A regular file is always ready; for a bad descriptor the next system call on it says what is wrong. */
  wait->events = 0;
  wake (owner, WEIR_HALF_BIT (half));
}

void
weir_watches_forget (WeirWatches *watches, int fd)
{
  if (g_hash_table_remove (watches->by_fd, GINT_TO_POINTER (fd))) {
    epoll_ctl (watches->epoll, EPOLL_CTL_DEL, fd, NULL);
  }
}

/* TRUE: nobody is left. */
static gboolean
forget_waits (Watch *watch, gpointer owner)
{
  for (guint i = 0; i < 2; i++) {
    if (watch->waits[i].owner == owner) {
      watch->waits[i] = (Wait){ .owner = NULL };
    }
  }
  return watch->waits[0].owner == NULL && watch->waits[1].owner == NULL;
}

void
weir_watches_forget_wait (WeirWatches *watches, int fd, gpointer owner)
{
  Watch *watch = g_hash_table_lookup (watches->by_fd, GINT_TO_POINTER (fd));
  if (watch != NULL && forget_waits (watch, owner)) {
    weir_watches_forget (watches, fd);
  }
}

void
weir_watches_forget_owner (WeirWatches *watches, gpointer owner)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, watches->by_fd);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Watch *watch = value;
    if (forget_waits (watch, owner)) {
      epoll_ctl (watches->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
      g_hash_table_iter_remove (&iter);
    }
  }
}
