/* SPDX-License-Identifier: Apache-2.0 */
/* format: makes one record out of each, by a template. The delimiter behind the record stays behind what is made of it.
 * Runs on the stage's worker; owns the string that the text grows in. */
#include <weir/weir.h>

/* A string that has grown beyond this for one record is not kept for the next ones. */
#define KEPT_BYTES (256 * 1024)

typedef struct {
  const char *text; /* option */
  GString *out;     /* NULL: nothing was written yet */
} Format;

static const WeirOption options[] = {
  WEIR_STRING (Format, text, NULL, WEIR_REQUIRED | WEIR_TEMPLATE,
               "What to write: {} is the payload, {NAME} a tag, {time} the event time, {host} this host, {{ a brace"),
  WEIR_OPTIONS_END,
};

static WeirNext
format_consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  Format *format = self;
  if (G_UNLIKELY (format->out == NULL)) {
    format->out = g_string_new (NULL);
  }
  GString *out = format->out;

  g_string_truncate (out, 0);
  weir_template_write (stage, format->text, record, out);
  if (record->trail > 0) {
    g_string_append_len (out, (const char *) record->data + record->size, record->trail);
    weir_stage_set_trail (stage, record->trail);
  }
  weir_emit_copy (stage, out->str, out->len);
  if (G_UNLIKELY (out->allocated_len > KEPT_BYTES)) {
    g_string_free (g_steal_pointer (&format->out), TRUE);
  }
  return WEIR_MORE;
}

static void
format_close (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Format *format = self;
  if (format->out != NULL) {
    g_string_free (format->out, TRUE);
  }
}

static const WeirRole transform = {
  .summary = "Writes each record anew by a template",
  .options = options,
  .state_size = sizeof (Format),
  .flags = WEIR_STATELESS,
  .consume = format_consume,
  .close = format_close,
};

WEIR_PLUGIN ("format", "1.0", NULL, &transform, NULL);
