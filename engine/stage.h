/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h: a named instance of a role: its life, its links, and what its turn needs.
 * Made, wired and freed by the pipeline on the main thread; everything else runs on its worker, but for what the public
 * headers allow from any thread. Only the pipeline and the stage's own files (stage.c, life.c, restart.c, takers.c, turn.c,
 * intake.c, emit.c, reject.c, streams.c, post.c, wait.c) look into the struct. */
#pragma once

#include "link.h"
#include "origins.h"
#include "template.h"
#include "worker.h"

#include <string.h>
#include <stdbool.h>
#include <weir/weir.h>

typedef enum { WEIR_PRODUCER, WEIR_TRANSFORM, WEIR_CONSUMER } WeirKind;

extern const char *const weir_kind_names[]; /* "producer", "transform", "consumer" */

typedef enum {
  WEIR_LIFE_NEW,
  WEIR_LIFE_OPEN,     /* open() has answered */
  WEIR_LIFE_DOWN,     /* it has failed, is closed, and will be opened again */
  WEIR_LIFE_STARTING, /* start() answered WAIT */
  WEIR_LIFE_RUNNING,
  WEIR_LIFE_ENDING, /* inputs are over; end() comes, or kept records are still out */
  WEIR_LIFE_ENDED,  /* outputs are over; only close() follows */
  WEIR_LIFE_CLOSED
} WeirLife;

/* The output of rejected records, instead of a port's number. */
#define WEIR_PORT_REJECTED G_MAXUINT

/* What the pipeline asks of a stage, from the main thread. */
enum {
  WEIR_REQUEST_OPEN = 1,
  WEIR_REQUEST_START = 2,
  WEIR_REQUEST_STOP = 4,  /* a producer: emit no more; what it has emitted drains */
  WEIR_REQUEST_DRAIN = 8, /* the pipeline stops: kept records are to be settled */
  WEIR_REQUEST_HALT = 16, /* the deadline has passed: end as you are */
  WEIR_REQUEST_CLOSE = 32,
  WEIR_REQUEST_CONNECTION = 64, /* its connection was asked something */
  WEIR_REQUEST_RESTART = 256,   /* one that is down is to be opened again */
  WEIR_REQUEST_SETTLE = 128     /* it keeps what somebody waits for: settle() once nothing is left to take */
};

/* What a stage tells the pipeline; the handler is called on the stage's worker. */
typedef enum {
  WEIR_STAGE_OPENED,
  WEIR_STAGE_STARTED, /* start() has answered */
  WEIR_STAGE_READY,
  WEIR_STAGE_FAILED, /* stage->failure says why */
  WEIR_STAGE_ENDED,
  WEIR_STAGE_CLOSED /* the last */
} WeirStageEvent;

typedef void (*WeirStageReport) (WeirStage *stage, WeirStageEvent event, gpointer data);

/* Where a stage's time went. */
typedef enum { WEIR_CLOCK_WORKING, WEIR_CLOCK_STARVED, WEIR_CLOCK_BLOCKED, WEIR_CLOCK_WAITING, WEIR_CLOCKS } WeirClock;

/* Most have one link, which needs no list. */
typedef struct {
  WeirLink **links, *only;
  guint count;
} WeirPort;

/* What the produce() that follows WEIR_PRODUCE belongs to. */
typedef enum {
  WEIR_PRODUCES_NOT,
  WEIR_PRODUCES_RECORD, /* the record at hand is done when it is over */
  WEIR_PRODUCES_STREAM, /* end_stream() */
  WEIR_PRODUCES_SETTLE,
  WEIR_PRODUCES_END
} WeirProduces;

typedef struct _WeirPosts WeirPosts;

/* What the ends of an isolated stage see beside the callbacks of a role; all on the stage's worker but the figures, which any
 * thread may ask for. Each function may be NULL. */
typedef struct {
  gboolean ours; /* its role is the engine's, and none of its plugin's code runs here */
  gboolean (*control) (WeirStage *stage, WeirLink *link,
                       const WeirRecord *control); /* is about to be taken; FALSE: it waits */
  void (*join) (WeirStage *stage, WeirLink *link); /* one of a new connection is among its inputs, and open */
  void (*look) (WeirStage *stage);                 /* at the end of each turn */
  void (*stop) (WeirStage *stage);                 /* a producer is to stop: it ends by itself, once all is out */
  void (*drain) (WeirStage *stage);
  void (*halt) (WeirStage *stage);          /* the deadline has passed; before its stop() and close() */
  gboolean (*may_close) (WeirStage *stage); /* FALSE: it lingers until it may */
  void (*renew) (WeirStage *stage);         /* it is about to be opened again; NULL: all of its state is as it was */
  void (*forget) (WeirStage *stage);        /* it is about to be freed */
  void (*figures) (WeirStage *stage, gpointer figures); /* a WeirStageFigures */
  guint64 (*counter) (WeirStage *stage, guint counter);
} WeirElsewhere;

/* Of those stages that wait for time. */
typedef struct {
  WeirTimer halves[WEIR_HALVES], retry, age;
} WeirStageTimers;

typedef struct _WeirRestart WeirRestart;

/* What few stages need. */
typedef struct {
  /* Constant once the pipeline runs. */
  void (*log) (WeirStage *stage, GLogLevelFlags level, const char *text); /* any thread */
  gpointer elsewhere_data;
  WeirRestart *restart; /* NULL: its failure is the pipeline's */
  /* The worker. */
  WeirStageTimers timers;
  GPtrArray *sources; /* NULL: none yet */
  WeirTemplateCache *templates;
  GHashTable *streams; /* number -> WeirContext or NULL; NULL: there is one at most */
  char *rejection;
  WeirStageOrigins *origins; /* of a producer; NULL: it has begun none yet */
  WeirJoins *joins;          /* NULL: it has joined none yet */
  WeirLink *leaving;         /* links that are over, and that a helper thread has its hands on; by next_leaving */
  /* Any thread. */
  GMutex interrupt_lock;
  bool interruptible; /* under the lock */
} WeirStageExtras;

struct _WeirStage {
  /* Constant once the pipeline runs, but for the task's own. */
  WeirTask task;
  _Atomic gint references;
  WeirKind kind;
  char *name, *plugin; /* of a connection's: the template's */
  const WeirRole *role;
  struct _WeirConnections *connections; /* it accepts them, or is of their template and never runs */
  struct _WeirConnection *connection;   /* it belongs to one */
  gpointer self;
  WeirWorker *worker;
  WeirPort *ports;
  WeirPort only_port; /* where there is one */
  WeirPort rejected;
  guint port_count;
  guint template_index;
  GLogLevelFlags log_level; /* messages below are not logged */
  bool listens;             /* it accepts connections */
  bool restarts;            /* may be started again; constant once it runs, as any thread asks for figures of that */
  bool duplex;              /* its two halves pause, wait and end apart (R1, R10) */
  bool logs_apart;          /* to extras->log() */
  gsize record_max;
  const WeirElsewhere *elsewhere; /* it is one that is isolated, or an end of it; NULL: it is not */
  WeirStageReport report;
  gpointer report_data;

  /* Any thread. */
  _Alignas(64) _Atomic guint32 requests;
  _Atomic guint32 woken;      /* bits of WeirHalf */
  _Atomic guint32 releases;   /* some link's slot was given back */
  _Atomic guint32 reasons;    /* links that are full, and WEIR_PAUSED_ bits */
  _Atomic gint64 outstanding; /* kept records not given back */
  WeirReadyLinks ready_links;
  _Atomic (WeirLink *) joining; /* links of new connections */
  _Atomic (WeirLink *) parting; /* links of those that are over */
  _Atomic (WeirPosts *) posts;  /* NULL: nobody has handed anything in */
  _Atomic guint32 post_phase;

  /* The worker. */
  _Alignas(64) WeirLife life;
  bool in_turn, in_pause, refusing, failed;
  bool opened;   /* open() was called, and close() not yet */
  bool at_fault; /* it has failed as it broke a rule, and not by its own word */
  /* For the rest of this callback. */
  guint32 overrides;
  guint32 use_stream;
  guint set_trail;
  bool waits;     /* a callback answered WAIT */
  bool out_waits; /* duplex: its produce() answered WAIT; `waits` is the consuming half's */
  bool told_paused, dirty;
  gint64 set_time;
  WeirContext *set_context;
  const char *set_rejected; /* the reason */
  WeirPort *port;
  gpointer emit_begin;
  gsize emit_begin_size;
  const WeirRecord *current; /* the record at hand */
  const WeirRecord *at_hand; /* of the produce() that follows PRODUCE */
  WeirPacker packer;
  gsize turn_records, turn_bytes;
  gint64 held_us; /* of this turn, at a hard limit */
  gint64 clock_at;
  WeirClock clock;
  WeirHalf half; /* whose callback runs; OUTPUT only in a duplex stage */
  WeirProduces produces;
  guint empty_turns; /* MORE with nothing emitted, in a row */
  WeirLink **inputs, *only_input;
  WeirLink *current_link;
  WeirLink *active, *active_last; /* links with something to take, by next_active */
  guint input_count, inputs_over;
  const WeirRecord *flush_records; /* the run that flush has not finished */
  gsize flush_count;
  WeirLink *flush_link;
  gsize window;
  GArray *pending_ends;  /* NULL: none yet; stream ends to forward once what was taken before them is done */
  gpointer ending_state; /* of end_stream() */
  guint32 ending_stream;
  guint32 only_stream;       /* opened here; 0: none, or several: */
  WeirContext *only_context; /* its own, or NULL */
  int watched;               /* the one descriptor it has waited for, or WEIR_WATCHED_ */
  bool stopping, draining, finishing;
  bool out_finishing, out_over, in_over; /* duplex: the output is to end, has ended; the input has */
  bool finish_posted;                    /* its output is over, but for records that threads have handed in */
  bool lingers;                          /* is not closed behind its end yet */
  bool awaits_connections;               /* its own end, and theirs is still to come */
  bool enough;                           /* consume or flush answered DONE */
  bool input_closed;                     /* and the links are closed for it */
  bool settle_wanted, settle_told, settle_asked;
  bool ready_said, ready_told, end_told, failure_told, refusal_told;
  bool dropping_streams; /* what end_stream() emits is refused without a word */
  char *failure;
  WeirStage *next_dirty;
  WeirStageExtras *extras; /* NULL: none yet; made before the pipeline runs where other threads look there */

  /* Figures: the worker writes, any thread reads. */
  _Atomic guint64 records_in, records_out, bytes_in, bytes_out, rejected_count, errors, refused;
  _Atomic guint64 clocks[WEIR_CLOCKS];
  _Atomic guint64 *counters;
  guint counter_count;       /* constant */
  _Atomic guint32 life_seen; /* WeirLife, for who looks */
};

/* What is inherited where no record is at hand: nothing. */
extern const WeirRecord weir_no_record;

static inline WeirStageOrigins *
weir_stage_origins (const WeirStage *stage)
{
  return stage->extras != NULL ? stage->extras->origins : NULL;
}

static inline WeirJoins *
weir_stage_joins (const WeirStage *stage)
{
  return stage->extras != NULL ? stage->extras->joins : NULL;
}

enum { WEIR_WATCHED_NONE = -1, WEIR_WATCHED_SEVERAL = -2 };

/* Bits of `reasons` beside the count of full links. */
enum { WEIR_PAUSED_OPERATOR = 1 << 30 };

/* Bits of `overrides`. */
enum {
  WEIR_SET_TIME = 1,
  WEIR_SET_CONTEXT = 2,
  WEIR_SET_STREAM = 4,
  WEIR_SET_TRAIL = 8,
  WEIR_SET_PORT = 16,
  WEIR_SET_JOINED = 32, /* whose origins is said */
  /* These outlast a callback. */
  WEIR_SET_ORIGIN = 64, /* an origin is open */
  WEIR_SET_KEPT = 128,  /* what it keeps, or flush() has at hand, may have origins */
  /* Looked at for each emit. */
  WEIR_SET_REJECTED = 256
};
#define WEIR_SET_FOR_LONG (WEIR_SET_ORIGIN | WEIR_SET_KEPT)
#define WEIR_SET_ORIGINS (WEIR_SET_JOINED | WEIR_SET_ORIGIN | WEIR_SET_KEPT)

static inline WeirStage *
weir_stage_of_task (WeirTask *task)
{
  return (WeirStage *) ((guint8 *) task - offsetof (WeirStage, task));
}

static inline gboolean
weir_stage_paused (WeirStage *stage)
{
  return weir_load_relaxed (&stage->reasons) != 0;
}

/* Does a link of .rejected keep it paused? */
gboolean weir_stage_rejected_full (WeirStage *stage);

/* Gets it no input? The producing half of a duplex stage pauses alone. */
static inline gboolean
weir_intake_paused (WeirStage *stage)
{
  return weir_stage_paused (stage) && (G_LIKELY (!stage->duplex) || weir_stage_rejected_full (stage));
}

/* ---- the pipeline, main thread ---- */

/* state is taken; options have been filled in. */
WeirStage *weir_stage_new (const char *name, WeirKind kind, const char *plugin, const WeirRole *role, gpointer self);
void weir_stage_set_worker (WeirStage *stage, WeirWorker *worker);
/* Makes a copy of one of a template, with its options; both places are zeroed, and stay the caller's. state: for what the role
 * keeps, and the counters behind it. It borrows the names. */
#define WEIR_STATE_ALIGNMENT 16u
gsize weir_stage_state_size (const WeirStage *original);
void weir_stage_copy (WeirStage *stage, gpointer state, const WeirStage *original);
/* Sets a link's ends, all but the input of `to`. A stage of a template has no worker. */
void weir_stage_wire (WeirLink *link, WeirStage *from, guint port, WeirStage *to);
void weir_stage_add_input (WeirStage *stage, WeirLink *link);
void weir_stage_free (WeirStage *stage); /* one that nobody refers to */
void weir_stage_request (WeirStage *stage, guint32 request);
/* Breaks the block of a BLOCKING role's callback, if there is one. */
void weir_stage_interrupt (WeirStage *stage);
/* Worker: whether it may be, from now on. */
void weir_stage_set_interruptible (WeirStage *stage, gboolean interruptible);
/* The stage whose interrupt() the calling thread is in, or NULL; for crash reports. */
WeirStage *weir_stage_interrupting (void);

/* Made at first use. Worker. */
WeirStageExtras *weir_stage_extras (WeirStage *stage);
void weir_stage_free_extras (WeirStage *stage);
/* Where its messages go, from any thread; NULL: to the program's log. Before it runs, or when it is closed. */
void weir_stage_set_log (WeirStage *stage, void (*log) (WeirStage *stage, GLogLevelFlags level, const char *text));

/* ---- stage.c: small things that the other files share; worker ---- */

/* Names the callback for crash reports; NULL: back in the engine. What is no callback of the role's is said in words. */
static inline void
weir_stage_enter (WeirStage *stage, const char *callback)
{
  weir_store_relaxed (&stage->worker->callback, callback);
}
#define WEIR_IN_CALL "a call handed in"
#define WEIR_IN_SOURCE "a source of its own"
static inline gboolean
weir_callback_is_named (const char *callback)
{
  return strchr (callback, ' ') == NULL;
}
/* After each callback: what was set for it is over. */
void weir_stage_clear_overrides (WeirStage *stage);
static inline void
weir_stage_leave (WeirStage *stage)
{
  if (G_UNLIKELY (stage->overrides != 0)) {
    weir_stage_clear_overrides (stage);
  }
}
/* Publishes what all links have and wakes their takers. */
void weir_stage_publish (WeirStage *stage);
void weir_stage_mark_dirty (WeirStage *stage);
/* Likewise of wait.c: halves of it look again. Any thread. */
void weir_stage_wake_halves (gpointer stage, guint32 halves);

/* What a rejection without a reason says. */
static inline const char *
weir_stage_rejection (WeirStage *stage)
{
  return stage->extras != NULL && stage->extras->rejection != NULL ? stage->extras->rejection : "no reason given";
}
/* The answer of a callback other than MORE: FALSE, and the stage has failed by name, where it is not among the bits 1 << answer
 * that are allowed, or is a FAIL that says nothing. */
#define WEIR_CAN(answer) (1u << (answer))
gboolean weir_stage_check_answer (WeirStage *stage, const char *callback, WeirNext next, guint32 allowed);

/* ---- turn.c ---- */

/* A turn is bounded: 1,024 records, 1 MiB or 200 microseconds; for a BLOCKING role, one callback. */
typedef struct {
  gint64 start, marked; /* monotonic, microseconds; marked: the clock when it was last read */
  guint callbacks;      /* since then */
  gboolean slow;        /* the last 64 callbacks took more than 64 microseconds */
} WeirTurn;

/* Counts a callback. TRUE: the turn is used up. */
gboolean weir_turn_used (WeirStage *stage, WeirTurn *turn);
/* R5: produce() has answered MORE and emitted nothing, which goes to the tail of the run queue, and from the 16th in a row is
 * retried by a timer, and counted. */
void weir_turn_empty (WeirStage *stage);
/* After a dispatch in which the stage emitted: publishes, and what was set for the callback is over. */
void weir_turn_publish_dirty (WeirStage *stage);
gint64 weir_stage_turn (WeirStage *stage); /* one bounded turn; answers the time, monotonic microseconds */

/* ---- life.c ---- */
void weir_life_set (WeirStage *stage, WeirLife life);
/* These call open() and start(); what they answer is in `failed` and `ready_said`. */
void weir_life_call_open (WeirStage *stage);
void weir_life_call_start (WeirStage *stage);
/* Calls close(), once behind open(), and forgets whatever would wake the stage, or is of its own making. */
void weir_life_release (WeirStage *stage);
void weir_life_requests (WeirStage *stage, guint32 requests);
/* start() has answered, and the stage may be ready by now: runs calls handed in, and looks. TRUE: there are more. */
gboolean weir_life_starting (WeirStage *stage);
/* The stage has failed (stage->failure says why): reports, closes its links, ends. */
void weir_life_fail (WeirStage *stage);
/* The outputs are over; by itself, or halted. */
void weir_life_end (WeirStage *stage);
/* The stage has said that its output is over; the turn that follows sees to it. */
void weir_life_finish_output (WeirStage *stage);
/* A duplex stage whose output is over: ends it, and the stage where the input is over too. */
void weir_life_end_output (WeirStage *stage);
/* Closes it, where its outputs are over and it does not linger. */
void weir_life_close_ended (WeirStage *stage);
/* R16: nobody is left to take what it makes; its inputs are closed: as WEIR_LINK_FAILED, where a taker has failed. */
void weir_life_stop (WeirStage *stage, guint32 closed);
/* Inputs are over: calls end() and ends the outputs when nothing is kept. */
void weir_life_finish (WeirStage *stage);

/* ---- restart.c ---- */
/* "on_error": "restart". first: how long it is down the first time, at most; microseconds. Before the pipeline runs. */
#define WEIR_RESTART_FIRST (100 * (gint64) 1000)
void weir_restart_enable (WeirStage *stage, gint64 first);
void weir_restart_free (WeirRestart *restart);
/* It has failed, or is about to: is it to begin anew? */
gboolean weir_restart_applies (WeirStage *stage);
/* Closes a stage that has failed; what it has not done is back on its links, and it is opened again after a while. */
void weir_restart_fall (WeirStage *stage);
void weir_restart_open (WeirStage *stage);   /* one that is down, as was requested */
void weir_restart_hurry (WeirStage *stage);  /* one that is down does not wait any longer */
void weir_restart_disarm (WeirStage *stage); /* it is not opened again */
/* How often it was opened again, and how many records were handed out again. Any thread. */
guint64 weir_restart_count (WeirStage *stage);
guint64 weir_restart_redelivered (WeirStage *stage);

/* ---- takers.c ---- */
gboolean weir_life_has_taker (WeirStage *stage); /* is anybody left to take what it makes, or does it end by itself? */
void weir_life_check_takers (WeirStage *stage);  /* looks whether a taker has had enough */

/* ---- intake.c ---- */
void weir_intake_collect (WeirStage *stage); /* ready links become active; releases are noticed */
/* Takes and hands on until the turn is used up; TRUE: there is more to do right away. */
gboolean weir_intake_run (WeirStage *stage, WeirTurn *turn);
/* Advances done, moves rejected slots, forwards stream ends. */
void weir_intake_done (WeirStage *stage, WeirLink *link);
/* So many records are taken; the first `flush` of them are handed to flush(), where there is one. */
void weir_intake_took (WeirStage *stage, WeirLink *link, const WeirRecord *records, gsize taken, gsize bytes,
                       gsize flush);
void weir_intake_append (WeirStage *stage, WeirLink *link); /* to the active list */
void weir_intake_notice (WeirStage *stage, WeirLink *link); /* what was given back meanwhile */

/* ---- produce.c ---- */
/* A callback has answered PRODUCE. */
void weir_intake_begin_produce (WeirStage *stage, WeirProduces produces, const WeirRecord *at_hand,
                                const char *callback);
gboolean weir_intake_produce (WeirStage *stage, WeirTurn *turn); /* one produce(); TRUE: the turn is over */

/* ---- enough.c ---- */
/* Input is no longer wanted: closes all inputs and drops what lies in them, or, as WEIR_LINK_FAILED, abandons it and leaves it there. */
void weir_intake_close (WeirStage *stage, guint32 closed);
/* Drops what still comes on links that are closed that way. */
void weir_intake_discard (WeirStage *stage);
/* A run of this link that flush() has not finished is dropped. */
void weir_intake_discard_run (WeirStage *stage, WeirLink *link, WeirDropReason reason);
gboolean weir_intake_holds_rejected (WeirStage *stage, WeirLink *link); /* rejected slots wait for room on .rejected */
void weir_intake_enough (WeirStage *stage);                             /* a callback has answered DONE */

/* ---- settle.c ---- */
void weir_intake_settle (WeirStage *stage);

/* ---- reject.c ---- */
/* Sends a record to NAME.rejected; where nobody takes that, the stage has failed. */
void weir_reject_record (WeirStage *stage, const WeirRecord *record, const char *reason);
/* Sends on what another process has rejected; its tags say why. */
void weir_reject_forward (WeirStage *stage, const WeirRecord *record);

/* ---- streams.c ---- */
/* Numbers of this process have these bits; an isolated one's have the other, too, so that the numbers of both can be told apart. */
#define WEIR_STREAM_NUMBERS 0x7fffffffu
#define WEIR_STREAM_ELSEWHERE 0x80000000u
extern guint32 weir_streams_side; /* 0 or WEIR_STREAM_ELSEWHERE; set before there is a stream */
extern guint32 weir_streams_last; /* the number given last, under a lock; a test sets it near its wrap */
/* Ends one stream's state on a link. TRUE: over, or there was none; FALSE: it waits or produces. */
gboolean weir_streams_end (WeirStage *stage, WeirLink *link, guint32 stream);
/* Is it open here? Its context is borrowed. */
gboolean weir_streams_find (WeirStage *stage, guint32 stream, gpointer *context);
/* The first stream that still has state on the link; FALSE: none. */
gboolean weir_streams_any (WeirLink *link, guint32 *stream);
/* The produce() behind end_stream() is over. */
void weir_streams_produced (WeirStage *stage);
/* The stage is over: frees the states on a link, and forgets the streams it has opened. */
void weir_streams_free_states (WeirStage *stage, WeirLink *link);
void weir_streams_forget_all (WeirStage *stage);
/* Ends the streams that it has opened, behind what it has emitted of them. */
void weir_streams_end_own (WeirStage *stage);
/* Those that are left on a link go without a word to the role. */
void weir_streams_drop_states (WeirLink *link);

/* ---- outputs.c ---- */
/* A link that is full is among the reasons to pause, once. */
static inline void
weir_outputs_count (WeirStage *stage, WeirLink *link)
{
  if (G_UNLIKELY (weir_load_relaxed (&link->full) != 0) && !link->counted) {
    link->counted = TRUE;
    atomic_fetch_add_explicit (&stage->reasons, 1, memory_order_relaxed);
  }
}

/* Puts one record on a link of this stage, holding at the hard limit and pausing as the rules say. */
void weir_outputs_put (WeirStage *stage, WeirLink *link, const WeirRecord *record);
/* Puts a control entry on all links, or on those of the ports alone. */
void weir_outputs_control (WeirStage *stage, WeirControl control, guint32 stream);
void weir_outputs_control_ports (WeirStage *stage, WeirControl control, guint32 stream);
void weir_outputs_control_port (WeirStage *stage, WeirPort *port, WeirControl control, guint32 stream);
/* Reads done again on full links; resumes when no reason is left. */
void weir_outputs_recheck (WeirStage *stage);
/* Calls pause() or resume() if the set of reasons has become non-empty or empty. */
void weir_outputs_tell (WeirStage *stage);
/* Every link, also of .rejected. */
void weir_outputs_each (WeirStage *stage, void (*each) (WeirStage *stage, WeirLink *link));

/* ---- post.c ---- */
void weir_posts_open (WeirStage *stage);
gboolean weir_posts_run (WeirStage *stage);    /* TRUE: there are more that can be taken now */
void weir_posts_close (WeirStage *stage);      /* no more records are taken; whoever waits is told FALSE */
gboolean weir_posts_finish (WeirStage *stage); /* no more are taken; TRUE: there are some left, to be emitted first */
void weir_posts_end (WeirStage *stage);        /* the stage closes: no more calls either */
void weir_posts_renew (WeirStage *stage);      /* it is opened again */
void weir_posts_free (WeirStage *stage);
/* The stage is no longer paused: whoever waits looks again. */
void weir_posts_look_again (WeirStage *stage);
