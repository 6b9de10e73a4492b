/* SPDX-License-Identifier: Apache-2.0 */
/* Standard error as a screen: lines that stay, and below them a table that is drawn over and over in the same place.
 * Lines come from any thread, the table from the main thread; one lock keeps them apart. */
#ifndef WEIR_CLI_SCREEN_H
#define WEIR_CLI_SCREEN_H

#include <glib.h>

/* Writes text that ends with a newline, in one piece, above the table. Any thread. */
void weir_screen_write (const char *text);
/* Draws the table of that many lines in the place of the last one; NULL: takes it away. No line may be wider than the
 * terminal. */
void weir_screen_table (const char *text, guint lines);
/* Columns and lines of the terminal behind standard error. FALSE: it is none. */
gboolean weir_screen_size (guint *columns, guint *lines);

#endif
