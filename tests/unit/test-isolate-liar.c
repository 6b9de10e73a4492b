/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a child process that accepts connections and hands over something else than it should: this program, started again, is that
 * child, and lies. What it takes down with it is its own connection, and nothing of it stays open here. */
#include "isolate/control.h"
#include "isolate/frame.h"
#include "isolate/isolate.h"
#include "isolate/plan.h"
#include "isolate/wire.h"
#include "pipeline.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the child ---- */

static int
make_page (gsize size, int seals)
{
  int fd = memfd_create ("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd >= 0 && ftruncate (fd, (off_t) size) == 0 && fcntl (fd, F_ADD_SEALS, seals) == 0 ? fd : -1;
}

static void
hand_over (const char *peer, int data, int control, int page, gsize count)
{
  int fds[] = { data, control, page };
  if (!weir_control_say_with (WEIR_CONTROL_FD, WEIR_SAY_ACCEPTED, peer, fds, count)) {
    _exit (3);
  }
}

static void
lie (const char *how)
{
  WeirWire near, far;
  WeirShared *shared = weir_wire_new (&near, &far, 0, 0);
  int nothing = open ("/dev/null", O_RDWR | O_CLOEXEC), page = far.page;
  gsize count = 3;
  guint8 bytes[sizeof (WeirFrame)];
  memset (bytes, 0xff, sizeof bytes);
  if (g_str_equal (how, "small")) {
    page = make_page (8, F_SEAL_SHRINK);
  } else if (g_str_equal (how, "loose")) {
    page = make_page (sizeof (WeirShared), 0);
  } else if (g_str_equal (how, "few")) {
    count = 2;
  } else if (g_str_equal (how, "empty")) {
    far.data = nothing;
  } else if (g_str_equal (how, "torn")) {
    bytes[0] = 1;
    (void) !write (near.data, bytes, 7);
  } else if (g_str_equal (how, "garbage")) {
    (void) !write (near.data, bytes, sizeof bytes);
  } else if (g_str_equal (how, "beside")) {
    weir_control_say_with (WEIR_CONTROL_FD, WEIR_SAY_LOG, "nothing", &far.data, 1);
    weir_control_say (WEIR_CONTROL_FD, WEIR_SAY_DELIVERED, "1 0");
    weir_control_say (WEIR_CONTROL_FD, (WeirSaying) '?', "who");
    weir_store_release (&shared->over, 7);
  } else if (g_str_equal (how, "fatal")) {
    weir_control_say (near.control, WEIR_SAY_LOG,
                      "4" WEIR_CONTROL_BETWEEN "liar" WEIR_CONTROL_BETWEEN WEIR_CONTROL_BETWEEN WEIR_CONTROL_BETWEEN
                      "that was it");
  }
  hand_over ("a liar", far.data, far.control, page, count);
  weir_wire_close (&near);
}

static int
be_the_child (const char *how)
{
  static const struct pollfd said = { .fd = WEIR_CONTROL_FD, .events = POLLIN };
  weir_control_say (WEIR_CONTROL_FD, WEIR_SAY_OPENED, NULL);
  for (;;) {
    struct pollfd ready = said;
    g_autofree char *text = NULL;
    poll (&ready, 1, -1);
    switch (weir_control_hear (WEIR_CONTROL_FD, &text)) {
    case WEIR_SAY_START:
      weir_control_say (WEIR_CONTROL_FD, WEIR_SAY_STARTED, NULL);
      weir_control_say (WEIR_CONTROL_FD, WEIR_SAY_READY, NULL);
      lie (how);
      break;
    case WEIR_SAY_STOP:
      weir_store_release (&weir_shared_map (WEIR_SHARED_FD, 0, 0)->over, 1);
      return 0;
    case -1:
      return 1;
    default:
      break;
    }
  }
}

/* ---- what its parent makes of it ---- */

static WeirPipeline *pipeline;
static WeirStage *listener;
static GMutex lock; /* of what is told */
static GString *told;

/* All messages, with numbers taken out; any thread. */
static GLogWriterOutput
note_message (G_GNUC_UNUSED GLogLevelFlags level, const GLogField *fields, gsize count, G_GNUC_UNUSED gpointer data)
{
  g_mutex_lock (&lock);
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE")) {
      g_string_append_printf (told, "%s%s", told->len > 0 ? "; " : "", (const char *) fields[i].value);
    }
  }
  g_mutex_unlock (&lock);
  return G_LOG_WRITER_HANDLED;
}

static gboolean
is_over (G_GNUC_UNUSED gpointer data)
{
  WeirConnections *connections = listener->connections;
  g_mutex_lock (&lock);
  gboolean told_of_none = strstr (told->str, "it is closed") != NULL;
  g_mutex_unlock (&lock);
  if (told_of_none || (weir_connections_accepted (connections) > 0 && weir_connections_alive (connections) == 0)) {
    weir_pipeline_stop (pipeline);
    return G_SOURCE_REMOVE;
  }
  return G_SOURCE_CONTINUE;
}

static WeirNext
take_it (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer state, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_MORE;
}

static guint
count_open (void)
{
  guint count = 0;
  for (int fd = 0; fd < 1024; fd++) {
    count += fcntl (fd, F_GETFD) >= 0 ? 1 : 0;
  }
  return count;
}

/* What is said of a child that does so. */
static char *
hear_of (const char *how)
{
  static const WeirRole real = { .summary = "A liar" };
  static const WeirRole taker = { .summary = "Takes", .consume = take_it };
  static const WeirQueueSettings queue = WEIR_QUEUE_DEFAULTS;
  json_object *options = json_object_new_object ();
  WeirIsolation *isolation = weir_isolation_new (WEIR_PRODUCER, &real, "/nowhere", options);
  told = g_string_new (NULL);
  weir_isolation_listen (isolation, 1, 1);
  pipeline = weir_pipeline_new ("lies");
  weir_pipeline_set_workers (pipeline, 1);
  listener = weir_pipeline_add (pipeline, how, WEIR_PRODUCER, "liar", weir_isolation_role (isolation),
                                weir_isolation_state (isolation), NULL, NULL);
  weir_isolation_adopt (listener);
  WeirConnections *connections = weir_pipeline_listen (pipeline, listener, weir_isolation_state_of (listener), NULL);
  weir_isolation_adopt (weir_connections_first (connections));
  WeirStage *end = weir_pipeline_add_template (pipeline, "end", WEIR_CONSUMER, "taker", &taker, g_malloc0 (1));
  weir_connections_add_stage (connections, end);
  ck_assert_ptr_nonnull (weir_pipeline_link (pipeline, listener, 0, end, &queue, NULL));
  g_timeout_add (5, is_over, NULL);
  char *failure = NULL;
  WeirResult result = weir_pipeline_run (pipeline, &failure);
  ck_assert_msg (result == WEIR_RESULT_STOPPED || result == WEIR_RESULT_DONE, "%s, %s; %s", weir_result_names[result],
                 failure != NULL ? failure : "no failure", told->str);
  weir_pipeline_free (pipeline);
  weir_isolation_free (isolation);
  json_object_put (options);
  g_autoptr (GRegex) number = g_regex_new ("process [0-9]+", 0, 0, NULL);
  char *text = g_regex_replace_literal (number, told->str, -1, 0, "process N", 0, NULL);
  g_string_free (told, TRUE);
  return text;
}

START_TEST (a_child_that_hands_over_something_else_loses_that_connection)
{
  static const struct {
    const char *how, *told;
  } lies[] = {
    { "small", "connection from a liar: cannot share memory with its child process N: Invalid argument" },
    { "loose", "connection from a liar: cannot share memory with its child process N: Invalid argument" },
    { "few", "connection from a liar: it is closed, as 2 of 3 descriptors came from the child process N: "
             "expected a higher limit of open files" },
    { "empty", "connection from a liar: its child process N has gone" },
    { "torn", "connection from a liar: its child process N has gone" },
    { "garbage", "connection from a liar: its child process N has sent a frame of version 255, expected 1" },
    { "beside", "" },
    { "fatal", "that was it; fatal (liar, producer): connection from a liar: its child process N has gone" },
  };
  g_log_set_writer_func (note_message, NULL, NULL);
  g_free (hear_of ("empty")); /* what GLib opens for good */
  guint before = count_open ();
  for (gsize i = 0; i < G_N_ELEMENTS (lies); i++) {
    g_autofree char *text = hear_of (lies[i].how);
    ck_assert_msg (g_str_has_suffix (text, lies[i].told), "%s: %s", lies[i].how, text);
    ck_assert_msg (count_open () == before, "%s leaves descriptors open", lies[i].how);
  }
}
END_TEST

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "isolated")) {
    return be_the_child (argv[2]);
  }
  Suite *suite = suite_create ("isolate-liar");
  TCase *tests = tcase_create ("isolate-liar");
  tcase_add_test (tests, a_child_that_hands_over_something_else_loses_that_connection);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
