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

status=0
assay submit ../good/least.json many.json >"$work/out" 2>"$work/err" || status=$?
[ $status -eq 2 ] || fail "a good file beside a broken one: exit code $status"

for file in ../good/*.json "$ASSAY_SOURCE"/experiments/*.json; do
    assay validate "$file" >"$work/out" || fail "$file is refused"
done
