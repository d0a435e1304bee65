#!/usr/bin/env bash
# Disks that are full, first the coordinator's, then a worker's. Whoever meets it says so and loses
# nothing; once there is room everything comes to its end, every epoch once, with the bits of an
# undisturbed run.
#
# The disks are two tmpfs in a mount namespace of this script's own. Where none may be made the test
# is skipped (exit status 77).
if [ -z "${ASSAY_NAMESPACE:-}" ]; then
    make=(unshare --mount)
    [ "$(id -u)" = 0 ] || make=(unshare --user --map-root-user --mount)
    why=$("${make[@]}" mount -t tmpfs -o size=1m none /mnt 2>&1) ||
        { echo "skipped: no file system can be mounted here: $why"; exit 77; }
    ASSAY_NAMESPACE=1 exec "${make[@]}" bash "$0"
fi
. "$(dirname "$0")/lib.sh"

epochs=16
mount -t tmpfs none /mnt # ends, as those in it, with the namespace
mkdir /mnt/database /mnt/one
mount -t tmpfs -o size=20m none /mnt/database
mount -t tmpfs -o size=400m none /mnt/one
ln -s /mnt/one "$work/one"
db=/mnt/database/assay.db
coordinator_options=(--lease 3 --artifacts "$work/artifacts")

# full DISK COMMAND...: fills what room there is, and says whether the command succeeds.
full() {
    dd if=/dev/zero of="/mnt/$1/ballast" bs=4k oflag=append conv=notrunc 2>"$work/dd.err" || true
    "${@:2}"
}
empty() { rm "/mnt/$1/ballast"; }

same_as_calm() {
    expect_complete "$1" $epochs
    expect_same_run "$calm" "$1" "$1"
}

write_experiment "$work/calm.json" 40 $epochs
few_checkpoints "$work/calm.json"
sed '2i "max_attempts": 100,' "$work/calm.json" >"$work/tight.json"
start_coordinator
calm=$(submit "$work/calm.json")
start_worker one
until_true "the undisturbed run is done" in_state "$calm" done

# The coordinator's: it refuses what it cannot keep, the worker trains on and keeps it.
id=$(submit "$work/tight.json")
hold one "an epoch is reported" has_epochs "$id" 1
full database true
let_go one
until_true "the worker is told" full database grep -q "the disk is full; make room" "$work/one.log"
until_true "it has trained to the end all the same" grep -q "experiment $id: done" "$work/one.log"
assay ls >"$work/ls.txt" || fail "nothing can be read either"
[ "$(sql "SELECT state FROM experiment WHERE id = $id")" = running ] || fail "what has no room was taken"
empty database
until_true "the experiment is done" in_state "$id" done
same_as_calm "$id"
[ "$(sql "SELECT attempt FROM experiment WHERE id = $id")" = 1 ] || fail "the full disk cost an attempt"

# The worker's, full before it begins: that is not the experiment's fault, which may not fail once.
# It is given back, the worker stays, and asks again when there is room.
sed '2i "max_attempts": 1,' "$work/calm.json" >"$work/once.json"
full one true
id=$(submit "$work/once.json")
given_back() {
    [ "$(sql "SELECT count(*) FROM attempt WHERE experiment = $id AND outcome = 'given_back' AND
        error LIKE '%No space left on device'")" -gt 0 ]
}
until_true "it is given back" given_back
until_true "the worker says what it waits for" grep -q "none is asked for until there is room" "$work/one.log"
kill -0 "${worker_pid[one]}" || fail "the worker has ended"
[ "$(shown "$id" '$.failures')" = 0 ] || fail "the full disk counts as a failure"
empty one
until_true "the experiment is done" in_state "$id" done
grep -q "there is room in .* again" "$work/one.log" || fail "the worker did not notice that there is room"
same_as_calm "$id"
end_worker one TERM
