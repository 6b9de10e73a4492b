/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.c: the links that a stage feeds: put, pause, resume, the hard limit (R1 to R4).
 * Runs on the stage's worker. The stage's set of reasons is one word: a count of full links, and a bit for the operator. State
 * is set first, pause() or resume() called last, and neither nests. */
#include "front.h"
#include "stage.h"

void
weir_outputs_each (WeirStage *stage, void (*each) (WeirStage *stage, WeirLink *link))
{
  for (guint p = 0; p < stage->port_count; p++) {
    for (guint i = 0; i < stage->ports[p].count; i++) {
      each (stage, stage->ports[p].links[i]);
    }
  }
  for (guint i = 0; i < stage->rejected.count; i++) {
    each (stage, stage->rejected.links[i]);
  }
}

static gboolean
tells (WeirStage *stage)
{
  return stage->life >= WEIR_LIFE_STARTING && stage->life < WEIR_LIFE_ENDED && !stage->stopping && !stage->finishing &&
         !stage->finish_posted && !stage->failed && !stage->out_over && weir_stage_paused (stage) != stage->told_paused;
}

void
weir_outputs_tell (WeirStage *stage)
{
  if (stage->in_pause) {
    return;
  }
  /* Once more where resume() has emitted until a link was full: pause() comes behind it, not inside. */
  while (tells (stage)) {
    stage->told_paused = !stage->told_paused;
    gboolean paused = stage->told_paused;
    void (*callback) (WeirStage *, gpointer) = paused ? stage->role->pause : stage->role->resume;
    if (callback != NULL) {
      stage->in_pause = TRUE;
      const char *outer = weir_load_relaxed (&stage->worker->callback);
      WeirHalf half = stage->half;
      stage->half = stage->duplex ? WEIR_HALF_OUTPUT : WEIR_HALF_INPUT;
      weir_stage_enter (stage, paused ? "pause" : "resume");
      callback (stage, stage->self);
      weir_stage_enter (stage, outer);
      stage->half = half;
      stage->in_pause = FALSE;
    }
  }
}

static gboolean
may_go_on (gpointer data)
{
  WeirLink *link = data;
  WeirStage *stage = link->from;
  return weir_link_at_low (link) || weir_load_acquire (&link->closed) != WEIR_LINK_OPEN ||
         (weir_load_acquire (&stage->requests) & (WEIR_REQUEST_STOP | WEIR_REQUEST_HALT)) != 0;
}

static void
publish (G_GNUC_UNUSED WeirStage *stage, WeirLink *link)
{
  if (link->front != NULL) {
    weir_front_publish_and_wake (link->front);
  } else {
    weir_link_publish_and_wake (link);
  }
}

void
weir_stage_publish (WeirStage *stage)
{
  weir_outputs_each (stage, publish);
}

/* R4: at the hard limit. FALSE: the stage shares its worker and has failed. */
static gboolean
hold (WeirStage *stage, WeirLink *link)
{
  if (stage->worker->stages > 1) {
    if (!stage->failed) {
      stage->at_fault = TRUE;
      weir_stage_fail (stage,
                       "emitted past a full link: %s is at its hard limit (%" G_GUINT64_FORMAT
                       " records queued), and the stage "
                       "cannot wait there as it shares worker \"%s\"; stop emitting when an emit answers FALSE",
                       link->identity->name, link->put_private - link->done_seen, stage->worker->name);
    }
    return FALSE;
  }
  weir_stage_publish (stage);
  gint64 start = weir_clock_now ();
  weir_run_queue_hold (&stage->worker->queue, &stage->task, may_go_on, link);
  stage->held_us += weir_clock_now () - start;
  /* Cut short by a stop: this one record is still taken, and none after it. */
  stage->refusing = stage->refusing ||
                    !(weir_link_at_low (link) || weir_load_relaxed (&link->closed) != WEIR_LINK_OPEN);
  return TRUE;
}

void
weir_outputs_put (WeirStage *stage, WeirLink *link, const WeirRecord *record)
{
  if (link->front != NULL) {
    weir_front_put (link->front, record);
  } else {
    if (G_UNLIKELY (weir_load_relaxed (&link->full) != 0) && link->limits->settings.when_full == WEIR_WHEN_FULL_PAUSE &&
        !weir_link_below_hard (link) && !hold (stage, link)) {
      weir_add_relaxed (&weir_link_tally (link)->dropped_put[WEIR_DROP_REFUSED], 1);
      return;
    }
    weir_link_put (link, record);
  }
  weir_outputs_count (stage, link);
}

static void
recheck (WeirStage *stage, WeirLink *link)
{
  if (link->front != NULL) {
    weir_front_expire (link->front);
  } else if (link->stamps != NULL) {
    weir_link_age_full (link);
  }
  gboolean gone = link->front != NULL ? weir_front_recheck (link->front) : weir_link_recheck (link);
  if (gone && link->counted) {
    link->counted = FALSE;
    atomic_fetch_sub_explicit (&stage->reasons, 1, memory_order_relaxed);
  } else if (!gone) {
    /* Full by age or by control entries: nobody was emitting. */
    weir_outputs_count (stage, link);
  }
}

void
weir_outputs_recheck (WeirStage *stage)
{
  weir_outputs_each (stage, recheck);
  weir_outputs_tell (stage);
  weir_stage_leave (stage);
}

void
weir_outputs_control_port (WeirStage *stage, WeirPort *port, WeirControl control, guint32 stream)
{
  for (guint i = 0; i < port->count; i++) {
    WeirLink *link = port->links[i];
    if (link->front != NULL) {
      weir_front_put_control (link->front, control, stream);
    } else {
      weir_link_put_control (link, control, stream);
    }
    if (weir_load_relaxed (&link->full) != 0 && !link->counted) {
      weir_task_make_ready (&stage->task); /* told from the loop: nobody was emitting */
    }
  }
}

void
weir_outputs_control_ports (WeirStage *stage, WeirControl control, guint32 stream)
{
  for (guint p = 0; p < stage->port_count; p++) {
    weir_outputs_control_port (stage, &stage->ports[p], control, stream);
  }
}

void
weir_outputs_control (WeirStage *stage, WeirControl control, guint32 stream)
{
  weir_outputs_control_ports (stage, control, stream);
  weir_outputs_control_port (stage, &stage->rejected, control, stream);
}

gboolean
weir_stage_rejected_full (WeirStage *stage)
{
  for (guint i = 0; i < stage->rejected.count; i++) {
    if (stage->rejected.links[i]->counted) {
      return TRUE;
    }
  }
  return (weir_load_relaxed (&stage->reasons) & WEIR_PAUSED_OPERATOR) != 0;
}
