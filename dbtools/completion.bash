# Completion for bash; zsh runs it through bashcompinit. Install: eval "$(dbtools completion bash)" in ~/.bashrc
_dbtools() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
  case $before in
    --root|--out|--notebooks) COMPREPLY=($(compgen -d -- "$word")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="demo run list help completion --help --version"
  else
    case $command in
      run) words="$(dbtools list --names 2>/dev/null) --root --out --notebooks --json --quiet --verbose -p" ;;
      list|help) words="$(dbtools list --names 2>/dev/null)" ;;
      completion) words="bash zsh" ;;
      demo) COMPREPLY=($(compgen -d -- "$word")); return ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _dbtools dbtools
