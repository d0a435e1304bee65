#!/usr/bin/env bash
# assay predict: the scores of the run's own evaluation, in CSV and JSON; what cannot be read.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

write_experiment "$work/demo.json" 20 1
start_coordinator
start_worker one
id=$(submit "$work/demo.json")
until_true "experiment $id is done" in_state "$id" done
checkpoint=$(checkpoint_path "$id" last)
cd "$work"

# The test pictures again, in another batch size: the numbers are the evaluation's.
assay scores "$id" --checkpoint last --split test --json >scores.json
mapfile -t paths < <(sqlite3 :memory: \
    "SELECT value ->> 'path' FROM json_each(CAST(readfile('scores.json') AS TEXT))")
(cd pictures && assay predict "$checkpoint" "${paths[@]}" --batch 3 --json) >predicted.json
same=$(sqlite3 :memory: "SELECT count(*) FROM json_each(CAST(readfile('scores.json') AS TEXT)) a
    JOIN json_each(CAST(readfile('predicted.json') AS TEXT)) b USING (key)
    WHERE a.value ->> 'path' = b.value ->> 'path'
    AND abs((a.value ->> 'probability') - (b.value ->> 'probability')) < 1e-6")
[ "${#paths[@]}" = 4 ] && [ "$same" = 4 ] || fail "predict gives other scores than the evaluation"

# A folder, sorted by bytes, from an experiment's checkpoint; one thread gives what four do.
assay predict "$id@last" pictures --threads 1 --out one.csv
assay predict "$checkpoint" pictures/ --threads 4 --batch 7 --out - >four.csv
cut -d, -f1,3 one.csv >labels_1; cut -d, -f1,3 four.csv >labels_4
cmp labels_1 labels_4 || fail "threads change what is predicted"
[ "$(head -n 1 one.csv)" = path,probability,predicted ] || fail "no titles"
[ "$(wc -l <one.csv)" = 41 ] || fail "not every picture"
tail -n +2 one.csv | cut -d, -f1 | LC_ALL=C sort -c || fail "not sorted"

# Where it looked: the same scores, an overlay of each picture as the network saw it, the map's values.
assay predict "$checkpoint" "pictures/${paths[0]}" "pictures/${paths[1]}" --cam looked/deep --json >looked.json
rows=$(sqlite3 :memory: "SELECT count(*) FROM json_each(CAST(readfile('looked.json') AS TEXT)) a
    JOIN json_each(CAST(readfile('predicted.json') AS TEXT)) b USING (key)
    WHERE abs((a.value ->> 'probability') - (b.value ->> 'probability')) < 1e-6
    AND a.value ->> '\$.cam.class' = a.value ->> 'predicted'
    AND a.value ->> '\$.cam.map[0][0]' >= 0 AND json_array_length(a.value, '\$.cam.map') = 1
    AND json_array_length(a.value, '\$.cam.map[0]') = 1")
[ "$rows" = 2 ] || fail "no maps, or other scores with them: $(cat looked.json)"
file=$(json "json_extract(j, '\$[1].cam.file')" looked.json)
[ "$file" = "looked/deep/0002-$(basename "${paths[1]}")" ] || fail "the overlay is called $file"
assay predict "$checkpoint" "$file" --cam looked/again --class 0 >out || fail "an overlay is no picture"
head -n 1 out | grep -qx 'path,probability,predicted,cam' && grep -q ',looked/again/0001-0002-.*\.png$' out ||
    fail "no column cam: $(cat out)"
cmp -s "pictures/${paths[1]}" "$file" && fail "nothing is laid over the picture"
for class in 0 1; do
    assay predict "$checkpoint" "$file" --cam looked/again --class $class --json >out
    [ "$(json "j ->> '\$[0].cam.class'" out)" = $class ] || fail "looked for another class than $class: $(cat out)"
done
status=0
assay predict "$checkpoint" pictures --class 1 >out 2>err || status=$?
[ $status = 2 ] && grep -q -- '--cam' err || fail "--class without --cam: $status, $(cat err)"

# A checkpoint that was changed is damaged; without its checksum it is what it says. Of a run in bf16 it is
# scored on a CPU too: the same weights, in fp32.
sed 's/\(precision\\*":\\*"\)fp32/\1bf16/' "$checkpoint" >damaged.safetensors
status=0
assay predict damaged.safetensors pictures --backend cpu >out 2>err || status=$?
[ $status = 2 ] && grep -q 'damaged.safetensors: is damaged' err || fail "a damaged checkpoint: $status, $(cat err)"
sed 's/content_crc32/content_xxxxx/' damaged.safetensors >bf16.safetensors
cmp -s "$checkpoint" bf16.safetensors && fail "the checkpoint does not say its precision where it is looked for"
(cd pictures && assay predict ../bf16.safetensors "${paths[@]}" --batch 3 --json --backend cpu) >bf16.json
[ "${ASSAY_TEST_BACKEND:-cpu}" != cpu ] || cmp predicted.json bf16.json || fail "other scores of a bf16 checkpoint"

# Weights that are no numbers give no scores.
header=$(od -An -tu8 -N8 "$checkpoint" | tr -d ' ')
head -c $((8 + header)) "$checkpoint" | tail -c +9 >header.json
sed 's/content_crc32/content_xxxxx/' "$checkpoint" >broken.safetensors
printf '\377\377\377\377' | dd of=broken.safetensors bs=1 conv=notrunc status=none \
    seek=$((8 + header + $(json "j ->> '\$.\"head.bias\".data_offsets[0]'" header.json)))
status=0
assay predict broken.safetensors pictures --json >out 2>err || status=$?
[ $status = 2 ] && [ ! -s out ] && grep -q '^assay: pictures/.*\.png: .* its weights are broken$' err ||
    fail "weights that are no numbers: $status, $(cat out err)"

# Where the CPU computes because the GPU's module is not there, one line says so; not where the CPU was asked for.
for arguments in "predict $checkpoint pictures" "test $id --checkpoint last --split test"; do
    ASSAY_CUDA_MODULE=$work/none assay $arguments >out 2>err || fail "$arguments: $(cat err)"
    [ "$(grep -c '^assay: computing on the CPU: ' err)" = 1 ] || fail "$arguments does not say what computes: $(cat err)"
    ASSAY_CUDA_MODULE=$work/none assay $arguments --backend cpu >out 2>err || fail "$arguments: $(cat err)"
    [ ! -s err ] || fail "$arguments on a CPU that was asked for says: $(cat err)"
done

# Broken pictures: said, the others scored, exit code 1.
mkdir mixed
cp "pictures/${paths[0]}" 'mixed/a, "b".png'
echo no picture >mixed/broken.png
cp "pictures/${paths[1]}" mixed/later.png
status=0
assay predict "$checkpoint" mixed --batch 1 >out 2>err || status=$?
[ $status = 1 ] || fail "exit code $status"
grep -q '^"mixed/a, ""b"".png",0\.[0-9]*,[01]$' out || fail "$(cat out)"
[ "$(wc -l <out)" = 3 ] && grep -q '^assay: mixed/broken.png: ' err && grep -q '1 of 3 pictures' err ||
    fail "$(cat out err)"
status=0
assay predict "$checkpoint" mixed/broken.png >out 2>err || status=$?
[ $status = 1 ] && grep -q '^assay: 1 of 1 picture could not be read; none is scored$' err || fail "$status: $(cat err)"
# An experiment without the @ of a checkpoint is asked for it, not looked for as a file alone.
for word in "$id" nowhere.safetensors "$id@best@"; do
    status=0
    assay predict "$word" mixed >out 2>err || status=$?
    [ $status = 2 ] && grep -q "^assay: $word: No such file .* ID@best, ID@last or ID@EPOCH$" err ||
        fail "predict $word: $status, $(cat err)"
done
assay predict "$checkpoint" mixed --json >out 2>/dev/null || true
[ "$(json "json_array_length(j), json_type(j, '\$[1].error')" out)" = '3|text' ] || fail "$(cat out)"
same=$(sqlite3 :memory: "SELECT count(*) FROM json_each(CAST(readfile('out') AS TEXT)) a
    JOIN json_each(CAST(readfile('predicted.json') AS TEXT)) b ON a.key = 2 * b.key
    WHERE abs((a.value ->> 'probability') - (b.value ->> 'probability')) < 1e-6")
[ "$same" = 2 ] || fail "beside a broken picture the others have other scores: $(cat out)"

assay predict "$checkpoint" mixed --cam beside --class 1 --json >beside.json 2>/dev/null || true
assay predict "$checkpoint" mixed/later.png --cam alone --class 1 --json >alone.json
[ "$(json "abs((j ->> '\$[2].cam.map[0][0]') - $(json "j ->> '\$[0].cam.map[0][0]'" alone.json)) < 1e-6" beside.json)" = 1 ] ||
    fail "beside a broken picture another one has the map: $(cat alone.json beside.json)"
cmp beside/0003-later.png alone/0001-later.png || fail "beside a broken picture another one has the overlay"

# A picture may be called what a terminal would obey: that gets none of it, anything else every byte.
mkdir hostile
picture=$'hostile/\033[31m\302\233.png'
cp mixed/later.png "$picture"
assay predict "$checkpoint" hostile >out
grep -qF "$picture,0." out || fail "not the name of the picture: $(cat -v out)"
script -qec "TERM=dumb '$ASSAY_BIN/assay' predict '$checkpoint' hostile" /dev/null </dev/null >out
grep -qF 'hostile/?[31m?.png,0.' out && [ -z "$(LC_ALL=C tr -d '\r\n -~' <out)" ] ||
    fail "a terminal is ordered about by a picture: $(cat -v out)"

# What is wrong from the beginning is exit code 2, and nothing is written.
mkdir empty
for arguments in "$checkpoint nowhere.png" "$checkpoint empty" "mixed/broken.png mixed" \
    "$id@7 mixed" "99@best mixed"; do
    status=0
    assay predict $arguments >out 2>err || status=$?
    [ $status = 2 ] && [ ! -s out ] && grep -q '^assay: ' err || fail "$arguments: $status, $(cat err)"
done

# Where the scores cannot be written is said before anything is scored.
for out in nowhere/scores.csv pictures; do
    status=0
    assay predict "$checkpoint" pictures --cam "not begun" --out $out 2>err || status=$?
    [ $status = 1 ] && grep -q "^assay: cannot write $out: " err && [ ! -e "not begun" ] || fail "--out $out: $status, $(cat err)"
done

# What a signal ends takes away what it has not finished writing (tests/core/test_atomic_file.c). Here it
# waits for its config, under its own name.
mkfifo config
"$ASSAY_BIN/assay-worker" step --config config --weights w --batch b --out o 2>/dev/null &
worker_pid[waiting]=$!
catches_sigterm() {
    local name caught
    name=$(awk '$1 == "Name:" { print $2 }' "/proc/${worker_pid[waiting]}/status")
    caught=$(awk '$1 == "SigCgt:" { print $2 }' "/proc/${worker_pid[waiting]}/status")
    [ "$name" = assay-worker ] && (((0x$caught >> 14) & 1))
}
until_true "assay-worker catches SIGTERM" catches_sigterm
end_worker waiting TERM
[ "$status" = 143 ] || fail "SIGTERM ends it with $status"
