#!/usr/bin/env bash
# A data set is pushed once; a worker that has no data.root, or other pictures there, fetches it by its
# fingerprint and trains to the same weights. It is killed in the middle of fetching, and what it had is
# not fetched again; what the cache has lost is. The cache is bounded, and so is what gc leaves of data sets.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

pictures=160
write_experiment here.json $pictures 2
sed 's#"name": "here"#"name": "there"#' here.json >there.json
cp pictures/real/0001.png pictures/real/copy.png # one content, two names

start_coordinator
assay data push here.json --json >pushed.json || fail "data push ends with $?"
[ "$(json "j ->> '\$.pictures'" pushed.json)" = $((2 * pictures + 1)) ] || fail "pushed: $(cat pushed.json)"
[ "$(json "j ->> '\$.sent_files'" pushed.json)" = $((2 * pictures + 2)) ] || fail "sent: $(cat pushed.json)"
assay data push here.json --json >again.json
[ "$(json "j ->> '\$.sent_files'" again.json)" = 0 ] || fail "sent again: $(cat again.json)"

# a name that no listing can have
mkdir odd && cp -r pictures/real odd/real && cp -r pictures/fake odd/fake && mv odd/fake/0002.png $'odd/fake/a\nb.png'
sed "s#\"root\": \"[^\"]*\"#\"root\": \"$work/odd\"#" here.json >odd.json
! assay data push odd.json 2>err || fail "a name with a line feed was pushed"
grep -q 'fake/a?b.png: a name with a line feed cannot be pushed; rename it' err || fail "it says: $(cat err)"
rm -r odd

assay data ls --json >sets.json
[ "$(json "json_array_length(j)" sets.json)" = 2 ] || fail "the sets are $(cat sets.json)"
[ "$(json "(SELECT sum(value ->> 'files') FROM json_each(j))" sets.json)" = $((2 * pictures + 2)) ] &&
    [ "$(json "(SELECT sum(value ->> 'missing_files') FROM json_each(j))" sets.json)" = 0 ] ||
    fail "the sets are $(cat sets.json)"

# where the pictures are
local=$(submit here.json)
start_worker local
until_true "the run on its own pictures is done" in_state "$local" done
end_worker local TERM
[ -z "$(ls local/data-cache/pictures 2>/dev/null)" ] || fail "pictures were fetched that were there"

# where they are not: killed while it fetches
remote=$(submit there.json)
mv pictures hidden
has_fetched() { [ "$(find remote/data-cache/pictures -type f 2>/dev/null | wc -l)" -ge "$1" ]; }
start_worker remote
until_true "some pictures are fetched" has_fetched 20
end_worker remote KILL
touch -d '2001-01-01' marker
find remote/data-cache/pictures -type f -exec touch -d '2000-01-01' {} + # those of before, to be known again
first=$(find remote/data-cache/pictures -type f ! -newer marker | wc -l)
start_worker remote
until_true "the run on fetched pictures is done" in_state "$remote" done
expect_complete "$remote" 2
[ "$(find remote/data-cache/pictures -type f ! -newer marker | wc -l)" = "$first" ] ||
    fail "what was fetched before the kill was fetched again"
expect_same_run "$local" "$remote" "the worker without pictures"

# a set that was whole has lost one picture since, and another of it is damaged: both are fetched again
end_worker remote TERM
mv hidden pictures
mended=$(submit there.json)
mv pictures hidden
rm remote/data-cache/sets/*/root/fake/0007.png
printf x >>"$(find remote/data-cache/sets -path '*/real/0009.png')"
start_worker remote
until_true "the run on a cache that is mended is done" in_state "$mended" done
expect_same_run "$local" "$mended" "the worker with a cache that was mended"

# evaluated again where they are not: fetched once, and the numbers are the run's own
assay test "$local" --checkpoint best --split test --json >again.json || fail "assay test ends with $?"
again=$(json "json_array(j ->> 'true_positive', j ->> 'true_negative', j ->> 'loss', 1.0 * (j ->> 'roc_auc'))" again.json)
reported=$(sql "SELECT json_array(true_positive, true_negative, loss, roc_auc) FROM evaluation
    WHERE experiment = $local AND checkpoint = 'best' AND split = 'test'")
[ "$again" = "$reported" ] || fail "assay test says $again, the run reported $reported"
[ "$(find "$ASSAY_HOME/data-cache/pictures" -type f | wc -l)" = $((2 * pictures + 2)) ] ||
    fail "assay test fetched $(find "$ASSAY_HOME/data-cache/pictures" -type f | wc -l) files"

# other pictures in data.root, and lists; what both sets have is fetched once
end_worker remote TERM
cp -r hidden pictures
sed 's#"name": "here"#"name": "listed"#' here.json >split.json
assay split split.json --out lists >/dev/null
sed 's#"split": {[^}]*}#"files": {"train": "lists/train.json", "valid": "lists/valid.json", "test": "lists/test.json"}#' \
    split.json >listed.json
assay data push listed.json --json >pushed.json || fail "data push of lists ends with $?"
[ "$(json "j ->> '\$.sent_files'" pushed.json)" = 3 ] || fail "more than the lists: $(cat pushed.json)"
listed=$(submit listed.json)
printf x >>pictures/real/0007.png
rm -r lists
start_worker remote
until_true "the run on fetched lists is done" in_state "$listed" done
"$tools/same_weights" "$(checkpoint_path "$local" last)" "$(checkpoint_path "$listed" last)" ||
    fail "the last checkpoint of the run on fetched lists differs"
end_worker remote TERM
[ "$(find remote/data-cache/sets -mindepth 1 -maxdepth 1 | wc -l)" = 2 ] || fail "not two sets"
[ "$(find remote/data-cache/pictures -type f | wc -l)" = $((2 * pictures + 5)) ] ||
    fail "$(find remote/data-cache/pictures -type f | wc -l) files in the cache"

# no data set: said as before; gc keeps what is needed, and says what it frees
rm -r pictures
waiting=$(submit here.json 2>/dev/null) # no manifest: no fingerprint
start_worker remote
until_true "what nobody has pushed is not found" in_state "$waiting" failed
[[ $(shown "$waiting" '$.error') == *"data.root"* ]] || fail "the error is $(shown "$waiting" '$.error')"
end_worker remote TERM
mv hidden pictures
needed=$(submit here.json)
assay data ls --json >sets.json
[ "$(json "(SELECT group_concat(value ->> '\$.ids[0]') FROM json_each(j) WHERE value ->> 'unfinished' = 1)" \
    sets.json)" = "$needed,$needed" ] || fail "who needs which set: $(cat sets.json)"
assay gc --unused-data --json >gc.json
[ "$(json "j ->> '\$.files'" gc.json)" = 3 ] || fail "gc removes $(cat gc.json)" # the lists
assay cancel "$needed" >/dev/null
assay gc --json >gc.json
[ "$(json "j ->> '\$.files'" gc.json)" = 0 ] || fail "gc removes unasked $(cat gc.json)"
assay gc --unused-data --dry-run --json >gc.json
[ "$(json "j ->> '\$.files'" gc.json)" = $((2 * pictures + 2)) ] || fail "gc would remove $(cat gc.json)"
assay gc --unused-data --json >gc.json
[ "$(json "j ->> '\$.files'" gc.json)" = $((2 * pictures + 2)) ] || fail "gc removes $(cat gc.json)"
