/* SPDX-License-Identifier: Apache-2.0 */
/* net.c: one run of one network case against one peer, for measure --figures: net CASE OPTION... COMMAND. The figures come as one
 * line of name=number; whatever is wrong with what came through the peer ends the program with a message instead. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void
print_speed (double units, const char *unit, double seconds, const BenchUsage *used)
{
  printf ("%s/s=%.6f CPU_s_a_%s=%.6f seconds=%.3f peak_MiB=%.1f\n", unit, units / seconds, unit,
          used->cpu_seconds / units, seconds, used->peak_mib);
}

void
net_case_proxy (const NetOptions *options)
{
  NetPeer peer = net_peer_start (options->command, TRUE);
  guint count = (guint) options->connections;
  guint64 total = (guint64) options->mib * 1024 * 1024;
  NetLoad load = { .count = count, .bytes = total / count / NET_LINE * NET_LINE, .backwards = options->backwards };
  /* The warm-up looks at every byte and at the ends; then the stamps have to do. */
  NetLoad warm_up = {
    .count = count, .bytes = total / 16 / count / NET_LINE * NET_LINE, .full = TRUE, .backwards = options->backwards
  };
  BenchUsage used;
  net_streams_run (&peer, &warm_up, &used);
  double seconds = net_streams_run (&peer, &load, &used);
  print_speed ((double) (load.bytes * count) / (1024.0 * 1024 * 1024), "GiB", seconds, &used);
  net_peer_stop (&peer);
}

void
net_case_serve (const NetOptions *options)
{
  NetPeer peer = net_peer_start (options->command, FALSE);
  guint count = (guint) options->connections;
  guint64 each = (guint64) options->integers * 1000000 / count;
  BenchUsage used;
  net_integers_run (&peer, count, each / 16, TRUE, &used);
  double seconds = net_integers_run (&peer, count, each, FALSE, &used);
  print_speed ((double) (each * count) / 1e6, "M", seconds, &used);
  net_peer_stop (&peer);
}

int
main (int argc, char **argv)
{
  NetOptions options = { .connections = 1,
                         .mib = 1024,
                         .integers = 10,
                         .seconds = 20,
                         .idle = 1000,
                         .source_rate = 200000000,
                         .taker_rate = 1000000 };
  const GOptionEntry entries[] = {
    { "connections", 0, 0, G_OPTION_ARG_INT, &options.connections, "busy connections", "N" },
    { "mib", 0, 0, G_OPTION_ARG_INT, &options.mib, "what a proxy moves, in all", "N" },
    { "integers", 0, 0, G_OPTION_ARG_INT, &options.integers, "what a server sends, in all", "MILLIONS" },
    { "backwards", 0, 0, G_OPTION_ARG_NONE, &options.backwards, "from upstream to the clients", NULL },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &options.seconds, "how long the slow taker is slow", "N" },
    { "source-rate", 0, 0, G_OPTION_ARG_INT64, &options.source_rate, "bytes a second", "N" },
    { "taker-rate", 0, 0, G_OPTION_ARG_INT64, &options.taker_rate, "bytes a second", "N" },
    { "idle", 0, 0, G_OPTION_ARG_INT, &options.idle, "idle connections", "N" },
    { "proxy", 0, 0, G_OPTION_ARG_NONE, &options.proxy, "the idle ones lead through a proxy", NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  const struct {
    const char *name;
    void (*run) (const NetOptions *options);
  } cases[] = {
    { "proxy", net_case_proxy },
    { "serve", net_case_serve },
    { "slow", net_case_slow },
    { "idle", net_case_idle },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("proxy|serve|slow|idle COMMAND");
  g_option_context_add_main_entries (context, entries, NULL);
  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    bench_fail ("%s", error->message);
  }
  if (argc != 3 || options.connections < 1 || options.idle < 1) {
    bench_fail ("usage: net proxy|serve|slow|idle [OPTION...] COMMAND");
  }
  struct rlimit files;
  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
  options.command = argv[2];
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    if (strcmp (cases[i].name, argv[1]) == 0) {
      cases[i].run (&options);
      return 0;
    }
  }
  bench_fail ("there is no case \"%s\"", argv[1]);
}
