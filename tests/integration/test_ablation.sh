#!/usr/bin/env bash
# The main job: an ablation is submitted, trained by two workers, and compared; an experiment with a
# broken picture fails with an error that names the file.
. "$(dirname "$0")/lib.sh"

epochs=8
optimizer='"name": "adam", "lr": 2e-3' # it is to learn
write_experiment "$work/ablation.json" 60 $epochs '{
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
grep -q '^What each value does on average' "$work/compare.txt" || fail "compare does not show the effects"
[ "$(LC_ALL=C.UTF-8 wc -L <"$work/compare.txt")" -le 80 ] || fail "compare is wider than 80 columns"
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
    j ->> 'false_negative', j ->> 'loss', 1.0 * (j ->> 'roc_auc'),
    1.0 * (j ->> 'threshold'))" "$work/test.json")
reported=$(sql "SELECT json_array(true_positive, true_negative, false_positive, false_negative, loss,
    roc_auc, threshold)
    FROM evaluation WHERE experiment = $first AND checkpoint = 'last' AND split = 'test'")
[ "$again" = "$reported" ] || fail "assay test says $again, the run reported $reported"

# what else an evaluation says: classes that sum up to the counts, scores of every picture that give
# the counts and the threshold's, and nothing undefined where both labels are there
wrong=$(sql "SELECT count(*) FROM evaluation AS e WHERE
    (SELECT sum(pictures) FROM class_result AS c WHERE (c.experiment, c.checkpoint, c.split) = (e.experiment, e.checkpoint, e.split))
        IS NOT true_positive + true_negative + false_positive + false_negative
    OR (SELECT sum(correct) FROM class_result AS c WHERE (c.experiment, c.checkpoint, c.split) = (e.experiment, e.checkpoint, e.split))
        IS NOT true_positive + true_negative
    OR (SELECT sum(correct_at_threshold) FROM class_result AS c
        WHERE (c.experiment, c.checkpoint, c.split) = (e.experiment, e.checkpoint, e.split))
        IS NOT threshold_true_positive + threshold_true_negative")
[ "$wrong" = 0 ] || fail "$wrong evaluations with classes that do not sum up"
# make_pictures has two classes of which the second, 1, is real
wrong=$(sql "SELECT count(*) FROM evaluation AS e WHERE
    (true_positive, false_positive, true_negative, false_negative, threshold_true_positive, threshold_false_positive)
    IS NOT (SELECT sum(class = 1 AND probability > 0.5), sum(class = 0 AND probability > 0.5),
        sum(class = 0 AND probability <= 0.5), sum(class = 1 AND probability <= 0.5),
        sum(class = 1 AND probability > threshold), sum(class = 0 AND probability > threshold) FROM score AS s
        WHERE (s.experiment, s.checkpoint, s.split) = (e.experiment, e.checkpoint, e.split))")
[ "$wrong" = 0 ] || fail "$wrong evaluations with scores that do not give the counts"
undefined=$(sql "SELECT count(*) FROM evaluation WHERE roc_auc IS NULL OR average_precision IS NULL
    OR equal_error_rate IS NULL OR threshold IS NULL OR roc_auc NOT BETWEEN 0 AND 1")
[ "$undefined" = 0 ] || fail "$undefined evaluations without ROC AUC, average precision, EER or threshold"
assay scores "$first" --checkpoint best --split test >"$work/scores.csv"
cmp "$work/scores.csv" "$(dirname "$(checkpoint_path "$first" best)")/scores_best_test.csv" ||
    fail "assay scores is not what stands beside the checkpoints"
grep -q 'Which class is missed' "$work/compare.txt" || fail "compare does not show the classes"

# one that learns nothing is stopped at the rung where two others have been, and ends as done
write_experiment "$work/early.json" 60 4 '{"train.seed": [0, 1]}'
sed -i 's/"matrix":/"stop": {"rule": "asha", "grace_epochs": 3, "min_peers": 2}, &/' "$work/early.json"
sed 's/"epochs": 4/"epochs": 1000/; s/"lr": 2e-3/"lr": 1e-9/; s/\[0, 1\]/[2]/' "$work/early.json" >"$work/behind.json"
assay submit "$work/early.json" --wait >"$work/early.txt" || fail "submit --wait ended with $?"
assay submit "$work/behind.json" --wait >"$work/behind.txt" ||
    fail "submit --wait of one that is stopped ended with $?"
grep -q 'stopped after epoch .* of 1000: asha rule, valid_loss' "$work/behind.txt" ||
    fail "watch does not say why it was stopped: $(cat "$work/behind.txt")"
behind=$(sql "SELECT experiment FROM stop WHERE epoch = 3 AND peers = 2")
expect_complete "$behind" "$(sql "SELECT count(*) FROM epoch WHERE experiment = $behind")"
assay show "$behind" | holds 'early stop  *stopped after epoch' || fail "show does not say it"
assay compare early | holds 'stopped after epoch' || fail "compare does not say it"

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
