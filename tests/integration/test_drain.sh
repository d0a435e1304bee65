#!/usr/bin/env bash
# assay worker --drain and assay drain: the worker of a folder, or of a name, gives its experiment back,
# which costs no attempt, and leaves; asked again there is none.
. "$(dirname "$0")/lib.sh"

# expect_given_back WORKER WHO: it has ended well, and its experiment waits as if it had not been tried.
expect_given_back() {
    local status=0
    wait "${worker_pid[$1]}" || status=$?
    unset "worker_pid[$1]"
    [ "$status" = 0 ] || fail "$2 ended with $status"
    [ "$(state_of "$id")" = queued ] || fail "the experiment is $(state_of "$id"), not queued"
    [ "$(sql "SELECT failures FROM experiment WHERE id = $id")" = 0 ] || fail "it cost an attempt"
}

coordinator_options=(--lease 600)
write_experiment "$work/one.json" 100 100000
start_coordinator
id=$(submit "$work/one.json")
start_worker first
until_true "an epoch is reported" has_epochs "$id" 1
until_true "the next has begun" is_inside_an_epoch "$id"

assay worker --drain --dir "$work/first" >"$work/drained.txt"
grep -q 'has left$' "$work/drained.txt" || fail "drain says $(cat "$work/drained.txt")"
expect_given_back first "the drained worker"
[ "$(assay workers --json | tr -d ' \n')" = '[]' ] || fail "the worker is still listed"

# the same from anywhere, through the coordinator
start_worker second
until_true "the second has begun an epoch" is_inside_an_epoch "$id"
name=$(sql "SELECT name FROM worker")
assay drain "$name" >"$work/drained.txt"
[ "$(cat "$work/drained.txt")" = "$name has left" ] || fail "drain says $(cat "$work/drained.txt")"
expect_given_back second "the worker that was drained from afar"
status=0
assay drain "$name" 2>"$work/refusal.txt" || status=$?
[ "$status" = 2 ] || fail "a worker that is not there was drained with $status"

assay worker --drain --dir "$work/first" | holds '^no worker runs in' || fail "nobody was there"
status=0
assay worker --drain --dir "$work" 2>"$work/refusal.txt" || status=$?
[ "$status" = 2 ] || fail "a folder that is none was answered with $status"
grep -q '^assay: no worker has been in' "$work/refusal.txt" || fail "$(cat "$work/refusal.txt")"
