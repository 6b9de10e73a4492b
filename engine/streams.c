/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c: byte streams: their numbers, and the state that a joining stage keeps for each (weir/emit.h).
 * Runs on the stage's worker. The state lies on the link it belongs to; the numbers of live streams are the process's, under
 * a lock, as they are unique in it. */
#include "stage.h"

static GMutex numbers_lock;
static GHashTable *numbers;
guint32 weir_streams_last;
guint32 weir_streams_side;

static guint32
take_number (void)
{
  g_mutex_lock (&numbers_lock);
  if (numbers == NULL) {
    numbers = g_hash_table_new (NULL, NULL);
  }
  do {
    weir_streams_last = ((weir_streams_last + 1) & WEIR_STREAM_NUMBERS) | weir_streams_side;
  } while ((weir_streams_last & WEIR_STREAM_NUMBERS) == 0 ||
           g_hash_table_contains (numbers, GUINT_TO_POINTER (weir_streams_last)));
  guint32 number = weir_streams_last;
  g_hash_table_add (numbers, GUINT_TO_POINTER (number));
  g_mutex_unlock (&numbers_lock);
  return number;
}

static void
give_number (guint32 number)
{
  g_mutex_lock (&numbers_lock);
  g_hash_table_remove (numbers, GUINT_TO_POINTER (number));
  if (g_hash_table_size (numbers) == 0) {
    g_clear_pointer (&numbers, g_hash_table_unref);
  }
  g_mutex_unlock (&numbers_lock);
}

/* Where it has opened more than one. */
static GHashTable *
several (WeirStage *stage)
{
  return stage->extras != NULL ? stage->extras->streams : NULL;
}

guint32
weir_stream_open (WeirStage *stage, const WeirTags *tags)
{
  guint32 number = take_number ();
  WeirContext *context = tags != NULL ? weir_context_new (weir_tags_ref ((WeirTags *) tags)) : NULL;
  if (several (stage) == NULL && stage->only_stream == 0) {
    stage->only_stream = number;
    stage->only_context = context;
    return number;
  }
  WeirStageExtras *extras = weir_stage_extras (stage);
  if (extras->streams == NULL) {
    extras->streams = g_hash_table_new (NULL, NULL);
    g_hash_table_insert (extras->streams, GUINT_TO_POINTER (stage->only_stream), stage->only_context);
    stage->only_stream = 0;
  }
  g_hash_table_insert (extras->streams, GUINT_TO_POINTER (number), context);
  return number;
}

static void
forget (gpointer number, gpointer context, G_GNUC_UNUSED gpointer data)
{
  give_number (GPOINTER_TO_UINT (number));
  if (context != NULL) {
    weir_context_unref (context);
  }
}

gboolean
weir_streams_find (WeirStage *stage, guint32 stream, gpointer *context)
{
  *context = stage->only_context;
  return stream != 0 && (stage->only_stream == stream ||
                         (several (stage) != NULL &&
                          g_hash_table_lookup_extended (several (stage), GUINT_TO_POINTER (stream), NULL, context)));
}

void
weir_stream_close (WeirStage *stage, guint32 stream)
{
  gpointer context;
  if (!weir_streams_find (stage, stream, &context)) {
    return;
  }
  if (!stage->refusing) {
    weir_outputs_control (stage, WEIR_CONTROL_END_STREAM, stream);
    if (!stage->in_turn) {
      weir_stage_mark_dirty (stage);
    }
  }
  if (stage->only_stream == stream) {
    stage->only_stream = 0;
  } else {
    g_hash_table_remove (several (stage), GUINT_TO_POINTER (stream));
  }
  forget (GUINT_TO_POINTER (stream), context, NULL);
}

void
weir_streams_forget_all (WeirStage *stage)
{
  if (stage->only_stream != 0) {
    forget (GUINT_TO_POINTER (stage->only_stream), stage->only_context, NULL);
    stage->only_stream = 0;
  }
  if (several (stage) != NULL) {
    g_hash_table_foreach (several (stage), forget, NULL);
    g_clear_pointer (&stage->extras->streams, g_hash_table_unref);
  }
}

void
weir_streams_end_own (WeirStage *stage)
{
  if (stage->only_stream != 0) {
    weir_outputs_control (stage, WEIR_CONTROL_END_STREAM, stage->only_stream);
  }
  if (several (stage) != NULL) {
    GHashTableIter iter;
    gpointer number;
    g_hash_table_iter_init (&iter, several (stage));
    while (g_hash_table_iter_next (&iter, &number, NULL)) {
      weir_outputs_control (stage, WEIR_CONTROL_END_STREAM, GPOINTER_TO_UINT (number));
    }
  }
  weir_streams_forget_all (stage);
}

/* What a joining role keeps of a stream, and what the rest of it inherits when the stream ends: not the origins of the record at hand
 * last, as that is done. */
typedef struct _WeirStreamState {
  WeirRecord last;                      /* its stream, time, and tags in a context: one reference, or NULL; no bytes */
  _Alignas(max_align_t) guint8 bytes[]; /* the role's */
} StreamState;

static void
stream_state_free (gpointer data)
{
  StreamState *state = data;
  if (state->last.context != NULL) {
    weir_context_unref (state->last.context);
  }
  g_free (state);
}

static gint
compare_numbers (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  return a < b ? -1 : a > b;
}

static void
remember (StreamState *state, const WeirRecord *record)
{
  WeirContext *context = record->context;
  WeirTags *tags = context != NULL ? context->tags : NULL;
  state->last.time = record->time;
  if (state->last.context == context || (state->last.context != NULL && state->last.context->tags == tags)) {
    return;
  }
  if (context != NULL && context->origin != NULL) {
    context = tags != NULL ? weir_context_new (weir_tags_ref (tags)) : NULL;
  } else if (context != NULL) {
    weir_context_ref (context);
  }
  if (state->last.context != NULL) {
    weir_context_unref (state->last.context);
  }
  state->last.context = context;
}

static StreamState *
find_state (WeirLink *link, guint32 stream)
{
  WeirLinkExtras *extras = link->extras;
  if (extras == NULL) {
    return NULL;
  }
  if (extras->states != NULL) {
    return g_tree_lookup (extras->states, GUINT_TO_POINTER (stream));
  }
  return extras->state != NULL && extras->state->last.stream == stream ? extras->state : NULL;
}

/* A second one needs the tree. */
static void
add_state (WeirLinkExtras *extras, StreamState *state)
{
  if (extras->states == NULL && extras->state != NULL) {
    extras->states = g_tree_new_full (compare_numbers, NULL, NULL, stream_state_free);
    g_tree_insert (extras->states, GUINT_TO_POINTER (extras->state->last.stream), extras->state);
  }
  if (extras->states != NULL) {
    g_tree_insert (extras->states, GUINT_TO_POINTER (state->last.stream), state);
  }
}

gpointer
weir_stream_state (WeirStage *stage)
{
  g_return_val_if_fail (stage->role->stream_size > 0 && stage->current_link != NULL, NULL);
  if (stage->ending_state != NULL) {
    return stage->ending_state;
  }
  WeirLink *link = stage->current_link;
  guint32 stream = stage->current->stream;
  WeirLinkExtras *extras = weir_link_extras (link);
  StreamState *state = extras->state;
  if (G_UNLIKELY (state == NULL || state->last.stream != stream)) {
    state = find_state (link, stream);
    if (state == NULL) {
      state = g_malloc0 (sizeof (StreamState) + stage->role->stream_size);
      state->last = weir_no_record;
      state->last.stream = stream;
      add_state (extras, state);
    }
    extras->state = state;
  }
  remember (state, stage->current);
  return state->bytes;
}

/* What is emitted from now on inherits nothing of the stream that was ending. */
static void
forget_ending (WeirStage *stage)
{
  stage->ending_state = NULL;
  stage->current = &weir_no_record;
}

static void
free_state (WeirStage *stage, WeirLink *link, guint32 stream)
{
  forget_ending (stage);
  WeirLinkExtras *extras = link->extras;
  StreamState *state = extras->state;
  if (extras->states != NULL) {
    extras->state = NULL;
    g_tree_remove (extras->states, GUINT_TO_POINTER (stream));
  } else if (state != NULL && state->last.stream == stream) { /* else it is gone already */
    extras->state = NULL;
    stream_state_free (state);
  }
}

gboolean
weir_streams_end (WeirStage *stage, WeirLink *link, guint32 stream)
{
  StreamState *state = find_state (link, stream);
  if (state == NULL) {
    return TRUE;
  }
  WeirNext next = WEIR_MORE;
  if (stage->role->end_stream != NULL) {
    stage->current_link = link;
    stage->ending_state = state->bytes;
    stage->ending_stream = stream;
    stage->current = &state->last;
    weir_stage_enter (stage, "end_stream");
    next = stage->role->end_stream (stage, stage->self, state->bytes);
    weir_stage_leave (stage);
    stage->current = &weir_no_record;
  }
  if (next != WEIR_MORE &&
      !weir_stage_check_answer (stage, "end_stream", next,
                                WEIR_CAN (WEIR_WAIT) | WEIR_CAN (WEIR_DONE) | WEIR_CAN (WEIR_PRODUCE))) {
    next = WEIR_MORE;
  }
  switch (next) {
  case WEIR_PRODUCE:
    weir_intake_begin_produce (stage, WEIR_PRODUCES_STREAM, &state->last, "end_stream");
    return FALSE;
  case WEIR_WAIT:
    stage->waits = TRUE;
    forget_ending (stage);
    return FALSE;
  default:
    free_state (stage, link, stream);
    return !stage->failed;
  }
}

void
weir_streams_produced (WeirStage *stage)
{
  free_state (stage, stage->current_link, stage->ending_stream);
}

gboolean
weir_streams_any (WeirLink *link, guint32 *stream)
{
  WeirLinkExtras *extras = link->extras;
  *stream = 0;
  if (extras == NULL) {
    return FALSE;
  }
  if (extras->states == NULL) {
    *stream = extras->state != NULL ? extras->state->last.stream : 0;
    return extras->state != NULL;
  }
  GTreeNode *first = g_tree_node_first (extras->states);
  *stream = first != NULL ? GPOINTER_TO_UINT (g_tree_node_key (first)) : 0;
  return first != NULL;
}

void
weir_streams_drop_states (WeirLink *link)
{
  WeirLinkExtras *extras = link->extras;
  if (extras == NULL) {
    return;
  }
  if (extras->states != NULL) {
    g_clear_pointer (&extras->states, g_tree_unref);
  } else if (extras->state != NULL) {
    stream_state_free (extras->state);
  }
  extras->state = NULL;
}

void
weir_streams_free_states (WeirStage *stage, WeirLink *link)
{
  /* What end_stream() emits now is refused and counted; it is called for what the plugin's states own. */
  guint32 stream;
  while (weir_streams_any (link, &stream)) {
    stage->produces = WEIR_PRODUCES_NOT;
    if (!weir_streams_end (stage, link, stream)) {
      free_state (stage, link, stream);
    }
  }
  stage->produces = WEIR_PRODUCES_NOT;
  weir_streams_drop_states (link);
}
