#!/usr/bin/env bash
# --http: the live page. Loopback without a token and only by this machine's names, anywhere else with
# one; GET alone; what changes arrives as events; behind CURVE keys as well; no garbage ends it; and it
# stands in a real browser.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

# refused WORDS OPTION...: exit code 2 with the words.
refused() {
    local words=$1 status=0
    shift
    timeout 60 "$ASSAY_BIN/assay-coordinator" --db "$db" --listen 'tcp://127.0.0.1:*' "$@" 2>err >out || status=$?
    [ $status = 2 ] && grep -qF -- "$words" err || fail "exit code $status of $*: $(cat err)"
}
refused '--http: "0.0.0.0:0" is no address that only this machine reaches' --http 0.0.0.0:0
grep -qF -- 'or --http-token FILE too' err || fail "no remedy: $(cat err)"
refused '--http-token comes with --http' --http-token token
echo short >token
chmod 600 token
refused 'token: no token: 16 to 256 letters' --http 0.0.0.0:0 --http-token token
echo 0123456789abcdef0123456789abcdef >token
chmod 644 token
refused 'chmod 600 token' --http 0.0.0.0:0 --http-token token
chmod 600 token

for name in keys/coordinator.key worker.key person.key; do assay keygen "$name" >keygen.out; done
cp worker.key.pub keys/authorized_workers
cp person.key.pub keys/authorized_people
coordinator_options=(--lease 30 --keys keys --http 127.0.0.1:0)
start_coordinator
export ASSAY_KEY=$work/person.key ASSAY_SERVER_KEY=$work/keys/coordinator.key.pub
page_is() { # where the page of the coordinator that was started last is
    page=http://127.0.0.1:$(sed -n 's/^assay-coordinator: live page on port //p' coordinator.log | tail -n 1)
}
page_is

# gets CODE PATH [CURL-OPTION...]: the body into out, the headers into headers.
gets() {
    local code=$1 path=$2 found
    shift 2
    found=$(curl -s -m 60 -o out -D headers -w '%{http_code}' "$@" "$page$path")
    [ "$found" = "$code" ] || fail "$found, not $code, of $path $*: $(cat out)"
}
# guarded TYPE: the headers of the last answer, with its type, keep a browser from what is not the page's own.
guarded() {
    for header in "Content-Security-Policy: default-src 'none'" 'X-Content-Type-Options: nosniff' \
        'Referrer-Policy: no-referrer' 'Cache-Control: no-store' "Content-Type: $1"$'\r'; do
        grep -qi "^$header" headers || fail "no $header: $(cat headers)"
    done
}
gets 200 /
guarded 'text/html; charset=utf-8'
for file in page.css words.js elements.js curves.js queue.js experiment.js compare.js page.js; do
    gets 200 /$file
    cmp -s out "$ASSAY_SOURCE/share/page/$file" || fail "$file is another"
done
gets 403 / -H 'Host: evil.example'
gets 200 '/api/experiments?group=&after=&token='
guarded application/json
gets 404 /api/experiments/1
grep -q '"error"' out || fail "no error: $(cat out)"
guarded application/json
gets 404 /api/experiments/x
gets 404 /../etc/passwd --path-as-is
gets 400 '/api/experiments?after=-1'
gets 400 '/api/experiments?after=2147483648'
for method in POST PUT DELETE; do gets 405 /api/experiments -X $method; done
gets 200 /api/status -I

# What is submitted, trained and finished arrives by itself.
write_experiment live.json 20 2 '{"train.seed": [0, 1]}'
curl -sN -m 600 -D headers.events "$page/api/events" >events &
worker_pid[listener]=$!
heard() { [ "$(grep -c '^event: change' events)" -ge "$1" ]; }
until_true "the first event is there" heard 1
cp headers.events headers
guarded text/event-stream
ids=$(submit live.json)
id=${ids%% *}
until_true "the submission is heard of" heard 2
gets 200 /api/experiments
[ "$(json "j ->> '$.experiments[0].state'" out)" = queued ] || fail "the queue: $(cat out)"
gets 200 "/api/experiments?after=$id"
[ "$(json "j ->> '$.experiments[0].id'" out)" = "${ids##* }" ] || fail "the next page: $(cat out)"
gets 200 '/api/compare?group=live'
[ "$(json "json_type(j, '$.verdict') || ' ' || json_array_length(j, '$.experiments')" out)" = 'null 2' ] ||
    fail "a comparison of nothing: $(cat out)"
start_worker one --key worker.key --data-root "$work/pictures"
for one in $ids; do until_true "experiment $one is done" in_state "$one" done; done
gets 200 "/api/experiments/$id"
[ "$(json "json_array_length(j, '$.experiments[0].history') || ' ' || json_array_length(j, '$.experiments[0].evaluations')" out)" = '2 4' ] ||
    fail "the details: $(cat out)"
assay tag "$id" --add keep >/dev/null
assay note "$id" $'it is <b>loud</b>:\nkeep it' >/dev/null
gets 200 "/api/experiments/$id"
[ "$(json "(j ->> '$.experiments[0].tags[0]') || ' ' || (j ->> '$.experiments[0].notes[0].number')" out)" = 'keep 1' ] ||
    fail "what is written on it: $(cat out)"

# What it concludes is what assay compare concludes, to the byte.
gets 200 '/api/compare?group=live'
assay compare live --json >compared.json
[ "$(cat out)" = "$(cat compared.json)" ] || fail "another comparison: $(cat out) $(cat compared.json)"
[ "$(json "j ->> '$.verdict' LIKE 'Keep the %'" out)" = 1 ] || fail "no verdict: $(cat out)"
gets 200 "/api/compare?ids=$id"
assay compare "$id" --json >compared.json
[ "$(cat out)" = "$(cat compared.json)" ] || fail "another comparison of one: $(cat out) $(cat compared.json)"
gets 200 "/api/compare?group=&ids=$id"
gets 400 /api/compare
gets 400 '/api/compare?group='
gets 400 '/api/compare?ids=1,,2'
gets 400 '/api/compare?ids=1;2'
gets 404 '/api/compare?group=nobody'
gets 404 '/api/compare?ids=1,99'
gets 200 /api/workers
[ "$(json "json_array_length(j, '$.workers')" out)" = 1 ] || fail "the workers: $(cat out)"
until_true "that it went on is heard" heard 3 # what comes close together is one event

# Garbage, and more listeners than there are places for.
port=${page##*:}
for garbage in 'GET' 'GET / HTTP/9.9\r\n\r\n' '\0\0\0\0\r\n\r\n' 'GET /\r\n: \r\n\r\n' "GET /$(printf 'a%.0s' {1..70000}) HTTP/1.1\r\n\r\n"; do
    { exec 4<>"/dev/tcp/127.0.0.1/$port" && printf "$garbage" >&4 && exec 4>&-; } 2>/dev/null || true
done
for listener in {1..40}; do
    curl -sN -m 600 "$page/api/events" >"events.$listener" &
    worker_pid[listener$listener]=$!
done
all_answered() {
    for listener in {1..40}; do [ -s "events.$listener" ] || return 1; done
}
until_true "every listener has an answer" all_answered
grep -q 'as many browsers listen as may' events.* || fail "nobody was turned away"
gets 200 /api/status
for listener in {1..40}; do
    kill -KILL "${worker_pid[listener$listener]}" 2>/dev/null || true # those who were turned away are gone
    unset "worker_pid[listener$listener]"
done

# It stands in a browser, with members of a group that are done, one that goes on for long and one that waits,
# beside one with the longest name, once those who left are missed.
named=$(printf 'x%.0s' {1..200})
write_experiment "$named.json" 20 1
assay cancel "$(submit "$named.json")" >/dev/null
mkdir long
write_experiment long/live.json 20 100000
long=$(submit long/live.json)
waiting=$(submit long/live.json)
until_true "the long one has epochs" has_epochs "$long" 2
there_is_room() {
    timeout 2 curl -sN "$page/api/events" >events.again || true
    ! grep -q 'as many browsers' events.again
}
until_true "those who left have left their places" there_is_room
status=0
assay compare live --json >compared.json
python3 "$ASSAY_SOURCE/tests/integration/check_page.py" "$page/" "$(json "j ->> '$.verdict'" compared.json)" || status=$?
[ $status = 0 ] || [ $status = 77 ] || fail "the page does not stand in a browser"
assay cancel "$long" "$waiting" >/dev/null
end_worker one TERM

# It ends although browsers listen.
kill -TERM "$coordinator_pid"
wait "$coordinator_pid" || fail "the coordinator ended with $?"
coordinator_pid=

# With a token it may listen anywhere: only who has the token sees anything.
coordinator_options=(--lease 30 --keys keys --http '*:0' --http-token token)
start_coordinator
page_is
gets 401 /api/status
grep -q 'open /?token=TOKEN' out || fail "no remedy: $(cat out)"
gets 401 '/?token=0123456789abcdef0123456789abcdee'
gets 401 / -H 'Authorization: Bearer'
gets 303 "/?token=$(cat token)" -c jar
grep -qix $'Location: /\r' headers || fail "sent elsewhere: $(cat headers)"
grep -qi "^Set-Cookie: assay_token_${page##*:}=.*HttpOnly; SameSite=Strict; Path=/" headers || fail "no cookie: $(cat headers)"
grep -qi '^Referrer-Policy: no-referrer' headers || fail "the token is handed on: $(cat headers)"
gets 200 / -b jar
gets 200 /api/status -H "Authorization: Bearer $(cat token)"
