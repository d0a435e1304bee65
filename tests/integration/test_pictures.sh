#!/usr/bin/env bash
# Folders of pictures of every format and size, trained on as they are; and the split that was written
# down, fed back as split files: the same lists, the same weights.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

# 34 JPEGs against 17 WebPs and a PNG that is called otherwise, from 1 x 1 to 50 x 31 pixels.
mkdir -p pictures/fake pictures/real
cp "$ASSAY_SOURCE"/tests/data/pictures/*.jpg pictures/fake
cp "$ASSAY_SOURCE"/tests/data/pictures/*.webp pictures/real
mv pictures/fake/jpeg_ycck.jpg pictures/fake/upper.JPEG
cp "$ASSAY_SOURCE/tests/data/pictures/rgb8_33x9.png" pictures/real/png.JPG
write_experiment folders.json 1 2
sed -i 's/{"op": "\(random\|center\)_crop", "size": 32}/{"op": "resize", "size": 32}, &/' folders.json

assay validate --data folders.json >out || fail "folders of mixed formats are refused"
assay preview folders.json --out sheet.png || fail "no preview"
for picture in pictures/fake/jpeg_cmyk_33x17.jpg pictures/real/webp_animated.webp pictures/real/png.JPG; do
    assay transform folders.json "$picture" --stage train --epoch 1 --index 3 --out out.png ||
        fail "no transform of $picture"
done

# The same with the lists written down, and with folders called by the lists alone.
assay split folders.json --out lists >out
sed '/"classes": \[/,/\],/d; s#"split": {.*}#"files": {"train": "lists/train.json", "valid": "lists/valid.json", "test": "lists/test.json"}#;
    s/"folders"/"files"/' folders.json >files.json
assay split files.json --out again >out || fail "split files are refused"
for list in train valid test; do
    cmp "lists/$list.json" "again/$list.json" || fail "$list.json came back other than it was"
done

start_coordinator
mkdir elsewhere
id_folders=$(cd elsewhere && submit ../folders.json)
id_files=$(cd elsewhere && submit ../files.json)
start_worker one --data-root "$work"
until_true "the folders are trained on" in_state "$id_folders" done
until_true "the lists are trained on" in_state "$id_files" done
expect_complete "$id_files" 2
"$tools/same_weights" "$(checkpoint_path "$id_folders" last)" "$(checkpoint_path "$id_files" last)" ||
    fail "split files gave other weights than the folders that they came from"
[ "$(shown "$id_files" '$.evaluations[0].classes[1].name')" = real ] ||
    fail "the classes of split files have other names: $(cat shown.json)"
assay scores "$id_files" --checkpoint best --split test | holds '^real/.*,real,1,' ||
    fail "no scores of split files"
assay test "$id_files" --checkpoint best --split test --json >test.json || fail "no test of split files"

# A class whose name takes more bytes than columns stands in line with the others. Paths count from the config's folder.
evaluate() {
    (cd elsewhere && "$ASSAY_BIN/assay-worker" evaluate --checkpoint "$(checkpoint_path "$id_folders" best)" "$@")
}
sed 's/"name": "real"/"name": "Ωδός"/; s#"root": "[^"]*"#"root": "pictures"#' folders.json >named.json
evaluate --config ../named.json >table || fail "no evaluation under other names"
grep -q '^fake       0  ' table && grep -q '^Ωδός       1  ' table || fail "the classes are out of line: $(cat table)"

evaluate --config ../files.json >table || fail "no evaluation of lists"

# A class of lists is called as its folder, which may be called what a terminal would obey.
class=$'re\033[31mal\302\233'
cp -r pictures/real "pictures/$class"
mkdir hostile
for list in train valid test; do
    sed 's#"real/#"re\\u001b[31mal\\u009b/#' "lists/$list.json" >"hostile/$list.json"
done
sed 's#"lists/#"hostile/#g' files.json >hostile.json
last=$(checkpoint_path "$id_folders" last)
evaluate --config ../hostile.json --checkpoint "$last" >table || fail "no evaluation of a class called $class"
evaluate --config ../hostile.json --checkpoint "$last" --json >hostile/table.json || fail "no evaluation as JSON of a class called $class"
[ "$(json "j ->> '$.classes[1].name'" hostile/table.json)" = "$class" ] || fail "its name: $(cat -v hostile/table.json)"
grep -q '^re?\[31mal?      1  ' table && [ -z "$(LC_ALL=C tr -d '\n -~' <table)$(LC_ALL=C tr -d '\n -~' <hostile/table.json)" ] ||
    fail "a terminal is ordered about by a class: $(cat -v table hostile/table.json)"

# Its numbers are those of --json.
counts="'TP %d  TN %d  FP %d  FN %d', one ->> 'true_positive', one ->> 'true_negative', one ->> 'false_positive', one ->> 'false_negative'"
json "format('epoch %d on %s: ', j ->> 'epoch', j ->> 'split') || (SELECT format($counts) FROM (SELECT j one))" \
    hostile/table.json >expected
json "(SELECT group_concat(format('%-18s %s', replace(replace(value, 'roc_auc', 'ROC AUC'), '_', ' '),
        iif(j ->> value IS NULL, 'n/a', format('%.4f', j ->> value))), char(10))
    FROM json_each('[\"accuracy\", \"precision\", \"recall\", \"loss\", \"roc_auc\", \"average_precision\",
        \"equal_error_rate\", \"threshold\"]'))" hostile/table.json >>expected
json "(SELECT '  there            ' || format($counts) || format('  accuracy %.4f', one ->> 'accuracy')
    FROM (SELECT j -> 'at_threshold' one))" hostile/table.json >>expected
head -n 10 table | cmp - expected || fail "not the numbers of --json: $(cat table expected)"
json "(SELECT group_concat(format('%d %d %d %d %.4f', value ->> 'label', value ->> 'pictures', value ->> 'correct',
        (value ->> 'pictures') - (value ->> 'correct'), value ->> 'accuracy'), char(10))
    FROM json_each(j, '$.classes'))" hostile/table.json >expected
awk 'NR > 12 { print $2, $3, $4, $5, $6 }' table | cmp - expected || fail "not the classes of --json: $(cat table expected)"

# A fault in a config is said with its line.
status=0
sed 's/"epochs"/"epoch"/' folders.json >wrong.json
evaluate --config ../wrong.json 2>err || status=$?
line=$(grep -n '"epoch"' wrong.json | cut -d: -f1)
[ $status = 2 ] && grep -q "^assay: ../wrong.json:$line: train.epoch: .*epochs" err || fail "a wrong config: $status, $(cat err)"
status=0
evaluate --config ../named.json --data-root "$work/elsewhere" 2>err || status=$?
[ $status = 2 ] && grep -q 'pictures" is not inside' err || fail "evaluated outside the data root: $status, $(cat err)"
status=0
evaluate --config ../named.json --data-cache cache 2>err || status=$?
[ $status = 2 ] && grep -q -- 'needs --connect and --data-cache together' err || fail "a cache alone: $status, $(cat err)"

# Lists that a worker may not read.
end_worker one TERM
sed 's/"lists\//"'"${work//\//\\/}"'\/lists\//g; s/"files"/"outside"/2' files.json >outside.json
id_outside=$(submit files.json)
start_worker two --data-root "$work/pictures"
until_true "lists outside the data root are refused" in_state "$id_outside" failed
shown "$id_outside" '$.error' | holds 'lists/train.json" is not inside' ||
    fail "another error: $(shown "$id_outside" '$.error')"
