/* SPDX-License-Identifier: Apache-2.0 */
/* record.h: the record, the bytes it points at and the tags it carries.
 * A record is a view: its bytes belong to a counted buffer, its tags to a counted context. Both are immutable once
 * emitted, so they cross threads without a lock. */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include <weir/types.h>

G_BEGIN_DECLS

/* Bits of WeirRecord.flags. All others are the engine's and zero for plugins. */
enum {
  WEIR_RECORD_CHUNK = 1, /* the next bytes of its stream, not a message: it may end anywhere */
  WEIR_RECORD_GAP = 2    /* records of this stream were lost before this one */
};

/* 48 bytes where pointers have 8; part of the ABI. Moved, never allocated by itself. */
typedef struct {
  const guint8 *data;   /* never NULL; not terminated */
  gsize size;           /* bytes */
  WeirBuffer *buffer;   /* owns data; never NULL */
  gint64 time;          /* event time, microseconds since the Unix epoch; 0: unset */
  WeirContext *context; /* NULL: no tags, and nobody asks for delivery */
  guint32 stream;       /* the byte stream (file, connection, child) it was cut from; 0: a message of its own */
  guint16 trail; /* delimiter bytes that lie behind data[size]: byte consumers write them, others never see them */
  guint16 flags; /* WEIR_RECORD_ bits */
} WeirRecord;

/* The value of a tag, or NULL. Borrowed: lives as long as the record is held. Thread: any. */
WEIR_EXPORT const char *weir_record_tag (const WeirRecord *record, const char *key);

/* Calls each() for every tag in the order they were added; a key appears once. Thread: any. */
WEIR_EXPORT void weir_record_tags (const WeirRecord *record,
                                   void (*each) (const char *key, const char *value, gpointer data), gpointer data);

/* A record given to consume() is borrowed: its bytes live until consume() returns or, in a role with flush(), until flush()
 * has answered MORE. weir_record_keep() makes it yours for longer: the pointer returned fits a C library's opaque argument,
 * the record stays counted as queued on its link (so the link fills and pauses its producer: there is no hidden queue), and
 * it is given back exactly once, in any order, by weir_record_release() or weir_record_reject(). After close() has
 * returned the pointer is void. keep() is called from consume(), or from flush() for records of its run.
 * Thread: worker. */
WEIR_EXPORT WeirRecord *weir_record_keep (WeirStage *stage, const WeirRecord *record);

/* Gives a kept record back: it is where it should be. Thread: any. */
WEIR_EXPORT void weir_record_release (WeirRecord *kept);

/* Gives a kept record back: it could not be delivered. It goes to NAME.rejected with this reason; where nobody takes that
 * output, the stage fails. Thread: any. */
WEIR_EXPORT void weir_record_reject (WeirRecord *kept, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Wraps bytes that somebody else made. destroy (user) is called once, on any thread, when the last record of them is done;
 * NULL: the bytes are static. Returns a reference. Thread: any. */
WEIR_EXPORT WeirBuffer *weir_buffer_wrap (gpointer data, gsize size, GDestroyNotify destroy, gpointer user);
WEIR_EXPORT WeirBuffer *weir_buffer_ref (WeirBuffer *buffer); /* returns buffer. Thread: any */
WEIR_EXPORT void weir_buffer_unref (WeirBuffer *buffer);      /* Thread: any */

/* A new set: base (NULL: empty; borrowed) plus one pair; a key that is there already gets the new value in its place.
 * Strings are copied. Returns a reference. Thread: any. */
WEIR_EXPORT WeirTags *weir_tags_with (const WeirTags *base, const char *key, const char *value);
WEIR_EXPORT const char *weir_tags_get (const WeirTags *tags, const char *key); /* borrowed; NULL: none. Thread: any */
WEIR_EXPORT WeirTags *weir_tags_ref (WeirTags *tags);                          /* returns tags. Thread: any */
WEIR_EXPORT void weir_tags_unref (WeirTags *tags);                             /* Thread: any */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirBuffer, weir_buffer_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTags, weir_tags_unref)

G_END_DECLS

#endif
