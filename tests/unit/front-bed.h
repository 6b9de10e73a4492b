/* SPDX-License-Identifier: Apache-2.0 */
/* front-bed.h: a drop_oldest link between two bare stages, for the tests of the lower core. */
#pragma once

#include "link-bed.h"

#define OLDEST(...) LIMITS (.when_full = WEIR_WHEN_FULL_DROP_OLDEST, __VA_ARGS__)

/* Publishes, and says what was dropped for being oldest and for want of room beside what is held. */
G_GNUC_UNUSED static void
check_dropped (WeirBed *bed, guint64 full, guint64 held)
{
  weir_bed_publish (bed);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_FULL], full);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_HELD], held);
  ck_assert_uint_eq (figures.dropped, full + held);
}
