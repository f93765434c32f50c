"""`minigrad completion`: what makes a shell complete commands and options with the Tab key."""

import argparse
from collections.abc import Iterator
from typing import Any

from minigrad.cli.help_text import HelpFormatter

BASH = """\
_minigrad() {
    local current=${COMP_WORDS[COMP_CWORD]} words=
    case ${COMP_WORDS[1]} in
%s
    esac
    [ "$COMP_CWORD" -eq 1 ] && words="%s"
    case $current in
        -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
        *) [ "$COMP_CWORD" -eq 1 ] && COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    esac
}
complete -o default -F _minigrad minigrad
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
EPILOG = """\
bash: eval "$(minigrad completion bash)" in ~/.bashrc
zsh:  eval "$(minigrad completion zsh)" in ~/.zshrc, below compinit
fish: minigrad completion fish > ~/.config/fish/completions/minigrad.fish"""


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "completion",
        help="print what makes your shell complete this command",
        description="Print the lines that make a shell complete minigrad's commands and options.",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    parser.set_defaults(run=run, parsers=commands.choices)


def run(options: argparse.Namespace) -> int:
    """Print the script for the shell, made from the commands' own options."""
    if options.shell == "fish":
        print("\n".join(_fish(options.parsers)))
    else:
        print(ZSH * (options.shell == "zsh") + _bash(options.parsers), end="")
    return 0


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The options of a command that have a long name."""
    return [a for a in parser._actions if any(o.startswith("--") for o in a.option_strings)]


def _long(action: argparse.Action) -> str:
    return next(option for option in action.option_strings if option.startswith("--"))


def _bash(parsers: dict[str, argparse.ArgumentParser]) -> str:
    cases = [
        f'        {name}) words="{" ".join(map(_long, _options(parser)))}" ;;'
        for name, parser in parsers.items()
    ]
    return BASH % ("\n".join(cases), " ".join(parsers))


def _fish(parsers: dict[str, argparse.ArgumentParser]) -> Iterator[str]:
    for name, parser in parsers.items():
        about = _quoted((parser.description or "").partition(".")[0])
        yield f"complete -c minigrad -n __fish_use_subcommand -f -a {name} -d {about}"
        for action in _options(parser):
            choices = " ".join(map(str, action.choices or ()))
            values = f" -x -a {_quoted(choices)}" if choices else ""
            where = f"complete -c minigrad -n '__fish_seen_subcommand_from {name}'"
            yield f"{where} -l {_long(action)[2:]}{values} -d {_quoted(action.help or '')}"


def _quoted(words: str) -> str:
    return "'" + words.replace("%%", "%").replace("\\", "\\\\").replace("'", "\\'") + "'"
