/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin with something of everything that `weir inspect` shows: three roles, each kind of option, flags, counters, ports.
 * Opened by tests of the registry; no callback of it is ever called. */
#include <weir/weir.h>

typedef struct {
  const char *path, *token, *line;
  const char *const *names;
  const WeirPair *headers;
  gboolean follow;
  gint64 port;
  double rate;
  guint64 chunk;
  gint64 wait;
  int mode;
} Sample;

static const WeirOption producer_options[] = {
  WEIR_STRING (Sample, path, NULL, WEIR_REQUIRED | WEIR_PATH, "File to read"),
  WEIR_STRING (Sample, token, "hush", WEIR_SECRET, "What is never shown"),
  WEIR_STRING (Sample, line, "{time} {}", WEIR_TEMPLATE, "How a line is made of a record"),
  WEIR_STRINGS (Sample, names, "[\"a\", \"b\"]", 0, "Some names"),
  WEIR_MAP (Sample, headers, 0,
            "Headers to send along with everything that is sent, so many that this text needs two lines"),
  WEIR_BOOLEAN (Sample, follow, NULL, 0, "Wait for more at the end"),
  WEIR_INTEGER (Sample, port, "80", "1..65535", 0, "A port"),
  WEIR_NUMBER (Sample, rate, "0.5", "0..", 0, "A rate"),
  WEIR_SIZE (Sample, chunk, "64KiB", "1..1MiB", 0, "Bytes read at a time"),
  WEIR_DURATION (Sample, wait, "100ms", "..1h", 0, "How long to wait"),
  WEIR_CHOICE (Sample, mode, NULL, "none|batch", 0, NULL),
  WEIR_OPTIONS_END,
};

static const char *const counters[] = { "reopened", "truncated", NULL };
static const char *const ports[] = { "even", "odd", NULL };
static const char *const tags[] = { "path", "line_number", NULL };

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

static const WeirRole producer = {
  .summary = "Makes samples",
  .options = producer_options,
  .counters = counters,
  .tags = tags,
  .state_size = sizeof (Sample),
  .flags = WEIR_BYTES | WEIR_BLOCKING,
  .produce = produce,
};

static const WeirRole transform = {
  .summary = "Parts the even samples from the odd ones, and says so in a summary that is too long for one line",
  .ports = ports,
  .flags = WEIR_STATELESS,
  .consume = consume,
};

static const WeirRole consumer = {
  .summary = "Takes samples",
  .consume = consume,
};

WEIR_PLUGIN ("sample", "1.2", &producer, &transform, &consumer);
