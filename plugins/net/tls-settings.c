/* SPDX-License-Identifier: Apache-2.0 */
/* tls-settings.c: the options of TLS and the certificates that they name (see tls-settings.h).
 * The check runs on the main thread, all else on the stage's worker, which owns the settings. */
#include "tls-settings.h"
#include "tls-trial.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- do the options agree? ---- */

/* NULL: nothing but what is said without TLS too. */
static const char *
first_said (const NetTlsOptions *options)
{
  const struct {
    const char *name;
    gboolean said;
  } all[] = {
    { "certificate", options->certificate != NULL },
    { "key", options->key != NULL },
    { "ca", options->ca != NULL },
    { "verify", !options->verify },
    { "server_name", options->server_name != NULL },
    { "client_ca", options->client_ca != NULL },
    { "tls_minimum", options->tls_minimum != NET_TLS_1_2 },
    { "close_notify", !options->close_notify },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (all); i++) {
    if (all[i].said) {
      return all[i].name;
    }
  }
  return NULL;
}

static const char *
server_problem (const NetTlsOptions *options, const char **option)
{
  if (options->certificate == NULL) {
    *option = "tls";
    return "found true without \"certificate\", which listen needs";
  }
  if (options->ca != NULL) {
    *option = "ca";
    return "is for connect; with listen, peers are verified against \"client_ca\"";
  }
  if (!options->verify) {
    *option = "verify";
    return "is for connect; with listen, peers are verified where there is \"client_ca\"";
  }
  if (options->server_name != NULL) {
    *option = "server_name";
    return "is for connect";
  }
  if (!options->require_client && options->client_ca == NULL) {
    *option = "require_client";
    return "found false without \"client_ca\"";
  }
  return NULL;
}

static const char *
client_problem (const NetTlsOptions *options, const char **option)
{
  if (options->client_ca != NULL) {
    *option = "client_ca";
    return "is for listen; with connect, the peer is verified against \"ca\"";
  }
  if (options->ca != NULL && !options->verify) {
    *option = "ca";
    return "is of no use while \"verify\" is false";
  }
  if (options->server_name != NULL && options->server_name[0] == '\0') {
    *option = "server_name";
    return "found an empty name";
  }
  return NULL;
}

char *
net_tls_options_check (const NetTlsOptions *options, gboolean server, const char **option)
{
  if (!options->tls) {
    *option = first_said (options);
    return *option != NULL ? g_strdup ("is of no use without \"tls\": true") : NULL;
  }
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ())) {
    *option = "tls";
    return g_strdup ("found true, but GIO has no TLS here; install the package glib-networking");
  }
  const char *problem = server ? server_problem (options, option) : client_problem (options, option);
  if (problem == NULL && options->key != NULL && options->certificate == NULL) {
    *option = "key";
    problem = "found a key without \"certificate\"";
  }
  return g_strdup (problem);
}

/* ---- loading ---- */

static gboolean
is_readable (const char *what, const char *path, GError **error)
{
  if (access (path, R_OK) != 0) {
    int number = errno;
    g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (number), "cannot read the %s %s: %s", what, path,
                 g_strerror (number));
    return FALSE;
  }
  return TRUE;
}

static const char *
key_path (const NetTlsOptions *options)
{
  return options->key != NULL ? options->key : options->certificate;
}

static GTlsCertificate *
load_certificate (const NetTlsSettings *settings, GError **error)
{
  const NetTlsOptions *options = settings->options;
  const char *key = key_path (options);
  if (!is_readable ("certificate", options->certificate, error) || !is_readable ("key", key, error)) {
    return NULL;
  }
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_files (options->certificate, key, error);
  /* A renewal replaces two files one after the other; a key of another certificate is found out by using it alone. */
  if (certificate == NULL || (settings->server && !net_tls_certificate_works (certificate, error))) {
    if (options->key != NULL) {
      g_prefix_error (error, "cannot use the certificate %s with the key %s: ", options->certificate, key);
    } else {
      g_prefix_error (error, "cannot use the certificate and key in %s: ", options->certificate);
    }
    return NULL;
  }
  return g_steal_pointer (&certificate);
}

/* GIO reads the file again for each connection. */
static GTlsDatabase *
load_authorities (const char *what, const char *path, GError **error)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  if (!is_readable (what, path, error)) {
    return NULL;
  }
  g_autolist (GTlsCertificate) list = g_tls_certificate_list_new_from_file (absolute, error);
  if (list == NULL) {
    if (error != NULL && *error == NULL) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "no PEM certificate is in it");
    }
    g_prefix_error (error, "cannot use the %s %s: ", what, path);
    return NULL;
  }
  GTlsDatabase *authorities = g_tls_file_database_new (absolute, error);
  if (authorities == NULL) {
    g_prefix_error (error, "cannot use the %s %s: ", what, path);
  }
  return authorities;
}

/* What tells a file from the one that was there before it; all else is zero. A file that is not there is all zero. */
static void
look_at (const char *path, struct stat *seen)
{
  struct stat status;
  memset (seen, 0, sizeof *seen);
  if (stat (path, &status) == 0) {
    seen->st_dev = status.st_dev;
    seen->st_ino = status.st_ino;
    seen->st_size = status.st_size;
    seen->st_mtim = status.st_mtim;
    seen->st_ctim = status.st_ctim;
  }
}

static void
look (const NetTlsSettings *settings, struct stat seen[2])
{
  look_at (settings->options->certificate, &seen[0]);
  look_at (key_path (settings->options), &seen[1]);
}

/* TRUE: there is nothing to load, or it is loaded. */
static gboolean
load (NetTlsSettings *settings, GError **error)
{
  const NetTlsOptions *options = settings->options;
  const char *path = settings->server ? options->client_ca : options->ca;
  if (options->certificate != NULL) {
    look (settings, settings->seen);
    settings->certificate = load_certificate (settings, error);
    if (settings->certificate == NULL) {
      return FALSE;
    }
  }
  if (path != NULL) {
    settings->authorities = load_authorities (settings->server ? "client_ca" : "ca", path, error);
  } else if (!settings->server && options->verify) {
    settings->authorities = g_tls_backend_get_default_database (g_tls_backend_get_default ());
  } else {
    return TRUE;
  }
  return settings->authorities != NULL;
}

NetTlsSettings *
net_tls_settings_new (const NetTlsOptions *options, gboolean server, GError **error)
{
  NetTlsSettings *settings = g_new0 (NetTlsSettings, 1);
  settings->options = options;
  settings->server = server;
  if (!load (settings, error)) {
    g_clear_pointer (&settings, net_tls_settings_free);
  }
  return settings;
}

void
net_tls_settings_free (NetTlsSettings *settings)
{
  g_clear_object (&settings->certificate);
  g_clear_object (&settings->authorities);
  g_free (settings);
}

gboolean
net_tls_settings_renew (NetTlsSettings *settings, GError **error)
{
  struct stat seen[2];
  if (settings->certificate == NULL) {
    return TRUE;
  }
  look (settings, seen);
  if (memcmp (seen, settings->seen, sizeof seen) == 0) {
    return TRUE;
  }
  memcpy (settings->seen, seen, sizeof seen);
  GTlsCertificate *certificate = load_certificate (settings, error);
  if (certificate == NULL) {
    return FALSE;
  }
  g_object_unref (settings->certificate);
  settings->certificate = certificate;
  return TRUE;
}
