#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where, and that it serves those who build on it: the headers by themselves as C and C++, the library's
# names, a plugin and an embedding program made with pkg-config, and that `make uninstall` leaves nothing.
. "$(dirname "$0")/lib.sh"

unset MAKEFLAGS MAKELEVEL MFLAGS
# The Makefile says the names, the installed tree must show them.
makefile_value () { make -s -C "$WEIR_BUILD" --eval="print-it: ; @echo \$($1)" print-it; }

begin "install succeeds"
run make -s -C "$WEIR_BUILD" install DESTDIR="$SCRATCH/root"
expect_status 0

prefix=$(makefile_value prefix) libdir=$(makefile_value libdir) includedir=$(makefile_value includedir)
bindir=$(makefile_value bindir) pkglibdir=$(makefile_value pkglibdir)
root=$SCRATCH/root
# weir.pc names the final place: the test reads a copy that names the place below DESTDIR.
mkdir pkgconfig
sed "s|=$prefix|=$root$prefix|" "$root$libdir/pkgconfig/weir.pc" >pkgconfig/weir.pc
export PKG_CONFIG_PATH=$SCRATCH/pkgconfig
read -r -a cc <<<"$(makefile_value CC)"

begin "the program runs from where it is installed"
run "$root$bindir/weir" --version
expect_status 0

begin "the examples run from any folder as they are installed"
examplesdir=$(makefile_value examplesdir)
for file in "$root$examplesdir"/*.json; do
  # The final place is below DESTDIR, as for weir.pc.
  sed "s|$examplesdir|$root$examplesdir|" "$file" >example.json
  run env -u WEIR_EXAMPLES "$root$bindir/weir" check --plugin-path "$root$pkglibdir" example.json
  expect_status 0
done
grep -q "weir run $examplesdir/quickstart.json" "$root$examplesdir/quickstart.json" || fail "it does not say how it is run"
sed "s|$examplesdir|$root$examplesdir|" "$root$examplesdir/quickstart.json" >example.json
run env -u WEIR_EXAMPLES TMPDIR="$SCRATCH" "$root$bindir/weir" run --quiet --plugin-path "$root$pkglibdir" \
  --set slow.records_per_second=100000 example.json
expect_status 0
expect_stderr ''
grep '" 5[0-9][0-9] ' "$root$examplesdir/access.log" >wanted
expect_file weir-quickstart.log wanted

begin "each plugin is one .so, and nothing else is beside them"
for module in $(makefile_value pkglib_LTLIBRARIES); do
  basename "${module%.la}.so"
done | sort >wanted
{ ls "$root$pkglibdir" 2>/dev/null || :; } | sort >found
expect_file found wanted

begin "no libtool file is installed"
run find "$root" -name '*.la'
expect_stdout ''

begin "each header stands alone: C11"
for header in "$root$includedir"/weir/*.h; do
  echo "#include <weir/${header##*/}>" >one.c
  # shellcheck disable=SC2046
  run "${cc[@]}" -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags weir) one.c
  expect_status 0
done

begin "each header stands alone: C++17"
for header in "$root$includedir"/weir/*.h; do
  echo "#include <weir/${header##*/}>" >one.cc
  # shellcheck disable=SC2046
  run c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags weir) one.cc
  expect_status 0
done

begin "the library exports weir_ names only"
nm -D --defined-only "$root$libdir/libweir.so" | awk '$3 !~ /^weir_/ && $2 != "A"' >others
expect_text others ''

begin "the program exports to plugins what the library exports"
for binary in "$root$bindir/weir" "$root$libdir/libweir.so"; do
  nm -D --defined-only "$binary" | sed -n 's/.* \(weir_[a-z_0-9]*\)$/\1/p' | sort >"names-${binary##*/}"
done
expect_file names-weir names-libweir.so

begin "an embedding program links with what pkg-config says"
cat >embed.c <<'END'
#include <weir/weir.h>
int main (void) { return glib_check_version (2, 74, 0) != NULL; }
END
# shellcheck disable=SC2046
run "${cc[@]}" -std=c11 embed.c $(pkg-config --cflags --libs weir) -o embed
expect_status 0
run env LD_LIBRARY_PATH="$root$libdir" ./embed
expect_status 0

# A plugin of somebody's own, out of the tree, tested with the harness: linked with the test, and as the object that is installed.
cat >shout.c <<'END'
#include <weir/weir.h>

static WeirNext
shout_consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  (void) self;
  g_autofree char *text = g_strndup ((const char *) record->data, record->size);
  g_autofree char *loud = g_ascii_strup (text, -1);
  weir_emit_printf (stage, "%s!", loud);
  return WEIR_MORE;
}

static const WeirRole transform = { .summary = "Shouts", .consume = shout_consume };
WEIR_PLUGIN ("shout", "1.0", NULL, &transform, NULL);
END
cat >test-shout.c <<'END'
#include <assert.h>
#include <weir/harness.h>

extern const WeirPlugin weir_plugin;

static void
try (WeirHarness *harness)
{
  assert (harness != NULL);
  weir_harness_push_text (harness, "hello");
  weir_harness_push_line (harness, "you");
  assert (weir_harness_finish (harness));
  assert (weir_harness_expect_output (harness, NULL, "HELLO!|YOU!|"));
  assert (weir_harness_expect_calls (harness, "consume(hello) consume(you)"));
  weir_harness_free (harness);
}

int
main (int argc, char **argv)
{
  try (weir_harness_new (&weir_plugin, WEIR_HARNESS_TRANSFORM, NULL, NULL));
  for (int i = 1; i < argc; i++) {
    try (weir_harness_new_for_file (argv[i], WEIR_HARNESS_TRANSFORM, NULL, NULL));
  }
  WeirHarness *harness = weir_harness_new (&weir_plugin, WEIR_HARNESS_TRANSFORM, NULL, NULL);
  assert (!weir_harness_expect_state (harness, "running"));
  weir_harness_free (harness);
  return 0;
}
END

begin "a plugin is tested out of the tree by the harness: plain assert"
# shellcheck disable=SC2046
run "${cc[@]}" -std=c11 -shared -fPIC $(pkg-config --cflags weir) shout.c -o shout.so
expect_status 0
# shellcheck disable=SC2046
run "${cc[@]}" -std=c11 -Wall -Wextra -Werror $(pkg-config --cflags weir) shout.c test-shout.c $(pkg-config --libs weir) -o test-shout
expect_status 0
run env LD_LIBRARY_PATH="$root$libdir" WEIR_PLUGIN_PATH="$SCRATCH" ./test-shout ./shout.so "$SCRATCH/shout.so" shout
expect_status 0
expect_stderr 'test-shout.c:26: state:
  expected: running
  found:    new'

begin "and by g_test, with a handler of its own"
cat >gtest-shout.c <<'END'
#include <weir/harness.h>

extern const WeirPlugin weir_plugin;

static void
fail (const char *file, int line, const char *text)
{
  g_test_message ("%s:%d: %s", file, line, text);
  g_test_fail ();
}

static void
shouts (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirHarness) harness = weir_harness_new (&weir_plugin, WEIR_HARNESS_TRANSFORM, "{}", &error);
  g_assert_no_error (error);
  weir_harness_push_text (harness, "hello");
  weir_harness_finish (harness);
  weir_harness_expect_output (harness, NULL, g_test_slow () ? "hello|" : "HELLO!|");
  weir_harness_expect_error (harness, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  weir_harness_set_mismatch (fail);
  g_test_add_func ("/shout/shouts", shouts);
  return g_test_run ();
}
END
# shellcheck disable=SC2046
run "${cc[@]}" -std=c11 -Wall -Wextra -Werror $(pkg-config --cflags weir) shout.c gtest-shout.c $(pkg-config --libs weir) -o gtest-shout
expect_status 0
run env LD_LIBRARY_PATH="$root$libdir" ./gtest-shout --tap
expect_status 0
expect_match stdout '^ok 1 /shout/shouts'
run env LD_LIBRARY_PATH="$root$libdir" ./gtest-shout --tap -k -m slow
expect_status 1
expect_match stdout '^not ok .*/shout/shouts'
expect_match stdout 'expected: hello\|'

begin "the test with the harness runs in C++ too"
sed 's/extern const/extern "C" const/; s/ try (/ attempt (/g; s/^try (/attempt (/' test-shout.c >test-shout.cc
# shellcheck disable=SC2046
run "${cc[@]}" -std=c11 -c $(pkg-config --cflags weir) shout.c -o shout.o
# shellcheck disable=SC2046
run c++ -std=c++17 -Wall -Wextra -Werror $(pkg-config --cflags weir) test-shout.cc shout.o $(pkg-config --libs weir) -o test-shout-cc
expect_status 0
run env LD_LIBRARY_PATH="$root$libdir" ./test-shout-cc ./shout.so
expect_status 0

begin "pkg-config tells the plugin folder"
run pkg-config --variable=plugindir weir
expect_stdout "$root$pkglibdir"

begin "uninstall leaves no file"
run make -s -C "$WEIR_BUILD" uninstall DESTDIR="$SCRATCH/root"
expect_status 0
run find "$root" ! -type d
expect_stdout ''

finish
