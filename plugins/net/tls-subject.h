/* SPDX-License-Identifier: Apache-2.0 */
/* tls-subject.h: whom a certificate names. */
#pragma once

#include <gio/gio.h>

/* The common name in the subject of a certificate, to be freed; NULL: it has none. */
char *net_tls_common_name (GTlsCertificate *certificate);
/* The same, of a subject in the form of RFC 4514: "CN=client,O=Weir". */
char *net_tls_common_name_of (const char *subject);
