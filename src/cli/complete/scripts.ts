/** Shells that `completion` knows. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What a shell reads once: it asks `iechor __complete WORDS...` for the rest, the last word being the one begun. */
export const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of iechor: eval "$(iechor completion bash)", or put it into
# /etc/bash_completion.d/iechor
_iechor() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line before=$COMP_WORDBREAKS
  local -a words
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
  cur=\${words[-1]}
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    [[ -n $line ]] && COMPREPLY+=("$line")
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
  if [[ \${COMPREPLY[0]-} == :files ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
    compopt -o filenames 2>/dev/null
    return
  fi
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  # A word with a colon or an equals sign is several words to readline: hand on what comes after.
  local lead=\${cur%"\${cur##*[:=]}"}
  if [[ -n $lead && $COMP_WORDBREAKS == *[:=]* ]]; then COMPREPLY=("\${COMPREPLY[@]#"$lead"}"); fi
}
complete -F _iechor iechor
`,
  zsh: `#compdef iechor
# zsh completion of iechor: source <(iechor completion zsh), or put it into a directory of $fpath as _iechor
_iechor() {
  local -a candidates lines
  local line name text
  lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${lines[1]} == :files ]]; then _files; return; fi
  for line in $lines; do
    name=\${line%%$'\\t'*}
    text=\${line#*$'\\t'}
    [[ -z $name ]] && continue
    candidates+=("\${name//:/\\\\:}:$text")
  done
  _describe -V iechor candidates
}
if [[ $funcstack[1] == _iechor ]]; then _iechor; else compdef _iechor iechor; fi
`,
  fish: `# fish completion of iechor: iechor completion fish | source, or put it into
# ~/.config/fish/completions/iechor.fish
function __iechor_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] 2>/dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $lines
    end
end
complete -c iechor -f -a '(__iechor_complete)'
`,
};
