/* SPDX-License-Identifier: Apache-2.0 */
/* join.c: the links of a shared stage, which come and go with the connections (see connections.h).
 * weir_stage_join() runs on the listener's worker, the rest on the shared stage's. A link that has joined belongs to its
 * connection, which is not freed before the link was let go; nothing touches the link after that. */
#include "connections.h"

void
weir_stage_join (WeirStage *stage, WeirLink *link)
{
  WeirLink *head = weir_load_relaxed (&stage->joining);
  do {
    link->next_joining = head;
  } while (
    !atomic_compare_exchange_weak_explicit (&stage->joining, &head, link, memory_order_release, memory_order_relaxed));
  weir_task_make_ready (&stage->task);
}

void
weir_intake_join (WeirStage *stage)
{
  if (weir_load_relaxed (&stage->joining) == NULL) {
    return;
  }
  WeirLink *link = atomic_exchange_explicit (&stage->joining, NULL, memory_order_acquire);
  for (WeirLink *next; link != NULL; link = next) {
    next = link->next_joining;
    weir_stage_add_input (stage, link);
    if (stage->failed) {
      weir_link_close (link, WEIR_LINK_FAILED);
    } else if (stage->input_closed || stage->stopping || stage->finishing || stage->life >= WEIR_LIFE_ENDED) {
      weir_link_close (link, WEIR_LINK_FINISHED);
    }
  }
}

static void
let_go (WeirStage *stage, WeirLink *link)
{
  WeirLink *last = stage->inputs[--stage->input_count];
  stage->inputs[link->input_index] = last;
  last->input_index = link->input_index;
  stage->inputs_over -= link->over ? 1 : 0;
  g_clear_pointer (&link->stream_states, g_tree_unref);
  weir_connection_unref (link->connection);
}

void
weir_intake_leave (WeirStage *stage, WeirLink *link)
{
  if (link->connection == NULL || !link->over || link->done_private != link->taken || stage->life >= WEIR_LIFE_ENDED) {
    return;
  }
  if (weir_load_acquire (&link->giving) == 0) {
    let_go (stage, link);
    return;
  }
  /* A thread that gave a record back is not through with the link; it makes the stage ready when it is. */
  link->next_active = stage->leaving;
  stage->leaving = link;
}

void
weir_intake_leave_parked (WeirStage *stage)
{
  for (guint i = stage->input_count; i-- > 0;) {
    WeirLink *link = stage->inputs[i];
    if (link->connection != NULL && weir_load_acquire (&link->connection->parked) != 0 &&
        weir_load_acquire (&link->giving) == 0 && weir_load_acquire (&link->ready) == 0) {
      let_go (stage, link);
    }
  }
}
