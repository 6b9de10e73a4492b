/* SPDX-License-Identifier: Apache-2.0 */
/* net-random.c: the yardsticks for serving random integers at $LISTEN, a thread a connection, blocking: net-random snprintf formats each
 * integer, net-random table copies its text, made once. Both by the same generator (xorshift), 64 KiB a write(2). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INTEGERS = 10001, TEXT = 8, BLOCK = 65536 };

static char table[INTEGERS][TEXT];
static unsigned char lengths[INTEGERS];
static int by_table;

static uint32_t
next_integer (uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (uint32_t) ((*state >> 32) * INTEGERS >> 32);
}

static int
write_all (int client, const char *data, size_t length)
{
  while (length > 0) {
    ssize_t written = write (client, data, length);
    if (written < 0) {
      return -1;
    }
    data += written;
    length -= (size_t) written;
  }
  return 0;
}

static int
answer (int client, uint64_t count, uint64_t *state)
{
  char block[BLOCK];
  size_t used = 0;
  for (; count > 0; count--) {
    uint32_t integer = next_integer (state);
    if (by_table) {
      memcpy (block + used, table[integer], TEXT);
      used += lengths[integer];
    } else {
      used += (size_t) snprintf (block + used, TEXT, "%u\r\n", integer);
    }
    if (used > sizeof block - TEXT) {
      if (write_all (client, block, used) != 0) {
        return -1;
      }
      used = 0;
    }
  }
  return write_all (client, block, used);
}

static void *
serve (void *data)
{
  int client = (int) (intptr_t) data;
  uint64_t state = 88172645463325252u + (uint64_t) client;
  char line[64];
  size_t have = 0;
  for (ssize_t got; have < sizeof line && (got = read (client, line + have, sizeof line - have)) > 0;) {
    have += (size_t) got;
    for (char *end; (end = memchr (line, '\n', have)) != NULL;) {
      if (answer (client, strtoull (line, NULL, 10), &state) != 0) {
        break;
      }
      size_t length = (size_t) (end - line) + 1;
      memmove (line, line + length, have -= length);
    }
  }
  close (client);
  return NULL;
}

_Noreturn static void
fail (void)
{
  perror ("net-random");
  exit (1);
}

int
main (int argc, char **argv)
{
  by_table = argc == 2 && strcmp (argv[1], "table") == 0;
  if (argc != 2 || (!by_table && strcmp (argv[1], "snprintf") != 0)) {
    fprintf (stderr, "usage: net-random snprintf|table\n");
    return 2;
  }
  for (int i = 0; i < INTEGERS; i++) {
    char text[16];
    lengths[i] = (unsigned char) snprintf (text, sizeof text, "%d\r\n", i);
    memcpy (table[i], text, TEXT);
  }
  signal (SIGPIPE, SIG_IGN);
  const char *port = getenv ("LISTEN");
  struct sockaddr_in here = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                              .sin_port = htons ((uint16_t) atoi (port != NULL ? port : "0")) };
  int listener = socket (AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt (listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind (listener, (struct sockaddr *) &here, sizeof here) != 0 || listen (listener, 4096) != 0) {
    fail ();
  }
  for (;;) {
    int client = accept (listener, NULL, NULL);
    pthread_t thread;
    if (client < 0 || pthread_create (&thread, NULL, serve, (void *) (intptr_t) client) != 0) {
      fail ();
    }
    pthread_detach (thread);
  }
}
