/* SPDX-License-Identifier: Apache-2.0 */
/* runqueue.c: ready tasks, sleeping and waking (see runqueue.h).
 * weir_task_make_ready() and weir_run_queue_wake() run on any thread; all else on the worker that owns the queue. The two
 * fences here and the one in weir_run_queue_pop() are those of "sleeping" in tests/model. */
#include "runqueue.h"

#include <sched.h>

void
weir_run_queue_init (WeirRunQueue *queue, GMainContext *context)
{
  cpu_set_t allowed;
  queue->context = g_main_context_ref (context);
  queue->several_cpus = sched_getaffinity (0, sizeof allowed, &allowed) != 0 || CPU_COUNT (&allowed) > 1;
  g_mutex_init (&queue->mutex);
  g_cond_init (&queue->cond);
}

void
weir_run_queue_clear (WeirRunQueue *queue)
{
  g_clear_pointer (&queue->context, g_main_context_unref);
  g_mutex_clear (&queue->mutex);
  g_cond_clear (&queue->cond);
}

void
weir_run_queue_wake (WeirRunQueue *queue)
{
  weir_fence (&queue->sleeping);
  if (weir_load_relaxed (&queue->sleeping) == WEIR_BUSY) {
    return;
  }
  switch (atomic_exchange_explicit (&queue->sleeping, WEIR_BUSY, memory_order_seq_cst)) {
  case WEIR_SLEEPING:
    g_main_context_wakeup (queue->context);
    break;
  case WEIR_HELD_UP:
    g_mutex_lock (&queue->mutex);
    g_cond_signal (&queue->cond);
    g_mutex_unlock (&queue->mutex);
    break;
  default:
    break;
  }
}

void
weir_task_make_ready (WeirTask *task)
{
  weir_fence (&task->ready);
  if (weir_load_relaxed (&task->ready) != 0 || weir_exchange (&task->ready, 1) != 0) {
    return;
  }
  WeirRunQueue *queue = task->queue;
  WeirTask *head = weir_load_relaxed (&queue->incoming);
  do {
    task->next = head;
  } while (
    !atomic_compare_exchange_weak_explicit (&queue->incoming, &head, task, memory_order_release, memory_order_relaxed));
  weir_run_queue_wake (queue);
}

WeirTask *
weir_run_queue_pop (WeirRunQueue *queue)
{
  if (weir_load_relaxed (&queue->incoming) != NULL) {
    WeirTask *newest = atomic_exchange_explicit (&queue->incoming, NULL, memory_order_acquire);
    WeirTask *oldest = NULL, *end = newest;
    while (newest != NULL) {
      WeirTask *next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    if (queue->first == NULL) {
      queue->first = oldest;
    } else {
      queue->last->next = oldest;
    }
    queue->last = end;
  }
  WeirTask *task = queue->first;
  if (task == NULL) {
    return NULL;
  }
  queue->first = task->next;
  weir_store_release (&task->ready, 0);
  weir_fence (&task->ready);
  return task;
}

gboolean
weir_run_queue_linger (WeirRunQueue *queue)
{
  if (!queue->several_cpus) {
    return weir_load_relaxed (&queue->incoming) != NULL;
  }
  gint64 start = g_get_monotonic_time ();
  for (guint pauses = 4; weir_load_relaxed (&queue->incoming) == NULL; pauses = MIN (pauses * 2, 64)) {
    for (guint i = 0; i < pauses; i++) {
      weir_cpu_relax ();
    }
    if (g_get_monotonic_time () - start > 20) {
      return FALSE;
    }
  }
  return TRUE;
}

void
weir_run_queue_sleep (WeirRunQueue *queue)
{
  atomic_store_explicit (&queue->sleeping, WEIR_SLEEPING, memory_order_seq_cst);
  weir_fence (&queue->sleeping);
  gboolean idle = weir_load_relaxed (&queue->incoming) == NULL && queue->first == NULL;
  if (!idle) {
    weir_store_relaxed (&queue->sleeping, WEIR_BUSY);
  }
  g_main_context_iteration (queue->context, idle);
  weir_store_relaxed (&queue->sleeping, WEIR_BUSY);
}

void
weir_run_queue_hold (WeirRunQueue *queue, WeirTask *task, gboolean (*look) (gpointer data), gpointer data)
{
  for (;;) {
    /* With its flag up, a task would not be told again. */
    while (weir_run_queue_pop (queue) != NULL) {}
    atomic_store_explicit (&queue->sleeping, WEIR_HELD_UP, memory_order_seq_cst);
    weir_fence (&queue->sleeping);
    if (look (data)) {
      break;
    }
    if (weir_load_relaxed (&queue->incoming) != NULL) {
      continue;
    }
    g_mutex_lock (&queue->mutex);
    while (weir_load_acquire (&queue->sleeping) == WEIR_HELD_UP) {
      g_cond_wait (&queue->cond, &queue->mutex);
    }
    g_mutex_unlock (&queue->mutex);
  }
  weir_store_relaxed (&queue->sleeping, WEIR_BUSY);
  weir_task_make_ready (task);
}
