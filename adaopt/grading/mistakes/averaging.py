"""Mistakes in the averages that go around any optimizer."""

from adaopt.grading.mistakes.rule import RuleMistake

SNAPSHOTS = (
    RuleMistake(
        "start one step late",
        {"self.steps - self.start": "self.steps - 1 - self.start"},
        "leaves out one iterate more than it is told to.",
        "step counting",
        method="step",
    ),
    RuleMistake(
        "start ignored",
        {"since >= 0 and ": ""},
        "averages the first iterates too.",
        "averaging",
        method="step",
    ),
    RuleMistake(
        "iterate before the step",
        {"self.add(x)": "self.add(old)", "    since": "    old = x\n    since"},
        "averages the iterates before the steps.",
        "order of updates",
        method="step",
    ),
)

INTERVAL = (
    RuleMistake(
        "every step",
        {" and since % self.interval == 0": ""},
        "takes a snapshot after every step.",
        "step counting",
        method="step",
    ),
    RuleMistake(
        "snapshot at the end of the interval",
        {"since % self.interval == 0": "(since + 1) % self.interval == 0"},
        "takes the first snapshot an interval after the start.",
        "step counting",
        method="step",
    ),
)

POLYAK = (
    RuleMistake(
        "one iterate too many",
        {" / self.n": " / (self.n + 1)"},
        "divides by one too many, as if zero were an iterate.",
        "averaging",
        method="add",
    ),
    RuleMistake(
        "moving average",
        {" / self.n": " * 0.1"},
        "forgets the old iterates, as a moving average does.",
        "averaging",
        "the neighbour method LAWA EMA",
        method="add",
    ),
    RuleMistake(
        "mean of the last two",
        {" / self.n": " / 2"},
        "gives the newest iterate half of the weight.",
        "averaging",
        method="add",
    ),
)

QUEUE = (
    RuleMistake(
        "average of a queue not full",
        {"len(self.snapshots) < self.snapshots.maxlen": "not self.snapshots"},
        "averages before there are k snapshots.",
        "averaging",
        method="average",
    ),
    RuleMistake(
        "queue too long",
        {"self.k if": "self.k + 1 if"},
        "keeps one snapshot too many.",
        "step counting",
        method="forget",
    ),
    RuleMistake(
        "oldest snapshots kept",
        {"self.snapshots.append(": "len(self.snapshots) < self.k and self.snapshots.append("},
        "keeps the first k snapshots; the latest k are wanted.",
        "averaging",
        method="add",
    ),
    RuleMistake(
        "sum of the snapshots",
        {"sum(s) / len(s)": "sum(s)"},
        "does not divide by the number of snapshots.",
        "averaging",
        method="average",
    ),
)

MOVING = (
    RuleMistake(
        "beta made an integer",
        {"beta = self.beta": "beta = int(self.beta)"},
        "cuts beta to the integer 0: it is the last snapshot, no average.",
        "averaging",
        "the submission LAWA EMA to AlgoPerf v0.5",
        method="add",
    ),
    RuleMistake(
        "average backwards",
        {"beta * e + (1 - beta) * s": "(1 - beta) * e + beta * s"},
        "gives the new snapshot the weight of the old average.",
        "averaging",
        "marin-community/levanter#883",
        method="add",
    ),
    RuleMistake(
        "average from zero",
        {
            " and self.snapshots:": ":",
            "self.snapshots[0], x": "(self.snapshots or [each(np.zeros_like, x)])[0], x",
        },
        "starts the average from zero, without a bias correction; it starts from a snapshot.",
        "bias correction",
        method="add",
    ),
)

MISTAKES = {
    "polyak": SNAPSHOTS + POLYAK,
    "lawa_queue": SNAPSHOTS + INTERVAL + QUEUE,
    "lawa_ema": SNAPSHOTS + INTERVAL + MOVING,
}
