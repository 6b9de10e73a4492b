/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON text: read within its limit, scanned, then parsed by json-c, strictly. The loader's thread; a document owns the text,
 * the places and the values. */
#include "document.h"

#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
too_large (void)
{
  return g_strdup_printf ("larger than %" G_GSIZE_FORMAT " MiB", WEIR_DOCUMENT_MAX >> 20);
}

static char *
read_all (int fd, gsize *size, char **message)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  for (;;) {
    guint old = bytes->len;
    g_byte_array_set_size (bytes, old + 65536);
    ssize_t got = read (fd, bytes->data + old, 65536);
    if (got < 0 && errno == EINTR) {
      got = 0;
    } else if (got == 0) {
      got = -2;
    }
    g_byte_array_set_size (bytes, old + (guint) MAX (got, 0));
    if (got == -1) {
      *message = g_strdup_printf ("cannot read: %s", g_strerror (errno));
      return NULL;
    }
    if (bytes->len > WEIR_DOCUMENT_MAX) {
      *message = too_large ();
      return NULL;
    }
    if (got == -2) {
      break;
    }
  }
  *size = bytes->len;
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  return (char *) g_byte_array_free (g_steal_pointer (&bytes), FALSE);
}

char *
weir_document_read (const char *path, gsize *size, char **message)
{
  struct stat status;
  char *text = NULL;

  if (strcmp (path, "-") == 0) {
    return read_all (STDIN_FILENO, size, message);
  }
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &status) < 0) {
    *message = g_strdup_printf ("cannot open: %s", g_strerror (errno));
  } else if (S_ISDIR (status.st_mode)) {
    *message = g_strdup ("is a folder, not a file");
  } else if (S_ISREG (status.st_mode) && status.st_size > (off_t) WEIR_DOCUMENT_MAX) {
    *message = too_large ();
  } else {
    text = read_all (fd, size, message);
  }
  if (fd >= 0) {
    close (fd);
  }
  return text;
}

WeirDocument *
weir_document_new (const char *file, guint line, char *text, gsize size, gsize from, guint32 key,
                   WeirProblems *problems)
{
  g_autoptr (WeirDocument) document = g_new0 (WeirDocument, 1);

  document->places = weir_places_new (file, line, text, size, from);
  if (!weir_scan (document->places, &document->root, key, problems)) {
    return NULL;
  }
  /* Room for one more level than the scan lets pass; the NUL behind the text ends a number at its end. */
  json_tokener *tokener = json_tokener_new_ex (WEIR_SCAN_DEPTH + 2);
  json_tokener_set_flags (tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
  document->value = json_tokener_parse_ex (tokener, text + from, (int) (size - from) + 1);
  enum json_tokener_error error = json_tokener_get_error (tokener);
  gsize end = from + json_tokener_get_parse_end (tokener);
  json_tokener_free (tokener);
  if (error != json_tokener_success) {
    weir_problems_add (problems, WEIR_SEVERITY_ERROR, weir_places_at (document->places, end), NULL,
                       "json-c refuses what the scan took: %s", json_tokener_error_desc (error));
    return NULL;
  }
  return g_steal_pointer (&document);
}

void
weir_document_free (WeirDocument *document)
{
  if (document == NULL) {
    return;
  }
  json_object_put (document->value);
  weir_places_free (document->places);
  g_free (document);
}
