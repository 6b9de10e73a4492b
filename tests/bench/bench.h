/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h: what the programs of the bench share: a command is run in a process group of its own, so that whatever it starts can be
 * measured and ended with it, and a port is one that the kernel has given. */
#pragma once

#include <glib.h>
#include <sys/types.h>

enum { BENCH_PATIENCE_SECONDS = 60 };

/* The signals at which a bench program ends what it runs, and itself. */
extern const int bench_ends[4];

typedef struct {
  double cpu_seconds;    /* of all processes of the group that live, and those that they have waited for */
  double peak_mib;       /* the sum of their peaks of resident memory */
  gint64 resident_bytes; /* now */
  guint descriptors;     /* open now */
  guint processes;
} BenchUsage;

/* Runs COMMAND by sh -c in a process group of its own, whose id is returned; standard output is OUT, when OUT is none of -1. The
 * group is sent SIGTERM when the caller's thread ends. */
pid_t bench_start (const char *command, int out);

/* Ends the group: SIGTERM, and SIGKILL after some seconds. Reaps its leader. May be called from a signal's handler. */
void bench_stop (pid_t group);

/* Whether the group's leader has ended; it stays a zombie, for its usage to be taken. */
gboolean bench_has_ended (pid_t leader);

/* What the group has used until now. */
BenchUsage bench_usage (pid_t group);

/* A port of 127.0.0.1 that nobody has. */
guint16 bench_free_port (void);

/* Waits until somebody listens on PORT; ends the program when GROUP's leader has died or BENCH_PATIENCE_SECONDS are over. Does not
 * connect: a peer that takes one connection only would be done by it. */
void bench_await_listener (pid_t group, guint16 port);

/* Ends the program after a message on standard error. */
void bench_fail (const char *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;
