/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h: a thread with its own GMainContext and one run queue of ready stages.
 * Made and joined by the pipeline on the main thread; all else here belongs to the worker's own thread. */
#pragma once

#include "pool.h"
#include "runqueue.h"
#include "timers.h"
#include "watch.h"

#include <weir/types.h>

/* Something to be done on the worker behind what is ready now; again and again while it answers FALSE. Embedded in its owner. */
typedef struct _WeirLater {
  struct _WeirLater *next;
  gboolean (*run) (struct _WeirLater *later);
} WeirLater;

typedef struct _WeirWorker {
  WeirRunQueue queue;
  WeirTask own; /* ready: the worker looks at `quit` and `laters` */
  _Atomic (WeirLater *) laters;
  char *name;
  GThread *thread;
  GMainContext *context;
  WeirPool *pool;
  WeirWatches *watches;
  WeirTimers *timers;
  WeirTimer shrink;
  guint stages;    /* that live here; constant once the pipeline runs; in a pool, more than one */
  gboolean pooled; /* connections live here; their stages are not counted */
  _Atomic guint connections;
  WeirStage *dirty;                /* stages that emitted outside a turn, by stage->next_dirty */
  _Atomic (WeirStage *) running;   /* the worker writes, relaxed; any thread reads who it is */
  _Atomic (const char *) callback; /* of the running stage: what a crash report names */
  const WeirCrankedClock *clock;   /* of one that is cranked by hand, set by its maker; NULL: the system's */
  _Atomic guint32 quit;
  _Atomic gint references; /* its maker's, and one a stage: a wake-up may come as long as somebody has the stage */
} WeirWorker;

/* GLib ends the program where a new GMainContext finds no descriptor: FALSE, then, with the error. whose: what it is for. */
gboolean weir_worker_can_have_context (const char *whose, GError **error);
/* Makes the worker; its thread starts with weir_worker_start(). FALSE: the system has no thread left, and it is as before. */
WeirWorker *weir_worker_new (const char *name, GError **error);
/* Any thread. */
void weir_worker_later (WeirWorker *worker, WeirLater *later);
gboolean weir_worker_start (WeirWorker *worker, GError **error);
/* For whoever cranks it by hand instead of starting its thread: between the two the calling thread is the worker's, with its clock.
 * They may nest; _enter() answers what _leave() is to be given. */
WeirWorker *weir_worker_enter (WeirWorker *worker);
void weir_worker_leave (WeirWorker *worker, WeirWorker *before);
/* Likewise: runs a task that came off the run queue; answers the time, 0 where it was no stage's turn. Sees to what was emitted
 * outside of turns; dispatches what is ready; sleeps in the context until a task or a source is. */
gint64 weir_worker_run_task (WeirWorker *worker, WeirTask *task);
void weir_worker_publish_dirty (WeirWorker *worker);
gboolean weir_worker_dispatch (WeirWorker *worker);
void weir_worker_sleep (WeirWorker *worker);
/* Ends and joins the thread, if it was started; its stages are closed. */
void weir_worker_stop (WeirWorker *worker);
WeirWorker *weir_worker_ref (WeirWorker *worker); /* keeps the run queue, not the thread. Any thread */
void weir_worker_unref (WeirWorker *worker);
/* The worker whose thread is calling, or NULL. */
WeirWorker *weir_worker_current (void);
