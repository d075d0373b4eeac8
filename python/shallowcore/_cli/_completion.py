"""Scripts by which shells complete commands, options and choices; made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

SHELLS = ("bash", "zsh", "fish")


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if action.option_strings)


def _words(action: argparse.Action) -> list[str]:
    """Values that an option or argument may have, where they are few."""
    return [str(one) for one in action.choices or ()]


def _positional_words(parser: argparse.ArgumentParser) -> list[str]:
    return [w for action in parser._actions if not action.option_strings for w in _words(action)]


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Script for one of the shells."""
    return _fish(parser) if shell == "fish" else _bash(parser, zsh=shell == "zsh")


def _bash(parser: argparse.ArgumentParser, zsh: bool) -> str:
    commands = commands_of(parser)
    values, names = [], []
    for name, command in commands.items():
        options = [text for action in _options(command) for text in action.option_strings]
        words = [*options, *_positional_words(command)]
        names.append(f'    {name}) words="{" ".join(words)}" ;;')
        for action in _options(command):
            if _words(action):
                spellings = "|".join(f"{name}:{text}" for text in action.option_strings)
                values.append(f'    {spellings}) words="{" ".join(_words(action))}" ;;')
    top = [text for action in _options(parser) for text in action.option_strings]
    lines = [
        "_shallowcore() {",
        '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
        '  local command="${COMP_WORDS[1]}" words=""',
        "  COMPREPLY=()",
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f'    COMPREPLY=($(compgen -W "{" ".join([*commands, *top])}" -- "$current"))',
        "    return",
        "  fi",
        '  case "$command:$previous" in',
        *values,
        "    *)",
        '      case "$command" in',
        *(f"    {line}" for line in names),
        "      esac ;;",
        "  esac",
        '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o default -F _shallowcore shallowcore",
    ]
    # zsh has bash's way of completion, once asked for.
    start = ["autoload -U +X compinit && compinit", "autoload -U +X bashcompinit && bashcompinit"]
    return "\n".join([*(start if zsh else []), *lines])


def _fish(parser: argparse.ArgumentParser) -> str:
    commands = commands_of(parser)
    lines = [
        f"complete -c shallowcore -n __fish_use_subcommand -f -a {name} "
        f"-d {_quoted((command.description or '').split('. ')[0])}"
        for name, command in commands.items()
    ]
    for name, command in commands.items():
        start = f'complete -c shallowcore -n "__fish_seen_subcommand_from {name}"'
        for action in _options(command):
            spelled = " ".join(
                f"-l {text[2:]}" if text.startswith("--") else f"-s {text[1:]}"
                for text in action.option_strings
            )
            wanted = "" if action.nargs == 0 else " -r"
            words = f" -f -a {_quoted(' '.join(_words(action)))}" if _words(action) else ""
            lines.append(f"{start} {spelled}{wanted}{words} -d {_quoted(action.help)}")
        choices = _positional_words(command)
        if choices:
            lines.append(f"{start} -f -a {_quoted(' '.join(choices))}")
    return "\n".join(lines)


def _quoted(text: str | None) -> str:
    return "'" + (text or "").replace("\\", "\\\\").replace("'", "\\'").replace("%%", "%") + "'"
