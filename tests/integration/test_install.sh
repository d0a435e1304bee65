#!/usr/bin/env bash
# cmake --install: the units name the programs where they went, in words that systemd takes for one, and the programs
# run from there; every document that a manual page or another document names is there.
network=whole
source "$ASSAY_SOURCE/tests/integration/lib.sh"
build=$(dirname "$ASSAY_BIN")

# unit_says PREFIX WORD: installed there, each unit's ExecStart= is the template's but for the program, which is
# PREFIX/bin/NAME in WORD's place of NAME.
unit_says() {
    local name template installed
    cmake --install "$build" --prefix "$1" >"$work/install.log" || fail "cannot be installed in $1"
    for name in assay-coordinator assay-worker; do
        template=$ASSAY_SOURCE/share/systemd/$name.service
        installed=$1/lib/systemd/system/$name.service
        [ "$(grep ^ExecStart= "$installed")" = "ExecStart=${2//NAME/$name}$(sed -n 's/^ExecStart=[^ ]*//p' "$template")" ] ||
            fail "in $1: $(grep ^ExecStart= "$installed")"
        diff <(grep -v ^ExecStart= "$template") <(grep -v ^ExecStart= "$installed") >&2 ||
            fail "more is changed of $installed"
        "$1/bin/$name" --version >"$work/out" || fail "$1/bin/$name does not run"
    done
}

unit_says "$work/plain_1.0" "$work/plain_1.0/bin/NAME"
unit_says "$work/my tools" "\"$work/my tools/bin/NAME\""
unit_says "$work/50%off;\$HOME é" "\"$work/50%%off;\$HOME é/bin/NAME\""

documents=$work/plain_1.0/share/doc/assay
named=$(sed 's/\\-/-/g' "$work"/plain_1.0/share/man/man1/*.1 | grep -oE '(docs|experiments)/[a-z0-9_-]+\.(md|json)' | sort -u)
[[ $named == *docs/on-finish.md* ]] || fail "the pages name $named"
for name in $named; do [ -s "$documents/$name" ] || fail "a page names $name, which is not installed"; done
for file in "$documents"/{*,docs/*}.md; do
    for name in $(grep -oE '\]\((\.\./)?[a-z_/-]+\.(md|json|png)' "$file" | sed 's/^](//'); do
        [ -s "$(dirname "$file")/$name" ] || fail "$file names $name, which is not installed"
    done
done

cmake --install "$build" --prefix "$work/a\"b" >"$work/install.log" 2>&1
grep -q 'systemd starts no program with quotes' "$work/install.log" || fail "no word of the quotes: $(cat "$work/install.log")"
