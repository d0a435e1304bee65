#!/usr/bin/env bash
# `assay demo`, small: stopped by Ctrl-C it leaves no process, run again it goes on to the table; killed
# it takes its children along; it writes into no folder that holds something else.
[ -n "${ASSAY_SANITIZED:-}" ] || network=whole
. "$(dirname "$0")/lib.sh"

pictures=24
epochs=3
demo=$work/demo

no_children() {
    ! pgrep -f -- "$1/(worker|demo.db)" >/dev/null
}

# start_demo NAME: in a process group of its own with SIGINT as a shell's foreground job has it.
start_demo() {
    : >"$work/$1.log"
    setsid env --default-signal=INT "$ASSAY_BIN/assay" demo --dir "$work/$1" --pictures $pictures \
        --epochs $epochs >"$work/$1.log" 2>&1 &
    demo_pid=$!
    until_true "an experiment runs" grep -q 'running on' "$work/$1.log"
}

# end_demo SIGNAL: to the demo alone or, with a minus before its id, to the group as Ctrl-C does.
end_demo() {
    kill -"$1" -- "$2"
    status=0
    wait "$demo_pid" 2>/dev/null || status=$?
}

# Ctrl-C
start_demo demo
end_demo INT "-$demo_pid"
[ "$status" = 130 ] || fail "Ctrl-C ended the demo with $status"
no_children "$demo" || fail "Ctrl-C left a child"
grep -q "^Stopped; assay demo --dir $demo goes on" "$work/demo.log" || fail "it does not say how to go on"
db=$demo/demo.db
[ "$(sql "SELECT group_concat(DISTINCT state) FROM experiment")" = queued ] ||
    fail "the stopped experiment was not given back"

# on to the table
(cd "$demo" && find faces -type f -exec sha256sum {} +) >"$work/drawn.txt"
[ "$(wc -l <"$work/drawn.txt")" = $((3 * pictures)) ] || fail "there are other pictures than asked for"
assay demo --dir "$demo" >"$work/again.log" 2>&1 || fail "the second run ended with $?"
no_children "$demo" || fail "the end left a child"
grep -q '^Going on with the experiments that were stopped' "$work/again.log" || fail "it began anew"
(cd "$demo" && sha256sum --quiet -c "$work/drawn.txt") || fail "the pictures were drawn again"
for rows in 'best  *[0-9]+  valid' 'best  *[0-9]+  test' 'last  *3  valid' 'last  *3  test'; do
    [ "$(grep -Ec "^  $rows" "$work/again.log")" = 4 ] || fail "not four rows of $rows"
done
for name in base +jitter +affine 'real x2'; do
    grep -q "^[0-9]* demo/$name\$" "$work/again.log" || fail "demo/$name is not compared"
done
grep -q '^Which to keep' "$work/again.log" || fail "nothing is said about which to keep"
grep -q "assay coordinator --db $demo/demo.db" "$work/again.log" || fail "how to look again is not said"
preview=$(sed -n 's/^  \(assay preview .*\)/\1/p' "$work/again.log")
(cd "$work" && $preview && [ -s sheet.png ]) || fail "what is said to try does not work: $preview"
[ "$(sql "SELECT count(*) FROM experiment WHERE state = 'done'")" = 4 ] || fail "not all are done"
for id in 1 2 3 4; do
    found=$(sql "SELECT group_concat(epoch, ' ') FROM
        (SELECT epoch FROM epoch WHERE experiment = $id ORDER BY epoch)")
    [ "$found" = "$(seq -s ' ' $epochs)" ] || fail "experiment $id has the epochs $found"
done

# what the coordinator says is shown
start_coordinator
status=0
assay demo --dir "$demo" >"$work/held.txt" 2>&1 || status=$?
[ "$status" = 1 ] || fail "a database in use ended the demo with $status"
grep -q '^assay: assay-coordinator ended' "$work/held.txt" || fail "$(cat "$work/held.txt")"
grep -q 'demo.db' "$work/held.txt" || fail "the coordinator's own words are not shown"
kill_coordinator

# what it says is good for a shell
start_demo 'my demo'
end_demo INT "-$demo_pid"
grep -qF "assay demo --dir '$work/my demo' goes on" "$work/my demo.log" || fail "the folder is not quoted"

# killed
start_demo killed
end_demo KILL "$demo_pid"
until_true "the children have gone too" no_children "$work/killed"

# the same seed gives the same files, another one others
assay demo --dir "$work/same" --pictures $pictures --pictures-only >/dev/null
diff -r "$demo/faces" "$work/same/faces" || fail "the same seed drew other pictures"
assay demo --dir "$work/other" --pictures $pictures --seed 1 --pictures-only >/dev/null
for file in "$work"/other/faces/*/*.png; do
    ! cmp -s "$file" "$demo/${file#"$work/other/"}" || fail "two seeds drew the same $file"
done

# refusals
refused() {
    local words=$1
    shift
    status=0
    assay demo "$@" >"$work/refusal.txt" 2>&1 || status=$?
    [ "$status" = 2 ] || fail "assay demo $* ended with $status"
    [ "$(wc -l <"$work/refusal.txt")" = 1 ] || fail "not one line: $(cat "$work/refusal.txt")"
    grep -q "^assay: .*$words" "$work/refusal.txt" || fail "$(cat "$work/refusal.txt")"
}
mkdir "$work/mine"
echo precious >"$work/mine/thesis.txt"
refused 'holds something else' --dir "$work/mine"
[ "$(ls -A "$work/mine")" = thesis.txt ] || fail "something was written beside thesis.txt"
refused 'cannot be a demo' --dir "$work/mine/thesis.txt"
refused 'leave these options out' --dir "$demo" --seed 5
refused 'pictures needs' --dir "$work/none" --pictures 1
refused 'epochs needs' --dir "$work/none" --epochs many
[ ! -e "$work/none" ] || fail "a refused demo made its folder"
