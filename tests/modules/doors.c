/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin whose producer accepts connections and whose other roles may block, for tests of the loader.
 * Opened only; no callback of it is ever called. */
#include <weir/weir.h>

typedef struct {
  const char *greeting;
  gint64 max;
} Doors;

static WeirNext
produce (WeirStage *stage, gpointer self)
{
  (void) stage;
  (void) self;
  return WEIR_DONE;
}

static WeirNext
consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  (void) stage;
  (void) self;
  (void) record;
  return WEIR_MORE;
}

static const WeirOption producer_options[] = {
  WEIR_INTEGER (Doors, max, "0", "0..1000000000", 0, "How many may be in at a time; 0: any number"),
  WEIR_OPTIONS_END,
};

static const WeirOption reply_options[] = {
  WEIR_STRING (Doors, greeting, NULL, 0, "What is said first"),
  WEIR_OPTIONS_END,
};

static const WeirRole producer = {
  .summary = "Lets in",
  .options = producer_options,
  .state_size = sizeof (Doors),
  .flags = WEIR_CONNECTIONS,
  .produce = produce,
};
static const WeirRole transform = { .summary = "Blocks", .flags = WEIR_BLOCKING, .consume = consume };
static const WeirRole consumer = { .summary = "Blocks", .flags = WEIR_BLOCKING, .consume = consume };
static const WeirRole reply = {
  .summary = "Sees off", .options = reply_options, .state_size = sizeof (Doors), .consume = consume
};

WEIR_PLUGIN_WITH_REPLY ("doors", "1.0", &producer, &transform, &consumer, &reply);
