/* SPDX-License-Identifier: Apache-2.0 */
/* sides.h: a producer and a consumer with one link between them, at the two settings that each row of the table is tested at.
 * The fakes are those of the rules' tests. What an emit is and what it answers is noted, sizes in terms of the link's high mark,
 * so that one list of events holds at both settings; where the lists differ, a test gives both. */
#pragma once

#include "tests/unit/fakes.h"

/* Twisted pauses above 65536 bytes and resumes when all is sent. */
enum { PARITY, DEFAULTS, SETTINGS };

typedef struct {
  const char *name;
  WeirQueueSettings queue;
  gsize high; /* bytes */
  guint low;  /* a link that high/4 bytes have filled four times is at low when so many are taken */
} Setting;

extern const Setting setting_at[SETTINGS];

typedef struct {
  Rig *rig;
  Fake *producer, *consumer;
  WeirLink *link;
} Sides;

/* Adds a fake that knows the setting, and notes by it. */
Fake *side_add (Rig *rig, gint setting, const char *name, WeirKind kind, const Script *script);
WeirLink *side_link (Rig *rig, gint setting, Fake *from, Fake *to);
/* Both, linked; nothing runs yet. */
Sides sides_new (gint setting, const Script *producer, const Script *consumer);
/* Likewise, and begins. */
Sides sides_begin (gint setting, const Script *producer, const Script *consumer);
/* Has the consumer take so many in all, and waits until it has, and until the producer knows. */
void sides_let (Sides *sides, gint64 taken);
void side_let (Fake *consumer, gint64 taken); /* the consumer's half of it */
/* A push producer ends by itself; then all is taken, and it is over. */
void sides_finish (Sides *sides);
/* Compares the producer's list, frees all. */
#define sides_end(sides, expected) \
  do { \
    fake_assert_events ((sides)->producer, expected); \
    rig_free ((sides)->rig); \
  } while (0)

/* Bytes that lie in the link before anything runs. */
void link_fill (WeirLink *link, gsize size);

/* ---- what a push producer does, from the main thread; these return when it is done ---- */

/* Notes "emit(SIZE)", emits, notes "TRUE" or "FALSE". */
void fake_emits (Fake *fake, gsize size);
/* Notes "emit(SIZE)xCOUNT" and "TRUE": none of them may answer FALSE. */
void fake_emits_many (Fake *fake, gsize size, gint64 count);

/* ---- for scripts, on the worker ---- */

gsize side_high (Fake *fake);
gsize side_quarter (Fake *fake);                           /* the fourth of them fills the link */
void note_size (Fake *fake, const char *what, gsize size); /* "what(SIZE)" */
gboolean emit_noted (Fake *fake, gsize size);
WeirNext produce_high (Fake *fake);    /* one record of high bytes, until fake->next is fake->most */
WeirNext produce_quarter (Fake *fake); /* likewise, of a quarter of it */
WeirNext take_noted (Fake *fake, const WeirRecord *record);    /* what is allowed: "take(SIZE)", then WAIT */
WeirNext hand_on_noted (Fake *fake, const WeirRecord *record); /* "pass(SIZE)", and what the emit answers */

/* As pusher and valve are; pull producers; and a transform. */
extern const Script taps, chunks, quarters, passes;
