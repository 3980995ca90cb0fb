"""Mistakes in AdaGrad, RMSProp and Adadelta."""

from adaopt.grading.mistakes.rule import RuleMistake

DECAY = (
    RuleMistake(
        "decay forgotten",
        {"g = g + self.weight_decay * x": "pass"},
        "leaves out the weight decay.",
        "weight decay",
        "eaplatanios/tensorflow_scala#55",
    ),
    RuleMistake(
        "sign of the decay",
        {"g = g + self.weight_decay * x": "g = g - self.weight_decay * x"},
        "makes the weights grow: the sign of the decay is wrong.",
        "weight decay",
        "egg-west/AdamW-pytorch#1",
    ),
    RuleMistake(
        "decay beside the gradient",
        {"g = g + self.weight_decay * x": "x = x - self.lr * self.weight_decay * x"},
        "decays the weights apart from the gradient, as AdamW does.",
        "weight decay",
        "apache/mxnet#9363, PaddlePaddle/Paddle#4743",
    ),
)

ADAGRAD = (
    RuleMistake(
        "ascent",
        {"alpha = self.lr": "alpha = -self.lr"},
        "goes up the gradient.",
        "sign of the step",
        "PaddlePaddle/Paddle#4184",
    ),
    RuleMistake(
        "no memory",
        {"s.v + g**2": "g**2"},
        "forgets the squares so far: it is almost the sign of the gradient.",
        "second moment",
        "the neighbour method signSGD",
    ),
    RuleMistake(
        "moving average",
        {"s.v + g**2": "0.9 * s.v + 0.1 * g**2"},
        "averages the squares where it must sum them: that is RMSProp.",
        "second moment",
        "the neighbour method RMSProp",
    ),
    RuleMistake(
        "not squared",
        {"s.v + g**2": "s.v + np.abs(g)"},
        "sums |g|, not its square.",
        "second moment",
    ),
    RuleMistake(
        "one sum for all coordinates",
        {"s.v + g**2": "s.v + np.sum(g**2)"},
        "sums over the coordinates too: each must have its own sum.",
        "statistics of a tensor",
        "the neighbour method AdaGrad-Norm, Ward, Wu and Bottou (2019)",
    ),
    RuleMistake(
        "mean in place of the sum",
        {
            "np.sqrt(s.v + self.eps)": "np.sqrt(s.v / k + self.eps)",
            "np.sqrt(s.v) +": "np.sqrt(s.v / k) +",
        },
        "divides by the mean of the squares: the step size does not fall.",
        "averaging",
    ),
    RuleMistake(
        "sum one step late",
        {
            "s.v = s.v + g**2": "old, s.v = s.v, s.v + g**2",
            "np.sqrt(s.v + self.eps)": "np.sqrt(old + self.eps)",
            "np.sqrt(s.v) +": "np.sqrt(old) +",
        },
        "divides by the sum before it has taken in the gradient.",
        "order of updates",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(s.v + self.eps)": "(s.v + self.eps)", "np.sqrt(s.v) +": "s.v +"},
        "divides by the sum, not by its root.",
        "root",
    ),
    RuleMistake(
        "multiplied by the root",
        {"g / np.sqrt(s.v +": "g * np.sqrt(s.v +", "g / (np": "g * (np"},
        "multiplies by the root where it must divide.",
        "root",
        "oracle/tribuo#401, for Adam",
    ),
    RuleMistake(
        "eps in the other place",
        {"if self.eps_inside": "if not self.eps_inside"},
        "adds eps beside the root where it belongs under it, or the reverse.",
        "eps",
        "torch/optim#99, ml-explore/mlx#142",
    ),
    RuleMistake(
        "eps added to the step",
        {
            "np.sqrt(s.v + self.eps)": "np.sqrt(s.v) + self.eps",
            "(np.sqrt(s.v) + self.eps)": "np.sqrt(s.v) + self.eps",
        },
        "adds eps to the step, not to what it is divided by.",
        "eps",
        "the TensorFlow edition of Adam in Dive into Deep Learning",
    ),
    RuleMistake(
        "step size decays one step early",
        {"(k - 1) * self.lr_decay": "k * self.lr_decay"},
        "lets the step size fall in the first step already.",
        "step counting",
    ),
    RuleMistake(
        "start of the sum forgotten",
        {"self.initial_accumulator_value": "0.0"},
        "starts the sum from zero.",
        "second moment",
        method="start",
    ),
)

RMSPROP = (
    RuleMistake(
        "ascent",
        {"x - self.lr * u": "x + self.lr * u"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "sum",
        {"beta * s.v + (1 - beta) * g**2": "s.v + g**2"},
        "sums the squares where it must average them: that is AdaGrad.",
        "averaging",
        "the neighbour method AdaGrad",
    ),
    RuleMistake(
        "1 - beta forgotten",
        {"(1 - beta) * g**2": "g**2"},
        "adds the whole square to v: v is no average.",
        "second moment",
        "PennyLaneAI/pennylane#1928, for Adam",
    ),
    RuleMistake(
        "average backwards",
        {"beta * s.v + (1 - beta) * g**2": "(1 - beta) * s.v + beta * g**2"},
        "weights the square with beta and the old v with 1 - beta.",
        "second moment",
        "marin-community/levanter#883",
    ),
    RuleMistake(
        "no memory",
        {"beta * s.v + (1 - beta) * g**2": "(1 - beta) * g**2"},
        "forgets the old v.",
        "second moment",
    ),
    RuleMistake(
        "not squared",
        {"(1 - beta) * g**2": "(1 - beta) * np.abs(g)"},
        "averages |g|, not its square.",
        "second moment",
    ),
    RuleMistake(
        "bias correction",
        {
            "s.v = v =": "s.v =",
            "(1 - beta) * g**2": "(1 - beta) * g**2\n    v = s.v / (1 - beta**k)",
        },
        "corrects the bias of v as Adam does.",
        "bias correction",
        "the neighbour method Adam",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(v + eps)": "(v + eps)", "np.sqrt(v) +": "v +"},
        "divides by v, not by its root.",
        "root",
    ),
    RuleMistake(
        "square in place of the root",
        {"np.sqrt(v + eps)": "(v + eps) ** 2", "np.sqrt(v) +": "v**2 +"},
        "divides by the square of v, not by its root.",
        "root",
        "hiromis/notes#52",
    ),
    RuleMistake(
        "eps in the other place",
        {"if inside": "if not inside"},
        "adds eps beside the root where it belongs under it, or the reverse.",
        "eps",
        "apache/mxnet#4493, keras-team/keras#435, jax-ml/jax#1427",
    ),
    RuleMistake(
        "mean not squared",
        {"s.v - s.m**2": "s.v - np.abs(s.m)"},
        "subtracts the mean of the gradients, not its square.",
        "second moment",
    ),
    RuleMistake(
        "not centred",
        {"np.maximum(s.v - s.m**2, 0)": "s.v"},
        "does not subtract the square of the mean.",
        "second moment",
    ),
    RuleMistake(
        "square of the mean added",
        {"s.v - s.m**2": "s.v + s.m**2"},
        "adds the square of the mean where it must subtract it.",
        "second moment",
    ),
    RuleMistake(
        "variance stored",
        {"v = np.maximum": "s.v = v = np.maximum"},
        "stores the variance in v, so that the mean is subtracted again and again.",
        "order of updates",
        "a review of a centered LaProp, UselessToys/Ecosystem_WebUI#383",
    ),
    RuleMistake(
        "velocity as a moving average",
        {"self.momentum * s.u + u": "self.momentum * s.u + (1 - self.momentum) * u"},
        "weights the step with 1 - mu, as a moving average does.",
        "momentum",
        "ml-explore/mlx#87, for SGD",
    ),
    RuleMistake(
        "momentum with the wrong sign",
        {"self.momentum * s.u + u": "u - self.momentum * s.u"},
        "goes back along the old velocity.",
        "momentum",
    ),
    RuleMistake(
        "velocity divided again",
        {"s.u = u =": "s.u =", "* s.u + u\n": "* s.u + u\n        u = s.u / (np.sqrt(v) + eps)\n"},
        "divides the velocity by the root of v too.",
        "momentum",
    ),
)

ADADELTA = (
    RuleMistake(
        "ascent",
        {"x - self.lr * u": "x + self.lr * u"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "numerator updated first",
        {"x - self.lr * u": "x - self.lr * np.sqrt(s.D + eps) / np.sqrt(s.v + eps) * g"},
        "uses D after it has taken in the step; it must be the D of the steps before.",
        "order of updates",
        "yacineMahdid/artificial-intelligence-and-machine-learning#43",
    ),
    RuleMistake(
        "D of the iterate",
        {"(1 - rho) * u**2": "(1 - rho) * x**2"},
        "averages the square of x in D, not that of the step.",
        "second moment",
        "d2l-ai/d2l-en#1180",
    ),
    RuleMistake(
        "D of the gradient",
        {"(1 - rho) * u**2": "(1 - rho) * g**2"},
        "averages the square of the gradient in D, not that of the step.",
        "second moment",
        "Lasagne/Lasagne#502",
    ),
    RuleMistake(
        "D with the step size",
        {"(1 - rho) * u**2": "(1 - rho) * (self.lr * u) ** 2"},
        "has the step size in D too.",
        "step size",
        "keras-team/keras#11532",
    ),
    RuleMistake(
        "numerator left out",
        {"np.sqrt(s.D + eps) / np": "1 / np"},
        "has no root of D above the fraction: that is RMSProp.",
        "root",
        "the neighbour method RMSProp",
    ),
    RuleMistake(
        "upside down",
        {"np.sqrt(s.D + eps) / np.sqrt(s.v + eps)": "np.sqrt(s.v + eps) / np.sqrt(s.D + eps)"},
        "has the fraction upside down.",
        "root",
    ),
    RuleMistake(
        "roots missing",
        {"np.sqrt(s.D + eps) / np.sqrt(s.v + eps)": "(s.D + eps) / (s.v + eps)"},
        "takes the ratio of the averages, not of their roots.",
        "root",
    ),
    RuleMistake(
        "eps outside the roots",
        {"np.sqrt(s.D + eps) / np.sqrt(s.v + eps)": "(np.sqrt(s.D) + eps) / (np.sqrt(s.v) + eps)"},
        "adds eps beside the roots; here it belongs under them.",
        "eps",
        "torch/optim#99",
    ),
    RuleMistake(
        "eps in the denominator only",
        {"np.sqrt(s.D + eps)": "np.sqrt(s.D)"},
        "never moves: without eps above the fraction D stays zero.",
        "eps",
    ),
    RuleMistake(
        "1 - rho forgotten",
        {"(1 - rho) * g**2": "g**2", "(1 - rho) * u**2": "u**2"},
        "adds whole squares: v and D are no averages.",
        "averaging",
    ),
    RuleMistake(
        "averages backwards",
        {
            "rho * s.v + (1 - rho) * g**2": "(1 - rho) * s.v + rho * g**2",
            "rho * s.D + (1 - rho) * u**2": "(1 - rho) * s.D + rho * u**2",
        },
        "weights the new square with rho and the old average with 1 - rho.",
        "averaging",
        "marin-community/levanter#883",
    ),
    RuleMistake(
        "not squared",
        {"(1 - rho) * g**2": "(1 - rho) * np.abs(g)"},
        "averages |g| in v, not its square.",
        "second moment",
    ),
)

MISTAKES = {
    "adagrad": ADAGRAD + DECAY,
    "rmsprop": RMSPROP + DECAY,
    "adadelta": ADADELTA + DECAY,
}
