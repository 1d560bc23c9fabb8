# SPDX-License-Identifier: Apache-2.0
# What zsh makes of a line when Tab is pressed: complete.zsh FUNCTIONS LINE..., one answer a line.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT= RPROMPT=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D
answer() { print -r -- \"<\$BUFFER>\"; BUFFER=; zle accept-line }
zle -N answer; bindkey '^I' complete-word; bindkey '^X' answer; print -r RE''ADY"
zpty -r shell said '*READY*'
shift
for line; do
    zpty -n -w shell "$line"$'\t\x18'
    zpty -r shell said '*<*>*'
    said=${said##*<}
    print -r -- "${said%%>*}"
done
zpty -d shell
