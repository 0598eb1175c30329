"""Programs written for PyTorch, unmodified, with PyTorch and by `lazytensor run`: the numbers that
they print are compared.

    python -m tests.clients.torch_programs --folder CHECKOUTS [--only REGEX]

`CHECKOUTS` holds checkouts of minGPT, nanoGPT, makemore, pytorch/examples (as `examples`), einops
and torchdiffeq, or some of them; each is copied, so that nothing is written there. What packages
they need must be installed, or be found by PYTHONPATH: torch, pytest, scipy, tqdm, gymnasium,
tensorboard, tiktoken, requests, matplotlib. torchvision is stood in for by `stand_ins/`.
docs/third_party.md says what is not run, and why.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).with_name("stand_ins")
LOSS = r"\bloss\w*[:=]? +(-?[\d.]+(?:e-?\d+)?)"
SUMMARY = r"(\d+) (passed|failed|error)"
# Agreement that is asked for, besides one unit of the last digit that is printed.
TOLERANCE = 1e-4
# Gives a seed to a program that sets none, tells of the losses of one that doesn't, and vouches for
# arrays in files, which torch.load has refused since PyTorch 2.6.
SEEDED = """
import runpy, sys, numpy, torch
torch.manual_seed(0)
array = numpy.array([0.5])
torch.serialization.add_safe_globals(
    [array.__reduce__()[0], numpy.ndarray, numpy.dtype, type(array.dtype)]
)
def telling(f):
    def told(*args, **kwargs):
        loss = f(*args, **kwargs)
        print("loss", loss.item())
        return loss
    return told
torch.nn.functional.smooth_l1_loss = telling(torch.nn.functional.smooth_l1_loss)
del sys.argv[0]
sys.path.insert(0, "")
runpy.run_path(sys.argv[0], run_name="__main__")
"""
TEXT = "examples/word_language_model/data/wikitext-2/valid.txt"


class Program(NamedTuple):
    """A program in the folder of a checkout: its words, and which numbers of its output count.

    It is stopped when `numbers` of them have been printed. `before` puts files in place; with
    `words_of_theirs` PyTorch is given other words. `excused` are tests of a suite that may fail.
    """

    name: str
    folder: str
    words: str
    pattern: str = LOSS
    numbers: int = 10_000
    before: Callable[[Path], None] = lambda copies: None
    words_of_theirs: str | None = None
    path: str = ""
    excused: tuple[str, ...] = ()
    apart: float = TOLERANCE


def _text(copies: Path, to: str, size: int) -> None:
    """Some text, in a file that a program would download."""
    source = copies / TEXT
    text = source.read_text("utf-8") if source.exists() else "to be or not to be, that is it. "
    target = copies / to
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text((text * (size // len(text) + 1))[:size], "utf-8")


def _words(copies: Path) -> None:
    _text(copies, "examples/word_language_model/data/wikitext-2/train.txt", 40_000)
    _text(copies, "examples/word_language_model/data/wikitext-2/test.txt", 10_000)
    (copies / TEXT).write_text((copies / TEXT).read_text("utf-8")[:10_000], "utf-8")


TRAIN = (
    "train.py --dataset=shakespeare_char --device=cpu --eval_iters=2 --eval_interval=20 "
    "--block_size=64 --batch_size=12 --n_layer=2 --n_head=4 --n_embd=64 --max_iters=40 "
    "--lr_decay_iters=40 --warmup_iters=5 --learning_rate=1e-3 --dropout=0.0 "
    "--gradient_accumulation_steps=2"
)
WORDS = "main.py --emsize 32 --nhid 32 --epochs 1 --log-interval 2 --bptt 20 --lr 2 --model"
DIGITS = "main.py --epochs 1 --log-interval 1 --batch-size 32 --test-batch-size 80"
TESTED = ("api_tests", "event_tests", "gradient_tests", "norm_tests", "odeint_tests")

PROGRAMS = (
    Program(
        "minGPT adder", "minGPT",
        "projects/adder/adder.py --trainer.max_iters=61 --trainer.num_workers=0",
        r"train loss ([\d.]+)|final score: (\d+)", path="minGPT",
    ),
    Program(
        "minGPT chargpt", "minGPT",
        "projects/chargpt/chargpt.py --trainer.max_iters=31 --trainer.num_workers=0 "
        "--model.model_type=gpt-nano --data.block_size=64 --trainer.batch_size=16",
        path="minGPT", before=lambda copies: _text(copies, "minGPT/input.txt", 100_000),
    ),
    Program(
        "nanoGPT prepare", "nanoGPT", "data/shakespeare_char/prepare.py", r"([\d,]+) tokens",
        before=lambda copies: _text(copies, "nanoGPT/data/shakespeare_char/input.txt", 200_000),
    ),
    Program("nanoGPT train", "nanoGPT", f"{TRAIN} --compile=False"),
    Program("nanoGPT train, compiled", "nanoGPT", f"{TRAIN} --compile=True",
            words_of_theirs=f"{TRAIN} --compile=False"),
    Program("nanoGPT sample", "nanoGPT",
            "sample.py --device=cpu --num_samples=2 --max_new_tokens=80", r"(?s)(.+)"),
    *(
        Program(f"makemore {kind}", "makemore",
                f"makemore.py --type {kind} --max-steps 151 --num-workers 0 --work-dir out-{kind}",
                r"\bloss ([\d.]+)")
        for kind in ("transformer", "bow", "rnn", "gru", "mlp", "bigram")
    ),
    Program("makemore with workers", "makemore",
            "makemore.py --type mlp --max-steps 51 --num-workers 2 --work-dir out-workers",
            r"\bloss ([\d.]+)"),
    *(
        Program(f"word_language_model {kind}", "examples/word_language_model", f"{WORDS} {kind}",
                before=_words)
        for kind in ("LSTM", "GRU", "RNN_TANH", "Transformer")
    ),
    Program("word_language_model generate", "examples/word_language_model",
            "generate.py --words 100", r"(?s)(.+)"),
    Program("regression", "examples/regression", "-c @ main.py", numbers=200),
    Program("sine waves", "examples/time_sequence_prediction", "generate_sine_wave.py", r"(x)"),
    Program("time_sequence_prediction", "examples/time_sequence_prediction",
            "-c @ train.py --steps 2", r"loss: ([\d.e-]+)", numbers=3),
    Program("reinforce", "examples/reinforcement_learning", "reinforce.py",
            r"reward: ([\d.]+)", numbers=12),
    Program("actor_critic", "examples/reinforcement_learning", "actor_critic.py",
            r"reward: ([\d.]+)", numbers=12),
    Program("mnist", "examples/mnist", DIGITS),
    Program("mnist_rnn", "examples/mnist_rnn", DIGITS),
    Program("mnist_hogwild", "examples/mnist_hogwild", f"{DIGITS} --num-processes 1"),
    Program("mnist_forward_forward", "examples/mnist_forward_forward",
            "-c @ main.py --epochs 30 --log-interval 5", r"(?:loss|error): +([\d.]+)"),
    Program("vae", "examples/vae", "main.py --epochs 2 --log-interval 1 --batch-size 64"),
    Program("dcgan", "examples/dcgan",
            "main.py --dataset fake --batchSize 8 --imageSize 64 --ngf 8 --ndf 8 --niter 1 "
            "--workers 0 --manualSeed 1", r"Loss_[DG]: ([\d.]+)"),
    Program("einops suite", "einops", "-m pytest -q -p no:cacheprovider einops/tests", SUMMARY),
    Program("torchdiffeq suite", "torchdiffeq",
            "-m pytest -q -p no:cacheprovider " + " ".join(f"tests/{t}.py" for t in TESTED),
            SUMMARY, path="torchdiffeq"),
)  # fmt: skip


class Outcome(NamedTuple):
    """What a run printed of what counts, how long it took, and the end of what it said."""

    found: list[str]
    seconds: float
    code: int | None
    said: str


def outcome(program: Program, copies: Path, ours: bool, limit: float) -> Outcome:
    """Run a program until it ends, has printed enough, or has had its time."""
    words = program.words if ours or not program.words_of_theirs else program.words_of_theirs
    split = [SEEDED if word == "@" else word for word in words.split()]
    command = [sys.executable, *(["-m", "lazytensor", "run"] if ours else []), *split]
    start, lines, found = time.monotonic(), [], []
    with subprocess.Popen(
        command, cwd=copies / program.folder, env=_environment(program, copies),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        errors="replace",
    ) as process:  # fmt: skip
        timer = threading.Timer(limit, process.kill)
        timer.start()
        assert process.stdout is not None
        stopped = False
        for line in process.stdout:
            lines.append(line)
            found = [*found, *_matches(program, line)]
            if len(found) >= program.numbers:
                stopped = True
                process.terminate()
                break
        code = process.wait()
        timer.cancel()
    seconds = time.monotonic() - start
    return Outcome(found[: program.numbers], seconds, 0 if stopped else code, "".join(lines))


def _matches(program: Program, line: str) -> Iterator[str]:
    """What counts in a line of output; warnings of PyTorch's do not."""
    if "Warning" in line:
        return
    for match in re.finditer(program.pattern, line, re.IGNORECASE):
        yield next(group for group in match.groups() if group is not None)


def _environment(program: Program, copies: Path) -> dict[str, str]:
    """One thread, output at once, and where packages are found."""
    paths = [str(ROOT), str(STAND_INS), os.environ.get("PYTHONPATH", "")]
    if program.path:
        paths.insert(0, str(copies / program.path))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return (
        os.environ
        | threads
        | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "EINOPS_TEST_BACKENDS": "numpy,torch",
        }
    )


def apart(ours: Sequence[str], theirs: Sequence[str]) -> tuple[float, bool]:
    """The greatest relative difference of numbers, and whether all are near enough; text must be
    the same.
    """
    greatest, near = 0.0, len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        try:
            x, y = float(a.replace(",", "")), float(b.replace(",", ""))
        except ValueError:
            near = near and a == b
            continue
        if x != x or y != y:
            near = near and x != x and y != y
            continue
        difference = abs(x - y)
        greatest = max(greatest, difference / max(abs(y), 1e-12) if difference else 0.0)
        near = near and difference <= TOLERANCE * abs(y) + 1.01 * _unit(b)
    return greatest, near


def _unit(text: str) -> float:
    """One unit of the last digit of a printed number."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if decimals else 0.0


def _copied(folder: Path, scratch: Path) -> None:
    """The checkouts that are there, without their histories."""
    for name in sorted({program.folder.split("/")[0] for program in PROGRAMS}):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, scratch / name, ignore=shutil.ignore_patterns(".git"))


def compared(program: Program, ours: Path, theirs: Path, limit: float) -> tuple[list[str], bool]:
    """A row of the table, and whether all is well."""
    for copies in (theirs, ours):
        program.before(copies)
    their, our = (outcome(program, copies, copies is ours, limit) for copies in (theirs, ours))
    greatest, near = apart(our.found, their.found)
    fails = [name for name, run in (("ours", our), ("PyTorch", their)) if run.code != 0]
    good = near and our.code == their.code
    if not good:
        print(f"--- {program.name}, ours:\n{our.said[-1500:]}", file=sys.stderr)
        print(f"--- {program.name}, PyTorch's:\n{their.said[-700:]}", file=sys.stderr)
    verdict = "same" if good else "differs" if not fails else f"fails: {', '.join(fails)}"
    times = [f"{run.seconds:.1f}" for run in (our, their)]
    return [program.name, str(len(our.found)), f"{greatest:.1e}", *times, verdict], good


def main() -> int:
    """Run them all, print the table. Returns 1 where anything differs, 2 where nothing was run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder of checkouts")
    parser.add_argument("--only", default="", help="programs whose names match")
    parser.add_argument("--limit", type=float, default=600, help="seconds for each run")
    options = parser.parse_args()
    row = "{:32} {:>7} {:>10} {:>8} {:>8}  {}".format
    print(row("program", "numbers", "apart", "ours, s", "PyTorch", ""), flush=True)
    all_good, count = True, 0
    with tempfile.TemporaryDirectory() as scratch:
        sides = [Path(scratch, side) for side in ("ours", "theirs")]
        for side in sides:
            _copied(options.folder, side)
        for program in PROGRAMS:
            there = (sides[0] / program.folder).is_dir()
            if not there or not re.search(options.only, program.name):
                continue
            cells, good = compared(program, *sides, options.limit)
            print(row(*cells), flush=True)
            all_good, count = all_good and good, count + 1
    return 2 if not count else 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
