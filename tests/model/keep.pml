/* SPDX-License-Identifier: Apache-2.0 */
/* keep.pml: R14 and R15: a consumer that keeps what it takes, and a thread of its own that releases it, in any
 * order. Some kept records come back by themselves, the others only after settle(). With WINDOW, all do, and the
 * stage takes no more while so many are out. With AGE the link is full by age: with no record put. Steps are named
 * as in reject.c, intake.c and link-take.c. */

#ifndef RECORDS
#define RECORDS 2 /* 1 to 3 */
#endif
#define LOW 0
#define HIGH 2

/* Mutants. */
#define NO_FENCE_AFTER_PUT 11
#define NO_FENCE_AFTER_FULL 12
#define NO_FENCE_AFTER_DONE 13
#define NO_FENCE_AFTER_LISTED 14
#define NO_FENCE_IN_TAKE_IDLE 15
#define NO_FENCE_AFTER_RELEASED 16
#define NO_LOOK_IN_TAKE_IDLE 17
#define NO_NOTICE_IN_RUN 18
#define RELEASE_TELLS_LINK_ONLY 19
#define NO_SETTLE 20
#define SETTLE_TOLD_FOR_EVER 21
#define FULL_READ_BEFORE_IDLE 22
#define DONE_PASSES_KEPT 23
#define SETTLE_AT_EACH_VISIT 24
#define RELEASE_BEFORE_MARK 25

/* Sleeping and late exchanges are looked at in link.pml and fan-in.pml. */
#define AWAKE
#define EXCHANGE_AT_ONCE

#define PRODUCER 0
#define TAKER 1
#define RELEASER 2
#define TASKS 2
#define PROCESSES 3
#define producer_ready memory[ready (PRODUCER)] /* it has no run queue here: it waits for this */

#define put RUNQUEUE_WORDS
#define done (RUNQUEUE_WORDS + 1)
#define full (RUNQUEUE_WORDS + 2)
#define link_ready(link) (RUNQUEUE_WORDS + 3)
#define link_head (RUNQUEUE_WORDS + 4)
#define released (RUNQUEUE_WORDS + 5)
#define slot(cursor) (RUNQUEUE_WORDS + 6 + (cursor)) /* 1: WEIR_SLOT_RELEASED */
#define WORDS (RUNQUEUE_WORDS + 6 + RECORDS)

/* The producer's worker. */
byte put_private;
byte done_seen;
bool is_full;

/* The taker's worker. */
byte taken, done_private, kept;
bool on_active, settle_wanted, settle_told;

/* The consumer's own: what its thread may release. */
bool in_flight[RECORDS];
bool gone[RECORDS];
byte outstanding;
byte tells, given_back;

bool over[2];

bool kept_records_are_never_done = true;
bool settle_is_told_once = true;
bool lost_turn, lost_release, lost_settle, lost_resume;

#include "runqueue.pml"
#include "ready-links.pml"

inline weir_link_set_full()
{
  store (PRODUCER, full, 1);
  if
  :: load (PRODUCER, put) != put_private -> store (PRODUCER, put, put_private)
  :: else
  fi;
  fence (PRODUCER, NO_FENCE_AFTER_FULL);
  weir_link_make_ready (PRODUCER, 0);
  atomic {
    done_seen = load (PRODUCER, done);
    if
    :: put_private - done_seen <= LOW -> store (PRODUCER, full, 0)
    :: else -> is_full = true
    fi
  }
}

active proctype producer()
{
  byte old;
  do
  :: is_full ->
    atomic { producer_ready != 0 -> producer_ready = 0 }
    atomic {
      done_seen = load (PRODUCER, done);
      if
      :: put_private - done_seen <= LOW -> store (PRODUCER, full, 0); is_full = false
      :: else
      fi
    }
  :: !is_full && put_private == RECORDS -> break
  :: !is_full && put_private < RECORDS ->
    atomic {
      put_private++;
      done_seen = load (PRODUCER, done)
    }
#ifdef AGE
    store (PRODUCER, put, put_private);
    fence (PRODUCER, NO_FENCE_AFTER_PUT);
    weir_link_make_ready (PRODUCER, 0);
    weir_link_set_full () /* later: weir_link_age_full() */
#else
    if
    :: put_private - done_seen >= HIGH -> weir_link_set_full ()
    :: else ->
      store (PRODUCER, put, put_private);
      fence (PRODUCER, NO_FENCE_AFTER_PUT);
      weir_link_make_ready (PRODUCER, 0)
    fi
#endif
  od;
  over[PRODUCER] = true
}

/* Done moves over all that is not kept, or was released. */
inline weir_link_done()
{
  if
  :: done_private == taken
  :: else ->
    do
    :: done_private == taken -> break
    :: done_private != taken && load (TAKER, slot (done_private)) == 0 && MUTANT != DONE_PASSES_KEPT -> break
    :: else ->
      atomic {
        kept_records_are_never_done = (load (TAKER, slot (done_private)) != 0);
        assert (kept_records_are_never_done);
        kept--;
        done_private++
      }
    od;
    if
    :: load (TAKER, done) == done_private
    :: else ->
      store (TAKER, done, done_private);
      fence (TAKER, NO_FENCE_AFTER_DONE);
      if
      :: load (TAKER, full) != 0 && load (TAKER, put) - done_private <= LOW -> producer_ready = 1
      :: else
      fi
    fi
  fi
}

inline notice_release()
{
  if
  :: load (TAKER, released) == 0
  :: else ->
    exchange (TAKER, released, 0, old);
    old = 0;
    settle_told = (MUTANT == SETTLE_TOLD_FOR_EVER && settle_told);
    weir_link_done ()
  fi
}

inline weir_intake_collect()
{
  if
  :: on_active -> notice_release ()
  :: else
  fi;
  if
  :: load (TAKER, link_head) == 0
  :: else ->
    exchange (TAKER, link_head, 0, old);
    old = 0;
    notice_release ();
    on_active = true
  fi
}

inline weir_link_take_idle()
{
  store (TAKER, link_ready (0), 0);
  fence (TAKER, NO_FENCE_IN_TAKE_IDLE);
  if
  :: (load (TAKER, put) != taken || load (TAKER, released) != 0) && MUTANT != NO_LOOK_IN_TAKE_IDLE ->
    exchange (TAKER, link_ready (0), 1, old);
    on_active = (old == 0);
    old = 0
  :: else -> on_active = false
  fi
}

/* What this link's producer waits for may be in this stage's hands. */
inline want_settle()
{
  if
  :: kept > 0 && (load (TAKER, full) != 0 || MUTANT == SETTLE_AT_EACH_VISIT) -> settle_wanted = true
  :: else
  fi
}

inline weir_intake_run()
{
  do
  :: !on_active -> break
#ifdef WINDOW
  :: on_active && outstanding >= WINDOW -> break
  :: on_active && outstanding < WINDOW ->
#else
  :: on_active ->
#endif
    if
    :: load (TAKER, put) != taken ->
      /* consume() keeps it */
      atomic {
        taken++;
        kept++;
        outstanding++;
        if
        :: in_flight[taken - 1] = true
#ifndef WINDOW
        :: true
#endif
        fi
      }
    :: else ->
#if MUTANT != NO_NOTICE_IN_RUN
      notice_release ();
#endif
      weir_link_done ();
#if MUTANT == FULL_READ_BEFORE_IDLE
      want_settle ();
#endif
      weir_link_take_idle ();
#if MUTANT != FULL_READ_BEFORE_IDLE
      if
      :: !on_active -> want_settle ()
      :: else
      fi
#endif
    fi
  od
}

#ifdef AGE
#define inputs_over false
#else
#define inputs_over (taken == RECORDS)
#endif

inline weir_intake_settle()
{
  if
  :: (settle_wanted || inputs_over) && !settle_told && !on_active && outstanding > 0 && MUTANT != NO_SETTLE ->
    atomic {
      settle_told = (MUTANT != SETTLE_AT_EACH_VISIT);
      settle_wanted = false;
      tells++;
      settle_is_told_once = (tells <= 1 + given_back);
      assert (settle_is_told_once);
      for (i : 0 .. taken - 1) {
        in_flight[i] = true
      }
    }
  :: else
  fi
}

active proctype taker()
{
  byte old, i;
  do
  :: done_private == RECORDS -> break
  :: else ->
    weir_worker_next (TAKER);
    weir_intake_collect ();
    weir_intake_run ();
    weir_intake_settle ()
  od;
  over[TAKER] = true
}

/* give_back(), on the consumer's own thread. */
active proctype releaser()
{
  byte old, i;
end:
  do
  :: atomic {
      if
      :: in_flight[0] && !gone[0] -> i = 0
#if RECORDS > 1
      :: in_flight[1] && !gone[1] -> i = 1
#endif
#if RECORDS > 2
      :: in_flight[2] && !gone[2] -> i = 2
#endif
      fi;
      gone[i] = true;
      outstanding--;
      given_back++
    }
#if MUTANT == RELEASE_BEFORE_MARK
    weir_link_make_ready (RELEASER, 0);
    weir_task_make_ready (RELEASER, TAKER);
#endif
    store (RELEASER, slot (i), 1);
    store (RELEASER, released, 1);
    fence (RELEASER, NO_FENCE_AFTER_RELEASED);
#if MUTANT != RELEASE_BEFORE_MARK
    weir_link_make_ready (RELEASER, 0);
#if MUTANT != RELEASE_TELLS_LINK_ONLY
    weir_task_make_ready (RELEASER, TAKER)
#endif
#endif
  od
}

active proctype watch()
{
  timeout ->
  atomic {
    lost_turn = (!over[TAKER] && memory[incoming (TAKER)] != 0);
    lost_release = (!over[TAKER] && done_private < taken && memory[slot (done_private)] != 0);
    lost_settle = (outstanding > 0);
    lost_resume = (is_full && put_private - memory[done] <= LOW);
    assert (!lost_turn);
    assert (!lost_release);
    assert (!lost_settle);
    assert (!lost_resume);
    assert (over[PRODUCER] && over[TAKER])
  }
}
