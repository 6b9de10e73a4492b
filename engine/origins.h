/* SPDX-License-Identifier: Apache-2.0 */
/* origins.h: who waits for the delivery of records (weir/origin.h).
 * An origin is one token of a producer, or a bundle of others, made where records are joined. Contexts refer to it; it is over when the
 * last reference goes, on any thread. A bundle never changes once it is made, and hands its outcome on when it is over. origin.c is
 * what is counted; origins.c what a producer knows of its own; joins.c what a transform joins. */
#pragma once

#include "context.h"

typedef struct _WeirStageOrigins WeirStageOrigins;
typedef struct _WeirJoins WeirJoins;

/* One token. The stage is referred to until it is on the list of those that are over. */
typedef struct _WeirOpened WeirOpened;

struct _WeirOrigin {
  _Atomic gint64 references;
  _Atomic guint32 state;        /* the worst outcome so far, and whether it is over */
  guint32 is_bundle;            /* constant */
  struct _WeirOrigin *released; /* on the way out, in one thread's hands */
};

struct _WeirOpened {
  WeirOrigin origin;
  _Atomic gint32 lives; /* references, the list of those that are over, and the stage until it has told */
  WeirStage *stage;
  gpointer token;
  WeirOpened *next_over; /* on that list */
  /* The stage's worker. */
  WeirOpened *previous, *next; /* of those that are not told, in the order in which they began */
  gboolean is_over, is_told;
};

/* What a stage that has begun one knows. */
struct _WeirStageOrigins {
  _Atomic (WeirOpened *) over; /* newest first; any thread */
  /* The worker. */
  WeirRecord base;          /* what is emitted while one is open inherits; its context is the origin's, or NULL */
  WeirOrigin *under;        /* likewise for records handed on as they are; NULL: none is open */
  WeirOpened *first, *last; /* not told */
  guint64 count;
  WeirOpened *telling, *telling_last; /* taken off the list of those that are over; by next_over */
  WeirOrigin *posted;                 /* of what a thread has handed in and is being emitted; one reference */
};

/* ---- origin.c: any thread ---- */

WeirOpened *weir_opened_new (WeirStage *stage, gpointer token);
void weir_opened_drop (WeirOpened *opened); /* one of its lives */
/* Of references that are taken, none of them NULL; one alone is itself. */
WeirOrigin *weir_origin_bundle (WeirOrigin *const *origins, gsize count);
WeirOrigin *weir_origin_ref (WeirOrigin *origin);
void weir_origin_unref (WeirOrigin *origin);
/* Is the other one it, or the last in it? */
gboolean weir_origin_ends_with (const WeirOrigin *origin, const WeirOrigin *other);
/* Each token in it. */
void weir_origin_each (WeirOrigin *origin, void (*each) (WeirOpened *opened, gpointer data), gpointer data);
/* What became of a record under it: the worst counts. */
void weir_origin_note (WeirOrigin *origin, WeirOutcome outcome);
/* Records under it will not be done any more: it is over now, as abandoned, whoever still refers to it. */
void weir_origin_abandon (WeirOrigin *origin);
static inline WeirOutcome
weir_origin_outcome (WeirOrigin *origin)
{
  return (WeirOutcome) (weir_load_acquire (&origin->state) & 3);
}

struct _WeirLink;

/* What became of a record, before its reference goes. */
static inline void
weir_record_note (const WeirRecord *record, WeirOutcome outcome)
{
  if (G_UNLIKELY (record->context != NULL && record->context->origin != NULL)) {
    weir_origin_note (record->context->origin, outcome);
  }
}

/* The taker of the link has failed: what lies there, or is kept, will not be done. The taker's worker. */
void weir_origins_abandon_queued (struct _WeirLink *link);

/* ---- origins.c: the stage's worker ---- */

/* Begins one that is told as any other; the reference is the caller's. */
WeirOrigin *weir_origins_open (WeirStage *stage, gpointer token);
/* What a helper thread has handed in is emitted between these two, under the token or under none. */
void weir_origins_begin_post (WeirStage *stage, gboolean under, gpointer token);
void weir_origins_end_post (WeirStage *stage);
/* It was handed in and will not be emitted. */
void weir_origins_refuse_post (WeirStage *stage, gpointer token);
/* The output is over, cut short by a stop or not: ends what is open. */
void weir_origins_end_output (WeirStage *stage, gboolean cut_short);
/* Calls delivered() for those that are over. TRUE: there are more. */
gboolean weir_origins_tell (WeirStage *stage);
/* How many are not told? While there are any, the stage is not closed. */
guint64 weir_origins_count (WeirStage *stage);
/* Tells each that is left, as abandoned where it is not over: the stage has failed, or is closed now. No callback runs. */
void weir_origins_abandon (WeirStage *stage);
/* Nobody refers to the stage any more. */
void weir_origins_free (WeirStage *stage);

/* ---- joins.c: the stage's worker ---- */

/* What a record that is emitted has: the tags of one context, the origins of another, and those that the stage has said or that are
 * implied. own: its bytes are the stage's own, and not a record handed on. Borrowed, until the turn ends. */
WeirContext *weir_joins_compose (WeirStage *stage, WeirContext *tagged, WeirContext *base, gboolean own);
/* A record is kept, whose origins what the stage emits outside of consume() carries. */
void weir_joins_keep (WeirStage *stage, const WeirRecord *record);
/* The callback is over for which something was joined. */
void weir_joins_forget_said (WeirStage *stage);
/* A run on a link that carries origins is in the hands of flush(), and no more. */
void weir_joins_flush (WeirStage *stage);
void weir_joins_flushed (WeirStage *stage);
/* At the end of a turn, and behind a dispatch: forgets what it need not know. */
void weir_joins_look (WeirStage *stage);
void weir_joins_free (WeirStage *stage);
