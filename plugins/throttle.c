/* SPDX-License-Identifier: Apache-2.0 */
/* throttle: lets records pass no faster than so many a second, or so many bytes, or both. What may not pass yet is not taken
 * (WAIT, rule R6): the link before it fills, and the pause reaches the origin.
 * Runs on the stage's worker; owns nothing.
 *
 * Each rate is a token bucket told in time: `debt` is how many microseconds it would take to be full again. A record costs its
 * share of a second; it passes when the bucket holds that much, or is full where the record is larger than the bucket. */
#include <weir/weir.h>

#include <math.h>

/* Waits are this long at least while the bucket can hold what comes in meanwhile: a rate of a million a second is a thousand
 * records each millisecond, not a million wake-ups. */
#define SHORTEST_WAIT 1000
#define LONGEST_WAIT ((double) G_TIME_SPAN_HOUR)
#define LARGEST_COST 1e15

typedef struct {
  double cost; /* microseconds a record or a byte; 0: no such limit */
  double debt; /* below 0: an earlier wake-up came late, and what that lost is still owed to us */
  gboolean waits;
} Bucket;

typedef struct {
  double records_per_second; /* option */
  guint64 bytes_per_second;  /* option */
  gint64 burst;              /* option: what a full bucket holds, as a time */
  Bucket records, bytes;
  gint64 then; /* when the debts were told */
} Throttle;

static const WeirOption options[] = {
  WEIR_NUMBER (Throttle, records_per_second, NULL, "0..", 0, "Records a second; 0: no limit"),
  WEIR_SIZE (Throttle, bytes_per_second, NULL, NULL, 0, "Bytes a second, delimiters included; 0: no limit"),
  WEIR_DURATION (Throttle, burst, "100ms", "1us..1h", 0,
                 "What may pass at once after a silence, as a time at the full rate"),
  WEIR_OPTIONS_END,
};

static char *
throttle_check (gconstpointer self, G_GNUC_UNUSED const char **option)
{
  const Throttle *throttle = self;
  if (throttle->records_per_second > 0 || throttle->bytes_per_second > 0) {
    return NULL;
  }
  return g_strdup ("found no rate, expected records_per_second, bytes_per_second or both above 0");
}

static WeirNext
throttle_open (WeirStage *stage, gpointer self)
{
  Throttle *throttle = self;
  if (throttle->records_per_second > 0) {
    throttle->records.cost = fmin (G_USEC_PER_SEC / throttle->records_per_second, LARGEST_COST);
  }
  if (throttle->bytes_per_second > 0) {
    throttle->bytes.cost = (double) G_USEC_PER_SEC / (double) throttle->bytes_per_second;
  }
  throttle->then = weir_stage_now (stage);
  return WEIR_MORE;
}

/* Time pays debts back. A bucket overflows, so no credit is saved up in a silence; only a wait that ended later than it was due
 * is made good, up to one burst, or each late wake-up would take a little off the rate. */
static void
pay (Bucket *bucket, double passed, double burst)
{
  if (bucket->waits) {
    bucket->debt = fmax (bucket->debt - passed, -burst);
  } else if (bucket->debt > 0) {
    bucket->debt = fmax (bucket->debt - passed, 0);
  }
}

/* Microseconds until something of this cost may pass; 0 or less: now. */
static double
delay (Bucket *bucket, double cost, double burst)
{
  double wait = bucket->debt - (burst - fmin (cost, burst));
  bucket->waits = wait > 0;
  return wait;
}

static WeirNext
throttle_consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  Throttle *throttle = self;
  Bucket *records = &throttle->records, *bytes = &throttle->bytes;
  double burst = (double) throttle->burst;
  double record_cost = records->cost;
  double bytes_cost = bytes->cost * (double) (record->size + record->trail);
  gint64 now = weir_stage_now (stage);
  double passed = (double) (now - throttle->then);

  throttle->then = now;
  pay (records, passed, burst);
  pay (bytes, passed, burst);
  double wait = fmax (delay (records, record_cost, burst), delay (bytes, bytes_cost, burst));
  if (wait > 0) {
    wait = fmax (ceil (wait), fmin (SHORTEST_WAIT, burst / 4));
    return weir_stage_wait_time (stage, (gint64) fmin (wait, LONGEST_WAIT));
  }
  records->debt += record_cost;
  bytes->debt += bytes_cost;
  weir_emit (stage, record);
  return WEIR_MORE;
}

static const WeirRole transform = {
  .summary = "Slows records down to a rate",
  .options = options,
  .state_size = sizeof (Throttle),
  .flags = WEIR_BYTES, /* a chunk that passes stays one */
  .open = throttle_open,
  .consume = throttle_consume,
  .check = throttle_check,
};

WEIR_PLUGIN ("throttle", "1.0", NULL, &transform, NULL);
