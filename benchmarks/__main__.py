"""``python -m benchmarks [QUESTION ...]``: measure, print a table, write results and a figure."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.runner import HERE, with_allocator

QUESTIONS = {
    "step": "the time and memory of one step of each method, ours against others",
    "matrix": "the time of a step of Shampoo and its family, and of the products that it needs",
    "training": "the time of an epoch, both editions and a plain loop with torch.optim",
    "fashion_mnist": "how every method trains the course's network, for lecture 11 (15 minutes)",
}


def positive(text: str) -> int:
    """A count given on the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Answer the questions; 0 if all were, 2 for wrong usage, 130 if interrupted."""
    listing = "\n".join(f"  {name:12} {text}" for name, text in QUESTIONS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Questions (all of them if none is named):\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("questions", nargs="*", metavar="QUESTION", default=[])
    parser.add_argument("--quick", action="store_true", help="smallest size, few rounds, no record")
    parser.add_argument("--rounds", type=positive, help="samples of every candidate")
    parser.add_argument("--threads", type=positive, help="torch threads (default: torch's own)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="default: cpu")
    options = parser.parse_args(arguments)
    for name in options.questions:
        if name not in QUESTIONS:
            parser.error(f"unknown question {name!r}; there is {', '.join(QUESTIONS)}")

    with_allocator()
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no GPU here")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        for name in options.questions or QUESTIONS:
            folder = HERE / "results" / "scratch" if options.quick else HERE / "results"
            folder.mkdir(parents=True, exist_ok=True)
            question = import_module(f"benchmarks.{name}")
            question.run(folder, options.rounds, options.quick, options.device)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
