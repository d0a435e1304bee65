#!/usr/bin/env bash
# An experiment is paused while it runs and resumed, cancelled and retried, and fails and is retried
# (Ray Tune issues 16891, 30584: a failed trial could not be run again). Each time it goes on from its
# last finished epoch (issue 21825: from epoch 0), and in the end the weights are those of an
# undisturbed run, bit for bit.
. "$(dirname "$0")/lib.sh"

epochs=40
write_experiment "$work/calm.json" 40 $epochs
write_experiment "$work/shaken.json" 40 $epochs
coordinator_options=(--lease 9) # longer than anything here holds the worker
start_coordinator
calm=$(submit "$work/calm.json")
start_worker worker
until_true "the undisturbed run is done" in_state "$calm" done

# how often the worker has begun it; it goes on with the epoch after those that it had
begun() {
    grep -c "experiment $shaken, attempt" "$work/worker.log"
}
is_paused() {
    [ "$(state_of "$shaken")" = paused ]
}
# what it has; an epoch that is trained again takes another time
remember() {
    had=$(shown "$shaken" '$.epochs_done')
    [ "$had" -gt 0 ] && [ "$had" -lt $epochs ] || fail "it has $had epochs"
    sql "SELECT epoch, seconds FROM epoch WHERE experiment = $shaken" >>"$work/had"
}

shaken=$(submit "$work/shaken.json")
hold_inside_an_epoch worker "$shaken" 0
assay pause "$shaken" | holds ': paused$' || fail "it was not paused"
let_go worker
until_true "it has come back" grep -q "experiment $shaken: given back" "$work/worker.log"
until_true "it is paused" is_paused
[ "$(shown "$shaken" '$.waits')" = paused ] || fail "it waits for $(shown "$shaken" '$.waits')"
remember
[ "$(begun)" = 1 ] || fail "it was handed out although it is paused"
assay resume "$shaken" >/dev/null
hold_inside_an_epoch worker "$shaken" "$had"

assay cancel "$shaken" >/dev/null
[ "$(state_of "$shaken")" = cancelled ] || fail "it is $(state_of "$shaken"), not cancelled"
let_go worker
until_true "the worker has stopped" grep -q "experiment $shaken: stopped" "$work/worker.log"
remember
assay retry "$shaken" | holds ': queued again$' || fail "it was not queued again"
hold_inside_an_epoch worker "$shaken" "$had"
end_worker worker TERM
remember

# the pictures are gone: the worker cannot start it, and trying again would not help
mv "$work/pictures" "$work/hidden"
start_worker worker
has_failed() {
    [ "$(state_of "$shaken")" = failed ]
}
until_true "it has failed" has_failed
mv "$work/hidden" "$work/pictures"
assay retry "$shaken" >/dev/null
until_true "it is done" in_state "$shaken" done

expect_complete "$shaken" $epochs
again=$(sql "SELECT epoch, seconds FROM epoch WHERE experiment = $shaken" | grep -vxFf - "$work/had" || true)
[ -z "$again" ] || fail "these epochs were trained again: $again"
expect_same_run "$calm" "$shaken" "the disturbed run"
