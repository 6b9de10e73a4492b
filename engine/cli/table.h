/* SPDX-License-Identifier: Apache-2.0 */
/* A table of texts in columns as wide as their widest cell, for people. One thread; owns copies of its cells. */
#ifndef WEIR_CLI_TABLE_H
#define WEIR_CLI_TABLE_H

#include <glib.h>

typedef struct _WeirTable WeirTable;

/* One letter a column: 'l' left, 'r' right. The head is a row like the others. */
WeirTable *weir_table_new (const char *columns);
void weir_table_free (WeirTable *table);
/* The next cell; a row is as long as there are columns. */
void weir_table_add (WeirTable *table, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Appends it, each line behind `indent` blanks and cut at `width` columns (0: not cut). */
void weir_table_write (WeirTable *table, GString *out, guint indent, guint width);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTable, weir_table_free)

/* 1234567 -> "1,234,567"; g_free() it. */
char *weir_table_count (guint64 count);
/* 1234567 -> "1.23 M": three digits, for what changes all the time. g_free() it. */
char *weir_table_short (double value);
/* Bytes by 1024: "512 B", "1.2 MiB". g_free() it. */
char *weir_table_bytes (guint64 bytes);

#endif
