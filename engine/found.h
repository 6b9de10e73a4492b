/* SPDX-License-Identifier: Apache-2.0 */
/* How a value that somebody wrote is shown in a message: as JSON, on one line, cut where it is long.
 * Pure functions, any thread; the caller frees what is returned with g_free(). */
#ifndef WEIR_FOUND_H
#define WEIR_FOUND_H

#include <glib.h>
#include <json-c/json.h>

G_BEGIN_DECLS

/* The value as it is written in JSON; NULL is null. */
char *weir_found_value (json_object *value);

/* Text in double quotes, with JSON's escapes; what is no UTF-8 becomes U+FFFD. */
char *weir_found_text (const char *text);

G_END_DECLS

#endif
