/* SPDX-License-Identifier: Apache-2.0 */
/* intake.c: how a transform or consumer takes what its links hold: runs, flush, produce, ends (R6 to R8, R10, R14 to R16).
 * Runs on the stage's worker. A record is taken when the callbacks are through with it; it is done when nothing keeps it, and
 * then its link's done moves on. Fan-in is served round robin among the links on the active list. */
#include "stage.h"

#define RUN_RECORDS 64
#define RUN_BYTES 65536
#define FLUSH_RECORDS 1024
#define FLUSH_BYTES (1024 * 1024)

static void
append_active (WeirStage *stage, WeirLink *link)
{
  link->next_active = NULL;
  if (stage->active == NULL) {
    stage->active = link;
  } else {
    stage->active_last->next_active = link;
  }
  stage->active_last = link;
}

static void
prepend_active (WeirStage *stage, WeirLink *link)
{
  link->next_active = stage->active;
  stage->active_last = stage->active == NULL ? link : stage->active_last;
  stage->active = link;
}

static void
remove_first_active (WeirStage *stage)
{
  stage->active = stage->active->next_active;
}

static void
notice_release (WeirStage *stage, WeirLink *link)
{
  if (weir_load_relaxed (&link->released) != 0 && weir_exchange (&link->released, 0) != 0) {
    stage->settle_told = FALSE;
    weir_intake_done (stage, link);
  }
}

void
weir_intake_collect (WeirStage *stage)
{
  if (weir_load_relaxed (&stage->releases) != 0 && weir_exchange (&stage->releases, 0) != 0) {
    for (WeirLink *link = stage->active; link != NULL; link = link->next_active) {
      notice_release (stage, link);
    }
  }
  for (WeirLink *link = weir_ready_links_take (&stage->ready_links), *next; link != NULL; link = next) {
    next = link->next_ready;
    notice_release (stage, link);
    append_active (stage, link);
  }
}

static void
forward_ends (WeirStage *stage, WeirLink *link)
{
  guint i = 0;
  while (i + 2 < stage->pending_ends->len) {
    guint64 *entry = &g_array_index (stage->pending_ends, guint64, i);
    if (entry[0] == GPOINTER_TO_SIZE (link) && entry[1] <= link->done_private) {
      guint32 stream = (guint32) entry[2];
      g_array_remove_range (stage->pending_ends, i, 3);
      weir_outputs_control (stage, WEIR_CONTROL_END_STREAM, stream);
    } else {
      i += 3;
    }
  }
}

void
weir_intake_done (WeirStage *stage, WeirLink *link)
{
  if (stage->flush_count > 0 && stage->flush_link == link) {
    return;
  }
  for (;;) {
    weir_link_done (link);
    WeirRecord *slot = link->kept > 0 && !weir_stage_paused (stage) ? weir_link_rejected_slot (link) : NULL;
    if (slot == NULL || stage->failed) {
      break;
    }
    g_autofree char *reason = weir_link_take_reason (link, slot);
    weir_reject_record (stage, slot, reason);
    if (stage->failed) {
      break;
    }
    weir_link_finish_rejected (link, slot);
  }
  if (stage->pending_ends->len > 0) {
    forward_ends (stage, link);
  }
}

/* Rejected slots wait for room on .rejected. */
static gboolean
holds_rejected (WeirStage *stage, WeirLink *link)
{
  return link->kept > 0 && stage->life < WEIR_LIFE_ENDED && weir_stage_paused (stage);
}

void
weir_intake_discard (WeirStage *stage)
{
  weir_intake_collect (stage);
  WeirLink *link = stage->active;
  stage->active = NULL;
  for (WeirLink *next; link != NULL; link = next) {
    next = link->next_active;
    if (weir_load_relaxed (&link->closed) == WEIR_LINK_FINISHED) {
      do {
        weir_link_discard (link, WEIR_DROP_TAKER_FINISHED);
        notice_release (stage, link);
        weir_intake_done (stage, link);
      } while (!holds_rejected (stage, link) && !weir_link_take_idle (link));
      if (holds_rejected (stage, link)) {
        append_active (stage, link);
      }
    }
  }
}

void
weir_intake_close (WeirStage *stage, guint32 closed)
{
  for (guint i = 0; i < stage->input_count; i++) {
    if (weir_load_relaxed (&stage->inputs[i]->closed) == WEIR_LINK_OPEN) {
      weir_link_close (stage->inputs[i], closed);
      /* A producer that blocks in a callback would not notice. */
      weir_stage_interrupt (stage->inputs[i]->from);
    }
  }
  weir_intake_discard (stage);
}

static void
count_in (WeirStage *stage, gsize records, gsize bytes)
{
  weir_add_relaxed (&stage->records_in, records);
  weir_add_relaxed (&stage->bytes_in, bytes);
  stage->turn_records += records;
  stage->turn_bytes += bytes;
}

static void
run_flush (WeirStage *stage)
{
  weir_stage_enter (stage, "flush");
  WeirNext next = stage->role->flush (stage, stage->self, stage->flush_records, stage->flush_count);
  weir_stage_leave (stage);
  switch (next) {
  case WEIR_WAIT:
    stage->waits = TRUE;
    return;
  case WEIR_FAIL:
    return;
  case WEIR_DONE:
    stage->enough = TRUE;
    break;
  default:
    break;
  }
  stage->flush_count = 0;
  weir_intake_done (stage, stage->flush_link);
}

static void
begin_flush (WeirStage *stage, WeirLink *link, const WeirRecord *records, gsize count)
{
  stage->flush_records = records;
  stage->flush_count = count;
  stage->flush_link = link;
  run_flush (stage);
}

/* A record that follows a loss: what was joined of its stream before is ended first. FALSE: that waits or produces. */
static gboolean
end_before_gap (WeirStage *stage, WeirLink *link, const WeirRecord *record)
{
  return stage->role->stream_size == 0 || link->gap_ended == record || weir_streams_end (stage, link, record->stream);
}

/* While several links are ready, each gets so much at a time. */
static gsize
run_bytes (WeirStage *stage, gsize alone)
{
  return stage->active != NULL ? RUN_BYTES : alone;
}

static gboolean
window_full (WeirStage *stage)
{
  return G_UNLIKELY (stage->window > 0) && weir_load_acquire (&stage->outstanding) >= (gint64) stage->window;
}

static const char *
rejection (WeirStage *stage)
{
  return stage->rejection != NULL ? stage->rejection : "no reason given";
}

/* Hands a run to consume(), up to its first WAIT, PRODUCE, DONE, REJECT, failure or pause. */
static gboolean
consume_run (WeirStage *stage, WeirTurn *turn, WeirLink *link, const WeirRecord *records, gsize count)
{
  gsize taken = 0, bytes = 0, flush = 0, most_bytes = run_bytes (stage, G_MAXSIZE);
  gboolean go_on = TRUE, used = FALSE, rejected = FALSE;
  WeirNext (*consume) (WeirStage *, gpointer, const WeirRecord *) = stage->role->consume;
  stage->current_link = link;
  weir_stage_enter (stage, "consume");
  while (taken < count && go_on) {
    const WeirRecord *record = &records[taken];
    if (G_UNLIKELY ((record->flags & WEIR_RECORD_GAP) != 0)) {
      if (!end_before_gap (stage, link, record)) {
        break;
      }
      link->gap_ended = record;
    }
    stage->current = record;
    WeirNext next = consume (stage, stage->self, record);
    weir_stage_leave (stage);
    if (G_LIKELY (next == WEIR_MORE) && G_LIKELY (!stage->failed)) {
      bytes += record->size + record->trail;
      taken++;
      used = weir_turn_used (stage, turn);
      go_on = !used && !stage->finishing && !weir_stage_paused (stage) && bytes < most_bytes && !window_full (stage);
      continue;
    }
    go_on = FALSE;
    switch (next) {
    case WEIR_WAIT:
      stage->waits = TRUE;
      break;
    case WEIR_PRODUCE:
      weir_intake_begin_produce (stage, WEIR_PRODUCES_RECORD, "consume");
      break;
    case WEIR_REJECT:
      flush = taken;
      rejected = TRUE;
      weir_reject_record (stage, record, rejection (stage));
      if (!stage->failed) {
        bytes += record->size + record->trail;
        taken++;
      }
      break;
    case WEIR_DONE:
      stage->enough = TRUE;
      bytes += record->size + record->trail;
      taken++;
      break;
    default:
      break;
    }
  }
  if (stage->produces != WEIR_PRODUCES_RECORD) {
    stage->current = &stage->base;
  }
  if (taken > 0) {
    link->gap_ended = NULL;
    weir_link_take (link, taken, bytes);
    count_in (stage, taken, bytes);
    flush = rejected ? flush : taken;
    if (stage->role->flush != NULL && flush > 0 && !stage->failed) {
      begin_flush (stage, link, records, flush);
    } else {
      weir_intake_done (stage, link);
    }
  }
  return used;
}

static void
flush_run (WeirStage *stage, WeirLink *link, const WeirRecord *records, gsize count)
{
  gsize bytes = 0, taken = 0, most_bytes = run_bytes (stage, FLUSH_BYTES);
  while (taken < count && bytes < most_bytes) {
    bytes += records[taken].size + records[taken].trail;
    taken++;
  }
  stage->current_link = link;
  weir_link_take (link, taken, bytes);
  count_in (stage, taken, bytes);
  begin_flush (stage, link, records, taken);
}

/* FALSE: it waits, or produces. */
static gboolean
take_control (WeirStage *stage, WeirLink *link, const WeirRecord *control)
{
  guint32 stream = control->stream;
  if (control->flags == WEIR_CONTROL_END_STREAM) {
    if (!weir_streams_end (stage, link, stream)) {
      return FALSE;
    }
  } else {
    while (weir_streams_any (link, &stream)) {
      if (!weir_streams_end (stage, link, stream)) {
        return FALSE;
      }
    }
  }
  gboolean end = control->flags == WEIR_CONTROL_END;
  link->controls_taken++;
  weir_link_take (link, 1, 0);
  if (!end) {
    guint64 entry[] = { GPOINTER_TO_SIZE (link), link->taken, stream };
    g_array_append_vals (stage->pending_ends, entry, 3);
  }
  weir_intake_done (stage, link);
  if (end) {
    link->over = TRUE;
    stage->inputs_over++;
  }
  return TRUE;
}

void
weir_intake_begin_produce (WeirStage *stage, WeirProduces produces, const char *callback)
{
  if (stage->role->produce == NULL) {
    weir_stage_fail (stage, "%s() answered PRODUCE, and the role has no produce()", callback);
    return;
  }
  stage->produces = produces;
}

/* What the produce() that is over belonged to. */
static void
produced (WeirStage *stage)
{
  WeirProduces what = stage->produces;
  stage->produces = WEIR_PRODUCES_NOT;
  if (what == WEIR_PRODUCES_STREAM) {
    weir_streams_produced (stage);
  } else if (what == WEIR_PRODUCES_RECORD) {
    WeirLink *link = stage->current_link;
    const WeirRecord *record = stage->current;
    gsize bytes = record->size + record->trail;
    stage->current = &stage->base;
    link->gap_ended = NULL;
    weir_link_take (link, 1, bytes);
    count_in (stage, 1, bytes);
    if (stage->role->flush != NULL) {
      begin_flush (stage, link, record, 1);
    } else {
      weir_intake_done (stage, link);
    }
  }
}

/* One produce() of a transform, as in R5. TRUE: the turn is over. */
static gboolean
run_produce (WeirStage *stage, WeirTurn *turn)
{
  gsize before = stage->turn_records;
  weir_stage_enter (stage, "produce");
  WeirNext next = stage->role->produce (stage, stage->self);
  weir_stage_leave (stage);
  gboolean used = weir_turn_used (stage, turn);
  if (next == WEIR_MORE && stage->turn_records == before) {
    weir_turn_empty (stage);
    return TRUE;
  }
  stage->empty_turns = 0;
  switch (next) {
  case WEIR_WAIT:
    stage->waits = TRUE;
    break;
  case WEIR_DONE:
    produced (stage);
    break;
  case WEIR_REJECT:
    if (stage->produces != WEIR_PRODUCES_RECORD) {
      weir_stage_fail (stage, "produce() rejected, and there is no record at hand: %s", rejection (stage));
      break;
    }
    weir_reject_record (stage, stage->current, rejection (stage));
    if (!stage->failed) {
      produced (stage);
    }
    break;
  default:
    break;
  }
  return used;
}

/* R16: this stage has had enough. Its links are closed, the states of its streams end, and what is kept is settled. */
static void
have_enough (WeirStage *stage)
{
  if (!stage->input_closed) {
    stage->input_closed = stage->end_told = TRUE;
    weir_intake_close (stage, WEIR_LINK_FINISHED);
  }
  for (guint i = 0; i < stage->input_count; i++) {
    for (guint32 stream; weir_streams_any (stage->inputs[i], &stream);) {
      if (!weir_streams_end (stage, stage->inputs[i], stream)) {
        return;
      }
    }
  }
  stage->inputs_over = stage->input_count;
  stage->enough = FALSE;
}

/* A link with less than an eighth of high in it is left alone once, some 2 microseconds, so that producer and taker do not pull
 * each other's cache lines. */
static guint64
stay_off (WeirStage *stage, WeirLink *link, guint64 available)
{
  if (available == 0 || available >= link->eighth || link->producer->queue == stage->task.queue ||
      weir_load_relaxed (&link->full) != 0 || !stage->worker->queue.several_cpus) {
    return available;
  }
  gint64 start = g_get_monotonic_time ();
  while (g_get_monotonic_time () - start < 2) {
    for (guint i = 0; i < 8; i++) {
      weir_cpu_relax ();
    }
  }
  return weir_link_look (link);
}

static void
serve_link (WeirStage *stage, WeirTurn *turn, WeirLink *link, gboolean *used)
{
  gboolean flush_only = stage->role->consume == NULL;
  gboolean alone = stage->active == NULL;
  WeirRecord *records;
  gsize most = flush_only && alone ? FLUSH_RECORDS : RUN_RECORDS;
  if (G_UNLIKELY (stage->window > 0)) {
    most = MIN (most, stage->window - (gsize) weir_load_relaxed (&stage->outstanding));
  }
  gsize count = weir_link_peek (link, &records, most);
  if (count == 0) {
    take_control (stage, link, weir_link_peek_control (link));
  } else if (flush_only) {
    flush_run (stage, link, records, count);
    *used = weir_turn_used (stage, turn);
  } else {
    *used = consume_run (stage, turn, link, records, count);
  }
}

gboolean
weir_intake_run (WeirStage *stage, WeirTurn *turn)
{
  gboolean used = FALSE;
  while (!stage->failed && !stage->finishing && (stage->life == WEIR_LIFE_RUNNING || stage->life == WEIR_LIFE_ENDING)) {
    if (weir_stage_paused (stage) || stage->waits) {
      return FALSE;
    }
    if (stage->flush_count > 0) {
      run_flush (stage);
      used = weir_turn_used (stage, turn);
    } else if (stage->produces != WEIR_PRODUCES_NOT) {
      used = run_produce (stage, turn);
    } else if (stage->enough) {
      have_enough (stage);
    } else if (stage->input_closed) {
      weir_intake_discard (stage);
      return FALSE;
    } else {
      if (window_full (stage)) {
        return FALSE;
      }
      WeirLink *link = stage->active;
      if (link == NULL) {
        return FALSE;
      }
      guint64 available = stay_off (stage, link, weir_link_look (link));
      remove_first_active (stage);
      if (available > 0) {
        serve_link (stage, turn, link, &used);
      } else {
        /* Also what came back during this turn: while that is marked, the link does not go idle. */
        notice_release (stage, link);
        weir_intake_done (stage, link);
      }
      if (stage->waits) {
        prepend_active (stage, link); /* R6: what was not taken is offered first */
      } else if (available > 0 || holds_rejected (stage, link) || !weir_link_take_idle (link)) {
        append_active (stage, link);
      } else {
        /* R15: what this link's producer waits for may be in this stage's hands. Read behind the fence of going idle: a reason
         * that is set without a put (age) makes the link ready again after it. */
        stage->settle_wanted = stage->settle_wanted || (link->kept > 0 && weir_load_acquire (&link->full) != 0);
      }
    }
    if (used) {
      return !stage->waits;
    }
  }
  return FALSE;
}

/* An input on which nothing is left to take, and whose producer waits for what this stage keeps. */
static gboolean
is_held_up (WeirLink *link)
{
  return link->kept > 0 && weir_link_look (link) == 0 && weir_load_acquire (&link->full) != 0;
}

static gboolean
wants_settling (WeirStage *stage)
{
  if (stage->settle_wanted) {
    for (guint i = 0; i < stage->input_count; i++) {
      if (is_held_up (stage->inputs[i])) {
        return TRUE;
      }
    }
    stage->settle_wanted = FALSE;
  }
  return (stage->draining || stage->end_told) && stage->active == NULL;
}

void
weir_intake_settle (WeirStage *stage)
{
  if (weir_load_acquire (&stage->outstanding) == 0 || stage->settle_told || stage->failed || stage->finishing ||
      stage->life >= WEIR_LIFE_ENDED || stage->flush_count > 0 || stage->produces != WEIR_PRODUCES_NOT ||
      weir_stage_paused (stage) || !wants_settling (stage)) {
    return;
  }
  stage->settle_told = TRUE;
  if (stage->role->settle == NULL) {
    if (stage->settle_wanted) {
      weir_stage_fail (stage, "keeps %" G_GINT64_FORMAT " records while its input is full of them, and has no settle()",
                       weir_load_relaxed (&stage->outstanding));
    }
    return;
  }
  stage->settle_wanted = FALSE;
  weir_stage_enter (stage, "settle");
  WeirNext next = stage->role->settle (stage, stage->self);
  weir_stage_leave (stage);
  if (next == WEIR_PRODUCE) {
    weir_intake_begin_produce (stage, WEIR_PRODUCES_SETTLE, "settle");
    weir_task_make_ready (&stage->task);
  }
}
