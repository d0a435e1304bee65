#!/usr/bin/env bash
# No file system is shared: an experiment whose worker is gone, its folder with it, goes on from its
# last finished epoch on another worker, by what the coordinator has. The coordinator is killed while
# files travel, and its parts are damaged. In the end the weights are those of an undisturbed run,
# and the coordinator has every file that the worker has.
. "$(dirname "$0")/lib.sh"

epochs=$(unless_sanitized 100 30) # the worker trains on until it finds the new coordinator
write_experiment "$work/calm.json" 160 $epochs
few_checkpoints "$work/calm.json" 10
sed 's/"calm"/"moved"/' "$work/calm.json" >"$work/moved.json"

# artifact ID NAME COLUMN
artifact() {
    sql "SELECT $3 FROM artifact WHERE experiment = $1 AND name = '$2'"
}

# blob SHA256: its path with the coordinator
blob() {
    echo "$db-artifacts/sha256/${1:0:2}/${1:2}"
}

has_last_of() {
    local epoch
    epoch=$(artifact "$1" checkpoint_last.safetensors epoch)
    [ "${epoch:-0}" -ge "$2" ]
}

# expect_same_files ID WORKER: what stands in the worker's folder stands in the store, under its sum.
expect_same_files() {
    local file sum
    for file in "$work/$2/experiments/$1"/*.safetensors "$work/$2/experiments/$1/train.log" \
        "$work/$2/experiments/$1"/scores_*.csv "$work/$2/experiments/$1"/tensorboard/*/*; do
        sum=$(artifact "$1" "${file##*/}" sha256)
        [ "$sum" = "$(sha256sum <"$file" | cut -d ' ' -f 1)" ] || fail "$file was not sent"
        cmp -s "$file" "$(blob "$sum")" || fail "the coordinator's $file differs"
    done
}

start_coordinator
calm=$(submit "$work/calm.json")
start_worker calm
until_true "the undisturbed run is done" in_state "$calm" done
end_worker calm TERM
expect_same_files "$calm" calm

moved=$(submit "$work/moved.json")
start_worker first
hold first "an epoch's checkpoint is with the coordinator" has_last_of "$moved" 1
first_seconds=$(sql "SELECT seconds FROM epoch WHERE experiment = $moved AND epoch = 1")
kill_coordinator # while the next one travels, maybe
start_coordinator
hold first "a later one is too" has_last_of "$moved" 2
hold_inside_an_epoch first "$moved" 2
end_worker first KILL
rm -rf "$work/first"
further=$(($(sql "SELECT count(*) FROM epoch WHERE experiment = $moved") + 2))
[ $further -lt $((epochs - 2)) ] || fail "the first worker came too far: nothing is tested"

# gets_past_its_best WORKER: so far, and its last epoch is not its best. Starts no process, as says_epoch_after.
gets_past_its_best() {
    local line lines last=
    says_epoch_after $((further - 1)) "$work/$1.log" "experiment $moved: epoch " || return
    mapfile -t lines <"$work/$1.log"
    for line in "${lines[@]}"; do
        [[ $line != "experiment $moved: epoch "* ]] || last=$line
    done
    [[ $last != *"best so far"* ]]
}

start_worker second
hold second "the second worker gets further" gets_past_its_best second
end_worker second TERM # gives back: what it has goes to the coordinator first
[ "$status" = 0 ] || fail "the worker ended with $status on SIGTERM"
until_true "its last checkpoint is with the coordinator" has_last_of "$moved" $further

# a best one that the disk has spoilt, without which the last one beside it is worth nothing
mv "$work/second" "$work/third"
best=$work/third/experiments/$moved/checkpoint_best_loss.safetensors
[ ! "$best" -ef "${best/best_loss/last}" ] || fail "the last epoch is the best: nothing is tested"
head -c 4096 "$best" >"$work/spoilt"
mv "$work/spoilt" "$best"

# what a power cut may leave of uploads
for part in "$db-artifacts"/incoming/*.part; do
    [ ! -e "$part" ] || truncate -s 4096 "$part"
done
start_worker third --shared "$db-artifacts"
until_true "the experiment is done" in_state "$moved" done

expect_complete "$moved" $epochs
expect_same_files "$moved" third
[ "$(sql "SELECT seconds FROM epoch WHERE experiment = $moved AND epoch = 1")" = "$first_seconds" ] ||
    fail "the first epoch was trained again"
expect_same_run "$calm" "$moved" "the moved run"

# people fetch what is not on their machine, as long as the coordinator has it
assay verify --tensors "$calm@last" "$moved@last" >"$work/out" || fail "verify: $(cat "$work/out")"
rm -rf "$work/calm"
export ASSAY_HOME=$work/elsewhere
fetched=$ASSAY_HOME/fetched/$(artifact "$calm" checkpoint_best_loss.safetensors sha256)
assay test "$calm" --checkpoint best --split test --json >"$work/again.json" ||
    fail "assay test does not fetch the checkpoint"
[ -f "$fetched/checkpoint_best_loss.safetensors" ] || fail "it was not fetched"
[ "$(json "j ->> '$.loss'" "$work/again.json")" = "$(sql "SELECT loss FROM evaluation
    WHERE experiment = $calm AND checkpoint = 'best' AND split = 'test'")" ] ||
    fail "the fetched checkpoint gives $(cat "$work/again.json")"
assay verify --tensors "$calm@last" "$moved@$epochs" >"$work/out" || fail "verify: $(cat "$work/out")"
sum=$(sha256sum <"$fetched/checkpoint_best_loss.safetensors")
printf damaged | dd of="$fetched/checkpoint_best_loss.safetensors" bs=1 seek=5000 conv=notrunc status=none
assay weights "$calm@best" >"$work/out" || fail "a checkpoint that was damaged here is not fetched again: $(cat "$work/out")"
[ "$(sha256sum <"$fetched/checkpoint_best_loss.safetensors")" = "$sum" ] || fail "it is damaged still"
rm -rf "$ASSAY_HOME"
asking=()
for i in 1 2 3 4; do
    assay weights "$calm@best" >"$work/out$i" 2>&1 &
    asking+=($!)
done
for i in 1 2 3 4; do
    wait "${asking[i - 1]}" || fail "of four that fetch one checkpoint at once one says $(cat "$work/out$i")"
done

# what no experiment names goes, and gc says how much
assay gc >"$work/out" # of what the first worker was sending when it was killed, as much as is nobody's by now
mkdir -p "$db-artifacts/sha256/00"
head -c 1048576 /dev/zero >"$db-artifacts/sha256/00/$(printf 'a%.0s' {1..62})"
assay gc --dry-run >"$work/out"
grep -q '^would remove 1 file, 1.0 MiB; [0-9]* files, .*, stay$' "$work/out" || fail "gc: $(cat "$work/out")"
assay gc --keep-every 20 --json >"$work/gc.json"
[ "$(json "j ->> '$.bytes' > 1048576 AND j ->> '$.files' > 1" "$work/gc.json")" = 1 ] ||
    fail "gc --keep-every 20 leaves the checkpoint of epoch 10: $(cat "$work/gc.json")"
[ -z "$(artifact "$moved" checkpoint_epoch_010.safetensors sha256)" ] || fail "epoch 10 stays"
[ -n "$(artifact "$moved" checkpoint_epoch_020.safetensors sha256)" ] || fail "epoch 20 went"

# what cannot be removed, whoever runs this, it does not call removed, however much it is
for i in {1..300}; do
    sum=$(printf '%064x' "$i")
    echo >"$db-artifacts/sha256/00/${sum:2}"
    mkdir "$db-artifacts/incoming/$sum.gone"
done
status=0
assay gc >"$work/out" 2>"$work/err" || status=$?
[ $status = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -q '^removed 0 files, 0 B; ' "$work/out" &&
    grep -q '^assay: 300 files, 300 B, could not be removed (cannot remove .*); let the coordinator' "$work/err" ||
    fail "gc of what cannot go: $status, $(cat "$work/out" "$work/err")"
rmdir "$db-artifacts/incoming"/*.gone
assay gc >"$work/out"
grep -q '^removed 300 files, 300 B; ' "$work/out" || fail "gc of what can go again: $(cat "$work/out")"

# with a shared folder the file is one
last=$work/third/experiments/$moved/checkpoint_last.safetensors
[ "$last" -ef "$(blob "$(artifact "$moved" checkpoint_last.safetensors sha256)")" ] ||
    fail "the checkpoint was copied in spite of --shared"
for file in train.log tensorboard/*/events.out.tfevents.assay; do # not what is written in place
    file=$(echo "$work/third/experiments/$moved"/$file)
    [ ! "$file" -ef "$(blob "$(artifact "$moved" "${file##*/}" sha256)")" ] ||
        fail "the worker may write to the coordinator's $file"
done

# What nobody will go on with, as what the first worker was sending when it was killed, gc removes after a restart.
head -c 4096 /dev/zero >"$db-artifacts/incoming/$sum.part"
kill_coordinator
start_coordinator
assay gc >"$work/out"
[ -z "$(find "$db-artifacts/incoming" -type f)" ] || fail "an upload is left over by gc: $(cat "$work/out")"
