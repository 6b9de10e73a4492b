/* SPDX-License-Identifier: Apache-2.0 */
/* harness.h: one stage between fake ends, on a loop and a clock that the test cranks by hand.
 * For tests of plugins, with any test framework or none; not for plugins. Link with `pkg-config --libs weir`.
 *
 * A harness makes a stage of a role as a pipeline would: a fake producer, the *feed*, hands it what the test pushes, and a fake
 * consumer, a *taker*, keeps what comes out of each output until the test takes it out. Feed, stage and takers are ordinary
 * stages joined by ordinary links, so that all rules of flow hold. No thread is started: everything runs inside the calls below,
 * on the thread that made the harness, and nothing runs between them. So a test is deterministic, and takes microseconds.
 *
 *   WeirHarness *harness = weir_harness_new (&weir_plugin, WEIR_HARNESS_TRANSFORM, "{\"pattern\": \"a\"}", &error);
 *   weir_harness_push_text (harness, "abc");
 *   weir_harness_push_text (harness, "xyz");
 *   assert (weir_harness_finish (harness));
 *   assert (weir_harness_expect_output (harness, NULL, "abc|"));
 *   weir_harness_free (harness);
 *
 * All of them share that thread, so a stage that emits past a link's hard limit fails, as one does that shares its worker (R4), and
 * callbacks of a role flagged WEIR_BLOCKING, one a turn, block the test where they block: give them something to read first.
 *
 * Thread: every function is called on the thread that made the harness, and none but those that look and push from inside a callback
 * of the stage. Threads of the plugin's own go on as ever: what they hand in (weir_stage_post(), weir_stage_invoke(),
 * weir_stage_wake(), kept records given back) is taken by the next crank.
 * Errors: nothing here ends the program or fails a test by itself; a wrong argument is a g_critical().
 * Strings that are returned as const char * belong to the harness, and last until the same function is called again for the same
 * output, or the harness is freed. */
#ifndef WEIR_HARNESS_H
#define WEIR_HARNESS_H

#include <weir/weir.h>

G_BEGIN_DECLS

typedef struct _WeirHarness WeirHarness;

typedef enum {
  WEIR_HARNESS_PRODUCER,
  WEIR_HARNESS_TRANSFORM, /* a duplex one too */
  WEIR_HARNESS_CONSUMER
} WeirHarnessKind;

/* ---- make ----------------------------------------------------------------------------------------------------------------- */

/* A stage of a plugin whose table the test is linked with; options: a JSON object as in a pipeline, NULL: none. They are checked by
 * the option table and the role's check(), and messages are those of `weir check`, a mistake a line, "KEY: MESSAGE" each. The stage
 * has the plugin's name. Nothing of it is called yet. NULL: error says what is wrong with table, role or options. */
WEIR_EXPORT WeirHarness *weir_harness_new (const WeirPlugin *plugin, WeirHarnessKind kind, const char *options,
                                           GError **error);
/* The same of a role without a plugin; the stage is called "test". The role must outlive the harness. */
WEIR_EXPORT WeirHarness *weir_harness_new_for_role (const WeirRole *role, WeirHarnessKind kind, const char *options,
                                                    GError **error);
/* The same of a plugin's shared object, which stays open for good: a path where there is a '/' in it, as in "./mine.so"; else the
 * name of a plugin, looked for in the folders of WEIR_PLUGIN_PATH, the build tree that the test runs from, and the installed one. */
WEIR_EXPORT WeirHarness *weir_harness_new_for_file (const char *plugin, WeirHarnessKind kind, const char *options,
                                                    GError **error);
/* Ends what still runs as it is (halt), closes, frees. NULL is fine. */
WEIR_EXPORT void weir_harness_free (WeirHarness *harness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirHarness, weir_harness_free)

/* ---- the links: before the stage is opened ------------------------------------------------------------------------------------
 * A link is named by a word: "input"; NULL, the output of a role without ports, or else its first port; a port's name; "rejected".
 * Every port has a taker, "rejected" has none until one of these two names it: as in a pipeline, a rejection that nobody takes fails
 * the stage. */

/* The limits of a link, as "queue" has them in a pipeline: "{\"records\": 2, \"when_full\": \"drop_oldest\"}"; what is not there has
 * its default. FALSE: error. */
WEIR_EXPORT gboolean weir_harness_set_queue (WeirHarness *harness, const char *link, const char *queue, GError **error);
/* Has the output taken, or not. */
WEIR_EXPORT void weir_harness_set_taken (WeirHarness *harness, const char *link, gboolean taken);
/* The largest record, bytes; 16 MiB at first. */
WEIR_EXPORT void weir_harness_set_record_max (WeirHarness *harness, gsize bytes);
/* As "on_error": "restart" has it: where the stage fails it is closed, and opened again after a while by the clock of the harness
 * (weir_harness_advance()); what it had not given back is handed out again. Not where the first open() fails. */
WEIR_EXPORT void weir_harness_set_restarts (WeirHarness *harness);
/* The wall clock at that moment, microseconds since the Unix epoch; 2020-01-01 00:00 UTC at first. At any time. */
WEIR_EXPORT void weir_harness_set_wall (WeirHarness *harness, gint64 unix_microseconds);

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

/* Opens the stage and both ends. FALSE: the stage has failed, and is closed. */
WEIR_EXPORT gboolean weir_harness_open (WeirHarness *harness);
/* Opens it, if that has not been done, and starts takers, stage and feed in this order. In the turn that starts a stage it goes on:
 * hold the takers before (weir_harness_allow()) where that is too much. FALSE: the stage has failed. */
WEIR_EXPORT gboolean weir_harness_start (WeirHarness *harness);
/* As when the pipeline is asked to stop: a producer is stopped; what the feed has not handed over is dropped, and its end comes; what
 * is kept is to be settled. Then runs until nothing more can be done. Before weir_harness_start(): closes. */
WEIR_EXPORT void weir_harness_stop (WeirHarness *harness);
/* As when the deadline of a stop has passed: stops and closes at once. */
WEIR_EXPORT void weir_harness_halt (WeirHarness *harness);
/* The stage fails with this message outside of its callbacks, as by a source of its own. Then runs. */
WEIR_EXPORT void weir_harness_fail (WeirHarness *harness, const char *message);
/* Starts what is not started, lets all takers take all, ends the input, and waits until the stage has come to its end and is closed
 * (as weir_harness_wait_until(), so that children, sockets and threads may take part; the clock stands: weir_harness_advance() comes
 * before, where a stage waits for time, and weir_harness_stop() where a producer is endless). TRUE: it is closed, has not failed,
 * and the ledger balances. */
WEIR_EXPORT gboolean weir_harness_finish (WeirHarness *harness);

/* ---- the feed: what the stage takes -------------------------------------------------------------------------------------------
 * What is pushed waits in the feed, in order, without a limit; at each crank the feed puts on the link what that takes before it is
 * full. Bytes are copied. After weir_harness_end() nothing is taken. */

/* A message, up to the NUL. */
WEIR_EXPORT void weir_harness_push_text (WeirHarness *harness, const char *text);
/* A message with a newline behind it as its trail. */
WEIR_EXPORT void weir_harness_push_line (WeirHarness *harness, const char *text);
/* The next bytes of a byte stream, up to the NUL, as of a role flagged WEIR_BYTES. stream: any number of the test's, not 0; the
 * stream is opened at its first use, with the tag "path" = "stream NUMBER". */
WEIR_EXPORT void weir_harness_push_chunk (WeirHarness *harness, guint32 stream, const char *text);
/* Any record: data, size, trail (these bytes lie behind data[size]), time, stream (as above, 0: none) and flags are used. tags: NULL:
 * those of the stream; borrowed. */
WEIR_EXPORT void weir_harness_push_record (WeirHarness *harness, const WeirRecord *record, const WeirTags *tags);
/* Opens a stream with tags of its own instead; borrowed. */
WEIR_EXPORT void weir_harness_open_stream (WeirHarness *harness, guint32 stream, const WeirTags *tags);
/* The stream is over; the number may be used for another one. */
WEIR_EXPORT void weir_harness_end_stream (WeirHarness *harness, guint32 stream);
/* What is pushed from here on to the next call is under one origin of this name, so that it is seen what becomes of it: see
 * weir_harness_delivered(). NULL: under none, as at first. */
WEIR_EXPORT void weir_harness_set_origin (WeirHarness *harness, const char *name);
/* The input is over behind all that was pushed. */
WEIR_EXPORT void weir_harness_end (WeirHarness *harness);
/* Records and ends of streams that were pushed and are not on the link yet. */
WEIR_EXPORT gsize weir_harness_backlog (WeirHarness *harness);

/* ---- the takers: what the stage makes -----------------------------------------------------------------------------------------
 * A taker takes all there is, at each crank, until 1,048,576 records or 64 MiB of payload lie there that nobody has taken out: so an
 * endless producer is paused at last. Numbers of streams are those of the test where it has pushed them; others are numbered in the
 * order in which they come out, behind the greatest that was pushed (from 1 where there is none). */

/* The taker takes so many records from now on, and then holds, so that its link fills and pauses the stage; 0 holds it at once;
 * G_MAXSIZE: no such limit. */
WEIR_EXPORT void weir_harness_allow (WeirHarness *harness, const char *link, gsize records);
/* The taker has had enough and its link ends (R16); without an output that is taken the stage is stopped. */
WEIR_EXPORT void weir_harness_enough (WeirHarness *harness, const char *link);
/* What a producer's delivered() is told of what the taker takes from now on: WEIR_DELIVERED at first; else as if it had done that to it.
 * The taker is done with a record when it has taken it, also while that lies there: weir_harness_allow() holds it back. */
WEIR_EXPORT void weir_harness_set_outcome (WeirHarness *harness, const char *link, WeirOutcome outcome);
/* Pauses the stage as an operator does, whatever its links hold; FALSE: no more. */
WEIR_EXPORT void weir_harness_pause (WeirHarness *harness, gboolean pause);

/* Records that lie there. */
WEIR_EXPORT gsize weir_harness_count (WeirHarness *harness, const char *link);
/* The first of them, taken out; NULL: none. It may be looked at, also by weir_record_tag(), until the next one is taken out. */
WEIR_EXPORT const WeirRecord *weir_harness_take (WeirHarness *harness, const char *link);
/* Throws away what lies there. */
WEIR_EXPORT void weir_harness_forget (WeirHarness *harness, const char *link);
/* Hands what lies there to the feed of another harness, of the same thread, with its streams, their ends and all tags, and the end of
 * the output once it has come: so several stages are tested one behind another. Cranks neither. */
WEIR_EXPORT void weir_harness_hand_on (WeirHarness *harness, const char *link, WeirHarness *to);
/* What lies there as one text, for people and comparisons: each record's payload, '~' where it is a chunk, '<' trail '>' where it
 * has one, and '|'. A newline is \n, and any other byte that is not printable ASCII \xNN. */
WEIR_EXPORT const char *weir_harness_text (WeirHarness *harness, const char *link);
/* A tag of each of them, and '|'; nothing before it where a record has no such tag. */
WEIR_EXPORT const char *weir_harness_tags (WeirHarness *harness, const char *link, const char *key);
/* The stream of each, and end(STREAM) where a stream was closed, divided by blanks: "1 2 1 end(1) 0". */
WEIR_EXPORT const char *weir_harness_streams (WeirHarness *harness, const char *link);
/* The bytes that a byte consumer writes of them: payload and trail, and a newline behind a message without a trail. A NUL follows. */
WEIR_EXPORT const char *weir_harness_bytes (WeirHarness *harness, const char *link, gsize *size);
/* Has the end of the output been taken? */
WEIR_EXPORT gboolean weir_harness_ended (WeirHarness *harness, const char *link);

/* ---- crank ------------------------------------------------------------------------------------------------------------------ */

/* None of these from inside a callback of the stage. */
/* One round: sources of the stage's context that are ready and timers that are due are dispatched, the feed feeds, the stage has one
 * turn if it is ready, and the takers take. TRUE: something was done. */
WEIR_EXPORT gboolean weir_harness_turn (WeirHarness *harness);
/* Rounds until nothing is left to be done at this time. FALSE: after 100,000 turns of the stage there still was. */
WEIR_EXPORT gboolean weir_harness_run (WeirHarness *harness);
/* Runs, and then moves the clock on by so many microseconds, from one timer to the next, and runs at each. That clock is
 * weir_stage_now(), weir_stage_wall(), weir_stage_wait_time() and the age of records; sources that came by weir_stage_attach() come that
 * much nearer to their time too (g_timeout_source_new()), though these go by the system's clock besides. */
WEIR_EXPORT void weir_harness_advance (WeirHarness *harness, gint64 microseconds);
/* As weir_stage_now() has it; 1 s when the harness is made. */
WEIR_EXPORT gint64 weir_harness_now (WeirHarness *harness);

/* Where the kernel, a child or a thread takes part: runs, sleeps in the context, and runs again, until holds() answers TRUE; it is asked
 * behind every turn and dispatch, and each 10 ms at least. The clock of the harness stands, unless it is live. FALSE: it did not hold
 * within the patience, in real time; 30 s at first. */
typedef gboolean (*WeirHarnessHolds) (WeirHarness *harness, gpointer data);
WEIR_EXPORT gboolean weir_harness_wait_until (WeirHarness *harness, WeirHarnessHolds holds, gpointer data);
/* Until so many records lie at the output. */
WEIR_EXPORT gboolean weir_harness_wait_count (WeirHarness *harness, const char *link, gsize records);
/* Until the stage is closed. */
WEIR_EXPORT gboolean weir_harness_wait_closed (WeirHarness *harness);
WEIR_EXPORT void weir_harness_set_patience (WeirHarness *harness, gint64 microseconds);
/* Live, the clock goes on with the system's while a test waits that way, so that timeouts of what is real come by themselves. */
WEIR_EXPORT void weir_harness_set_live (WeirHarness *harness, gboolean live);

/* Calls func as a source of the stage's own would be: what it emits is published behind it. Does not crank. */
WEIR_EXPORT void weir_harness_call (WeirHarness *harness, WeirFunc func, gpointer data);
/* The stage: for weir_stage_post() of the test's own threads, weir_stage_context(); valid until the harness is freed. */
WEIR_EXPORT WeirStage *weir_harness_stage (WeirHarness *harness);
/* The role's state. It is freed with the harness. */
WEIR_EXPORT gpointer weir_harness_self (WeirHarness *harness);

/* ---- what has happened ------------------------------------------------------------------------------------------------------ */

/* The callbacks that were called in the stage's life, in order, divided by blanks: open start pause resume settle end stop close
 * interrupt; an answer other than MORE stands behind: "open start=WAIT pause stop close". Only callbacks that the role has are there. */
WEIR_EXPORT const char *weir_harness_events (WeirHarness *harness);
/* The same with all callbacks: produce, consume(PAYLOAD), of which the first 24 bytes are shown, flush(COUNT), end_stream(STREAM),
 * delivered(OUTCOME), as in "delivered(REJECTED)". The same one several times in a row is there once: "open consume(a)*3 consume(b)=WAIT". */
WEIR_EXPORT const char *weir_harness_calls (WeirHarness *harness);
/* The origins of what was pushed, each when it is over, and the worst that has happened to its records: "a=DELIVERED b=DROPPED", or
 * REJECTED or ABANDONED. It is over once the stage is done with all that came under it, and the takers have taken all that was
 * made of it. */
WEIR_EXPORT const char *weir_harness_delivered (WeirHarness *harness);
/* "new", "open", "starting", "running", "ending", "ended", "closed"; "down": it has failed, and restarts */
WEIR_EXPORT const char *weir_harness_state (WeirHarness *harness);
/* Why the stage has failed, without its name in front; NULL: it has not. */
WEIR_EXPORT const char *weir_harness_error (WeirHarness *harness);
/* What it has said by weir_stage_log(), also from other threads, a line each: "LEVEL: TEXT", as in "warning: trying again". All levels
 * are there; nothing of it is printed. */
WEIR_EXPORT const char *weir_harness_log (WeirHarness *harness);
/* Is it paused, be it by its links or by weir_harness_pause()? */
WEIR_EXPORT gboolean weir_harness_is_paused (WeirHarness *harness);
/* Is the feed, by the link that the stage takes from? */
WEIR_EXPORT gboolean weir_harness_feed_is_paused (WeirHarness *harness);
/* Does the stage wait to be woken: has a callback answered WAIT? Of a duplex one: the consuming half. */
WEIR_EXPORT gboolean weir_harness_is_waiting (WeirHarness *harness);
/* One of role.counters. */
WEIR_EXPORT guint64 weir_harness_counter (WeirHarness *harness, const char *name);
/* A figure of the stage: "records_in", "records_out", "bytes_in", "bytes_out", "rejected", "refused" (emitted before its start or
 * after its end), "errors", "kept" (records that are not given back), "restarts", "redelivered" (records that were handed out again). */
WEIR_EXPORT guint64 weir_harness_figure (WeirHarness *harness, const char *name);
/* A figure of a link: "in", "out", "dropped", "queued", "pauses", "resumes", "peak_records", "peak_bytes", "bytes" (that lie in it). */
WEIR_EXPORT guint64 weir_harness_link_figure (WeirHarness *harness, const char *link, const char *figure);
/* R12, a line a link: "input: in 3 = out 2 + dropped 0 + queued 1", where queued is counted in the link itself. */
WEIR_EXPORT const char *weir_harness_ledger (WeirHarness *harness);
/* Does it balance on every link? */
WEIR_EXPORT gboolean weir_harness_balances (WeirHarness *harness);

/* ---- expectations -----------------------------------------------------------------------------------------------------------
 * Each answers whether it holds, so that assert() or ck_assert() can be put around it. Where it does not, the handler is told with file
 * and line, and a text of three lines: what was looked at, what was expected, what was found. A handler that does not return
 * (ck_abort_msg(), g_error()) makes assert() superfluous; without one the text goes to standard error. */

typedef void (*WeirHarnessMismatch) (const char *file, int line, const char *text);
/* For all harnesses of the process; NULL: none. */
WEIR_EXPORT void weir_harness_set_mismatch (WeirHarnessMismatch mismatch);

/* What weir_harness_events(), _calls() and _delivered() have had since they were last expected; what lies at an output, which is forgotten then; the
 * error (NULL: none); the state. */
#define weir_harness_expect_events(harness, events) weir_harness_expect_events_ (harness, events, __FILE__, __LINE__)
#define weir_harness_expect_calls(harness, calls) weir_harness_expect_calls_ (harness, calls, __FILE__, __LINE__)
#define weir_harness_expect_delivered(harness, delivered) \
  weir_harness_expect_delivered_ (harness, delivered, __FILE__, __LINE__)
#define weir_harness_expect_output(harness, link, text) \
  weir_harness_expect_output_ (harness, link, text, __FILE__, __LINE__)
#define weir_harness_expect_error(harness, error) weir_harness_expect_error_ (harness, error, __FILE__, __LINE__)
#define weir_harness_expect_state(harness, state) weir_harness_expect_state_ (harness, state, __FILE__, __LINE__)

WEIR_EXPORT gboolean weir_harness_expect_events_ (WeirHarness *harness, const char *events, const char *file, int line);
WEIR_EXPORT gboolean weir_harness_expect_calls_ (WeirHarness *harness, const char *calls, const char *file, int line);
WEIR_EXPORT gboolean weir_harness_expect_delivered_ (WeirHarness *harness, const char *delivered, const char *file,
                                                     int line);
WEIR_EXPORT gboolean weir_harness_expect_output_ (WeirHarness *harness, const char *link, const char *text,
                                                  const char *file, int line);
WEIR_EXPORT gboolean weir_harness_expect_error_ (WeirHarness *harness, const char *error, const char *file, int line);
WEIR_EXPORT gboolean weir_harness_expect_state_ (WeirHarness *harness, const char *state, const char *file, int line);

G_END_DECLS

#endif
