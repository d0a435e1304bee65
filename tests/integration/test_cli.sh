#!/usr/bin/env bash
# Every command that people type, against a coordinator and a worker: what it prints, that --json is
# JSON, and its exit code.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

# run STATUS COMMAND...: into $work/out and $work/err; any other exit code fails the test.
run() {
    local expected=$1 status=0
    shift
    "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status = "$expected" ] ||
        fail "exit code $status, not $expected, of: $*"$'\n'"$(cat "$work/out" "$work/err")"
}

# says PATTERN [out|err]: some line of what the last command wrote matches.
says() {
    grep -qE -- "$1" "$work/${2:-out}" || fail "no \"$1\" in: $(cat "$work/${2:-out}")"
}

# query SQL: JSON functions of SQLite on the last stdout, which must be one document: $ is `document`.
query() {
    sqlite3 :memory: "SELECT json_valid(CAST(readfile('$work/out') AS TEXT))" | grep -qx 1 ||
        fail "no JSON: $(cat "$work/out")"
    sqlite3 :memory: "WITH input AS (SELECT CAST(readfile('$work/out') AS TEXT) AS document) $1"
}

expect() { # WHAT ACTUAL EXPECTED
    [ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""
}

# one_error PATTERN: stderr is one line that begins as every error does.
one_error() {
    expect "lines on stderr" "$(wc -l <"$work/err")" 1
    says "^assay: .*$1" err
}

# --- without a coordinator ---------------------------------------------------------------------
cd "$work"
write_experiment demo.json 20 2 '{"train.seed": [0, 1]}'

run 2 assay
run 0 assay --help
says '^  submit '
run 0 assay --version
says '^assay [0-9]'
for program in coordinator worker; do
    run 0 "$ASSAY_BIN/assay-$program" --version
    says "^assay-$program [0-9]"
done
run 2 assay sumbit
one_error 'did you mean "submit"'
run 2 assay ls --jsno
one_error 'did you mean --json'
for command in $("$ASSAY_BIN/assay" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    run 0 assay "$command" --help
    says "[Uu]sage: *assay.*$command"
    # Each example is a line of its own, to be copied as it stands.
    sed -n '/^Examples*:$/,$p' "$work/out" | grep -vE '^Examples*:$|^$|^  [a-z]' >"$work/broken" &&
        fail "an example of $command is broken: $(cat "$work/broken")"
    [ "$(grep -c "^  assay $command" "$work/out")" -lt 2 ] || says '^Examples:$'
done

# completes WORD...: what bash offers for the last word of `assay WORD...`
completes() {
    source <("$ASSAY_BIN/assay" completion bash)
    COMP_WORDS=(assay "$@") COMP_CWORD=$# COMP_LINE="assay $*"
    COMP_POINT=${#COMP_LINE}
    _assay
    echo "${COMPREPLY[*]}"
}
expect "commands that begin with va" "$(completes va)" validate
expect "options of submit" "$(completes submit --pri)" --priority
expect "choices of an option" "$(completes plot --checkpoint '')" "best last"
expect "options of another program" "$(completes worker --dra)" --drain
expect "commands to be helped with" "$(completes help ver)" verify
run 0 assay completion zsh
run 0 assay completion fish
run 2 assay completion tcsh
one_error 'use bash, zsh or fish'
run 0 assay man submit
says '^\\fB\\-p\\fR, \\fB\\-\\-priority\\fR=\\fIN\\fR$'
run 0 assay man worker
says 'drain'
run 0 assay man --out pages
expect "a page a command and one of all" "$(ls pages | wc -l)" \
    $(($("$ASSAY_BIN/assay" --help | grep -c '^  [a-z]') + 1))
run 2 assay man submit --out page
one_error 'leave out either'
[ ! -e page ] || fail "one page is asked for, and all are written"
run 2 assay man nothing

run 0 assay validate demo.json
says '^demo.json: valid; demo, 2 experiments, 4 epochs planned'
run 0 assay validate --data --json demo.json
expect "experiments" "$(query "SELECT json_array_length(document, '\$[0].experiments') FROM input")" 2
expect "training pictures" \
    "$(query "SELECT document ->> '\$[0].experiments[1].pictures.train' FROM input")" 32
expect "a default" "$(query "SELECT document ->> '\$[0].experiments[1].config.train.scheduler.min_lr' FROM input")" 1.0e-06

run 0 assay init pictures --out first.json
says '^real +1 \(real\) +20 '
says 'first.json is written'
run 0 assay validate --data first.json
says ' 32 +4 +4$'
run 2 assay init pictures --out first.json
one_error 'left alone'
run 2 assay init home --out second.json

run 0 assay split demo.json --out lists
says '^lists/train.json: 32 pictures \(label 0: 16, label 1: 16\)'
cp lists/train.json out
expect "train.json" "$(query 'SELECT json_array_length(document) FROM input')" 32
write_experiment two.json 20 1 '{"data.split": [{"train": 0.8, "valid": 0.1, "test": 0.1, "seed": 0}, {"train": 0.6, "valid": 0.2, "test": 0.2, "seed": 1}]}'
run 2 assay split two.json --out lists
one_error 'choose one with --member'
write_experiment near.json 20 1 '{"data.split.seed": [9007199254740990, 9007199254740991]}'
run 2 assay split near.json --out lists
one_error 'differ in data; choose one with --member'

export ASSAY_CONNECT=tcp://127.0.0.1:1
for command in ls workers "show 1" "logs 1" "cancel 1" watch compare "submit demo.json" "plot 1 --out p.png" export \
    "test 1 --checkpoint best --split test"; do
    run 3 assay $command --timeout 1
    one_error 'assay coordinator'
done
run 0 assay doctor
says 'everything needed is there'
says '^coordinator +cannot reach a coordinator at tcp://127.0.0.1:1; start one with: '
ASSAY_KEY=$work/none run 0 assay doctor
says '^coordinator +--key without --server-key'
run 0 env --ignore-signal=CHLD "$ASSAY_BIN/assay" doctor
says '^backend cpu '
run 0 assay doctor --json
expect "an answer" "$(query "SELECT document ->> '\$.coordinator.answers' FROM input")" 0
expect "free bytes" "$(query "SELECT abs(1 - (document ->> '\$.home.free_bytes') / (1024.0 * $(df -kP "$work" | awk 'NR == 2 {print $4}'))) < 0.1 FROM input")" 1
ASSAY_HOME=$work/demo.json/home run 1 assay doctor
says '^ASSAY_HOME +.* cannot be written'
ln -s "$work/unmounted/home" dangling
for home in dangling dangling/more; do
    ASSAY_HOME=$work/$home run 1 assay doctor
    says '^ASSAY_HOME +.*/dangling.* cannot be written'
done
ASSAY_HOME=not/there run 0 assay doctor
run 1 env -u HOME -u ASSAY_HOME "$ASSAY_BIN/assay" doctor
says '^ASSAY_HOME +not known; '
mkdir alone
cp "$ASSAY_BIN/assay" alone/
run 1 alone/assay doctor
says '^assay-worker +missing beside assay'
says 'something needed is missing'
mkdir libraries
: >libraries/libsqlite3.so.0
LD_LIBRARY_PATH=$work/libraries run 1 assay doctor
says '^SQLite +missing; scripts/setup installs it'
run 2 assay ls --connect nonsense
one_error 'tcp://HOST:PORT'
run 2 assay ls --connect tcp://127.0.0.1:99999
one_error '1 to 65535'

# What stdout does not take is said.
for command in "assay --help" "assay ls --help" "assay --version" "assay man ls" "assay-coordinator --help" \
    "assay-worker --help" "assay-worker predict --help" "assay-coordinator backup --help"; do
    status=0
    "$ASSAY_BIN"/$command >/dev/full 2>err || status=$?
    expect "exit code of $command" $status 1
    one_error 'cannot write to stdout'
done
status=0
"$ASSAY_BIN/assay" doctor >&- 2>err || status=$?
expect "exit code with stdout closed" $status 1
one_error 'stdout is closed'

# --- an empty queue ----------------------------------------------------------------------------
start_coordinator
run 0 assay ls
says 'no experiments'
run 0 assay ls --json
expect "an empty list" "$(cat out)" "[]"
run 0 assay workers --json
expect "no workers" "$(cat out)" "[]"
run 0 assay watch
says 'nothing is queued'
run 0 assay doctor
says 'coordinator +version'
for command in "show 1" "logs 1" "cancel 1" "watch 1" "compare 1" "ls 1" "watch nogroup" \
    "test 1 --checkpoint best --split test" "show x" "cancel 1 demo" "ls --state wrong"; do
    run 2 assay $command
    one_error ''
done

run 0 assay submit demo.json --dry-run
says 'no experiment with resnet18 at [0-9]+ pixels is done'
says 'Nothing was queued'
run 0 assay ls --json
expect "an empty list" "$(cat out)" "[]"

# --- queued, cancelled -------------------------------------------------------------------------
run 0 assay submit demo.json --priority -5
says '^ 1  demo/'
run 0 assay logs 1
one_error 'experiment 1 has no log yet'
run 0 assay logs 1 --json
[ ! -s err ] || fail "--json says: $(cat err)"
run 0 assay cancel 2
says '^2 demo/.*: cancelled'
run 0 assay cancel demo
says '^2 demo/.*: left as it is: cancelled'
run 0 assay cancel 1 --json
query "SELECT 1 FROM input" >/dev/null
run 4 assay show 1
says 'state +cancelled'
run 4 assay watch demo
run 4 assay compare demo
run 0 assay compare
run 0 assay logs 1
[ ! -s out ] || fail "a log of what has not begun: $(cat out)"
one_error 'experiment 1 ended without a log; assay show 1 says how'
run 4 assay logs 1 -f
run 0 assay ls --state queued --json
expect "nothing queued" "$(cat out)" "[]"

# --- trained -----------------------------------------------------------------------------------
start_worker one
run 0 assay submit demo.json --wait
says '^ *3 +seed=0 +1/2 train [0-9.]+ valid [0-9.]+ accuracy [0-9.]+'
says '^ *4 .*done in'
run 0 assay workers
says ' cpu '
run 0 assay submit demo.json --dry-run
says 'Time: about .* at the pace of 2 that are done'
run 0 assay show 3
says 'resnet18'
says '^best +[12] +test '
run 0 assay show demo/seed=1 --json
expect "the newest of a name" "$(query "SELECT document ->> '\$.id' FROM input")" 4
run 0 assay ls 1 demo/seed=1 --json
expect "ids beside names" "$(query "SELECT json_array_length(document) FROM input")" 2
run 2 assay show demo
one_error 'names 4 experiments'
run 0 assay show 3 --json
expect "epochs" "$(query "SELECT json_array_length(document, '\$.history') FROM input")" 2
expect "the absolute root" "$(query "SELECT document ->> '\$.config.data.root' FROM input")" "$work/pictures"
cp out shown
run 0 assay show 3 --config
cp out again.json
run 0 assay validate again.json
run 0 assay logs 3
[ -s out ] || fail "an empty log"
cp out log
run 0 assay logs 3 -f
cmp -s out log || fail "the followed log differs"
run 0 assay tag 3 4 --add keep,v1
run 0 assay tag demo/seed=1 --remove v1
run 0 assay note 3 $'flat\nfrom the start'
says '^3 demo/seed=0: note 1$'
run 0 assay note 3 4
says '^     from the start$'
says '^4 demo/seed=1: no notes$'
run 0 assay note 3 --remove 1
run 2 assay note 3 --remove 9
one_error 'experiment 3 has no note 9'
run 0 assay ls --filter 'tag = keep and tags !~ v1' --json
expect "of a tag" "$(query "SELECT json_array_length(document) || (document ->> '\$[0].id') FROM input")" 14
run 0 assay compare 3 4
says 'Repeats with other seeds'
says '^Which to keep'
run 0 assay compare 3 4 --json
expect "repeats" "$(query "SELECT json_array_length(document, '\$.repeats[0].ids') FROM input")" 2
expect "a split's pictures" "$(query "SELECT sum(value) FROM input, json_each(document, '\$.experiments[0].evaluations.best.test') WHERE key GLOB '*_*tive'")" 4
# The same checkpoint, evaluated again, gives the same numbers.
cp out compared
for checkpoint in best last; do
    run 0 assay test 3 --checkpoint $checkpoint --split test --json
    again=$(query "SELECT json_extract(document, '\$.true_positive', '\$.true_negative', '\$.loss') FROM input")
    cp compared out
    expect "$checkpoint again" "$again" \
        "$(query "SELECT json_extract(document, '\$.experiments[0].evaluations.$checkpoint.test.true_positive', '\$.experiments[0].evaluations.$checkpoint.test.true_negative', '\$.experiments[0].evaluations.$checkpoint.test.loss') FROM input")"
done
run 0 env -u HOME -u ASSAY_HOME "$ASSAY_BIN/assay" test 3 --checkpoint 2 --split valid
says '^ROC AUC +[01]\.[0-9]{4}$'
says '^fake +0 +2 '
run 0 assay scores 3 --checkpoint last --split test
says '^path,class,label,probability$'
expect "scored pictures" "$(grep -cE '^(fake|real)/[^,]+,(fake|real),[01],[01](\.[0-9e-]+)?$' out)" 4
for kind in sheet roc confusion effects; do
    run 0 assay plot 3 4 --kind $kind --out $kind.png
    expect "a PNG of $kind" "$(head -c 4 $kind.png | tail -c 3)" PNG
done
run 0 assay plot 3 --kind loss --out loss.svg
grep -q '>cross-entropy (nats)</text>' loss.svg || fail "no axis in loss.svg"
run 2 assay plot 3 --out loss.gif
one_error 'ends in .png or .svg'
run 0 assay report 3 4 --out report.html
grep -q '<svg' report.html || fail "no drawing in report.html"
run 0 assay export 3 4 --json
expect "a row an experiment" "$(query "SELECT json_array_length(document) FROM input")" 2
expect "what differs" "$(query "SELECT document ->> '\$[1].\"config.train.seed\"' FROM input")" 1
run 0 assay export 3 4 --epochs
expect "titles and a row an epoch" "$(wc -l <out)" 5
run 2 assay export nogroup
one_error 'nogroup'
# The statements of docs/export.md are good ones.
sed -n '/^```sql/,/^```/{/^```/d;p}' "$ASSAY_SOURCE/docs/export.md" >statements.sql
sqlite3 -readonly "$db" <statements.sql >answers || fail "docs/export.md has a statement that fails"
[ -s answers ] || fail "no answer to the statements of docs/export.md"
run 2 assay scores 5 --checkpoint last --split test
one_error 'no experiment 5'
run 2 assay test 3 --checkpoint 7 --split valid
one_error 'no checkpoint 7'

# --- failing -----------------------------------------------------------------------------------
write_experiment broken.json 20 1
sed -i 's|"root": .*|"root": "nowhere",|; s|"epochs": 1,|"epochs": 1, "seed": 3,|' broken.json
sed -i '$d' broken.json
echo ', "max_attempts": 1}' >>broken.json
run 4 assay submit broken.json --wait
says 'nowhere is not on this machine' err
says 'failed: .*nowhere'
run 4 assay show 5
says 'error +.*nowhere'

# Nothing that is piped has colours or trailing spaces.
for command in "ls" "show 3" "compare" "workers" "doctor"; do
    assay $command >out || true
    if grep -q $'\033' out || grep -q ' $' out; then
        fail "colours or trailing spaces in: $command"
    fi
done

# On a narrow terminal no table is wider than it. Paths are whole, and so are sentences.
run 0 assay data push demo.json
for columns in 40 50 60 80; do
    for command in ls "show 3" "show 5" compare "compare --sort=-accuracy" workers "tag 3" "submit demo.json --dry-run" \
        "data ls"; do
        script -qec "stty cols $columns; TERM=xterm $ASSAY_BIN/assay $command" /dev/null </dev/null >out || true
        sed -i $'s/\r$//; s/\033\\[[0-9;]*m//g; '"\\|$work|d; /^Time: /d" out
        [ "$(LC_ALL=C.UTF-8 wc -L <out)" -le $columns ] || fail "$command is wider than $columns columns: $(cat out)"
        grep -q . out || fail "nothing of $command"
    done
done
