"""Mistakes in Adam, AMSGrad and AdamW."""

from adaopt.grading.mistakes.rule import RuleMistake

STEP = "x - alpha * m_hat / (np.sqrt(v_hat) + self.eps)"

MOMENTS = (
    RuleMistake(
        "betas swapped",
        {"(beta1, beta2), lam": "(beta2, beta1), lam"},
        "uses beta1 for v and beta2 for m.",
        "second moment",
        "keisuke-umezawa/deeplearning-default-value#3",
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
        {"s.m / (1 - beta1**k)": "s.m", "s.v / (1 - beta2**k)": "s.v"},
        "does not correct the bias of m and v.",
        "bias correction",
        "BVLC/caffe#4224, ml-explore/mlx#1640, oxiglade/mlx-rs#301",
    ),
    RuleMistake(
        "m not corrected",
        {"s.m / (1 - beta1**k)": "s.m"},
        "does not correct the bias of m.",
        "bias correction",
    ),
    RuleMistake(
        "v not corrected",
        {"s.v / (1 - beta2**k)": "s.v"},
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
        {"s.m / (1 - beta1**k)": "s.m * (1 - beta1**k)", "s.v / (1": "s.v * (1"},
        "multiplies by 1 - beta^k where it must divide.",
        "bias correction",
        "karpathy/convnetjs#70",
    ),
    RuleMistake(
        "complement taken twice",
        {"s.v / (1 - beta2**k)": "s.v / beta2**k"},
        "divides v by beta2^k, not by 1 - beta2^k.",
        "bias correction",
        "kozistr/AdaBound-tensorflow#3",
    ),
    RuleMistake(
        "corrected moments stored",
        {"m_hat = s.m": "m_hat = s.m = s.m", "v_hat = s.v": "v_hat = s.v = s.v"},
        "stores the corrected moments, so that the correction accumulates.",
        "bias correction",
        "frgfm/holocron#1, deeplearning4j/nd4j#1891",
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

DIVISION = (
    RuleMistake(
        "ascent",
        {STEP: "x + alpha * m_hat / (np.sqrt(v_hat) + self.eps)"},
        "goes up the gradient.",
        "sign of the step",
        "PaddlePaddle/Paddle#4184",
    ),
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
        "eps added to the step",
        {STEP: "x - (alpha * m_hat / np.sqrt(v_hat) + self.eps)"},
        "adds eps to the step, not to what it is divided by.",
        "eps",
        "the TensorFlow edition of Adam in d2l-ai/d2l-en",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(v_hat)": "v_hat"},
        "divides by v, not by its root.",
        "root",
        "the formula at labmlai/annotated_deep_learning_paper_implementations",
    ),
    RuleMistake(
        "root of m too",
        {"alpha * m_hat": "alpha * np.sign(m_hat) * np.sqrt(np.abs(m_hat))"},
        "takes the root of m as well.",
        "root",
        "FluxML/Flux.jl#119",
    ),
    RuleMistake(
        "multiplied by the root",
        {"m_hat / (np.sqrt(v_hat) + self.eps)": "m_hat * (np.sqrt(v_hat) + self.eps)"},
        "multiplies by the root of v where it must divide.",
        "root",
        "oracle/tribuo#401",
    ),
    RuleMistake(
        "gradient in place of m",
        {"alpha * m_hat": "alpha * g"},
        "moves along the gradient, not along m: that is RMSProp.",
        "momentum",
        "the neighbour method RMSProp",
    ),
    RuleMistake(
        "v left out",
        {"alpha * m_hat / (np.sqrt(v_hat) + self.eps)": "alpha * m_hat"},
        "does not divide by the root of v: that is momentum.",
        "second moment",
        "the neighbour method momentum",
    ),
)

DECAY = (
    RuleMistake(
        "decay forgotten",
        {
            "x = x - alpha * lam * x": "pass",
            "g = g + lam * x": "pass",
        },
        "leaves out the weight decay.",
        "weight decay",
    ),
    RuleMistake(
        "sign of the decay",
        {"x = x - alpha": "x = x + alpha", "g = g + lam": "g = g - lam"},
        "makes the weights grow: the sign of the decay is wrong.",
        "weight decay",
        "egg-west/AdamW-pytorch#1",
    ),
)

DECOUPLED = (
    RuleMistake(
        "decay in the gradient",
        {"if self.decoupled_weight_decay": "if not self.decoupled_weight_decay"},
        "adds the decay to the gradient, where the root of v rescales it: Adam with L2.",
        "weight decay",
        "what Loshchilov and Hutter (2019) set right; torch.optim.Adam(weight_decay=)",
    ),
    RuleMistake(
        "decay not times the step size",
        {"x - alpha * lam * x": "x - lam * x"},
        "shrinks the weights by lambda, without the step size.",
        "weight decay",
        "tensorflow/addons#2282, flashlight/flashlight#143",
    ),
    RuleMistake(
        "decay divided by the root",
        {"x = x - alpha * lam * x": "pass", "alpha * m_hat /": "alpha * (m_hat + lam * x) /"},
        "divides the decay by the root of v.",
        "weight decay",
    ),
    RuleMistake(
        "decay after the step",
        {
            "x = x - alpha * lam * x": "pass",
            STEP: f"({STEP}) * (1 - alpha * lam)",
        },
        "decays the weights after the step; lambda multiplies the old weights.",
        "order of updates",
    ),
    RuleMistake(
        "decay in both places",
        {"    else:\n        g = g + lam * x": "    g = g + lam * x"},
        "decays the weights and adds the decay to the gradient too.",
        "weight decay",
    ),
)

COUPLED = (
    RuleMistake(
        "decay beside the gradient",
        {"if self.decoupled_weight_decay": "if not self.decoupled_weight_decay"},
        "decays the weights apart from the gradient: that is AdamW.",
        "weight decay",
        "the neighbour method AdamW",
    ),
)

LARGEST = (
    RuleMistake(
        "no maximum",
        {'np.maximum(s.v_max, v_hat if self.amsgrad == "hat" else s.v)': "s.v"},
        "does not keep the largest v.",
        "second moment",
        "the neighbour method Adam",
        method="largest",
    ),
    RuleMistake(
        "minimum",
        {"np.maximum(": "np.minimum("},
        "keeps the smallest v, not the largest.",
        "second moment",
        method="largest",
    ),
    RuleMistake(
        "maximum over the coordinates",
        {"s.v_max = np.maximum(s.v_max, ": "s.v_max = np.maximum(np.max(s.v_max, initial=0), "},
        "takes the maximum over the coordinates too.",
        "second moment",
        method="largest",
    ),
    RuleMistake(
        "the other maximum",
        {'v_hat if self.amsgrad == "hat" else s.v)': 'v_hat if self.amsgrad != "hat" else s.v)'},
        "takes the maximum before the bias correction where it belongs after it, or the reverse.",
        "order of updates",
        "pytorch/pytorch#142323",
        method="largest",
    ),
    RuleMistake(
        "average of the maximum",
        {"    s.v_max = np": "    s.v = s.v_max = np"},
        "goes on averaging from the largest v in place of v.",
        "second moment",
        method="largest",
    ),
)

ALL = MOMENTS + BIAS + DIVISION + DECAY
MISTAKES = {
    "adam": ALL + COUPLED,
    "amsgrad": ALL + LARGEST,
    "adamw": ALL + DECOUPLED,
}
