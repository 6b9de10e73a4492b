/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/net/datagram-sender.c with a name that stands for several addresses, or for others later on. The lookup is the test's, as
 * is sendmmsg(2), which finds no way to the hosts from 127.0.1.0 on; the peers are sockets. */
#include "plugin-run.h"

#include "plugins/net/datagram-sender.h"
#include "plugins/net/lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the lookup ---- */

/* One answer each, words separated by blanks; the last one stays. "": there is none. */
static const char *const *answers;
static _Atomic guint lookups;

struct _NetLookup {
  NetFound found;
  gpointer owner;
};

static gboolean
answer (gpointer data)
{
  NetLookup *lookup = data;
  if (lookup->found == NULL) {
    return G_SOURCE_REMOVE;
  }
  g_auto (GStrv) words = g_strsplit (answers[0], " ", -1);
  answers += answers[1] != NULL ? 1 : 0;
  g_autolist (GObject) addresses = NULL;
  for (char **word = words; *word != NULL; word++) {
    addresses = g_list_append (addresses, g_inet_address_new_from_string (*word));
  }
  g_autoptr (GError) error = g_error_new_literal (G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "not found");
  lookup->found (lookup->owner, addresses, addresses == NULL ? error : NULL);
  return G_SOURCE_REMOVE;
}

NetLookup *
net_lookup_begin (const char *host, NetFound found, gpointer owner)
{
  NetLookup *lookup = g_new (NetLookup, 1);
  g_autoptr (GSource) source = g_idle_source_new ();
  ck_assert_str_eq (host, "a.name");
  lookups++;
  *lookup = (NetLookup){ found, owner };
  g_source_set_callback (source, answer, lookup, g_free);
  g_source_attach (source, g_main_context_get_thread_default ());
  return lookup;
}

void
net_lookup_cancel (NetLookup *lookup)
{
  lookup->found = NULL;
}

/* ---- the network ---- */

static _Atomic guint in_vain;
static int no_way = EHOSTUNREACH;

int
sendmmsg (int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
  struct sockaddr_in peer = { 0 };
  socklen_t size = sizeof (peer);
  ck_assert_int_eq (getpeername (fd, (struct sockaddr *) &peer, &size), 0);
  if (ntohl (peer.sin_addr.s_addr) >= 0x7f000100) {
    in_vain++;
    errno = no_way;
    return -1;
  }
  return (int) syscall (SYS_sendmmsg, fd, messages, count, flags);
}

static int
peer_at (const char *host, guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (*port) };
  socklen_t size = sizeof (address);
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (inet_pton (AF_INET, host, &address.sin_addr), 1);
  ck_assert_int_eq (bind (fd, (struct sockaddr *) &address, size), 0);
  ck_assert_int_eq (getsockname (fd, (struct sockaddr *) &address, &size), 0);
  *port = ntohs (address.sin_port);
  return fd;
}

/* ---- the sender ---- */

/* Numbers, a record a millisecond at most, until the peer has got so many. */
typedef struct {
  int peer;
  guint wanted, next;
  gint64 pushed;
  GArray *got; /* of guint */
} Counter;

static Counter counter;

static gboolean
push_until_got (WeirHarness *sender, G_GNUC_UNUSED gpointer data)
{
  char text[16];
  for (ssize_t size; (size = recv (counter.peer, text, sizeof (text) - 1, MSG_DONTWAIT)) > 0;) {
    text[size] = '\0';
    guint number = (guint) g_ascii_strtoull (text, NULL, 10);
    g_array_append_val (counter.got, number);
  }
  if (counter.got->len >= counter.wanted || weir_harness_error (sender) != NULL) {
    return TRUE;
  }
  gint64 now = g_get_monotonic_time ();
  if (now - counter.pushed >= 1000) {
    ck_assert_uint_lt (counter.next, 30000);
    g_snprintf (text, sizeof (text), "%u", counter.next++);
    weir_harness_push_text (sender, text);
    counter.pushed = now;
  }
  return FALSE;
}

typedef struct {
  NetDatagramSender *sender;
} Sending;

static const NetSettings settings;
static guint16 port;

static WeirNext
send_open (WeirStage *stage, gpointer state)
{
  Sending *self = state;
  g_autofree char *address = g_strdup_printf ("a.name:%u", port);
  self->sender = net_datagram_sender_new (stage, address, NET_TCP, &settings, 0);
  return self->sender != NULL ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
send_start (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  return net_datagram_sender_start (((Sending *) state)->sender);
}

static WeirNext
send_flush (G_GNUC_UNUSED WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  return net_datagram_sender_flush (((Sending *) state)->sender, records, count);
}

static void
send_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  g_clear_pointer (&((Sending *) state)->sender, net_datagram_sender_free);
}

static guint unheard, waits;

static void
send_until_got (guint wanted)
{
  static const WeirRole role = { .state_size = sizeof (Sending),
                                 .counters = net_sender_counters,
                                 .open = send_open,
                                 .start = send_start,
                                 .flush = send_flush,
                                 .close = send_close };
  GError *error = NULL;
  counter.wanted = wanted;
  harness = weir_harness_new_for_role (&role, WEIR_HARNESS_CONSUMER, NULL, &error);
  ck_assert_ptr_nonnull (harness);
  weir_harness_set_live (harness, TRUE);
  weir_harness_start (harness);
  ck_assert (weir_harness_wait_until (harness, push_until_got, NULL));
  finish ();
  unheard = (guint) weir_harness_counter (harness, net_sender_counters[NET_UNHEARD]);
  waits = (guint) weir_harness_counter (harness, net_sender_counters[NET_SEND_WAITS]);
}

/* The last ones are in order, and none is missing among them. */
static void
expect_got (guint first)
{
  expect_done ();
  for (guint i = 1; i < counter.got->len; i++) {
    ck_assert_uint_eq (g_array_index (counter.got, guint, i), g_array_index (counter.got, guint, i - 1) + 1);
  }
  ck_assert_uint_ge (g_array_index (counter.got, guint, 0), first);
}

static void
set_up_all (void)
{
  port = 0;
  counter = (Counter){ .peer = peer_at ("127.0.0.7", &port), .got = g_array_new (FALSE, FALSE, sizeof (guint)) };
  lookups = in_vain = 0;
}

static void
tear_down_all (void)
{
  close (counter.peer);
  g_array_free (counter.got, TRUE);
}

/* ---- the tests ---- */

#define ANSWERS(...) \
  answers = (const char *const[]) \
  { \
    __VA_ARGS__, NULL \
  }

START_TEST (the_next_address_is_taken_where_nobody_listens)
{
  ANSWERS ("127.0.0.5 127.0.0.6 127.0.0.7");
  send_until_got (20);
  expect_got (1);
  ck_assert_uint_eq (unheard, 2);
  ck_assert_uint_eq (waits, 0);
}
END_TEST

/* And no record is lost by it. */
START_TEST (the_next_address_is_taken_where_there_is_no_way)
{
  static const int reasons[] = { EHOSTUNREACH, ENETUNREACH, ENETDOWN, EPERM };
  no_way = reasons[_i];
  ANSWERS ("127.0.1.1 127.0.1.2 127.0.0.7");
  send_until_got (20);
  expect_got (0);
  ck_assert_uint_eq (g_array_index (counter.got, guint, 0), 0);
  ck_assert_uint_eq (in_vain, 2);
  ck_assert_uint_eq (unheard, 0);
  ck_assert_uint_eq (waits, 0);
}
END_TEST

START_TEST (the_name_is_looked_up_again_where_nobody_listens)
{
  ANSWERS ("127.0.0.5", "127.0.0.7");
  send_until_got (20);
  expect_got (1);
  ck_assert_uint_eq (lookups, 2);
  ck_assert_uint_ge (unheard, 1);
}
END_TEST

START_TEST (the_name_is_looked_up_again_where_there_is_no_way)
{
  ANSWERS ("127.0.1.1", "127.0.0.7");
  send_until_got (20);
  expect_got (0);
  ck_assert_uint_eq (g_array_index (counter.got, guint, 0), 0);
  ck_assert_uint_eq (lookups, 2);
}
END_TEST

START_TEST (a_lookup_that_fails_leaves_what_was_found_before)
{
  ANSWERS ("127.0.0.5 127.0.0.7", "");
  send_until_got (20);
  expect_got (1);
  ck_assert_uint_eq (lookups, 2);
}
END_TEST

START_TEST (the_address_in_use_stays_where_it_is_still_among_them)
{
  ANSWERS ("127.0.0.5 127.0.0.7", "127.0.0.5 127.0.0.6 127.0.0.7");
  send_until_got (20);
  expect_got (1);
  ck_assert_uint_eq (unheard, 1);
}
END_TEST

/* The pauses between lookups grow: 50 to 100, 100 to 200, 200 to 400 milliseconds and so on. */
START_TEST (lookups_are_far_between)
{
  ANSWERS ("127.0.0.5", "127.0.0.5", "127.0.0.5", "127.0.0.7");
  gint64 begin = g_get_monotonic_time ();
  send_until_got (1);
  expect_done ();
  ck_assert_uint_eq (lookups, 4);
  ck_assert_int_ge (g_get_monotonic_time () - begin, 150 * 1000);
  ck_assert_uint_gt (counter.next, 4);
}
END_TEST

START_TEST (a_name_without_an_address_fails_at_the_start)
{
  ANSWERS ("");
  send_until_got (1);
  g_autofree char *wanted = g_strdup_printf ("cannot send to a.name:%u: not found", port);
  expect_failure (wanted);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("net-datagram-names");
  tcase_add_checked_fixture (cases, set_up_all, tear_down_all);
  tcase_add_test (cases, the_next_address_is_taken_where_nobody_listens);
  tcase_add_loop_test (cases, the_next_address_is_taken_where_there_is_no_way, 0, 4);
  tcase_add_test (cases, the_name_is_looked_up_again_where_nobody_listens);
  tcase_add_test (cases, the_name_is_looked_up_again_where_there_is_no_way);
  tcase_add_test (cases, a_lookup_that_fails_leaves_what_was_found_before);
  tcase_add_test (cases, the_address_in_use_stays_where_it_is_still_among_them);
  tcase_add_test (cases, lookups_are_far_between);
  tcase_add_test (cases, a_name_without_an_address_fails_at_the_start);
  return run_suite ("net-datagram-names", cases);
}
