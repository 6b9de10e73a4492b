/* SPDX-License-Identifier: Apache-2.0 */
/* link.pml: R1 to R4 and sleeping: a producer and the takers of its links, each alone on its worker. A callback
 * may go on emitting after FALSE, up to the hard limit, and pause() may emit once more. With CLOSE the taker may
 * have enough at any moment; with STOP nobody takes anything, and the main thread asks the producer to stop. Steps
 * and variables are named as in link-put.c, link-full.c, link-take.c, outputs.c and turn.c; a link's own ready list
 * is in fan-in.pml. */

#ifndef LINKS
#define LINKS 1 /* or 2 */
#endif
#ifndef RECORDS
#define RECORDS 4
#endif
#ifndef HARD
#define LOW 1
#define HIGH 2
#define HARD 3
#endif

/* Mutants: what is left out, or done wrong; those of the run queue are in runqueue.pml. */
#define NO_FENCE_AFTER_PUT 11
#define NO_FENCE_AFTER_FULL 12
#define NO_FENCE_AFTER_DONE 13
#define NO_FENCE_AFTER_CLOSED 14
#define NO_FENCE_AFTER_REQUEST 15
#define NO_LOOK_AFTER_FULL 16
#define RESUME_BEFORE_FENCE 17
#define FLAG_AFTER_CALLBACK 18
#define WAKE_BEFORE_PUBLISH 19
#define NO_WAKE_AFTER_EARLY_PUBLISH 20
#define DONE_BEFORE_CONSUMED 21
#define PUBLISH_BEFORE_APPEND 22
#define NO_WAIT_AT_HARD 23
#define NO_REFUSAL_AFTER_STOP 24
#define RESUME_AT_FIRST_LINK 25
#define TELL_BEFORE_LAST_LINK 26
#define RESUME_ABOVE_LOW 27
#define TAKER_CLEARS_FULL 28
#define CLOSE_TELLS_NOBODY 29
#define REQUEST_TELLS_NOBODY 30
#define NO_END_AT_CLOSED 31
#define NO_END_AT_STOP 32

/* Processes; a worker and its only task have the number of theirs. */
#define PRODUCER 0
#define TAKER (1 + link)
#define TASKS (1 + LINKS)
#define MAIN 1 /* with STOP, instead of the taker */
#define PROCESSES TASKS

/* Shared words. */
#define put(link) (RUNQUEUE_WORDS + 4 * (link))
#define done(link) (RUNQUEUE_WORDS + 4 * (link) + 1)
#define full(link) (RUNQUEUE_WORDS + 4 * (link) + 2)
#define closed(link) (RUNQUEUE_WORDS + 4 * (link) + 3)
#define requests (RUNQUEUE_WORDS + 4 * LINKS)
#define WORDS (RUNQUEUE_WORDS + 4 * LINKS + 1)

/* The ring: a slot is free again once done has passed it. */
#ifdef STOP
#define SLOTS (HARD + 2)
#else
#define SLOTS HARD
#endif
#define END 255
byte ring[LINKS * SLOTS];
#define slot(link, cursor) ring[(link) * SLOTS + (cursor) % SLOTS]

/* The producer's worker. */
byte put_private[LINKS];
byte done_seen[LINKS];
byte woken_at[LINKS];
bool counted[LINKS]; /* among the reasons */
byte reasons;
bool told_paused, in_pause;
bool refusing;
byte emitted;

/* The taker's worker. */
byte taken[LINKS];

bool over[TASKS];

/* The properties. */
bool pause_and_resume_alternate = true;
bool resumed_at_low_and_with_no_link_full = true;
bool level_is_bounded = true;
bool order_is_kept = true;
bool lost_wake, lost_hold, lost_resume, lost_record, lost_request;

#ifdef STOP
#define stop_requested (load (PRODUCER, requests) != 0)
#else
#define stop_requested false
#endif
#ifdef CLOSE
#define is_closed(link) (load (PRODUCER, closed (link)) != 0)
#else
#define is_closed(link) false
#endif

#define level(link) (put_private[link] - done_seen[link])
#define weir_link_at_low(link) (put_private[link] - load (PRODUCER, done (link)) <= LOW)

/* may_go_on(): what ends the wait at a hard limit. */
#define look(link) \
  (weir_link_at_low (link) || (is_closed (link) && MUTANT != NO_END_AT_CLOSED) || \
   (stop_requested && MUTANT != NO_END_AT_STOP))

#include "runqueue.pml"

inline weir_link_publish(link)
{
  if
  :: load (PRODUCER, put (link)) != put_private[link] -> store (PRODUCER, put (link), put_private[link])
  :: else
  fi
}

inline weir_link_wake_taker(link)
{
  weir_task_make_ready (PRODUCER, TAKER);
  woken_at[link] = put_private[link]
}

inline weir_link_publish_and_wake(link)
{
  step {
    if
    :: woken_at[link] == put_private[link]
    :: else ->
#if MUTANT == WAKE_BEFORE_PUBLISH
      weir_link_wake_taker (link);
      weir_link_publish (link)
#elif MUTANT == NO_WAKE_AFTER_EARLY_PUBLISH
      if
      :: load (PRODUCER, put (link)) == put_private[link]
      :: else ->
        weir_link_publish (link);
        fence (PRODUCER, NO_FENCE_AFTER_PUT);
        weir_link_wake_taker (link)
      fi
#else
      weir_link_publish (link);
      fence (PRODUCER, NO_FENCE_AFTER_PUT);
      weir_link_wake_taker (link)
#endif
    fi
  }
}

/* R3, the producer's half. */
inline weir_link_set_full(link)
{
  step {
    store (PRODUCER, full (link), 1);
    weir_link_publish (link);
    fence (PRODUCER, NO_FENCE_AFTER_FULL);
    weir_link_wake_taker (link);
    atomic {
      done_seen[link] = (MUTANT == NO_LOOK_AFTER_FULL -> done_seen[link] : load (PRODUCER, done (link)));
      if
      :: level (link) <= LOW || is_closed (link) -> store (PRODUCER, full (link), 0)
      :: else -> counted[link] = true; reasons++
      fi
    }
  }
}

inline weir_link_put(link)
{
#if MUTANT == PUBLISH_BEFORE_APPEND
  store (PRODUCER, put (link), put_private[link] + 1);
#endif
  atomic {
    slot (link, put_private[link]) = emitted;
    put_private[link]++;
    /* A wait cut short by a stop still takes its record. */
    level_is_bounded = (is_closed (link) || put_private[link] - memory[done (link)] <= HARD + refusing);
    assert (level_is_bounded)
  }
#ifndef NO_EARLY_PUBLISH
  if
  :: weir_link_publish (link) /* every so many records: a store, no wake */
  :: true
  fi;
#endif
  /* weir_link_put_slow() */
  if
  :: !counted[link] && level (link) >= HIGH ->
    done_seen[link] = load (PRODUCER, done (link));
    if
    :: level (link) >= HIGH -> weir_link_set_full (link)
    :: else
    fi
  :: else
  fi
}

/* One record to each link that is open; at the hard limit (R4) it waits. */
inline weir_outputs_put(link)
{
  for (link : 0 .. LINKS - 1) {
    if
    :: counted[link] && level (link) >= HARD -> done_seen[link] = load (PRODUCER, done (link))
    :: else
    fi;
    if
    :: counted[link] && level (link) >= HARD && !is_closed (link) && MUTANT != NO_WAIT_AT_HARD ->
      /* hold(): all links are published and their takers woken */
      for (other : 0 .. LINKS - 1) {
        weir_link_publish_and_wake (other)
      }
      weir_run_queue_hold (PRODUCER, link);
      atomic {
        done_seen[link] = load (PRODUCER, done (link));
        refusing = (stop_requested && level (link) >= HARD && MUTANT != NO_REFUSAL_AFTER_STOP)
      }
    :: else
    fi;
    if
    :: is_closed (link)
    :: else -> weir_link_put (link)
    fi;
#if MUTANT == TELL_BEFORE_LAST_LINK
    if
    :: told_paused || reasons == 0 || link == LINKS - 1
    :: else ->
      told_paused = true;
      emitted++;
      slot (1, put_private[1]) = emitted;
      put_private[1]++;
      emitted--
    fi
#endif
  }
  emitted++
}

/* R2: pause() comes from inside the emit that filled the link, the state set before. */
inline weir_emit(link)
{
  do
  :: weir_outputs_put (link);
    if
    :: reasons > 0 && !told_paused ->
      atomic {
        pause_and_resume_alternate = !in_pause;
        assert (pause_and_resume_alternate);
        in_pause = true;
        told_paused = (MUTANT != FLAG_AFTER_CALLBACK)
      }
      if
      :: emitted < RECORDS /* the callback emits */
      :: true -> break
      fi
    :: else -> break
    fi
  od;
  if
  :: in_pause -> atomic { in_pause = false; told_paused = true }
  :: else
  fi
}

/* R3: the producer's worker clears the reason, and tells once the set is empty. */
inline weir_outputs_recheck(link)
{
  for (link : 0 .. LINKS - 1) {
    if
    :: load (PRODUCER, full (link)) == 0
    :: else ->
      atomic {
        done_seen[link] = load (PRODUCER, done (link));
        if
        :: level (link) <= LOW || is_closed (link) || MUTANT == RESUME_ABOVE_LOW ->
          store (PRODUCER, full (link), 0);
          counted[link] = false;
          reasons--;
          if
          :: reasons == 0 || MUTANT == RESUME_AT_FIRST_LINK ->
            pause_and_resume_alternate = told_paused;
            assert (pause_and_resume_alternate);
            resumed_at_low_and_with_no_link_full =
              (!counted[0] && !counted[LINKS - 1] && (level (link) <= LOW || is_closed (link)));
            assert (resumed_at_low_and_with_no_link_full);
            told_paused = false
          :: else
          fi
        :: else
        fi
      }
    fi
  }
}

active proctype producer()
{
  byte old, link, other;
  weir_task_make_ready (PRODUCER, PRODUCER);
  do
  :: weir_worker_next (PRODUCER);
    if
    :: stop_requested || (is_closed (0) && is_closed (LINKS - 1)) -> break
    :: else
    fi;
    weir_outputs_recheck (link);
    if
    :: reasons == 0 && emitted == RECORDS -> break
    :: reasons == 0 && emitted < RECORDS ->
      do
      :: weir_emit (link); /* once, or on and on without regard to what it answers */
        if
        :: emitted == RECORDS || refusing -> break
        :: emitted < RECORDS && !refusing
        :: emitted < RECORDS && !refusing -> break
        fi
      od;
      if
      :: reasons == 0 -> weir_task_make_ready (PRODUCER, PRODUCER)
      :: else
      fi
    :: else
    fi;
    for (link : 0 .. LINKS - 1) {
      weir_link_publish_and_wake (link)
    }
  od;
  /* The end travels behind the last record, and passes the hard limit. */
  for (link : 0 .. LINKS - 1) {
    atomic {
      slot (link, put_private[link]) = END;
      put_private[link]++
    }
    weir_link_publish_and_wake (link)
  }
  over[PRODUCER] = true
}

/* R3, the taker's half: at low, the producer is made ready. */
inline look_at_full()
{
  if
  :: load (TAKER, full (link)) != 0 && load (TAKER, put (link)) - taken[link] <= LOW ->
#if MUTANT == TAKER_CLEARS_FULL
    store (TAKER, full (link), 0);
#endif
    weir_task_make_ready (TAKER, PRODUCER)
  :: else
  fi
}

inline weir_link_done()
{
  step {
    store (TAKER, done (link), taken[link]);
#if MUTANT == RESUME_BEFORE_FENCE
    look_at_full ();
    fence (TAKER, 0)
#else
    fence (TAKER, NO_FENCE_AFTER_DONE);
    look_at_full ()
#endif
  }
}

proctype taker(byte link)
{
  byte old, put_seen, record;
  do
  :: weir_worker_next (TAKER);
    put_seen = load (TAKER, put (link));
    do
    :: taken[link] == put_seen -> break
    :: else ->
#if MUTANT == DONE_BEFORE_CONSUMED
      store (TAKER, done (link), taken[link] + 1);
#endif
      atomic {
        record = slot (link, taken[link]);
        order_is_kept = (record == taken[link] || (record == END && taken[link] == emitted));
        assert (order_is_kept);
        taken[link]++
      }
      if
      :: taken[link] == put_seen -> weir_link_done ()
      :: taken[link] < put_seen -> weir_link_done ()
      :: taken[link] < put_seen /* a run of several */
      fi
    od;
    if
    :: record == END -> break
#ifdef CLOSE
    :: record != END -> /* weir_link_close() */
      store (TAKER, closed (link), 1);
#if MUTANT != CLOSE_TELLS_NOBODY
      fence (TAKER, NO_FENCE_AFTER_CLOSED);
      weir_task_make_ready (TAKER, PRODUCER);
#endif
      break
#endif
    :: record != END
    fi
  od;
  over[TAKER] = true
}

#ifdef STOP
active proctype main_thread()
{
  byte old;
  store (MAIN, requests, 1);
#if MUTANT != REQUEST_TELLS_NOBODY
  fence (MAIN, NO_FENCE_AFTER_REQUEST);
  weir_task_make_ready (MAIN, PRODUCER)
#endif
}
#endif

/* When nothing moves any more: was a promise broken, and which? */
active proctype watch()
{
  byte link;
  timeout ->
  atomic {
    lost_hold = (!over[PRODUCER] && memory[sleeping (PRODUCER)] == WEIR_HELD_UP);
    lost_wake = (!over[PRODUCER] && !lost_hold && memory[incoming (PRODUCER)] != 0);
    for (link : 0 .. LINKS - 1) {
      lost_wake = (lost_wake || (!over[TAKER] && memory[incoming (TAKER)] != 0));
      lost_record = (lost_record || (!over[TAKER] && memory[put (link)] != taken[link]));
      lost_resume = (lost_resume || (!over[PRODUCER] && !lost_hold && counted[link]))
    }
    assert (!lost_wake);
    assert (!lost_record);
    assert (!lost_hold);
    lost_request = (memory[requests] != 0 && !over[PRODUCER]);
    assert (!lost_request);
    assert (!lost_resume);
    assert (over[PRODUCER] && over[1] && over[TASKS - 1])
  }
}

init
{
  atomic {
#ifdef STOP
    over[MAIN] = true
#else
    run taker (0)
#endif
#if LINKS == 2
    ;
    run taker (1)
#endif
  }
}
