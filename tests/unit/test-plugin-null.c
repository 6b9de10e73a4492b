/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/null.c in a harness: it takes all there is, whatever the link holds. */
#include "plugin-run.h"

START_TEST (all_is_taken)
{
  static Piece pieces[5000];
  static const guint queues[] = { 1, 2, 64, 4096 };
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    pieces[i] = (Piece) LINE ("x");
  }
  for (guint i = 0; i < G_N_ELEMENTS (queues); i++) {
    run_consumer ("null", "{}", pieces, G_N_ELEMENTS (pieces), queues[i]);
    expect_done ();
    ck_assert_uint_eq (count_taken (), G_N_ELEMENTS (pieces));
  }
}
END_TEST

START_TEST (nothing_is_taken_of_nothing)
{
  run_consumer ("null", "{}", NULL, 0, 4096);
  expect_done ();
  ck_assert_uint_eq (count_taken (), 0);
}
END_TEST

int
main (void)
{
  const Case cases[] = { all_is_taken, nothing_is_taken_of_nothing };
  return run_cases ("null", cases, G_N_ELEMENTS (cases));
}
