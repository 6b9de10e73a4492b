/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of the scan, and how a mistake is told. A bad token is told, replaced in the text by what json-c takes, and the scan
 * goes on. On the thread of the loader; owns nothing. */
#include "scan-token.h"

#include "found.h"
#include "suggest.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ---- telling ------------------------------------------------------------------------------------------------------- */

void
weir_scan_tell (WeirScan *scan, WeirNode node, gsize offset, const char *format, ...)
{
  va_list arguments;
  g_autofree char *path = NULL;
  g_autofree char *message = NULL;

  if (!weir_problems_is_full (scan->problems)) {
    path = weir_places_path (scan->places, node);
  }
  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  weir_problems_add (scan->problems, WEIR_SEVERITY_ERROR, weir_places_at (scan->places, offset), path, "%s", message);
}

/* What stands at the cursor, to be put behind "found". */
static char *
found (const WeirScan *scan)
{
  const char *at = scan->text + scan->at;
  gsize word = strspn (at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-");

  if (*at == '\0') {
    return g_strdup ("a NUL byte");
  }
  if (word == 0) {
    word = (gsize) (g_utf8_next_char (at) - at);
  }
  g_autofree char *text = g_strndup (at, word);
  return weir_found_text (text);
}

gboolean
weir_scan_refuse (WeirScan *scan, WeirNode node, const char *expected)
{
  if (scan->at < scan->limit) {
    g_autofree char *what = found (scan);
    weir_scan_tell (scan, node, scan->at, "expected %s, found %s", expected, what);
  } else if (scan->limit < scan->size) {
    weir_scan_tell (scan, node, scan->limit, "not UTF-8: byte 0x%02X", (guint) (guchar) scan->text[scan->limit]);
  } else if (scan->depth > 0) {
    gsize opened = scan->opened[scan->depth - 1];
    WeirPlace place = weir_places_at (scan->places, opened);
    weir_scan_tell (scan, node, scan->at, "the text ends, expected %s; \"%c\" at %u:%u is not closed", expected,
                    scan->text[opened], place.line, place.column);
  } else {
    weir_scan_tell (scan, node, scan->at, "the text ends, expected %s", expected);
  }
  return FALSE;
}

void
weir_scan_blank (WeirScan *scan, gsize from, gsize to)
{
  for (gsize i = from; i < to; i++) {
    if (scan->text[i] != '\n') {
      scan->text[i] = ' ';
    }
  }
}

/* ---- strings ------------------------------------------------------------------------------------------------------- */

/* The four hexadecimal digits of \u at an offset, or -1. */
static int
code_unit (const WeirScan *scan, gsize at)
{
  int value = 0;

  if (at + 6 > scan->limit || scan->text[at] != '\\' || scan->text[at + 1] != 'u') {
    return -1;
  }
  for (gsize i = at + 2; i < at + 6; i++) {
    if (!g_ascii_isxdigit (scan->text[i])) {
      return -1;
    }
    value = value << 4 | g_ascii_xdigit_value (scan->text[i]);
  }
  return value;
}

/* The cursor is at a backslash. A bad escape is told and loses its backslash. */
static void
scan_escape (WeirScan *scan, WeirNode node)
{
  gsize start = scan->at;
  char letter = scan->text[start + 1];
  int unit = code_unit (scan, start);

  if (letter != 'u' && letter != '\0' && strchr ("\"\\/bfnrt", letter) != NULL) {
    scan->at += 2;
    return;
  }
  if (unit > 0 && (unit < 0xd800 || unit > 0xdfff)) {
    scan->at += 6;
    return;
  }
  int second = unit >= 0xd800 && unit < 0xdc00 ? code_unit (scan, start + 6) : -1;
  if (second >= 0xdc00 && second <= 0xdfff) {
    scan->at += 12;
    return;
  }
  if (unit == 0) {
    weir_scan_tell (scan, node, start, "\\u0000: a string cannot hold a NUL");
  } else if (unit > 0) {
    weir_scan_tell (scan, node, start, "\\u%04x is half of a surrogate pair", (guint) unit);
  } else if (letter == 'u') {
    weir_scan_tell (scan, node, start, "\\u needs four hexadecimal digits");
  } else if (!g_ascii_iscntrl (letter)) { /* that is told by itself */
    const char *next = scan->text + start + 1;
    int size = (int) (g_utf8_next_char (next) - next);
    weir_scan_tell (scan, node, start, "\\%.*s is no escape of JSON", size, next);
  }
  scan->text[start] = ' ';
  scan->at++;
}

gboolean
weir_scan_string (WeirScan *scan, WeirNode node)
{
  gsize start = scan->at++;

  for (;;) {
    int letter = weir_scan_peek (scan);
    if (letter == '"') {
      scan->at++;
      return TRUE;
    }
    if (letter == -1 && scan->limit < scan->size) {
      return weir_scan_refuse (scan, node, "more");
    }
    if (letter == -1 || letter == '\n' || letter == '\r' || (letter == '\\' && scan->at + 1 == scan->limit)) {
      weir_scan_tell (scan, node, start, "the string is not closed%s",
                      letter == '\n' || letter == '\r' ? " on its line" : "");
      return FALSE;
    }
    if (letter == '\\') {
      scan_escape (scan, node);
    } else if (letter < ' ') {
      if (letter == '\0') {
        weir_scan_tell (scan, node, scan->at, "NUL byte in a string");
      } else {
        weir_scan_tell (scan, node, scan->at, "control character 0x%02X in a string; write \\u%04x", (guint) letter,
                        (guint) letter);
      }
      scan->text[scan->at++] = ' ';
    } else {
      scan->at++;
    }
  }
}

/* ---- numbers and words --------------------------------------------------------------------------------------------- */

/* A value that cannot stand: 0 takes its place. */
static void
replace (WeirScan *scan, WeirNode node, gsize start)
{
  weir_scan_blank (scan, start, scan->at);
  scan->text[start] = '0';
  weir_places_set_told (scan->places, node);
}

/* The length of a number of RFC 8259 at the start of the text, and whether it is an integer; 0: none. */
static gsize
number_length (const char *text, gboolean *integer)
{
  const char *at = text + (*text == '-');
  gsize digits = strspn (at, "0123456789");

  *integer = TRUE;
  if (digits == 0 || (*at == '0' && digits > 1)) {
    return 0;
  }
  at += digits;
  if (*at == '.') {
    digits = strspn (at + 1, "0123456789");
    if (digits == 0) {
      return 0;
    }
    at += 1 + digits;
    *integer = FALSE;
  }
  if (*at == 'e' || *at == 'E') {
    at++;
    at += *at == '+' || *at == '-';
    digits = strspn (at, "0123456789");
    if (digits == 0) {
      return 0;
    }
    at += digits;
    *integer = FALSE;
  }
  return (gsize) (at - text);
}

static gboolean
in_range (const char *number, gboolean integer)
{
  if (!integer) {
    return isfinite (g_ascii_strtod (number, NULL));
  }
  errno = 0;
  if (*number == '-') {
    (void) g_ascii_strtoll (number, NULL, 10);
  } else {
    (void) g_ascii_strtoull (number, NULL, 10);
  }
  return errno == 0;
}

void
weir_scan_number (WeirScan *scan, WeirNode node)
{
  gsize start = scan->at;
  const char *text = scan->text + start;
  gsize run = strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-%");
  gboolean integer;

  run = MIN (run, scan->limit - start);
  scan->at += run;
  g_autofree char *number = g_strndup (text, run);
  gboolean valid = number_length (number, &integer) == run;
  if (valid && in_range (number, integer)) {
    return;
  }
  g_autofree char *quoted = weir_found_text (number);
  if (!valid) {
    weir_scan_tell (scan, node, start, "%s is no number of JSON%s", quoted,
                    strpbrk (number, "abcdfghijklmnopqrstuvwxyzABCDFGHIJKLMNOPQRSTUVWXYZ_%") != NULL
                      ? "; write it in double quotes"
                      : "");
  } else if (integer) {
    weir_scan_tell (scan, node, start,
                    "%s is out of range; integers go from %" G_GINT64_FORMAT " to %" G_GUINT64_FORMAT, quoted,
                    G_MININT64, G_MAXUINT64);
  } else {
    weir_scan_tell (scan, node, start, "%s is out of range; numbers go to 1.8e308", quoted);
  }
  replace (scan, node, start);
}

void
weir_scan_word (WeirScan *scan, WeirNode node)
{
  static const char *const words[] = { "true", "false", "null", NULL };
  gsize start = scan->at;
  gsize run = strspn (scan->text + start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

  run = MIN (run, scan->limit - start);
  scan->at += run;
  g_autofree char *word = g_strndup (scan->text + start, run);
  if (g_strv_contains (words, word)) {
    return;
  }
  g_autofree char *quoted = weir_found_text (word);
  g_autoptr (GString) message = g_string_new (NULL);
  g_string_append_printf (message, "unknown word %s", quoted);
  if (weir_suggest (word, words) != NULL) {
    weir_suggest_append (message, word, words);
  } else {
    g_string_append (message, "; strings are written in double quotes");
  }
  weir_scan_tell (scan, node, start, "%s", message->str);
  replace (scan, node, start);
}
