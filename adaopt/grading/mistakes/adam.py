"""Mistakes in Adam, AMSGrad and AdamW."""

from adaopt.grading.mistakes.moments import BIAS, MOMENTS, ROOT
from adaopt.grading.mistakes.rule import RuleMistake

STEP = "x - alpha * m_hat / (np.sqrt(v_hat) + self.eps)"

DIVISION = (
    RuleMistake(
        "corrected moments stored",
        {"m_hat = s.m": "m_hat = s.m = s.m", "v_hat = s.v": "v_hat = s.v = s.v"},
        "stores the corrected moments, so that the correction accumulates.",
        "bias correction",
        "frgfm/holocron#1, deeplearning4j/nd4j#1891",
    ),
    RuleMistake(
        "ascent",
        {STEP: "x + alpha * m_hat / (np.sqrt(v_hat) + self.eps)"},
        "goes up the gradient.",
        "sign of the step",
        "PaddlePaddle/Paddle#4184",
    ),
    RuleMistake(
        "eps added to the step",
        {STEP: "x - (alpha * m_hat / np.sqrt(v_hat) + self.eps)"},
        "adds eps to the step, not to what it is divided by.",
        "eps",
        "the TensorFlow edition of Adam in Dive into Deep Learning",
    ),
    RuleMistake(
        "root of m too",
        {"alpha * m_hat": "alpha * np.sign(m_hat) * np.sqrt(np.abs(m_hat))"},
        "takes the root of m as well.",
        "root",
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

UNCORRECTED = (
    RuleMistake(
        "bias correction",
        {"s.m, s.v_max": "m_hat, s.v_max / (1 - self.betas[1] ** k)"},
        "corrects the bias of m and v; the paper does not.",
        "bias correction",
        "online-ml/river#185; torch.optim.Adam(amsgrad=True)",
        method="largest",
    ),
)

ALL = MOMENTS + BIAS + ROOT + DIVISION + DECAY
PLAIN = tuple(m for m in DIVISION if m.topic != "bias correction")
MISTAKES = {
    "adam": ALL + COUPLED + LARGEST,
    "amsgrad": MOMENTS + ROOT + PLAIN + DECAY + COUPLED + LARGEST + UNCORRECTED,
    "adamw": ALL + DECOUPLED,
}
