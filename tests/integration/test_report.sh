#!/usr/bin/env bash
# assay report: a page with everything in it, in a real browser where there is one; and a page still where
# checkpoints and pictures are not on this machine.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

# Nothing is learnt at this rate: about half of the test pictures are mistakes, on every machine.
write_experiment report.json 40 1 '{"train.seed": [0, 1], "augmentations": {"crop": [{"op": "random_crop", "size": 32},
    {"op": "normalize"}], "jitter": [{"op": "random_crop", "size": 32}, {"op": "color_jitter", "brightness": 0.5},
    {"op": "normalize"}]}}'
sed -i 's/"optimizer": {/&"lr": 1e-9, /' report.json
start_coordinator
assay submit report.json --tag paper --note $'at a rate of\n<nothing>' >submitted
start_worker one
until_true "all are done" sh -c "[ \$($ASSAY_BIN/assay ls report --json | grep -o '\"done\"' | wc -l) = 4 ]"

# count WHAT FILE: how often it is there
count() { grep -o "$1" "$2" | wc -l; }

export CUDA_VISIBLE_DEVICES= # on the CPU a map has the same bits whatever others are made with it
assay report report --out report.html >out 2>err || fail "$(cat err)"
[ "$(cat out)" = report.html ] && ! grep -v '^report: [a-z ]*$' err || fail "$(cat out)" # progress, on a slow machine
mistakes=$(count '<figure>' report.html)
[ "$mistakes" -gt 0 ] || fail "no mistakes"
[ "$(count 'alt="Where the network saw' report.html)" = "$mistakes" ] || fail "not every mistake has a map"
[ "$(count '<p class="note">Beside each picture what the network saw of it' report.html)" = 1 ] || fail "maps without a key"
[ "$(count '<h3>' report.html)" = 2 ] && [ "$(count '<h3>crop</h3>\|<h3>jitter</h3>' report.html)" = 2 ] &&
    [ "$(count 'with color_jitter alone, draw 3"' report.html)" = 3 ] ||
    fail "not one contact sheet for each pipeline"
grep -qF '<td>paper</td><td>all</td>' report.html &&
    [ "$(count '<blockquote>at a rate of<br>&lt;nothing&gt;</blockquote>' report.html)" = 1 ] || fail "no tag or no note"
grep -q 'Not drawn\|not shown\|cannot be read' report.html && fail "something is missing that is there"
for tag in table tbody tr td th div p figure; do # what begins ends
    [ "$(count "<$tag[ >]" report.html)" = "$(count "</$tag>" report.html)" ] || fail "<$tag> is not closed"
done
[ "$(stat -c %s report.html)" -lt 1000000 ] || fail "the report has $(stat -c %s report.html) bytes"

status=0
python3 "$ASSAY_SOURCE/tests/integration/check_report.py" report.html || status=$?
[ $status = 0 ] || [ $status = 77 ] || fail "the report in a browser"

# Stopped while a worker program looks that never comes back: no page, nothing left behind.
mkdir programs tmp
cp "$ASSAY_BIN/assay" programs/
printf '#!/bin/sh\ntouch "%s"\nexec sleep 1000\n' "$work/asked" >programs/assay-worker
chmod +x programs/assay-worker
status=0
"$work/programs/assay" report report --out nowhere/report.html 2>err || status=$?
[ $status = 1 ] && grep -qx 'assay: cannot write nowhere/report.html: No such file or directory' err && [ ! -e asked ] ||
    fail "where it cannot be written is not said beforehand: $status, $(cat err)"
TMPDIR=$work/tmp "$work/programs/assay" report report --out stopped.html >out 2>err &
pid=$!
until_true "the worker program is asked" test -e asked
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status = 1 ] && [ ! -e stopped.html ] && [ -z "$(ls tmp)" ] && grep -q '^assay: stopped' err ||
    fail "stopping a report: exit code $status, $(cat err; ls tmp)"

# The checkpoint away from this machine comes from the coordinator. Without the surest mistake's picture, each
# other has its own map beside it.
maps() { grep -o '<img alt="Where the network saw [^>]*>' "$1"; }
surest=$(maps report.html | sed -n '1s/.* face in \([^"]*\)".*/\1/p')
mv one away
mv "pictures/$surest" surest.png
assay report report --out fetched.html >out
maps fetched.html >found || fail "no maps with a fetched checkpoint"
maps report.html | sed 1d | cmp - found || fail "other maps without $surest"
mv surest.png "pictures/$surest"

# Nowhere any more: the pictures are shown, and why there are no maps is said in their place.
rm -rf "$ASSAY_HOME/fetched" "$db"-artifacts
assay report report --out blind.html >out || fail "no report without a checkpoint"
[ "$(count '<figure>' blind.html)" = "$mistakes" ] && grep -q 'Where it looked is not shown: ' blind.html ||
    fail "nothing said of the checkpoint"

# Without the pictures the names are left.
mv pictures elsewhere
assay report report --out bare.html >out || fail "no report without pictures"
grep -q "$mistakes of these $mistakes pictures cannot be read on this machine, in $work/pictures:" bare.html &&
    [ "$(count 'Not drawn: ' bare.html)" = 2 ] && [ "$(count '<img' bare.html)" = 0 ] || fail "nothing said of the pictures"
