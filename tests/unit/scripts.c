/* SPDX-License-Identifier: Apache-2.0 */
/* scripts.c: what most fakes do: make numbers, take all, take what is allowed, hand on (see fakes.h).
 * Runs on the fakes' workers. */
#include "fakes.h"

#include <string.h>

gboolean
fake_emit_size (Fake *fake, gsize size)
{
  g_autofree char *bytes = g_strnfill (size, 'x');
  return fake_emit (fake, bytes);
}

void
fake_keep (Fake *fake, const WeirRecord *record)
{
  WeirRecord *kept = weir_record_keep (fake->stage, record);
  ck_assert_ptr_nonnull (kept);
  g_ptr_array_add (fake->kept, kept);
}

void
fake_release_all (Fake *fake)
{
  for (guint i = 0; i < fake->kept->len; i++) {
    weir_record_release (g_ptr_array_index (fake->kept, i));
  }
  g_ptr_array_set_size (fake->kept, 0);
}

WeirNext
produce_number (Fake *fake)
{
  if (fake->next == fake->most) {
    return WEIR_DONE;
  }
  char text[32];
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, fake->next++);
  fake_emit (fake, text);
  return WEIR_MORE;
}

void
fake_emit_most (Fake *fake)
{
  while (fake->next < fake->most) {
    produce_number (fake);
  }
}

WeirNext
take (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  atomic_fetch_add (&fake->counted, 1);
  return WEIR_MORE;
}

WeirNext
hand_on (Fake *fake, const WeirRecord *record)
{
  fake_forward (fake, record);
  return WEIR_MORE;
}

WeirNext
take_allowed (Fake *fake, const WeirRecord *record)
{
  return atomic_load (&fake->counted) < atomic_load (&fake->allowed) ? take (fake, record) : WEIR_WAIT;
}

const Script numbers = { .produce = produce_number }, taker = { .consume = take }, passer = { .consume = hand_on };
const Script valve = { .consume = take_allowed }, pusher = { 0 };

/* ---- streams ---- */

WeirNext
join (Fake *fake, const WeirRecord *record)
{
  Joined *joined = weir_stream_state (fake->stage);
  memcpy (joined->text + joined->count, record->data, record->size);
  joined->count += (guint) record->size;
  return WEIR_MORE;
}

WeirNext
emit_joined (Fake *fake, gpointer state)
{
  Joined *joined = state;
  fake_emit (fake, joined->text);
  return WEIR_MORE;
}

const Script joiner = { .consume = join, .end_stream = emit_joined, .stream_size = sizeof (Joined) };

guint32 streams[2];

void
play (Fake *fake, const char *steps)
{
  for (const char *step = steps; *step != 0; step++) {
    guint which = g_ascii_isupper (*step) || *step == '=';
    if (*step == '-' || *step == '=') {
      weir_stream_close (fake->stage, streams[which]);
      streams[which] = 0;
      continue;
    }
    if (streams[which] == 0) {
      streams[which] = weir_stream_open (fake->stage, NULL);
      ck_assert_uint_ne (streams[which], 0);
    }
    weir_stream_use (fake->stage, streams[which]);
    fake_emit (fake, (char[]){ *step, 0 });
  }
}
