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

/* Writes text over the table. Each line is erased by itself and only then what is below: a screen that is erased as a whole,
 * from its first line, flickers, and tmux keeps a copy of it in its history each time. */
static void
append_over_table (GString *out, const char *text)
{
  if (table_lines == 0) {
    g_string_append (out, text);
    return;
  }
  g_string_append_printf (out, "\033[%uA\r", table_lines);
  table_lines = 0;
  for (const char *end; (end = strchr (text, '\n')) != NULL; text = end + 1) {
    g_string_append (out, "\033[K");
    g_string_append_len (out, text, end + 1 - text);
  }
  g_string_append_printf (out, "\033[J%s", text);
}

void
weir_screen_write (const char *text)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_mutex_lock (&lock);
  append_over_table (out, text);
  write_all (out->str, out->len);
  g_mutex_unlock (&lock);
}

void
weir_screen_table (const char *text, guint lines)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_mutex_lock (&lock);
  append_over_table (out, text != NULL ? text : "");
  table_lines = text != NULL ? lines : 0;
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
