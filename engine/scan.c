/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a JSON text before json-c sees it, which alone knows no places, keeps the last of two equal keys without a word
 * and clamps large numbers. A recursive descent, at most 64 deep, over the text that places owns. A mistake after which the
 * structure is still plain is told, taken out of the text, and the scan goes on; any other ends it.
 * Runs on the thread of the loader; owns nothing. */
#include "scan.h"

#include "found.h"
#include "suggest.h"

#include <errno.h>
#include <math.h>
#include <string.h>

typedef struct {
  WeirPlaces *places;
  WeirProblems *problems;
  char *text;
  gsize size;
  gsize limit; /* the first byte that is no UTF-8, or size */
  gsize at;
  guint depth;
  gsize opened[WEIR_SCAN_DEPTH];
} Scan;

static gboolean scan_value (Scan *scan, WeirNode node);

/* ---- telling ------------------------------------------------------------------------------------------------------- */

static void G_GNUC_PRINTF (4, 5) tell (Scan *scan, WeirNode node, gsize offset, const char *format, ...)
{
  va_list arguments;
  g_autofree char *path = NULL;
  g_autofree char *message = NULL;

  if (!weir_problems_is_full (scan->problems))
    path = weir_places_path (scan->places, node);
  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  weir_problems_add (scan->problems, WEIR_SEVERITY_ERROR, weir_places_at (scan->places, offset), path, "%s", message);
}

/* What stands at the cursor, to be put behind "found". */
static char *
found (const Scan *scan)
{
  const char *at = scan->text + scan->at;
  gsize word = strspn (at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-");

  if (*at == '\0')
    return g_strdup ("a NUL byte");
  if (word == 0)
    word = (gsize) (g_utf8_next_char (at) - at);
  g_autofree char *text = g_strndup (at, word);
  return weir_found_text (text);
}

/* The text is no JSON here: says what stands where the expected should. */
static gboolean
refuse (Scan *scan, WeirNode node, const char *expected)
{
  if (scan->at < scan->limit) {
    g_autofree char *what = found (scan);
    tell (scan, node, scan->at, "expected %s, found %s", expected, what);
  } else if (scan->limit < scan->size) {
    tell (scan, node, scan->limit, "not UTF-8: byte 0x%02X", (guint) (guchar) scan->text[scan->limit]);
  } else if (scan->depth > 0) {
    gsize opened = scan->opened[scan->depth - 1];
    WeirPlace place = weir_places_at (scan->places, opened);
    tell (scan, node, scan->at, "the text ends, expected %s; \"%c\" at %u:%u is not closed", expected,
          scan->text[opened], place.line, place.column);
  } else {
    tell (scan, node, scan->at, "the text ends, expected %s", expected);
  }
  return FALSE;
}

static void
blank (Scan *scan, gsize from, gsize to)
{
  for (gsize i = from; i < to; i++) {
    if (scan->text[i] != '\n')
      scan->text[i] = ' ';
  }
}

/* ---- between tokens ------------------------------------------------------------------------------------------------ */

/* Steps over white space and comments, which it blanks. FALSE: a comment is not closed. */
static gboolean
skip (Scan *scan, WeirNode node)
{
  for (;;) {
    while (scan->at < scan->limit && strchr (" \t\r\n", scan->text[scan->at]) != NULL && scan->text[scan->at] != '\0')
      scan->at++;
    if (scan->at + 1 >= scan->limit || scan->text[scan->at] != '/')
      return TRUE;
    gsize start = scan->at;
    if (scan->text[start + 1] == '/') {
      while (scan->at < scan->limit && scan->text[scan->at] != '\n')
        scan->at++;
    } else if (scan->text[start + 1] == '*') {
      gsize end = start + 2;
      while (end + 1 < scan->limit && !(scan->text[end] == '*' && scan->text[end + 1] == '/'))
        end++;
      if (end + 1 >= scan->limit) {
        scan->at = scan->limit;
        if (scan->limit < scan->size)
          return refuse (scan, node, "more");
        tell (scan, node, start, "the comment is not closed");
        return FALSE;
      }
      scan->at = end + 2;
    } else {
      return TRUE;
    }
    blank (scan, start, scan->at);
  }
}

static int
peek (const Scan *scan)
{
  return scan->at < scan->limit ? (guchar) scan->text[scan->at] : -1;
}

/* ---- strings ------------------------------------------------------------------------------------------------------- */

/* The four hexadecimal digits of \u at an offset, or -1. */
static int
code_unit (const Scan *scan, gsize at)
{
  int value = 0;

  if (at + 6 > scan->limit || scan->text[at] != '\\' || scan->text[at + 1] != 'u')
    return -1;
  for (gsize i = at + 2; i < at + 6; i++) {
    if (!g_ascii_isxdigit (scan->text[i]))
      return -1;
    value = value << 4 | g_ascii_xdigit_value (scan->text[i]);
  }
  return value;
}

/* The cursor is at a backslash. A bad escape is told and loses its backslash. */
static void
scan_escape (Scan *scan, WeirNode node)
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
    tell (scan, node, start, "\\u0000: a string cannot hold a NUL");
  } else if (unit > 0) {
    tell (scan, node, start, "\\u%04x is half of a surrogate pair", (guint) unit);
  } else if (letter == 'u') {
    tell (scan, node, start, "\\u needs four hexadecimal digits");
  } else if (!g_ascii_iscntrl (letter)) { /* that is told by itself */
    const char *next = scan->text + start + 1;
    int size = (int) (g_utf8_next_char (next) - next);
    tell (scan, node, start, "\\%.*s is no escape of JSON", size, next);
  }
  scan->text[start] = ' ';
  scan->at++;
}

/* The cursor is at the opening quote, and behind the closing one afterwards. */
static gboolean
scan_string (Scan *scan, WeirNode node)
{
  gsize start = scan->at++;

  for (;;) {
    int letter = peek (scan);
    if (letter == '"') {
      scan->at++;
      return TRUE;
    }
    if (letter == -1 && scan->limit < scan->size)
      return refuse (scan, node, "more");
    if (letter == -1 || letter == '\n' || letter == '\r' || (letter == '\\' && scan->at + 1 == scan->limit)) {
      tell (scan, node, start, "the string is not closed%s", letter == '\n' || letter == '\r' ? " on its line" : "");
      return FALSE;
    }
    if (letter == '\\') {
      scan_escape (scan, node);
    } else if (letter < ' ') {
      if (letter == '\0')
        tell (scan, node, scan->at, "NUL byte in a string");
      else
        tell (scan, node, scan->at, "control character 0x%02X in a string; write \\u%04x", (guint) letter,
              (guint) letter);
      scan->text[scan->at++] = ' ';
    } else {
      scan->at++;
    }
  }
}

/* ---- numbers and words --------------------------------------------------------------------------------------------- */

/* A value that cannot stand: 0 takes its place. */
static void
replace (Scan *scan, WeirNode node, gsize start)
{
  blank (scan, start, scan->at);
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
  if (digits == 0 || (*at == '0' && digits > 1))
    return 0;
  at += digits;
  if (*at == '.') {
    digits = strspn (at + 1, "0123456789");
    if (digits == 0)
      return 0;
    at += 1 + digits;
    *integer = FALSE;
  }
  if (*at == 'e' || *at == 'E') {
    at++;
    at += *at == '+' || *at == '-';
    digits = strspn (at, "0123456789");
    if (digits == 0)
      return 0;
    at += digits;
    *integer = FALSE;
  }
  return (gsize) (at - text);
}

static gboolean
in_range (const char *number, gboolean integer)
{
  if (!integer)
    return isfinite (g_ascii_strtod (number, NULL));
  errno = 0;
  if (*number == '-')
    (void) g_ascii_strtoll (number, NULL, 10);
  else
    (void) g_ascii_strtoull (number, NULL, 10);
  return errno == 0;
}

static void
scan_number (Scan *scan, WeirNode node)
{
  gsize start = scan->at;
  const char *text = scan->text + start;
  gsize run = strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-%");
  gboolean integer;

  run = MIN (run, scan->limit - start);
  scan->at += run;
  g_autofree char *number = g_strndup (text, run);
  gboolean valid = number_length (number, &integer) == run;
  if (valid && in_range (number, integer))
    return;
  g_autofree char *quoted = weir_found_text (number);
  if (!valid)
    tell (scan, node, start, "%s is no number of JSON%s", quoted,
          strpbrk (number, "abcdfghijklmnopqrstuvwxyzABCDFGHIJKLMNOPQRSTUVWXYZ_%") != NULL
            ? "; write it in double quotes"
            : "");
  else if (integer)
    tell (scan, node, start, "%s is out of range; integers go from %" G_GINT64_FORMAT " to %" G_GUINT64_FORMAT, quoted,
          G_MININT64, G_MAXUINT64);
  else
    tell (scan, node, start, "%s is out of range; numbers go to 1.8e308", quoted);
  replace (scan, node, start);
}

static void
scan_word (Scan *scan, WeirNode node)
{
  static const char *const words[] = { "true", "false", "null", NULL };
  gsize start = scan->at;
  gsize run = strspn (scan->text + start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

  run = MIN (run, scan->limit - start);
  scan->at += run;
  g_autofree char *word = g_strndup (scan->text + start, run);
  if (g_strv_contains (words, word))
    return;
  g_autofree char *quoted = weir_found_text (word);
  g_autoptr (GString) message = g_string_new (NULL);
  g_string_append_printf (message, "unknown word %s", quoted);
  if (weir_suggest (word, words) != NULL)
    weir_suggest_append (message, word, words);
  else
    g_string_append (message, "; strings are written in double quotes");
  tell (scan, node, start, "%s", message->str);
  replace (scan, node, start);
}

/* ---- arrays and objects -------------------------------------------------------------------------------------------- */

/* A member from its key to the end of its value. A second one of the same key goes, with the comma before it. */
static gboolean
scan_member (Scan *scan, WeirNode object, gsize comma)
{
  WeirNode first;
  gsize key = scan->at;

  if (peek (scan) != '"')
    return refuse (scan, object, "a key in double quotes");
  if (!scan_string (scan, object))
    return FALSE;
  WeirNode node = weir_places_add_member (scan->places, object, (guint32) key, &first);
  if (first != WEIR_NODE_NONE) {
    g_autofree char *place = weir_place_format (weir_places_key (scan->places, first));
    g_autofree char *name = g_strndup (scan->text + key + 1, scan->at - key - 2);
    g_autofree char *quoted = weir_found_text (name);
    tell (scan, node, key, "duplicate key %s; the first is at %s", quoted, place);
  }
  if (!skip (scan, node))
    return FALSE;
  if (peek (scan) != ':')
    return refuse (scan, node, "\":\" behind the key");
  scan->at++;
  if (!skip (scan, node) || !scan_value (scan, node))
    return FALSE;
  if (first != WEIR_NODE_NONE)
    blank (scan, comma, scan->at);
  return TRUE;
}

/* The cursor is at the opening bracket, and behind the closing one afterwards. */
static gboolean
scan_container (Scan *scan, WeirNode node)
{
  gboolean object = scan->text[scan->at] == '{';
  char closing = object ? '}' : ']';
  gsize comma = 0;

  if (scan->depth == WEIR_SCAN_DEPTH) {
    tell (scan, node, scan->at, "nested deeper than %d", WEIR_SCAN_DEPTH);
    return FALSE;
  }
  scan->opened[scan->depth++] = scan->at++;
  for (guint32 count = 0;; count++) {
    if (!skip (scan, node))
      return FALSE;
    if (peek (scan) == closing && count == 0)
      break;
    if (peek (scan) == closing) {
      tell (scan, node, comma, "trailing comma");
      scan->text[comma] = ' ';
      break;
    }
    if (object) {
      if (!scan_member (scan, node, comma))
        return FALSE;
    } else {
      WeirNode element = weir_places_add_element (scan->places, node, count, (guint32) scan->at);
      if (!scan_value (scan, element))
        return FALSE;
    }
    if (!skip (scan, node))
      return FALSE;
    if (peek (scan) == closing)
      break;
    if (peek (scan) != ',')
      return refuse (scan, node, object ? "\",\" or \"}\"" : "\",\" or \"]\"");
    comma = scan->at++;
  }
  scan->at++;
  scan->depth--;
  return TRUE;
}

static gboolean
scan_value (Scan *scan, WeirNode node)
{
  int letter = peek (scan);

  weir_places_set_value (scan->places, node, (guint32) scan->at);
  if (letter == '{' || letter == '[')
    return scan_container (scan, node);
  if (letter == '"')
    return scan_string (scan, node);
  if (letter > 0 && strchr ("0123456789-+.", letter) != NULL)
    scan_number (scan, node);
  else if (letter > 0 && g_ascii_isalpha ((char) letter))
    scan_word (scan, node);
  else
    return refuse (scan, node, "a value");
  return TRUE;
}

/* The first byte that is no UTF-8, or size. NUL bytes are left to the grammar. */
static gsize
utf8_limit (const char *text, gsize size, gsize from)
{
  const char *end = text + from;

  while (!g_utf8_validate_len (end, size - (gsize) (end - text), &end) && end < text + size && *end == '\0')
    end++;
  return (gsize) (end - text);
}

gboolean
weir_scan (WeirPlaces *places, WeirNode *root, guint32 key, WeirProblems *problems)
{
  Scan scan = { .places = places, .problems = problems };

  scan.text = weir_places_text (places, &scan.size, &scan.at);
  scan.limit = utf8_limit (scan.text, scan.size, scan.at);
  *root = weir_places_add_root (places, key, (guint32) scan.at);
  if (scan.size == scan.at) {
    tell (&scan, *root, scan.at, "the text is empty");
    return FALSE;
  }
  if (g_str_has_prefix (scan.text + scan.at, "\xef\xbb\xbf")) {
    tell (&scan, *root, scan.at, "byte order mark; save the file as UTF-8 without one");
    return FALSE;
  }
  if (!skip (&scan, *root) || !scan_value (&scan, *root) || !skip (&scan, *root))
    return FALSE;
  if (scan.at < scan.size)
    return refuse (&scan, *root, "the end of the text");
  return TRUE;
}
