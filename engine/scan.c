/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a JSON text before json-c sees it, which alone knows no places, keeps the last of two equal keys without a word
 * and clamps large numbers. A recursive descent, at most 64 deep, over the text that places owns. A mistake after which the
 * structure is still plain is told, taken out of the text, and the scan goes on; any other ends it.
 * Runs on the thread of the loader; owns nothing. */
#include "scan-token.h"

#include "found.h"

#include <string.h>

static gboolean scan_value (WeirScan *scan, WeirNode node);

/* ---- between tokens ------------------------------------------------------------------------------------------------ */

/* Steps over white space and comments, which it blanks. FALSE: a comment is not closed. */
static gboolean
skip (WeirScan *scan, WeirNode node)
{
  for (;;) {
    while (scan->at < scan->limit && strchr (" \t\r\n", scan->text[scan->at]) != NULL && scan->text[scan->at] != '\0') {
      scan->at++;
    }
    if (scan->at + 1 >= scan->limit || scan->text[scan->at] != '/') {
      return TRUE;
    }
    gsize start = scan->at;
    if (scan->text[start + 1] == '/') {
      while (scan->at < scan->limit && scan->text[scan->at] != '\n') {
        scan->at++;
      }
    } else if (scan->text[start + 1] == '*') {
      gsize end = start + 2;
      while (end + 1 < scan->limit && !(scan->text[end] == '*' && scan->text[end + 1] == '/')) {
        end++;
      }
      if (end + 1 >= scan->limit) {
        scan->at = scan->limit;
        if (scan->limit < scan->size) {
          return weir_scan_refuse (scan, node, "more");
        }
        weir_scan_tell (scan, node, start, "the comment is not closed");
        return FALSE;
      }
      scan->at = end + 2;
    } else {
      return TRUE;
    }
    weir_scan_blank (scan, start, scan->at);
  }
}

/* ---- arrays and objects -------------------------------------------------------------------------------------------- */

/* A member from its key to the end of its value. A second one of the same key goes, with the comma before it. */
static gboolean
scan_member (WeirScan *scan, WeirNode object, gsize comma)
{
  WeirNode first;
  gsize key = scan->at;

  if (weir_scan_peek (scan) != '"') {
    return weir_scan_refuse (scan, object, "a key in double quotes");
  }
  guint64 before = weir_problems_count (scan->problems, WEIR_SEVERITY_ERROR);
  if (!weir_scan_string (scan, object)) {
    return FALSE;
  }
  WeirNode node = weir_places_add_member (scan->places, object, (guint32) key, &first);
  if (weir_problems_count (scan->problems, WEIR_SEVERITY_ERROR) != before) {
    weir_places_set_key_told (scan->places, node);
  }
  if (first != WEIR_NODE_NONE) {
    g_autofree char *place = weir_place_format (weir_places_key (scan->places, first));
    g_autofree char *name = g_strndup (scan->text + key + 1, scan->at - key - 2);
    g_autofree char *quoted = weir_found_text (name);
    weir_scan_tell (scan, node, key, "duplicate key %s; the first is at %s", quoted, place);
  }
  if (!skip (scan, node)) {
    return FALSE;
  }
  if (weir_scan_peek (scan) != ':') {
    return weir_scan_refuse (scan, node, "\":\" behind the key");
  }
  scan->at++;
  if (!skip (scan, node) || !scan_value (scan, node)) {
    return FALSE;
  }
  if (first != WEIR_NODE_NONE) {
    weir_scan_blank (scan, comma, scan->at);
  }
  return TRUE;
}

/* The cursor is at the opening bracket, and behind the closing one afterwards. */
static gboolean
scan_container (WeirScan *scan, WeirNode node)
{
  gboolean object = scan->text[scan->at] == '{';
  char closing = object ? '}' : ']';
  gsize comma = 0;

  if (scan->depth == WEIR_SCAN_DEPTH) {
    weir_scan_tell (scan, node, scan->at, "nested deeper than %d", WEIR_SCAN_DEPTH);
    return FALSE;
  }
  if (++scan->containers > WEIR_SCAN_CONTAINERS) {
    weir_scan_tell (scan, node, scan->at, "more than %d objects and lists", WEIR_SCAN_CONTAINERS);
    return FALSE;
  }
  scan->opened[scan->depth++] = scan->at++;
  for (guint32 count = 0;; count++) {
    if (!skip (scan, node)) {
      return FALSE;
    }
    if (weir_scan_peek (scan) == closing && count == 0) {
      break;
    }
    if (weir_scan_peek (scan) == closing) {
      weir_scan_tell (scan, node, comma, "trailing comma");
      scan->text[comma] = ' ';
      break;
    }
    if (object) {
      if (!scan_member (scan, node, comma)) {
        return FALSE;
      }
    } else {
      WeirNode element = weir_places_add_element (scan->places, node, count, (guint32) scan->at);
      if (!scan_value (scan, element)) {
        return FALSE;
      }
    }
    if (!skip (scan, node)) {
      return FALSE;
    }
    if (weir_scan_peek (scan) == closing) {
      break;
    }
    if (weir_scan_peek (scan) != ',') {
      return weir_scan_refuse (scan, node, object ? "\",\" or \"}\"" : "\",\" or \"]\"");
    }
    comma = scan->at++;
  }
  scan->at++;
  scan->depth--;
  return TRUE;
}

static gboolean
scan_value (WeirScan *scan, WeirNode node)
{
  int letter = weir_scan_peek (scan);

  weir_places_set_value (scan->places, node, (guint32) scan->at);
  if (++scan->values > WEIR_SCAN_VALUES) {
    weir_scan_tell (scan, node, scan->at, "more than %d values", WEIR_SCAN_VALUES);
    return FALSE;
  }
  if (letter == '{' || letter == '[') {
    return scan_container (scan, node);
  }
  if (letter == '"') {
    guint64 before = weir_problems_count (scan->problems, WEIR_SEVERITY_ERROR);
    gboolean closed = weir_scan_string (scan, node);
    if (weir_problems_count (scan->problems, WEIR_SEVERITY_ERROR) != before) {
      weir_places_set_told (scan->places, node); /* what was mended in it is not to be looked at as if it were meant */
    }
    return closed;
  }
  if (letter > 0 && strchr ("0123456789-+.", letter) != NULL) {
    weir_scan_number (scan, node);
  } else if (letter > 0 && g_ascii_isalpha ((char) letter)) {
    weir_scan_word (scan, node);
  } else {
    return weir_scan_refuse (scan, node, "a value");
  }
  return TRUE;
}

/* The first byte that is no UTF-8, or size. NUL bytes are left to the grammar. */
static gsize
utf8_limit (const char *text, gsize size, gsize from)
{
  const char *end = text + from;

  while (!g_utf8_validate_len (end, size - (gsize) (end - text), &end) && end < text + size && *end == '\0') {
    end++;
  }
  return (gsize) (end - text);
}

gboolean
weir_scan (WeirPlaces *places, WeirNode *root, guint32 key, WeirProblems *problems)
{
  WeirScan scan = { .places = places, .problems = problems };

  scan.text = weir_places_text (places, &scan.size, &scan.at);
  scan.limit = utf8_limit (scan.text, scan.size, scan.at);
  *root = weir_places_add_root (places, key, (guint32) scan.at);
  if (scan.size == scan.at) {
    weir_scan_tell (&scan, *root, scan.at, "the text is empty");
    return FALSE;
  }
  if (g_str_has_prefix (scan.text + scan.at, "\xef\xbb\xbf")) {
    weir_scan_tell (&scan, *root, scan.at, "byte order mark; save the file as UTF-8 without one");
    return FALSE;
  }
  if (!skip (&scan, *root) || !scan_value (&scan, *root) || !skip (&scan, *root)) {
    return FALSE;
  }
  if (scan.at < scan.size) {
    return weir_scan_refuse (&scan, *root, "the end of the text");
  }
  return TRUE;
}
