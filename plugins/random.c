/* SPDX-License-Identifier: Apache-2.0 */
/* random: each record is a decimal count N; N random integers come out, one a record, under rule R7: as many at a time as the
 * links take, so that any N runs in the same memory.
 * Runs on the stage's worker; owns the generator's state. */
#include <weir/weir.h>

#include <string.h>
#include <sys/random.h>

#define AT_ONCE 256 /* records a produce() */
#define TRAIL "\r\n"
#define TRAIL_SIZE 2
#define LONGEST 24 /* digits of 2^63-1 and the trail */

typedef struct {
  gint64 max;  /* option */
  gint64 seed; /* option */
  guint64 state[4];
  guint64 left; /* of the record at hand */
  guint32 threshold;
} Random;

static const WeirOption options[] = {
  WEIR_INTEGER (Random, max, "10000", "0..", 0, "The largest number; the smallest is 0"),
  WEIR_INTEGER (Random, seed, NULL, "1..", 0, "Where the sequence starts; without it, the kernel says"),
  WEIR_OPTIONS_END,
};

/* ---- the generator: xoshiro256**, seeded by splitmix64 ---- */

static inline guint64
rotate (guint64 x, int bits)
{
  return (x << bits) | (x >> (64 - bits));
}

static inline guint64
next (guint64 *s)
{
  guint64 result = rotate (s[1] * 5, 7) * 9;
  guint64 shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate (s[3], 45);
  return result;
}

static void
seed_from_number (guint64 *state, guint64 seed)
{
  for (int i = 0; i < 4; i++) {
    guint64 z = seed += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
    state[i] = z ^ (z >> 31);
  }
}

/* A number from 0 to max, each as likely as any other. Up to 32 bits: Lemire's multiplication, in which a draw from the uneven
 * rest is thrown away; beyond, a draw above the maximum is. */
static inline guint64
draw (Random *random)
{
  guint64 max = (guint64) random->max;
  if (G_LIKELY (max < G_MAXUINT32)) {
    guint64 product;
    do {
      product = (next (random->state) >> 32) * (max + 1);
    } while (G_UNLIKELY ((guint32) product < random->threshold));
    return product >> 32;
  }
  guint64 mask = G_MAXUINT64 >> __builtin_clzll (max), drawn;
  do {
    drawn = next (random->state) & mask;
  } while (drawn > max);
  return drawn;
}

/* ---- texts ---- */

/* Writes the digits of a number and the trail; answers how many bytes those are. */
static gsize
write_large (char *text, guint64 number)
{
  char digits[LONGEST], *begin = digits + LONGEST - TRAIL_SIZE;
  memcpy (begin, TRAIL, TRAIL_SIZE);
  do {
    *--begin = (char) ('0' + number % 10);
    number /= 10;
  } while (number > 0);
  gsize size = (gsize) (digits + LONGEST - begin);
  memcpy (text, begin, size);
  return size;
}

/* "0000" to "9999", side by side: constant, so that thousands of stages share it. */
/* clang-format off */
#define TEN(digits) \
  digits "0" digits "1" digits "2" digits "3" digits "4" digits "5" digits "6" digits "7" digits "8" digits "9"
#define HUNDRED(digits) \
  TEN (digits "0") TEN (digits "1") TEN (digits "2") TEN (digits "3") TEN (digits "4") \
  TEN (digits "5") TEN (digits "6") TEN (digits "7") TEN (digits "8") TEN (digits "9")
#define THOUSAND(digits) \
  HUNDRED (digits "0") HUNDRED (digits "1") HUNDRED (digits "2") HUNDRED (digits "3") HUNDRED (digits "4") \
  HUNDRED (digits "5") HUNDRED (digits "6") HUNDRED (digits "7") HUNDRED (digits "8") HUNDRED (digits "9")
static const char four_digits[] =
  THOUSAND ("0") THOUSAND ("1") THOUSAND ("2") THOUSAND ("3") THOUSAND ("4")
  THOUSAND ("5") THOUSAND ("6") THOUSAND ("7") THOUSAND ("8") THOUSAND ("9") "000";
/* clang-format on */

/* Likewise, of a number below 10000: all of them but the leading zeros. */
static inline gsize
write_small (char *text, guint number)
{
  guint zeros = (number < 1000) + (number < 100) + (number < 10);
  memcpy (text, four_digits + 4 * number + zeros, 4);
  memcpy (text + 4 - zeros, TRAIL, TRAIL_SIZE);
  return 4 - zeros + TRAIL_SIZE;
}

/* ---- the role ---- */

static WeirNext
random_open (WeirStage *stage, gpointer self)
{
  Random *random = self;
  guint64 range = (guint64) random->max + 1;

  if (random->seed != 0) {
    seed_from_number (random->state, (guint64) random->seed);
  } else {
    guint64 seed;
    if (getrandom (&seed, sizeof seed, 0) != (ssize_t) sizeof seed) {
      return weir_stage_fail_errno (stage, "cannot get a seed from the kernel");
    }
    seed_from_number (random->state, seed);
  }
  if (range <= G_MAXUINT32) {
    random->threshold = (guint32) (G_GUINT64_CONSTANT (0x100000000) % range);
  }
  return WEIR_MORE;
}

static WeirNext
refuse (WeirStage *stage, const char *data, gsize size)
{
  if (size == 0) {
    return weir_stage_reject (
      stage, "found an empty record, expected a count, a whole number from 0 to %" G_GINT64_FORMAT, G_MAXINT64);
  }
  char shown[4 * 32 + 1], *to = shown;
  for (gsize i = 0; i < MIN (size, 32); i++) {
    guchar byte = (guchar) data[i];
    if (byte >= ' ' && byte < 127 && byte != '"' && byte != '\\') {
      *to++ = (char) byte;
    } else {
      to += g_snprintf (to, 5, "\\x%02x", byte);
    }
  }
  *to = '\0';
  return weir_stage_reject (stage, "found \"%s\"%s, expected a count, a whole number from 0 to %" G_GINT64_FORMAT,
                            shown, size > 32 ? "..." : "", G_MAXINT64);
}

static WeirNext
random_consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  Random *random = self;
  const char *data = (const char *) record->data;
  gsize size = record->size;

  while (size > 0 && g_ascii_isspace (data[size - 1])) {
    size--;
  }
  while (size > 0 && g_ascii_isspace (*data)) {
    data++;
    size--;
  }
  guint64 count = 0;
  for (gsize i = 0; i < size; i++) {
    if (!g_ascii_isdigit (data[i])) {
      return refuse (stage, data, size);
    }
    guint digit = (guint) (data[i] - '0');
    if (count > ((guint64) G_MAXINT64 - digit) / 10) {
      return refuse (stage, data, size);
    }
    count = count * 10 + digit;
  }
  if (size == 0) {
    return refuse (stage, data, size);
  }
  random->left = count;
  return count > 0 ? WEIR_PRODUCE : WEIR_MORE;
}

/* Writes that many numbers side by side. */
static void
write_numbers (Random *random, char *to, guint32 *sizes, gsize count)
{
  Random own = *random; /* which no text written can be taken to overlap */
  for (gsize i = 0; i < count; i++) {
    guint64 number = draw (&own);
    sizes[i] = (guint32) (G_LIKELY (number < 10000) ? write_small (to, (guint) number) : write_large (to, number));
    to += sizes[i];
  }
  *random = own;
}

static WeirNext
random_produce (WeirStage *stage, gpointer self)
{
  Random *random = self;
  gsize count = MIN (MIN (random->left, AT_ONCE), MAX (weir_stage_room (stage), 1));
  guint32 sizes[AT_ONCE];
  Random before = *random;

  char *to = weir_emit_begin (stage, count * LONGEST);
  write_numbers (random, to, sizes, count);
  weir_stage_set_trail (stage, TRAIL_SIZE);
  gsize emitted = weir_emit_end_many (stage, sizes, count);
  if (G_UNLIKELY (emitted < count)) {
    /* Full of bytes: those left over are drawn again. */
    *random = before;
    for (gsize i = 0; i < emitted; i++) {
      draw (random);
    }
  }
  random->left -= emitted;
  return random->left > 0 ? WEIR_MORE : WEIR_DONE;
}

static const WeirRole transform = {
  .summary = "Answers each count N with N random integers, one a record",
  .options = options,
  .state_size = sizeof (Random),
  .open = random_open,
  .consume = random_consume,
  .produce = random_produce,
};

WEIR_PLUGIN ("random", "1.0", NULL, &transform, NULL);
