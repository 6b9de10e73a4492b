/* SPDX-License-Identifier: Apache-2.0 */
/* acceptor.h: takes connections in at all the addresses of a role, as long as there is room for them.
 * Runs on the stage's worker. The sockets are watched through an epoll set of the owner's, with data.ptr NULL. */
#pragma once

#include "connection.h"
#include "listening.h"

typedef struct {
  const char *const *listen;
  const char *mode;
  gint64 backlog, max;
  int when_max;
} NetAcceptSettings;

enum { NET_MAX_WAIT, NET_MAX_REFUSE };

#define NET_ACCEPT_OPTION_(State, name, kind, Type, initial, range, help) \
  { \
#name, initial, range, help, WEIR_FIELD_(State, accept.name, Type), kind, 0 \
  }

/* The state has them as `accept`. */
#define NET_ACCEPT_OPTIONS(State, addresses) \
  NET_ACCEPT_OPTION_ (State, listen, WEIR_OPTION_STRINGS_, const char *const *, NULL, NULL, \
                      "Address or list of addresses to listen at: " addresses), \
    NET_ACCEPT_OPTION_ (State, max, WEIR_OPTION_INTEGER_, gint64, "0", "0..1000000000", \
                        "Connections at a time; 0: as many as there are descriptors"), \
    NET_ACCEPT_OPTION_ (State, when_max, WEIR_OPTION_CHOICE_, int, "wait", "wait|refuse", \
                        "Beyond that, leave them waiting in the kernel, or accept and close them"), \
    NET_ACCEPT_OPTION_ (State, backlog, WEIR_OPTION_INTEGER_, gint64, "1024", "1..65535", \
                        "Connections that the kernel keeps until they are accepted")

#define NET_ACCEPT_MODE(State) \
  NET_ACCEPT_OPTION_ (State, mode, WEIR_OPTION_STRING_, const char *, "0600", NULL, \
                      "Permissions of the socket's path, octal: who may write to it may connect")

typedef struct _NetAcceptor NetAcceptor;

/* Listens on all addresses but those that are to be looked up. NULL: the stage has failed. settings: both are borrowed. */
NetAcceptor *net_acceptor_new (WeirStage *stage, int epoll, NetFamily family, const NetAcceptSettings *accept,
                               const NetSettings *settings);
/* Looks up the others. MORE, WAIT until weir_stage_ready(), or FAIL. */
WeirNext net_acceptor_start (NetAcceptor *acceptor);
/* The next one, while so many are alive. NULL: none for now; what tells of the next one is armed. */
NetConnection *net_acceptor_next (NetAcceptor *acceptor, guint alive);
/* A connection has ended: there may be room again. */
void net_acceptor_look_again (NetAcceptor *acceptor);
void net_acceptor_free (NetAcceptor *acceptor);

/* What is wrong with these settings, to be freed; NULL: nothing. *option names the one. */
char *net_accept_check (const NetAcceptSettings *accept, NetFamily family, const char **option);
