/* SPDX-License-Identifier: Apache-2.0 */
/* link.h: the bounded queue between two stages: single producer, single consumer, three cursors.
 * The producer's worker appends (put) and owns the pause reason; the taker's worker takes (taken) and advances what is
 * released (done), drops references and frees segments. Level, marks and pause state belong to the link; the ring of
 * segments is dumb. Made and freed by the pipeline. Rules R1 to R4, R11, R12, R14 of docs/design.md. */
#pragma once

#include "buffer.h"
#include "clock.h"
#include "context.h"
#include "packer.h"
#include "runqueue.h"
#include "segment.h"

#include <stdbool.h>

typedef enum { WEIR_WHEN_FULL_PAUSE, WEIR_WHEN_FULL_DROP_NEWEST, WEIR_WHEN_FULL_DROP_OLDEST } WeirWhenFull;

/* Queue limits as configured; 0: no limit of that kind. */
typedef struct {
  guint64 records, bytes;
  gint64 age;       /* microseconds */
  double low, hard; /* ratios of each limit */
  WeirWhenFull when_full;
} WeirQueueSettings;

/* clang-format off */
#define WEIR_QUEUE_DEFAULTS { 4096, 1024 * 1024, 0, 0.5, 2.0, WEIR_WHEN_FULL_PAUSE }
/* clang-format on */

/* One limit, resolved; high G_MAXUINT64: none. */
typedef struct {
  guint64 low, high, hard;
} WeirMarks;

/* What a link may hold. Constant; the copies of a link that stands in a template share it. */
typedef struct {
  WeirQueueSettings settings;
  WeirMarks records, bytes, pinned, age;
  guint64 eighth, quarter, quarter_bytes; /* of high; eighth 0: too small for the put line's manners */
  guint64 sparse;                         /* pinned bytes from which on sparse runs are copied */
} WeirLimits;

typedef enum {
  WEIR_DROP_FULL,
  WEIR_DROP_EXPIRED,
  WEIR_DROP_TAKER_FINISHED,
  WEIR_DROP_REFUSED,
  WEIR_DROP_CONNECTION_LOST, /* what was queued in a connection that broke */
  WEIR_DROP_HELD,            /* drop_oldest: all that is queued is in the taker's hands */
  WEIR_DROP_REASONS
} WeirDropReason;

/* What most links never count. */
typedef struct {
  _Atomic guint64 dropped_put[WEIR_DROP_REASONS];                /* the producer's worker */
  _Atomic guint64 pauses, resumes, paused_us, paused_since;      /* likewise */
  _Alignas(64) _Atomic guint64 dropped_taken[WEIR_DROP_REASONS]; /* the taker's worker */
} WeirTally;

extern const char *const weir_drop_reason_names[WEIR_DROP_REASONS];

typedef struct _WeirFront WeirFront;

/* The taking end's list of links that have something to look at. */
typedef struct {
  _Atomic (WeirLink *) head;
} WeirReadyLinks;

/* How the taking end is over. */
enum {
  WEIR_LINK_OPEN = 0,
  WEIR_LINK_FINISHED /* the taker had enough (R16) */,
  WEIR_LINK_FAILED /* the taker is gone */
};

typedef struct _WeirRejection {
  struct _WeirRejection *next;
  const WeirRecord *slot;
  char *reason;
} WeirRejection;

/* What it is called, and where it stands. Constant; the copies of a link that stands in a template share it. */
typedef struct {
  char *name;
  struct _WeirConnections *connections; /* whose template it stands in; NULL: in none */
  guint template_index, from_port;
} WeirLinkIdentity;

/* What the taking end of few links needs, all of them in a pipeline of which there is one; but for next_joining and next_leaving the taker's worker's. */
typedef struct {
  struct _WeirStreamState *state; /* of a joining role: looked up last; while there is no tree, the only one */
  GTree *states;                  /* stream -> state, in the order of their numbers; NULL: there has been one at most */
  WeirRejection *reasons;         /* of rejected slots that done has not come to */
  guint64 given_up;               /* one more than where what was dropped untaken begins; 0: nothing was */
  guint64 granted, granted_base;  /* of a held link: done goes no further; and where what holds it began to count */
  guint64
    rewound_from; /* up to there, slots that are to be taken may have been given back before (weir_link_rewind()) */
  void (*on_done) (WeirLink *link, gpointer data);
  gpointer on_done_data;
  guint input_index; /* in the taking stage's inputs; of those that are no copies, or may leave */
  /* Of a connection's link to a shared stage. */
  WeirLink *next_joining;
  WeirLink *next_leaving; /* parting, and then leaving */
  bool parted, leaving;   /* nobody of its connection touches it any more; it is on the list of the taking stage */
} WeirLinkExtras;

struct _WeirLink {
  /* Constant once the pipeline runs. */
  WeirStage *from;            /* the stage; the link never looks into it */
  WeirTask *producer, *taker; /* the stages' tasks */
  WeirReadyLinks *taker_links;
  WeirPacker *packer; /* of the emitting stage */
  WeirPool *pool;     /* of the producer's worker; for a drop_oldest link, of the taker's */
  const WeirLimits *limits;
  WeirFront *front; /* drop_oldest only; then all fields of the producer's worker below are the taker's worker's */

  /* The producer's worker. */
  _Alignas(64) guint64 put_private;
  WeirSegment *put_segment;
  WeirRecord *put_records;
  _Atomic guint8 *put_states;
  guint32 put_index, put_slots;
  gint64 put_countdown; /* records until the slow path: a publication, or full */
  gint64 put_room;      /* bytes until the slow path */
  WeirBuffer *run_buffer;
  guint32 run_start; /* where the run of run_buffer began in the segment */
  bool ended;        /* END is in */
  bool rare;         /* put_slots is held down to put_index, so that every put takes the rare path */
  bool dropping;     /* drop_newest, at high */
  bool handed_over;  /* the taker may free the segment that put stands in */
  guint64 run_bytes; /* put_bytes_private then */
  gconstpointer pinned_buffer, pinned_before; /* the buffer counted last, and before this run; only compared */
  WeirPacker *copies;                         /* sparse runs are copied into its buffers; NULL: none yet */
  WeirContext *run_context;
  guint64 put_bytes_private, put_pinned_private, controls_private;
  guint64 done_seen, done_bytes_seen, done_pinned_seen; /* cached */
  guint64 woken_at, woken_bytes;
  GHashTable *gap_streams; /* drop_newest: streams whose next record gets GAP; NULL: none */
  GArray *stamps;          /* links with an age limit: one a publication */

  /* Written by the producer's worker, read by the taker. */
  _Alignas(64) _Atomic guint64 put;
  _Atomic guint64 put_bytes, put_pinned;
  _Atomic guint32 full; /* the link's pause reason */
  bool counted;       /* among the reasons of the producing stage; only its worker looks, also where there is a front */
  WeirSegment *fresh; /* where slot `fresh_at` lies, when the ring was empty before it; handed over by put */
  guint64 fresh_at;
  _Atomic guint64 handed_at; /* put, while the idle producer lets the taker free the segment put stands in; 0: no */
  _Atomic guint64 controls_put;

  /* Written by the taker's worker. */
  _Alignas(64) _Atomic guint64 done;
  _Atomic guint64 done_bytes, done_pinned;
  _Atomic guint32 closed; /* WEIR_LINK_ */
  bool over;              /* END was taken */
  bool held;              /* done goes no further than extras->granted: another process has what was taken */
  bool tells_done;        /* extras->on_done() is called behind each publication of done */
  guint8 discarded_as;    /* WeirDropReason */
  _Atomic guint64 controls_done;
  _Atomic guint64 peak_records, peak_bytes, peak_pinned;
  guint64 taken, taken_bytes, put_seen, controls_taken;
  WeirSegment *take_segment, *done_segment;
  guint32 take_index, done_index;
  guint64 done_private, done_bytes_private, done_pinned_private, pinned_now;
  guint64 kept;          /* slots between done and taken that are kept */
  guint64 discarded;     /* slots before taken that were dropped and are not done yet, as a kept one lies before them */
  WeirLink *next_active; /* on the taking stage's own list */
  const WeirRecord *gap_ended; /* the GAP record whose stream's state was ended */
  WeirLinkExtras *extras;      /* NULL: none yet */

  /* Both sides; and what is constant, but seldom looked at. */
  _Alignas(64) _Atomic (WeirTally *) tally; /* NULL: nothing is in it */
  _Atomic guint32 ready;                    /* on the taker's ready or active list */
  bool is_copy, borrows_limits;             /* constant */
  _Atomic guint8 carries;                   /* a record with an origin has been put */
  WeirLink *next_ready;
  _Atomic guint32 released; /* a slot was given back */
  _Atomic guint32 giving;   /* threads that are giving one back right now; counted where the link may leave */
  _Atomic (struct _WeirRejection *) rejections;
  WeirStage *to;                      /* constant; the link never looks into it */
  struct _WeirConnection *connection; /* constant; it leads from that one to a shared stage */
  WeirLinkIdentity *identity;
};

/* The connections it stands for, as it is of their template and never runs itself; NULL: none. */
static inline struct _WeirConnections *
weir_link_stands_for (const WeirLink *link)
{
  return link->is_copy ? NULL : link->identity->connections;
}

/* The taker's worker, or whoever makes the link; made at first use. */
WeirLinkExtras *weir_link_extras (WeirLink *link);
/* What was put from there on is dropped untaken. */
void weir_link_note_given_up (WeirLink *link, guint64 from);
/* Either end's worker; made at first use. */
WeirTally *weir_link_tally (WeirLink *link);
/* The producer's worker: it is paused, or resumes, for this link. */
void weir_link_tell_pause (WeirLink *link);
void weir_link_tell_resume (WeirLink *link);

/* FALSE: *message says which limits contradict each other. */
gboolean weir_queue_settings_check (const WeirQueueSettings *settings, char **message);

WeirLink *weir_link_new (const char *name, const WeirQueueSettings *settings);
/* A copy of one of a template: limits and identity, which it borrows; not wired. The place is zeroed, aligned to 64, and stays the
 * caller's. */
WeirLink *weir_link_copy (gpointer place, const WeirLink *original);
void weir_link_free (WeirLink *link); /* both ends parked */
/* Before it is used: somebody else bounds what it holds. sparse: pinned bytes from which on sparse runs are copied. */
void weir_link_lift_limits (WeirLink *link, guint64 sparse);
/* For a drop_oldest link, once its ends, its pool and its packer are set: these become the taker's. */
void weir_link_use_front (WeirLink *link, WeirPool *takers_pool);

/* ---- the producer's worker ---- */

void weir_link_put_slow (WeirLink *link);
gboolean weir_link_put_rare (WeirLink *link, const WeirRecord *record);
void weir_link_run_buffer (WeirLink *link, WeirBuffer *buffer);
void weir_link_run_context (WeirLink *link, WeirContext *context);

/* Appends one record; its references are taken by run. The caller looks at link->full afterwards. */
static inline void
weir_link_put (WeirLink *link, const WeirRecord *record)
{
  if (G_UNLIKELY (link->put_index == link->put_slots)) {
    WeirRecord copy = *record; /* so that the caller's need not lie in memory */
    if (weir_link_put_rare (link, &copy)) {
      return;
    }
  }
  if (G_UNLIKELY (record->buffer != link->run_buffer)) {
    weir_link_run_buffer (link, record->buffer);
  }
  if (G_UNLIKELY (record->context != link->run_context)) {
    weir_link_run_context (link, record->context);
  }
  link->put_records[link->put_index++] = *record;
  link->put_private++;
  gsize bytes = record->size + record->trail;
  link->put_bytes_private += bytes;
  link->put_room -= bytes;
  if (--link->put_countdown <= 0 || link->put_room <= 0) {
    weir_link_put_slow (link);
  }
}

/* Appends records side by side, sizes[i] bytes each with the trail, alike but for that, until the link is full. record: the first;
 * it moves on. The answer is how many: at least one. */
gsize weir_link_put_many (WeirLink *link, WeirRecord *record, const guint32 *sizes, gsize count);
/* Appends a control entry: never refused, never dropped. */
void weir_link_put_control (WeirLink *link, WeirControl control, guint32 stream);
/* Closes the runs and publishes all that was put. */
void weir_link_publish (WeirLink *link);
/* Publishes, and makes the taker ready if there is anything for it. */
void weir_link_publish_and_wake (WeirLink *link);
/* Reads done again. TRUE: the link's reason to pause was set and is gone. */
gboolean weir_link_recheck (WeirLink *link);
gboolean weir_link_at_low (WeirLink *link);
/* Neither records nor bytes nor pinned bytes have reached the hard limit. Reads done again where the seen one says so. */
gboolean weir_link_below_hard (WeirLink *link);
guint64 weir_link_room (WeirLink *link); /* records until high */
/* The producer has nothing to do for now: gives the ring's last segment away once it is drained. */
void weir_link_put_idle (WeirLink *link);
/* For a link with an age limit: when its oldest record becomes too old, monotonic microseconds; 0: nothing is waiting. */
gint64 weir_link_age_deadline (WeirLink *link);
/* The oldest record is too old: sets the reason, as a put at high does. */
void weir_link_age_full (WeirLink *link);

/* ---- the taker's worker ---- */

/* Puts the link on its taker's ready list, if it is not there, and makes the taker ready. Any thread. */
void weir_link_make_ready (WeirLink *link);
/* Empties a ready list, oldest first. */
WeirLink *weir_ready_links_take (WeirReadyLinks *links);
/* Looks at put: how many slots can be taken, control entries counted. */
guint64 weir_link_look (WeirLink *link);
/* Records of one segment that can be taken in one run, at most `most`; 0: a control entry is next, or nothing. */
gsize weir_link_peek (WeirLink *link, WeirRecord **records, gsize most);
/* The control entry that is next, or NULL. */
const WeirRecord *weir_link_peek_control (WeirLink *link);
void weir_link_take (WeirLink *link, gsize count, gsize bytes);
/* Whoever took what is not done has gone, and nobody holds any of it: it will be taken once more, but for what was given back.
 * Answers how many records, and whether the link's end is among it. */
guint64 weir_link_rewind (WeirLink *link, gboolean *end);
/* Advances done over all that is taken and not kept, publishes it and makes a paused producer ready at low. */
void weir_link_done (WeirLink *link);
/* Nothing to take: leave the ready list. FALSE: something has come meanwhile, it is still on it. */
gboolean weir_link_take_idle (WeirLink *link);
/* Takes and drops all that is published, counted under the reason. */
void weir_link_discard (WeirLink *link, WeirDropReason reason);
/* The last so many that were taken were given up at hand: they count as dropped once they are done, but for those that are kept. */
void weir_link_discard_taken (WeirLink *link, gsize count, WeirDropReason reason);
/* The taker takes no more: closed is WEIR_LINK_FINISHED or _FAILED. */
void weir_link_close (WeirLink *link, guint32 closed);
/* The slot that done stands at, if it was given back as rejected and is still to be moved; else NULL. */
WeirRecord *weir_link_rejected_slot (WeirLink *link);
char *weir_link_take_reason (WeirLink *link, const WeirRecord *slot); /* owned by the caller */
void weir_link_finish_rejected (WeirLink *link, const WeirRecord *slot);

/* ---- figures: any thread; exact only where both ends are parked ---- */

typedef struct {
  guint64 in, out, queued, dropped, dropped_by[WEIR_DROP_REASONS];
  guint64 bytes_in, bytes_out, pauses, resumes, peak_records, peak_bytes, peak_pinned, level_bytes;
  gint64 paused_us;
  gboolean paused;
} WeirLinkFigures;

void weir_link_figures (WeirLink *link, WeirLinkFigures *figures);
/* Records and control entries between done and put, without what is in a front. The taker's worker, or both ends parked. */
typedef void (*WeirLinkEach) (WeirRecord *record, guint8 state, gpointer data);
void weir_link_each_queued (WeirLink *link, WeirLinkEach each, gpointer data);
/* Likewise between done and taken. The taker's worker. */
void weir_link_each_taken (WeirLink *link, WeirLinkEach each, gpointer data);
/* Records between done and put, counted by walking the slots. Both ends parked. */
guint64 weir_link_count_queued (WeirLink *link);
/* R12: counts them that way, and compares; a mismatch ends the program. Both ends parked. Answers how many there are. */
guint64 weir_link_check_ledger (WeirLink *link);
/* Both ends parked, for good: what is kept will not be given back, and counts as dropped with all else that is queued. */
void weir_link_abandon (WeirLink *link, WeirDropReason reason);
