/* SPDX-License-Identifier: Apache-2.0 */
/* sides.c: a producer and a consumer with one link between them (see sides.h).
 * Scripts run on the fakes' workers, all else on the main thread. */
#include "tests/conformance/sides.h"

const Setting setting_at[SETTINGS] = {
  [PARITY] = { "parity", { 0, 65537, 0, 0, 2.0, WEIR_WHEN_FULL_PAUSE }, 65537, 4 },
  [DEFAULTS] = { "defaults", WEIR_QUEUE_DEFAULTS, 1024 * 1024, 2 },
};

static const Setting *
setting_of (Fake *fake)
{
  return fake->data;
}

gsize
side_high (Fake *fake)
{
  return setting_of (fake)->high;
}

gsize
side_quarter (Fake *fake)
{
  return (side_high (fake) + 3) / 4;
}

Fake *
side_add (Rig *rig, gint setting, const char *name, WeirKind kind, const Script *script)
{
  Fake *fake = rig_add (rig, name, kind, script, NULL);
  fake->data = (gpointer) &setting_at[setting];
  fake->quiet = kind != WEIR_PRODUCER; /* its scripts note what they take */
  return fake;
}

WeirLink *
side_link (Rig *rig, gint setting, Fake *from, Fake *to)
{
  return rig_link_with (rig, from, 0, to, setting_at[setting].queue);
}

Sides
sides_new (gint setting, const Script *producer, const Script *consumer)
{
  Sides sides = { .rig = rig_new () };
  sides.producer = side_add (sides.rig, setting, "producer", WEIR_PRODUCER, producer);
  sides.consumer = side_add (sides.rig, setting, "consumer", WEIR_CONSUMER, consumer);
  sides.link = side_link (sides.rig, setting, sides.producer, sides.consumer);
  return sides;
}

Sides
sides_begin (gint setting, const Script *producer, const Script *consumer)
{
  Sides sides = sides_new (setting, producer, consumer);
  rig_begin (sides.rig);
  return sides;
}

typedef struct {
  Fake *fake;
  gint64 taken;
} Awaited;

static gboolean
has_taken (gpointer data)
{
  Awaited *awaited = data;
  return atomic_load (&awaited->fake->counted) >= awaited->taken;
}

void
side_let (Fake *consumer, gint64 taken)
{
  fake_allow (consumer, taken);
  rig_until (consumer->rig, has_taken, &(Awaited){ consumer, taken });
  fake_look (consumer,
             NULL); /* its turn is over: done is published, and the producer told if there is something to tell */
}

void
sides_let (Sides *sides, gint64 taken)
{
  side_let (sides->consumer, taken);
  fake_look (sides->producer, NULL);
}

void
sides_finish (Sides *sides)
{
  if (sides->producer->script->produce == NULL) {
    fake_do (sides->producer, fake_finish);
    rig_until_noted (sides->rig, sides->producer, "close", 1);
  }
  fake_allow (sides->consumer, G_MAXINT64);
  ck_assert_int_eq (rig_finish (sides->rig), WEIR_RESULT_DONE);
}

void
link_fill (WeirLink *link, gsize size)
{
  static guint8 bytes[1024 * 1024];
  ck_assert_uint_le (size, sizeof bytes);
  WeirBuffer *buffer = weir_buffer_wrap (bytes, sizeof bytes, NULL, NULL);
  weir_link_put (link, &(WeirRecord){ .data = bytes, .size = size, .buffer = buffer });
  weir_link_publish (link);
  weir_buffer_unref (buffer);
}

/* ---- scripts ---- */

void
note_size (Fake *fake, const char *what, gsize size)
{
  if (size == side_high (fake)) {
    fake_note (fake, "%s(high)", what);
  } else if (size == side_high (fake) - 1) {
    fake_note (fake, "%s(high-1)", what);
  } else if (size == side_quarter (fake)) {
    fake_note (fake, "%s(high/4)", what);
  } else {
    fake_note (fake, "%s(%" G_GSIZE_FORMAT ")", what, size);
  }
}

gboolean
emit_noted (Fake *fake, gsize size)
{
  note_size (fake, "emit", size);
  gboolean go_on = fake_emit_size (fake, size);
  fake_note (fake, go_on ? "TRUE" : "FALSE");
  return go_on;
}

static WeirNext
produce_size (Fake *fake, gsize size)
{
  if (fake->next == fake->most) {
    return WEIR_DONE;
  }
  fake->next++;
  emit_noted (fake, size);
  return WEIR_MORE;
}

WeirNext
produce_high (Fake *fake)
{
  return produce_size (fake, side_high (fake));
}

WeirNext
produce_quarter (Fake *fake)
{
  return produce_size (fake, side_quarter (fake));
}

WeirNext
take_noted (Fake *fake, const WeirRecord *record)
{
  if (atomic_load (&fake->counted) >= atomic_load (&fake->allowed)) {
    return WEIR_WAIT;
  }
  WeirNext next = take (fake, record);
  note_size (fake, "take", record->size); /* last, as it has the main thread look */
  return next;
}

WeirNext
hand_on_noted (Fake *fake, const WeirRecord *record)
{
  note_size (fake, "pass", record->size);
  fake_note (fake, fake_forward (fake, record) ? "TRUE" : "FALSE");
  return WEIR_MORE;
}

const Script taps = { .consume = take_noted }, passes = { .consume = hand_on_noted };
const Script chunks = { .produce = produce_high }, quarters = { .produce = produce_quarter };

/* ---- acts ---- */

static void
act_over (Fake *fake)
{
  fake_flag (fake, atomic_load (&fake->flag) + 1);
}

static void
emit_act (Fake *fake, gint64 size)
{
  emit_noted (fake, (gsize) size);
  act_over (fake);
}

void
fake_emits (Fake *fake, gsize size)
{
  gint64 before = atomic_load (&fake->flag);
  fake_do_with (fake, emit_act, (gint64) size);
  rig_until_flag (fake->rig, fake, before + 1);
}

/* The size is in fake->next. */
static void
emit_many_act (Fake *fake, gint64 count)
{
  fake_note (fake, "emit(%d)x%d", (int) fake->next, (int) count);
  for (gint64 i = 0; i < count; i++) {
    ck_assert (fake_emit_size (fake, (gsize) fake->next));
  }
  fake_note (fake, "TRUE");
  act_over (fake);
}

void
fake_emits_many (Fake *fake, gsize size, gint64 count)
{
  gint64 before = atomic_load (&fake->flag);
  fake->next = (gint64) size;
  fake_do_with (fake, emit_many_act, count);
  rig_until_flag (fake->rig, fake, before + 1);
}
