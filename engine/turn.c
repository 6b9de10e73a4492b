/* SPDX-License-Identifier: Apache-2.0 */
/* turn.c: one bounded turn of a stage.
 * Runs on the stage's worker, which has taken the stage off the run queue, cleared its flag and fenced: whatever a waker has
 * stored before it set the flag is looked at here. Ends by publishing, by waking takers, and by saying whether to come again. */
#include "connections.h"
#include "front.h"

#define TURN_RECORDS 4096
#define TURN_BYTES (1024 * 1024)
#define TURN_TIME 200 /* microseconds */
#define CLOCK_CALLBACKS 64
#define EMPTY_TURNS 16

gboolean
weir_turn_used (WeirStage *stage, WeirTurn *turn)
{
  if (G_UNLIKELY ((stage->role->flags & WEIR_BLOCKING) != 0)) {
    return TRUE;
  }
  if (stage->turn_records >= TURN_RECORDS || stage->turn_bytes >= TURN_BYTES) {
    return TRUE;
  }
  if (++turn->callbacks < CLOCK_CALLBACKS && !turn->slow) {
    return FALSE;
  }
  gint64 now = weir_clock_now ();
  turn->slow = now - turn->marked > (turn->slow ? 1 : 64);
  turn->marked = now;
  turn->callbacks = 0;
  return now - turn->start >= TURN_TIME;
}

void
weir_turn_empty (WeirStage *stage)
{
  if (++stage->empty_turns < EMPTY_TURNS) {
    return;
  }
  guint doublings = MIN (stage->empty_turns - EMPTY_TURNS, 7);
  gint64 delay = MIN (1000 << doublings, 100 * 1000);
  weir_add_relaxed (&stage->errors, 1);
  if (stage->empty_turns == EMPTY_TURNS) {
    weir_stage_log (stage, G_LOG_LEVEL_WARNING,
                    "produce() has answered MORE %d times and emitted nothing; it is asked again with pauses",
                    EMPTY_TURNS);
  }
  *(stage->duplex ? &stage->out_waits : &stage->waits) = TRUE;
  weir_timers_arm (stage->worker->timers, &weir_stage_extras (stage)->timers.retry, weir_clock_now () + delay);
}

/* The produce() of a producer or of a duplex stage. TRUE: ask again right away. */
static gboolean
run_producer (WeirStage *stage, WeirTurn *turn)
{
  bool *waits = stage->duplex ? &stage->out_waits : &stage->waits;
  while (stage->life < WEIR_LIFE_ENDED && !stage->failed && !stage->finishing && !stage->out_finishing &&
         !stage->finish_posted && !*waits && !weir_stage_paused (stage)) {
    gsize before = stage->turn_records;
    stage->half = stage->duplex ? WEIR_HALF_OUTPUT : WEIR_HALF_INPUT;
    weir_stage_enter (stage, "produce");
    WeirNext next = stage->role->produce (stage, stage->self);
    weir_stage_leave (stage);
    stage->half = WEIR_HALF_INPUT;
    gboolean used = weir_turn_used (stage, turn);
    if (next == WEIR_DONE) {
      weir_life_finish_output (stage);
    } else if (next == WEIR_WAIT) {
      *waits = TRUE;
    } else if (next != WEIR_MORE) {
      weir_stage_check_answer (stage, "produce", next, 0);
    } else if (stage->turn_records == before) {
      weir_turn_empty (stage);
      return !*waits;
    }
    stage->empty_turns = 0;
    if (used) {
      return TRUE;
    }
  }
  return FALSE;
}

/* When the oldest record of the link becomes too old, if something is to be done about it then; 0: never. */
static gint64
age_deadline (WeirLink *link)
{
  if (link->front != NULL) {
    return weir_front_age_deadline (link->front);
  }
  return link->stamps != NULL && weir_load_relaxed (&link->full) == 0 ? weir_link_age_deadline (link) : 0;
}

/* Wakes the stage then; weir_outputs_recheck() looks. */
static void
arm_age (WeirStage *stage, WeirLink *link)
{
  if (stage->life >= WEIR_LIFE_ENDED) {
    return;
  }
  gint64 at = age_deadline (link);
  if (at == 0) {
    return;
  }
  WeirTimer *age = &weir_stage_extras (stage)->timers.age;
  if (age->iter == NULL || at < age->at) {
    weir_timers_arm (stage->worker->timers, age, at);
  }
}

void
weir_turn_publish_dirty (WeirStage *stage)
{
  weir_stage_publish (stage);
  weir_outputs_each (stage, arm_age);
  weir_stage_leave (stage);
  weir_joins_look (stage);
}

static gboolean
run_stage (WeirStage *stage, WeirTurn *turn)
{
  /* Before the reasons are looked at: no resume() comes before the stop() of a stage that nobody takes from any more. */
  if (stage->awaits_connections) {
    weir_life_end (stage);
    return FALSE;
  }
  weir_life_check_takers (stage);
  if (stage->awaits_connections) {
    return FALSE; /* it was stopped there, and only their end is awaited */
  }
  if (stage->life != WEIR_LIFE_RUNNING && stage->life != WEIR_LIFE_ENDING) {
    return FALSE;
  }
  gboolean was_paused = weir_stage_paused (stage);
  weir_outputs_recheck (stage);
  if (was_paused && !weir_stage_paused (stage)) {
    weir_posts_look_again (stage);
  }
  gboolean more = weir_posts_run (stage);
  if ((stage->kind == WEIR_PRODUCER || stage->duplex) && stage->role->produce != NULL) {
    more = run_producer (stage, turn) || more;
  }
  if (stage->kind != WEIR_PRODUCER) {
    weir_intake_collect (stage);
    more = weir_intake_run (stage, turn) || more;
  }
  if (!stage->failed && !stage->finishing && stage->kind != WEIR_PRODUCER) {
    /* Of those that join a stage that has had enough, none is counted. */
    if (stage->inputs_over == stage->input_count || (stage->input_closed && !stage->enough)) {
      weir_life_finish (stage);
      more = more || (stage->produces != WEIR_PRODUCES_NOT && !stage->waits && !weir_intake_paused (stage));
    }
    weir_intake_settle (stage);
  }
  return more;
}

static void
idle_link (G_GNUC_UNUSED WeirStage *stage, WeirLink *link)
{
  if (link->front == NULL) {
    weir_link_put_idle (link);
  }
}

static void
set_clock (WeirStage *stage, gint64 start, gint64 now)
{
  if (stage->life != WEIR_LIFE_RUNNING && stage->life != WEIR_LIFE_ENDING) {
    return;
  }
  weir_add_relaxed (&stage->clocks[stage->clock], (guint64) (start - stage->clock_at));
  weir_add_relaxed (&stage->clocks[WEIR_CLOCK_WORKING], (guint64) MAX (now - start - stage->held_us, 0));
  weir_add_relaxed (&stage->clocks[WEIR_CLOCK_BLOCKED], (guint64) stage->held_us);
  stage->clock_at = now;
  stage->clock = weir_stage_paused (stage)          ? WEIR_CLOCK_BLOCKED
                 : stage->waits || stage->out_waits ? WEIR_CLOCK_WAITING
                                                    : WEIR_CLOCK_STARVED;
}

gint64
weir_stage_turn (WeirStage *stage)
{
  gint64 start = weir_clock_now ();
  WeirTurn turn = { .start = start, .marked = start };
  gboolean more = FALSE;
  weir_store_relaxed (&stage->worker->running, stage);
  stage->in_turn = TRUE;
  stage->turn_records = stage->turn_bytes = 0;
  stage->held_us = 0;
  if (stage->clock_at == 0) {
    stage->clock_at = start;
  }
  guint32 requests = weir_load_relaxed (&stage->requests) != 0 ? weir_exchange (&stage->requests, 0) : 0;
  if (requests != 0) {
    weir_life_requests (stage, requests);
  }
  guint32 woken = weir_load_relaxed (&stage->woken) != 0 ? weir_exchange (&stage->woken, 0) : 0;
  if (woken != 0 && !stage->duplex) {
    stage->waits = FALSE;
  } else if (woken != 0) {
    stage->waits = stage->waits && (woken & WEIR_HALF_BIT (WEIR_HALF_INPUT)) == 0;
    stage->out_waits = stage->out_waits && (woken & WEIR_HALF_BIT (WEIR_HALF_OUTPUT)) == 0;
  }
  if (weir_stage_origins (stage) != NULL) {
    more = weir_origins_tell (stage);
  }
  if (stage->life == WEIR_LIFE_STARTING && !stage->failed) {
    more = weir_life_starting (stage) || more;
  }
  if (stage->life == WEIR_LIFE_RUNNING || stage->life == WEIR_LIFE_ENDING) {
    more = run_stage (stage, &turn) || more;
  } else if (stage->life == WEIR_LIFE_DOWN) {
    weir_life_check_takers (stage);
    if (stage->life == WEIR_LIFE_DOWN) {
      weir_intake_collect (stage); /* connections come and go all the same */
    }
  } else if (stage->life >= WEIR_LIFE_ENDED) {
    weir_intake_discard (stage);
    weir_life_close_ended (stage);
    weir_intake_leave_parted (stage);
  }
  if (stage->failed && stage->life >= WEIR_LIFE_STARTING) {
    weir_life_fail (stage);
    more = FALSE;
  } else if (stage->finishing && stage->life >= WEIR_LIFE_STARTING && stage->life < WEIR_LIFE_ENDED) {
    weir_intake_close (stage, WEIR_LINK_FINISHED);
    weir_life_end (stage);
    more = FALSE;
  } else if (stage->out_finishing && stage->life >= WEIR_LIFE_STARTING && stage->life < WEIR_LIFE_ENDED) {
    weir_life_end_output (stage);
  }
  if (stage->elsewhere != NULL && stage->elsewhere->look != NULL) {
    stage->elsewhere->look (stage);
  }
  weir_stage_publish (stage);
  weir_outputs_each (stage, arm_age);
  weir_joins_look (stage);
  if (more) {
    weir_task_make_ready (&stage->task);
  } else {
    weir_outputs_each (stage, idle_link);
    if (stage->packer.buffer != NULL && (stage->packer.buffer->capacity > 4096 || stage->connection != NULL)) {
      weir_packer_clear (&stage->packer);
    }
  }
  gint64 now = weir_clock_now ();
  set_clock (stage, start, now);
  stage->in_turn = FALSE;
  weir_store_relaxed (&stage->worker->callback, NULL);
  weir_store_relaxed (&stage->worker->running, NULL);
  return now;
}
