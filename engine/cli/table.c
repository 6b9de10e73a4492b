/* SPDX-License-Identifier: Apache-2.0 */
/* A table of texts in columns, and numbers for people (see table.h). One thread; owns its cells. */
#include "cli/table.h"

#include <stdarg.h>
#include <string.h>

/* Blanks between two columns. */
#define GAP 2

struct _WeirTable {
  char *columns;
  GPtrArray *cells;
};

WeirTable *
weir_table_new (const char *columns)
{
  WeirTable *table = g_new (WeirTable, 1);
  table->columns = g_strdup (columns);
  table->cells = g_ptr_array_new_with_free_func (g_free);
  return table;
}

void
weir_table_free (WeirTable *table)
{
  g_ptr_array_unref (table->cells);
  g_free (table->columns);
  g_free (table);
}

void
weir_table_add (WeirTable *table, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_ptr_array_add (table->cells, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static gsize
widest (const WeirTable *table, gsize column, gsize columns)
{
  gsize width = 0;
  for (gsize i = column; i < table->cells->len; i += columns) {
    width = MAX (width, (gsize) g_utf8_strlen (g_ptr_array_index (table->cells, i), -1));
  }
  return width;
}

static void
pad (GString *line, gsize blanks)
{
  g_string_append_printf (line, "%*s", (int) blanks, "");
}

static void
add_cell (GString *line, const char *cell, char alignment, gsize width)
{
  gsize size = (gsize) g_utf8_strlen (cell, -1);
  pad (line, alignment == 'r' ? width - size : 0);
  g_string_append (line, cell);
  pad (line, alignment == 'r' ? 0 : width - size);
}

void
weir_table_write (WeirTable *table, GString *out, guint indent, guint width)
{
  gsize columns = strlen (table->columns);
  g_autofree gsize *widths = g_new (gsize, columns);
  for (gsize i = 0; i < columns; i++) {
    widths[i] = widest (table, i, columns);
  }
  for (gsize row = 0; row + columns <= table->cells->len; row += columns) {
    g_autoptr (GString) line = g_string_new (NULL);
    pad (line, indent);
    for (gsize i = 0; i < columns; i++) {
      pad (line, i > 0 ? GAP : 0);
      add_cell (line, g_ptr_array_index (table->cells, row + i), table->columns[i], widths[i]);
    }
    if (width > 0 && g_utf8_strlen (line->str, -1) > (glong) width) {
      g_string_truncate (line, (gsize) (g_utf8_offset_to_pointer (line->str, (glong) width) - line->str));
    }
    g_string_append (out, g_strchomp (line->str));
    g_string_append_c (out, '\n');
  }
}

char *
weir_table_count (guint64 count)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, count);
  GString *text = g_string_new (NULL);
  gsize size = strlen (digits);
  for (gsize i = 0; i < size; i++) {
    if (i > 0 && (size - i) % 3 == 0) {
      g_string_append_c (text, ',');
    }
    g_string_append_c (text, digits[i]);
  }
  return g_string_free (text, FALSE);
}

char *
weir_table_short (double value)
{
  static const char *const units[] = { "", " k", " M", " G", " T" };
  gsize unit = 0;
  while (value >= 999.5 && unit + 1 < G_N_ELEMENTS (units)) {
    value /= 1000;
    unit++;
  }
  int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return g_strdup_printf ("%.*f%s", decimals, value, units[unit]);
}

char *
weir_table_bytes (guint64 bytes)
{
  static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
  double value = (double) bytes;
  gsize unit = 0;
  while (value >= 1023.95 && unit + 1 < G_N_ELEMENTS (units)) {
    value /= 1024;
    unit++;
  }
  return g_strdup_printf ("%.*f %s", unit == 0 ? 0 : 1, value, units[unit]);
}
