/* SPDX-License-Identifier: Apache-2.0 */
/* connection.c: one byte stream to one peer (see connection.h, which has what is done for each chunk of a plain one).
 * Runs on the worker of the stages that hold it; the last reference goes on any thread. */
#include "connection.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

NetConnection *
net_connection_new (int fd, const char *peer)
{
  gsize size = strlen (peer) + 1;
  NetConnection *connection = g_malloc (sizeof (NetConnection) + size);
  *connection = (NetConnection){ .fd = fd };
  memcpy (connection->peer, peer, size);
  return connection;
}

void
net_connection_set_layer (NetConnection *connection, const NetLayerFuncs *funcs, gpointer layer)
{
  connection->funcs = funcs;
  connection->layer = layer;
}

static void
free_layer (NetConnection *connection)
{
  if (connection->funcs != NULL) {
    connection->funcs->free (connection->layer);
    connection->funcs = NULL;
  }
}

void
net_connection_free (NetConnection *connection)
{
  free_layer (connection);
  if (connection->fd >= 0) {
    close (connection->fd);
  }
  g_free (connection);
}

void
net_connection_close (NetConnection *connection, WeirStage *stage)
{
  free_layer (connection); /* it knows the descriptor */
  weir_stage_close_fd (stage, connection->fd);
  connection->fd = -1;
  net_connection_free (connection);
}

void
net_set_error (GError **error, int number)
{
  g_set_error_literal (error, G_IO_ERROR, (gint) g_io_error_from_errno (number), g_strerror (number));
}

NetResult
net_connection_read_on (NetConnection *connection, gpointer buffer, gsize size, gsize *got, GIOCondition *wait,
                        GError **error)
{
  if (connection->funcs != NULL) {
    return connection->funcs->read (connection->layer, buffer, size, got, wait, error);
  }
  ssize_t count;
  do {
    count = read (connection->fd, buffer, size);
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    *got = (gsize) count;
    return NET_OK;
  }
  if (count < 0 && errno == EAGAIN) {
    *wait = G_IO_IN;
    return NET_AGAIN;
  }
  if (count < 0) {
    net_set_error (error, errno);
  }
  return count == 0 ? NET_END : NET_FAILED;
}

NetResult
net_connection_discard (NetConnection *connection, GError **error)
{
  guint8 thrown_away[4096];
  gsize got;
  GIOCondition wait;
  for (guint i = 0; i < 16; i++) {
    NetResult result = net_connection_read (connection, thrown_away, sizeof (thrown_away), &got, &wait, error);
    if (result != NET_OK) {
      return result;
    }
  }
  return NET_AGAIN;
}

/* ---- through a layer ---- */

NetResult
net_connection_write_layer (NetConnection *connection, WeirWriter *writer, const WeirRecord *records, gsize count,
                            GIOCondition *wait, GError **error)
{
  for (;;) {
    guint8 gathered[16384]; /* a TLS record's worth */
    gsize size = weir_writer_copy (writer, records, count, gathered, sizeof (gathered)), out = 0;
    if (size == 0) {
      NetResult result = connection->funcs->flush (connection->layer, wait, error);
      if (result == NET_OK) {
        weir_writer_done (writer, records, count);
      }
      return result;
    }
    while (out < size) {
      gsize taken = 0;
      NetResult result = connection->funcs->write (connection->layer, gathered + out, size - out, &taken, wait, error);
      if (result != NET_OK) {
        return result;
      }
      out += taken;
      writer->progress += taken;
    }
  }
}

NetResult
net_connection_flush (NetConnection *connection, GIOCondition *wait, GError **error)
{
  return connection->funcs != NULL ? connection->funcs->flush (connection->layer, wait, error) : NET_OK;
}

const char *
net_connection_subject (const NetConnection *connection)
{
  return connection->funcs != NULL ? connection->funcs->subject (connection->layer) : NULL;
}

NetResult
net_connection_shutdown (NetConnection *connection, GIOCondition *wait, GError **error)
{
  if (connection->funcs != NULL) {
    return connection->funcs->shutdown (connection->layer, wait, error);
  }
  if (shutdown (connection->fd, SHUT_WR) == 0 || errno == ENOTCONN) {
    return NET_OK;
  }
  net_set_error (error, errno);
  return NET_FAILED;
}
