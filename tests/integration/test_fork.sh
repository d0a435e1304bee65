#!/usr/bin/env bash
# assay submit --from: going on from any checkpoint gives the bits of the run that never stopped.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

optimizer='"name": "adam"'
write_experiment "$work/four.json" 40 4
sed 's|"epochs": 4|"epochs": 6|; s|"name": "four"|"name": "six"|' "$work/four.json" >"$work/six.json"
start_coordinator
start_worker one
four=$(submit "$work/four.json")
six=$(submit "$work/six.json")
until_true "experiment $six is done" in_state "$six" done

assay submit "$work/six.json" --from four@last --dry-run --json >"$work/rehearsed.json" || fail "--from takes no name"
[ "$(json "abs(j ->> '\$.seconds' - 2.0 * (j ->> '\$.experiments[0].pictures') /
    (j ->> '\$.experiments[0].images_per_second')) < 1e-6" "$work/rehearsed.json")" = 1 ] ||
    fail "two epochs are not what a fork has left: $(cat "$work/rehearsed.json")"
assay predict four@best "$work/pictures/real/0001.png" >"$work/out" || fail "predict takes no name"

# fork NAME FILE CHECKPOINT: into $id, when it is done.
fork() {
    assay submit "$2" --from "$four@$3" --json >"$work/submitted.json"
    id=$(json "j ->> '\$[0].id'" "$work/submitted.json")
    until_true "the fork $1 is done" in_state "$id" done
}
same() { # WHAT A B
    assay verify --tensors "$(checkpoint_path "$2" last)" "$(checkpoint_path "$3" last)" >"$work/out" ||
        fail "$1: $(cat "$work/out")"
}

fork "from the middle" "$work/four.json" 2
same "from epoch 2 to 4" "$id" "$four"
expect_complete "$id" 4
assay show "$id" >"$work/out"
grep -q "^  from  *$four@2: epoch 2, .*checkpoint_epoch_002.safetensors on " "$work/out" ||
    fail "show says: $(cat "$work/out")"
grep -q "^going on from epoch 2 of " "$work/train.log" || fail "the log does not say where it began"
fork "longer" "$work/six.json" last
same "from the end, longer" "$id" "$six"
fork "from the best" "$work/six.json" best
same "from the best, longer" "$id" "$six"
[ "$(shown "$id" '$.from.checkpoint')" = best ] || fail "show --json has not the checkpoint"

refused() { # PATTERN ARGUMENT...: and so is the rehearsal, in the same words
    local status=0 pattern=$1
    shift
    assay submit "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status != 0 ] && grep -q "$pattern" "$work/err" || fail "exit $status, $(cat "$work/err")"
    status=0
    assay submit "$@" --dry-run >"$work/out" 2>"$work/rehearsed" || status=$?
    [ $status != 0 ] && cmp -s "$work/err" "$work/rehearsed" ||
        fail "rehearsed: exit $status, $(cat "$work/rehearsed")"
}
refused "train.epochs is 4; raise it" "$work/four.json" --from "$four@last"
refused "has no checkpoint 3" "$work/six.json" --from "$four@3"
refused "there is no experiment 99" "$work/six.json" --from 99@last
sed 's|resnet18|resnet34|' "$work/six.json" >"$work/other.json"
refused 'model.arch is "resnet34" and the checkpoint' "$work/other.json" --from "$four@last"

# A best one that was written over meanwhile is fetched as well, also where the file itself is there.
cp "$(checkpoint_path "$four" last)" "$work/later"
mv "$work/later" "$(checkpoint_path "$four" best)"
fork "whose best is written over" "$work/six.json" last
same "beside a later best, longer" "$id" "$six"
[ "$(numbers "$id" | head -n 6)" = "$(numbers "$six" | head -n 6)" ] || fail "it has another best epoch"

# A file that is gone is fetched from the store, and the best one before it; where it is gone there too there
# is no reason to try again.
rm "$(checkpoint_path "$four" last)" "$(checkpoint_path "$four" best)"
fork "of a file that is gone" "$work/six.json" last
same "from the store, longer" "$id" "$six"
[ "$(numbers "$id" | head -n 6)" = "$(numbers "$six" | head -n 6)" ] || fail "its numbers differ"
assay logs "$id" | holds "^going on from epoch 4 of .*/$id/from/" || fail "it was not fetched"
from=$(find "$work" -type d -path '*/experiments/*/from')
[ -z "$from" ] || fail "what was fetched to go on from is there still: $from"
sum=$(sql "SELECT sha256 FROM artifact WHERE experiment = $four AND kind = 'last'")
rm "$db-artifacts/sha256/${sum:0:2}/${sum:2}"
assay submit "$work/six.json" --from "$four@last" --json >"$work/submitted.json"
id=$(json "j ->> '\$[0].id'" "$work/submitted.json")
until_true "it fails" in_state "$id" failed
[ "$(shown "$id" '$.attempt')" = 1 ] || fail "tried again"
shown "$id" '$.error' | holds "^cannot read .* the checkpoint to go on from" || fail "the wrong error"
