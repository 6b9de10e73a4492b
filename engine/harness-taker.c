/* SPDX-License-Identifier: Apache-2.0 */
/* harness-taker.c: the fake consumers of a harness, one an output: they keep what comes until the test takes it out.
 * Runs on the test's thread; ordinary consumers. What lies there holds its buffers and contexts, and not its slots: the link is
 * drained. */
#include "harness.h"

#include "origins.h"

#define MOST_RECORDS (1024 * 1024)
#define MOST_BYTES (64 * 1024 * 1024)

typedef struct {
  WeirHarnessOutput *output;
} Taker;

static void
release (WeirRecord *record)
{
  g_clear_pointer (&record->buffer, weir_buffer_unref);
  g_clear_pointer (&record->context, weir_context_unref);
}

static guint
count_items (const WeirHarnessOutput *output)
{
  return output->items->len - output->first;
}

static WeirHarnessItem *
item_at (WeirHarnessOutput *output, guint index)
{
  return &g_array_index (output->items, WeirHarnessItem, output->first + index);
}

/* What lies there has been taken: nobody waits for it. */
static WeirContext *
keep_context (WeirContext *context)
{
  if (context == NULL || context->origin == NULL) {
    if (context != NULL) {
      weir_context_ref (context);
    }
    return context;
  }
  return context->tags != NULL ? weir_context_new (weir_tags_ref (context->tags)) : NULL;
}

static WeirNext
taker_consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  WeirHarnessOutput *output = ((Taker *) self)->output;
  if (output->allowed == 0 || count_items (output) >= MOST_RECORDS || output->bytes >= MOST_BYTES) {
    return WEIR_WAIT;
  }
  output->allowed -= output->allowed != G_MAXSIZE ? 1 : 0;
  if (record->stream != 0) {
    weir_stream_state (stage); /* so that its end is told */
  }
  WeirHarnessItem item = { .record = *record };
  item.record.stream = weir_harness_number (output->harness, record->stream);
  weir_buffer_ref (item.record.buffer);
  item.record.context = keep_context (record->context);
  weir_record_note (record, output->outcome);
  output->bytes += record->size + record->trail;
  g_array_append_val (output->items, item);
  return WEIR_MORE;
}

/* Not those that only the end of the link ends, or a loss. */
static WeirNext
taker_end_stream (WeirStage *stage, gpointer self, G_GNUC_UNUSED gpointer state)
{
  WeirHarnessOutput *output = ((Taker *) self)->output;
  const WeirRecord *control = weir_link_peek_control (output->link);
  if (!stage->dropping_streams && control != NULL && control->flags == WEIR_CONTROL_END_STREAM) {
    WeirHarnessItem item = { .is_end = TRUE };
    item.record.stream = weir_harness_number (output->harness, stage->ending_stream);
    g_array_append_val (output->items, item);
  }
  return WEIR_MORE;
}

WeirHarnessOutput *
weir_harness_output_new (WeirHarness *harness, const char *name, guint port, gboolean taken)
{
  WeirHarnessOutput *output = g_new0 (WeirHarnessOutput, 1);
  output->harness = harness;
  output->name = name;
  output->port = port;
  output->taken = taken;
  output->settings = (WeirQueueSettings) WEIR_QUEUE_DEFAULTS;
  output->allowed = G_MAXSIZE;
  output->items = g_array_new (FALSE, FALSE, sizeof (WeirHarnessItem));
  output->text = g_string_new (NULL);
  output->tags = g_string_new (NULL);
  output->streams = g_string_new (NULL);
  output->all_bytes = g_string_new (NULL);
  return output;
}

void
weir_harness_make_taker (WeirHarnessOutput *output)
{
  static const WeirRole role = {
    .state_size = sizeof (Taker), .stream_size = 1, .consume = taker_consume, .end_stream = taker_end_stream
  };
  Taker *taker = g_new (Taker, 1);
  taker->output = output;
  const char *name = output->name != NULL ? output->name : "output";
  output->taker = weir_stage_new (name, WEIR_CONSUMER, "harness", &role, taker);
  weir_stage_set_worker (output->taker, output->harness->worker);
  output->link = weir_link_new (name, &output->settings);
  weir_stage_wire (output->link, output->harness->stage, output->port, output->taker);
  weir_stage_add_input (output->taker, output->link);
}

static void
clear_items (WeirHarnessOutput *output)
{
  for (guint i = 0; i < count_items (output); i++) {
    release (&item_at (output, i)->record);
  }
  g_array_set_size (output->items, 0);
  output->first = 0;
  output->bytes = 0;
}

void
weir_harness_output_free (gpointer data)
{
  WeirHarnessOutput *output = data;
  clear_items (output);
  release (&output->at_hand);
  g_clear_pointer (&output->taker, weir_stage_unref);
  g_array_unref (output->items);
  g_string_free (output->text, TRUE);
  g_string_free (output->tags, TRUE);
  g_string_free (output->streams, TRUE);
  g_string_free (output->all_bytes, TRUE);
  g_free (output);
}

/* There is room again, or it may take more. */
static void
wake (WeirHarnessOutput *output)
{
  if (output->taker != NULL) {
    weir_stage_wake (output->taker);
  }
}

/* ---- what the test does with it ---- */

void
weir_harness_set_outcome (WeirHarness *harness, const char *link, WeirOutcome outcome)
{
  g_return_if_fail ((guint) outcome <= WEIR_ABANDONED);
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  if (output != NULL) {
    output->outcome = outcome;
  }
}

void
weir_harness_allow (WeirHarness *harness, const char *link, gsize records)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  if (output != NULL) {
    output->allowed = records;
    wake (output);
  }
}

void
weir_harness_enough (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  if (output != NULL && output->taker != NULL) {
    WeirWorker *before = weir_harness_enter (harness);
    weir_stage_enough (output->taker);
    weir_harness_leave (harness, before);
  }
}

gsize
weir_harness_count (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  gsize count = 0;
  for (guint i = 0; output != NULL && i < count_items (output); i++) {
    count += item_at (output, i)->is_end ? 0 : 1;
  }
  return count;
}

const WeirRecord *
weir_harness_take (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  while (output != NULL && count_items (output) > 0) {
    WeirHarnessItem item = *item_at (output, 0);
    if (++output->first == output->items->len) {
      g_array_set_size (output->items, 0);
      output->first = 0;
    }
    if (!item.is_end) {
      release (&output->at_hand);
      output->at_hand = item.record;
      output->bytes -= item.record.size + item.record.trail;
      wake (output);
      return &output->at_hand;
    }
  }
  return NULL;
}

void
weir_harness_forget (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  if (output != NULL) {
    clear_items (output);
    wake (output);
  }
}

void
weir_harness_hand_on (WeirHarness *harness, const char *link, WeirHarness *to)
{
  g_return_if_fail (to != harness && to->kind != WEIR_PRODUCER);
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  if (output == NULL || to->input_ended) {
    return;
  }
  for (guint i = 0; i < count_items (output); i++) {
    weir_harness_push_item (to, item_at (output, i));
  }
  weir_harness_forget (harness, link);
  if (weir_harness_ended (harness, link)) {
    weir_harness_end (to);
  }
}

void
weir_harness_append_text (GString *text, const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++) {
    if (data[i] >= ' ' && data[i] < 127) {
      g_string_append_c (text, (char) data[i]);
    } else {
      g_string_append_printf (text, data[i] == '\n' ? "\\n" : "\\x%02x", data[i]);
    }
  }
}

static void
append_item_text (GString *text, const WeirHarnessItem *item, G_GNUC_UNUSED const char *key)
{
  const WeirRecord *record = &item->record;
  if (item->is_end) {
    return;
  }
  weir_harness_append_text (text, record->data, record->size);
  if ((record->flags & WEIR_RECORD_CHUNK) != 0) {
    g_string_append_c (text, '~');
  }
  if (record->trail > 0) {
    g_string_append_c (text, '<');
    weir_harness_append_text (text, record->data + record->size, record->trail);
    g_string_append_c (text, '>');
  }
  g_string_append_c (text, '|');
}

static void
append_item_tag (GString *text, const WeirHarnessItem *item, const char *key)
{
  const char *value = item->is_end ? NULL : weir_record_tag (&item->record, key);
  g_string_append_printf (text, "%s%s", value != NULL ? value : "", item->is_end ? "" : "|");
}

static void
append_item_stream (GString *text, const WeirHarnessItem *item, G_GNUC_UNUSED const char *key)
{
  g_string_append_printf (text, item->is_end ? "%send(%u)" : "%s%u", text->len > 0 ? " " : "", item->record.stream);
}

static void
append_item_bytes (GString *text, const WeirHarnessItem *item, G_GNUC_UNUSED const char *key)
{
  const WeirRecord *record = &item->record;
  if (item->is_end) {
    return;
  }
  g_string_append_len (text, (const char *) record->data, (gssize) (record->size + record->trail));
  if (record->trail == 0 && (record->flags & WEIR_RECORD_CHUNK) == 0) {
    g_string_append_c (text, '\n');
  }
}

static const char *
write_items (WeirHarnessOutput *output, GString *text,
             void (*append) (GString *, const WeirHarnessItem *, const char *), const char *key)
{
  g_string_truncate (text, 0);
  for (guint i = 0; i < count_items (output); i++) {
    append (text, item_at (output, i), key);
  }
  return text->str;
}

const char *
weir_harness_text (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  return output != NULL ? write_items (output, output->text, append_item_text, NULL) : "";
}

const char *
weir_harness_tags (WeirHarness *harness, const char *link, const char *key)
{
  g_return_val_if_fail (key != NULL, "");
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  return output != NULL ? write_items (output, output->tags, append_item_tag, key) : "";
}

const char *
weir_harness_streams (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  return output != NULL ? write_items (output, output->streams, append_item_stream, NULL) : "";
}

const char *
weir_harness_bytes (WeirHarness *harness, const char *link, gsize *size)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  const char *bytes = output != NULL ? write_items (output, output->all_bytes, append_item_bytes, NULL) : "";
  if (size != NULL) {
    *size = output != NULL ? output->all_bytes->len : 0;
  }
  return bytes;
}

gboolean
weir_harness_ended (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  return output != NULL && output->link != NULL && output->link->over;
}
