#!/usr/bin/env bash
# Real processes under a schedule of faults: the coordinator and the workers are killed with SIGKILL
# and stopped with SIGSTOP past their leases at random moments of an ablation. Every epoch is there
# once, every number and every weight is the undisturbed run's, bit for bit.
#
# The schedule follows from a seed, which is printed; FAULT_SEED=n repeats it (the moments are the
# same, what the programs do just then may differ; tests/world repeats to the last step).
. "$(dirname "$0")/lib.sh"

seed=${FAULT_SEED:-$((SECONDS + $(date +%s) % 100000))}
echo "FAULT_SEED=$seed"
RANDOM=$seed
disturbed=10 # seconds
epochs=$(unless_sanitized 12 5)
coordinator_options=(--lease 1)
workers=(one two)

write_experiment "$work/calm.json" 160 $epochs '{"train.seed": [0, 1]}'
few_checkpoints "$work/calm.json"
# no number of kills may be too many
sed '2i "max_attempts": 100,' "$work/calm.json" | sed 's/"calm"/"shaken"/' >"$work/shaken.json"

start_coordinator
read -ra calm <<<"$(submit "$work/calm.json")"
start_worker undisturbed
for id in "${calm[@]}"; do until_true "experiment $id is done" in_state "$id" done; done
end_worker undisturbed TERM

same_as_calm() { # ID OF-CALM
    expect_complete "$1" $epochs
    expect_same_run "$2" "$1" "$1"
}

read -ra shaken <<<"$(submit "$work/shaken.json")"
for name in "${workers[@]}"; do start_worker "$name"; done

any() {
    echo "${workers[RANDOM % ${#workers[@]}]}"
}

# One fault, and after a while the end of it. The pid is taken before: names are of the living.
fault() {
    local name pid while=0.$((RANDOM % 10))
    name=$(any)
    case $((RANDOM % 6)) in
        0 | 1)
            echo "$SECONDS s: $name is killed for $while s"
            end_worker "$name" KILL
            sleep "$while"
            start_worker "$name"
            ;;
        2 | 3)
            while=$((RANDOM % 3)).5
            echo "$SECONDS s: $name is stopped for $while s"
            pid=${worker_pid[$name]}
            kill -STOP "$pid"
            sleep "$while"
            kill -CONT "$pid"
            ;;
        4)
            echo "$SECONDS s: the coordinator is killed for $while s"
            kill_coordinator
            sleep "$while"
            start_coordinator
            ;;
        5)
            echo "$SECONDS s: the coordinator and $name are killed for $while s"
            kill_coordinator
            end_worker "$name" KILL
            sleep "$while"
            start_worker "$name"
            start_coordinator
            ;;
    esac
}

all_done() {
    [ "$(sql "SELECT count(*) FROM experiment WHERE name LIKE 'shaken%' AND state = 'done'")" = 2 ]
}

end=$((SECONDS + disturbed))
while [ $SECONDS -lt $end ] && ! all_done; do
    sleep 0.$((RANDOM % 10))
    fault
done
for i in 0 1; do
    until_true "experiment ${shaken[i]} is done" in_state "${shaken[i]}" done
    same_as_calm "${shaken[i]}" "${calm[i]}"
done
sql "SELECT 'experiment ' || experiment || ': ' || group_concat(outcome, ', ') FROM attempt
    WHERE experiment > 2 GROUP BY experiment"
wrong=$(sql "SELECT count(*) FROM experiment AS e WHERE attempt <> (SELECT count(*) FROM attempt AS a
    WHERE a.experiment = e.id) OR 1 <> (SELECT count(*) FROM attempt AS a
    WHERE a.experiment = e.id AND outcome NOT IN ('lost', 'failed', 'given_back'))")
[ "$wrong" = 0 ] || fail "attempts are missing or two of them count"

# A worker that is stopped past its lease finds another one at its work when it goes on.
sed 's/\[0, 1\]/[0]/' "$work/shaken.json" >"$work/stopped.json"
end_worker two TERM
id=$(submit "$work/stopped.json")
hold one "an epoch is reported" has_epochs "$id" 1
start_worker two
until_true "the other one has it" grep -q "experiment $id, attempt" "$work/two.log"
let_go one
until_true "the stopped worker is fenced" \
    grep -q "experiment $id: stopped, it is not this worker's any more" "$work/one.log"
until_true "the experiment is done" in_state "$id" done
same_as_calm "$id" "${calm[0]}"
for name in one two; do
    end_worker $name TERM
    [ "$status" = 0 ] || fail "$name ended with $status"
done
