/* SPDX-License-Identifier: Apache-2.0 */
/* link-run.c: the producing end of a link: references and pinned bytes, counted by run.
 * Runs on the producer's worker alone. A run of records of one buffer, or of one context, holds one reference, which the state
 * of its last slot hands to the taker. */
#include "link-put.h"

static void
take_reference (WeirPacker *packer, WeirBuffer *buffer)
{
  if (buffer == packer->buffer && packer->credit > 1) {
    packer->credit--;
  } else {
    weir_buffer_ref_many (buffer, 1);
  }
}

static void
add_state (WeirLink *link, guint32 index, guint8 bits)
{
  weir_store_relaxed (&link->put_states[index], weir_load_relaxed (&link->put_states[index]) | bits);
}

static void
pin (WeirLink *link, WeirBuffer *buffer, guint32 index)
{
  if (buffer != link->pinned_buffer) {
    add_state (link, index, WEIR_SLOT_NEW_BUFFER);
    link->pinned_buffer = buffer;
    link->put_pinned_private += buffer->capacity;
  }
}

/* Ten bytes kept out of each 64 KiB must not pin gigabytes: while more is pinned than `bytes`, a run that views under an
 * eighth of its buffer moves into a buffer of the link's own. Dense runs never move. The stage's packing buffer is not used for
 * that: it may hold the very record that is being put, or a place that the stage has reserved. */
static void
copy_out_sparse_run (WeirLink *link)
{
  WeirBuffer *sparse = link->run_buffer;
  gsize bytes = link->put_bytes_private - link->run_bytes;
  if (link->put_pinned_private - link->done_pinned_seen <= link->limits->sparse || bytes >= sparse->capacity / 8 ||
      sparse == link->packer->buffer) {
    return;
  }
  if (link->copies == NULL) {
    link->copies = g_new0 (WeirPacker, 1);
  }
  link->copies->pool = link->packer->pool;
  weir_packer_reserve (link->copies, bytes); /* all in one buffer, as it stays one run */
  for (guint32 i = link->run_start; i < link->put_index; i++) {
    weir_packer_copy (link->copies, &link->put_records[i]);
  }
  if (link->pinned_buffer == sparse && link->pinned_before != sparse) {
    _Atomic guint8 *state = &link->put_states[link->run_start];
    weir_store_relaxed (state, weir_load_relaxed (state) & ~WEIR_SLOT_NEW_BUFFER);
    link->put_pinned_private -= sparse->capacity;
    link->pinned_buffer = link->pinned_before;
  }
  pin (link, link->copies->buffer, link->run_start);
  take_reference (link->copies, link->copies->buffer);
  weir_buffer_unref (sparse);
}

static void
end_buffer_run (WeirLink *link)
{
  copy_out_sparse_run (link);
  add_state (link, link->put_index - 1, WEIR_SLOT_LAST_BUFFER);
  link->run_buffer = NULL;
}

static void
end_context_run (WeirLink *link)
{
  add_state (link, link->put_index - 1, WEIR_SLOT_LAST_CONTEXT);
  link->run_context = NULL;
}

void
weir_link_end_run (WeirLink *link)
{
  if (link->run_buffer != NULL) {
    end_buffer_run (link);
  }
  if (link->run_context != NULL) {
    end_context_run (link);
  }
}

void
weir_link_run_buffer (WeirLink *link, WeirBuffer *buffer)
{
  if (link->run_buffer != NULL) {
    end_buffer_run (link);
  }
  link->run_buffer = buffer;
  link->run_start = link->put_index;
  link->run_bytes = link->put_bytes_private;
  link->pinned_before = link->pinned_buffer;
  take_reference (link->packer, buffer);
  pin (link, buffer, link->put_index);
  if (weir_link_level_pinned (link) >= link->limits->pinned.high) {
    link->put_countdown = 1;
  }
}

void
weir_link_run_context (WeirLink *link, WeirContext *context)
{
  if (link->run_context != NULL) {
    end_context_run (link);
  }
  link->run_context = context;
  if (context != NULL) {
    weir_context_ref (context);
    if (context->origin != NULL && weir_load_relaxed (&link->carries) == 0) {
      weir_store_relaxed (&link->carries, 1);
    }
  }
}
