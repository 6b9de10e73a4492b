/* SPDX-License-Identifier: Apache-2.0 */
/* fan-in.pml: two producers and one taker that visits only the links on its ready list, with room enough on both
 * links. The taker serves a link one record a visit and then puts it behind the other. Steps are named as in link-
 * take.c and intake.c. */

#define records(link) (2 - (link)) /* of its producer */

/* Mutants. */
#define NO_FENCE_AFTER_PUT 11
#define NO_FENCE_AFTER_LISTED 12
#define NO_FENCE_IN_TAKE_IDLE 13
#define NO_LOOK_IN_TAKE_IDLE 14
#define IDLE_FORGETS_ACTIVE 15

#define TAKER 0
#define TASKS 1
#define PROCESSES 3

#define put(link) (RUNQUEUE_WORDS + (link))
#define link_ready(link) (RUNQUEUE_WORDS + 2 + (link))
#define link_head (RUNQUEUE_WORDS + 4) /* a bit a link */
#define WORDS (RUNQUEUE_WORDS + 5)

byte taken[2];
bool over;
bool lost_wake, lost_link, lost_record;

#include "runqueue.pml"
#include "ready-links.pml"

proctype producer(byte link)
{
  byte old, emitted;
  do
  :: emitted == records (link) -> break
  :: else ->
    emitted++;
    store (1 + link, put (link), emitted);
    fence (1 + link, NO_FENCE_AFTER_PUT);
    weir_link_make_ready (1 + link, link)
  od
}

/* Nothing to take: the link leaves the active list, unless something has come meanwhile. */
inline weir_link_take_idle(link)
{
  store (TAKER, link_ready (link), 0);
  fence (TAKER, NO_FENCE_IN_TAKE_IDLE);
  if
  :: load (TAKER, put (link)) != taken[link] && MUTANT != NO_LOOK_IN_TAKE_IDLE ->
    exchange (TAKER, link_ready (link), 1, old);
    if
    :: old != 0 || MUTANT == IDLE_FORGETS_ACTIVE -> on_active[link] = false /* it is on the ready list again */
    :: else
    fi;
    old = 0
  :: else -> on_active[link] = false
  fi
}

active proctype taker()
{
  byte old, link;
  bool on_active[2];
  do
  :: taken[0] == records (0) && taken[1] == records (1) -> break
  :: else ->
    weir_worker_next (TAKER);
    /* weir_ready_links_take() */
    if
    :: load (TAKER, link_head) != 0 ->
      exchange (TAKER, link_head, 0, old);
      on_active[0] = on_active[0] || (old & 1);
      on_active[1] = on_active[1] || (old & 2);
      old = 0
    :: else
    fi;
    do
    :: !on_active[0] && !on_active[1] -> break
    :: else ->
      link = (on_active[link] -> link : 1 - link);
      if
      :: load (TAKER, put (link)) != taken[link] -> taken[link]++
      :: else -> weir_link_take_idle (link)
      fi;
      link = 1 - link
    od
  od;
  over = true
}

active proctype watch()
{
  timeout ->
  atomic {
    lost_wake = (!over && memory[incoming (TAKER)] != 0);
    lost_link = (!over && memory[link_head] != 0);
    lost_record = (!over);
    assert (!lost_wake);
    assert (!lost_link);
    assert (!lost_record)
  }
}

init
{
  atomic {
    run producer (0);
    run producer (1)
  }
}
