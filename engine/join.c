/* SPDX-License-Identifier: Apache-2.0 */
/* join.c: the links of a shared stage, which come and go with the connections (see connections.h).
 * weir_stage_join() runs on the listener's worker, weir_stage_part() on the connection's, the rest on the shared stage's. A link
 * belongs to its connection, which is not freed before the link was let go; nothing touches the link after that. */
#include "connections.h"

void
weir_stage_join (WeirStage *stage, WeirLink *link)
{
  WeirLink *head = weir_load_relaxed (&stage->joining);
  do {
    link->extras->next_joining = head;
  } while (
    !atomic_compare_exchange_weak_explicit (&stage->joining, &head, link, memory_order_release, memory_order_relaxed));
  weir_task_make_ready (&stage->task);
}

void
weir_stage_part (WeirStage *stage, WeirLink *link)
{
  WeirLink *head = weir_load_relaxed (&stage->parting);
  do {
    link->extras->next_leaving = head;
  } while (
    !atomic_compare_exchange_weak_explicit (&stage->parting, &head, link, memory_order_release, memory_order_relaxed));
  weir_task_make_ready (&stage->task);
}

static void
join (WeirStage *stage)
{
  WeirLink *link = atomic_exchange_explicit (&stage->joining, NULL, memory_order_acquire);
  for (WeirLink *next; link != NULL; link = next) {
    next = link->extras->next_joining;
    weir_stage_add_input (stage, link);
    if (stage->failed) {
      weir_link_close (link, WEIR_LINK_FAILED);
    } else if (stage->input_closed || stage->stopping || stage->finishing || stage->life >= WEIR_LIFE_ENDED) {
      weir_link_close (link, WEIR_LINK_FINISHED);
    } else if (stage->elsewhere != NULL && stage->elsewhere->join != NULL) {
      stage->elsewhere->join (stage, link);
    }
  }
}

static void
let_go (WeirStage *stage, WeirLink *link)
{
  /* One that has joined too: those that do not leave come before them. */
  WeirLink *last = stage->inputs[--stage->input_count];
  stage->inputs[link->extras->input_index] = last;
  last->extras->input_index = link->extras->input_index;
  stage->inputs_over -= link->over ? 1 : 0;
  stage->current_link = stage->current_link == link ? NULL : stage->current_link;
  weir_streams_drop_states (link);
  weir_connection_unref (link->connection);
}

void
weir_intake_leave (WeirStage *stage, WeirLink *link)
{
  if (link->connection == NULL || !link->extras->parted || !link->over || link->extras->leaving ||
      link->done_private != link->taken || stage->life >= WEIR_LIFE_ENDED) {
    return;
  }
  /* A thread that gave a record back is not through with the link; it makes the stage ready when it is. */
  if (weir_load_acquire (&link->giving) != 0) {
    link->extras->leaving = TRUE;
    WeirStageExtras *extras = weir_stage_extras (stage);
    link->extras->next_leaving = extras->leaving;
    extras->leaving = link;
    return;
  }
  /* That thread may have put it on the ready list once more: then it goes the next time that it is idle. */
  if (weir_load_acquire (&link->ready) == 0) {
    let_go (stage, link);
  }
}

static void
leave_all (WeirStage *stage, WeirLink *link)
{
  for (WeirLink *next; link != NULL; link = next) {
    next = link->extras->next_leaving;
    link->extras->parted = TRUE;
    link->extras->leaving = FALSE;
    weir_intake_leave (stage, link);
  }
}

void
weir_intake_come_and_go (WeirStage *stage)
{
  /* In this order: what has parted has joined before. */
  WeirLink *parting = weir_load_relaxed (&stage->parting) != NULL
                        ? atomic_exchange_explicit (&stage->parting, NULL, memory_order_acquire)
                        : NULL;
  if (weir_load_relaxed (&stage->joining) != NULL) {
    join (stage);
  }
  WeirLink *leaving = stage->extras != NULL ? g_steal_pointer (&stage->extras->leaving) : NULL;
  leave_all (stage, leaving);
  leave_all (stage, parting);
}

void
weir_intake_leave_parted (WeirStage *stage)
{
  for (guint i = stage->input_count; i-- > 0;) {
    WeirLink *link = stage->inputs[i];
    /* What is kept is given back until close() has returned. */
    gboolean parted = link->connection != NULL && link->extras->parted;
    gboolean unused = stage->life == WEIR_LIFE_CLOSED || link->done_private == link->taken;
    if (parted && unused && weir_load_acquire (&link->giving) == 0 && weir_load_acquire (&link->ready) == 0) {
      let_go (stage, link);
    }
  }
}
