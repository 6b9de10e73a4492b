/* SPDX-License-Identifier: Apache-2.0 */
/* link-kept.h: records that a test of a link keeps, for the tests of the lower core. Everything static: one test program includes it
 * once. The kept ones are the test's, from set-up to tear-down. */
#pragma once

#include "link-bed.h"

G_GNUC_UNUSED static GPtrArray *kept;

G_GNUC_UNUSED static void
setup (void)
{
  kept = g_ptr_array_new ();
}

G_GNUC_UNUSED static void
teardown (void)
{
  g_ptr_array_unref (kept);
}

G_GNUC_UNUSED static void
keep (WeirBed *bed, const WeirRecord *record)
{
  g_ptr_array_add (kept, weir_record_keep (bed->to, record));
}

G_GNUC_UNUSED static void
keep_every_third (WeirBed *bed, const WeirRecord *record)
{
  if (record->time % 3 == 0) {
    keep (bed, record);
  }
}

/* Puts, publishes and takes records, each handled by `each`. */
G_GNUC_UNUSED static void
pass (WeirBed *bed, gsize count, void (*each) (WeirBed *bed, const WeirRecord *record))
{
  weir_bed_put (bed, count);
  weir_bed_publish (bed);
  ck_assert_uint_eq (weir_bed_take_each (bed, count, each), count);
  weir_link_done (bed->link);
}

G_GNUC_UNUSED static void
release (guint i)
{
  weir_record_release (g_ptr_array_index (kept, i));
}
