/* SPDX-License-Identifier: Apache-2.0 */
/* net-loop.c: the yardstick for a proxy: from $LISTEN to $UPSTREAM by blocking read(2) and write(2), 64 KiB at a time, two threads a
 * connection, one each way. Half-closes are passed on. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 65536, STACK = 64 * 1024 + BLOCK };

typedef struct {
  int ends[2];
  atomic_int users;
} Connection;

typedef struct {
  Connection *connection;
  int from, to;
} Way;

static void *
move (void *data)
{
  Way way = *(Way *) data;
  free (data);
  char block[BLOCK];
  for (ssize_t got; (got = read (way.from, block, sizeof block)) > 0;) {
    for (ssize_t out = 0; out < got;) {
      ssize_t written = write (way.to, block + out, (size_t) (got - out));
      if (written < 0) {
        got = 0;
        shutdown (way.from, SHUT_RD);
        break;
      }
      out += written;
    }
  }
  shutdown (way.to, SHUT_WR);
  if (atomic_fetch_sub (&way.connection->users, 1) == 1) {
    close (way.connection->ends[0]);
    close (way.connection->ends[1]);
    free (way.connection);
  }
  return NULL;
}

static int
start (Connection *connection, int from, const pthread_attr_t *small)
{
  Way *way = malloc (sizeof *way);
  if (way == NULL) {
    return -1;
  }
  *way = (Way){ .connection = connection, .from = connection->ends[from], .to = connection->ends[1 - from] };
  pthread_t thread;
  return pthread_create (&thread, small, move, way);
}

static struct sockaddr_in
loopback (const char *variable)
{
  const char *port = getenv (variable);
  return (struct sockaddr_in){ .sin_family = AF_INET,
                               .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                               .sin_port = htons ((uint16_t) atoi (port != NULL ? port : "0")) };
}

_Noreturn static void
fail (void)
{
  perror ("net-loop");
  exit (1);
}

int
main (void)
{
  signal (SIGPIPE, SIG_IGN);
  struct sockaddr_in here = loopback ("LISTEN"), there = loopback ("UPSTREAM");
  int listener = socket (AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt (listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  pthread_attr_t small;
  pthread_attr_init (&small);
  pthread_attr_setstacksize (&small, STACK);
  pthread_attr_setdetachstate (&small, PTHREAD_CREATE_DETACHED);
  if (bind (listener, (struct sockaddr *) &here, sizeof here) != 0 || listen (listener, 4096) != 0) {
    fail ();
  }
  for (;;) {
    Connection *connection = calloc (1, sizeof *connection);
    int client = accept (listener, NULL, NULL), upstream = socket (AF_INET, SOCK_STREAM, 0);
    if (connection == NULL || client < 0 || upstream < 0 ||
        connect (upstream, (struct sockaddr *) &there, sizeof there) != 0) {
      fail ();
    }
    connection->ends[0] = client;
    connection->ends[1] = upstream;
    atomic_store (&connection->users, 2);
    if (start (connection, 0, &small) != 0 || start (connection, 1, &small) != 0) {
      fail ();
    }
  }
}
