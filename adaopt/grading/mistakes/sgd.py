"""Mistakes in gradient descent and its momenta."""

from adaopt.grading.mistakes.rule import RuleMistake

STEP = (
    RuleMistake(
        "ascent",
        {"x - alpha * g\n": "x + alpha * g\n"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "step size forgotten",
        {"x - alpha * g\n": "x - g\n"},
        "is the whole gradient: it is not multiplied by the step size.",
        "step size",
    ),
    RuleMistake(
        "sign of the gradient",
        {"x - alpha * g\n": "x - alpha * np.sign(g)\n"},
        "uses the sign of the gradient alone.",
        "gradient",
        "the neighbour method signSGD",
    ),
)

DECAY = (
    RuleMistake(
        "decay forgotten",
        {"g = g + lam * x": "g = g"},
        "leaves out the weight decay.",
        "weight decay",
        "ml-explore/mlx#473",
    ),
    RuleMistake(
        "sign of the decay",
        {"g = g + lam * x": "g = g - lam * x"},
        "makes the weights grow: the sign of the decay is wrong.",
        "weight decay",
        "egg-west/AdamW-pytorch#1",
    ),
    RuleMistake(
        "decay not times the step size",
        {"g = g + lam * x": "x, g = x - lam * x, g"},
        "subtracts lambda x without the step size.",
        "weight decay",
        "tensorflow/addons#2282",
    ),
)

VELOCITY = (
    RuleMistake(
        "first velocity damped",
        {"g if s.v is None else": "(1 - tau) * g if s.v is None else"},
        "dampens the first gradient too; the first velocity is the gradient itself.",
        "momentum",
        "ml-explore/mlx#473",
    ),
    RuleMistake(
        "velocity as a moving average",
        {"(1 - tau) * g": "(1 - mu) * g"},
        "weights the gradient with 1 - mu, as a moving average does.",
        "momentum",
        "ml-explore/mlx#87, pjreddie/darknet#2203",
    ),
    RuleMistake(
        "coefficient on the gradient",
        {"mu * s.v + (1 - tau) * g": "s.v + mu * (1 - tau) * g"},
        "multiplies the gradient by mu where it must multiply the old velocity.",
        "momentum",
        "ooples/AiDotNet#2008",
    ),
    RuleMistake(
        "momentum with the wrong sign",
        {"mu * s.v + (1": "-mu * s.v + (1"},
        "goes back along the old velocity.",
        "momentum",
    ),
    RuleMistake(
        "no memory",
        {"mu * s.v + (1 - tau) * g": "(1 - tau) * g"},
        "forgets the old velocity.",
        "momentum",
    ),
    RuleMistake(
        "dampening forgotten",
        {"(1 - tau) * g": "g"},
        "leaves out the dampening.",
        "momentum",
    ),
    RuleMistake(
        "dampening of the whole velocity",
        {"mu * s.v + (1 - tau) * g": "(1 - tau) * (mu * s.v + g)"},
        "dampens the old velocity too.",
        "momentum",
    ),
    RuleMistake(
        "velocity one step late",
        {
            "s.v = g": "old = 0 * g if s.v is None else s.v\n    s.v = g",
            "g + mu * s.v if self.nesterov else s.v": "old",
        },
        "moves along the velocity before it has taken in the gradient.",
        "order of updates",
        "mdenil/dropout#4",
    ),
    RuleMistake(
        "step size in the velocity and in the step",
        {"(1 - tau) * g": "(1 - tau) * alpha * g"},
        "multiplies by the step size twice: in the velocity and in the step.",
        "step size",
    ),
    RuleMistake(
        "decay beside the velocity",
        {
            "g = g + lam * x": "decay = lam * x",
            "else s.v)": "else s.v + decay)",
        },
        "lets the weight decay bypass the velocity.",
        "weight decay",
        "Loshchilov and Hutter (2019), where it is SGDW, another method",
    ),
)

AHEAD = (
    RuleMistake(
        "no look-ahead",
        {"g + mu * s.v if self.nesterov else s.v": "s.v"},
        "is momentum without the look-ahead.",
        "look-ahead",
        "hiroyuki-kasai/SGDLibrary#8",
    ),
    RuleMistake(
        "look-ahead inside the velocity",
        {
            "else mu * s.v + (1 - tau) * g": "else mu * s.v + (g + mu * s.v)",
            "g + mu * s.v if self": "s.v if self",
        },
        "looks ahead before the velocity is updated, so that the velocity takes it in.",
        "look-ahead",
        "ml-explore/mlx#87",
    ),
    RuleMistake(
        "velocity in place of the gradient",
        {"g + mu * s.v if": "s.v + mu * s.v if"},
        "has the velocity where the gradient belongs: its step is (1 + mu) v.",
        "look-ahead",
        "pytorch/pytorch#5920",
    ),
    RuleMistake(
        "gradient left out",
        {"g + mu * s.v if": "mu * s.v if"},
        "leaves the gradient out of the look-ahead step.",
        "look-ahead",
    ),
    RuleMistake(
        "look-ahead with the wrong sign",
        {"g + mu * s.v if": "g - mu * s.v if"},
        "looks back along the velocity: the sign is wrong.",
        "look-ahead",
        "PaddlePaddle/Paddle#12231",
    ),
    RuleMistake(
        "look-ahead not weighted",
        {"g + mu * s.v if": "g + s.v if"},
        "adds the whole velocity, not mu times it.",
        "look-ahead",
    ),
)

DAMPENING = tuple(m for m in VELOCITY if "damp" in m.name)
BESIDE = tuple(m for m in VELOCITY if m.name == "decay beside the velocity")

MISTAKES = {
    "gd": STEP,
    "sgd": STEP + DECAY,
    "momentum": DECAY + VELOCITY,
    # dampening is not allowed here, and the last of VELOCITY changes a branch not taken
    "nesterov": DECAY + tuple(m for m in VELOCITY if m not in DAMPENING + BESIDE) + AHEAD,
}
