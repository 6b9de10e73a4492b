/* SPDX-License-Identifier: Apache-2.0 */
/* harness.h: what the files of the harness share (weir/harness.h): harness-make.c makes it; harness.c opens, stops and frees it;
 * harness-crank.c runs it; harness-feed.c and harness-taker.c are the ends; harness-notes.c notes the stage's callbacks;
 * harness-look.c shows and compares.
 * All of it on the test's thread, which is the worker's inside of each public call. The harness owns worker, stages and links. */
#pragma once

#include "stage.h"

#include <weir/harness.h>

/* The fake consumer of one output. */
typedef struct {
  WeirHarness *harness;
  const char *name; /* of the port; NULL: the only output */
  guint port;       /* or WEIR_PORT_REJECTED */
  gboolean taken;
  WeirQueueSettings settings;
  WeirStage *taker; /* NULL: not opened yet, or nobody takes it */
  WeirLink *link;
  GArray *items; /* of WeirHarnessItem; those before `first` were taken out */
  guint first;
  gsize bytes; /* of payload that lies there */
  gsize allowed;
  WeirOutcome outcome; /* of what it takes */
  WeirRecord at_hand;  /* was taken out last; buffer NULL: none */
  GString *text, *tags, *streams, *all_bytes;
} WeirHarnessOutput;

typedef struct {
  WeirRecord record; /* one reference to buffer and context; the stream as the test numbers it */
  gboolean is_end;   /* of that stream, and no record */
} WeirHarnessItem;

/* What was called, and how far it was looked at. */
typedef struct {
  GString *text;
  gsize expected; /* compared up to there */
  gsize last;     /* where the last word begins, and how often it has come in a row; 0 times: it has not answered yet */
  guint times;
} WeirHarnessNotes;

struct _WeirHarness {
  const WeirRole *real;
  WeirRole role; /* the same with callbacks that note */
  WeirKind kind;
  GPtrArray *owned; /* copies of tables, what the options have */
  WeirCrankedClock clock;
  WeirWorker *worker;
  WeirStage *stage;
  gsize record_max;
  gint64 patience;
  gboolean opened, started, live;

  WeirStage *feed; /* NULL: not opened yet, or a producer */
  WeirLink *input;
  WeirQueueSettings input_settings;
  GQueue backlog; /* of what was pushed */
  gboolean input_ended;
  GHashTable *streams;     /* the test's number -> the process's */
  GHashTable *numbers;     /* the process's -> the test's */
  guint32 greatest_number; /* of the test's */

  GPtrArray *outputs; /* of WeirHarnessOutput, that of the rejected last */
  WeirHarnessNotes events, calls, delivered;
  GString *ledger;

  GMutex lock; /* of what was said, which other threads do too */
  GString *said, *said_seen;
};

/* ---- harness.c ---- */

/* The link that a word names; *output NULL: the input. FALSE: a g_critical(). */
gboolean weir_harness_find (WeirHarness *harness, const char *link, WeirHarnessOutput **output);
/* An output alone; NULL: a g_critical(). */
WeirHarnessOutput *weir_harness_find_output (WeirHarness *harness, const char *link);
/* Where it says, from the first port on, and last that of the rejected; NULL behind it. */
WeirHarnessOutput *weir_harness_output_at (WeirHarness *harness, guint index);

/* Inside, the thread is the worker's. */
static inline WeirWorker *
weir_harness_enter (WeirHarness *harness)
{
  return weir_worker_enter (harness->worker);
}

static inline void
weir_harness_leave (WeirHarness *harness, WeirWorker *before)
{
  weir_worker_leave (harness->worker, before);
}

/* ---- harness-look.c ---- */
void weir_harness_note_log (WeirStage *stage, GLogLevelFlags level, const char *text);

/* ---- harness-crank.c; inside ---- */
/* Turns of feed and takers until none of them is ready; that of the stage stays ready. TRUE: there was one. */
gboolean weir_harness_run_ends (WeirHarness *harness);
/* The stage's turn, if it is ready. */
gboolean weir_harness_run_stage (WeirHarness *harness);

/* ---- harness-feed.c ---- */
void weir_harness_make_feed (WeirHarness *harness);
void weir_harness_drop_backlog (WeirHarness *harness);
/* Pushes what has come out of another harness. */
void weir_harness_push_item (WeirHarness *harness, const WeirHarnessItem *item);
/* The test's number of a stream. */
guint32 weir_harness_number (WeirHarness *harness, guint32 stream);

/* ---- harness-taker.c ---- */
WeirHarnessOutput *weir_harness_output_new (WeirHarness *harness, const char *name, guint port, gboolean taken);
void weir_harness_make_taker (WeirHarnessOutput *output);
void weir_harness_output_free (gpointer output);

/* ---- harness-notes.c ---- */
/* Makes harness->role of harness->real. */
void weir_harness_note_calls (WeirHarness *harness);
/* What the feed is told. */
void weir_harness_note_delivered (WeirHarness *harness, const char *origin, WeirOutcome outcome);

/* Appends bytes, those that are not printable in C's way. */
void weir_harness_append_text (GString *text, const guint8 *data, gsize size);
