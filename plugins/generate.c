/* SPDX-License-Identifier: Apache-2.0 */
/* generate: a pull producer of made-up records: filler of some size, or a numbered text; for benches, tests and first steps.
 * Runs on the stage's worker. Owns the filler, and the text cut into pieces. Each record has a newline behind it as trail. */
#include <weir/weir.h>

#include <math.h>
#include <string.h>

#define DEFAULT_SIZE 64
#define PACKED_MAX \
  4096 /* filler up to this size is copied into the stage's buffer; larger filler is shared by all records */
#define AT_ONCE 256 /* records a produce() */
/* With `rate`: the shortest and the longest wait, and how far the schedule may lag behind before it is moved. */
#define SHORTEST_WAIT ((double) G_TIME_SPAN_MILLISECOND)
#define LONGEST_WAIT ((double) G_TIME_SPAN_HOUR)
#define LONGEST_LAG ((double) G_TIME_SPAN_SECOND)
#define LONGEST_SPACING 1e15

typedef enum { LITERAL, SEQUENCE, TIME } PieceKind;

typedef struct {
  PieceKind kind;
  char *text; /* LITERAL */
  gsize size;
} Piece;

typedef struct {
  gint64 count;     /* option */
  guint64 size;     /* option; 0: not given */
  const char *text; /* option; NULL: filler */
  double rate;      /* option */

  guint64 sequence;
  gboolean paced; /* has the schedule begun? */
  gint64 origin;  /* when record 0 of the schedule was due, monotonic */
  guint64 due;    /* the schedule's next record */
  guint8 *filler; /* size bytes and the newline */
  WeirBuffer *shared;
  GArray *pieces;
  GString *out;
} Generate;

static const WeirOption options[] = {
  WEIR_INTEGER (Generate, count, "0", "0..", 0, "Records to make; 0: for ever"),
  WEIR_SIZE (Generate, size, NULL, "1..1GiB", 0,
             "Bytes of filler a record, a to z repeated; 64 where neither size nor text is given"),
  WEIR_STRING (Generate, text, NULL, WEIR_TEMPLATE,
               "The record instead of filler: {seq} counts from 0, {time} is now, {host} this host, {{ a brace"),
  WEIR_NUMBER (Generate, rate, "0", "0..", 0, "Records a second; 0: as fast as they are taken"),
  WEIR_OPTIONS_END,
};

/* There is no record that a template could take a payload, a time or tags from. */
static const WeirRecord nothing = { .data = (const guint8 *) "" };

/* ---- text ---- */

static void
clear_piece (gpointer data)
{
  g_free (((Piece *) data)->text);
}

/* Expands what is the same in all records, once. */
static void
add_literal (WeirStage *stage, Generate *generate, GString *template)
{
  if (template->len > 0) {
    GString *literal = g_string_new (NULL);
    weir_template_write (stage, template->str, &nothing, literal);
    Piece piece = { LITERAL, NULL, literal->len };
    piece.text = g_string_free (literal, FALSE);
    g_array_append_val (generate->pieces, piece);
    g_string_truncate (template, 0);
  }
}

/* The kind and size of the piece that begins there; 0: a name that is none of ours. The option table has seen that the braces are in
 * order. */
static gsize
measure_piece (const char *at, PieceKind *kind)
{
  gsize plain = strcspn (at, "{}");
  *kind = g_str_has_prefix (at, "{seq}") ? SEQUENCE : g_str_has_prefix (at, "{time}") ? TIME : LITERAL;
  if (plain > 0) {
    return plain;
  }
  if (at[1] == at[0]) {
    return 2;
  }
  return *kind != LITERAL || g_str_has_prefix (at, "{host}") ? strcspn (at, "}") + 1 : 0;
}

/* Cuts the text at each {seq} and {time}; check() has seen that there is no other name. */
static void
cut_text (WeirStage *stage, Generate *generate)
{
  g_autoptr (GString) template = g_string_new (NULL);
  PieceKind kind;
  gsize size;

  for (const char *at = generate->text; *at != '\0' && (size = measure_piece (at, &kind)) > 0; at += size) {
    if (kind == LITERAL) {
      g_string_append_len (template, at, (gssize) size);
      continue;
    }
    Piece piece = { kind, NULL, 0 };
    add_literal (stage, generate, template);
    g_array_append_val (generate->pieces, piece);
  }
  add_literal (stage, generate, template);
  generate->out = g_string_new (NULL);
}

static void
append_number (GString *out, guint64 number)
{
  char digits[20], *begin = digits + sizeof digits;
  do {
    *--begin = (char) ('0' + number % 10);
    number /= 10;
  } while (number > 0);
  g_string_append_len (out, begin, digits + sizeof digits - begin);
}

static gboolean
emit_text (WeirStage *stage, Generate *generate)
{
  GString *out = generate->out;

  g_string_truncate (out, 0);
  for (guint i = 0; i < generate->pieces->len; i++) {
    const Piece *piece = &g_array_index (generate->pieces, Piece, i);
    switch (piece->kind) {
    case LITERAL:
      g_string_append_len (out, piece->text, (gssize) piece->size);
      break;
    case SEQUENCE:
      append_number (out, generate->sequence);
      break;
    case TIME:
      weir_template_write (stage, "{time}", &nothing, out);
      break;
    }
  }
  g_string_append_c (out, '\n');
  return weir_emit_copy (stage, out->str, out->len);
}

/* ---- filler ---- */

static WeirNext
make_filler (WeirStage *stage, Generate *generate)
{
  if (generate->size == 0) {
    generate->size = DEFAULT_SIZE;
  }
  generate->filler = g_try_malloc (generate->size + 1);
  if (generate->filler == NULL) {
    return weir_stage_fail (stage, "option size: there is no memory for %" G_GUINT64_FORMAT " bytes", generate->size);
  }
  for (gsize i = 0; i < generate->size; i++) {
    generate->filler[i] = (guint8) ('a' + i % 26);
  }
  generate->filler[generate->size] = '\n';
  if (generate->size > PACKED_MAX) {
    generate->shared = weir_buffer_wrap (generate->filler, generate->size + 1, g_free, generate->filler);
  }
  return WEIR_MORE;
}

/* ---- rate ---- */

/* How many records are due, at most AT_ONCE. 0: *wait says in how many microseconds the next one is. The schedule is counted
 * from its origin, so no rounding and no late wake-up adds up; a stage that was paused for long does not make up for all of it. */
static guint
records_due (WeirStage *stage, Generate *generate, double *wait)
{
  gint64 now = weir_stage_now (stage);
  if (!generate->paced) {
    generate->paced = TRUE;
    generate->origin = now;
  }
  double spacing = fmin (G_USEC_PER_SEC / generate->rate, LONGEST_SPACING);
  double next = (double) generate->due * spacing;
  double lag = (double) (now - generate->origin) - next;
  if (lag < 0) {
    *wait = CLAMP (ceil (-lag), SHORTEST_WAIT, LONGEST_WAIT);
    return 0;
  }
  if (lag > LONGEST_LAG) {
    generate->origin += (gint64) (lag - LONGEST_LAG);
    lag = LONGEST_LAG;
  }
  return (guint) fmin (floor (lag / spacing) + 1, AT_ONCE);
}

/* ---- the role ---- */

static char *
generate_check (gconstpointer self, const char **option)
{
  const Generate *generate = self;
  PieceKind kind;
  gsize size;

  if (generate->text == NULL) {
    return NULL;
  }
  if (generate->size > 0) {
    *option = "size";
    return g_strdup ("found beside text, expected one of them");
  }
  for (const char *at = generate->text; *at != '\0'; at += size) {
    size = measure_piece (at, &kind);
    if (size == 0) {
      *option = "text";
      return g_strdup_printf ("found %.*s in \"%s\", expected {seq}, {time} or {host}",
                              (int) MIN (strcspn (at, "}") + 1, 64), at, generate->text);
    }
  }
  return NULL;
}

static WeirNext
generate_open (WeirStage *stage, gpointer self)
{
  Generate *generate = self;
  generate->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_set_clear_func (generate->pieces, clear_piece);
  if (generate->text == NULL) {
    return make_filler (stage, generate);
  }
  cut_text (stage, generate);
  return WEIR_MORE;
}

static inline gboolean
emit_one (WeirStage *stage, Generate *generate)
{
  if (generate->text != NULL) {
    return emit_text (stage, generate);
  }
  if (generate->shared != NULL) {
    return weir_emit_buffer (stage, weir_buffer_ref (generate->shared), generate->filler, generate->size + 1);
  }
  return weir_emit_copy (stage, generate->filler, generate->size + 1);
}

static WeirNext
generate_produce (WeirStage *stage, gpointer self)
{
  Generate *generate = self;
  guint64 limit = AT_ONCE, begin = generate->sequence;
  double wait = 0;

  if (generate->rate > 0) {
    limit = records_due (stage, generate, &wait);
    if (limit == 0) {
      return weir_stage_wait_time (stage, (gint64) wait);
    }
  }
  if (generate->count > 0) {
    limit = MIN (limit, (guint64) generate->count - begin);
  }
  weir_stage_set_trail (stage, 1);
  for (guint64 end = begin + limit; generate->sequence < end;) {
    gboolean go_on = emit_one (stage, generate);
    generate->sequence++;
    if (!go_on) {
      break;
    }
  }
  generate->due += generate->sequence - begin;
  return generate->count > 0 && generate->sequence >= (guint64) generate->count ? WEIR_DONE : WEIR_MORE;
}

static void
generate_close (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Generate *generate = self;
  if (generate->shared != NULL) {
    weir_buffer_unref (generate->shared); /* the filler goes with it */
  } else {
    g_free (generate->filler);
  }
  if (generate->out != NULL) {
    g_string_free (generate->out, TRUE);
  }
  g_array_unref (generate->pieces);
}

static const WeirRole producer = {
  .summary = "Makes records: filler of some size, or a numbered text",
  .options = options,
  .state_size = sizeof (Generate),
  .open = generate_open,
  .produce = generate_produce,
  .close = generate_close,
  .check = generate_check,
};

WEIR_PLUGIN ("generate", "1.0", &producer, NULL, NULL);
