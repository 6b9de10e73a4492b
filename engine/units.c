/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes and durations as people write them. A size or a duration is digits, perhaps a fraction, and a unit, counted in
 * whole bytes and microseconds: a fraction that is no whole number of them is refused, never rounded. No locale has a say.
 * Pure functions, any thread; the caller owns the message. */
#include "units.h"

#include "found.h"

#include <errno.h>
#include <math.h>
#include <string.h>

typedef struct {
  const char *name;
  guint64 factor;
} Unit;

static const Unit size_units[] = {
  { "", 1 },      { "KiB", 1024 },   { "MiB", 1048576 },   { "GiB", 1073741824 },
  { "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 }, { NULL, 0 },
};

static const Unit duration_units[] = {
  { "us", 1 },         { "ms", 1000 },       { "s", 1000000 }, { "m", 60000000 },
  { "h", 3600000000 }, { "d", 86400000000 }, { NULL, 0 },
};

typedef enum { FITS, MALFORMED, NOT_WHOLE, TOO_LARGE } Outcome;

static guint64
common_divisor (guint64 a, guint64 b)
{
  while (b != 0) {
    guint64 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* 0.DIGITS of a unit: exact, and always less than the unit, so that nothing can overflow. */
static Outcome
add_fraction (const char *digits, gsize count, guint64 factor, guint64 *total)
{
  while (count > 0 && digits[count - 1] == '0') {
    count--;
  }
  if (count > 18) {
    return NOT_WHOLE;
  }
  guint64 numerator = 0, denominator = 1;
  for (gsize i = 0; i < count; i++) {
    numerator = numerator * 10 + (guint64) (digits[i] - '0');
    denominator *= 10;
  }
  guint64 common = common_divisor (denominator, factor);
  denominator /= common;
  if (numerator % denominator != 0) {
    return NOT_WHOLE;
  }
  return g_uint64_checked_add (total, *total, numerator / denominator * (factor / common)) ? FITS : TOO_LARGE;
}

static Outcome
parse (const char *text, const Unit *units, guint64 most, guint64 *result)
{
  const char *at = text;
  gboolean large = FALSE;
  guint64 total = 0;
  for (; g_ascii_isdigit (*at); at++) {
    large |= !g_uint64_checked_mul (&total, total, 10) || !g_uint64_checked_add (&total, total, (guint64) (*at - '0'));
  }
  if (at == text) {
    return MALFORMED;
  }

  const char *fraction = at;
  gsize fraction_digits = 0;
  if (*at == '.') {
    fraction = ++at;
    while (g_ascii_isdigit (*at)) {
      at++;
    }
    fraction_digits = (gsize) (at - fraction);
    if (fraction_digits == 0) {
      return MALFORMED;
    }
  }

  while (units->name != NULL && strcmp (units->name, at) != 0) {
    units++;
  }
  if (units->name == NULL) {
    return MALFORMED;
  }
  if (large || !g_uint64_checked_mul (&total, total, units->factor)) {
    return TOO_LARGE;
  }
  Outcome outcome = add_fraction (fraction, fraction_digits, units->factor, &total);
  if (outcome != FITS) {
    return outcome;
  }
  if (total > most) {
    return TOO_LARGE;
  }
  *result = total;
  return FITS;
}

static gboolean
explain (const char *text, const char *expected, char **message)
{
  if (message != NULL) {
    g_autofree char *found = weir_found_text (text);
    *message = g_strdup_printf ("found %s, expected %s", found, expected);
  }
  return FALSE;
}

gboolean
weir_parse_size (const char *text, guint64 *bytes, char **message)
{
  switch (parse (text, size_units, G_MAXUINT64, bytes)) {
  case FITS:
    return TRUE;
  case NOT_WHOLE:
    return explain (text, "a whole number of bytes", message);
  case TOO_LARGE:
    return explain (text, "a size of at most 18446744073709551615 bytes", message);
  case MALFORMED:
    break;
  }
  return explain (text, WEIR_SIZE_FORM, message);
}

gboolean
weir_parse_duration (const char *text, gint64 *microseconds, char **message)
{
  guint64 value = 0;
  Outcome outcome = strcmp (text, "0") == 0 ? FITS : parse (text, duration_units, G_MAXINT64, &value);

  switch (outcome) {
  case FITS:
    *microseconds = (gint64) value;
    return TRUE;
  case NOT_WHOLE:
    return explain (text, "a whole number of microseconds", message);
  case TOO_LARGE:
    return explain (text, "a duration of at most 9223372036854775807us", message);
  case MALFORMED:
    break;
  }
  return explain (text, WEIR_DURATION_FORM, message);
}

gboolean
weir_parse_integer (const char *text, gint64 *integer)
{
  const char *digits = text + (*text == '-');
  if (*digits == '\0' || strspn (digits, "0123456789") != strlen (digits)) {
    return FALSE;
  }
  errno = 0;
  *integer = g_ascii_strtoll (text, NULL, 10);
  return errno == 0;
}

gboolean
weir_parse_number (const char *text, double *number)
{
  const char *at = text + (*text == '-');
  gsize digits = strspn (at, "0123456789");
  if (digits == 0) {
    return FALSE;
  }
  at += digits;
  if (*at == '.') {
    digits = strspn (++at, "0123456789");
    if (digits == 0) {
      return FALSE;
    }
    at += digits;
  }
  if (*at == 'e' || *at == 'E') {
    at++;
    at += *at == '-' || *at == '+';
    digits = strspn (at, "0123456789");
    if (digits == 0) {
      return FALSE;
    }
    at += digits;
  }
  *number = g_ascii_strtod (text, NULL);
  return *at == '\0' && isfinite (*number);
}

/* The units but for the empty one: "KiB|MiB". */
static char *
unit_names (const Unit *units)
{
  GString *names = g_string_new (NULL);
  for (; units->name != NULL; units++) {
    if (*units->name != '\0') {
      g_string_append_printf (names, "%s%s", names->len == 0 ? "" : "|", units->name);
    }
  }
  return g_string_free (names, FALSE);
}

char *
weir_size_pattern (void)
{
  g_autofree char *names = unit_names (size_units);
  return g_strdup_printf ("[0-9]+(?:\\.0+|(?:\\.[0-9]+)?(?:%s))?", names);
}

char *
weir_duration_pattern (void)
{
  g_autofree char *names = unit_names (duration_units);
  return g_strdup_printf ("0|[0-9]+(?:\\.[0-9]+)?(?:%s)", names);
}
