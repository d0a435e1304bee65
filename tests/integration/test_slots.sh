#!/usr/bin/env bash
# assay worker --slots 2: two experiments side by side where the memory is enough for both. One slot
# is killed: it is started again and goes on, the other never notices, and both end with the bits of
# a worker that was alone on as many cores. Drained, both give back.
. "$(dirname "$0")/lib.sh"

epochs=$(unless_sanitized 40 10)
coordinator_options=(--lease 600) # no lease runs out: what goes on was ended by its own slot
write_experiment "$work/calm.json" 160 $epochs '{"train.seed": [0, 1]}'
write_experiment "$work/pair.json" 160 $epochs '{"train.seed": [0, 1]}'
few_checkpoints "$work/calm.json"
few_checkpoints "$work/pair.json"
start_coordinator

# slots_there COUNT: so many workers are listed that are slots, and each of them lives: one that was killed is listed
# until it is back.
slots_there() {
    local pid pids
    assay workers --json >"$work/workers.json"
    pids=$(json "(SELECT group_concat(value ->> 'pid', ' ') FROM json_each(j) WHERE value ->> 'worker' GLOB '*/[12]')" \
        "$work/workers.json")
    [ "$(wc -w <<<"$pids")" = "$1" ] || return 1
    for pid in $pids; do
        kill -0 "$pid" 2>/dev/null || return 1
    done
}

# One core for each run, for the bits may follow how many it has (docs/architecture.md).
read -r -a calm <<<"$(submit "$work/calm.json")"
start_worker alone
until_true "the first of the calm runs is done" in_state "${calm[0]}" done
until_true "the second of the calm runs is done" in_state "${calm[1]}" done
end_worker alone TERM

# 8 GiB is what an experiment asks for
read -r -a pair <<<"$(submit "$work/pair.json")"
worker_cores=${cores[0]},${cores[1]:-${cores[0]}}
start_worker small --slots 2 --memory 15 --name mill
until_true "both small slots are there" slots_there 2
[ "$(json "(SELECT group_concat(value ->> 'worker', ' ') FROM json_each(j) WHERE value ->> 'worker' GLOB 'mill/*')" \
    "$work/workers.json" | tr ' ' '\n' | sort | xargs)" = 'mill/1 mill/2' ] || fail "they are: $(cat "$work/workers.json")"
[ "$(shown "${pair[0]}" '$.waits')" = 'no worker with 8 GiB of memory' ] ||
    fail "it waits for: $(shown "${pair[0]}" '$.waits')"
assay worker --drain --dir "$work/small" | holds 'has left$' || fail "nobody left the folder"
slots_there 0 || fail "a drained slot is still listed"
unset "worker_pid[small]"

# pid_of ID: of the slot that trains it.
pid_of() {
    assay workers --json >"$work/workers.json"
    json "(SELECT value ->> 'pid' FROM json_each(j) WHERE value ->> 'experiment' = $1)" \
        "$work/workers.json"
}

# SIGCHLD is ignored by who starts it, and a slot that ends is seen all the same
worker_prefix=(env --ignore-signal=CHLD)
start_worker slots --slots 2 --memory 16
until_true "the first has begun an epoch" is_inside_an_epoch "${pair[0]}"
until_true "beside it the second runs" in_state "${pair[1]}" running
[ "$(state_of "${pair[0]}")" = running ] || fail "they do not run side by side"
kill -KILL "$(pid_of "${pair[0]}")"
until_true "both are done, first" in_state "${pair[0]}" done
until_true "both are done, second" in_state "${pair[1]}" done
[ "$(cd "$work/slots" && echo slot-*)" = "slot-1 slot-2" ] || fail "other folders than slot-1 and slot-2"
grep -q '^assay: slot [12] was ended by signal 9' "$work/slots.log" || fail "nobody saw it die"
[ "$(shown "${pair[0]}" '$.attempt')" = 2 ] || fail "the killed slot's experiment was not resumed"
[ "$(shown "${pair[1]}" '$.attempt')" = 1 ] || fail "the other slot was disturbed"
for i in 0 1; do
    expect_complete "${pair[i]}" $epochs
    expect_same_run "${calm[i]}" "${pair[i]}" "a slot"
done

# all leave together, with what they hold given back
write_experiment "$work/long.json" 160 100000 '{"train.seed": [0, 1]}'
read -r -a long <<<"$(submit "$work/long.json")"
until_true "the first long one runs" is_inside_an_epoch "${long[0]}"
until_true "the second long one runs" is_inside_an_epoch "${long[1]}"
end_worker slots TERM
[ "$status" = 0 ] || fail "the slots ended with $status on SIGTERM"
for id in "${long[@]}"; do
    [ "$(state_of "$id")" = queued ] || fail "experiment $id is $(state_of "$id"), not queued"
    [ "$(sql "SELECT failures FROM experiment WHERE id = $id")" = 0 ] || fail "it cost an attempt"
done
assay cancel "${long[@]}" >"$work/cancelled.txt"
start_worker slots --slots 2 --idle-exit 1
status=0
wait "${worker_pid[slots]}" || status=$?
unset "worker_pid[slots]"
[ "$status" = 0 ] || fail "the idle slots ended with $status"

# one that waits to be started again while all leave is not started any more
start_worker slots --slots 2
until_true "both slots are there once more" slots_there 2
kill -KILL "$(json "j ->> '\$[0].pid'" "$work/workers.json")"
until_true "its end is seen" eval '[ "$(grep -c "was ended by signal 9" "$work/slots.log")" = 2 ]'
end_worker slots TERM
[ "$status" = 0 ] || fail "with a slot that waits they ended with $status"

# the program itself is killed: its slots do not stay behind
start_worker slots --slots 2
until_true "both slots are there again" slots_there 2
end_worker slots KILL
until_true "they have left" slots_there 0

# slots that do not leave: a signal behind a drain waits for them, the second ends all at once
start_worker slots --slots 2
until_true "both slots are there to be stopped" slots_there 2
mapfile -t stopped < <(sqlite3 :memory: \
    "SELECT value ->> 'pid' FROM json_each(CAST(readfile('$work/workers.json') AS TEXT))")
kill -STOP "${stopped[@]}"
kill -USR1 "${worker_pid[slots]}"
kill -TERM "${worker_pid[slots]}"
moment 0.5
kill -0 "${worker_pid[slots]}" || fail "a drained worker ends at the first signal"
end_worker slots TERM
[ "$status" = 143 ] || fail "the second signal ends it with $status"
for pid in "${stopped[@]}"; do
    until_true "slot $pid is gone" eval "! kill -0 $pid 2>/dev/null"
done

# the exit code is the highest of theirs
kill_coordinator
start_worker slots --slots 2 --idle-exit 1
status=0
wait "${worker_pid[slots]}" || status=$?
unset "worker_pid[slots]"
[ "$status" = 3 ] || fail "slots without a coordinator ended with $status"
