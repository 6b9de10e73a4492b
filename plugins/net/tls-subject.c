/* SPDX-License-Identifier: Apache-2.0 */
/* tls-subject.c: whom a certificate names (see tls-subject.h). Any thread; owns nothing. */
#include "tls-subject.h"

#include <string.h>

/* The end of an attribute: the next comma or plus that is not escaped. */
static const char *
attribute_end (const char *at)
{
  while (*at != '\0' && *at != ',' && *at != '+') {
    at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
  }
  return at;
}

/* "\," is a comma, "\0A" a byte. */
static char *
unescape (const char *at, const char *end)
{
  g_autoptr (GString) text = g_string_new (NULL);
  while (at < end) {
    if (*at != '\\' || at + 1 == end) {
      g_string_append_c (text, *at++);
    } else if (at + 2 < end && g_ascii_isxdigit (at[1]) && g_ascii_isxdigit (at[2])) {
      g_string_append_c (text, (char) (g_ascii_xdigit_value (at[1]) * 16 + g_ascii_xdigit_value (at[2])));
      at += 3;
    } else {
      g_string_append_c (text, at[1]);
      at += 2;
    }
  }
  /* A NUL inside would make another name of it; what is no text is no name. */
  gboolean fine = strlen (text->str) == text->len && text->len > 0 && g_utf8_validate (text->str, -1, NULL);
  return fine ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

char *
net_tls_common_name_of (const char *subject)
{
  for (const char *at = subject;;) {
    const char *end = attribute_end (at);
    if (g_str_has_prefix (at, "CN=")) {
      return unescape (at + strlen ("CN="), end);
    }
    if (*end == '\0') {
      return NULL;
    }
    at = end + 1;
  }
}

char *
net_tls_common_name (GTlsCertificate *certificate)
{
  g_autofree char *subject = g_tls_certificate_get_subject_name (certificate);
  return subject != NULL ? net_tls_common_name_of (subject) : NULL;
}
