/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of many records emitted in one call, which is as if they were emitted one by one up to the pause (R1, R4), and of what a
 * taker is told of those that lie behind its run. */
#include "fakes.h"

#include <string.h>

enum { AT_ONCE = 97 };

/* Numbers from `next` to `most`, CR LF behind each; as many as are emitted count. */
static WeirNext
produce_many (Fake *fake)
{
  guint32 sizes[AT_ONCE];
  gsize count = 0;
  char *to = weir_emit_begin (fake->stage, AT_ONCE * 8);
  for (gint64 number = fake->next; number < fake->most && count < AT_ONCE; number++, count++) {
    sizes[count] = (guint32) g_snprintf (to, 8, "%d\r\n", (int) number);
    to += sizes[count];
  }
  weir_stage_set_trail (fake->stage, 2);
  fake->emitting = TRUE;
  gsize emitted = weir_emit_end_many (fake->stage, sizes, count);
  fake->emitting = FALSE;
  fake->next += (gint64) emitted;
  fake->flag = (gint64) emitted;
  if (!fake->quiet) {
    fake_note (fake, "emitted");
  }
  return fake->next < fake->most ? WEIR_MORE : WEIR_DONE;
}

static WeirNext
take_next (Fake *fake, const WeirRecord *record)
{
  g_autofree char *wanted = g_strdup_printf ("%d\r\n", (int) fake->next++);
  ck_assert_uint_eq (record->trail, 2);
  ck_assert_uint_eq (record->size + 2, strlen (wanted));
  ck_assert_mem_eq (record->data, wanted, strlen (wanted));
  atomic_fetch_add (&fake->counted, 1);
  return WEIR_MORE;
}

static const Script many = { .produce = produce_many }, counter = { .consume = take_next };

static const struct {
  guint64 records;
  guint takers;
} forms[] = { { 1, 1 }, { 2, 1 }, { 3, 1 }, { 64, 1 }, { 100, 1 }, { 4096, 1 }, { 3, 2 }, { 1000, 3 } };

START_TEST (many_are_what_one_by_one_would_be)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &many, NULL);
  Fake *ends[3];
  static const char *const names[] = { "first", "second", "third" };
  pull->most = 9000;
  pull->quiet = TRUE;
  for (guint i = 0; i < forms[_i].takers; i++) {
    ends[i] = rig_add (rig, names[i], WEIR_CONSUMER, &counter, NULL);
    ends[i]->quiet = TRUE;
    rig_link (rig, pull, ends[i], forms[_i].records);
  }
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  for (guint i = 0; i < forms[_i].takers; i++) {
    WeirLinkFigures figures = figures_of (weir_pipeline_link_at (rig->pipeline, i));
    ck_assert_int_eq (ends[i]->next, 9000);
    ck_assert_uint_eq (figures.out, 9000);
    ck_assert_uint_le (figures.peak_records, forms[_i].records + 1); /* with the end, a control entry */
  }
  rig_free (rig);
}
END_TEST

static void
emit_ten (Fake *fake)
{
  fake->most = fake->next + 10;
  produce_many (fake);
}

typedef struct {
  Rig *rig;
  Fake *push, *end;
  WeirLink *link;
} Pair;

static Pair
pair_new (const Script *end, WeirQueueSettings settings)
{
  Pair pair = { .rig = rig_new () };
  pair.push = rig_add (pair.rig, "push", WEIR_PRODUCER, &pusher, NULL);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, end, NULL);
  pair.link = rig_link_with (pair.rig, pair.push, 0, pair.end, settings);
  rig_begin (pair.rig);
  return pair;
}

static WeirNext
take_next_allowed (Fake *fake, const WeirRecord *record)
{
  return atomic_load (&fake->counted) < atomic_load (&fake->allowed) ? take_next (fake, record) : WEIR_WAIT;
}

static const Script shut = { .consume = take_next_allowed };

START_TEST (many_end_where_a_link_is_full_of_records)
{
  Pair pair = pair_new (&shut, queue_of (4));
  pair.end->quiet = TRUE;
  fake_do (pair.push, emit_ten);
  rig_until_noted (pair.rig, pair.push, "emitted", 1);
  ck_assert_uint_eq (fake_count (pair.push, "pause"), 1);
  ck_assert_int_eq (atomic_load (&pair.push->flag), 4);
  fake_allow (pair.end, 100);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (pair.end->next, 4);
  rig_free (pair.rig);
}
END_TEST

START_TEST (many_end_where_a_link_is_full_of_bytes)
{
  WeirQueueSettings settings = queue_of (100);
  settings.bytes = 11; /* "0\r\n" is three */
  Pair pair = pair_new (&shut, settings);
  pair.end->quiet = TRUE;
  fake_do (pair.push, emit_ten);
  rig_until_noted (pair.rig, pair.push, "emitted", 1);
  ck_assert_uint_eq (fake_count (pair.push, "pause"), 1);
  ck_assert_int_eq (atomic_load (&pair.push->flag), 4);
  fake_allow (pair.end, 100);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (pair.link).bytes_out, 12);
  rig_free (pair.rig);
}
END_TEST

START_TEST (many_into_a_lossy_link_are_all_emitted)
{
  WeirQueueSettings settings = queue_of (4);
  settings.when_full = _i == 0 ? WEIR_WHEN_FULL_DROP_NEWEST : WEIR_WHEN_FULL_DROP_OLDEST;
  Pair pair = pair_new (&taker, settings);
  fake_do (pair.push, emit_ten);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pair.push->flag), 10);
  WeirLinkFigures figures = figures_of (pair.link);
  ck_assert_uint_eq (figures.in, 10);
  ck_assert_uint_eq (figures.out + figures.dropped, 10);
  rig_free (pair.rig);
}
END_TEST

static void
finish_and_emit_ten (Fake *fake)
{
  fake_finish (fake);
  emit_ten (fake);
}

START_TEST (many_after_the_end_are_refused)
{
  Pair pair = pair_new (&taker, queue_of (100));
  fake_do (pair.push, finish_and_emit_ten);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pair.push->flag), 0);
  ck_assert_int_eq (atomic_load (&pair.end->counted), 0);
  rig_free (pair.rig);
}
END_TEST

/* One of them is all trail, one is less than that, and one is nothing. */
static void
emit_odd_ones (Fake *fake)
{
  guint32 sizes[] = { 4, 2, 1, 0, 3 };
  memcpy (weir_emit_begin (fake->stage, 10), "ab\r\n\r\n\nc\r\n", 10);
  weir_stage_set_trail (fake->stage, 2);
  atomic_store (&fake->flag, (gint64) weir_emit_end_many (fake->stage, sizes, G_N_ELEMENTS (sizes)));
  fake_finish (fake);
}

static WeirNext
note_sizes (Fake *fake, const WeirRecord *record)
{
  fake_note (fake, "%zu+%u", record->size, (guint) record->trail);
  return WEIR_MORE;
}

static const Script sizer = { .consume = note_sizes };

START_TEST (many_may_be_shorter_than_their_trail)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &sizer, NULL);
  end->quiet = TRUE;
  rig_link (rig, push, end, 100);
  rig_begin (rig);
  fake_do (push, emit_odd_ones);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&push->flag), 5);
  fake_assert_events (end, "open start 2+2 0+2 0+1 0+0 1+2 end close");
  rig_free (rig);
}
END_TEST

static WeirNext
reject_many (Fake *fake, const WeirRecord *record)
{
  guint32 sizes[] = { 1, 1, 1 };
  memcpy (weir_emit_begin (fake->stage, 3), "abc", 3);
  weir_stage_set_rejected (fake->stage, "bad ones");
  ck_assert_uint_eq (weir_emit_end_many (fake->stage, sizes, 3), 3);
  return take (fake, record);
}

static const Script rejecter = { .consume = reject_many };

START_TEST (many_may_be_rejected)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *judge = rig_add (rig, "judge", WEIR_TRANSFORM, &rejecter, NULL);
  Fake *good = rig_add (rig, "good", WEIR_CONSUMER, &taker, NULL);
  Fake *bad = rig_add (rig, "bad", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, judge, 100);
  rig_link (rig, judge, good, 100);
  rig_link_with (rig, judge, WEIR_PORT_REJECTED, bad, queue_of (100));
  rig_begin (rig);
  push->most = 1;
  fake_do (push, fake_emit_most);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (good, "open start end close");
  fake_assert_events (bad, "open start consume(a) consume(b) consume(c) end close");
  rig_free (rig);
}
END_TEST

/* ---- what lies behind a run ---- */

static WeirNext
note_more (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, gsize count)
{
  if (atomic_load (&fake->allowed) == 0) {
    fake_note (fake, "waits");
    return WEIR_WAIT;
  }
  fake_note (fake, "%zu:%s", count, weir_stage_has_more (fake->stage) ? "more" : "last");
  return WEIR_MORE;
}

static const Script flusher = { .flush = note_more };

static void
emit_nine (Fake *fake)
{
  for (guint i = 0; i < 9; i++) {
    fake_emit (fake, "x");
  }
}

static void
emit_2500 (Fake *fake)
{
  for (guint i = 0; i < 2500; i++) {
    fake_emit (fake, "x");
  }
  fake_note (fake, "emitted");
}

START_TEST (has_more_while_records_lie_behind_the_run)
{
  Pair pair = pair_new (&flusher, queue_of (4096));
  pair.end->quiet = TRUE;
  fake_do (pair.push, emit_nine);
  rig_until_noted (pair.rig, pair.end, "waits", 1);
  fake_do (pair.push, emit_2500);
  rig_until_noted (pair.rig, pair.push, "emitted", 1);
  fake_look (pair.push, NULL);                         /* that turn is over, so all is published */
  ck_assert (!weir_stage_has_more (pair.push->stage)); /* no flush() of its */
  fake_allow (pair.end, 1);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (pair.end);
  ck_assert_msg (g_str_has_suffix (events, ":last end close"), "%s", events);
  ck_assert_msg (strstr (events, " 1024:more ") != NULL, "%s", events);
  rig_free (pair.rig);
}
END_TEST

static void
emit_and_close_stream (Fake *fake)
{
  guint32 stream = weir_stream_open (fake->stage, NULL);
  weir_stream_use (fake->stage, stream);
  fake_emit (fake, "x");
  weir_stream_close (fake->stage, stream);
}

START_TEST (has_no_more_where_only_the_end_of_a_stream_follows)
{
  Pair pair = pair_new (&flusher, queue_of (4096));
  pair.end->quiet = TRUE;
  fake_do (pair.push, emit_and_close_stream);
  rig_until_noted (pair.rig, pair.end, "waits", 1);
  fake_allow (pair.end, 1);
  rig_until_noted (pair.rig, pair.end, "1:last", 1);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  rig_free (pair.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, many_are_what_one_by_one_would_be, 0, G_N_ELEMENTS (forms));
  tcase_add_test (tcase, many_end_where_a_link_is_full_of_records);
  tcase_add_test (tcase, many_end_where_a_link_is_full_of_bytes);
  tcase_add_loop_test (tcase, many_into_a_lossy_link_are_all_emitted, 0, 2);
  tcase_add_test (tcase, many_after_the_end_are_refused);
  tcase_add_test (tcase, many_may_be_shorter_than_their_trail);
  tcase_add_test (tcase, many_may_be_rejected);
  tcase_add_test (tcase, has_more_while_records_lie_behind_the_run);
  tcase_add_test (tcase, has_no_more_where_only_the_end_of_a_stream_follows);
}

int
main (void)
{
  return run_suite ("rules-many", add);
}
