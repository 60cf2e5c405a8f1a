"""The scripts that a shell sources: each asks the command itself, by a variable of the environment, what may follow.

They are our own and not argcomplete's. Its scripts put a space behind all but `=`, `/` and `:`, so that `params.` and
`dtype=float32,` end the word, and its finder asks a whole parser of argparse, which would be made first.
"""

from __future__ import annotations

from typing import Final

COMPLETING: Final = "_TENSORFLOW_FREE_COMPLETE"
"""The variable that has the name of the shell while a command is asked."""

_BASH: Final = r"""# completion of recipe and run-recipe in bash:  source <(recipe completion bash)
_tensorflow_free() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(VARIABLE=bash COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" \
        _TENSORFLOW_FREE_BREAKS="$COMP_WORDBREAKS" "${1/#\~/$HOME}" </dev/null 2>/dev/null)
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=./,:[] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _tensorflow_free recipe run-recipe 2>/dev/null || complete -F _tensorflow_free recipe run-recipe
"""

_ZSH: Final = r"""#compdef recipe run-recipe
# completion of recipe and run-recipe in zsh:  source <(recipe completion zsh)
_tensorflow_free() {
    local typed=${(Q)PREFIX} head= answer word says told
    local -a lines open closed
    answer=$(VARIABLE=zsh ${~${(Q)words[1]}} "${(@Q)words[2,CURRENT-1]}" "$typed" </dev/null 2>/dev/null) || return 1
    lines=("${(@f)answer}")
    # what stands before the last part is left as it is, and not shown with each
    head=${lines[1]}
    shift lines
    if [[ -n $head ]]; then
        [[ $typed == "$PREFIX" ]] && compset -p ${#head} || head=
    fi
    for word in $lines; do
        says=${word#*$'\t'}
        word=${word%%$'\t'*}
        word=${word#"$head"}
        told="${${word//\\/\\\\}//:/\\:}:$says"
        [[ $word == *[=./,:\[] ]] && open+=("$told") || closed+=("$told")
    done
    local result=1
    (($#closed)) && _describe -V -t words word closed && result=0
    (($#open)) && _describe -V -t words word open -S '' && result=0
    return $result
}
(($+functions[compdef])) || { autoload -Uz compinit && compinit -i }
compdef _tensorflow_free recipe run-recipe
"""

_FISH: Final = r"""# completion of recipe and run-recipe in fish:  recipe completion fish | source
function __tensorflow_free_complete
    set -lx VARIABLE fish
    set -l typed (commandline -opc)
    set -l word (commandline -ct | string unescape)
    eval (string escape -- $typed[1]) (string escape -- $typed[2..-1]) (string escape -- "$word") </dev/null 2>/dev/null
end
for command in recipe run-recipe
    complete --command $command --no-files --keep-order --arguments '(__tensorflow_free_complete)'
end
"""

SCRIPTS: Final = {
    shell: script.replace("VARIABLE", COMPLETING) for shell, script in (("bash", _BASH), ("zsh", _ZSH), ("fish", _FISH))
}
"""The script of each shell."""
