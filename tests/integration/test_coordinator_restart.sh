#!/usr/bin/env bash
# The queue survives its coordinator (Ray Tune issue 7989: gone when the head node restarts). It is
# killed with SIGKILL in the middle of an experiment and started again: the worker
# trains on meanwhile, and nothing that was reported or would have been is lost.
. "$(dirname "$0")/lib.sh"

epochs=16
write_experiment "$work/one.json" 40 $epochs
write_experiment "$work/waits.json" 40 1
coordinator_options=(--lease 60) # none runs out
start_coordinator
id=$(submit "$work/one.json")
waits=$(submit "$work/waits.json")
assay pause "$waits" >/dev/null
start_worker worker
hold_inside_an_epoch worker "$id" 0
hold worker "an epoch is reported" has_epochs "$id" 1
kill_coordinator
let_go worker

until_true "the worker has trained on to the end" \
    grep -q "experiment $id: done" "$work/worker.log"
until_true "the worker says whom it misses" \
    grep -qF "no answer from the coordinator at $endpoint; trying again" "$work/worker.log"
[ "$(sql "SELECT count(*) FROM epoch WHERE experiment = $id")" -lt $epochs ] ||
    fail "all epochs were there before the restart: nothing was tested"

start_coordinator
until_true "the experiment is done" in_state "$id" done
expect_complete "$id" $epochs
[ "$(sql "SELECT attempt FROM experiment WHERE id = $id")" = 1 ] ||
    fail "the restart cost an attempt"
[ "$(state_of "$waits")" = paused ] || fail "the paused one is $(state_of "$waits") after the restart"
assay resume "$waits" >/dev/null
until_true "what was in the queue is done" in_state "$waits" done

# the same with a coordinator that comes back while the worker still trains
write_experiment "$work/two.json" 40 $epochs
id=$(submit "$work/two.json")
hold_inside_an_epoch worker "$id" 0
hold worker "an epoch is reported" has_epochs "$id" 1
kill_coordinator
start_coordinator
let_go worker
until_true "the experiment is done" in_state "$id" done
expect_complete "$id" $epochs
[ "$(grep -c "experiment $id, attempt" "$work/worker.log")" = 1 ] ||
    fail "the worker had to begin again"

# and a worker goes on whose output nobody reads any more
end_worker worker TERM
mkfifo "$work/unread"
exec 4<>"$work/unread"
"$ASSAY_BIN/assay-worker" --connect "$endpoint" --dir "$work/unheard" --backend "${ASSAY_TEST_BACKEND:-cpu}" \
    --threads 1 >"$work/unread" 2>&1 4<&- &
worker_pid[unheard]=$!
is_listed() {
    [ "$(sql "SELECT count(*) FROM worker")" = 1 ]
}
until_true "it is there" is_listed
exec 4<&-
id=$(submit "$work/waits.json")
until_true "the experiment is done" in_state "$id" done
end_worker unheard TERM
[ $status = 0 ] || fail "it ended with $status"

# What takes seconds is announced: reading a large database before it is used.
kill_coordinator
! grep -q "checking the database" "$work/coordinator.log" || fail "a small database is announced"
sqlite3 "$db" "CREATE TABLE large(b); INSERT INTO large VALUES (zeroblob(70000000)); DROP TABLE large"
start_coordinator
grep -q "checking the database first: $db, 6[0-9.]* MiB" "$work/coordinator.log" ||
    fail "a large database is not announced: $(tail -n 3 "$work/coordinator.log")"

# Until the database is open, a signal ends the coordinator at once: here somebody else holds it.
kill_coordinator
: >"$work/coordinator.log"
coproc holder { exec sqlite3 -cmd ".timeout 60000" "$db"; } # it waits for those who look whether it has it
worker_pid[holder]=$holder_PID
echo "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;" >&"${holder[1]}"
is_held() {
    ! sqlite3 "$db" "SELECT count(*) FROM experiment" >/dev/null 2>&1
}
until_true "the database is held" is_held
"$ASSAY_BIN/assay-coordinator" --db "$db" --listen "$endpoint" >>"$work/coordinator.log" 2>&1 &
coordinator_pid=$!
until_true "it is at the database" grep -q "checking the database first" "$work/coordinator.log"
kill -TERM $coordinator_pid
status=0
wait $coordinator_pid || status=$?
coordinator_pid=
[ $status = 143 ] || fail "it ended with $status: $(cat "$work/coordinator.log")"
