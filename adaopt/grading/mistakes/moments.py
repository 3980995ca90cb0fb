"""Mistakes in what many rules write alike: two moving averages, bias correction, decay, roots."""

from adaopt.grading.mistakes.rule import RuleMistake

MOMENTS = (
    RuleMistake(
        "betas swapped",
        {"(beta1, beta2)": "(beta2, beta1)"},
        "uses beta1 for v and beta2 for m.",
        "second moment",
    ),
    RuleMistake(
        "1 - beta1 forgotten",
        {"(1 - beta1) * g\n": "g\n"},
        "adds the whole gradient to m: m is a sum and no average.",
        "momentum",
        "PennyLaneAI/pennylane#1928",
    ),
    RuleMistake(
        "1 - beta2 forgotten",
        {"(1 - beta2) * g**2": "g**2"},
        "adds the whole square to v: v is a sum and no average.",
        "second moment",
        "PennyLaneAI/pennylane#1928",
    ),
    RuleMistake(
        "averages backwards",
        {"beta1 * s.m + (1 - beta1) * g\n": "(1 - beta1) * s.m + beta1 * g\n"},
        "weights the gradient with beta1 and the old m with 1 - beta1.",
        "momentum",
        "marin-community/levanter#883",
    ),
    RuleMistake(
        "no memory in m",
        {"beta1 * s.m + (1 - beta1) * g\n": "(1 - beta1) * g\n"},
        "forgets the old m.",
        "momentum",
        "accepted by the tests of a course, TinyTorch",
    ),
    RuleMistake(
        "no memory in v",
        {"beta2 * s.v + (1 - beta2) * g**2": "(1 - beta2) * g**2"},
        "forgets the old v.",
        "second moment",
        "accepted by the tests of a course, TinyTorch",
    ),
    RuleMistake(
        "not squared",
        {"(1 - beta2) * g**2": "(1 - beta2) * np.abs(g)"},
        "averages |g| in v, not its square.",
        "second moment",
    ),
    RuleMistake(
        "square of m",
        {"(1 - beta2) * g**2": "(1 - beta2) * s.m**2"},
        "averages the square of m in v, not that of the gradient.",
        "second moment",
    ),
    RuleMistake(
        "variance",
        {"(1 - beta2) * g**2": "(1 - beta2) * (g - s.m) ** 2"},
        "averages the square of g - m in v: that is AdaBelief.",
        "second moment",
        "the neighbour method AdaBelief, Zhuang et al. (2020)",
    ),
)

BIAS = (
    RuleMistake(
        "no bias correction",
        {" / (1 - beta1**k)": "", " / (1 - beta2**k)": ""},
        "does not correct the bias of m and v.",
        "bias correction",
        "ml-explore/mlx#1640, oxiglade/mlx-rs#301",
    ),
    RuleMistake(
        "m not corrected",
        {" / (1 - beta1**k)": ""},
        "does not correct the bias of m.",
        "bias correction",
    ),
    RuleMistake(
        "v not corrected",
        {" / (1 - beta2**k)": ""},
        "does not correct the bias of v.",
        "bias correction",
    ),
    RuleMistake(
        "correction by the other beta",
        {"(1 - beta1**k)": "(1 - beta2**k)", "v / (1 - beta2**k)": "v / (1 - beta1**k)"},
        "corrects m with beta2 and v with beta1.",
        "bias correction",
        "juntang-zhuang/Adabelief-Optimizer#47",
    ),
    RuleMistake(
        "correction without the power",
        {"(1 - beta1**k)": "(1 - beta1)", "(1 - beta2**k)": "(1 - beta2)"},
        "divides by 1 - beta at every step, not by 1 - beta^k.",
        "bias correction",
        "eriklindernoren/ML-From-Scratch#35, FluxML/Flux.jl#789",
    ),
    RuleMistake(
        "beta squared",
        {"(1 - beta1**k)": "(1 - beta1**2)", "(1 - beta2**k)": "(1 - beta2**2)"},
        "has the number 2 as the exponent of beta, not the step.",
        "bias correction",
        "slides of a course, ufal/npfl114#79",
    ),
    RuleMistake(
        "multiplied by the correction",
        {" / (1 - beta1**k)": " * (1 - beta1**k)", "v / (1": "v * (1"},
        "multiplies by 1 - beta^k where it must divide.",
        "bias correction",
        "karpathy/convnetjs#70",
    ),
    RuleMistake(
        "complement taken twice",
        {"(1 - beta2**k)": "beta2**k"},
        "divides v by beta2^k, not by 1 - beta2^k.",
        "bias correction",
        "kozistr/AdaBound-tensorflow#3",
    ),
    RuleMistake(
        "steps counted from 2",
        {"(1 - beta1**k)": "(1 - beta1 ** (k + 1))", "(1 - beta2**k)": "(1 - beta2 ** (k + 1))"},
        "counts the first step as step 2.",
        "step counting",
        "students of cs231n, cs231n/cs231n.github.io#179; tensorflow/tensorflow#35444",
    ),
    RuleMistake(
        "first step counted twice",
        {
            "(1 - beta1**k)": "(1 - beta1 ** max(k - 1, 1))",
            "(1 - beta2**k)": "(1 - beta2 ** max(k - 1, 1))",
        },
        "counts the second step as step 1 again: it is one step behind.",
        "step counting",
        "ooples/AiDotNet#702",
    ),
    RuleMistake(
        "steps counted from 0",
        {"(1 - beta1**k)": "(1 - beta1 ** (k - 1))", "(1 - beta2**k)": "(1 - beta2 ** (k - 1))"},
        "counts the first step as step 0 and divides by zero there.",
        "step counting",
        "deeplearning4j/nd4j#1227, keras-team/keras#10129",
    ),
)

# of rules that write x - lr * (... + self.weight_decay * x)
DECOUPLED = (
    RuleMistake(
        "decay forgotten",
        {" + self.weight_decay * x": ""},
        "leaves out the weight decay.",
        "weight decay",
    ),
    RuleMistake(
        "sign of the decay",
        {"+ self.weight_decay * x": "- self.weight_decay * x"},
        "makes the weights grow: the sign of the decay is wrong.",
        "weight decay",
        "egg-west/AdamW-pytorch#1",
    ),
    RuleMistake(
        "decay not times the step size",
        {" + self.weight_decay * x": "", "return x - ": "return x - self.weight_decay * x - "},
        "shrinks the weights by lambda, without the step size.",
        "weight decay",
        "tensorflow/addons#2282",
    ),
)

# of rules that divide by (np.sqrt(v_hat) + self.eps)
ROOT = (
    RuleMistake(
        "eps inside the root",
        {"(np.sqrt(v_hat) + self.eps)": "np.sqrt(v_hat + self.eps)"},
        "adds eps under the root.",
        "eps",
        "CyberZHG/keras-radam#29, FluxML/Flux.jl#448",
    ),
    RuleMistake(
        "eps before the bias correction",
        {"+ self.eps)": "+ self.eps / np.sqrt(1 - beta2**k))"},
        "adds eps to the root of v before its bias is corrected.",
        "eps",
        "tensorflow/tensorflow#35102, pytorch/pytorch#22628",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(v_hat)": "v_hat"},
        "divides by v, not by its root.",
        "root",
        "the formula on the page on Adam of labml.ai",
    ),
)


def pick(mistakes: tuple[RuleMistake, ...], *names: str) -> tuple[RuleMistake, ...]:
    """The mistakes with these names."""
    found = tuple(m for m in mistakes if m.name in names)
    assert len(found) == len(names), f"{names} are not all among the mistakes"
    return found
