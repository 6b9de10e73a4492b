/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h: how a producer or a transform hands records on, and how it numbers the byte streams they come from.
 * All of it is called on the stage's worker. Inside consume() (and the produce() that follows WEIR_PRODUCE) what is emitted
 * inherits time, stream and context of the record at hand, unless weir_stage_set_*() said otherwise for this callback. */
#ifndef WEIR_EMIT_H
#define WEIR_EMIT_H

#include <weir/record.h>

G_BEGIN_DECLS

/* Every emit takes what it is given. TRUE: go on. FALSE: it was taken, but stop here: a link is full (pause() has been
 * called, in a role that has one). Whoever ignores it writes into bounded slack, up to the link's hard limit; there a stage
 * alone on its worker waits inside the emit until the link has drained, and one that shares its worker fails (rule R4).
 * Only a stage that is stopping, or has ended, is refused: FALSE, counted. A record larger than engine.record_max (16 MiB)
 * is rejected. */

/* The record itself, by reference. A chunk stays one in a role flagged WEIR_BYTES, and becomes a message in any other. */
WEIR_EXPORT gboolean weir_emit (WeirStage *stage, const WeirRecord *record);

/* A part of a record, no copy: size bytes from offset, with `trail` delimiter bytes behind them that lie in the record's
 * buffer too. Takes time, stream and context of the record. */
WEIR_EXPORT gboolean weir_emit_slice (WeirStage *stage, const WeirRecord *record, gsize offset, gsize size,
                                      guint trail);

/* Small outputs, packed side by side into the stage's current buffer. */
WEIR_EXPORT gboolean weir_emit_copy (WeirStage *stage, gconstpointer data, gsize size);
WEIR_EXPORT gboolean weir_emit_printf (WeirStage *stage, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Bytes inside a buffer of the plugin's own; takes the reference. */
WEIR_EXPORT gboolean weir_emit_buffer (WeirStage *stage, WeirBuffer *buffer, gconstpointer data, gsize size);

/* Room for `size` bytes in the stage's buffer, to read(2) straight into; weir_emit_end() emits the first `used` of them
 * (0: nothing, TRUE). Both within one callback, nothing emitted between. */
WEIR_EXPORT gpointer weir_emit_begin (WeirStage *stage, gsize size);
WEIR_EXPORT gboolean weir_emit_end (WeirStage *stage, gsize used);
/* Instead of weir_emit_end(), many records in one call: they lie side by side from the place on, sizes[i] bytes each, what
 * weir_stage_set_trail() says included. The answer is how many were emitted: below `count` where a link has become full (or the
 * stage is refused), and then the bytes of the others are not kept. Costs a fraction of an emit a record. */
WEIR_EXPORT gsize weir_emit_end_many (WeirStage *stage, const guint32 *sizes, gsize count);

/* Records that fit now on every link of the current port before it is full; 0: paused. */
WEIR_EXPORT gsize weir_stage_room (WeirStage *stage);

/* For the rest of this callback: the last `bytes` of each _copy, _printf, _buffer and _end are trail (at most 65535). */
WEIR_EXPORT void weir_stage_set_trail (WeirStage *stage, guint bytes);
/* For the rest of this callback: the event time, microseconds since the Unix epoch; 0: unset. */
WEIR_EXPORT void weir_stage_set_time (WeirStage *stage, gint64 unix_microseconds);
/* For the rest of this callback: the tags; NULL: none. The stage takes a reference of its own. */
WEIR_EXPORT void weir_stage_set_tags (WeirStage *stage, const WeirTags *tags);
/* For the rest of this callback: the output, a number of weir_stage_port(). */
WEIR_EXPORT void weir_stage_set_port (WeirStage *stage, guint port);

/* For the rest of this callback, or until it is called with NULL: what is emitted goes to NAME.rejected with this reason (borrowed
 * until then); for a part that is bad of a record that is not. Where nobody takes that output, the stage fails. */
WEIR_EXPORT void weir_stage_set_rejected (WeirStage *stage, const char *reason);

/* The number of a named output of role.ports, or G_MAXUINT where no link takes it. Called in open(). */
WEIR_EXPORT guint weir_stage_port (WeirStage *stage, const char *name);

/* Streams: a producer with many peers or files numbers them, and a stage that joins across records keeps its state per
 * stream, so that half a line of one peer never meets half a line of another. What is emitted while a stream is in use carries
 * its number and its tags (NULL: none; the stage takes a reference of its own). Numbers are unique in the process among
 * live streams, never 0. */
WEIR_EXPORT guint32 weir_stream_open (WeirStage *stage, const WeirTags *tags);
WEIR_EXPORT void weir_stream_use (WeirStage *stage, guint32 stream); /* for the rest of this callback; 0: none */
/* The stream is over: end_stream() of those who joined it comes behind its last record. */
WEIR_EXPORT void weir_stream_close (WeirStage *stage, guint32 stream);
/* The role's stream_size bytes for the stream of the record at hand, zeroed at first use; in end_stream(), that one's. */
WEIR_EXPORT gpointer weir_stream_state (WeirStage *stage);

G_END_DECLS

#endif
