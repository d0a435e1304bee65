#!/usr/bin/env bash
# assay data check finds what was done to pictures; its manifest's fingerprint travels with what is
# submitted, and a worker with other pictures refuses them and says which, but takes the same ones.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

# check STATUS [OPTION...]: assay data check, into out.json.
check() {
    local expected=$1 status=0
    shift
    assay data check data.json --json "$@" >out.json 2>err || status=$?
    [ $status = "$expected" ] || fail "exit code $status, not $expected: $(cat out.json err)"
}

expect() { # QUERY EXPECTED
    local found
    found=$(json "$1" out.json)
    [ "$found" = "$2" ] || fail "$1 is \"$found\", not \"$2\": $(cat out.json)"
}

write_experiment data.json 40 1
manifest=pictures/assay-manifest.json

# A clean set, and what the manifest says of it, against sha256sum.
check 0
expect "json_array_length(j, '\$.broken') + json_array_length(j, '\$.duplicates')" 0
expect "j ->> '\$.manifest'" "$work/$manifest"
digest=$(cd pictures && printf '%s\n' real/* | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum | sha256sum)
[ "$(json "j ->> '\$.classes[1].sha256'" $manifest)" = "${digest%% *}" ] ||
    fail "the manifest's checksum of real is not ${digest%% *}"
[ "$(json "j ->> '\$.classes[1].pictures'" $manifest)" = 40 ] || fail "not 40 real pictures"
assay data check data.json >out || fail "exit code of a clean set: $(cat out)"
[ "$(cat out)" = "$work/pictures: 80 pictures in 2 classes, $(grep -o '[0-9.]* MiB' out), most of 32 x 32
none is broken, too small, grey, of another size or there twice
manifest: $work/$manifest" ] || fail "it says of a clean set: $(cat out)"

# Twins within and across the splits, grey and odd-sized pictures: found, and no error but the leak.
rm $manifest
lists() { json "(SELECT value ->> 'path' FROM json_each(j) WHERE value ->> 'path' LIKE 'fake/%' LIMIT 1 OFFSET $2)" "split/$1.json"; }
assay split data.json --out split >/dev/null
train=$(lists train 0) also_train=$(lists train 1) test=$(lists test 0)
cp -r pictures whole
cp "pictures/$train" "pictures/$also_train"
check 0
expect "j ->> '\$.duplicates[0].leakage'" 0
cp "pictures/$train" "pictures/$test"
cp "$ASSAY_SOURCE/tests/data/pictures/jpeg_444_50x31.jpg" pictures/fake/0003.png
cp "$ASSAY_SOURCE/tests/data/pictures/jpeg_444_50x31.jpg" pictures/real/0003.png
sed -i 's/{"op": "\(random\|center\)_crop", "size": 32}/{"op": "resize", "size": 40}, &/' data.json
check 1
expect "j ->> '\$.duplicates[0].leakage'" 1
expect "(SELECT group_concat(value ->> 'split') FROM json_each(j, '\$.duplicates[0].pictures'))" \
    "$(printf '%s\n' "$train train" "$also_train train" "$test test" | LC_ALL=C sort | sed 's/.* //' | paste -sd,)"
expect "j ->> '\$.duplicates[0].same'" bytes
expect "json_array_length(j, '\$.odd_sized')" 2
[ -s $manifest ] || fail "no manifest of a set that can be read"

# Where no manifest can be written, what was found is told all the same.
check 1 --out nowhere/manifest.json
expect "j ->> '\$.duplicates[0].leakage'" 1
expect "j ->> '\$.manifest'" ""
grep -q '^assay: no manifest; choose another place with --out: cannot write nowhere/' err || fail "it says: $(cat err)"
status=0
assay data check data.json --out nowhere/manifest.json >out 2>err || status=$?
[ $status = 1 ] && grep -q '^of another size: 2$' out && ! grep -q manifest out || fail "it says: $(cat out err)"
twins=$(printf '%s\n' "$train (train)" "$also_train (train)" "$test (test)" | LC_ALL=C sort | sed ':a;N;$!ba;s/\n/ = /g')
grep -qxF "  leak: $twins, the same bytes" out && grep -q '^the same picture more than once: 2, [12] of them' out &&
    grep -qx '  fake/0003.png: 50 x 31' out && ! grep -q '^none is' out || fail "it says of twins: $(cat out)"

# Broken, too small, and grey ones.
head -c 100 whole/real/0001.png >pictures/real/0001.png
cp "$ASSAY_SOURCE/tests/data/pictures/jpeg_grey_33x17.jpg" pictures/real/0002.png
sed -i 's/{"op": "resize", "size": 40}, //' data.json
rm $manifest
check 2
expect "j ->> '\$.broken[0].path'" real/0001.png
expect "j ->> '\$.grey[0].path'" real/0002.png
expect "(SELECT count(*) FROM json_each(j, '\$.too_small') WHERE value ->> 'path' = 'real/0002.png'
    AND value ->> 'message' LIKE '%larger than the picture%')" 1
expect "j ->> '\$.manifest'" ""
[ ! -e $manifest ] || fail "a manifest of a set with a broken picture"
assay data check data.json >out && fail "exit code 0 of a broken set"
grep -q '^  real/0001.png: ' out || fail "the broken picture is not listed: $(cat out)"
grep -qx 'grey: 1' out && grep -qx '  real/0002.png' out && grep -q '^  real/0002.png: .*larger than the picture' out &&
    grep -qx 'no manifest is written while a picture is broken' out || fail "it says of small and grey ones: $(cat out)"

# A link to nothing is a broken picture among the others of `data check`; nothing else takes it.
ln -s nowhere.png pictures/real/0040a.png
check 2
expect "(SELECT group_concat(value ->> 'path') FROM json_each(j, '\$.broken'))" real/0001.png,real/0040a.png
expect "j ->> '\$.pictures'" 81
assay split data.json --out refused 2>err && fail "a link to nothing is split"
grep -q '^assay: data.json: .*/real/0040a.png: No such file' err || fail "it says of a link to nothing: $(cat err)"

# The fingerprint: submitted with the whole set, trained with it, refused without a picture of it.
rm -r pictures
mv whole pictures
start_coordinator
plain=$(submit data.json)
[ -z "$(shown "$plain" '$.config.data.fingerprint')" ] || fail "a fingerprint from nowhere"
check 0
good=$(submit data.json)
[ "$(shown "$good" '$.config.data.fingerprint.classes[1].sha256')" = "${digest%% *}" ] ||
    fail "another fingerprint: $(cat shown.json)"
check 0 --out elsewhere.json # as where data.root cannot be written to
mv $manifest aside.json
named=$(submit data.json --manifest elsewhere.json)
[ "$(shown "$named" '$.config.data.fingerprint.classes[1].sha256')" = "${digest%% *}" ] ||
    fail "no fingerprint from a manifest that is named: $(cat shown.json)"
assay cancel "$named" >/dev/null
mv aside.json $manifest
status=0
assay submit data.json --manifest nowhere.json 2>err || status=$?
[ $status = 2 ] && grep -q '^assay: nowhere.json: .*; assay data check data.json --out nowhere.json' err ||
    fail "exit code $status without the manifest that is named: $(cat err)"
start_worker one
until_true "the same pictures are trained on" in_state "$good" done
[ -s one/hashes.db ] || fail "the worker remembers no checksum"
[ "$(sqlite3 one/hashes.db 'SELECT count(*) FROM picture')" = 80 ] || fail "not every checksum is kept"

bad=$(submit data.json --priority 0)
until_true "what was seen is known again" in_state "$bad" done
end_worker one TERM

changed=$(submit data.json) # the pictures change before a worker comes
printf x >>pictures/real/0007.png
start_worker one
until_true "other pictures are refused" in_state "$changed" failed
error=$(shown "$changed" '$.error')
for part in 'class "real" has 40 in both' '"real/0007.png" has other bytes'; do
    [[ $error == *"$part"* ]] || fail "the refusal does not say '$part': $error"
done
[ "$(shown "$changed" '$.failures')" = 1 ] || fail "tried again"

# An outdated manifest is no fingerprint, and that is said; a missing picture is counted.
assay submit data.json 2>err >out || fail "an outdated manifest stops submit"
grep -q '^assay: data.json: warning: no fingerprint of its pictures: .*0007.png' err || fail "no warning: $(cat err)"
assay submit data.json --manifest $manifest 2>err && fail "an outdated manifest that is named is passed over"
check 0
end_worker one TERM
less=$(submit data.json)
rm pictures/fake/0012.png
start_worker one
until_true "a missing picture is refused" in_state "$less" failed
error=$(shown "$less" '$.error')
[[ $error == *'class "fake" has 39 here and 40 there; first: "fake/0012.png" is missing here'* ]] ||
    fail "the refusal says: $error"
