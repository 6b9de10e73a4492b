/* SPDX-License-Identifier: Apache-2.0 */
/* runqueue.h: what makes a stage run: a task, and the run queue of ready tasks that a worker empties.
 * Making a task ready is O(1) from any thread: an atomic flag and an intrusive multi-producer list. The worker sleeps in its
 * GMainContext, or waits at a hard limit inside an emit; whoever makes a task ready wakes it. A wake-up means "look
 * again". */
#pragma once

#include "atomics.h"

typedef struct _WeirTask {
  _Atomic guint32 ready; /* on the run queue, or about to be */
  struct _WeirTask *next;
  struct _WeirRunQueue *queue;
} WeirTask;

/* What the worker is doing, as far as a waker must know. */
enum { WEIR_BUSY = 0, WEIR_SLEEPING, WEIR_HELD_UP };

typedef struct _WeirRunQueue {
  _Alignas(64) _Atomic (WeirTask *) incoming; /* newest first */
  _Atomic guint32 sleeping;
  GMainContext *context;               /* counted */
  _Alignas(64) WeirTask *first, *last; /* the worker's own */
  gboolean several_cpus;               /* spinning a little before sleep can pay */
  GMutex mutex;                        /* of the wait at a hard limit only */
  GCond cond;
} WeirRunQueue;

void weir_run_queue_init (WeirRunQueue *queue, GMainContext *context);
void weir_run_queue_clear (WeirRunQueue *queue);

/* Any thread. The caller's stores before this are seen by the task's next turn. */
void weir_task_make_ready (WeirTask *task);
/* Wakes the worker if it sleeps or is held up; the caller has stored what the worker will look at. Any thread. */
void weir_run_queue_wake (WeirRunQueue *queue);

/* The rest is the worker's own. */

/* The next ready task with its flag cleared and a fence behind it, or NULL. */
WeirTask *weir_run_queue_pop (WeirRunQueue *queue);
/* Looks for ready tasks for some 20 microseconds, with growing pauses. TRUE: there is one. */
gboolean weir_run_queue_linger (WeirRunQueue *queue);
/* Sleeps in the context, dispatching its sources, unless a task is ready. */
void weir_run_queue_sleep (WeirRunQueue *queue);
/* Sleep is over: sources are dispatched, and the queue is looked at behind them. */
static inline void
weir_run_queue_awake (WeirRunQueue *queue)
{
  weir_store_relaxed (&queue->sleeping, WEIR_BUSY);
}
/* Waits inside a callback of the task, the only one on this queue, until look (data) is TRUE; it is asked again after every
 * wake-up. No source is dispatched. The task is ready afterwards. */
void weir_run_queue_hold (WeirRunQueue *queue, WeirTask *task, gboolean (*look) (gpointer data), gpointer data);
