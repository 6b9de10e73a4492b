#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What weir new-plugin writes is built, tested, installed and run as it is, each role with each build, against one `make install` into
# a scratch folder; the source and build tree are out of sight meanwhile, where the kernel lets us hide them.
for tool in meson ninja autoreconf libtoolize; do
  if ! command -v $tool >/dev/null; then
    echo "new-plugin-build.sh: skipped: there is no $tool"
    exit 77
  fi
done
. "$(dirname "$0")/lib.sh"

unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR CFLAGS CPPFLAGS LDFLAGS LD_LIBRARY_PATH
chmod 755 .
makefile_value () { make -s -C "$WEIR_BUILD" --eval="print-it: ; @echo \$($1)" print-it; }

begin "make install"
root=$SCRATCH/root prefix=$(makefile_value prefix) libdir=$(makefile_value libdir) bindir=$(makefile_value bindir)
run make -s -C "$WEIR_BUILD" install DESTDIR="$root"
expect_status 0
# weir.pc and the program name the final place: here that is below DESTDIR.
mkdir pkgconfig
sed "s|=$prefix|=$root$prefix|" "$root$libdir/pkgconfig/weir.pc" >pkgconfig/weir.pc
export PKG_CONFIG_PATH=$SCRATCH/pkgconfig PATH=$root$bindir:$PATH
plugins=$(pkg-config --variable=plugindir weir)
export WEIR_PLUGIN_PATH=$plugins

begin "pkg-config tells where program and plugins are"
[ "$plugins" = "$root$(makefile_value pkglibdir)" ] || fail "found plugins in $plugins"
expect test -x "$(pkg-config --variable=bindir weir)/weir"

# The trees, empty; unless one of them holds the scratch folder.
hidden=()
hide='mount -t tmpfs none "$0" && mount -t tmpfs none "$1" || exit; shift; exec "$@"'
case $SCRATCH/ in
  "$WEIR_SOURCE"/* | "$WEIR_BUILD"/*) ;;
  *)
    # The inner one first.
    case $WEIR_SOURCE/ in "$WEIR_BUILD"/*) trees=("$WEIR_SOURCE" "$WEIR_BUILD") ;; *) trees=("$WEIR_BUILD" "$WEIR_SOURCE") ;; esac
    if unshare --user --map-root-user --mount bash -c "$hide" "${trees[@]}" true 2>/dev/null; then
      hidden=(unshare --user --map-root-user --mount bash -c "$hide" "${trees[@]}")
    fi
    ;;
esac
[ ${#hidden[@]} != 0 ] || echo 'the trees cannot be hidden here; what is made is searched for their names only'

# go_through ROLE BUILD: from nothing to a plugin that runs, and back.
go_through () {
  local name=my-$1-$2 plugins=$WEIR_PLUGIN_PATH folder
  set -e
  weir new-plugin "$name" --role "$1" --build "$2"
  cd "$name"
  case $2 in
    make)
      folder=.
      make check CFLAGS='-O2 -Wall -Wextra -Wshadow -Wpedantic -Wstrict-prototypes -Wmissing-prototypes -Werror'
      make install
      ;;
    meson)
      folder=build
      meson setup --werror build
      meson test -C build --print-errorlogs
      meson install -C build
      ;;
    autotools)
      folder=.libs
      autoreconf --install
      ./configure --quiet CFLAGS='-O1 -Werror'
      make check VERBOSE=1
      make install
      ;;
  esac
  cmp "$folder/$name.so" "$plugins/$name.so"
  [ ! -e "$plugins/$name.la" ]
  weir inspect "$name"
  mkdir elsewhere
  cd elsewhere
  weir run --quiet "../$name.json" >output
  if [ "$1" = consumer ]; then mv "$name.out" output; fi
  cmp output "../../$1.wanted"
  cd ..
  if [ "$2" = meson ]; then ninja -C build uninstall; else make uninstall; fi
  [ ! -e "$plugins/$name.so" ]
}

printf '1\n2\n3\n' >producer.wanted
printf '0: a l\n1: a l\n2: a l\n' >transform.wanted
printf '0: a text\n1: a text\n2: a text\n' >consumer.wanted

# Of this test's surroundings they have no more than what finds the installed Weir.
alone=(env -i PATH="$PATH" HOME="$SCRATCH" LC_ALL=C PKG_CONFIG_PATH="$PKG_CONFIG_PATH" WEIR_PLUGIN_PATH="$plugins")
# Those that take longest first, all at once.
for build in autotools meson make; do
  for role in producer transform consumer; do
    (
      ${hidden[@]+"${hidden[@]}"} "${alone[@]}" bash -c "$(declare -f go_through); go_through $role $build" \
        </dev/null >"log-$role-$build" 2>&1
      echo $? >"status-$role-$build"
    ) &
  done
done
wait

for role in producer transform consumer; do
  for build in make meson autotools; do
    begin "$role, $build: made, built, tested, installed, run"
    expect_text "status-$role-$build" 0
    [ $case_failed = no ] || tail -n 30 "log-$role-$build"
    # Nothing that was compiled, or noted by a build, tells of another Weir.
    ! grep -r -l -F -e "$WEIR_SOURCE/" -e "$WEIR_BUILD/" "my-$role-$build" >found || fail "a tree is named in $(cat found)"
  done
done

# breaks ROLE EXPRESSION TEST: with that change to the plugin its test fails.
breaks () {
  begin "the $1's test can fail: $3"
  rm -rf broken
  run weir new-plugin broken --role "$1"
  sed -i "$2" broken/broken.c
  ! grep -q -- "$4" broken/broken.c || fail "nothing was changed"
  run make -C broken check
  expect_status 2
  expect_match stdout "^not ok .*/broken/$3|^(Bail out! )?ERROR:.*test_$(echo "$3" | tr - _):"
}
breaks producer 's/++state->number/state->number++/' counts-to-the-last '++state'
breaks transform 's/MIN (record->size, state->most)/record->size/' cuts 'MIN'
breaks consumer 's/O_APPEND/O_TRUNC/' appends O_APPEND
breaks consumer 's/weir_stage_wait_fd (.*)$/weir_stage_fail (stage, "full")/' waits wait_fd
breaks consumer 's/weir_stage_fail_errno (stage, "cannot open %s", state->path)/weir_stage_fail (stage, "no")/' fails 'cannot open'

begin "make check opens the object itself, too"
rm -rf broken
run weir new-plugin broken --role transform
echo 'extern int nowhere (void); G_GNUC_UNUSED int (*const uses) (void) = nowhere;' >>broken/broken.c
echo 'int nowhere (void); int nowhere (void) { return 0; }' >>broken/test-broken.c
run make -C broken check
expect_status 2
expect_match stderr 'undefined symbol: nowhere'

begin "make installs where it is told to"
rm -rf broken
run weir new-plugin other --role producer
for arguments in 'plugindir=/there' 'prefix=/there'; do
  run make -s -C other install $arguments DESTDIR="$SCRATCH/place"
  expect_status 0
done
(cd place && find . -type f | sort) >found
expect_text found "./there/${libdir#"$prefix/"}/weir/other.so
./there/other.so"

begin "make without Weir says so"
run env PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR="$SCRATCH" make -C other check
expect_status 2
expect_match stderr 'pkg-config does not find weir'

if command -v clang >/dev/null; then
  begin "clang says nothing of the plugins and their tests"
  for role in producer transform consumer; do
    run weir new-plugin "clang-$role" --role $role
    run make -s -C "clang-$role" check CC=clang CFLAGS='-Wall -Wextra -Wshadow -Wpedantic -Werror'
    expect_status 0
  done
fi

finish
