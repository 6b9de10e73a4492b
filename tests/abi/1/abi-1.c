/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as it is written against the headers of ABI 1, which lie beside it: each function, callback, flag and kind of option of
 * theirs is used, so that what later versions do differently shows. Built with those headers and no others, run by
 * tests/abi/fixtures.sh. The sources here are never changed. */
#include "abi-1.h"

/* ---- the transform ---- */

typedef struct {
  guint other, left;
} Transform;

static const char *const counters[] = { "seen", NULL };
static const char *const ports[] = { "main", "other", NULL };

static WeirNext
transform_open (WeirStage *stage, gpointer state)
{
  ((Transform *) state)->other = weir_stage_port (stage, "other");
  return strcmp (weir_stage_name (stage), "middle") == 0 && weir_stage_context (stage) != NULL &&
             weir_stage_now (stage) > 0 && weir_stage_wall (stage) > 0
           ? WEIR_MORE
           : weir_stage_fail (stage, "is not what it was");
}

static WeirNext
transform_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Transform *self = state;
  weir_stage_count (stage, 0, 1);
  if (record->stream != 0) {
    ++*(guint *) weir_stream_state (stage);
  }
  if (is (record, "reject")) {
    return weir_stage_reject (stage, "by %s", "the transform");
  }
  if (is (record, "refused")) {
    weir_stage_set_rejected (stage, "a part of it");
    weir_emit_slice (stage, record, 0, 2, 0);
    weir_stage_set_rejected (stage, NULL);
    weir_emit_slice (stage, record, 2, 5, 0);
  } else if (is (record, "slice me")) {
    weir_emit_slice (stage, record, 0, 5, 1);
  } else if (is (record, "twice")) {
    self->left = 2;
    return WEIR_PRODUCE;
  } else if (is (record, "other")) {
    weir_stage_set_port (stage, self->other);
    weir_emit (stage, record);
  } else {
    WeirOrigin *held = weir_origin_hold (stage, NULL, record);
    weir_origin_join (stage, record);
    weir_origin_join_held (stage, held);
    weir_emit (stage, record);
    weir_origin_let_go (stage, held);
  }
  return WEIR_MORE;
}

static WeirNext
transform_produce (WeirStage *stage, gpointer state)
{
  Transform *self = state;
  emit_text (stage, "once");
  return --self->left > 0 ? WEIR_MORE : WEIR_DONE;
}

static WeirNext
end_stream (WeirStage *stage, gpointer self, gpointer stream_state)
{
  (void) self;
  weir_stage_log (stage, G_LOG_LEVEL_DEBUG, "a stream of %u is over", *(guint *) stream_state);
  weir_emit_printf (stage, "a stream of %u", *(guint *) stream_state);
  return WEIR_MORE;
}

static WeirNext
transform_end (WeirStage *stage, gpointer self)
{
  (void) self;
  emit_text (stage, "the end");
  return WEIR_MORE;
}

static const WeirRole transform = {
  .summary = "Passes on in each way there is",
  .counters = counters,
  .ports = ports,
  .state_size = sizeof (Transform),
  .stream_size = sizeof (guint),
  .flags = WEIR_BLOCKING,
  .open = transform_open,
  .produce = transform_produce,
  .consume = transform_consume,
  .end_stream = end_stream,
  .end = transform_end,
  .interrupt = nothing,
};

/* ---- the other half of a connection ---- */

typedef struct {
  WeirWriter writer;
} Reply;

static WeirNext
reply_open (WeirStage *stage, gpointer state)
{
  (void) stage;
  weir_writer_init (&((Reply *) state)->writer, "\n");
  return WEIR_MORE;
}

static WeirNext
reply_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  Reply *self = state;
  Peer *peer = weir_stage_connection (stage);
  return weir_writer_send (&self->writer, peer->ends[0], records, count, weir_stage_has_more (stage))
           ? WEIR_MORE
           : weir_stage_fail_errno (stage, "cannot send");
}

static const WeirRole reply = {
  .summary = "Sends to the peer", .state_size = sizeof (Reply), .open = reply_open, .flush = reply_flush
};

WEIR_PLUGIN_WITH_REPLY ("abi-1", "1.0", &abi_producer, &transform, &abi_consumer, &reply);
