/* SPDX-License-Identifier: Apache-2.0 */
/* connections-figures.c: sums over the connections of a template, those that are over and those that are alive (see connections.h).
 * Any thread, under the lock of the list; what is alive is read as its workers write it. */
#include "connections.h"

static void
add_stage (WeirStageFigures *sum, const WeirStageFigures *figures)
{
  sum->records_in += figures->records_in;
  sum->records_out += figures->records_out;
  sum->bytes_in += figures->bytes_in;
  sum->bytes_out += figures->bytes_out;
  sum->rejected += figures->rejected;
  sum->refused += figures->refused;
  sum->errors += figures->errors;
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    sum->clocks[i] += figures->clocks[i];
  }
}

static void
add_link (WeirLinkFigures *sum, const WeirLinkFigures *figures)
{
  sum->in += figures->in;
  sum->out += figures->out;
  sum->queued += figures->queued;
  sum->dropped += figures->dropped;
  for (guint i = 0; i < WEIR_DROP_REASONS; i++) {
    sum->dropped_by[i] += figures->dropped_by[i];
  }
  sum->bytes_in += figures->bytes_in;
  sum->bytes_out += figures->bytes_out;
  sum->pauses += figures->pauses;
  sum->resumes += figures->resumes;
  sum->paused_us += figures->paused_us;
  sum->level_bytes += figures->level_bytes;
  sum->paused = sum->paused || figures->paused;
  sum->peak_records = MAX (sum->peak_records, figures->peak_records);
  sum->peak_bytes = MAX (sum->peak_bytes, figures->peak_bytes);
  sum->peak_pinned = MAX (sum->peak_pinned, figures->peak_pinned);
}

void
weir_connections_stage_figures (WeirConnections *connections, WeirStage *stage, WeirStageFigures *figures)
{
  if (connections->past_stages == NULL) {
    return;
  }
  guint index = stage->listens ? connections->first->template_index : stage->template_index;
  g_mutex_lock (&connections->lock);
  add_stage (figures, &connections->past_stages[index]);
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    WeirStageFigures one;
    weir_stage_figures (&connection->stages[index], &one);
    add_stage (figures, &one);
  }
  g_mutex_unlock (&connections->lock);
}

guint64
weir_connections_counter (WeirConnections *connections, WeirStage *stage, guint counter)
{
  if (connections->past_counters == NULL) {
    return 0;
  }
  guint index = stage->listens ? connections->first->template_index : stage->template_index;
  g_mutex_lock (&connections->lock);
  guint64 sum = connections->past_counters[index][counter];
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    sum += weir_stage_counter (&connection->stages[index], counter);
  }
  g_mutex_unlock (&connections->lock);
  return sum;
}

void
weir_connections_link_figures (WeirConnections *connections, WeirLink *link, WeirLinkFigures *figures)
{
  if (connections->past_links == NULL) {
    return;
  }
  g_mutex_lock (&connections->lock);
  add_link (figures, &connections->past_links[link->identity->template_index]);
  for (WeirConnection *connection = connections->alive; connection != NULL; connection = connection->next) {
    WeirLinkFigures one;
    weir_link_figures (&connection->links[link->identity->template_index], &one);
    add_link (figures, &one);
  }
  g_mutex_unlock (&connections->lock);
}

void
weir_connections_add_up (WeirConnections *connections, WeirConnection *connection)
{
  for (guint i = 0; i < connections->stages->len; i++) {
    WeirStageFigures figures;
    WeirStage *stage = &connection->stages[i];
    weir_stage_figures (stage, &figures);
    add_stage (&connections->past_stages[i], &figures);
    for (guint c = 0; c < stage->counter_count; c++) {
      connections->past_counters[i][c] += weir_stage_counter (stage, c);
    }
  }
  for (guint i = 0; i < connections->links->len; i++) {
    WeirLinkFigures figures;
    weir_link_figures (&connection->links[i], &figures);
    add_link (&connections->past_links[i], &figures);
    connections->past_links[i].paused = FALSE;
  }
}
