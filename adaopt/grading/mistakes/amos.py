"""Mistakes in Amos."""

from adaopt.grading.mistakes.rule import RuleMistake

AMOS = (
    RuleMistake(
        "statistic of each entry",
        {"np.vdot(g, g) / max(g.size, 1)": "g**2"},
        "squares each entry; one mean over the whole array is needed.",
        "statistics of a tensor",
        "the neighbour method Adam",
    ),
    RuleMistake(
        "sum in place of the mean",
        {" / max(g.size, 1)": ""},
        "sums the squares; their mean is needed.",
        "statistics of a tensor",
    ),
    RuleMistake(
        "no bias correction",
        {" / (1 - beta**k)": ""},
        "does not correct the bias of v.",
        "bias correction",
        "ml-explore/mlx#1640, for Adam",
    ),
    RuleMistake(
        "steps counted from 2",
        {"(1 - beta**k)": "(1 - beta ** (k + 1))"},
        "counts the first step as step 2.",
        "step counting",
        "cs231n/cs231n.github.io#179, for Adam",
    ),
    RuleMistake(
        "1 - beta forgotten",
        {"(1 - beta) * g2": "g2"},
        "adds the whole square to v: v is a sum and no average.",
        "second moment",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(v_hat)": "v_hat"},
        "divides by v, not by its root.",
        "root",
    ),
    RuleMistake(
        "scale forgotten in the step",
        {"xi * eta * g": "xi * g"},
        "does not multiply the step by the scale eta.",
        "step size",
    ),
    RuleMistake(
        "scale forgotten in d",
        {"math.sqrt(xi * eta)": "math.sqrt(xi)"},
        "leaves the scale eta out of the decay d of the step.",
        "step size",
    ),
    RuleMistake(
        "step not squared in gamma",
        {"xi**2 * g2": "xi * g2"},
        "has xi in gamma where its square belongs.",
        "weight decay",
    ),
    RuleMistake(
        "step size does not fall",
        {"d = 1 / (1 + math.sqrt(xi * eta) / 4 * b)": "d = 1.0"},
        "does not let the step size fall: d stays 1.",
        "step size",
    ),
    RuleMistake(
        "root of c missing",
        {"c = 1 / np.sqrt(1 + math.sqrt(xi) / 4 * b)": "c = 1 / (1 + math.sqrt(xi) / 4 * b)"},
        "forgets the root in c.",
        "root",
    ),
    RuleMistake(
        "quarters forgotten",
        {
            "math.sqrt(xi) / 4 * b": "math.sqrt(xi) * b",
            "math.sqrt(xi * eta) / 4": "math.sqrt(xi * eta)",
        },
        "leaves the factor 1/4 out of c and d.",
        "step size",
    ),
    RuleMistake(
        "decay not halved",
        {"gamma / 2 * x": "gamma * x"},
        "shrinks x by gamma; it must be half of it.",
        "weight decay",
    ),
    RuleMistake(
        "sign of the decay",
        {"+ gamma / 2 * x": "- gamma / 2 * x"},
        "makes the weights grow: the sign of the decay is wrong.",
        "weight decay",
    ),
    RuleMistake(
        "b as a plain sum",
        {"b + gamma * (1 + b)": "b + gamma"},
        "sums gamma in b; the decays multiply.",
        "weight decay",
    ),
    RuleMistake(
        "decay not times d",
        {"x - d * (xi": "x - (d * xi"},
        "does not multiply the weight decay by d.",
        "weight decay",
    ),
    RuleMistake(
        "ascent",
        {"return x - d": "return x + d"},
        "goes up the gradient.",
        "sign of the step",
    ),
)

MISTAKES = {"amos": AMOS}
