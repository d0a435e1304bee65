#!/usr/bin/env bash
# Broken experiment files and pictures: each is said in the lines it deserves, with exit code 2, and
# leaves no trace in the database.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

# expect_refusal LINES COMMAND...: exit code 2, nothing on stdout, the file LINES on stderr.
expect_refusal() {
    local lines=$1 status=0
    shift
    "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status = 2 ] || fail "exit code $status of: $*"
    [ ! -s "$work/out" ] || fail "something on stdout of: $*"
    diff -u "$lines" "$work/err" >&2 || fail "other lines of: $*"
}

start_coordinator
write_experiment "$work/good.json" 10 1

# Every file beside its lines (tests/data/experiments/broken).
cd "$ASSAY_SOURCE/tests/data/experiments/broken"
count=0
for file in *.json; do
    expect_refusal "${file%.json}.txt" assay validate "$file"
    expect_refusal "${file%.json}.txt" assay submit "$file"
    expect_refusal "${file%.json}.txt" assay submit "$work/good.json" "$file"
    count=$((count + 1))
done
[ $count -ge 40 ] || fail "only $count broken files"

# Files that are none.
cd "$work"
mkdir -p folder.json
for file in folder.json missing.json /dev/null; do
    status=0
    assay validate "$file" 2>err || status=$?
    [ $status = 2 ] || fail "exit code $status for $file"
    [ "$(wc -l <err)" = 1 ] || fail "not one line for $file"
    grep -q "^assay: $file:" err || fail "$file is not named first: $(cat err)"
done

# Pictures: a good one, mutilated.
good=$(find pictures -name '*.png' | sort | head -n 1)
size=$(stat -c %s "$good")
mkdir broken
mutilate() { # NAME OFFSET BYTES: overwrites
    cp "$good" "broken/$1.png"
    printf "$3" | dd of="broken/$1.png" bs=1 seek="$2" conv=notrunc status=none
}
: >broken/empty.png
echo '{"not": "a picture"}' >broken/text.png
for length in 1 7 8 20 33 40 $((size / 2)) $((size - 20)); do
    head -c "$length" "$good" >"broken/cut_at_$length.png"
done
mutilate signature 1 'XYZ'
mutilate width_zero 16 '\0\0\0\0'
mutilate width_huge 16 '\177\377\377\377'
mutilate height_huge 20 '\177\377\377\377'
mutilate depth 24 '\003'
mutilate colour_type 25 '\007'
mutilate header_length 8 '\377\377\377\377'
mutilate chunk_name 37 '\0\0\0\0'
mutilate data $((size / 2)) '\0\377\0\377\0\377'
mkdir broken/folder.png
for picture in broken/*.png broken/missing.png; do
    status=0
    assay transform good.json "$picture" --stage eval --epoch 1 --index 0 --out out.png \
        >out 2>err || status=$?
    [ $status = 2 ] || fail "exit code $status for $picture: $(cat err)"
    [ "$(wc -l <err)" = 1 ] || fail "not one line for $picture: $(cat err)"
    grep -q "^assay: .*$picture" err || fail "$picture is not named: $(cat err)"
    [ ! -e out.png ] || fail "$picture left a picture behind"
done

# A database that would be no file, or another than the one that is named.
for name in :memory: file:x.db 'file:x.db?mode=memory'; do
    for command in coordinator "backup out.db" "restore good.json" fsck; do
        status=0
        # shellcheck disable=SC2086 # the words of $command are apart
        timeout "$patience" "$ASSAY_BIN/assay" $command --db "$name" >out 2>err || status=$?
        [ $status = 2 ] || fail "exit code $status for $command --db $name"
        [ "$(wc -l <err)" = 1 ] && grep -q '^assay: --db .*; ' err || fail "other words: $(cat err)"
    done
done
[ -z "$(find . -name '*memory*' -o -name '*x.db*')" ] || fail "something of it was made"

# A folder may be called anything.
mkdir plain
assay worker --dir file:plain --idle-exit 0 >out 2>err || fail "a worker in file:plain: $(cat err)"
[ -e file:plain/spool.db ] && [ ! -e plain/spool.db ] || fail "its spool is elsewhere: $(find . -name spool.db)"

# A worker's folders: one that is none is refused, one that is not there is said.
for option in "--data-root good.json" "--data-root / --weights-root good.json"; do
    status=0
    # shellcheck disable=SC2086 # the words of $option are apart
    assay worker --dir refused $option --idle-exit 0 >out 2>err || status=$?
    [ $status = 2 ] || fail "exit code $status for a worker with $option"
    grep -q '^assay: --[a-z]*-root needs a folder, not "good.json"' err || fail "other words: $(cat err)"
done
assay worker --dir waiting --data-root missing --backend cpu --idle-exit 0 >out 2>err || :
grep -q '^assay: warning: --data-root "missing" is not there' err || fail "other words: $(cat err)"

# Too few files that may be open: nothing begins.
for command in ls "coordinator --db few.db --listen tcp://127.0.0.1:*" "worker --dir few --backend cpu --idle-exit 0"; do
    status=0
    # shellcheck disable=SC2086 # the words of $command are apart
    (ulimit -n 12 && exec "$ASSAY_BIN/assay" $command) >out 2>err </dev/null || status=$?
    [ $status = 1 ] || fail "exit code $status with 12 open files of: assay $command: $(cat err)"
    grep -q "^assay: .*12 files may be open at once, .*; raise the limit with: ulimit -n 1024$" err || fail "other words: $(cat err)"
done

# An unknown option is one line, whichever program reads the command line.
for command in ls coordinator "coordinator --lease soon" "coordinator runs.db" worker "worker step" \
    "worker bench" "worker predict" "worker evaluate" backup restore fsck "fsck more words"; do
    status=0
    # shellcheck disable=SC2086 # the words of $command are apart
    assay $command --nonsense >out 2>err </dev/null || status=$?
    [ $status = 2 ] || fail "exit code $status of: assay $command --nonsense"
    [ ! -s out ] || fail "something on stdout of: assay $command --nonsense"
    [ "$(wc -l <err)" = 1 ] || fail "not one line of: assay $command --nonsense: $(cat err)"
    grep -q "^assay: .*; see assay.* --help$" err || fail "other words: $(cat err)"
done

status=0
assay coordinator --db 2>err || status=$?
[ $status = 2 ] || fail "exit code $status of --db without a value"
[ "$(cat err)" = "assay: --db needs a value: FILE; see assay-coordinator --help" ] || fail "other words: $(cat err)"

status=0
assay worker --conect tcp://127.0.0.1:1 2>err || status=$?
[ $status = 2 ] || fail "exit code $status of a misspelt option"
[ "$(cat err)" = "assay: unknown option --conect; did you mean --connect?; see assay-worker --help" ] ||
    fail "other words: $(cat err)"

# Nothing of all this was queued.
[ "$(assay ls --json)" = "[]" ] || fail "something was queued"
[ "$(sql 'SELECT count(*) FROM experiment')" = 0 ] || fail "the database has experiments"
