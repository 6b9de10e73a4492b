/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h: what a stage can ask of its worker: wake-ups, clocks, sources, helper threads; and how it says things.
 * A wake-up carries no meaning but "look again": spurious ones are allowed, none is lost. */
#ifndef WEIR_STAGE_H
#define WEIR_STAGE_H

#include <gio/gio.h>
#include <weir/record.h>

G_BEGIN_DECLS

/* Waiting: arm what should wake, answer WEIR_WAIT. */
WEIR_EXPORT void weir_stage_wake (WeirStage *stage); /* look at this stage again. Thread: any */
/* Wakes the stage once when fd is ready (G_IO_IN, G_IO_OUT or both; errors and hang-ups always count). Returns WEIR_WAIT,
 * so that a callback ends with it. A descriptor that epoll cannot watch (a regular file) is always ready. Thread: worker. */
WEIR_EXPORT WeirNext weir_stage_wait_fd (WeirStage *stage, int fd, GIOCondition condition);
/* Wakes the stage once, so many microseconds from now; the latest call counts, a negative time disarms. Returns WEIR_WAIT.
 * Thread: worker. */
WEIR_EXPORT WeirNext weir_stage_wait_time (WeirStage *stage, gint64 microseconds);
/* Forgets what waits for fd, then closes it; a negative one is none. Thread: worker. */
WEIR_EXPORT void weir_stage_close_fd (WeirStage *stage, int fd);
WEIR_EXPORT gint64 weir_stage_now (WeirStage *stage);  /* monotonic clock, microseconds. Thread: worker */
WEIR_EXPORT gint64 weir_stage_wall (WeirStage *stage); /* microseconds since the Unix epoch. Thread: worker */

/* GLib sources and threads of the plugin's own. */
typedef void (*WeirFunc) (WeirStage *stage, gpointer self, gpointer data);
/* Attaches a source to the stage's context; takes the reference. It is destroyed before close(). Thread: worker. */
WEIR_EXPORT void weir_stage_attach (WeirStage *stage, GSource *source);
/* The context of the stage's worker, borrowed; GIO finds it as the thread's default. Thread: any. */
WEIR_EXPORT GMainContext *weir_stage_context (WeirStage *stage);
/* start() answered WEIR_WAIT, and now the stage is ready. Thread: worker. */
WEIR_EXPORT void weir_stage_ready (WeirStage *stage);
/* The output is over, as if produce() had answered WEIR_DONE, behind what threads have handed in; no stop() follows. Thread: worker. */
WEIR_EXPORT void weir_stage_finish (WeirStage *stage);
/* No more input is wanted, as if consume() had answered WEIR_DONE, also where there is none at hand. Thread: worker. */
WEIR_EXPORT void weir_stage_enough (WeirStage *stage);
/* TRUE: when the stage's output is over, be it by stop() or by itself, it is not closed yet, as what it has begun takes its time: a
 * child process that was told to end. FALSE: close() may come. No callback comes meanwhile, only sources of weir_stage_attach() run;
 * at the pipeline's deadline close() comes all the same. Thread: worker. */
WEIR_EXPORT void weir_stage_linger (WeirStage *stage, gboolean lingers);
/* In flush(): more records lie ready behind this run, and are offered right behind it. For what may wait for them, such as a push
 * over the network. Thread: worker. */
WEIR_EXPORT gboolean weir_stage_has_more (WeirStage *stage);
/* The pipeline, or the stage's connection, is told to stop: producers emit no more, and what they have emitted drains, within a
 * limit. What has only been waited for in case that there would be more can be given up: an end() that has answered WAIT is called
 * again as this begins. Thread: worker. */
WEIR_EXPORT gboolean weir_stage_draining (WeirStage *stage);
/* Calls func on the worker, once, in order of the calls, and then destroy (data). Waits while 1,024 of them are waiting.
 * Once the stage is closed only destroy (data) is called. Thread: any but the worker itself. */
WEIR_EXPORT void weir_stage_invoke (WeirStage *stage, WeirFunc func, gpointer data, GDestroyNotify destroy);
/* Hands a record in from a helper thread. Waits while the stage is paused, so that the thread feels the backpressure. FALSE
 * once the stage stops or has failed, and always before stop() is called, so that stop() may join the thread. data is
 * copied. Thread: any but the worker. */
WEIR_EXPORT gboolean weir_stage_post (WeirStage *stage, gconstpointer data, gsize size);
/* Likewise for bytes inside a buffer, whose reference is taken in either case. time: microseconds since the Unix epoch or 0;
 * tags: NULL or borrowed. */
WEIR_EXPORT gboolean weir_stage_post_buffer (WeirStage *stage, WeirBuffer *buffer, gconstpointer data, gsize size,
                                             gint64 time, const WeirTags *tags);
/* Keeps the handle valid, not the stage running. A connection counts as alive while one of its stages is referred to, and the
 * pipeline ends behind its last connection. Thread: any. */
WEIR_EXPORT WeirStage *weir_stage_ref (WeirStage *stage);
WEIR_EXPORT void weir_stage_unref (WeirStage *stage); /* Thread: any */

/* Connections: how a producer flagged WEIR_CONNECTIONS has a pipeline of its own for each peer ("per_connection").
 * The stage of the configuration listens: open() and produce() run once with weir_stage_per_connection() TRUE and
 * weir_stage_connection() NULL; it emits nothing and hands each peer over with weir_stage_accept(). The engine then makes what lies
 * downstream once more for that peer, with a stage of the same producer role in front: its weir_stage_connection() is
 * what was handed over, and so is that of the `reply`. All stages of one connection share one worker out of a pool, so that what
 * they share through the handle needs no lock. */
/* Hands a peer over. connection (not NULL) is freed by destroy, on any thread, once all its stages are closed, or at once where
 * the answer is FALSE: the pipeline stops. peer: what messages call it, copied. Thread: worker of the listening stage. */
WEIR_EXPORT gboolean weir_stage_accept (WeirStage *stage, gpointer connection, GDestroyNotify destroy,
                                        const char *peer);
/* Connections that are alive; the listening stage is woken whenever one has ended. Thread: worker of the listening stage. */
WEIR_EXPORT guint weir_stage_connections (WeirStage *stage);
/* What was handed over for the connection that this stage belongs to; NULL: none. Thread: worker. */
WEIR_EXPORT gpointer weir_stage_connection (WeirStage *stage);
/* Is this the listening stage of a "per_connection" producer? Thread: worker. */
WEIR_EXPORT gboolean weir_stage_per_connection (WeirStage *stage);

/* Saying things. The engine puts the stage's name, plugin and role in front. */
WEIR_EXPORT const char *weir_stage_name (WeirStage *stage); /* borrowed. Thread: any */
WEIR_EXPORT WeirNext weir_stage_fail (WeirStage *stage, const char *format, ...)
  G_GNUC_PRINTF (2, 3); /* returns WEIR_FAIL. Thread: worker */
WEIR_EXPORT WeirNext weir_stage_fail_errno (WeirStage *stage, const char *format, ...)
  G_GNUC_PRINTF (2, 3); /* adds ": " and strerror (errno). Thread: worker */
WEIR_EXPORT WeirNext weir_stage_fail_error (WeirStage *stage, GError *error); /* takes the error. Thread: worker */
/* Rejects the record at hand with a reason: `return weir_stage_reject (...)` from consume(), or from the produce() that follows
 * WEIR_PRODUCE. Returns WEIR_REJECT. Thread: worker. */
WEIR_EXPORT WeirNext weir_stage_reject (WeirStage *stage, const char *format, ...) G_GNUC_PRINTF (2, 3);
WEIR_EXPORT void weir_stage_log (WeirStage *stage, GLogLevelFlags level, const char *format, ...)
  G_GNUC_PRINTF (3, 4); /* Thread: any */
/* Adds n to the counter of this index in role.counters. Thread: any. */
WEIR_EXPORT void weir_stage_count (WeirStage *stage, guint counter, guint64 n);
/* No consume() while `kept` or more records are kept; 0: no limit. Thread: worker. */
WEIR_EXPORT void weir_stage_window (WeirStage *stage, gsize kept);
/* A template option filled from a record: "{tag}", "{}" the payload, "{time}", "{host}", "{{" a brace. Appends to out.
 * Thread: worker. */
WEIR_EXPORT void weir_template_write (WeirStage *stage, const char *text, const WeirRecord *record, GString *out);

G_END_DECLS

#endif
