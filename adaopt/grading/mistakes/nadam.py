"""Mistakes in NAdam."""

from adaopt.grading.mistakes.moments import MOMENTS
from adaopt.grading.mistakes.rule import RuleMistake

BOTH = "mu_next * s.m / (1 - ahead) + (1 - mu) * g / (1 - s.product)"
ROOT = "(np.sqrt(s.v / (1 - beta2**k)) + self.eps)"

NADAM = (
    RuleMistake(
        "betas swapped",
        {"beta1, beta2 = self.betas": "beta2, beta1 = self.betas"},
        "uses beta1 for v and beta2 for m.",
        "second moment",
    ),
    RuleMistake(
        "ascent",
        {"return x - self.lr": "return x + self.lr"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "no look-ahead",
        {BOTH: "s.m / (1 - s.product)"},
        "moves along the average as it is: that is Adam.",
        "look-ahead",
        "the neighbour method Adam",
        method="look_ahead",
    ),
    RuleMistake(
        "no bias correction of m",
        {BOTH: "mu_next * s.m + (1 - mu) * g"},
        "corrects neither the average nor the gradient for the start from zero.",
        "bias correction",
        method="look_ahead",
    ),
    RuleMistake(
        "gradient not corrected",
        {" * g / (1 - s.product)": " * g"},
        "corrects the average, but not the gradient's part.",
        "bias correction",
        method="look_ahead",
    ),
    RuleMistake(
        "gradient with its whole weight",
        {"(1 - mu) * g": "g"},
        "adds the whole gradient, not (1 - mu) times it.",
        "look-ahead",
        method="look_ahead",
    ),
    RuleMistake(
        "one correction for both",
        {'s.product if self.variant == "algoperf" else s.product * mu_next': "s.product"},
        "divides both parts by the same number, as AlgoPerf's NAdamW does.",
        "bias correction",
        "the neighbour method NAdamW",
        method="look_ahead",
    ),
    RuleMistake(
        "momentum of this step twice",
        {"self.mu(k + 1)": "self.mu(k)"},
        "looks ahead with the momentum of this step, not with that of the next.",
        "step counting",
        method="look_ahead",
    ),
    RuleMistake(
        "product does not go on",
        {"s.product * mu\n": "mu\n"},
        "corrects every step as if it were the first.",
        "bias correction",
        "FluxML/Flux.jl#789",
        method="look_ahead",
    ),
    RuleMistake(
        "half missing in the schedule",
        {" / 2 if": " if"},
        "leaves the factor 1/2 out of the schedule of the momentum.",
        "momentum",
        method="mu",
    ),
    RuleMistake(
        "schedule one step late",
        {"(k * self.momentum_decay)": "((k - 1) * self.momentum_decay)"},
        "is one step late in the schedule of the momentum.",
        "step counting",
        method="mu",
    ),
    RuleMistake(
        "no schedule",
        {' if self.variant == "torch" else 1': " * 0 + 1"},
        "keeps the momentum constant at beta1: the other form of the paper.",
        "momentum",
        "optax.nadam",
        method="mu",
    ),
    RuleMistake(
        "v not corrected",
        {"s.v / (1 - beta2**k)": "s.v"},
        "does not correct the bias of v.",
        "bias correction",
    ),
    RuleMistake(
        "eps inside the root",
        {ROOT: "np.sqrt(s.v / (1 - beta2**k) + self.eps)"},
        "adds eps under the root.",
        "eps",
        "FluxML/Flux.jl#448",
    ),
    RuleMistake(
        "eps before the bias correction",
        {"+ self.eps)": "+ self.eps / np.sqrt(1 - beta2**k))"},
        "adds eps to the root of v before its bias is corrected.",
        "eps",
        "tensorflow/tensorflow#35102, for Adam",
    ),
    RuleMistake(
        "root missing",
        {ROOT: "(s.v / (1 - beta2**k) + self.eps)"},
        "divides by v, not by its root.",
        "root",
    ),
    RuleMistake(
        "decay forgotten",
        {
            "x = x - self.lr * self.weight_decay * x": "pass",
            "g = g + self.weight_decay * x": "pass",
        },
        "leaves out the weight decay.",
        "weight decay",
    ),
    RuleMistake(
        "gradient times the decay",
        {"g = g + self.weight_decay * x": "g = g * (1 + self.weight_decay * x)"},
        "multiplies the gradient by the decay where it must add it.",
        "weight decay",
        "apache/mxnet#8925",
    ),
    RuleMistake(
        "decay in the other place",
        {"if self.decoupled_weight_decay": "if not self.decoupled_weight_decay"},
        "decays the weights where the decay belongs in the gradient, or the reverse.",
        "weight decay",
        "what Loshchilov and Hutter (2019) set right",
    ),
    RuleMistake(
        "decay not times the step size",
        {"x - self.lr * self.weight_decay * x": "x - self.weight_decay * x"},
        "shrinks the weights by lambda, without the step size.",
        "weight decay",
        "tensorflow/addons#2282",
    ),
)

MISTAKES = {"nadam": tuple(m for m in MOMENTS if m.name != "betas swapped") + NADAM}
