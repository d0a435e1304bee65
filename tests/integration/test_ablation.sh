#!/usr/bin/env bash
# The main job: an ablation is submitted, trained by two workers, and compared; an experiment with a
# broken picture fails with an error that names the file.
. "$(dirname "$0")/lib.sh"

epochs=3
write_experiment "$work/ablation.json" 120 $epochs '{
    "data.upsample": {"none": {}, "real x2": {"real": 2}},
    "train.seed": [0, 1]
  }'
start_coordinator
ids=$(submit "$work/ablation.json")
[ "$(wc -w <<<"$ids")" = 4 ] || fail "the matrix gave the ids $ids"
start_worker one
start_worker two
for id in $ids; do
    until_true "experiment $id is done" in_state "$id" done
    expect_complete "$id" $epochs
    for file in checkpoint_best_loss.safetensors checkpoint_epoch_002.safetensors \
        checkpoint_last.safetensors train.log; do
        [ -s "$(dirname "$(checkpoint_path "$id" last)")/$file" ] || fail "$file of $id is missing"
    done
done
assay compare ablation >"$work/compare.txt"
for name in none 'real x2'; do
    grep -q -- "$name" "$work/compare.txt" || fail "compare does not show $name"
done
assay ls --json >"$work/ls.json"

# the task is learnt: above 0.8 where guessing has 0.5
learnt=$(sql "SELECT max(1.0 * (true_positive + true_negative) /
    (true_positive + true_negative + false_positive + false_negative)) > 0.8
    FROM evaluation WHERE split = 'test'")
[ "$learnt" = 1 ] || fail "no test accuracy is above 0.8"

# a checkpoint evaluated again gives the numbers that were reported
first=${ids%% *}
assay test "$first" --checkpoint last --split test --json >"$work/test.json"
again=$(json "json_array(j ->> 'true_positive', j ->> 'true_negative', j ->> 'false_positive',
    j ->> 'false_negative', j ->> 'loss')" "$work/test.json")
reported=$(sql "SELECT json_array(true_positive, true_negative, false_positive, false_negative, loss)
    FROM evaluation WHERE experiment = $first AND checkpoint = 'last' AND split = 'test'")
[ "$again" = "$reported" ] || fail "assay test says $again, the run reported $reported"

# a broken picture: the experiment fails at once, naming the file, and is not tried again
cp -r "$work/pictures" "$work/broken"
head -c 300 "$work/pictures/real/0007.png" >"$work/broken/real/0007.png"
sed "s#$work/pictures#$work/broken#; s/\"ablation\"/\"broken\"/" "$work/ablation.json" >"$work/broken.json"
status=0
assay submit "$work/broken.json" --wait >"$work/wait.txt" 2>&1 || status=$?
[ "$status" = 4 ] || fail "submit --wait of a failing experiment ended with $status"
failed=$(sql "SELECT count(*) FROM experiment WHERE state = 'failed' AND failures = 1
    AND error LIKE '%real/0007.png%'")
[ "$failed" = 4 ] || fail "$failed experiments, not 4, failed with an error that names the picture"
