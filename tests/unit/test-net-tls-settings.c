/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/net/tls-settings.c: options that contradict each other, certificates that cannot be used, and renewed ones; and whom a
 * certificate names. */
#include "plugins/net/tls-subject.h"
#include "tls-bed.h"

/* ---- options ---- */

static void
expect_problem (const NetTlsOptions *options, gboolean is_server, const char *wanted_option, const char *wanted)
{
  const char *option = NULL;
  g_autofree char *problem = net_tls_options_check (options, is_server, &option);
  ck_assert_str_eq (problem != NULL ? problem : "none", wanted);
  ck_assert_str_eq (option != NULL ? option : "none", wanted_option);
}

#define FINE "none", "none"

static NetTlsOptions
options_of (const End *end)
{
  NetTlsOptions options = end->options;
  return options;
}

START_TEST (good_options_agree)
{
  NetTlsOptions options = options_of (&server);
  options.client_ca = "ca.pem";
  options.require_client = FALSE;
  expect_problem (&options, TRUE, FINE);
  options = options_of (&client);
  options.server_name = "good.example";
  options.certificate = "client.pem";
  options.key = "client.key";
  expect_problem (&options, FALSE, FINE);
}
END_TEST

START_TEST (nothing_is_needed_without_tls)
{
  NetTlsOptions options = { .verify = TRUE, .close_notify = TRUE };
  expect_problem (&options, TRUE, FINE);
  expect_problem (&options, FALSE, FINE);
}
END_TEST

START_TEST (an_option_of_tls_without_tls)
{
  NetTlsOptions options = { .verify = TRUE, .close_notify = TRUE, .ca = "ca.pem" };
  expect_problem (&options, FALSE, "ca", "is of no use without \"tls\": true");
  options = (NetTlsOptions){ .close_notify = TRUE };
  expect_problem (&options, FALSE, "verify", "is of no use without \"tls\": true");
  options = (NetTlsOptions){ .verify = TRUE, .close_notify = TRUE, .tls_minimum = NET_TLS_1_3 };
  expect_problem (&options, TRUE, "tls_minimum", "is of no use without \"tls\": true");
}
END_TEST

START_TEST (listen_needs_a_certificate)
{
  NetTlsOptions options = options_of (&server);
  options.certificate = options.key = NULL;
  expect_problem (&options, TRUE, "tls", "found true without \"certificate\", which listen needs");
}
END_TEST

START_TEST (a_key_without_a_certificate)
{
  NetTlsOptions options = options_of (&client);
  options.key = "client.key";
  expect_problem (&options, FALSE, "key", "found a key without \"certificate\"");
}
END_TEST

START_TEST (what_is_for_connect_alone)
{
  NetTlsOptions options = options_of (&server);
  options.ca = "ca.pem";
  expect_problem (&options, TRUE, "ca", "is for connect; with listen, peers are verified against \"client_ca\"");
  options = options_of (&server);
  options.verify = FALSE;
  expect_problem (&options, TRUE, "verify",
                  "is for connect; with listen, peers are verified where there is \"client_ca\"");
  options = options_of (&server);
  options.server_name = "good.example";
  expect_problem (&options, TRUE, "server_name", "is for connect");
}
END_TEST

START_TEST (what_is_for_listen_alone)
{
  NetTlsOptions options = options_of (&client);
  options.client_ca = "ca.pem";
  expect_problem (&options, FALSE, "client_ca", "is for listen; with connect, the peer is verified against \"ca\"");
  options = options_of (&server);
  options.require_client = FALSE;
  expect_problem (&options, TRUE, "require_client", "found false without \"client_ca\"");
}
END_TEST

START_TEST (authorities_for_nothing)
{
  NetTlsOptions options = options_of (&client);
  options.verify = FALSE;
  expect_problem (&options, FALSE, "ca", "is of no use while \"verify\" is false");
}
END_TEST

START_TEST (an_empty_name)
{
  NetTlsOptions options = options_of (&client);
  options.server_name = "";
  expect_problem (&options, FALSE, "server_name", "found an empty name");
}
END_TEST

/* GIO looks for its modules once in a process; each test has one of its own. */
START_TEST (without_a_library_for_tls)
{
  NetTlsOptions options = options_of (&client);
  g_setenv ("GIO_MODULE_DIR", "/nowhere", TRUE);
  expect_problem (&options, FALSE, "tls", "found true, but GIO has no TLS here; install the package glib-networking");
}
END_TEST

/* ---- files ---- */

static void
expect_unusable (const End *end, gboolean is_server, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  NetTlsSettings *settings = net_tls_settings_new (&end->options, is_server, &error);
  ck_assert_ptr_null (settings);
  ck_assert_str_eq (error->message, wanted);
}

START_TEST (a_certificate_that_is_not_there)
{
  server.options.certificate = "none.pem";
  expect_unusable (&server, TRUE, "cannot read the certificate none.pem: No such file or directory");
}
END_TEST

START_TEST (a_key_that_is_not_there)
{
  server.options.key = "none.key";
  expect_unusable (&server, TRUE, "cannot read the key none.key: No such file or directory");
}
END_TEST

START_TEST (a_certificate_that_is_none)
{
  shell ("echo nonsense >nonsense.pem");
  server.options.certificate = "nonsense.pem";
  expect_unusable (&server, TRUE,
                   "cannot use the certificate nonsense.pem with the key server.key: No PEM-encoded certificate found");
}
END_TEST

START_TEST (a_file_without_a_key)
{
  server.options.key = NULL;
  expect_unusable (&server, TRUE, "cannot use the certificate and key in server.pem: No PEM-encoded private key found");
}
END_TEST

START_TEST (a_key_of_another_certificate)
{
  server.options.key = "client.key";
  g_autoptr (GError) error = NULL;
  ck_assert_ptr_null (net_tls_settings_new (&server.options, TRUE, &error));
  ck_assert_msg (g_str_has_prefix (error->message, "cannot use the certificate server.pem with the key client.key: "),
                 "%s", error->message);
}
END_TEST

START_TEST (authorities_that_are_not_there)
{
  client.options.ca = "none.pem";
  expect_unusable (&client, FALSE, "cannot read the ca none.pem: No such file or directory");
  server.options.client_ca = "none.pem";
  expect_unusable (&server, TRUE, "cannot read the client_ca none.pem: No such file or directory");
}
END_TEST

START_TEST (authorities_that_are_none)
{
  shell ("echo nonsense >nonsense.pem");
  client.options.ca = "nonsense.pem";
  expect_unusable (&client, FALSE, "cannot use the ca nonsense.pem: no PEM certificate is in it");
}
END_TEST

/* ---- renewal ---- */

static NetTlsSettings *
loaded (void)
{
  shell ("cp server.pem now.pem && cp server.key now.key");
  server.options.certificate = "now.pem";
  server.options.key = "now.key";
  return server.settings = net_tls_settings_new (&server.options, TRUE, NULL);
}

static void
expect_renewed (NetTlsSettings *settings, gboolean renewed)
{
  GTlsCertificate *before = settings->certificate;
  ck_assert (net_tls_settings_renew (settings, NULL));
  ck_assert_int_eq (settings->certificate != before, renewed);
}

START_TEST (what_has_not_changed_is_not_loaded)
{
  NetTlsSettings *settings = loaded ();
  expect_renewed (settings, FALSE);
  expect_renewed (settings, FALSE);
}
END_TEST

START_TEST (a_renewed_certificate_is_loaded)
{
  NetTlsSettings *settings = loaded ();
  make_certificate ("next", "/CN=next", "ca", "-days 2");
  shell ("mv next.key now.key && mv next.pem now.pem");
  expect_renewed (settings, TRUE);
  expect_renewed (settings, FALSE);
  g_autofree char *name = net_tls_common_name (settings->certificate);
  ck_assert_str_eq (name, "next");
}
END_TEST

START_TEST (a_file_written_in_place_is_loaded)
{
  NetTlsSettings *settings = loaded ();
  make_certificate ("next", "/CN=next", "ca", "-days 2");
  shell ("cat next.key >now.key && cat next.pem >now.pem");
  expect_renewed (settings, TRUE);
}
END_TEST

START_TEST (half_a_renewal_keeps_the_old_one)
{
  NetTlsSettings *settings = loaded ();
  GTlsCertificate *before = settings->certificate;
  g_autoptr (GError) error = NULL;
  make_certificate ("next", "/CN=next", "ca", "-days 2");
  shell ("mv next.pem now.pem");
  ck_assert (!net_tls_settings_renew (settings, &error));
  ck_assert_msg (g_str_has_prefix (error->message, "cannot use the certificate now.pem with the key now.key: "), "%s",
                 error->message);
  ck_assert_ptr_eq (settings->certificate, before);
  /* Said once. */
  expect_renewed (settings, FALSE);
  shell ("mv next.key now.key");
  expect_renewed (settings, TRUE);
}
END_TEST

START_TEST (a_certificate_that_is_gone_stays_in_use)
{
  NetTlsSettings *settings = loaded ();
  GTlsCertificate *before = settings->certificate;
  g_autoptr (GError) error = NULL;
  shell ("rm now.pem");
  ck_assert (!net_tls_settings_renew (settings, &error));
  ck_assert_str_eq (error->message, "cannot read the certificate now.pem: No such file or directory");
  ck_assert_ptr_eq (settings->certificate, before);
  expect_renewed (settings, FALSE);
}
END_TEST

START_TEST (connections_keep_what_they_began_with)
{
  NetTlsSettings *settings = loaded ();
  open_ends ("good.example"); /* with the old one */
  make_certificate ("next", "/CN=next", "ca", "-days 2 -addext subjectAltName=DNS:next.example");
  shell ("mv next.key now.key && mv next.pem now.pem");
  expect_renewed (settings, TRUE);
  shake_hands (NET_OK, NET_OK);
  net_tls_free (g_steal_pointer (&server.tls));
  net_tls_free (g_steal_pointer (&client.tls));
  close (server.fd);
  close (client.fd);
  open_ends ("next.example");
  shake_hands (NET_OK, NET_OK);
}
END_TEST

/* ---- names ---- */

START_TEST (the_common_name)
{
  static const struct {
    const char *subject, *name;
  } cases[] = {
    { "CN=client", "client" },
    { "CN=client,O=Weir,C=DE", "client" },
    { "C=DE,O=Weir,CN=client seven", "client seven" },
    { "O=Weir", NULL },
    { "", NULL },
    { "CN=", NULL },
    { "O=A\\,CN=evil,CN=good", "good" },
    { "O=A\\\\,CN=good", "good" },
    { "O=x+CN=good", "good" },
    { "CN=a\\,b\\+c", "a,b+c" },
    { "CN=J\\C3\\BCrgen", "J\xc3\xbcrgen" },
    { "CN=a\\00b", NULL },
    { "CN=\\FF", NULL },
    { "XCN=no", NULL },
    { "CN=end\\", "end\\" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *name = net_tls_common_name_of (cases[i].subject);
    ck_assert_msg (g_strcmp0 (name, cases[i].name) == 0, "%s: %s", cases[i].subject, name);
  }
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { good_options_agree,
                                 nothing_is_needed_without_tls,
                                 an_option_of_tls_without_tls,
                                 listen_needs_a_certificate,
                                 a_key_without_a_certificate,
                                 what_is_for_connect_alone,
                                 what_is_for_listen_alone,
                                 authorities_for_nothing,
                                 an_empty_name,
                                 without_a_library_for_tls,
                                 a_certificate_that_is_not_there,
                                 a_key_that_is_not_there,
                                 a_certificate_that_is_none,
                                 a_file_without_a_key,
                                 a_key_of_another_certificate,
                                 authorities_that_are_not_there,
                                 authorities_that_are_none,
                                 what_has_not_changed_is_not_loaded,
                                 a_renewed_certificate_is_loaded,
                                 a_file_written_in_place_is_loaded,
                                 half_a_renewal_keeps_the_old_one,
                                 a_certificate_that_is_gone_stays_in_use,
                                 connections_keep_what_they_began_with,
                                 the_common_name };
  return run_tests ("net-tls-settings", tests, G_N_ELEMENTS (tests));
}
