/* SPDX-License-Identifier: Apache-2.0 */
/* tls-trial.h: whether a certificate and its key belong together, which GIO does not say before a peer finds out. */
#pragma once

#include <gio/gio.h>

/* A handshake with ourselves, some milliseconds long: waits for it. */
gboolean net_tls_certificate_works (GTlsCertificate *certificate, GError **error);
