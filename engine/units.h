/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes and durations as people write them: "64KiB", "1.5s". Locale changes nothing.
 * Pure functions, any thread; the caller frees a message with g_free(). */
#ifndef WEIR_UNITS_H
#define WEIR_UNITS_H

#include <glib.h>

G_BEGIN_DECLS

/* What a size and a duration look like, for messages that expect one. */
#define WEIR_SIZE_FORM "a size such as \"64KiB\" (bytes, or units KiB, MiB, GiB, KB, MB, GB)"
#define WEIR_DURATION_FORM "a duration such as \"100ms\" (units us, ms, s, m, h, d)"

/* Bytes; a bare number is bytes. FALSE: *message says what was found and expected. message may be NULL. */
gboolean weir_parse_size (const char *text, guint64 *bytes, char **message);

/* Microseconds; a unit is needed, but for 0. FALSE: as above. */
gboolean weir_parse_duration (const char *text, gint64 *microseconds, char **message);

/* The whole text is a decimal number that fits; for a number JSON's grammar, so neither "inf" nor "0x10". */
gboolean weir_parse_integer (const char *text, gint64 *integer);
gboolean weir_parse_number (const char *text, double *number);

/* Regular expressions, without anchors, of what a size and a duration look like, for schemas; g_free() them. */
char *weir_size_pattern (void);
char *weir_duration_pattern (void);

G_END_DECLS

#endif
