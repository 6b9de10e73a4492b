/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/stdio.c while it is blocked in a call of the system's: in a pipeline, whose workers are threads, as nobody else could go on
 * meanwhile. A pipeline that is stopped then must end. Each case runs in a process of its own. */
#include "options.h"
#include "pipeline.h"
#include "stdio-ends.h"

#include <gmodule.h>
#include <stdlib.h>

static WeirPipeline *pipeline;
static gboolean is_ready, is_over;
static WeirResult result;
static GPtrArray *owned;   /* of the options */
static _Atomic int came;   /* records that the taker has seen */
static gsize feed[2];      /* sizes of what is fed */
static int fed, feed_most; /* of them */

static WeirNext
feed_produce (WeirStage *stage, G_GNUC_UNUSED gpointer state)
{
  if (fed == feed_most) {
    return WEIR_DONE;
  }
  memset (weir_emit_begin (stage, feed[fed]), 'x', feed[fed]);
  weir_emit_end (stage, feed[fed]);
  fed++;
  return WEIR_MORE;
}

static WeirNext
count_consume (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer state, G_GNUC_UNUSED const WeirRecord *record)
{
  atomic_fetch_add (&came, 1);
  g_main_context_wakeup (NULL);
  return WEIR_MORE;
}

static const WeirRole feed_role = { .produce = feed_produce }, count_role = { .consume = count_consume };

static void
on_ready (G_GNUC_UNUSED WeirPipeline *of, G_GNUC_UNUSED gpointer data)
{
  is_ready = TRUE;
}

static void
on_over (G_GNUC_UNUSED WeirPipeline *of, WeirResult what, G_GNUC_UNUSED gpointer data)
{
  is_over = TRUE;
  result = what;
}

static const WeirPlugin *
load_stdio (void)
{
  const char *build = g_getenv ("WEIR_BUILD");
  g_autofree char *file = g_strdup_printf ("%s/plugins/.libs/stdio.so", build != NULL ? build : ".");
  GModule *module = g_module_open (file, G_MODULE_BIND_LOCAL);
  ck_assert_msg (module != NULL, "%s", g_module_error ());
  g_module_make_resident (module);
  gpointer symbol;
  ck_assert (g_module_symbol (module, "weir_plugin", &symbol));
  return symbol;
}

static void
report (const char *key, const char *message, G_GNUC_UNUSED gpointer data)
{
  ck_abort_msg ("%s: %s", key, message);
}

/* A stage with the defaults of its options. */
static WeirStage *
add (const char *name, WeirKind kind, const WeirRole *role)
{
  gpointer state = g_malloc0 (MAX (role->state_size, 1));
  weir_options_check (role, NULL, state, owned, report, NULL);
  GError *error = NULL;
  WeirStage *stage = weir_pipeline_add (pipeline, name, kind, "test", role, state, NULL, &error);
  ck_assert_msg (stage != NULL, "%s", error != NULL ? error->message : "");
  return stage;
}

static void
start (WeirStage *from, WeirStage *to)
{
  static const WeirPipelineEvents events = { .ready = on_ready, .over = on_over };
  WeirQueueSettings settings = WEIR_QUEUE_DEFAULTS;
  ck_assert (weir_pipeline_link (pipeline, from, 0, to, &settings, NULL) != NULL);
  weir_pipeline_set_shutdown (pipeline, 50 * 1000);
  weir_pipeline_start (pipeline, &events, NULL);
}

static void
set_up (void)
{
  signal (SIGPIPE, SIG_IGN);
  pipeline = weir_pipeline_new ("test");
  owned = g_ptr_array_new_with_free_func (g_free);
}

static void
read_input (void)
{
  start (add ("in", WEIR_PRODUCER, load_stdio ()->producer), add ("count", WEIR_CONSUMER, &count_role));
}

static void
write_output (gsize first, gsize second)
{
  feed[0] = first;
  feed[1] = second;
  feed_most = second > 0 ? 2 : 1;
  start (add ("feed", WEIR_PRODUCER, &feed_role), add ("out", WEIR_CONSUMER, load_stdio ()->consumer));
}

static void
await_ready (void)
{
  while (!is_ready) {
    g_main_context_iteration (NULL, TRUE);
  }
}

/* The case's own time limit ends a wait in vain. */
static void
finish (void)
{
  while (!is_over) {
    g_main_context_iteration (NULL, TRUE);
  }
  weir_pipeline_free (pipeline);
  g_ptr_array_unref (owned);
}

START_TEST (blocked_input_is_interrupted_by_a_stop)
{
  use_pipe (STDIN_FILENO);
  send_bytes ("one\n");
  read_input ();
  while (atomic_load (&came) == 0) {
    g_main_context_iteration (NULL, TRUE);
  }
  weir_pipeline_stop (pipeline);
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_STOPPED);
}
END_TEST

START_TEST (slow_reader_gets_everything)
{
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  write_output (200000, 100000);
  await_ready ();
  gsize total = 0;
  char block[1000], last = 0;
  while (total < 300002) {
    ssize_t got = read (other, block, sizeof (block));
    ck_assert_int_gt (got, 0);
    total += (gsize) got;
    last = block[got - 1];
    g_main_context_iteration (NULL, FALSE);
  }
  ck_assert_int_eq (last, '\n');
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_DONE);
}
END_TEST

START_TEST (blocked_output_is_interrupted_at_the_deadline)
{
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  write_output (4000000, 0); /* more than any of them takes at once */
  await_ready ();
  char first;
  ck_assert_int_eq (read (other, &first, 1), 1); /* it is writing */
  weir_pipeline_stop (pipeline);
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_UNDELIVERED);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("stdio-blocked");
  tcase_add_checked_fixture (cases, set_up, NULL);
  tcase_set_timeout (cases, 60);
  tcase_add_test (cases, blocked_input_is_interrupted_by_a_stop);
  tcase_add_loop_test (cases, slow_reader_gets_everything, 0, 2);
  tcase_add_loop_test (cases, blocked_output_is_interrupted_at_the_deadline, 0, 2);
  Suite *suite = suite_create ("plugin-stdio-blocked");
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
