/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of all three roles, each with a few options, for tests of the loader.
 * Opened only; no callback of it is ever called but check(). */
#include <weir/weir.h>

#include <string.h>

typedef struct {
  const char *path, *password, *pattern;
  const char *const *paths;
  guint64 chunk;
  gint64 count;
  gboolean invert;
  int mode;
} Probe;

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
  WEIR_STRING (Probe, path, NULL, WEIR_REQUIRED | WEIR_PATH | WEIR_READS, "File to read"),
  WEIR_STRINGS (Probe, paths, NULL, WEIR_PATH | WEIR_READS, "Files to read"),
  WEIR_SIZE (Probe, chunk, "64KiB", "1KiB..1MiB", 0, "Bytes read at a time"),
  WEIR_INTEGER (Probe, count, "0", "0..10", 0, "Records"),
  WEIR_STRING (Probe, password, NULL, WEIR_SECRET, "Secret"),
  WEIR_OPTIONS_END,
};

static const WeirOption transform_options[] = {
  WEIR_STRING (Probe, pattern, NULL, WEIR_REQUIRED, "Pattern"),
  WEIR_BOOLEAN (Probe, invert, "false", 0, "The others"),
  WEIR_CHOICE (Probe, mode, "none", "none|batch", 0, "Mode"),
  WEIR_OPTIONS_END,
};

static const WeirOption consumer_options[] = {
  WEIR_STRING (Probe, path, NULL, WEIR_PATH | WEIR_WRITES, "File to write"),
  WEIR_OPTIONS_END,
};

/* Two patterns that the tests know: one is at fault itself, the other does not agree with its mode. */
static char *
check (gconstpointer self, const char **option)
{
  const Probe *probe = self;
  if (strcmp (probe->pattern, "(") == 0) {
    *option = "pattern";
    return g_strdup ("found \"(\", expected a pattern that is closed");
  }
  if (strcmp (probe->pattern, "batch") != 0 || probe->mode == 1) {
    return NULL;
  }
  if (probe->invert) {
    return g_strdup ("found invert without mode \"batch\", expected both or none");
  }
  *option = "mode";
  return g_strdup ("found \"none\", expected \"batch\"");
}

static const WeirRole producer = {
  .summary = "Produces nothing", .options = producer_options, .state_size = sizeof (Probe), .produce = produce
};
static const WeirRole transform = { .summary = "Passes nothing on",
                                    .options = transform_options,
                                    .state_size = sizeof (Probe),
                                    .consume = consume,
                                    .check = check };
static const WeirRole consumer = {
  .summary = "Takes all", .options = consumer_options, .state_size = sizeof (Probe), .consume = consume
};

WEIR_PLUGIN ("probe", "1.0", &producer, &transform, &consumer);
