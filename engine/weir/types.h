/* SPDX-License-Identifier: Apache-2.0 */
/* types.h: the opaque types and the one answer that every callback gives.
 * Included by the other headers; nothing here runs or owns anything. */
#ifndef WEIR_TYPES_H
#define WEIR_TYPES_H

#include <glib.h>
#include <stddef.h>

G_BEGIN_DECLS

/* The number of the binary interface. A plugin built for another one is refused when it is loaded. */
#define WEIR_ABI 1

#if defined __GNUC__
#define WEIR_EXPORT __attribute__ ((visibility ("default")))
#else
#define WEIR_EXPORT
#endif

typedef struct _WeirStage WeirStage;     /* a named instance of a plugin's role in a running pipeline */
typedef struct _WeirBuffer WeirBuffer;   /* counted bytes; reference and release from any thread */
typedef struct _WeirTags WeirTags;       /* counted, immutable, ordered key/value strings */
typedef struct _WeirContext WeirContext; /* counted, immutable: the tags of a record, and what waits for its delivery */

/* What a callback answers: one meaning a word. */
typedef enum {
  WEIR_MORE =
    0, /* open, start, settle, end_stream, end: fine. produce: ask again. consume: done with this record, next please.
                    flush: all of the run is out. */
  WEIR_WAIT,    /* Nothing for now; look again after a wake-up (weir_stage_wait_fd(), _wait_time(), _wake()).
                    consume: the record was NOT taken and is offered first next time. flush: the same run comes again.
                    start: not ready yet; weir_stage_ready() will say when. */
  WEIR_DONE,    /* produce: no more (of this record, after WEIR_PRODUCE; else of the whole output).
                    consume, flush: this was taken, and I want no more input. */
  WEIR_PRODUCE, /* consume, end_stream, settle, end of a transform: call produce() until it answers DONE before
                    anything else comes (rule R7). */
  WEIR_REJECT, /* consume: this record is bad; only by weir_stage_reject(). It goes to NAME.rejected with its reason; where
                    nobody takes that output, the stage fails. */
  WEIR_FAIL    /* This stage has failed; only by weir_stage_fail(), _fail_errno() or _fail_error(). */
} WeirNext;

/* What became of an origin's records. */
typedef enum {
  WEIR_DELIVERED = 0, /* every one is where it should be, or was filtered away on purpose */
  WEIR_DROPPED,       /* at least one was dropped by a lossy link, by a taker that had enough, or with its connection */
  WEIR_REJECTED,      /* at least one was rejected, and is where NAME.rejected leads */
  WEIR_ABANDONED      /* the pipeline stopped, or a stage failed, before they were out */
} WeirOutcome;

G_END_DECLS

#endif
