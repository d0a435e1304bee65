#!/usr/bin/env bash
# SIGTERM ends a worker cleanly: it gives its experiment back, which costs no attempt, and another
# worker goes on from the last finished epoch at once, without waiting for a lease.
. "$(dirname "$0")/lib.sh"

epochs=16
coordinator_options=(--lease 600)
optimizer='"name": "adam"'
write_experiment "$work/one.json" 40 $epochs
start_coordinator
id=$(submit "$work/one.json")
start_worker first
hold_inside_an_epoch first "$id" 0
end_worker first TERM
[ "$status" = 0 ] || fail "the worker ended with $status on SIGTERM"
grep -q "experiment $id: given back" "$work/first.log" || fail "the experiment was not given back"
[ "$(state_of "$id")" = queued ] || fail "the experiment is $(state_of "$id"), not queued"
[ "$(sql "SELECT failures FROM experiment WHERE id = $id")" = 0 ] || fail "it cost an attempt"

start_worker second --idle-exit 2
until_true "the experiment is done" in_state "$id" done
expect_complete "$id" $epochs
status=0
wait "${worker_pid[second]}" || status=$?
unset "worker_pid[second]"
[ "$status" = 0 ] || fail "the idle worker ended with $status"

# one folder, one worker
start_worker third
until_true "the third is connected" grep -q '^connected' "$work/third.log"
status=0
"$ASSAY_BIN/assay-worker" --connect "$endpoint" --dir "$work/third" 2>"$work/refusal.txt" ||
    status=$?
[ "$status" = 2 ] || fail "a folder in use was answered with $status"
grep -q '^assay: .*another worker' "$work/refusal.txt" || fail "$(cat "$work/refusal.txt")"
