#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completion of command lines, asked of bash, zsh and fish themselves.
. "$(dirname "$0")/lib.sh"

mkdir "$work/bash" "$work/zsh" "$work/fish" "$work/home"
HOME=$work/home XDG_CONFIG_HOME=$work/home PATH=$ASSAY_BIN:$PATH TERM=xterm
export HOME XDG_CONFIG_HOME PATH TERM
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

in_bash() { # FUNCTION WORD...: the last word is the one that is being typed
    bash --norc -c '. bash/assay; . bash/assay-build; f=$1; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "$f"; printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
is "bash: a command" "$(in_bash _assay assay bui)" build
is "bash: an option of its program" "$(in_bash _assay assay build --no)" --no-cache
is "bash: of a program with commands" "$(in_bash _assay assay attest sign --ou)" --output
is "bash: the program alone" "$(in_bash _assay_build assay-build --no)" --no-cache
is "bash: a file" "$(in_bash _assay assay build pl)" plan.json

in_fish() { fish -c "set -g fish_complete_path $work/fish; complete -C '$1'" | cut -f 1; }
is "fish: a command" "$(in_fish 'assay bui')" build
is "fish: an option of its program" "$(in_fish 'assay build --no')" --no-cache
is "fish: behind an option of the front" "$(in_fish 'assay -q attest k')" keygen
is "fish: of a program with commands" "$(in_fish 'assay attest sign --ou')" --output
is "fish: the program alone" "$(in_fish 'assay-build --no')" --no-cache
is "fish: a file" "$(in_fish 'assay build pl')" plan.json

zsh -f "$here/complete.zsh" "$work/zsh" 'assay bui' 'assay build --no-c' 'assay attest sign --ou' 'assay-build --no-c' 'assay build pl' >"$work/answers"
is "zsh: a command" "$(sed -n 1p "$work/answers")" "assay build "
is "zsh: an option of its program" "$(sed -n 2p "$work/answers")" "assay build --no-cache "
is "zsh: of a program with commands" "$(sed -n 3p "$work/answers")" "assay attest sign --output="
is "zsh: the program alone" "$(sed -n 4p "$work/answers")" "assay-build --no-cache "
is "zsh: a file" "$(sed -n 5p "$work/answers")" "assay build plan.json "
done_testing
