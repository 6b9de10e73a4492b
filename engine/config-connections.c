/* SPDX-License-Identifier: Apache-2.0 */
/* What exists once for each connection: "per_connection", "shared", and the "to" of a reply. Each stage downstream of a listening
 * one belongs to its template, up to a shared one. Main thread; owns nothing. Walks are loops: a graph may be a long chain. */
#include "config-load.h"

#include "found.h"
#include "isolate/wire.h"
#include "suggest.h"

#include <string.h>

/* ---- "reply" ------------------------------------------------------------------------------------------------------- */

/* The stage that "to" names, if it is one that listens for connections; else NULL, and that is told. */
static WeirConfigStage *
find_listener (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  WeirSpot to = weir_spot_member (load, entry->spot, "to");
  if (stage->to == NULL) {
    if (!json_object_object_get_ex (entry->spot->value, "to", NULL)) {
      weir_load_wrong (load, entry->spot, "missing key \"to\": the stage whose connections it replies to");
    }
    return NULL;
  }
  WeirLoadStage *found = g_hash_table_lookup (load->names, stage->to);
  if (found == NULL && !load->incomplete) {
    g_autofree char *shown = weir_found_text (stage->to);
    g_autoptr (GString) message = g_string_new (NULL);
    g_string_append_printf (message, "no stage %s", shown);
    weir_suggest_append (message, stage->to, load->stage_names);
    weir_load_wrong (load, &to, "%s", message->str);
  }
  if (found == NULL) {
    return NULL;
  }
  if (!found->stage->per_connection) {
    weir_load_wrong (load, &to, "\"%s\" has no connections to reply to; expected a producer that is \"per_connection\"",
                     found->stage->name);
    return NULL;
  }
  return found->stage;
}

static gboolean
is_reply (const WeirConfigStage *stage)
{
  return stage->plugin_name != NULL && strcmp (stage->plugin_name, WEIR_REPLY) == 0;
}

void
weir_load_reply (WeirLoad *load, WeirLoadStage *entry)
{
  WeirConfigStage *stage = entry->stage;
  if (!is_reply (stage)) {
    if (stage->to != NULL) {
      WeirSpot to = weir_spot_member (load, entry->spot, "to");
      weir_load_wrong_key (load, &to, "only a stage whose plugin is \"" WEIR_REPLY "\" has it");
    }
    return;
  }
  if (stage->kind != WEIR_CONSUMER) {
    return; /* as was told */
  }
  const WeirConfigStage *listener = find_listener (load, entry);
  if (listener == NULL || listener->plugin == NULL) {
    return;
  }
  if (listener->plugin->reply == NULL) {
    WeirSpot to = weir_spot_member (load, entry->spot, "to");
    weir_load_wrong (load, &to, "plugin \"%s\" of \"%s\" cannot be replied to", listener->plugin_name, listener->name);
    return;
  }
  stage->plugin = listener->plugin;
  stage->role = listener->plugin->reply;
  weir_load_options (load, entry);
}

/* ---- templates ----------------------------------------------------------------------------------------------------- */

/* Whose connections the records of an input come from; NULL: of none. */
static WeirConfigStage *
listener_of (const WeirConfigInput *input)
{
  return input->from->per_connection ? input->from : input->from->listener;
}

/* Goes against the stream from each stage, depth first, input by input. */
static void
find_listeners (WeirLoad *load)
{
  guint count = load->stages->len;
  g_autofree guint *next = g_new0 (guint, count + 1);       /* input to look at */
  g_autofree gboolean *seen = g_new0 (gboolean, count + 1); /* on the trail or behind it; a cycle has been told */
  g_autoptr (GPtrArray) trail = g_ptr_array_new ();

  for (guint i = 0; i < count; i++) {
    if (!seen[i]) {
      g_ptr_array_add (trail, g_ptr_array_index (load->config->stages, i));
    }
    while (trail->len > 0) {
      WeirConfigStage *stage = g_ptr_array_index (trail, trail->len - 1);
      seen[stage->index] = TRUE;
      if (next[stage->index] < stage->inputs->len) {
        const WeirConfigInput *input = g_ptr_array_index (stage->inputs, next[stage->index]++);
        if (!seen[input->from->index]) {
          g_ptr_array_add (trail, input->from);
        }
        continue;
      }
      for (guint j = 0; j < stage->inputs->len && stage->listener == NULL && !stage->shared; j++) {
        stage->listener = listener_of (g_ptr_array_index (stage->inputs, j));
      }
      g_ptr_array_set_size (trail, (int) trail->len - 1);
    }
  }
}

static void
check_listening (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  if (!stage->per_connection) {
    return;
  }
  WeirSpot spot = weir_spot_member (load, entry->spot, "per_connection");
  if (stage->kind != WEIR_PRODUCER) {
    weir_load_wrong_key (load, &spot, "only a producer accepts connections");
  } else if (stage->role != NULL && (stage->role->flags & WEIR_CONNECTIONS) == 0) {
    weir_load_wrong_key (load, &spot, "plugin \"%s\" accepts no connections", stage->plugin_name);
  }
}

/* All inputs come from one connection, or none does, unless it is shared. */
static void
check_inputs (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  for (guint i = 0; i < stage->inputs->len && !stage->shared; i++) {
    const WeirConfigInput *input = g_ptr_array_index (stage->inputs, i);
    const WeirConfigStage *listener = listener_of (input);
    if (listener == stage->listener) {
      continue;
    }
    WeirSpot spot = weir_spot_member (load, entry->spot, "from");
    if (listener == NULL) {
      weir_load_wrong (load, &spot,
                       "\"%s\" exists once, another input once for each connection of \"%s\"; "
                       "expected inputs of one connection, or \"shared\": true",
                       input->from->name, stage->listener->name);
    } else {
      weir_load_wrong (load, &spot,
                       "\"%s\" exists once for each connection of \"%s\", another input for each of \"%s\"; "
                       "expected inputs of one connection, or \"shared\": true",
                       input->from->name, listener->name, stage->listener->name);
    }
    return;
  }
}

static void
check_shared (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  gboolean any = FALSE;
  for (guint i = 0; i < stage->inputs->len; i++) {
    any = any || listener_of (g_ptr_array_index (stage->inputs, i)) != NULL;
  }
  if (!stage->shared || any || (entry->doubts && stage->kind != WEIR_PRODUCER)) {
    return;
  }
  WeirSpot spot = weir_spot_member (load, entry->spot, "shared");
  weir_load_wrong_key (load, &spot, "nothing that feeds it exists once for each connection");
}

/* Each connection would open the same file, and write over what another writes. */
static void
check_written (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  for (const WeirOption *option = stage->role->options; option != NULL && option->name != NULL; option++) {
    if ((option->flags & WEIR_WRITES) == 0 || !json_object_object_get_ex (stage->options, option->name, NULL)) {
      continue;
    }
    WeirSpot spot = weir_spot_member (load, entry->spot, option->name);
    weir_load_wrong (load, &spot, "each connection of \"%s\" would write it; expected \"shared\": true",
                     stage->listener->name);
  }
}

static void
check_template (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  if (stage->listener == NULL) {
    return;
  }
  if (stage->thread != NULL) {
    WeirSpot spot = weir_spot_member (load, entry->spot, "thread");
    weir_load_wrong_key (load, &spot, "it exists once for each connection of \"%s\", on a pool of workers",
                         stage->listener->name);
  }
  if (stage->role != NULL) {
    check_written (load, entry);
  }
  if (stage->role != NULL && (stage->role->flags & WEIR_BLOCKING) != 0 && (!stage->isolate || is_reply (stage))) {
    WeirSpot spot = weir_spot_member (load, entry->spot, "plugin");
    weir_load_wrong (load, &spot,
                     "as a %s \"%s\" may block, so it cannot exist once for each connection of \"%s\"; "
                     "expected \"shared\": true",
                     weir_kind_names[stage->kind], stage->plugin_name, stage->listener->name);
  }
}

/* A connection, and what encrypts it, is in one process: a listener and its replies are isolated together. */
static void
spread_isolation (WeirLoad *load)
{
  for (guint i = 0; i < load->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (load->config->stages, i);
    if (is_reply (stage) && stage->isolate && stage->listener != NULL) {
      stage->listener->isolate = TRUE;
    }
  }
  for (guint i = 0; i < load->stages->len; i++) {
    WeirConfigStage *stage = g_ptr_array_index (load->config->stages, i);
    if (is_reply (stage) && stage->listener != NULL) {
      stage->isolate = stage->listener->isolate;
    }
    if (stage->per_connection && stage->isolate && stage->file == NULL && stage->plugin != NULL) {
      stage->file = weir_registry_find (load->registry, stage->plugin_name);
    }
  }
}

/* The wires of a connection come with one message (isolate/wire.h). */
static void
check_isolated (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  guint replies = 0;
  for (guint i = 0; i < load->stages->len && stage->per_connection && stage->isolate; i++) {
    const WeirConfigStage *other = g_ptr_array_index (load->config->stages, i);
    replies += is_reply (other) && other->listener == stage ? 1 : 0;
  }
  if (replies >= WEIR_WIRES_MOST) {
    weir_load_wrong (load, entry->spot, "%u stages reply to its connections, which are isolated; expected at most %u",
                     replies, WEIR_WIRES_MOST - 1);
  }
}

static void
check_restarts (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  if (stage->restarts && stage->listener != NULL) {
    WeirSpot spot = weir_spot_member (load, entry->spot, "on_error");
    weir_load_wrong (load, &spot,
                     "it exists once for each connection of \"%s\", and its failure ends that connection alone; "
                     "expected \"stop\"",
                     stage->listener->name);
  }
}

static void
check_reply (WeirLoad *load, const WeirLoadStage *entry)
{
  const WeirConfigStage *stage = entry->stage;
  if (!is_reply (stage) || stage->to == NULL || stage->role == NULL || entry->doubts) {
    return;
  }
  if (stage->shared) {
    WeirSpot spot = weir_spot_member (load, entry->spot, "shared");
    weir_load_wrong_key (load, &spot, "a reply belongs to one connection");
  } else if (stage->listener == NULL || strcmp (stage->listener->name, stage->to) != 0) {
    WeirSpot spot = weir_spot_member (load, entry->spot, "to");
    weir_load_wrong (load, &spot, "what feeds \"%s\" belongs to no connection of \"%s\"", stage->name, stage->to);
  }
}

void
weir_load_connections (WeirLoad *load)
{
  find_listeners (load);
  spread_isolation (load);
  for (guint i = 0; i < load->stages->len; i++) {
    const WeirLoadStage *entry = g_ptr_array_index (load->stages, i);
    check_listening (load, entry);
    check_inputs (load, entry);
    check_shared (load, entry);
    check_template (load, entry);
    check_isolated (load, entry);
    check_restarts (load, entry);
    check_reply (load, entry);
  }
}
