/* SPDX-License-Identifier: Apache-2.0 */
/* fakes.h: strict fake stages in a real pipeline, for the tests of the rules.
 * A script says what a fake does in its callbacks; around each call the fake checks that the call is legal (in the order of a
 * stage's life, on one thread, one at a time, pause and resume alternating, nothing behind stop or close) and notes it. An
 * illegal one fails the test at once. Scripts run on the fake's worker; rig_ functions on the main thread. */
#pragma once

#include "pipeline.h"

#include <check.h>
#include <pthread.h>

typedef struct _Rig Rig;
typedef struct _Fake Fake;
typedef void (*FakeAct) (Fake *fake);
typedef void (*FakeActWith) (Fake *fake, gint64 number);

/* NULL: start, open, pause, resume, end, stop and close are there all the same, and only noted; the others are not. */
typedef struct {
  WeirNext (*open) (Fake *fake);
  WeirNext (*start) (Fake *fake);
  WeirNext (*produce) (Fake *fake);
  void (*pause) (Fake *fake);
  void (*resume) (Fake *fake);
  WeirNext (*consume) (Fake *fake, const WeirRecord *record);
  WeirNext (*flush) (Fake *fake, const WeirRecord *records, gsize count);
  WeirNext (*settle) (Fake *fake);
  WeirNext (*end_stream) (Fake *fake, gpointer state);
  WeirNext (*end) (Fake *fake);
  void (*delivered) (Fake *fake, const char *token, WeirOutcome outcome);
  void (*stop) (Fake *fake);
  void (*close) (Fake *fake);
  void (*interrupt) (Fake *fake);
  const char *const *ports, *const *counters;
  gsize stream_size;
  guint flags;
  gboolean deaf; /* the role has no pause() and no resume() */
} Script;

struct _Fake {
  Rig *rig;
  const char *name;
  WeirStage *stage; /* of a connection's fake: valid until close() */
  const Script *script;
  /* The script's own. */
  gint64 next, most;
  gpointer data;
  Fake *other;
  GPtrArray *kept;                       /* of WeirRecord *, as fake_keep() adds them */
  _Atomic gboolean quiet;                /* produce, consume and flush are checked, but not noted */
  gboolean restarts, restarts_at_once;   /* see rig_restarts(); else when it is asked to */
  gboolean refused;                      /* the last fake_emit() answered FALSE */
  pthread_t thread;                      /* a helper thread */
  _Atomic gint64 counted, flag, allowed; /* allowed: what a valve may take */
  _Atomic gint64 told[4];                /* by WeirOutcome: how many origins are over */

  /* The checks'. */
  WeirRole role;
  Fake *of; /* what stands for it in the template, of a connection's fake */
  guint connection;
  GString *events;
  pthread_t worker;
  gboolean has_worker, paused, enough, ended, output_ended, stopped, closed, started, opened, emitting, end_told;
  _Atomic guint32 depth;
  GHashTable *tokens; /* begun and not told, and how often; under the rig's lock */
};

struct _Rig {
  WeirPipeline *pipeline;
  GPtrArray *fakes;
  pthread_mutex_t lock; /* of journal, events and words */
  GString *journal;     /* "name.event" of all fakes but the quiet calls */
  GStringChunk *words;  /* tokens of origins */
  WeirResult result;
  char *failure; /* "name: message", the first */
  gboolean ready, late, over;
  char *stuck;          /* "name: callback", the first */
  _Atomic gint64 peers; /* handed over and not freed */
};

Rig *rig_new (void);
void rig_free (Rig *rig); /* checks that each opened fake was closed once, and that every ledger balances */
Fake *rig_add (Rig *rig, const char *name, WeirKind kind, const Script *script, const char *thread);
/* A fake that is no stage yet, and the state that a stage of it gets. */
Fake *fake_new (Rig *rig, const char *name, const Script *script);
gpointer fake_state (Fake *fake);
/* It begins anew when it has failed ("on_error": "restart"), at once; each of its lives is checked for itself. */
void rig_restarts (Fake *fake);
/* Limits: records, low one half, hard twice. */
WeirLink *rig_link (Rig *rig, Fake *from, Fake *to, guint64 records);
WeirLink *rig_link_with (Rig *rig, Fake *from, guint port, Fake *to, WeirQueueSettings settings);
WeirQueueSettings queue_of (guint64 records);

/* ---- connections (rig-connections.c) ---- */

/* A producer that listens, with the script of its own and that of the first stage of each connection. */
Fake *rig_listen (Rig *rig, const char *name, const Script *listening, const Script *script);
/* A stage that each connection has; the fakes of the connections are made when they are opened, and copy its `most`, `allowed`
 * and `data`. */
Fake *rig_template (Rig *rig, Fake *listener, const char *name, WeirKind kind, const Script *script);
/* Runs the main loop until the connection of that number, from 1, has opened its fake of that one. */
Fake *rig_peer (Rig *rig, Fake *of, guint connection);
/* Runs the main loop until so many connections are alive. */
void rig_until_alive (Rig *rig, Fake *listener, guint alive);
/* On the listener's worker: hands over one more peer, "peer-NUMBER"; `next` counts them. */
gboolean fake_accept (Fake *listener);
/* Accepts as many as it is allowed in all, and at most `most` at a time (0: any number). */
extern const Script listening;
/* Makes the fake of one connection out of what stands for it; on its worker, in open(). */
Fake *fake_of_connection (Fake *of, WeirStage *stage);

void rig_start (Rig *rig);
void rig_begin (Rig *rig); /* starts, and runs the main loop until all stages are ready */
void rig_stop (Rig *rig);
/* Runs the main loop until it is over. */
WeirResult rig_finish (Rig *rig);
WeirResult rig_run (Rig *rig); /* start and finish */
/* Runs the main loop until holds (data) is TRUE, asked after every note of a fake and every event. */
void rig_until (Rig *rig, gboolean (*holds) (gpointer data), gpointer data);
void rig_until_noted (Rig *rig, Fake *fake, const char *event, guint times);
void rig_until_flag (Rig *rig, Fake *fake, gint64 flag); /* fake->flag is at least that */
/* Until the fake waits at a hard limit; there is no event for it, so this looks again and again. */
void rig_until_held (Rig *rig, Fake *fake);

/* Has the fake do something on its worker, as a push producer does. Returns at once. */
void fake_do (Fake *fake, FakeAct act);
void fake_do_with (Fake *fake, FakeActWith act, gint64 number);
/* Likewise, notes the word there (NULL: nothing), and runs the main loop until that is done: what the fake was ready for is
 * over then. */
void fake_look (Fake *fake, const char *word);
/* Sets or takes away the operator's reason to pause. */
void fake_operator_pauses (Fake *fake, gboolean pause);
void fake_allow (Fake *fake, gint64 allowed); /* a valve takes that many in all */

/* What a fake has noted so far, separated by blanks. */
char *fake_events (Fake *fake);
guint fake_count (Fake *fake, const char *event);
/* Compares literally. */
#define fake_assert_events(fake, expected) \
  do { \
    g_autofree char *noted_ = fake_events (fake); \
    ck_assert_str_eq (noted_, expected); \
  } while (0)

/* ---- for scripts, on the worker ---- */

G_GNUC_PRINTF (2, 3) void fake_note (Fake *fake, const char *format, ...);
void fake_flag (Fake *fake, gint64 flag); /* sets flag and has the main thread look */
gboolean fake_emit (Fake *fake, const char *text);
gboolean fake_emit_size (Fake *fake, gsize size);
gboolean fake_forward (Fake *fake, const WeirRecord *record);
void fake_finish (Fake *fake);
void fake_keep (Fake *fake, const WeirRecord *record);
void fake_release_all (Fake *fake); /* of what was kept, oldest first */

/* ---- origins (fake-origins.c) ---- */

/* Between these two, what the fake emits is under an origin with this token, a word of the test's or NULL. That it is told exactly once,
 * and before close(), is checked; it is noted as "delivered(TOKEN,OUTCOME)". Tokens may be used again. */
void fake_begin (Fake *fake, const char *token);
void fake_end (Fake *fake);
void fake_emit_under (Fake *fake,
                      const char *token); /* a record with the token as its text, under an origin of its own */
/* Hands the text in from a thread of the test's, under an origin of its own, and has it checked likewise. */
gboolean fake_post (Fake *fake, const char *text, const char *token);
guint fake_open_origins (Fake *fake);
/* Runs the main loop until so many have been told with this outcome, and no more. */
void rig_until_told (Rig *rig, Fake *fake, WeirOutcome outcome, gint64 times);
/* Asks for delivered(), and does no more there. */
void be_told (Fake *fake, const char *token, WeirOutcome outcome);
/* For fakes.c: one was told. */
void fake_told (Fake *fake, gpointer token, WeirOutcome outcome);
/* Emits numbers from 0 to most - 1, each under an origin of its own; and as one is asked to. */
WeirNext produce_number_under (Fake *fake);
extern const Script numbers_under, pusher_under;

/* Scripts that many tests use: numbers from 0 to most - 1, one a call; and: taking all, handing all on. */
WeirNext produce_number (Fake *fake);
void fake_emit_most (Fake *fake); /* all of them at once, whatever emit answers */
WeirNext take (Fake *fake, const WeirRecord *record);
WeirNext hand_on (Fake *fake, const WeirRecord *record);
WeirNext take_allowed (Fake *fake, const WeirRecord *record); /* WAIT beyond what is allowed */
extern const Script numbers, taker, passer, valve, pusher;

/* A transform that joins what comes of each stream, and emits it when the stream ends. */
typedef struct {
  guint count;
  char text[60];
} Joined;

WeirNext join (Fake *fake, const WeirRecord *record);
WeirNext emit_joined (Fake *fake, gpointer state);
extern const Script joiner;

/* A producer with two streams, driven by one letter a step: lower case on one, upper case on the other, '-' and '=' end them. */
extern guint32 streams[2];
void play (Fake *fake, const char *steps);

/* ---- figures, once it is over ---- */
WeirLinkFigures figures_of (WeirLink *link);

/* A door for other threads: closed until it is opened, and then open for all. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  gboolean open;
} Gate;

#define GATE_CLOSED \
  { \
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, FALSE \
  }
void gate_open (Gate *gate);
void gate_pass (Gate *gate); /* waits */

/* The program of one suite. */
int run_suite (const char *name, void (*add) (TCase *tcase));
