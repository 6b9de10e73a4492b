/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h: a thread with its own GMainContext and one run queue of ready stages.
 * Made and joined by the pipeline on the main thread; all else here belongs to the worker's own thread. */
#pragma once

#include "pool.h"
#include "runqueue.h"
#include "timers.h"
#include "watch.h"

#include <weir/types.h>

typedef struct _WeirWorker {
  WeirRunQueue queue;
  WeirTask own; /* ready: the worker looks at `quit` */
  char *name;
  GThread *thread;
  GMainContext *context;
  WeirPool *pool;
  WeirWatches *watches;
  WeirTimers *timers;
  WeirTimer shrink;
  guint stages;     /* that live here; constant once the pipeline runs */
  WeirStage *dirty; /* stages that emitted outside a turn, by stage->next_dirty */
  WeirStage *running;
  const char *callback; /* of the running stage: what a crash report names */
  _Atomic guint32 quit;
} WeirWorker;

/* GLib ends the program where a new GMainContext finds no descriptor: FALSE, then, with the error. whose: what it is for. */
gboolean weir_worker_can_have_context (const char *whose, GError **error);
/* Makes the worker; its thread starts with weir_worker_start(). FALSE: the system has no thread left, and it is as before. */
WeirWorker *weir_worker_new (const char *name, GError **error);
gboolean weir_worker_start (WeirWorker *worker, GError **error);
/* Ends and joins the thread, if it was started; its stages are closed. */
void weir_worker_stop (WeirWorker *worker);
void weir_worker_free (WeirWorker *worker);
/* The worker whose thread is calling, or NULL. */
WeirWorker *weir_worker_current (void);
