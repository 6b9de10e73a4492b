/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of origins behind a transform that joins records: of those that it names, of all that it keeps where it names none, of the run at
 * hand in flush(), of bytes that it has copied, and of the streams that they are in. */
#include "delivery.h"

/* push -> join -> end, which keeps. */
typedef struct {
  Rig *rig;
  Fake *push, *join, *end;
} Bend;

static Bend
bend_begin (const Script *script)
{
  Bend bend = { .rig = rig_new () };
  bend.push = rig_add (bend.rig, "push", WEIR_PRODUCER, &pusher_under, NULL);
  bend.join = rig_add (bend.rig, "join", WEIR_TRANSFORM, script, NULL);
  bend.end = rig_add (bend.rig, "end", WEIR_CONSUMER, &keeper, NULL);
  rig_link (bend.rig, bend.push, bend.join, 20);
  rig_link (bend.rig, bend.join, bend.end, 20);
  rig_begin (bend.rig);
  return bend;
}

/* Nobody has been told anything, although all before the end has come to rest. */
static void
bend_assert_untold (Bend *bend)
{
  fake_look (bend->join, NULL);
  fake_look (bend->end, NULL);
  fake_look (bend->join, NULL);
  fake_look (bend->push, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (bend->push->told); i++) {
    ck_assert_int_eq (atomic_load (&bend->push->told[i]), 0);
  }
}

static void
bend_finish (Bend *bend)
{
  fake_do (bend->push, fake_finish);
  rig_until_noted (bend->rig, bend->end, "end", 1);
  fake_do (bend->end, fake_release_all);
  ck_assert_int_eq (rig_finish (bend->rig), WEIR_RESULT_DONE);
  rig_free (bend->rig);
}

/* ---- those that are named ---- */

/* Joins two at a time, in another callback than that of the second. */
static void
join_two (Fake *fake)
{
  for (guint i = 0; i < 2; i++) {
    weir_origin_join (fake->stage, g_ptr_array_index (fake->kept, i));
  }
  fake_emit (fake, "joined");
  for (guint i = 0; i < 2; i++) {
    release_first (fake);
  }
}

START_TEST (what_is_joined_carries_those_that_are_named)
{
  Bend bend = bend_begin (&keeper);
  fake_do (bend.push, emit_abc);
  rig_until_noted (bend.rig, bend.join, "consume(c)", 1);
  fake_do (bend.join, join_two);
  rig_until_noted (bend.rig, bend.end, "consume(joined)", 1);
  bend_assert_untold (&bend);
  fake_do (bend.join, release_first);
  rig_until_told (bend.rig, bend.push, WEIR_DELIVERED, 1);
  fake_do (bend.end, release_first);
  rig_until_noted (bend.rig, bend.push, "delivered(a,DELIVERED)", 1);
  rig_until_noted (bend.rig, bend.push, "delivered(b,DELIVERED)", 1);
  bend_finish (&bend);
}
END_TEST

/* Its second record joins the first one, which is kept, and itself. */
static WeirNext
join_to_kept (Fake *fake, const WeirRecord *record)
{
  if (fake->kept->len == 0) {
    return keep (fake, record);
  }
  weir_origin_join (fake->stage, g_ptr_array_index (fake->kept, 0));
  fake_emit (fake, "both");
  release_first (fake);
  return WEIR_MORE;
}

static const Script pairs = { .consume = join_to_kept, .settle = settle_now };

START_TEST (the_record_at_hand_is_carried_beside_those_that_are_named)
{
  Bend bend = bend_begin (&pairs);
  fake_do (bend.push, emit_abc);
  rig_until_noted (bend.rig, bend.join, "consume(c)", 1);
  rig_until_noted (bend.rig, bend.end, "consume(both)", 1);
  bend_assert_untold (&bend);
  fake_do (bend.end, release_first);
  rig_until_noted (bend.rig, bend.push, "delivered(a,DELIVERED)", 1);
  rig_until_told (bend.rig, bend.push, WEIR_DELIVERED, 2);
  fake_do (bend.join, fake_release_all);
  rig_until_noted (bend.rig, bend.push, "delivered(c,DELIVERED)", 1);
  bend_finish (&bend);
}
END_TEST

static void
join_none (Fake *fake)
{
  weir_origin_join (fake->stage, NULL);
  fake_emit (fake, "free");
  fake_release_all (fake);
}

START_TEST (none_is_carried_where_it_is_said_so)
{
  Bend bend = bend_begin (&keeper);
  fake_do (bend.push, emit_a_under);
  rig_until_noted (bend.rig, bend.join, "consume(a)", 1);
  fake_do (bend.join, join_none);
  rig_until_noted (bend.rig, bend.end, "consume(free)", 1);
  rig_until_noted (bend.rig, bend.push, "delivered(a,DELIVERED)", 1);
  bend_finish (&bend);
}
END_TEST

/* ---- where none is named ---- */

static void
emit_and_release (Fake *fake)
{
  fake_emit (fake, "unnamed");
  fake_release_all (fake);
}

START_TEST (where_none_is_named_all_that_is_kept_is_carried)
{
  Bend bend = bend_begin (&keeper);
  fake_do (bend.push, emit_abc);
  rig_until_noted (bend.rig, bend.join, "consume(c)", 1);
  fake_do (bend.join, emit_and_release);
  rig_until_noted (bend.rig, bend.end, "consume(unnamed)", 1);
  bend_assert_untold (&bend);
  fake_do (bend.end, release_first);
  rig_until_told (bend.rig, bend.push, WEIR_DELIVERED, 3);
  bend_finish (&bend);
}
END_TEST

static void
emit_unnamed (Fake *fake)
{
  fake_emit (fake, "unnamed");
}

START_TEST (what_is_kept_later_is_not_carried_by_what_was_emitted_before)
{
  Bend bend = bend_begin (&keeper);
  fake_do (bend.push, emit_a_under);
  rig_until_noted (bend.rig, bend.join, "consume(a)", 1);
  fake_do (bend.join, emit_and_release);
  rig_until_noted (bend.rig, bend.end, "consume(unnamed)", 1);
  fake_do (bend.push, emit_abc);
  rig_until_noted (bend.rig, bend.join, "consume(c)", 1);
  fake_do (bend.join, emit_unnamed);
  rig_until_noted (bend.rig, bend.end, "consume(unnamed)", 2);
  bend_assert_untold (&bend);
  fake_do (bend.end, release_first);
  rig_until_noted (bend.rig, bend.push, "delivered(a,DELIVERED)", 1);
  fake_do (bend.join, fake_release_all);
  fake_look (bend.join, NULL);
  fake_look (bend.push, NULL);
  ck_assert_int_eq (atomic_load (&bend.push->told[WEIR_DELIVERED]), 1);
  fake_do (bend.end, release_first);
  rig_until_noted (bend.rig, bend.push, "delivered(c,DELIVERED)", 1);
  bend_finish (&bend);
}
END_TEST

/* Keeps a window of records, and emits behind each in settle() or later: generations grow and are forgotten. */
static WeirNext
keep_a_window (Fake *fake, const WeirRecord *record)
{
  keep (fake, record);
  if (fake->kept->len > 7) {
    release_first (fake);
  }
  fake->next++;
  weir_stage_wake (fake->stage);
  return WEIR_MORE;
}

static const Script windows = { .consume = keep_a_window, .settle = settle_now, .end = settle_now };

START_TEST (many_that_are_kept_for_a_while_are_all_told)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers_under, NULL);
  Fake *window = rig_add (rig, "window", WEIR_TRANSFORM, &windows, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, pull, window, 20);
  rig_link (rig, window, end, 20);
  pull->most = 3000;
  pull->quiet = window->quiet = end->quiet = TRUE;
  rig_begin (rig);
  for (guint i = 0; i < 50; i++) {
    fake_do (window, emit_unnamed);
  }
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pull->told[WEIR_DELIVERED]), 3000);
  rig_free (rig);
}
END_TEST

/* ---- flush ---- */

static WeirNext
emit_flushed (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    atomic_fetch_add (&fake->counted, 1);
  }
  fake_emit (fake, "flushed");
  return WEIR_MORE;
}

static const Script batches = { .consume = take, .flush = emit_flushed };

START_TEST (what_is_emitted_in_flush_carries_the_run_at_hand)
{
  Bend bend = bend_begin (&batches);
  bend.join->quiet = TRUE;
  fake_do (bend.push, emit_abc);
  rig_until_noted (bend.rig, bend.end, "consume(flushed)", 1);
  bend_assert_untold (&bend);
  fake_do (bend.end, fake_release_all);
  rig_until_noted (bend.rig, bend.push, "delivered(a,DELIVERED)", 1);
  bend_finish (&bend);
}
END_TEST

/* ---- what is copied ---- */

typedef struct {
  WeirOrigin *held;
} Copied;

static WeirNext
hold (Fake *fake, const WeirRecord *record)
{
  Copied *copied = weir_stream_state (fake->stage);
  copied->held = weir_origin_hold (fake->stage, copied->held, record);
  return take (fake, record);
}

static WeirNext
emit_held (Fake *fake, gpointer state)
{
  Copied *copied = state;
  weir_origin_join_held (fake->stage, copied->held);
  fake_emit (fake, "copy");
  weir_origin_let_go (fake->stage, copied->held);
  return WEIR_MORE;
}

static const Script copier = { .consume = hold, .end_stream = emit_held, .stream_size = sizeof (Copied) };

static void
emit_stream (Fake *fake)
{
  guint32 stream = weir_stream_open (fake->stage, NULL);
  weir_stream_use (fake->stage, stream);
  emit_abc (fake);
  weir_stream_close (fake->stage, stream);
}

START_TEST (what_is_copied_is_held_until_the_copy_is_out)
{
  Bend bend = bend_begin (&copier);
  fake_do (bend.push, emit_stream);
  rig_until_noted (bend.rig, bend.end, "consume(copy)", 1);
  bend_assert_untold (&bend);
  fake_do (bend.end, fake_release_all);
  rig_until_told (bend.rig, bend.push, WEIR_DELIVERED, 3);
  bend_finish (&bend);
}
END_TEST

/* ---- a duplex one ---- */

static WeirNext
answer (Fake *fake)
{
  if (fake->next == atomic_load (&fake->counted)) {
    return WEIR_WAIT;
  }
  fake->next++;
  fake_emit (fake, "answer");
  return WEIR_MORE;
}

static WeirNext
take_and_wake (Fake *fake, const WeirRecord *record)
{
  take (fake, record);
  weir_stage_wake (fake->stage);
  return WEIR_MORE;
}

static void
finish_output (Fake *fake)
{
  fake_finish (fake);
}

static const Script wire = { .consume = take_and_wake, .produce = answer, .flags = WEIR_DUPLEX };

START_TEST (a_duplex_stage_carries_none)
{
  Bend bend = bend_begin (&wire);
  bend.join->quiet = TRUE;
  fake_do (bend.push, emit_a_under);
  rig_until_noted (bend.rig, bend.end, "consume(answer)", 1);
  rig_until_noted (bend.rig, bend.push, "delivered(a,DELIVERED)", 1);
  fake_look (bend.end, NULL);
  ck_assert_uint_eq (bend.end->kept->len, 1);
  fake_do (bend.join, finish_output);
  bend_finish (&bend);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, what_is_joined_carries_those_that_are_named);
  tcase_add_test (tcase, the_record_at_hand_is_carried_beside_those_that_are_named);
  tcase_add_test (tcase, none_is_carried_where_it_is_said_so);
  tcase_add_test (tcase, where_none_is_named_all_that_is_kept_is_carried);
  tcase_add_test (tcase, what_is_kept_later_is_not_carried_by_what_was_emitted_before);
  tcase_add_test (tcase, many_that_are_kept_for_a_while_are_all_told);
  tcase_add_test (tcase, what_is_emitted_in_flush_carries_the_run_at_hand);
  tcase_add_test (tcase, what_is_copied_is_held_until_the_copy_is_out);
  tcase_add_test (tcase, a_duplex_stage_carries_none);
}

int
main (void)
{
  return run_suite ("origins-joins", add);
}
