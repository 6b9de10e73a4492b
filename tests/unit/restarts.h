/* SPDX-License-Identifier: Apache-2.0 */
/* restarts.h: how a fake fails, for the tests of stages with "on_error": "restart".
 * Included by each of them; all of it runs on the fake's worker. */
#pragma once

#include "keepers.h"

static inline WeirNext
break_down (Fake *fake)
{
  return weir_stage_fail (fake->stage, "broken");
}

static inline void
fail_now (Fake *fake)
{
  break_down (fake);
}

/* fake->most: how often it fails; flag: how often it has. */
static inline gboolean
is_to_fail (Fake *fake)
{
  return atomic_load (&fake->flag) < fake->most && atomic_fetch_add (&fake->flag, 1) < fake->most;
}

static inline gboolean
is_text (const WeirRecord *record, const char *text)
{
  return record->size == strlen (text) && memcmp (record->data, text, record->size) == 0;
}
