/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h: how a producer learns what became of what it has emitted, and how a transform that joins records passes that on.
 * Delivery is release: an origin is over when the last record under it is done, wherever that is. A consumer or a transform that makes
 * records of the record at hand needs none of this: what is emitted inside consume() carries the origins of that record by itself.
 *
 *   weir_origin_begin (stage, token);    a producer: what it emits from here ...
 *   weir_emit_...
 *   weir_origin_end (stage);             ... to here
 *   delivered (stage, self, token, outcome)
 */
#ifndef WEIR_ORIGIN_H
#define WEIR_ORIGIN_H

#include <weir/record.h>

G_BEGIN_DECLS

/* ---- producers, in a role with delivered(); in others these two do nothing -------------------------------------------------------
 * What the stage emits from here to weir_origin_end(), in this callback or in later ones, is under an origin with this token, which is
 * the plugin's own and may be NULL. When the last record under it, and of all that transforms have made of it, is done,
 * role.delivered() is called with the token and the worst of what has happened: exactly once for each call of this function, on the
 * stage's worker, never inside another callback, also while the stage is paused. Where nothing was emitted, it comes all the
 * same. Origins are over in any order; with WEIR_IN_ORDER, they are told in the order in which they began.
 * One is open at a time: a second begin ends the first. The end of the stage's output ends it too; a stop does so with
 * WEIR_ABANDONED, as what was to come under it does not, unless stop() ends it itself. Begun after that it is abandoned at once.
 * A stage is not closed before its origins are over; where the pipeline's deadline passes first, or the stage fails, delivered() comes
 * with WEIR_ABANDONED for each that is left, and then close(). Thread: worker. */
WEIR_EXPORT void weir_origin_begin (WeirStage *stage, gpointer token);
WEIR_EXPORT void weir_origin_end (WeirStage *stage);

/* As weir_stage_post_buffer() does: hands in a record under an origin of its own. delivered() comes for it exactly where the answer
 * is TRUE. What is handed in without it is under no origin. Thread: any but the worker. */
WEIR_EXPORT gboolean weir_stage_post_origin (WeirStage *stage, WeirBuffer *buffer, gconstpointer data, gsize size,
                                             gint64 time, const WeirTags *tags, gpointer token);

/* ---- transforms that join records ------------------------------------------------------------------------------------------------
 * What is emitted outside of consume(), but for a record itself or a slice of it, carries the origins of all records that the stage
 * keeps, and of those that flush() has at hand, unless it is said which ones: then those alone. What is kept is to be released behind
 * that. A duplex stage says so by itself, or its output carries none. */

/* What is emitted in the rest of this callback also carries the origins of this record, which is kept or at hand; of several calls, all
 * of them. NULL: from here on that of none. Thread: worker. */
WEIR_EXPORT void weir_origin_join (WeirStage *stage, const WeirRecord *record);

/* For who copies bytes out of a record, into the state of a stream or its own, and emits them later: the origins of one record
 * or more, held until the copy is out. NULL where nobody waits, which costs nothing. */
typedef struct _WeirOrigin WeirOrigin;

/* Those of `held`, whose reference is taken, and of the record: counted, to be let go; NULL: none. Thread: worker. */
WEIR_EXPORT WeirOrigin *weir_origin_hold (WeirStage *stage, WeirOrigin *held, const WeirRecord *record)
  G_GNUC_WARN_UNUSED_RESULT;
/* As weir_origin_join() does, for what is held; NULL: nothing. Thread: worker. */
WEIR_EXPORT void weir_origin_join_held (WeirStage *stage, WeirOrigin *held);
/* The copy was emitted, or is not needed any more; NULL: nothing. In end_stream() of a stage that is ended early its records count as
 * dropped, and in one that has failed as abandoned. Thread: worker. */
WEIR_EXPORT void weir_origin_let_go (WeirStage *stage, WeirOrigin *held);

G_END_DECLS

#endif
