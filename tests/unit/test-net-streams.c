/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins/tcp.c and unix.c write of several streams, in the real program: no line is mixed of two. The test is the peers who
 * speak, and who hears it. Where delimiters go is tested in test-writer.c; here, that each way of writing keeps to it. */
#include "net-servers.h"

#define CONSUMER "'consumers': {'out': {'plugin': 'tcp', 'from': 'in', "
#define TRANSFORM \
  "'consumers': {'end': {'plugin': 'null', 'from': 'out'}}," \
  "'transforms': {'out': {'plugin': 'tcp', 'from': 'in', "

static const struct {
  const char *stage, *options;
  gboolean connects; /* else it listens */
} ways[] = { { CONSUMER, "", TRUE },
             { CONSUMER, "", FALSE },
             { CONSUMER, ", 'when_full': 'drop_newest'", FALSE },
             { TRANSFORM, "", TRUE } };

static void
run_way (gsize way, guint16 at)
{
  const char *option = ways[way].connects ? "connect" : "listen";
  RUNF ("{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'}}, %s '%s': '127.0.0.1:%u'%s}}}",
        ways[way].stage, option, ways[way].connects ? at : 0, ways[way].options);
}

START_TEST (peers_in_turn_never_share_a_line)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  run_way ((gsize) _i, at);
  int one = connect_to (port_of ("in")), two = connect_to (port_of ("in"));
  int out = ways[_i].connects ? take_one (server) : connect_to (port_of ("out"));
  say (one, "half a ");
  expect_heard (out, "half a ");
  say (two, "whole\n");
  expect_heard (out, "\nwhole\n");
  say (one, "line\nlast");
  expect_heard (out, "line\nlast");
  close (one);
  say (two, "first");
  expect_heard (out, "\nfirst");
  say (two, " of two\n");
  expect_heard (out, " of two\n");
  close (two);
  kill (bed.pid, SIGTERM);
  expect_end (out);
  close (out);
  EXPECT_STATUS (0, finish ());
  close (server);
}
END_TEST

/* Nothing is before the first line that it hears, whatever the one before it heard last. */
START_TEST (a_new_connection_begins_anew)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  run_way (0, at);
  int one = connect_to (port (0)), two = connect_to (port (0)), out = take_one (server);
  say (one, "half a line");
  expect_heard (out, "half a line");
  reset (out);
  await_said ("connecting again\n");
  say (two, "whole\n");
  out = take_one (server);
  expect_heard (out, "whole\n");
  close (one);
  close (two);
  kill (bed.pid, SIGTERM);
  expect_end (out);
  close (out);
  EXPECT_STATUS (0, finish ());
  close (server);
}
END_TEST

int
main (void)
{
  const Case cases[] = { a_new_connection_begins_anew };
  const Looped loops[] = { { peers_in_turn_never_share_a_line, G_N_ELEMENTS (ways) } };
  return run_cases ("net-streams", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
