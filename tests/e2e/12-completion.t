#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completion of command lines, asked of bash, zsh and fish themselves.
. "$(dirname "$0")/lib.sh"

mkdir "$work/bash" "$work/zsh" "$work/fish"
XDG_CONFIG_HOME=$HOME PATH=$ASSAY_BIN:$PATH TERM=xterm
export XDG_CONFIG_HOME PATH TERM
for program in "$ASSAY_BIN"/assay*; do
    part=$(basename "$program")
    for shell in bash zsh fish; do
        case $shell in bash) file=bash/$part ;; zsh) file=zsh/_$part ;; fish) file=fish/$part.fish ;; esac
        "$program" --help-$shell >"$work/$file"
        ok "$part: $shell reads it" $shell -n "$work/$file"
    done
done
cd "$work" || exit 1
touch plan.json

# What is there besides must not be taken for what is meant: a directory that is called as a command.
mkdir build stores
# The ways in which people load it: bash-completion's, by name, when a command is first completed; the file itself; the
# program's own words. The line is printed by a key.
mkdir -p "$work/data/bash-completion"
ln -s "$work/bash" "$work/data/bash-completion/completions"
rc() {
    echo "$1" >"$work/$2.rc"
    cat >>"$work/$2.rc" <<'END'
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
show_line() { printf '\001%s\002' "$READLINE_LINE"; }
bind -x '"\C-x\C-p": show_line'
PS1=READY
END
}
rc "XDG_DATA_HOME=$work/data; . /usr/share/bash-completion/bash_completion" package
rc ". bash/assay" file
rc 'eval "$(assay --help-bash)"' program
rc 'for part in "$ASSAY_BIN"/assay*; do eval "$("$part" --help-bash)"; done' programs
for way in package file program programs; do
    python3 "$here/complete_bash.py" "$work/$way.rc" 'assay bui' 'assay build --no-c' 'assay attest sign --ou' 'assay -q attest k' 'assay plan sh' \
        'assay build pl' 'assay build plan.json --store st' 'assay nonsense pl' >"$work/answers"
    is "bash, $way: a command" "$(sed -n 1p "$work/answers")" "assay build "
    is "bash, $way: an option of its program" "$(sed -n 2p "$work/answers")" "assay build --no-cache "
    is "bash, $way: of a program with commands" "$(sed -n 3p "$work/answers")" "assay attest sign --output "
    is "bash, $way: behind an option of the front" "$(sed -n 4p "$work/answers")" "assay -q attest keygen "
    is "bash, $way: a command of a command" "$(sed -n 5p "$work/answers")" "assay plan show "
    is "bash, $way: a file" "$(sed -n 6p "$work/answers")" "assay build plan.json "
    is "bash, $way: a directory" "$(sed -n 7p "$work/answers")" "assay build plan.json --store stores/"
    is "bash, $way: of what is no command, files" "$(sed -n 8p "$work/answers")" "assay nonsense plan.json "
done
python3 "$here/complete_bash.py" "$work/programs.rc" 'assay-build --no-c' 'assay-build pl' >"$work/answers"
is "bash: the program alone" "$(sed -n 1p "$work/answers")" "assay-build --no-cache "
is "bash: a file" "$(sed -n 2p "$work/answers")" "assay-build plan.json "

# Nothing typed yet: the commands, and no others.
all_of() { bash --norc -c 'eval "$(assay --help-bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; printf "%s\n" "${COMPREPLY[@]}" | sort' bash "$@"; }
for part in '' $("$assay" --help-json | jq -r '.commands[].name'); do
    wanted=$("$assay" $part --help-json | jq -r '.commands[].name // empty' | sort)
    [ -z "$wanted" ] || is "bash: the commands of assay $part" "$(all_of assay $part '')" "$wanted"
done

in_fish() { fish -c "set -g fish_complete_path $work/fish; complete -C '$1'" | cut -f 1; }
is "fish: a command" "$(in_fish 'assay bui')" build
is "fish: an option of its program" "$(in_fish 'assay build --no-c')" --no-cache
is "fish: behind an option of the front" "$(in_fish 'assay -q attest k')" keygen
is "fish: of a program with commands" "$(in_fish 'assay attest sign --ou')" --output
is "fish: the program alone" "$(in_fish 'assay-build --no-c')" --no-cache
is "fish: a file" "$(in_fish 'assay build pl')" plan.json

zsh -f "$here/complete.zsh" "$work/zsh" 'assay bui' 'assay build --no-c' 'assay attest sign --ou' 'assay-build --no-c' 'assay build pl' >"$work/answers"
is "zsh: a command" "$(sed -n 1p "$work/answers")" "assay build "
is "zsh: an option of its program" "$(sed -n 2p "$work/answers")" "assay build --no-cache "
is "zsh: of a program with commands" "$(sed -n 3p "$work/answers")" "assay attest sign --output="
is "zsh: the program alone" "$(sed -n 4p "$work/answers")" "assay-build --no-cache "
is "zsh: a file" "$(sed -n 5p "$work/answers")" "assay build plan.json "
done_testing
