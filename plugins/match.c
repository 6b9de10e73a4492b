/* SPDX-License-Identifier: Apache-2.0 */
/* match: hands on the records that a pattern matches (PCRE2, compiled to machine code, on bytes), the others with `invert`; with
 * `capture` the pattern's named groups become tags.
 * Runs on the stage's worker. Owns the compiled pattern, what it matches into, and the list of named groups. How long one record
 * may take is bounded: past the match limit it is rejected, so no pattern hangs the stream. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string.h>
#include <weir/weir.h>

#define MATCH_LIMIT 1000000
#define HEAP_LIMIT_KIB 16384 /* without machine code, PCRE2 takes its stack from the heap */
#define JIT_STACK_FIRST (32 * 1024)
#define JIT_STACK_MAX (8 * 1024 * 1024)

/* A name may belong to several groups, by (?J) or (?|; they follow each other in PCRE2's table. */
typedef struct {
  char *name;
  guint number;
} Group;

typedef struct {
  const char *pattern; /* option */
  gboolean invert;     /* option */
  gboolean literal;    /* option */
  gboolean capture;    /* option */
  pcre2_code *code;
  pcre2_match_context *context;
  pcre2_match_data *data;
  pcre2_jit_stack *stack; /* NULL: no machine code */
  GArray *groups;
} Match;

static const WeirOption options[] = {
  WEIR_STRING (Match, pattern, NULL, WEIR_REQUIRED,
               "What to look for, a regular expression as Perl has them, on bytes"),
  WEIR_BOOLEAN (Match, invert, "false", 0, "Hand on what does not match instead"),
  WEIR_BOOLEAN (Match, literal, "false", 0, "The pattern is plain text"),
  WEIR_BOOLEAN (Match, capture, "false", 0, "Put what the groups (?<NAME>...) matched into tags of these names"),
  WEIR_OPTIONS_END,
};

/* The pattern as messages show it: on one line, and not all of a long one. */
static char *
shown (const Match *match)
{
  gsize size = strlen (match->pattern);
  g_autofree char *start = g_strndup (match->pattern, MIN (size, 80));
  g_autofree char *escaped = g_strescape (start, "\\\"");
  return g_strconcat ("\"", escaped, size > 80 ? "...\"" : "\"", NULL);
}

/* NULL: *message, for the caller to free. */
static pcre2_code *
compile (const Match *match, char **message)
{
  /* On bytes: not even a pattern that begins with (*UTF) may ask for more, as records need not be valid UTF-8. */
  guint32 flags = match->literal ? PCRE2_LITERAL : PCRE2_NEVER_UTF;
  int error;
  PCRE2_SIZE offset;
  pcre2_code *code = pcre2_compile ((PCRE2_SPTR) match->pattern, PCRE2_ZERO_TERMINATED, flags, &error, &offset, NULL);
  if (code != NULL) {
    return code;
  }
  g_autofree char *pattern = shown (match);
  PCRE2_UCHAR text[256];
  pcre2_get_error_message (error, text, sizeof text);
  *message = g_strdup_printf ("found %s, which is wrong at byte %" G_GSIZE_FORMAT ": %s", pattern, (gsize) offset + 1,
                              (const char *) text);
  return NULL;
}

static guint32
count_groups (const pcre2_code *code)
{
  guint32 count = 0;
  pcre2_pattern_info (code, PCRE2_INFO_NAMECOUNT, &count);
  return count;
}

static char *
match_check (gconstpointer self, const char **option)
{
  const Match *match = self;
  char *message = NULL;
  pcre2_code *code = compile (match, &message);
  if (code == NULL) {
    *option = "pattern";
    return message;
  }
  if (match->capture && (match->invert || count_groups (code) == 0)) {
    g_autofree char *pattern = shown (match);
    *option = "capture";
    message = g_strdup_printf ("found true%s and pattern %s, expected a pattern with groups (?<NAME>...)%s",
                               match->invert ? " with invert" : "", pattern, match->invert ? " and no invert" : "");
  }
  pcre2_code_free (code);
  return message;
}

static void
clear_group (gpointer data)
{
  g_free (((Group *) data)->name);
}

static void
list_groups (Match *match)
{
  guint32 count = count_groups (match->code), entry_size = 0;
  PCRE2_SPTR table = NULL;
  pcre2_pattern_info (match->code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
  pcre2_pattern_info (match->code, PCRE2_INFO_NAMETABLE, &table);
  match->groups = g_array_new (FALSE, FALSE, sizeof (Group));
  g_array_set_clear_func (match->groups, clear_group);
  for (guint32 i = 0; i < count; i++, table += entry_size) {
    Group group = { g_strdup ((const char *) table + 2), (guint) table[0] << 8 | table[1] };
    g_array_append_val (match->groups, group);
  }
}

static WeirNext
match_open (WeirStage *stage, gpointer self)
{
  Match *match = self;
  g_autofree char *message = NULL;

  match->code = compile (match, &message);
  if (match->code == NULL) {
    return weir_stage_fail (stage, "option pattern: %s", message);
  }
  match->context = pcre2_match_context_create (NULL);
  match->data = match->capture ? pcre2_match_data_create_from_pattern (match->code, NULL)
                               : pcre2_match_data_create (1, NULL);
  if (match->context == NULL || match->data == NULL) {
    return weir_stage_fail (stage, "no memory for the pattern");
  }
  pcre2_set_match_limit (match->context, MATCH_LIMIT);
  pcre2_set_heap_limit (match->context, HEAP_LIMIT_KIB);
  size_t machine_code = 0;
  if (pcre2_jit_compile (match->code, PCRE2_JIT_COMPLETE) == 0 &&
      pcre2_pattern_info (match->code, PCRE2_INFO_JITSIZE, &machine_code) == 0 && machine_code > 0) {
    match->stack = pcre2_jit_stack_create (JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
    if (match->stack == NULL) {
      return weir_stage_fail (stage, "no memory for the pattern's stack");
    }
    pcre2_jit_stack_assign (match->context, NULL, match->stack);
  } else {
    weir_stage_log (stage, G_LOG_LEVEL_INFO, "this pattern is not compiled to machine code, and slower");
  }
  if (match->capture) {
    list_groups (match);
  }
  return WEIR_MORE;
}

/* The stack of machine code, and the interpreter's heap and depth, run out for the same reason as the match limit does: the
 * pattern backtracks too much on this record. */
static WeirNext
refuse (WeirStage *stage, const Match *match, int error, const WeirRecord *record)
{
  g_autofree char *pattern = shown (match);
  PCRE2_UCHAR text[256];
  switch (error) {
  case PCRE2_ERROR_MATCHLIMIT:
    return weir_stage_reject (stage,
                              "the pattern %s reached its match limit (%d) on a record of %" G_GSIZE_FORMAT " bytes",
                              pattern, MATCH_LIMIT, record->size);
  case PCRE2_ERROR_JIT_STACKLIMIT:
  case PCRE2_ERROR_HEAPLIMIT:
  case PCRE2_ERROR_DEPTHLIMIT:
    return weir_stage_reject (
      stage, "the pattern %s reached its match limit (memory) on a record of %" G_GSIZE_FORMAT " bytes", pattern,
      record->size);
  default:
    pcre2_get_error_message (error, text, sizeof text);
    return weir_stage_reject (stage, "the pattern %s could not be tried on a record of %" G_GSIZE_FORMAT " bytes: %s",
                              pattern, record->size, (const char *) text);
  }
}

static void
add_tag (const char *key, const char *value, gpointer data)
{
  WeirTags **tags = data;
  WeirTags *more = weir_tags_with (*tags, key, value);
  if (*tags != NULL) {
    weir_tags_unref (*tags);
  }
  *tags = more;
}

/* The record's own tags and what the groups matched; a group that took no part leaves its tag as it was. */
static void
capture (WeirStage *stage, const Match *match, const WeirRecord *record)
{
  const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer (match->data);
  guint pairs = pcre2_get_ovector_count (match->data);
  g_autoptr (WeirTags) tags = NULL;

  weir_record_tags (record, add_tag, &tags);
  for (guint i = 0; i < match->groups->len; i++) {
    const Group *group = &g_array_index (match->groups, Group, i);
    if (group->number >= pairs || bounds[2 * group->number] == PCRE2_UNSET) {
      continue;
    }
    gsize begin = bounds[2 * group->number], end = bounds[2 * group->number + 1];
    char few[256], *many = NULL, *value = few;
    gsize size = end > begin ? end - begin : 0; /* \K in a look-ahead may put the end before the beginning */
    if (size >= sizeof few) {
      value = many = g_malloc (size + 1);
    }
    memcpy (value, record->data + begin, size);
    value[size] = '\0';
    add_tag (group->name, value, &tags);
    g_free (many);
  }
  weir_stage_set_tags (stage, tags);
}

static WeirNext
match_consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  const Match *match = self;
  int found;

  /* Without a check of its arguments where that is safe: on bytes, with machine code for all of it. */
  if (G_LIKELY (match->stack != NULL)) {
    found = pcre2_jit_match (match->code, record->data, record->size, 0, 0, match->data, match->context);
  } else {
    found = pcre2_match (match->code, record->data, record->size, 0, 0, match->data, match->context);
  }
  if (G_UNLIKELY (found < PCRE2_ERROR_NOMATCH)) {
    return refuse (stage, match, found, record);
  }
  if ((found == PCRE2_ERROR_NOMATCH) == match->invert) {
    if (match->capture) {
      capture (stage, match, record);
    }
    weir_emit (stage, record);
  }
  return WEIR_MORE;
}

static void
match_close (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Match *match = self;
  if (match->groups != NULL) {
    g_array_unref (match->groups);
  }
  pcre2_match_data_free (match->data);
  pcre2_match_context_free (match->context);
  pcre2_jit_stack_free (match->stack);
  pcre2_code_free (match->code);
}

static const WeirRole transform = {
  .summary = "Hands on the records that a pattern matches",
  .options = options,
  .state_size = sizeof (Match),
  .flags = WEIR_STATELESS,
  .open = match_open,
  .consume = match_consume,
  .close = match_close,
  .check = match_check,
};

WEIR_PLUGIN ("match", "1.0", NULL, &transform, NULL);
