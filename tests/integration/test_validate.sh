# Every broken experiment file: validate, split and submit say exactly the lines beside it, exit with
# 2 and leave nothing behind. No coordinator listens: exit code 2, not 3, shows that submit refuses the
# file before it sends a thing.
source "$(dirname "$0")/lib.sh"
cd "$ASSAY_SOURCE/tests/data/experiments/broken"
export ASSAY_CONNECT="ipc://$work/nobody"

# refused LINES COMMAND...
refused() {
    local lines=$1 status=0
    shift
    assay "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status -eq 2 ] || fail "assay $*: exit code $status"
    diff "$work/err" "$lines" >&2 || fail "assay $*: other lines"
}

count=0
for file in *.json; do
    lines=${file%.json}.txt
    refused "$lines" validate "$file"
    refused "$lines" split "$file" --out "$work/split"
    [ ! -e "$work/split" ] || fail "$file: split made a folder"
    refused "$lines" submit "$file"
    count=$((count + 1))
done
[ $count -ge 40 ] || fail "only $count broken files"

# --json has the same faults, each with its line.
status=0
assay validate --json many.json cut_short.json >"$work/out" 2>/dev/null || status=$?
[ $status -eq 2 ] || fail "broken files as JSON: exit code $status"
faults="json_each(CAST(readfile('$work/out') AS TEXT)) file, json_each(file.value, '\$.faults') fault"
sqlite3 :memory: "SELECT format('assay: %s:%d: %s%s', file.value ->> 'file', fault.value ->> 'line', ltrim((fault.value ->>
    'place') || ': ', ': '), fault.value ->> 'message') FROM $faults WHERE file.value ->> 'file' = 'many.json'" |
    diff - many.txt >&2 || fail "other faults in JSON"
[ "$(sqlite3 :memory: "SELECT fault.value ->> 'line' FROM $faults WHERE file.value ->> 'file' = 'cut_short.json'")" = 6 ] ||
    fail "no line of what is no JSON"

status=0
assay submit ../good/least.json many.json >"$work/out" 2>"$work/err" || status=$?
[ $status -eq 2 ] || fail "a good file beside a broken one: exit code $status"

for file in ../good/*.json "$ASSAY_SOURCE"/experiments/*.json; do
    assay validate "$file" >"$work/out" || fail "$file is refused"
done
