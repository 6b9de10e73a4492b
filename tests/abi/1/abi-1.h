/* SPDX-License-Identifier: Apache-2.0 */
/* abi-1.h: what the files of the plugin share. Never changed; see abi-1.c. */
#pragma once

#include <weir/weir.h>

#include <string.h>

/* What a connection is: a pair of sockets, and where what comes out of it goes in the end. */
typedef struct {
  int ends[2];
  const char *path;
} Peer;

extern const WeirRole abi_producer, abi_consumer;

G_GNUC_UNUSED static gboolean
is (const WeirRecord *record, const char *text)
{
  return record->size == strlen (text) && memcmp (record->data, text, record->size) == 0;
}

G_GNUC_UNUSED static gboolean
emit_text (WeirStage *stage, const char *text)
{
  return weir_emit_copy (stage, text, strlen (text));
}

G_GNUC_UNUSED static void
nothing (WeirStage *stage, gpointer self)
{
  (void) stage;
  (void) self;
}
