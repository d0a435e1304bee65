#!/usr/bin/env bash
# Checkpoints as files: the same experiment trained twice, with 1 and with 4 threads that read
# pictures, gives the same one; another seed does not; assay weights lists it; training begins from it.
network=whole
source "$ASSAY_SOURCE/tests/integration/lib.sh"

write_experiment "$work/demo.json" 20 2 '{"train.seed": [0, 1]}'
start_coordinator
start_worker one
read -r first other <<<"$(submit "$work/demo.json")"
until_true "experiment $other is done" in_state "$other" done
end_worker one TERM
start_worker four --threads 4
read -r second _ <<<"$(submit "$work/demo.json")"
until_true "experiment $second is done" in_state "$second" done

for kind in best last; do
    assay verify "$(checkpoint_path "$first" $kind)" "$(checkpoint_path "$second" $kind)" >"$work/out" ||
        fail "the same experiment gave another $kind checkpoint: $(cat "$work/out")"
    grep -q '^the same: [0-9]* tensors, ' "$work/out" || fail "verify says: $(cat "$work/out")"
done
status=0
assay verify "$(checkpoint_path "$first" last)" "$(checkpoint_path "$other" last)" >"$work/out" || status=$?
[ $status = 1 ] || fail "two seeds and exit code $status"
grep -q '^conv1.weight F32 \[64, 3, 7, 7\]: element \[0, 0, 0, 0\] is ' "$work/out" ||
    fail "verify says: $(cat "$work/out")"
grep -q '^metadata that differ: .*config' "$work/out" || fail "verify says: $(cat "$work/out")"

# torchvision's resnet18 has 11689512 parameters, the head Linear(1000, 2) 2002 more
assay weights --json "$(checkpoint_path "$first" last)" >"$work/weights.json"
[ "$(json "j ->> '$.parameters'" "$work/weights.json")" = 11691514 ] || fail "not resnet18's parameters"
[ "$(json "j ->> '$.metadata.epoch'" "$work/weights.json")" = 2 ] || fail "not the last epoch"

# A learning rate of almost nothing leaves the parameters as they were begun with.
sed "s|\"weights\": null|\"weights\": \"$(checkpoint_path "$first" last)\", \"fresh\": []|; s|\"epochs\": 2|\"epochs\": 1|
    s|\"optimizer\": {|&\"lr\": 1e-30, |; s|, \"matrix\".*||" \
    "$work/demo.json" >"$work/again.json"
again=$(submit "$work/again.json")
until_true "experiment $again is done" in_state "$again" done
assay verify --json --tensors "$(checkpoint_path "$first" last)" "$(checkpoint_path "$again" last)" \
    >"$work/verify.json" && fail "an epoch left everything as it was"
changed=$(json "(SELECT group_concat(DISTINCT replace(name, rtrim(name, replace(name, '.', '')), ''))
    FROM (SELECT value ->> 'name' AS name FROM json_each(j, '$.differing'))
    WHERE name NOT LIKE 'optimizer.%')" "$work/verify.json")
[ "$changed" = num_batches_tracked,running_mean,running_var ] || fail "training changed $changed"
