/* SPDX-License-Identifier: Apache-2.0 */
/* tls-settings.h: the options of TLS, the same in every role of `tcp`, and the certificates that they name.
 * The options are the stage's; the settings belong to one worker, and what they hold is immutable: renewed files are
 * loaded into new certificates, and connections that are under way keep theirs. */
#pragma once

#include <gio/gio.h>
#include <sys/stat.h>
#include <weir/weir.h>

/* Filled in by NET_TLS_OPTIONS() and those below it. */
typedef struct {
  gboolean tls, verify, require_client, close_notify;
  const char *certificate, *key, *ca, *client_ca, *server_name;
  int tls_minimum;
  gint64 handshake_timeout; /* microseconds */
} NetTlsOptions;

enum { NET_TLS_1_2, NET_TLS_1_3 };

/* clang-format off */
#define NET_TLS_OPTION_(State, name, Type, kind, initial, range, flags, help) \
  { #name, initial, range, help, WEIR_FIELD_ (State, settings.tls.name, Type), kind, flags }
#define NET_TLS_STRING_(State, name, flags, help) \
  NET_TLS_OPTION_ (State, name, const char *, WEIR_OPTION_STRING_, NULL, NULL, flags, help)
#define NET_TLS_BOOLEAN_(State, name, initial, help) \
  NET_TLS_OPTION_ (State, name, gboolean, WEIR_OPTION_BOOLEAN_, initial, NULL, 0, help)

/* Lines of a role's table; the state has them as `settings.tls`. */
#define NET_TLS_OPTIONS(State) \
  NET_TLS_BOOLEAN_ (State, tls, "false", "Encrypt by TLS"), \
  NET_TLS_STRING_ (State, certificate, WEIR_PATH, \
                   "PEM file with the own certificate and those that lead to its authority; read again when it changes"), \
  NET_TLS_STRING_ (State, key, WEIR_PATH, \
                   "PEM file with the private key of certificate; without it, the key is in the certificate's file"), \
  NET_TLS_OPTION_ (State, tls_minimum, int, WEIR_OPTION_CHOICE_, "1.2", "1.2|1.3", 0, "The oldest version of TLS to speak"), \
  NET_TLS_OPTION_ (State, handshake_timeout, gint64, WEIR_OPTION_DURATION_, "10s", "1ms..1h", 0, \
                   "Give up a peer that has not finished the TLS handshake after so long"), \
  NET_TLS_BOOLEAN_ (State, close_notify, "true", \
                    "A peer that closes without saying so by TLS was cut off, which is an error; false: it has ended")
#define NET_TLS_CONNECT_OPTIONS(State) \
  NET_TLS_STRING_ (State, ca, WEIR_PATH, \
                   "With connect, PEM file with the authorities to trust; without it, the system's"), \
  NET_TLS_BOOLEAN_ (State, verify, "true", \
                    "With connect, refuse a peer whose certificate is not trusted or is for another name"), \
  NET_TLS_STRING_ (State, server_name, 0, \
                   "With connect, the name to ask for (SNI) and to find in the certificate; without it, the host of connect")
#define NET_TLS_LISTEN_OPTIONS(State) \
  NET_TLS_STRING_ (State, client_ca, WEIR_PATH, \
                   "With listen, PEM file with the authorities that peers' certificates are verified against"), \
  NET_TLS_BOOLEAN_ (State, require_client, "true", \
                    "With client_ca, refuse a peer that has no certificate; one with a bad one is always refused")
/* clang-format on */

/* For role.check: NULL, or what is wrong with these options, to be freed, and *option is the one at fault. */
char *net_tls_options_check (const NetTlsOptions *options, gboolean server, const char **option);

/* One for a stage, used and freed by it. */
typedef struct {
  const NetTlsOptions *options; /* borrowed */
  gboolean server;
  GTlsCertificate *certificate; /* NULL: none */
  GTlsDatabase *authorities;    /* NULL: the peer is not verified */
  struct stat seen[2];          /* the files of the certificate and the key, when they were last looked at */
} NetTlsSettings;

/* Loads what the options name. NULL: the error says what could not be loaded. */
NetTlsSettings *net_tls_settings_new (const NetTlsOptions *options, gboolean server, GError **error);
void net_tls_settings_free (NetTlsSettings *settings);
/* Before a new connection: loads the certificate again where its files have changed. FALSE, once a change: what is new could not be
 * loaded, and the old one stays. */
gboolean net_tls_settings_renew (NetTlsSettings *settings, GError **error);
