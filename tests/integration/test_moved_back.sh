#!/usr/bin/env bash
# An experiment that another worker, on a machine of its own, has taken further comes back to a worker that has the
# beginning of it: what stands in train.log and TensorBoard's events there has other lengths than the checkpoint that
# is fetched says.
. "$(dirname "$0")/lib.sh"

epochs=30
write_experiment "$work/back.json" 160 $epochs
few_checkpoints "$work/back.json"
sed -i 's/"batch_size": 16/"batch_size": 4/' "$work/back.json" # steps enough to stand in the log

has_last_of() {
    [ "$(sql "SELECT coalesce(max(epoch), 0) FROM artifact WHERE experiment = $1
        AND name = 'checkpoint_last.safetensors'")" -ge "$2" ]
}

# length_of FILE: of an event file, in records; fails where they do not end with it.
length_of() {
    local at=0 count=0 size length
    size=$(stat -c %s "$1")
    while [ $at -lt "$size" ]; do
        length=$(od -An -t u8 -j $at -N 8 "$1" | tr -d ' ')
        [ ${#length} -le 6 ] || fail "record $count of $1 is damaged"
        at=$((at + length + 16)) count=$((count + 1))
    done
    [ $at = "$size" ] || fail "the last of $count records of $1 is cut off"
    echo $count
}

start_coordinator
id=$(submit "$work/back.json")
start_worker first
hold first "a beginning is with the coordinator" has_last_of "$id" 10
end_worker first KILL
first=$work/first/experiments/$id
mv "$work/first" "$work/away" # as if it were another machine's

start_worker second
further=$(($(sql "SELECT count(*) FROM epoch WHERE experiment = $id") + 2))
hold second "the second worker gets further" has_epochs "$id" $further
end_worker second TERM
until_true "its last checkpoint is with the coordinator" has_last_of "$id" $further
second=$work/second/experiments/$id
mv "$work/away" "$work/first"
events=tensorboard/back/events.out.tfevents.assay
[ "$(stat -c %s "$second/$events")" -lt "$(stat -c %s "$first/$events")" ] ||
    fail "the second worker has more events than the first: nothing is tested"
mv "$work/second" "$work/gone"

start_worker first
until_true "the experiment is done" in_state "$id" done
expect_complete "$id" $epochs
grep -oE "^epoch [0-9]+/$epochs: loss_train" "$first/train.log" | grep -oE '[0-9]+/' | tr -d / >"$work/told"
seq $epochs | cmp -s - "$work/told" || fail "train.log has not each epoch once: $(cat "$first/train.log")"
[ "$(length_of "$first/$events")" -gt $((8 * epochs)) ] || fail "TensorBoard's events lack some"
assay logs "$id" | cmp -s - "$first/train.log" || fail "the coordinator has another log: $(assay logs "$id")"
