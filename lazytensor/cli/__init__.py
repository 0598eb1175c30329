"""The commands: `python -m lazytensor VERB`, and the console script `lazytensor`.

What enters: words of a command line. What leaves: text on standard output, and an exit code. Each
verb is a module with `add_arguments` and `run`. It must not know how anything is computed.
"""

import argparse
import os
import sys
from collections.abc import Sequence

import lazytensor

from .._base import config
from . import conformance, console, demo, explain, info, run

__all__ = ["main"]

VERBS = {
    "demo": (
        demo,
        "a tour on real data: the lazy graph, its kernels, time against NumPy, accuracy",
    ),
    "conformance": (conformance, "run the official suite of the array API standard, and report"),
    "explain": (
        explain,
        "which graph, kernels and buffers a piece of code makes, and what forced them",
    ),
    "run": (run, "run a program in which `import torch` means lazytensor.torch"),
    "info": (info, "versions, targets, devices, settings, and what is missing"),
}


def parser() -> argparse.ArgumentParser:
    """Of all verbs."""
    out = argparse.ArgumentParser(
        prog="lazytensor", description="The Python array API over a lazy graph.", allow_abbrev=False
    )
    out.add_argument("--version", action="version", version=f"lazytensor {lazytensor.__version__}")
    verbs = out.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (module, text) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return out


def _options(words: list[str]) -> argparse.Namespace:
    """Parsed words; what follows a program to run is its own, whatever it looks like."""
    if words[:1] != ["run"]:
        return parser().parse_args(words)
    own, others = run.divide(words[1:])
    return parser().parse_args(["run", *own], argparse.Namespace(arguments=others))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb. Returns 0, 1 when what was asked for failed, 2 when it could not be begun."""
    try:
        for name in config.TABLE:
            config.get(name)
    except ValueError as error:
        console.complain(str(error))
        return 2
    try:
        options = _options(sys.argv[1:] if argv is None else list(argv))
        code = int(options.run(options))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone, as in `lazytensor info | head -1`; Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code
