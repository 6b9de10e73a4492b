/* SPDX-License-Identifier: Apache-2.0 */
/* Standard error as a screen (see screen.h). Any thread; the lock guards the terminal and how much of it the table takes. What
 * cannot be written is lost: there is nowhere else to say it. */
#include "cli/screen.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static GMutex lock;
static guint table_lines;

static void
write_all (const char *text, gsize size)
{
  while (size > 0) {
    ssize_t written = write (STDERR_FILENO, text, size);
    if (written < 0 && errno != EINTR) {
      return;
    }
    text += MAX (written, 0);
    size -= (gsize) MAX (written, 0);
  }
}

/* Back to the first line of the table, and all below it erased. */
static void
append_erase (GString *out)
{
  if (table_lines > 0) {
    g_string_append_printf (out, "\033[%uA\r\033[J", table_lines);
  }
  table_lines = 0;
}

void
weir_screen_write (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_mutex_lock (&lock);
  append_erase (out);
  g_string_append (out, text);
  write_all (out->str, out->len);
  g_mutex_unlock (&lock);
}

void
weir_screen_table (const char *text, guint lines)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_mutex_lock (&lock);
  append_erase (out);
  if (text != NULL) {
    g_string_append (out, text);
    table_lines = lines;
  }
  write_all (out->str, out->len);
  g_mutex_unlock (&lock);
}

gboolean
weir_screen_size (guint *columns, guint *lines)
{
  struct winsize size;
  if (!isatty (STDERR_FILENO)) {
    return FALSE;
  }
  gboolean known = ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
  *columns = known ? size.ws_col : 80;
  *lines = known ? size.ws_row : 24;
  return TRUE;
}
