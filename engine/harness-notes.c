/* SPDX-License-Identifier: Apache-2.0 */
/* harness-notes.c: notes the callbacks of the stage in a harness: a copy of its role whose callbacks note themselves, and call those of
 * the plugin. Runs on the test's thread, as callbacks do. An answer is known only behind what the callback has led to, such as a
 * pause() inside of its emit, and is put in its place then. */
#include "harness.h"

#include <string.h>

#define SHOWN 24 /* bytes of a record */

static const char *const answers[] = { "", "=WAIT", "=DONE", "=PRODUCE", "=REJECT", "=FAIL" };
static const char *const outcomes[] = { "DELIVERED", "DROPPED", "REJECTED", "ABANDONED" };

/* ---- words ---- */

typedef struct {
  gsize begin, end;
} Word;

static Word
add_word (WeirHarnessNotes *notes, const char *word)
{
  Word added;
  if (notes->text->len > 0) {
    g_string_append_c (notes->text, ' ');
  }
  added.begin = notes->text->len;
  g_string_append (notes->text, word);
  added.end = notes->text->len;
  return added;
}

static void
add_answer (WeirHarnessNotes *notes, const Word *word, WeirNext next)
{
  const char *answer = (guint) next < G_N_ELEMENTS (answers) ? answers[next] : "=?";
  g_string_insert (notes->text, (gssize) word->end, answer);
}

/* The word that is complete and last: is it the one before it once more? */
static void
count_word (WeirHarnessNotes *notes, const Word *word, gboolean alone)
{
  GString *text = notes->text;
  gsize size = text->len - word->begin;
  const char *added = text->str + word->begin;
  gsize last_end = word->begin > 0 ? word->begin - 1 : 0;
  if (alone && notes->times > 0 && notes->last >= notes->expected) {
    g_autofree char *count = g_strdup_printf ("*%u", notes->times);
    gsize suffix = notes->times > 1 ? strlen (count) : 0;
    if (last_end - notes->last == size + suffix && memcmp (text->str + notes->last, added, size) == 0) {
      g_string_truncate (text, notes->last + size);
      g_string_append_printf (text, "*%u", ++notes->times);
      return;
    }
  }
  notes->last = word->begin;
  notes->times = alone ? 1 : 0;
}

typedef struct {
  WeirHarness *harness;
  Word event, call;
  gboolean is_event;
} Call;

static Call
begin (WeirStage *stage, const char *word, gboolean is_event)
{
  Call call = { .harness = stage->report_data, .is_event = is_event };
  if (is_event) {
    call.event = add_word (&call.harness->events, word);
  }
  call.call = add_word (&call.harness->calls, word);
  return call;
}

static WeirNext
answered (const Call *call, WeirNext next)
{
  WeirHarness *harness = call->harness;
  gboolean alone = call->call.end == harness->calls.text->len;
  if (next != WEIR_MORE) {
    if (call->is_event) {
      add_answer (&harness->events, &call->event, next);
    }
    add_answer (&harness->calls, &call->call, next);
  }
  count_word (&harness->calls, &call->call, alone);
  return next;
}

/* ---- the callbacks ---- */

static inline const WeirRole *
real (WeirStage *stage)
{
  return ((WeirHarness *) stage->report_data)->real;
}

static WeirNext
on_open (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "open", TRUE);
  return answered (&call, real (stage)->open (stage, self));
}

static WeirNext
on_start (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "start", TRUE);
  return answered (&call, real (stage)->start (stage, self));
}

static WeirNext
on_produce (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "produce", FALSE);
  return answered (&call, real (stage)->produce (stage, self));
}

static void
on_pause (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "pause", TRUE);
  real (stage)->pause (stage, self);
  answered (&call, WEIR_MORE);
}

static void
on_resume (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "resume", TRUE);
  real (stage)->resume (stage, self);
  answered (&call, WEIR_MORE);
}

static WeirNext
on_consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  g_autoptr (GString) word = g_string_new ("consume(");
  weir_harness_append_text (word, record->data, MIN (record->size, SHOWN));
  g_string_append (word, record->size > SHOWN ? "...)" : ")");
  Call call = begin (stage, word->str, FALSE);
  return answered (&call, real (stage)->consume (stage, self, record));
}

static WeirNext
on_flush (WeirStage *stage, gpointer self, const WeirRecord *records, gsize count)
{
  g_autofree char *word = g_strdup_printf ("flush(%" G_GSIZE_FORMAT ")", count);
  Call call = begin (stage, word, FALSE);
  return answered (&call, real (stage)->flush (stage, self, records, count));
}

static WeirNext
on_settle (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "settle", TRUE);
  return answered (&call, real (stage)->settle (stage, self));
}

static WeirNext
on_end_stream (WeirStage *stage, gpointer self, gpointer state)
{
  g_autofree char *word = g_strdup_printf ("end_stream(%u)",
                                           weir_harness_number (stage->report_data, stage->ending_stream));
  Call call = begin (stage, word, FALSE);
  return answered (&call, real (stage)->end_stream (stage, self, state));
}

static WeirNext
on_end (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "end", TRUE);
  return answered (&call, real (stage)->end (stage, self));
}

/* A token says nothing to a test. */
static void
on_delivered (WeirStage *stage, gpointer self, gpointer token, WeirOutcome outcome)
{
  g_autofree char *word = g_strdup_printf ("delivered(%s)", outcomes[outcome]);
  Call call = begin (stage, word, FALSE);
  real (stage)->delivered (stage, self, token, outcome);
  answered (&call, WEIR_MORE);
}

void
weir_harness_note_delivered (WeirHarness *harness, const char *origin, WeirOutcome outcome)
{
  g_autofree char *word = g_strdup_printf ("%s=%s", origin, outcomes[outcome]);
  add_word (&harness->delivered, word);
}

static void
on_stop (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "stop", TRUE);
  real (stage)->stop (stage, self);
  answered (&call, WEIR_MORE);
}

static void
on_close (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "close", TRUE);
  real (stage)->close (stage, self);
  answered (&call, WEIR_MORE);
}

static void
on_interrupt (WeirStage *stage, gpointer self)
{
  Call call = begin (stage, "interrupt", TRUE);
  real (stage)->interrupt (stage, self);
  answered (&call, WEIR_MORE);
}

void
weir_harness_note_calls (WeirHarness *harness)
{
  WeirRole *role = &harness->role;
  *role = *harness->real;
#define NOTE(callback) role->callback = role->callback != NULL ? on_##callback : NULL
  NOTE (open);
  NOTE (start);
  NOTE (produce);
  NOTE (pause);
  NOTE (resume);
  NOTE (consume);
  NOTE (flush);
  NOTE (settle);
  NOTE (end_stream);
  NOTE (end);
  NOTE (delivered);
  NOTE (stop);
  NOTE (close);
  NOTE (interrupt);
#undef NOTE
  harness->events.text = g_string_new (NULL);
  harness->calls.text = g_string_new (NULL);
  harness->delivered.text = g_string_new (NULL);
}
