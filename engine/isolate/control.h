/* SPDX-License-Identifier: Apache-2.0 */
/* control.h: what a stage that is isolated and its child process say to each other beside records: short messages over a socket pair
 * of its own, SOCK_SEQPACKET, so that each is whole and any thread may send one. A message is the version, its type, and a text. The
 * child's last words after a fatal signal are such a message too: its head is plain text. */
#pragma once

#include <glib.h>

#define WEIR_CONTROL_VERSION "1"
#define WEIR_CONTROL_BETWEEN "\x1f" /* fields of a text; the unit separator of ASCII */
#define WEIR_CONTROL_TEXT 32768     /* bytes of text; what is longer is cut off */
#define WEIR_CONTROL_FDS 192        /* that come with a message, at most; the kernel's limit is 253 */

typedef enum {
  /* To the child. */
  WEIR_SAY_START = 'A',
  WEIR_SAY_STOP = 'P',     /* a producer is to stop */
  WEIR_SAY_DRAIN = 'D',    /* the pipeline stops: what is kept is to be settled */
  WEIR_SAY_SETTLE = 'S',   /* what is kept is waited for */
  WEIR_SAY_UNWANTED = 'K', /* nobody takes its output any more */
  WEIR_SAY_HALT = 'H',     /* the deadline has passed */
  /* Either way. */
  WEIR_SAY_DELIVERED = 'O', /* text: what became of an origin that has crossed, see crossing.h */
  /* From it. */
  WEIR_SAY_OPENED = 'o',
  WEIR_SAY_STARTED = 's',
  WEIR_SAY_READY = 'r',
  WEIR_SAY_FAILED = 'f',   /* text: why */
  WEIR_SAY_CRASHED = 'c',  /* text: where, from the handler of a fatal signal */
  WEIR_SAY_STUCK = 'h',    /* text: the callback that does not return */
  WEIR_SAY_ENOUGH = 'e',   /* the stage wants no more input */
  WEIR_SAY_RELEASED = 'd', /* look at what has been released */
  WEIR_SAY_ACCEPTED = 'n', /* text: a peer; with the wires of its connection (wire.h) */
  WEIR_SAY_LOG =
    'l' /* text: the level's number, the domain, the stage, its plugin (each may be empty), the message; between them
                           * WEIR_CONTROL_BETWEEN */
} WeirSaying;

#define WEIR_SAY_CRASHED_HEAD WEIR_CONTROL_VERSION "c"

/* Waits while the other end's queue is full. FALSE: it is not there any more. Any thread. */
gboolean weir_control_say (int fd, WeirSaying type, const char *text);
/* Likewise, and never waits. FALSE: errno, EAGAIN where it would have to. */
gboolean weir_control_try (int fd, WeirSaying type, const char *text);
/* Likewise, waiting, with descriptors, which stay the caller's. FALSE: errno. */
gboolean weir_control_say_with (int fd, WeirSaying type, const char *text, const int *fds, gsize count);
/* One message: its type, and its text in a new string. 0: there is none now; -1: there is nobody any more, or what came is no message. */
int weir_control_hear (int fd, char **text);
/* Likewise, with the descriptors that have come along: room for WEIR_CONTROL_FDS. They are the caller's, and closed on exec. */
int weir_control_hear_with (int fd, char **text, int *fds, gsize *count);
