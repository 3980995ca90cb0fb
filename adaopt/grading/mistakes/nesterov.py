"""Mistakes in NAdamW, NadamP and generalized Adam."""

from adaopt.grading.mistakes.moments import BIAS, DECOUPLED, MOMENTS
from adaopt.grading.mistakes.rule import RuleMistake

AHEAD = "(beta1 * s.m + (1 - beta1) * g) / (1 - beta1**k)"
ROOT = "(v_hat ** (1 / p) + self.eps)"

# Two of them meet a sentence of the look-ahead, not of the average, and are said of it here.
LOOK_AHEAD = (
    RuleMistake(
        "no look-ahead",
        {AHEAD: "s.m / (1 - beta1**k)"},
        "moves along the average as it is, without looking ahead: that is AdamW.",
        "look-ahead",
        "the neighbour method AdamW",
    ),
    RuleMistake(
        "correction of the next step",
        {AHEAD: "beta1 * s.m / (1 - beta1 ** (k + 1)) + (1 - beta1) * g / (1 - beta1**k)"},
        "corrects the two parts of the look-ahead differently: that is Dozat's NAdam.",
        "bias correction",
        "the neighbour method NAdam, in optax and Keras",
    ),
    RuleMistake(
        "gradient not corrected",
        {AHEAD: "beta1 * s.m / (1 - beta1**k) + (1 - beta1) * g"},
        "corrects the bias of the average, but not of the gradient's part.",
        "bias correction",
    ),
    RuleMistake(
        "1 - beta1 forgotten in the look-ahead",
        {AHEAD: "(beta1 * s.m + g) / (1 - beta1**k)"},
        "adds the whole gradient when it looks ahead.",
        "look-ahead",
    ),
    RuleMistake(
        "gradient only",
        {AHEAD: "g"},
        "moves along the gradient, not along the average.",
        "momentum",
        "the neighbour method RMSProp",
    ),
)

DIVISION = (
    RuleMistake(
        "ascent",
        {"return x - self.lr": "return x + self.lr"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "eps inside the root",
        {ROOT: "(v_hat + self.eps) ** (1 / p)"},
        "adds eps under the root.",
        "eps",
        "FluxML/Flux.jl#448; eps_root in AlgoPerf's submissions",
    ),
    RuleMistake(
        "eps before the bias correction",
        {"+ self.eps)": "+ self.eps / (1 - beta2**k) ** (1 / p))"},
        "adds eps to the root of v before its bias is corrected.",
        "eps",
        "tensorflow/tensorflow#35102, for Adam",
    ),
    RuleMistake(
        "root missing",
        {"v_hat ** (1 / p)": "v_hat"},
        "divides by v, not by its root.",
        "root",
    ),
    RuleMistake(
        "power in place of the root",
        {"v_hat ** (1 / p)": "v_hat**p"},
        "takes the power p of v where the p-th root belongs.",
        "root",
    ),
)

IN_GRADIENT = (
    RuleMistake(
        "decay in the gradient",
        {
            " + self.weight_decay * x": "",
            "    s.m = ": "    g = g + self.weight_decay * x\n    s.m = ",
        },
        "adds the decay to the gradient, where the root of v rescales it.",
        "weight decay",
        "what Loshchilov and Hutter (2019) set right",
    ),
)

SQUARE_ROOT = (
    RuleMistake(
        "always the square root",
        {"v_hat ** (1 / p)": "np.sqrt(v_hat)"},
        "takes the square root, whatever the power is: that is NAdamW.",
        "root",
        "the neighbour method NAdamW",
    ),
)

VELOCITY = (
    RuleMistake(
        "velocity as a moving average",
        {"beta1 * s.u + g\n": "beta1 * s.u + (1 - beta1) * g\n"},
        "weights the gradient with 1 - beta1, as a moving average does.",
        "momentum",
        "ml-explore/mlx#87",
    ),
    RuleMistake(
        "the other beta",
        {"self.betas[0]": "self.betas[1]"},
        "has beta2 as the weight of the old velocity.",
        "momentum",
    ),
    RuleMistake(
        "no look-ahead",
        {"g + beta1 * s.u if": "s.u if"},
        "is momentum without the look-ahead.",
        "look-ahead",
        "hiroyuki-kasai/SGDLibrary#8",
    ),
    RuleMistake(
        "velocity in place of the gradient",
        {"g + beta1 * s.u if": "s.u + beta1 * s.u if"},
        "has the velocity where the gradient belongs: its step is (1 + beta1) u.",
        "look-ahead",
        "pytorch/pytorch#5920",
    ),
    RuleMistake(
        "gradient left out",
        {"g + beta1 * s.u if": "beta1 * s.u if"},
        "leaves the gradient out of the look-ahead step.",
        "look-ahead",
    ),
    RuleMistake(
        "no memory",
        {"beta1 * s.u + g\n": "g\n"},
        "forgets the old velocity.",
        "momentum",
    ),
)

NADAMW = MOMENTS + BIAS + LOOK_AHEAD + DIVISION + DECOUPLED + IN_GRADIENT
MISTAKES = {
    "nadamw": tuple(m for m in NADAMW if m.name != "power in place of the root"),
    "nadamp": NADAMW + SQUARE_ROOT,
    "generalized_adam": VELOCITY + DECOUPLED,
}
