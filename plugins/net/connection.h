/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h: one byte stream to one peer, plain or through a layer such as TLS: what every role of `tcp` and `unix` reads and
 * writes. Non-blocking throughout. Runs on the worker of the stages that hold it, which is one; it may be
 * freed on any thread. It has one owner, and the descriptor is its own. */
#pragma once

#include <errno.h>
#include <unistd.h>
#include <weir/weir.h>

typedef enum {
  NET_OK,
  NET_AGAIN, /* nothing can be done now: wait for the condition that was given, on the descriptor of the half at work */
  NET_END,   /* read: the peer has sent all */
  NET_FAILED /* the error says why */
} NetResult;

/* What may lie between the bytes and the socket, once it is ready to take some. It knows the descriptor; the connection still owns
 * that, and closes it after free(). */
typedef struct {
  /* OK: *got > 0. END only where the peer has closed in good order: bytes cut off are a failure. */
  NetResult (*read) (gpointer layer, gpointer buffer, gsize size, gsize *got, GIOCondition *wait, GError **error);
  /* OK: *taken > 0, and they are on their way, which flush() sees to. AGAIN: none was taken. */
  NetResult (*write) (gpointer layer, gconstpointer bytes, gsize size, gsize *taken, GIOCondition *wait,
                      GError **error);
  /* OK: all that was taken is out. */
  NetResult (*flush) (gpointer layer, GIOCondition *wait, GError **error);
  /* Nothing more will be written; reading goes on. */
  NetResult (*shutdown) (gpointer layer, GIOCondition *wait, GError **error);
  const char *(*subject) (gpointer layer); /* whom the peer has proved to be; NULL: nobody */
  void (*free) (gpointer layer);           /* on any thread */
} NetLayerFuncs;

typedef struct {
  int fd;                     /* -1: closed */
  const NetLayerFuncs *funcs; /* NULL: plain */
  gpointer layer;             /* owned */
  gint64 active;              /* something was read or written last, monotonic microseconds; with an idle_timeout */
  gint64 idle_timeout;        /* of both halves, microseconds; 0: none */
  gboolean left;              /* its reader was stopped before the peer had sent all */
  guint replies;              /* that still write to it: the last of them tells the peer that this was all */
  char peer[];                /* "127.0.0.1:5555" */
} NetConnection;

/* Takes the descriptor, which is O_NONBLOCK. */
NetConnection *net_connection_new (int fd, const char *peer);
/* Takes the layer, before anything is read or written. */
void net_connection_set_layer (NetConnection *connection, const NetLayerFuncs *funcs, gpointer layer);
/* Closes the descriptor; what the kernel has taken it still sends. */
void net_connection_free (NetConnection *connection);
/* Likewise, for a stage that waits for it. */
void net_connection_close (NetConnection *connection, WeirStage *stage);

/* An error of errno's: its domain is G_IO_ERROR, its message strerror()'s. */
void net_set_error (GError **error, int number);

/* Where the header's short ways end: layers, EINTR, errors. */
NetResult net_connection_read_on (NetConnection *connection, gpointer buffer, gsize size, gsize *got,
                                  GIOCondition *wait, GError **error);
NetResult net_connection_write_layer (NetConnection *connection, WeirWriter *writer, const WeirRecord *records,
                                      gsize count, GIOCondition *wait, GError **error);

/* What lies there, up to size bytes: OK and *got > 0, or END, AGAIN or FAILED. */
static inline NetResult
net_connection_read (NetConnection *connection, gpointer buffer, gsize size, gsize *got, GIOCondition *wait,
                     GError **error)
{
  if (G_LIKELY (connection->funcs == NULL)) {
    ssize_t count = read (connection->fd, buffer, size);
    if (G_LIKELY (count > 0)) {
      *got = (gsize) count;
      return NET_OK;
    }
    if (count == 0) {
      return NET_END;
    }
    if (errno == EAGAIN) {
      *wait = G_IO_IN;
      return NET_AGAIN;
    }
    /* It is told once. */
    if (errno != EINTR) {
      net_set_error (error, errno);
      return NET_FAILED;
    }
  }
  return net_connection_read_on (connection, buffer, size, got, wait, error);
}

/* As weir_writer_send(): OK is all of the run; else the writer knows how far it came. */
static inline NetResult
net_connection_write (NetConnection *connection, WeirWriter *writer, const WeirRecord *records, gsize count,
                      gboolean more, GIOCondition *wait, GError **error)
{
  if (G_UNLIKELY (connection->funcs != NULL)) {
    return net_connection_write_layer (connection, writer, records, count, wait, error);
  }
  if (G_LIKELY (weir_writer_send (writer, connection->fd, records, count, more))) {
    return NET_OK;
  }
  if (errno == EAGAIN) {
    *wait = G_IO_OUT;
    return NET_AGAIN;
  }
  net_set_error (error, errno);
  return NET_FAILED;
}

/* OK once all that was written is out, as far as it is up to us. */
NetResult net_connection_flush (NetConnection *connection, GIOCondition *wait, GError **error);
/* Whom the peer has proved to be, borrowed; NULL: nobody. */
const char *net_connection_subject (const NetConnection *connection);

/* Throws away what has come, up to 64 KiB. AGAIN: the peer is there. END or FAILED: it is not. */
NetResult net_connection_discard (NetConnection *connection, GError **error);

/* The peer is to know that nothing more comes (half-close); reading goes on. OK, AGAIN or FAILED. */
NetResult net_connection_shutdown (NetConnection *connection, GIOCondition *wait, GError **error);
