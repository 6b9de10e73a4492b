/* SPDX-License-Identifier: Apache-2.0 */
/* tls-bed.h: both ends of a TLS connection in one thread and on one context, and the certificates they show.
 * The certificates are made by the openssl program, once a test program, in a folder that goes away with it. Everything static: one
 * test program includes it once. */
#pragma once

#include "plugins/net/tls.h"

#include <check.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char *folder;

static void
shell (const char *command)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *errors = NULL, *line = g_strdup_printf ("cd '%s' && { %s; }", folder, command);
  const char *arguments[] = { "/bin/sh", "-c", line, NULL };
  int status = 0;
  gboolean ran = g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &errors,
                               &status, &error);
  if (!ran || !g_spawn_check_wait_status (status, NULL)) {
    g_printerr ("%s: %s\n", command, ran ? errors : error->message);
    exit (99);
  }
}

/* NAME.pem and NAME.key, for a subject, signed by SIGNER (itself: "-"), with more arguments. */
static void
make_certificate (const char *name, const char *subject, const char *signer, const char *more)
{
  g_autofree char *ca = g_str_equal (signer, "-") ? g_strdup ("")
                                                  : g_strdup_printf ("-CA %s.pem -CAkey %s.key", signer, signer);
  g_autofree char *command = g_strdup_printf (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '%s' %s %s "
    "-out %s.new -keyout %s.key && mv %s.new %s.pem",
    subject, ca, more, name, name, name, name);
  shell (command);
}

static void
make_certificates (void)
{
  folder = g_dir_make_tmp ("weir-tls-XXXXXX", NULL);
  make_certificate ("ca", "/CN=Test authority", "-", "-days 2");
  make_certificate ("other-ca", "/CN=Other authority", "-", "-days 2");
  make_certificate ("server", "/CN=server", "ca",
                    "-days 2 -addext basicConstraints=critical,CA:false "
                    "-addext subjectAltName=DNS:good.example,IP:127.0.0.1");
  make_certificate ("client", "/O=Weir/CN=client seven", "ca", "-days 2 -addext basicConstraints=critical,CA:false");
  make_certificate ("stranger", "/CN=stranger", "other-ca", "-days 2 -addext basicConstraints=critical,CA:false");
}

static void
remove_certificates (void)
{
  const char *arguments[] = { "rm", "-rf", folder, NULL };
  g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_clear_pointer (&folder, g_free);
}

/* ---- the two ends ---- */

typedef struct {
  NetTlsOptions options;
  NetTlsSettings *settings;
  NetTls *tls;
  int fd;
  guint woken;
  GIOCondition wait; /* of the last AGAIN */
  GError *error;     /* of the last FAILED */
} End;

static GMainContext *context;
static End server, client;

G_GNUC_UNUSED static void
end_woken (gpointer data)
{
  ((End *) data)->woken++;
}

static void
end_reset (End *end)
{
  *end = (End){ .fd = -1,
                .options = { .tls = TRUE,
                             .verify = TRUE,
                             .require_client = TRUE,
                             .close_notify = TRUE,
                             .handshake_timeout = 60 * G_USEC_PER_SEC } };
}

static void
end_close (End *end)
{
  g_clear_error (&end->error);
  g_clear_pointer (&end->tls, net_tls_free);
  g_clear_pointer (&end->settings, net_tls_settings_free);
  if (end->fd >= 0) {
    close (end->fd);
  }
  end->fd = -1;
}

/* Loads the settings where there are none; the paths in the options are relative to the folder of the certificates. */
static void
end_open (End *end, gboolean is_server, int fd, const char *name)
{
  g_autoptr (GError) error = NULL;
  if (end->settings == NULL) {
    end->settings = net_tls_settings_new (&end->options, is_server, &error);
    ck_assert_msg (end->settings != NULL, "%s", error != NULL ? error->message : "no error");
  }
  end->fd = fd;
  end->tls = net_tls_new (fd, end->settings, name, end_woken, end);
}

static void
open_ends (const char *name)
{
  int ends[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  end_open (&server, TRUE, ends[0], NULL);
  end_open (&client, FALSE, ends[1], name);
}

static void
bed_up (void)
{
  ck_assert_int_eq (g_chdir (folder), 0);
  context = g_main_context_new ();
  g_main_context_push_thread_default (context);
  end_reset (&server);
  end_reset (&client);
  server.options.certificate = "server.pem";
  server.options.key = "server.key";
  client.options.ca = "ca.pem";
}

static void
bed_down (void)
{
  end_close (&server);
  end_close (&client);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  /* What was given up ends on the default context. */
  while (g_main_context_iteration (NULL, FALSE)) {}
}

static gboolean
fd_ready (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition, G_GNUC_UNUSED gpointer data)
{
  return G_SOURCE_REMOVE;
}

static GSource *
watch (const End *end)
{
  if (end->wait == 0 || end->fd < 0) {
    return NULL;
  }
  GSource *source = g_unix_fd_source_new (end->fd, end->wait);
  g_source_set_callback (source, G_SOURCE_FUNC (fd_ready), NULL, NULL);
  g_source_attach (source, context);
  return source;
}

/* Sleeps until what one of the ends waits for has come. */
static void
await_ends (void)
{
  GSource *sources[] = { watch (&server), watch (&client) };
  g_main_context_iteration (context, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++) {
    if (sources[i] != NULL) {
      g_source_destroy (sources[i]);
      g_source_unref (sources[i]);
    }
  }
}

static NetResult
end_handshake (End *end)
{
  end->wait = 0;
  g_clear_error (&end->error);
  return net_tls_handshake (end->tls, &end->wait, &end->error);
}

/* Until both have come to an end, well or not. */
static void
shake_hands (NetResult of_server, NetResult of_client)
{
  for (;;) {
    NetResult here = end_handshake (&server), there = end_handshake (&client);
    if (here != NET_AGAIN && there != NET_AGAIN) {
      ck_assert_msg (here == of_server, "server: %d, %s", here,
                     server.error != NULL ? server.error->message : "no error");
      ck_assert_msg (there == of_client, "client: %d, %s", there,
                     client.error != NULL ? client.error->message : "no error");
      return;
    }
    /* A side that is done with its failure hangs up, as its stage would. */
    if (here == NET_FAILED || there == NET_FAILED) {
      shutdown (here == NET_FAILED ? server.fd : client.fd, SHUT_RDWR);
    }
    await_ends ();
  }
}

G_GNUC_UNUSED static void
expect_error (const End *end, const char *text)
{
  ck_assert_ptr_nonnull (end->error);
  ck_assert_str_eq (end->error->message, text);
}

static int
run_tests (const char *name, const TTest *const *tests, gsize count)
{
  Suite *suite = suite_create (name);
  TCase *tcase = tcase_create (name);
  tcase_add_checked_fixture (tcase, bed_up, bed_down);
  for (gsize i = 0; i < count; i++) {
    tcase_add_test (tcase, tests[i]);
  }
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  make_certificates ();
  srunner_run_all (runner, CK_NORMAL);
  remove_certificates ();
  int failures = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failures != 0;
}

/* ---- bytes ---- */

G_GNUC_UNUSED static NetResult
end_read (End *end, gpointer buffer, gsize size, gsize *got)
{
  end->wait = 0;
  g_clear_error (&end->error);
  return net_tls_read (end->tls, buffer, size, got, &end->wait, &end->error);
}

G_GNUC_UNUSED static NetResult
end_write (End *end, gconstpointer bytes, gsize size, gsize *taken)
{
  end->wait = 0;
  g_clear_error (&end->error);
  return net_tls_write (end->tls, bytes, size, taken, &end->wait, &end->error);
}

G_GNUC_UNUSED static NetResult
end_shutdown (End *end)
{
  end->wait = 0;
  g_clear_error (&end->error);
  return net_tls_shutdown (end->tls, &end->wait, &end->error);
}

G_GNUC_UNUSED static void
send_text (End *end, const char *text)
{
  gsize taken = 0;
  NetResult result;
  while ((result = end_write (end, text, strlen (text), &taken)) == NET_AGAIN) {
    await_ends ();
  }
  ck_assert_msg (result == NET_OK, "%s", end->error != NULL ? end->error->message : "?");
  ck_assert_uint_eq (taken, strlen (text));
}

G_GNUC_UNUSED static NetResult
receive_until (End *end, GString *text, gsize size)
{
  NetResult result = NET_OK;
  while (text->len < size && result == NET_OK) {
    char bytes[100];
    gsize got = 0;
    while ((result = end_read (end, bytes, sizeof bytes, &got)) == NET_AGAIN) {
      await_ends ();
    }
    g_string_append_len (text, bytes, result == NET_OK ? (gssize) got : 0);
  }
  return result;
}

G_GNUC_UNUSED static void
expect_text (End *end, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  NetResult result = receive_until (end, text, strlen (wanted));
  ck_assert_msg (result == NET_OK, "%s", end->error != NULL ? end->error->message : "end");
  ck_assert_str_eq (text->str, wanted);
}

G_GNUC_UNUSED static void
expect_end (End *end, NetResult wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  NetResult result = receive_until (end, text, G_MAXSIZE);
  ck_assert_msg (result == wanted, "%d, %s", result, end->error != NULL ? end->error->message : "no error");
  ck_assert_str_eq (text->str, "");
}

G_GNUC_UNUSED static void
shut (End *end)
{
  NetResult result;
  while ((result = end_shutdown (end)) == NET_AGAIN) {
    await_ends ();
  }
  ck_assert_int_eq (result, NET_OK);
}
