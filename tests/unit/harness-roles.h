/* SPDX-License-Identifier: Apache-2.0 */
/* harness-roles.h: small roles that the tests of the harness put into it, and what these tests share. Everything static: one test program
 * includes it once. Only public headers: a plugin's author has no more. */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <weir/harness.h>

G_GNUC_UNUSED static void
mismatch (const char *file, int line, const char *text)
{
  ck_abort_msg ("%s:%d: %s", file, line, text);
}

/* A transform that hands on what it gets. */
G_GNUC_UNUSED static WeirNext
hand_on (WeirStage *stage, G_GNUC_UNUSED gpointer self, const WeirRecord *record)
{
  weir_emit (stage, record);
  return WEIR_MORE;
}

G_GNUC_UNUSED static WeirNext
fine (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  return WEIR_MORE;
}

G_GNUC_UNUSED static void
nothing (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
}

G_GNUC_UNUSED static WeirNext
waits (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  return WEIR_WAIT;
}

/* Numbers from 1 on, up to `most` where that is not 0. */
typedef struct {
  gint64 most, next;
} Numbers;

G_GNUC_UNUSED static WeirNext
produce_number (WeirStage *stage, gpointer self)
{
  Numbers *numbers = self;
  if (numbers->most != 0 && numbers->next == numbers->most) {
    return WEIR_DONE;
  }
  weir_emit_printf (stage, "%" G_GINT64_FORMAT, ++numbers->next);
  return WEIR_MORE;
}

G_GNUC_UNUSED static const WeirOption number_options[] = {
  WEIR_INTEGER (Numbers, most, "0", "0..", 0, "How many"),
  WEIR_OPTIONS_END,
};

/* All callbacks of a producer's life. */
G_GNUC_UNUSED static const WeirRole numbers = { .summary = "Counts",
                                                .options = number_options,
                                                .state_size = sizeof (Numbers),
                                                .open = fine,
                                                .start = fine,
                                                .produce = produce_number,
                                                .pause = nothing,
                                                .resume = nothing,
                                                .stop = nothing,
                                                .close = nothing };
G_GNUC_UNUSED static const WeirRole passer = {
  .summary = "Hands on", .open = fine, .start = fine, .consume = hand_on, .end = fine, .stop = nothing, .close = nothing
};

G_GNUC_UNUSED static WeirHarness *
harness_of (const WeirRole *role, WeirHarnessKind kind, const char *options)
{
  GError *error = NULL;
  WeirHarness *harness = weir_harness_new_for_role (role, kind, options, &error);
  ck_assert_msg (harness != NULL, "%s", error != NULL ? error->message : "no error");
  return harness;
}

/* The limits of a link, by the number of records. */
G_GNUC_UNUSED static void
limit (WeirHarness *harness, const char *link, guint records)
{
  GError *error = NULL;
  g_autofree char *queue = g_strdup_printf ("{\"records\": %u}", records);
  ck_assert_msg (weir_harness_set_queue (harness, link, queue, &error), "%s", error != NULL ? error->message : "");
}

typedef const TTest *Case;
G_GNUC_UNUSED static int
run_cases (const char *name, const Case *cases, gsize count)
{
  weir_harness_set_mismatch (mismatch);
  Suite *suite = suite_create (name);
  TCase *all = tcase_create (name);
  for (gsize i = 0; i < count; i++) {
    tcase_add_test (all, cases[i]);
  }
  suite_add_tcase (suite, all);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
