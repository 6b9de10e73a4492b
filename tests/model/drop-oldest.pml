/* SPDX-License-Identifier: Apache-2.0 */
/* drop-oldest.pml: R11, `drop_oldest` as in front.c: records wait in a front under a small lock, a run at a time
 * moves from there into the ring, where it belongs to the taker and counts as held. Level = front + held; at high
 * the producer drops the oldest of the front, or the new record when the front is empty. Nobody is paused. */

#ifndef RECORDS
#define RECORDS 6
#endif
#define HIGH 2
#define RUN 2 /* records moved in, or out, at a time */

/* Mutants. */
#define DROP_OF_TAKEN 12
#define NO_LOCK 13
#define PUBLISH_AFTER_UNLOCK 14
#define HELD_NOT_COUNTED 15
#define DROP_NOT_COUNTED 16
#define WAKE_BEFORE_MOVE_IN 17

#define PRODUCER 0
#define TAKER 1
#define TASKS 2
#define PROCESSES 2

#define put RUNQUEUE_WORDS
#define done (RUNQUEUE_WORDS + 1)
#define WORDS (RUNQUEUE_WORDS + 2)

#include "runqueue.pml"

/* Under the lock. */
bool locked;
byte slots[HIGH + 1]; /* the front, oldest first */
byte count;
byte in, dropped;

/* The taker's worker. */
byte ring[RECORDS];
byte put_private, taken;

/* What became of each record. */
bool is_taken[RECORDS + 1];
byte drops;
bool over;
byte last;

bool no_taken_record_is_dropped = true;
bool ledger_balances = true;
bool level_is_bounded = true;
bool order_is_kept = true;
bool lost_wake, lost_record;

/* A mutex: what was written before it is released is in memory then. */
inline lock(me)
{
  atomic { !locked -> locked = true }
}

inline unlock(me)
{
  stores[me] == 0;
  locked = false
}

#define held (load (PRODUCER, put) - load (PRODUCER, done))

inline drop(record)
{
  atomic {
    no_taken_record_is_dropped = !is_taken[record];
    assert (no_taken_record_is_dropped);
    drops++;
    dropped = (MUTANT == DROP_NOT_COUNTED && count == 0 -> dropped : dropped + 1)
  }
}

inline take_oldest()
{
  atomic {
    oldest = slots[0];
    slots[0] = slots[1];
    slots[1] = slots[2];
    slots[2] = 0;
    count--
  }
}

inline append(record)
{
  atomic {
    level_is_bounded = (count + memory[put] - memory[done] < HIGH);
    assert (level_is_bounded);
    slots[count] = record;
    count++
  }
}

active proctype producer()
{
  byte old, oldest, emitted, pending, held_now;
  do
  :: emitted == RECORDS -> break
  :: else ->
    pending = emitted;
    if
    :: emitted + RUN <= RECORDS -> emitted = emitted + RUN
    :: emitted++
    fi;
#if MUTANT == WAKE_BEFORE_MOVE_IN
    weir_task_make_ready (PRODUCER, TAKER);
#endif
#if MUTANT != NO_LOCK
    lock (PRODUCER);
#endif
    /* move_in() */
    do
    :: pending == emitted -> break
    :: else ->
      pending++;
      in++;
      held_now = (MUTANT == HELD_NOT_COUNTED -> 0 : held);
      do
      :: count > 0 && count + held_now >= HIGH -> take_oldest (); drop (oldest)
      :: else -> break
      od;
      if
#if MUTANT == DROP_OF_TAKEN
      :: count + held_now >= HIGH -> oldest = ring[load (PRODUCER, put) - 1]; drop (oldest); append (pending)
#else
      :: count + held_now >= HIGH -> drop (pending)
#endif
      :: else -> append (pending)
      fi
    od;
#if MUTANT != NO_LOCK
    unlock (PRODUCER);
#endif
#if MUTANT != WAKE_BEFORE_MOVE_IN
    weir_task_make_ready (PRODUCER, TAKER)
#endif
  od;
  over = true
}

/* weir_front_move(): put and published under the lock, so that the producer sees no level without them. */
inline weir_front_move()
{
  lock (TAKER);
  ledger_balances = (in == dropped + count + put_private || MUTANT == NO_LOCK);
  assert (ledger_balances);
  do
  :: count > 0 && put_private - taken < RUN ->
    atomic {
      take_oldest ();
      ring[put_private] = oldest;
      is_taken[oldest] = true;
      put_private++
    }
  :: else -> break
  od;
#if MUTANT != PUBLISH_AFTER_UNLOCK
  if
  :: load (TAKER, put) != put_private -> store (TAKER, put, put_private)
  :: else
  fi;
#endif
  unlock (TAKER);
#if MUTANT == PUBLISH_AFTER_UNLOCK
  if
  :: load (TAKER, put) != put_private -> store (TAKER, put, put_private)
  :: else
  fi;
#endif
  oldest = 0
}

active proctype taker()
{
  byte old, oldest;
end:
  do
  :: weir_worker_next (TAKER);
    do
    :: taken == put_private ->
      weir_front_move ();
      if
      :: taken == put_private -> break
      :: else
      fi
    :: else ->
      atomic {
        order_is_kept = (ring[taken] > last);
        assert (order_is_kept);
        last = ring[taken];
        taken++
      }
      if
      :: taken == put_private -> store (TAKER, done, taken)
      :: taken < put_private -> store (TAKER, done, taken)
      :: taken < put_private
      fi
    od
  od
}

active proctype watch()
{
  timeout ->
  atomic {
    lost_wake = (memory[incoming (TAKER)] != 0);
    lost_record = (count > 0 || memory[put] != memory[done]);
    ledger_balances = (in == RECORDS && in == memory[done] + dropped && dropped == drops);
    assert (!lost_wake);
    assert (!lost_record);
    assert (ledger_balances);
    assert (over)
  }
}
