/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h: records to a descriptor as bytes: what every consumer of bytes shares, a file, a pipe, a socket.
 * A record's trail is written with it. The delimiter is written behind a message that has no trail, and where a record follows
 * the unended chunk of another stream, so that no line is mixed of two. What lies side by side in memory leaves as one. */
#ifndef WEIR_WRITER_H
#define WEIR_WRITER_H

#include <weir/option.h>
#include <weir/record.h>

G_BEGIN_DECLS

/* One descriptor's worth of writing: in the role's state, used by one thread at a time; owns nothing. Where a run is written in
 * parts, each call is given the same run until all of it is out. */
typedef struct {
  gsize progress; /* bytes of the run at hand that are out */
  /* The rest is weir_writer_init()'s and the calls' below. */
  const char *delimiter;
  gsize delimiter_size;
  gsize matched;  /* bytes of the delimiter that the unended chunk ends with */
  guint32 stream; /* of it */
  gboolean open;  /* the runs that are out end with the unended chunk of a stream */
  gsize spare[2]; /* zero: for later versions, as plugins are compiled with its size */
} WeirWriter;

/* The option that a role has for it: const char *delimiter of its state. */
/* clang-format off */
#define WEIR_DELIMITER_OPTION(State) \
  WEIR_STRING (State, delimiter, "\n", 0, \
               "Written behind a message that has no trail, and between streams; nul for a zero byte, empty for none")
/* clang-format on */

/* delimiter is that option's value, borrowed: "nul" is a zero byte; NULL or empty: nothing is put between records.
 * Thread: any. */
WEIR_EXPORT void weir_writer_init (WeirWriter *writer, const char *delimiter);
/* What follows goes elsewhere, to another file or peer: a new run, and nothing before it. Thread: any. */
WEIR_EXPORT void weir_writer_restart (WeirWriter *writer);

/* Writes a run with writev(2). TRUE: all of it is out. FALSE: errno says why (EAGAIN, EPIPE, ENOSPC ...), and writer->progress
 * says how far it came. EINTR is tried again. Thread: any. */
WEIR_EXPORT gboolean weir_writer_write (WeirWriter *writer, int fd, const WeirRecord *records, gsize count);
/* The same to a socket with sendmsg(2), which never blocks (EAGAIN), whether or not the socket is O_NONBLOCK, and raises no
 * SIGPIPE. more: other records follow at once, as weir_stage_has_more() says; the network may wait for them (MSG_MORE). Thread: any. */
WEIR_EXPORT gboolean weir_writer_send (WeirWriter *writer, int fd, const WeirRecord *records, gsize count,
                                       gboolean more);

/* For who writes by other means. Copies what is to be written of the run behind writer->progress, up to size bytes; the answer is
 * how many. Add to writer->progress what got out of it. Thread: any. */
WEIR_EXPORT gsize weir_writer_copy (const WeirWriter *writer, const WeirRecord *records, gsize count, gpointer to,
                                    gsize size);
/* All of the run is out. Thread: any. */
WEIR_EXPORT void weir_writer_done (WeirWriter *writer, const WeirRecord *records, gsize count);
/* How many of the records, from the first on, are wholly within the first `most` bytes of the run; *bytes (NULL: not asked for):
 * what they come to. Thread: any. */
WEIR_EXPORT gsize weir_writer_fit (const WeirWriter *writer, const WeirRecord *records, gsize count, guint64 most,
                                   guint64 *bytes);

G_END_DECLS

#endif
