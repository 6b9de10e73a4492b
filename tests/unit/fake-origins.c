/* SPDX-License-Identifier: Apache-2.0 */
/* fake-origins.c: what fakes begin, and what they are told of it (see fakes.h).
 * Tokens are interned words; which of them are open is known under the rig's lock, as threads of a test hand records in with them. */
#include "fakes.h"

#include <string.h>
#include <weir/origin.h>

static const char *const outcomes[] = { "DELIVERED", "DROPPED", "REJECTED", "ABANDONED" };

/* How often a token is open, and whether it is to be once more or less. FALSE: less than never. */
static gboolean
add (Fake *fake, const char *token, int by)
{
  pthread_mutex_lock (&fake->rig->lock);
  if (fake->tokens == NULL) {
    fake->tokens = g_hash_table_new (NULL, NULL);
  }
  int times = GPOINTER_TO_INT (g_hash_table_lookup (fake->tokens, token)) + by;
  if (times > 0) {
    g_hash_table_insert (fake->tokens, (gpointer) token, GINT_TO_POINTER (times));
  } else {
    g_hash_table_remove (fake->tokens, token);
  }
  pthread_mutex_unlock (&fake->rig->lock);
  return times >= 0;
}

/* The same pointer for the same word. */
static const char *
intern (Fake *fake, const char *token)
{
  pthread_mutex_lock (&fake->rig->lock);
  const char *interned = token != NULL ? g_string_chunk_insert_const (fake->rig->words, token) : NULL;
  pthread_mutex_unlock (&fake->rig->lock);
  return interned;
}

guint
fake_open_origins (Fake *fake)
{
  pthread_mutex_lock (&fake->rig->lock);
  guint count = fake->tokens != NULL ? g_hash_table_size (fake->tokens) : 0;
  pthread_mutex_unlock (&fake->rig->lock);
  return count;
}

void
fake_begin (Fake *fake, const char *token)
{
  token = intern (fake, token);
  if (fake->script->delivered != NULL) {
    add (fake, token, 1);
  }
  weir_origin_begin (fake->stage, (gpointer) token);
}

void
fake_end (Fake *fake)
{
  weir_origin_end (fake->stage);
}

void
fake_emit_under (Fake *fake, const char *token)
{
  fake_begin (fake, token);
  fake_emit (fake, token);
  fake_end (fake);
}

gboolean
fake_post (Fake *fake, const char *text, const char *token)
{
  token = intern (fake, token);
  add (fake, token, 1);
  gsize size = strlen (text);
  char *bytes = g_memdup2 (text, MAX (size, 1));
  WeirBuffer *buffer = weir_buffer_wrap (bytes, size, g_free, bytes);
  gboolean taken = weir_stage_post_origin (fake->stage, buffer, bytes, size, 0, NULL, (gpointer) token);
  if (!taken) {
    add (fake, token, -1);
  }
  return taken;
}

void
fake_told (Fake *fake, gpointer token, WeirOutcome outcome)
{
  ck_assert_uint_lt (outcome, G_N_ELEMENTS (outcomes));
  const char *shown = token != NULL ? token : "NULL";
  ck_assert_msg (add (fake, token, -1), "%s: told once more than begun: %s", fake->name, shown);
  atomic_fetch_add (&fake->told[outcome], 1);
  if (!fake->quiet) {
    fake_note (fake, "delivered(%s,%s)", shown, outcomes[outcome]);
  }
  g_main_context_wakeup (NULL);
}

typedef struct {
  Fake *fake;
  WeirOutcome outcome;
  gint64 times;
} Told;

static gboolean
is_told (gpointer data)
{
  const Told *told = data;
  return atomic_load (&told->fake->told[told->outcome]) >= told->times;
}

void
rig_until_told (Rig *rig, Fake *fake, WeirOutcome outcome, gint64 times)
{
  rig_until (rig, is_told, &(Told){ fake, outcome, times });
  ck_assert_int_eq (atomic_load (&fake->told[outcome]), times);
}

void
be_told (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const char *token, G_GNUC_UNUSED WeirOutcome outcome)
{
}

WeirNext
produce_number_under (Fake *fake)
{
  if (fake->next == fake->most) {
    return WEIR_DONE;
  }
  char text[32];
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, fake->next++);
  fake_emit_under (fake, text);
  return WEIR_MORE;
}

const Script numbers_under = { .produce = produce_number_under, .delivered = be_told };
const Script pusher_under = { .delivered = be_told };
