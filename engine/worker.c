/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: the loop of a worker thread (see worker.h).
 * Runs turns of ready stages, visits its context about once a millisecond while busy, publishes what was emitted outside
 * turns after every dispatch, and sleeps in the context when nothing is ready. Owns the context, the pool, watches, timers. */
#include "worker.h"

#include "stage.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define VISIT 1000            /* microseconds between visits of the context while busy */
#define SIGNAL_STACK 65536    /* the registers of some machines take 11 KiB of it */
#define SHRINK G_USEC_PER_SEC /* an idle pool gives back part of what it holds each second */

static _Thread_local WeirWorker *current_worker;
_Thread_local const WeirCrankedClock *weir_cranked_clock;

WeirWorker *
weir_worker_current (void)
{
  return current_worker;
}

static void
shrink_pool (WeirTimer *timer, gpointer data)
{
  WeirWorker *worker = data;
  if (weir_pool_shrink (worker->pool)) {
    weir_timers_arm (worker->timers, timer, g_get_monotonic_time () + SHRINK);
  }
}

gboolean
weir_worker_can_have_context (const char *whose, GError **error)
{
  int spare = eventfd (0, EFD_CLOEXEC);
  if (spare < 0) {
    g_set_error (error, G_UNIX_ERROR, 0, "cannot make an eventfd for %s: %s", whose, g_strerror (errno));
    return FALSE;
  }
  close (spare);
  return TRUE;
}

/* From here on the worker looks at its run queue by itself: what the sources about to be dispatched make ready needs no wake-up. */
static gint
poll_and_be_busy (GPollFD *fds, guint count, gint timeout)
{
  gint ready = g_poll (fds, count, timeout);
  if (current_worker != NULL) {
    weir_run_queue_awake (&current_worker->queue);
  }
  return ready;
}

WeirWorker *
weir_worker_new (const char *name, GError **error)
{
  if (!weir_worker_can_have_context ("its worker", error)) {
    return NULL;
  }
  g_autoptr (GMainContext) context = g_main_context_new ();
  WeirWatches *watches = weir_watches_new (context, error);
  if (watches == NULL) {
    return NULL;
  }
  WeirWorker *worker = g_aligned_alloc0 (1, sizeof (WeirWorker), 64);
  worker->references = 1;
  worker->name = g_strdup (name);
  worker->context = g_steal_pointer (&context);
  g_main_context_set_poll_func (worker->context, poll_and_be_busy);
  worker->watches = watches;
  weir_run_queue_init (&worker->queue, worker->context);
  worker->own.queue = &worker->queue;
  worker->pool = weir_pool_new ();
  worker->timers = weir_timers_new (worker->context);
  worker->shrink.fire = shrink_pool;
  worker->shrink.data = worker;
  return worker;
}

void
weir_worker_publish_dirty (WeirWorker *worker)
{
  while (worker->dirty != NULL) {
    WeirStage *stage = worker->dirty;
    worker->dirty = stage->next_dirty;
    stage->dirty = FALSE;
    weir_turn_publish_dirty (stage);
  }
}

void
weir_worker_later (WeirWorker *worker, WeirLater *later)
{
  WeirLater *head = weir_load_relaxed (&worker->laters);
  do {
    later->next = head;
  } while (
    !atomic_compare_exchange_weak_explicit (&worker->laters, &head, later, memory_order_release, memory_order_relaxed));
  weir_task_make_ready (&worker->own);
}

static void
run_laters (WeirWorker *worker)
{
  WeirLater *later = atomic_exchange_explicit (&worker->laters, NULL, memory_order_acquire);
  for (WeirLater *next; later != NULL; later = next) {
    next = later->next;
    if (!later->run (later)) {
      weir_worker_later (worker, later);
    }
  }
}

gint64
weir_worker_run_task (WeirWorker *worker, WeirTask *task)
{
  if (task == &worker->own) {
    run_laters (worker);
    return 0;
  }
  gint64 now = weir_stage_turn (weir_stage_of_task (task));
  weir_worker_publish_dirty (worker);
  return now;
}

gboolean
weir_worker_dispatch (WeirWorker *worker)
{
  gboolean dispatched = g_main_context_iteration (worker->context, FALSE);
  weir_worker_publish_dirty (worker);
  return dispatched;
}

void
weir_worker_sleep (WeirWorker *worker)
{
  weir_run_queue_sleep (&worker->queue);
  weir_worker_publish_dirty (worker);
}

WeirWorker *
weir_worker_enter (WeirWorker *worker)
{
  WeirWorker *before = current_worker;
  current_worker = worker;
  weir_cranked_clock = worker->clock;
  if (before != worker) {
    weir_pool_adopt (worker->pool);
    g_main_context_push_thread_default (worker->context);
  }
  return before;
}

void
weir_worker_leave (WeirWorker *worker, WeirWorker *before)
{
  if (before != worker) {
    g_main_context_pop_thread_default (worker->context);
    weir_pool_disown (worker->pool);
  }
  current_worker = before;
  weir_cranked_clock = before != NULL ? before->clock : NULL;
}

static gpointer
run (gpointer data)
{
  WeirWorker *worker = data;
  /* A handler of fatal signals can still run when the rest of the stack is used up. */
  _Alignas(16) guint8 signal_stack[SIGNAL_STACK];
  stack_t before = { .ss_flags = SS_DISABLE };
  sigaltstack (&(stack_t){ .ss_sp = signal_stack, .ss_size = sizeof signal_stack }, &before);
  weir_worker_enter (worker);
  gint64 visited = g_get_monotonic_time ();
  gboolean busy = FALSE;
  while (weir_load_acquire (&worker->quit) == 0) {
    WeirTask *task = weir_run_queue_pop (&worker->queue);
    if (task != NULL) {
      gint64 now = weir_worker_run_task (worker, task);
      busy = busy || now != 0;
      if (now - visited >= VISIT) {
        visited = now;
        weir_worker_dispatch (worker);
      }
      continue;
    }
    if (busy && weir_run_queue_linger (&worker->queue)) {
      continue;
    }
    if (busy && worker->shrink.iter == NULL) {
      weir_timers_arm (worker->timers, &worker->shrink, g_get_monotonic_time () + SHRINK);
    }
    busy = FALSE;
    weir_worker_sleep (worker);
  }
  while (g_main_context_iteration (worker->context, FALSE)) {}
  weir_timers_disarm (worker->timers, &worker->shrink);
  weir_worker_leave (worker, NULL);
  sigaltstack (&before, NULL); /* a sanitizer has one of its own, and frees what it finds here */
  return NULL;
}

gboolean
weir_worker_start (WeirWorker *worker, GError **error)
{
  g_autofree char *thread_name = g_strndup (worker->name, 15);
  worker->thread = g_thread_try_new (thread_name, run, worker, NULL);
  if (worker->thread == NULL) {
    /* The only reason that GLib gives. */
    g_set_error (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN, "cannot start its thread: %s", g_strerror (EAGAIN));
    return FALSE;
  }
  return TRUE;
}

void
weir_worker_stop (WeirWorker *worker)
{
  if (worker->thread != NULL) {
    weir_store_release (&worker->quit, 1);
    weir_task_make_ready (&worker->own);
    g_thread_join (worker->thread);
    worker->thread = NULL;
  }
}

WeirWorker *
weir_worker_ref (WeirWorker *worker)
{
  atomic_fetch_add_explicit (&worker->references, 1, memory_order_relaxed);
  return worker;
}

void
weir_worker_unref (WeirWorker *worker)
{
  if (atomic_fetch_sub_explicit (&worker->references, 1, memory_order_acq_rel) != 1) {
    return;
  }
  weir_timers_free (worker->timers);
  weir_watches_free (worker->watches);
  weir_run_queue_clear (&worker->queue);
  weir_pool_unref (worker->pool);
  g_main_context_unref (worker->context);
  g_free (worker->name);
  g_aligned_free (worker);
}
