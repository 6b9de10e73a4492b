#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir new-plugin: what it writes, how large that is, what it refuses, and that nothing is left where it fails. That it builds, tests and
# installs is tests/cli/new-plugin-build.sh's.
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH

# refused NAME MESSAGE ARGUMENT...: told in one line, and nothing is written.
refused () {
  begin "$1"
  local before
  before=$(ls -A)
  run "$WEIR" new-plugin "${@:3}"
  expect_status 2
  expect_stdout ''
  expect_stderr "weir: new-plugin: $2; see weir new-plugin --help"
  [ "$(ls -A)" = "$before" ] || fail "something was written: $(ls -A)"
}

touch stdout stderr .wanted
refused "no name" 'no name given'
refused "two names" 'found 2 names, expected one' one two --role producer
refused "no role" 'no role given, expected --role producer, transform or consumer' mine
refused "an unknown role" 'found role "filter", expected producer, transform or consumer' mine --role filter
refused "an empty role" 'found role "", expected producer, transform or consumer' mine --role ''
refused "an unknown build" 'found build "cmake", expected make, meson or autotools' mine --role producer --build cmake
refused "an unknown option" 'Unknown option --rule' mine --rule producer
for name in '' 9lives -- a.b a/b ../mine 'a b' $'a\nb' 'ü' .hidden '$(x)' a@b; do
  shown=$name
  if [ "$name" = $'a\nb' ]; then shown='a\nb'; fi
  if [ "$name" = -- ]; then continue; fi
  refused "the name \"$shown\"" "found plugin name \"$shown\", expected a letter or _, then letters, digits, _ or -" \
    --role producer -- "$name"
done
refused "a dash first" 'found plugin name "-mine", expected a letter or _, then letters, digits, _ or -' --role producer -- -mine
refused "a name of Weir's own" 'found plugin name "reply", which is Weir'\''s own, expected another one' reply --role consumer
refused "a name that a plugin has" \
  "found plugin name \"lines\", which $(realpath "$WEIR_BUILD")/plugins/.libs/lines.so has, expected another one" lines --role transform
for name in test install meson-mine; do
  refused "the name $name, with meson" "found plugin name \"$name\", which Meson has for itself, expected another one" \
    $name --role producer --build meson
done

begin "a name that Meson has for itself is fine with make"
run "$WEIR" new-plugin install --role producer
expect_status 0

begin "something of that name is there: a folder, a file, a link that leads nowhere"
mkdir a-folder
: >a-file
ln -s nowhere a-link
for name in a-folder a-file a-link; do
  run "$WEIR" new-plugin $name --role producer
  expect_status 1
  expect_stdout ''
  expect_stderr "weir: new-plugin: found something called \"$name\" here, expected that there is none"
done
expect_text a-file ''
run ls -A a-folder
expect_stdout ''
[ -L a-link ] || fail "the link is gone"

begin "no folder can be made here"
run sh -c 'cd /proc && exec "$0" new-plugin mine --role producer' "$WEIR"
expect_status 1
expect_stdout ''
expect_stderr 'weir: new-plugin: cannot make a folder here: No such file or directory'

begin "nothing half-written is left where the disk is full"
mkdir full
before=$(find . | sort)
run sh -c 'trap "" XFSZ; ulimit -f 1; cd full && exec "$0" new-plugin mine --role consumer' "$WEIR"
expect_status 1
expect_stdout ''
expect_match stderr '^weir: new-plugin: .*: File too large$'
[ "$(find . | sort)" = "$before" ] || fail "something was left: $(find full)"

begin "a name too long for a folder"
name=$(printf '%0300d' 0 | tr 0 a)
run "$WEIR" new-plugin "$name" --role producer
expect_status 1
expect_stderr 'weir: new-plugin: cannot make a folder here: File name too long'

# most ROLE: how many lines its source may have.
most () {
  case $1 in
    producer) echo 30 ;;
    transform) echo 20 ;;
    consumer) echo 45 ;;
  esac
}

for role in producer transform consumer; do
  for build in make meson autotools; do
    name=a_$role-$build
    begin "$role, $build: the files, each a text without a gap"
    run "$WEIR" new-plugin --build $build $name --role=$role
    expect_status 0
    expect_stderr ''
    case $build in
      make) files=Makefile next='make check' ;;
      meson) files=meson.build next='meson setup build && meson test -C build' ;;
      autotools) files="Makefile.am configure.ac" next='autoreconf --install && ./configure && make check' ;;
    esac
    expect_stdout "Made the folder $name, a $role; its README.md tells more. Next:
  cd $name && $next"
    (cd $name && printf '%s\n' * .[!.]*) | sort >found
    printf '%s\n' .gitignore README.md $name.c $name.json test-$name.c $files | sort >wanted
    expect_file found wanted
    for file in $name/* $name/.gitignore; do
      [ -z "$(tail -c 1 "$file")" ] || fail "$file does not end with a newline"
      expect_no_match "$file" '@[A-Z]+@|[[:space:]]$|.{121}'
      expect_match <(stat -c %a "$file") '^644$'
    done
    expect_match <(stat -c %a $name) '^755$'

    begin "$role, $build: the source has at most $(most $role) lines"
    lines=$(wc -l <$name/$name.c)
    [ "$lines" -le "$(most $role)" ] || fail "it has $lines"
  done
  begin "$role: the plugin is the same whatever builds it"
  for build in meson autotools; do
    sed "s/a_$role-make/a_$role-$build/g" a_$role-make/a_$role-make.c >wanted
    expect_file a_$role-$build/a_$role-$build.c wanted
  done
done

begin "the builds' words are in the README"
expect_match a_producer-make/README.md '^    make check$'
expect_match a_producer-make/README.md '^    weir run --plugin-path \. a_producer-make\.json$'
expect_match a_producer-make/README.md '^    weir plugin check \./a_producer-make\.so$'
expect_match a_producer-meson/README.md '^    weir plugin check build/a_producer-meson\.so$'
expect_match a_producer-meson/README.md '^    meson setup build && meson test -C build$'
expect_match a_producer-autotools/README.md '^    weir inspect --plugin-path \.libs a_producer-autotools$'

begin "make is the default"
run "$WEIR" new-plugin plain --role producer
expect_status 0
sed 's/a_producer-make/plain/g' a_producer-make/Makefile >wanted
expect_file plain/Makefile wanted

begin "--help names roles and builds"
run "$WEIR" new-plugin --help
expect_status 0
expect_match stdout '^  weir new-plugin \[OPTION.*\] NAME$'
expect_match stdout '^  --role=ROLE +producer, transform or consumer$'
expect_match stdout '^  --build=BUILD +make \(the default\), meson or autotools$'

finish
