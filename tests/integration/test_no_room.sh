#!/usr/bin/env bash
# The coordinator has no room for checkpoints: the worker says so, training goes on, and the run is
# done all the same. With room again, what waits arrives late.
. "$(dirname "$0")/lib.sh"

for limit in 0 0.0000000001 -1 nan 2000000; do # the second is less than a byte, which is not: no limit
    status=0
    timeout 60 "$ASSAY_BIN/assay-coordinator" --db "$work/none.db" --listen 'tcp://127.0.0.1:*' --artifacts-max "$limit" \
        2>"$work/err" >"$work/out" || status=$?
    [ $status = 2 ] && grep -q "^assay: --artifacts-max is in GiB, .* not \"$limit\"" "$work/err" ||
        fail "exit code $status of $limit GiB: $(cat "$work/err")"
done

write_experiment "$work/tight.json" 20 2
coordinator_options+=(--artifacts-max 0.001)
start_coordinator
id=$(submit "$work/tight.json")
start_worker worker
until_true "the run is done" in_state "$id" done
expect_complete "$id" 2
grep -q 'is not taken by the coordinator: no room for a file of .*--artifacts-max' "$work/worker.log" ||
    fail "the worker does not say why"
[ "$(sql "SELECT count(*) FROM artifact WHERE kind <> 'file'")" = 0 ] || fail "there was room"

kill_coordinator
coordinator_options=(--lease 3)
start_coordinator
all_are_there() {
    [ "$(sql "SELECT count(*) FROM artifact WHERE experiment = $id AND kind <> 'file'")" = 3 ]
}
until_true "what waited arrives" all_are_there
