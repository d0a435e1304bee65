#!/usr/bin/env bash
# The Tab key in bash, zsh and fish, typed on a pseudo-terminal: names of experiments with everything
# that a shell takes for its own, groups, workers and choices arrive at a command as the one word that
# they are.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

export PATH=$ASSAY_BIN:$PATH TERM=dumb LC_ALL=C.UTF-8 work
cd "$work"
mkdir home empty
export HOME=$work/home
write_experiment aug3.json 20 1 \
    '{"train.seed": {"flip+jitter,real x2,seed=1": 1, "it'"'"'s $HOME;x": 2, "only=this=one": 3}}'
start_coordinator
submit aug3.json >/dev/null
start_worker one --name lab-7
until_true "the worker is there" sh -c 'assay workers --json | grep -q lab-7'

# What stands for assay in the shells: says its words one by one into a file.
cat >"$work/probe" <<'SH'
#!/bin/sh
[ "$1" != completion ] || exec assay "$@"
for word; do printf '<%s>' "$word"; done >"$work/words.new"
mv "$work/words.new" "$work/words"
SH
chmod +x "$work/probe"
PATH=$work:$PATH
cd empty # no file is offered instead

bash_start() {
    assay completion bash | sed 's/ assay$/ probe/' >"$work/script"
    echo 'PS1="ready> "; bind "set enable-bracketed-paste off"; source "$work/script"' >"$work/rc"
    shell="bash --noprofile --rcfile $work/rc -i"
}
zsh_start() {
    assay completion zsh | sed 's/compdef _assay assay/compdef _assay probe/' >"$work/script"
    mkdir -p "$work/zsh"
    echo 'PS1="ready> "; unsetopt zle_bracketed_paste 2>/dev/null; autoload -U compinit; compinit -u -D;
        unset zle_bracketed_paste; source "$work/script"' >"$work/zsh/.zshrc"
    export ZDOTDIR=$work/zsh
    shell="zsh -d -i"
}
fish_start() {
    assay completion fish | sed 's/complete -c assay/complete -c probe/' >"$work/script"
    shell="fish --no-config --init-command 'function fish_prompt; echo \"ready> \"; end; source $work/script'"
}

begin_shell() {
    on_terminal 40 200 "$shell"
    until_true "$name: the prompt" grep -q 'ready> ' "$work/screen"
}

end_shell() {
    printf 'exit\r' >&3
    exec 3>&-
    wait "$terminal" 2>/dev/null || true
}

# types LINE EXPECTED: \t in LINE is the Tab key. The command then has the words EXPECTED.
types() {
    rm -f "$work/words"
    printf '%b\r' "$1" >&3
    until_true "$name: $1: the command runs" test -e "$work/words"
    [ "$(cat "$work/words")" = "$2" ] || fail "$name: $1 became $(cat "$work/words"), not $2"
}

for name in bash zsh fish; do
    if ! command -v "$name" >/dev/null; then
        echo "$name is not installed: left out"
        continue
    fi
    "${name}_start"
    begin_shell
    types 'probe show aug3/f\t' '<show><aug3/flip+jitter,real x2,seed=1>'
    types 'probe show aug3/flip+jitter,real\\ x\t' '<show><aug3/flip+jitter,real x2,seed=1>'
    types "probe show 'aug3/flip+jitter,real x\t" '<show><aug3/flip+jitter,real x2,seed=1>'
    types 'probe show "aug3/flip+jitter,real x\t' '<show><aug3/flip+jitter,real x2,seed=1>'
    types 'probe show aug3/i\t' "<show><aug3/it's \$HOME;x>"
    types 'probe show aug3/only=th\t' '<show><aug3/only=this=one>'
    types 'probe show aug3/only=\t' '<show><aug3/only=this=one>'
    types 'probe show aug3/only\\=this=\t' '<show><aug3/only=this=one>'
    types 'probe drain lab\t' '<drain><lab-7>'
    types 'probe scores 1 --checkpoint la\t' '<scores><1><--checkpoint><last>'
    types 'probe transform --stage tr\t' '<transform><--stage><train>'
    types 'probe data pu\t' '<data><push>'
    touch aug3.here
    types 'probe validate aug3.\t' '<validate><aug3.here>'
    types 'probe plot 1 --out aug3.\t' '<plot><1><--out><aug3.here>'
    [ "$name" = zsh ] || types 'probe plot 1 -o aug3.\t' '<plot><1><-o><aug3.here>'
    rm aug3.here
    end_shell
done

# Nobody there: nothing is said.
kill_coordinator
status=0
timeout 20 assay completion experiments >"$work/out" 2>&1 || status=$?
[ "$status" = 3 ] || fail "without a coordinator it ends with $status"
[ ! -s "$work/out" ] || fail "without a coordinator it says $(cat "$work/out")"
