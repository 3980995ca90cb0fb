"""A mistake in the rule of a method, as a change of a few words in its tested source."""

import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

# What a mistake is about: the word for the section of a lecture that explains it.
TOPICS = (
    "step size",
    "sign of the step",
    "gradient",
    "momentum",
    "look-ahead",
    "second moment",
    "bias correction",
    "eps",
    "root",
    "weight decay",
    "order of updates",
    "step counting",
    "averaging",
    "statistics of a tensor",
    "distance estimate",
)

SLIP = "one symbol of the formula"  # the source of a mistake that nobody has reported
# By name: where a mistake was met in another method, if nowhere in this one.
ELSEWHERE = {
    "ascent": "PaddlePaddle/Paddle#4184, in AdaGrad",
    "decay forgotten": "ml-explore/mlx#440, in SGD; kozistr/pytorch_optimizer#517, in signSGD",
    "decay in the gradient": "what Loshchilov and Hutter (2019) set right in Adam",
    "m not corrected": "the submission Generalized Adam to AlgoPerf, without its look-ahead",
    "momentum with the wrong sign": "fchollet/deep-learning-with-python-notebooks#19",
    "no memory": "Adam as the tests of a course, TinyTorch, accept it",
    "no memory in m": "Adam as the tests of a course, TinyTorch, accept it",
    "root missing": "the formula on the page on Adam of labml.ai",
    "sum in place of the mean": "facebookresearch/fairseq#5290, in Adafactor",
    **{
        f"1 - {beta} forgotten": "PennyLaneAI/pennylane#1928, in Adam"
        for beta in ("beta", "beta1", "beta2", "beta3", "rho")
    },
}


@dataclass(frozen=True)
class RuleMistake:
    """A known wrong form of a rule, kept as data.

    Attributes:
        name: unique among the mistakes of its method.
        changes: words of the right source, each found there exactly once -> the wrong words.
        message: completes "Your step ...".
        topic: one of ``TOPICS``, where the lecture explains it.
        source: where it is known from: a paper, a package, a thread ``owner/repository#number``,
            another method; if none is given, that of the same mistake ``ELSEWHERE``, or ``SLIP``.
        method: the function (or property) of the class that is changed.
    """

    name: str
    changes: Mapping[str, str]
    message: str
    topic: str
    source: str = ""
    method: str = "update"

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", self.source or ELSEWHERE.get(self.name, SLIP))


def mutated(rule: type, mistake: RuleMistake) -> type:
    """The NumPy edition's class with this mistake in it.

    Raises:
        ValueError: words that the mistake replaces are not in the source exactly once.
    """
    found = inspect.getattr_static(rule, mistake.method)
    function = found.fget if isinstance(found, property) else found
    source = textwrap.dedent(inspect.getsource(function))
    for right, wrong in mistake.changes.items():
        if (times := source.count(right)) != 1:
            raise ValueError(
                f"{rule.__name__}, {mistake.name!r}: {mistake.method} has {right!r} {times} times"
            )
        source = source.replace(right, wrong)
    names = dict(function.__globals__)
    # defined inside a function whose argument is __class__, so that super() finds it
    body = textwrap.indent(source, "    ")
    lines = ("from __future__ import annotations", "def make(__class__):", body)
    exec("\n".join([*lines, f"    return {mistake.method}"]), names)
    owner = next(c for c in rule.__mro__ if mistake.method in vars(c))
    return type(rule)(rule.__name__, (rule,), {mistake.method: names["make"](owner)})
