/* SPDX-License-Identifier: Apache-2.0 */
/* intake.c: how a transform or consumer takes what its links hold: runs, flush, ends (R6, R8, R10, R14).
 * Runs on the stage's worker. A record is taken when the callbacks are through with it; it is done when nothing keeps it, and
 * then its link's done moves on. Fan-in is served round robin among the links on the active list. */
#include "connections.h"

#define RUN_RECORDS 64
#define RUN_BYTES 65536
#define FLUSH_RECORDS 1024
#define FLUSH_BYTES (1024 * 1024)

void
weir_intake_append (WeirStage *stage, WeirLink *link)
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

void
weir_intake_notice (WeirStage *stage, WeirLink *link)
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
      weir_intake_notice (stage, link);
    }
  }
  WeirLink *ready = weir_ready_links_take (&stage->ready_links);
  /* Behind that: what is ready has joined before, and does not leave. */
  weir_intake_come_and_go (stage);
  for (WeirLink *link = ready, *next; link != NULL; link = next) {
    next = link->next_ready;
    weir_intake_notice (stage, link);
    weir_intake_append (stage, link);
  }
}

static void
forward_ends (WeirStage *stage, WeirLink *link)
{
  guint i = 0;
  while (i + 2 < stage->pending_ends->len) {
    guint64 *entry = &g_array_index (stage->pending_ends, guint64, i);
    if (entry[0] == GPOINTER_TO_SIZE (link) && (gint64) (link->done_private - entry[1]) >= 0) {
      guint32 stream = (guint32) entry[2];
      g_array_remove_range (stage->pending_ends, i, 3);
      weir_outputs_control (stage, WEIR_CONTROL_END_STREAM, stream);
    } else {
      i += 3;
    }
  }
  if (stage->pending_ends->len == 0) {
    g_clear_pointer (&stage->pending_ends, g_array_unref);
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
    WeirRecord *slot = link->kept > 0 && !weir_intake_paused (stage) ? weir_link_rejected_slot (link) : NULL;
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
  if (G_UNLIKELY (stage->pending_ends != NULL)) {
    forward_ends (stage, link);
  }
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
  if (G_UNLIKELY (weir_load_relaxed (&stage->flush_link->carries) != 0)) {
    weir_joins_flush (stage);
  }
  weir_stage_enter (stage, "flush");
  WeirNext next = stage->role->flush (stage, stage->self, stage->flush_records, stage->flush_count);
  weir_stage_leave (stage);
  if (next != WEIR_MORE &&
      !weir_stage_check_answer (stage, "flush", next, WEIR_CAN (WEIR_WAIT) | WEIR_CAN (WEIR_DONE))) {
    return;
  }
  if (next == WEIR_WAIT) {
    stage->waits = TRUE;
    return;
  }
  stage->enough = stage->enough || next == WEIR_DONE;
  stage->flush_count = 0;
  weir_joins_flushed (stage);
  weir_intake_done (stage, stage->flush_link);
}

static void
begin_flush (WeirStage *stage, WeirLink *link, const WeirRecord *records, gsize count)
{
  stage->flush_records = records;
  stage->flush_count = count;
  stage->flush_link = link;
  if (!stage->failed) {
    run_flush (stage); /* else none of them is done */
  }
}

void
weir_intake_took (WeirStage *stage, WeirLink *link, const WeirRecord *records, gsize taken, gsize bytes, gsize flush)
{
  link->gap_ended = NULL;
  weir_link_take (link, taken, bytes);
  count_in (stage, taken, bytes);
  if (stage->role->flush != NULL && flush > 0) {
    begin_flush (stage, link, records, flush);
  } else {
    weir_intake_done (stage, link);
  }
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

gboolean
weir_stage_has_more (WeirStage *stage)
{
  WeirLink *link = stage->flush_link;
  /* Behind a control entry is something else than this run's stream, or nothing. */
  return stage->flush_count > 0 && link->put_seen != link->taken && weir_link_peek_control (link) == NULL &&
         !window_full (stage) && !weir_intake_paused (stage);
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
      go_on = !used && !stage->finishing && !stage->enough && !weir_intake_paused (stage) && bytes < most_bytes;
      continue;
    }
    go_on = FALSE;
    switch (next) {
    case WEIR_WAIT:
      stage->waits = TRUE;
      break;
    case WEIR_PRODUCE:
      weir_intake_begin_produce (stage, WEIR_PRODUCES_RECORD, record, "consume");
      break;
    case WEIR_REJECT:
      flush = taken;
      rejected = TRUE;
      weir_reject_record (stage, record, weir_stage_rejection (stage));
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
      weir_stage_check_answer (stage, "consume", next, WEIR_CAN (WEIR_MORE));
      break;
    }
  }
  stage->current = &weir_no_record;
  if (taken > 0) {
    weir_intake_took (stage, link, records, taken, bytes, rejected ? flush : taken);
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
  if (stage->elsewhere != NULL && stage->elsewhere->control != NULL &&
      !stage->elsewhere->control (stage, link, control)) {
    return FALSE;
  }
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
  /* What a duplex stage makes is of streams of its own. */
  if (!end && !stage->duplex) {
    guint64 entry[] = { GPOINTER_TO_SIZE (link), link->taken, stream };
    if (stage->pending_ends == NULL) {
      stage->pending_ends = g_array_new (FALSE, FALSE, sizeof (guint64));
    }
    g_array_append_vals (stage->pending_ends, entry, 3);
  }
  weir_intake_done (stage, link);
  if (end) {
    link->over = TRUE;
    stage->inputs_over++;
  }
  return TRUE;
}

/* A link with less than an eighth of high in it is left alone once, some 2 microseconds, so that producer and taker do not pull
 * each other's cache lines. */
static guint64
stay_off (WeirStage *stage, WeirLink *link, guint64 available)
{
  if (available == 0 || available >= link->limits->eighth || link->producer->queue == stage->task.queue ||
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
    if (weir_intake_paused (stage) || stage->waits) {
      return FALSE;
    }
    if (stage->flush_count > 0) {
      run_flush (stage);
      used = weir_turn_used (stage, turn);
    } else if (stage->produces != WEIR_PRODUCES_NOT) {
      used = weir_intake_produce (stage, turn);
    } else if (stage->enough) {
      weir_intake_enough (stage);
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
        weir_intake_notice (stage, link);
        weir_intake_done (stage, link);
      }
      if (stage->waits) {
        prepend_active (stage, link); /* R6: what was not taken is offered first */
      } else if (available > 0 || weir_intake_holds_rejected (stage, link) || !weir_link_take_idle (link)) {
        weir_intake_append (stage, link);
      } else {
        /* R15: what this link's producer waits for may be in this stage's hands. Read behind the fence of going idle: a reason
         * that is set without a put (age) makes the link ready again after it. */
        stage->settle_wanted = stage->settle_wanted || (link->kept > 0 && weir_load_acquire (&link->full) != 0);
        weir_intake_leave (stage, link);
      }
    }
    if (used) {
      return !stage->waits;
    }
  }
  return FALSE;
}
