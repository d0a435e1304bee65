# What every integration test stands on: a folder of its own, the programs in it, an end that leaves
# nothing behind. Sourced by test_*.sh, which ctest runs with ASSAY_BIN, ASSAY_NARROW and ASSAY_SOURCE.
#
# Nothing here waits for a time; everything polls for a fact with a bound (until_true).
set -euo pipefail
: "${ASSAY_BIN:?the folder of the built programs}" "${ASSAY_SOURCE:?the source tree}"
tools=$(dirname "$ASSAY_BIN")/tests
# Most of the tests are about how experiments are led, and their worker has a network of a sixteenth of the weights
# (tests/narrow.c): a step takes a few milliseconds, a checkpoint a few MB. The others say network=whole.
[ "${network:-narrow}" = whole ] || ASSAY_BIN=${ASSAY_NARROW:-$ASSAY_BIN}
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-test-XXXXXX")
db=$work/assay.db
mkfifo "$work/never" # (moment)
export ASSAY_HOME=$work/home
export LSAN_OPTIONS=suppressions=$ASSAY_SOURCE/tests/leaks.txt:print_suppressions=0
export TSAN_OPTIONS=suppressions=$ASSAY_SOURCE/tests/races.txt:print_suppressions=0:ignore_noninstrumented_modules=1:log_path=$work/race
patience=${ASSAY_PATIENCE:-90} # seconds that a wait may take; sanitizers and a busy machine included
declare -A worker_pid=()
coordinator_pid=
endpoint=

clean_up() {
    local status=$?
    trap - EXIT
    for pid in "$coordinator_pid" "${worker_pid[@]}"; do
        [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    # of which the exit status of a program that is killed, or not looked at, says nothing
    ! compgen -G "$work/race.*" >/dev/null || [ $status -ne 0 ] || status=1
    if [ $status -ne 0 ]; then
        for file in "$work"/race.*; do
            [ ! -s "$file" ] || { echo "--- ${file##*/}" && cat "$file"; } >&2
        done
        for file in "$work"/*.log; do
            [ -s "$file" ] || continue
            echo "--- ${file##*/}" >&2
            tail -n 25 "$file" >&2
        done
        [ -z "${KEEP:-}" ] || { echo "kept: $work" >&2; exit $status; }
    fi
    rm -rf "$work"
    exit $status
}
trap clean_up EXIT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# holds GREP-ARGUMENTS...: grep -q behind a pipe. It reads to the end: a program that writes to one who left would fail.
holds() {
    [ -n "$(grep "$@")" ]
}

# moment SECONDS: sleeps, without a process.
moment() {
    read -rt "$1" <>"$work/never" || true
}

# until_true WHAT COMMAND...: polls until COMMAND succeeds.
until_true() {
    local what=$1 deadline=$((SECONDS + patience))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "no end to waiting: $what"
        moment 0.05
    done
}

# start_coordinator: the first time on a free port, later on the same one again.
start_coordinator() {
    rm -f "$work/ready"
    "$ASSAY_BIN/assay-coordinator" --db "$db" --listen "${endpoint:-tcp://127.0.0.1:*}" \
        --ready-file "$work/ready" "${coordinator_options[@]}" >>"$work/coordinator.log" 2>&1 &
    coordinator_pid=$!
    until_true "the coordinator listens" test -s "$work/ready"
    endpoint=$(cat "$work/ready")
    export ASSAY_CONNECT=$endpoint
}
coordinator_options=(--lease 3)

# start_worker NAME [OPTION...]: in the folder of that name, by way of worker_prefix, on worker_cores, or else on one
# core, the next of those that the test may have: a worker's threads wait for each other after every few microseconds
# of a small network, which takes ages where another test has the core that one of them was on. scripts/gpu_check sets
# ASSAY_TEST_BACKEND and ASSAY_TEST_PRECISION; everywhere else it is cpu and fp32.
cores=()
IFS=, read -ra ranges < <(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
for range in "${ranges[@]}"; do
    mapfile -t -O "${#cores[@]}" cores < <(seq "${range%-*}" "${range#*-}")
done
next_core=$$
worker_cores=
[ "${ASSAY_TEST_BACKEND:-cpu}" = cpu ] || worker_cores=$(IFS=, && echo "${cores[*]}")
worker_prefix=()
start_worker() {
    local name=$1 core=${cores[next_core++ % ${#cores[@]}]}
    shift
    "${worker_prefix[@]}" taskset -c "${worker_cores:-$core}" "$ASSAY_BIN/assay-worker" \
        --connect "$endpoint" --dir "$work/$name" \
        --backend "${ASSAY_TEST_BACKEND:-cpu}" --threads 1 "$@" \
        >>"$work/$name.log" 2>&1 &
    worker_pid[$name]=$!
}

# hold NAME WHAT COMMAND...: lets the worker run a moment at a time until COMMAND succeeds, and leaves it stopped
# (SIGSTOP) there, so that no machine is too fast to be met in the middle. It goes on with let_go or end_worker.
hold() {
    local pid=${worker_pid[$1]} deadline=$((SECONDS + patience))
    kill -STOP "$pid"
    until "${@:3}"; do
        [ $SECONDS -lt $deadline ] || fail "no end to waiting: $2"
        kill -CONT "$pid"
        moment 0.02
        kill -STOP "$pid"
    done
}
let_go() {
    kill -CONT "${worker_pid[$1]}"
}

# hold_inside_an_epoch NAME ID AFTER: an epoch after AFTER is behind it, and it is in the next one: an epoch is reported
# once its checkpoint is durable, between two steps of the one that follows. Nothing here starts a process, so that the
# worker is stopped for moments only.
hold_inside_an_epoch() {
    hold "$1" "experiment $2 is inside an epoch" says_epoch_after "$3" "$work/$1.log" "experiment $2: epoch "
}
says_epoch_after() {
    local line lines
    mapfile -t lines <"$2"
    for line in "${lines[@]}"; do
        [[ $line != "$3"* ]] || { line=${line#"$3"} && [ "${line%%/*}" -le "$1" ]; } || return 0
    done
    return 1
}

# end_worker NAME SIGNAL: sends it and takes the exit status into `status`.
end_worker() {
    kill -"$2" "${worker_pid[$1]}"
    let_go "$1" 2>/dev/null || true # where it was held
    status=0
    wait "${worker_pid[$1]}" 2>/dev/null || status=$?
    unset "worker_pid[$1]"
}

kill_coordinator() {
    kill -KILL "$coordinator_pid"
    wait "$coordinator_pid" 2>/dev/null || true
    coordinator_pid=
}

assay() {
    "$ASSAY_BIN/assay" "$@"
}

sql() {
    sqlite3 -readonly -cmd '.timeout 5000' "$db" "$1"
}

# write_experiment FILE PICTURES EPOCHS [MATRIX]: makes the pictures (a class) once and an experiment
# on them: resnet18 at 32 pixels. With `optimizer`: one without moments, whose checkpoints are a third as large, but
# where moments must survive.
optimizer='"name": "sgd", "momentum": 0'
write_experiment() {
    local file=$1 pictures=$2 epochs=$3 matrix=${4:+, \"matrix\": $4}
    [ -d "$work/pictures" ] || "$tools/make_pictures" "$work/pictures" "$pictures"
    cat >"$file" <<JSON
{
  "name": "$(basename "$file" .json)",
  "data": {
    "root": "$work/pictures",
    "classes": [
      {"name": "fake", "dir": "fake", "label": 0},
      {"name": "real", "dir": "real", "label": 1}
    ],
    "split": {"train": 0.8, "valid": 0.1, "test": 0.1, "seed": 0}
  },
  "augmentations": [
    {"op": "random_crop", "size": 32},
    {"op": "random_horizontal_flip", "p": 0.5},
    {"op": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
  ],
  "evaluation": [
    {"op": "center_crop", "size": 32},
    {"op": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
  ],
  "model": {"arch": "resnet18", "head": "dropout", "dropout": 0.2, "weights": null},
  "train": {"epochs": $epochs, "batch_size": 16, "checkpoint_every": 2,
            "optimizer": {$optimizer}, "precision": "${ASSAY_TEST_PRECISION:-fp32}"}$matrix
}
JSON
}

# few_checkpoints FILE [EVERY]: none but best and last, or one EVERY so many epochs.
few_checkpoints() {
    sed -i "s/\"checkpoint_every\": 2/\"checkpoint_every\": ${2:-99}/" "$1"
}

# unless_sanitized EPOCHS FEWER: the first, or the second under sanitizers, where they take as long.
unless_sanitized() {
    [ -z "${ASSAY_SANITIZED:-}" ] && echo "$1" || echo "$2"
}

# json QUERY FILE: SQLite's JSON functions over a file, which the query calls j.
json() {
    sqlite3 :memory: "WITH file(j) AS (SELECT CAST(readfile('$2') AS TEXT)) SELECT $1 FROM file"
}

# submit FILE [OPTION...]: prints the ids, in one line.
submit() {
    assay submit "$@" --json >"$work/submitted.json"
    json "(SELECT group_concat(value ->> 'id', ' ') FROM json_each(j))" "$work/submitted.json"
}

# shown ID PATH: a value of `assay show --json`; it exits 4 when the experiment failed.
shown() {
    assay show "$1" --json >"$work/shown.json" || [ $? = 4 ]
    json "j ->> '$2'" "$work/shown.json"
}

state_of() {
    shown "$1" '$.state'
}

# in_state ID STATE, as the database has it (one that is paused is queued there); ends the test when the experiment can
# get there no more.
in_state() {
    local state
    state=$(sql "SELECT state FROM experiment WHERE id = $1")
    [ "$state" = "$2" ] && return 0
    case $state in
        failed | cancelled | done) fail "experiment $1 is $state, not $2: $(shown "$1" '$.error')" ;;
    esac
    return 1
}

has_epochs() {
    [ "$(sql "SELECT count(*) FROM epoch WHERE experiment = $1")" -ge "$2" ]
}

# is_inside_an_epoch ID: at least one step of training behind it since the last report.
is_inside_an_epoch() {
    [ "$(shown "$1" '$.progress.phase')" = train ] &&
        [ "$(json "j ->> '$.progress.epoch' > j ->> '$.epochs_done' AND j ->> '$.progress.step' > 0" \
            "$work/shown.json")" = 1 ]
}

# checkpoint_path ID KIND: the newest of that kind.
checkpoint_path() {
    sql "SELECT path FROM checkpoint WHERE experiment = $1 AND kind = '$2' ORDER BY epoch DESC LIMIT 1"
}

# numbers ID: everything that was reported of an experiment but for times and attempts.
numbers() {
    sql "SELECT epoch, learning_rate, best, train_true_positive, train_true_negative,
            train_false_positive, train_false_negative, train_loss, valid_true_positive,
            valid_true_negative, valid_false_positive, valid_false_negative, valid_loss
        FROM epoch WHERE experiment = $1 ORDER BY epoch;
        SELECT checkpoint, split, epoch, true_positive, true_negative, false_positive,
            false_negative, loss, roc_auc, average_precision, equal_error_rate, threshold
        FROM evaluation WHERE experiment = $1 ORDER BY checkpoint, split;
        SELECT checkpoint, split, position, path, class, probability
        FROM score WHERE experiment = $1 ORDER BY checkpoint, split, position"
}

# on_terminal ROWS COLUMNS COMMAND: runs it as $terminal on a terminal of that size, whose output goes to
# $work/screen and whose keys come from descriptor 3.
on_terminal() {
    rm -f "$work/keys"
    : >"$work/screen"
    mkfifo "$work/keys"
    script -qefc "stty rows $1 cols $2; $3" "$work/screen" <"$work/keys" >/dev/null 2>&1 &
    terminal=$!
    exec 3>"$work/keys"
}

# expect_complete ID EPOCHS: every epoch once, the four evaluations, and train.log without a gap.
expect_complete() {
    local found
    found=$(sql "SELECT group_concat(epoch, ' ') FROM
        (SELECT epoch FROM epoch WHERE experiment = $1 ORDER BY epoch)")
    [ "$found" = "$(seq -s ' ' "$2")" ] || fail "experiment $1 has the epochs $found"
    found=$(sql "SELECT group_concat(checkpoint || ' ' || split, ', ') FROM
        (SELECT * FROM evaluation WHERE experiment = $1 ORDER BY checkpoint, split)")
    [ "$found" = 'best test, best valid, last test, last valid' ] ||
        fail "experiment $1 has the evaluations $found"
    assay logs "$1" >"$work/train.log"
    cmp -s "$work/train.log" "$(dirname "$(checkpoint_path "$1" last)")/train.log" ||
        fail "assay logs $1 is not the train.log of its folder"
}

# expect_same_run CALM ID [WHAT]: the checkpoints of two runs have the same weights, and all numbers are the same.
expect_same_run() {
    local kind what=${3:-the run}
    for kind in best last; do
        "$tools/same_weights" "$(checkpoint_path "$1" $kind)" "$(checkpoint_path "$2" $kind)" ||
            fail "the $kind checkpoint of $what differs from the undisturbed run's"
    done
    [ "$(numbers "$1")" = "$(numbers "$2")" ] || fail "the numbers of $what differ from the undisturbed run's"
}
