/* SPDX-License-Identifier: Apache-2.0 */
/* runqueue.pml: engine/runqueue.c with one task a worker: making a task ready, popping it, sleeping, holding up,
 * waking. Worker and task have the number of the process that runs them. The includer defines TASKS. A process
 * that uses these steps has a local `byte old`. */

#define NO_FENCE_IN_WAKE 1
#define NO_FENCE_IN_SLEEP 2
#define NO_FENCE_IN_POP 3
#define NO_FENCE_IN_HOLD 4
#define NO_LOOK_BEFORE_SLEEP 5
#define NO_LOOK_IN_HOLD 6
#define NO_POP_IN_HOLD 7
#define NO_EXCHANGE_OF_READY 8

#define ready(task) (task)
#define incoming(worker) (TASKS + (worker))     /* 1: the task is on the list */
#define sleeping(worker) (2 * TASKS + (worker)) /* WEIR_BUSY, WEIR_SLEEPING, WEIR_HELD_UP */
#define RUNQUEUE_WORDS (3 * TASKS)

#define WEIR_BUSY 0
#define WEIR_SLEEPING 1
#define WEIR_HELD_UP 2

#include "memory.pml"

bool wakeup[TASKS]; /* g_main_context_wakeup() was called: kept until the context is iterated */
bool listed_once = true;

/* AWAKE: where the question is another, a worker waits until something is on its list, and nobody has to wake it. */
#ifdef AWAKE
inline weir_run_queue_wake(me, worker)
{
  skip
}

inline weir_run_queue_sleep(me)
{
  skip;
end_asleep:
  memory[incoming (me)] != 0
}
#else
inline weir_run_queue_wake(me, worker)
{
  fence (me, NO_FENCE_IN_WAKE);
  if
  :: load (me, sleeping (worker)) == WEIR_BUSY
  :: else ->
    exchange (me, sleeping (worker), WEIR_BUSY, old);
    if
    :: old == WEIR_SLEEPING -> wakeup[worker] = true
    :: else /* held up: waits for another value of sleeping */
    fi
  fi
}

inline weir_run_queue_sleep(me)
{
  store (me, sleeping (me), WEIR_SLEEPING);
  fence (me, NO_FENCE_IN_SLEEP);
  if
  :: MUTANT != NO_LOOK_BEFORE_SLEEP && load (me, incoming (me)) != 0
  :: else ->
end_asleep: /* whether it may sleep for ever is for the model's watch to say */
    atomic { wakeup[me] -> wakeup[me] = false }
  fi;
  store (me, sleeping (me), WEIR_BUSY)
}
#endif

/* The fence at its head is written out at each caller, so that a mutant can take away one. */
inline weir_task_make_ready(me, task)
{
  step {
    if
    :: load (me, ready (task)) != 0
    :: else ->
#if MUTANT == NO_EXCHANGE_OF_READY
      old = 0;
      store (me, ready (task), 1);
#else
      exchange (me, ready (task), 1, old);
#endif
      if
      :: old != 0
      :: else ->
        exchange (me, incoming (task), 1, old);
        listed_once = (old == 0);
        assert (listed_once);
        weir_run_queue_wake (me, task)
      fi
    fi;
    old = 0
  }
}

inline weir_run_queue_pop(me)
{
  step {
    exchange (me, incoming (me), 0, old);
    old = 0;
    store (me, ready (me), 0);
    fence (me, NO_FENCE_IN_POP)
  }
}

/* The worker's loop between two turns: returns with the task popped. */
inline weir_worker_next(me)
{
  do
  :: load (me, incoming (me)) != 0 -> weir_run_queue_pop (me); break
  :: else -> weir_run_queue_sleep (me)
  od
}

#ifndef look
#define look(data) true
#endif

/* Waits inside a callback until look (data) holds. */
inline weir_run_queue_hold(me, data)
{
  do
  :: MUTANT != NO_POP_IN_HOLD && load (me, incoming (me)) != 0 -> weir_run_queue_pop (me)
  :: else ->
    store (me, sleeping (me), WEIR_HELD_UP);
    fence (me, NO_FENCE_IN_HOLD);
    if
    :: look (data) -> break
    :: else ->
      if
      :: MUTANT != NO_LOOK_IN_HOLD && MUTANT != NO_POP_IN_HOLD && load (me, incoming (me)) != 0
      :: else -> load (me, sleeping (me)) != WEIR_HELD_UP
      fi
    fi
  od;
  store (me, sleeping (me), WEIR_BUSY);
  weir_task_make_ready (me, me)
}
