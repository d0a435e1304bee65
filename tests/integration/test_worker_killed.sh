#!/usr/bin/env bash
# Workers are killed with SIGKILL at several moments of one experiment; others carry on, in the same
# folder and in another one. Every epoch is there once, every evaluation is there, and the weights
# are those of an undisturbed run, bit for bit.
. "$(dirname "$0")/lib.sh"

epochs=16
optimizer='"name": "adam"'
write_experiment "$work/calm.json" 40 $epochs
write_experiment "$work/shaken.json" 40 $epochs

start_coordinator
calm=$(submit "$work/calm.json")
start_worker undisturbed
until_true "the undisturbed run is done" in_state "$calm" done
end_worker undisturbed TERM
[ "$status" = 0 ] || fail "the worker ended with $status on SIGTERM"

shaken=$(submit "$work/shaken.json")

start_worker first
until_true "the experiment is handed out" in_state "$shaken" running
end_worker first KILL # before its first epoch, most likely

start_worker first # the same folder: the same worker again
hold_inside_an_epoch first "$shaken" 0
hold first "the report of the one before has arrived" has_epochs "$shaken" 1
end_worker first KILL # in the second epoch or the one after it

start_worker second # another folder: takes over when the lease has run out
hold_inside_an_epoch second "$shaken" 1
end_worker second KILL # inside an epoch

start_worker first
until_true "the last epoch is reported" has_epochs "$shaken" $epochs
end_worker first KILL # among the evaluations, or when all is done but reported

start_worker second
until_true "the experiment is done" in_state "$shaken" done

expect_complete "$shaken" $epochs
expect_same_run "$calm" "$shaken" "the killed run"
