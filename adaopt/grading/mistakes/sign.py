"""Mistakes in signSGD, Signum and Lion."""

from adaopt.grading.mistakes.rule import RuleMistake

# In Signum, 1 - mu forgotten is no mistake: a sign does not see a common factor.
DECAY = (
    RuleMistake(
        "ascent",
        {"x - self.lr * (np": "x + self.lr * (np"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "step size forgotten",
        {"x - self.lr * (np": "x - (np"},
        "is not multiplied by the step size.",
        "step size",
    ),
    RuleMistake(
        "decay forgotten",
        {" + self.weight_decay * x": ""},
        "leaves out the weight decay.",
        "weight decay",
        "kozistr/pytorch_optimizer#517",
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
        {" + self.weight_decay * x": "", "return x": "return x - self.weight_decay * x"},
        "shrinks the weights by lambda, without the step size.",
        "weight decay",
        "tensorflow/addons#2282",
    ),
)

SIGN_SGD = (
    RuleMistake(
        "sign forgotten",
        {"np.sign(g)": "(g)"},
        "uses the gradient itself: that is SGD.",
        "sign of the step",
        "the neighbour method SGD",
    ),
    RuleMistake(
        "normalized gradient",
        {"np.sign(g)": "g / np.linalg.norm(g)"},
        "divides the gradient by its length: steepest descent in another norm.",
        "gradient",
        "the neighbour method normalized gradient descent",
    ),
    RuleMistake(
        "decay under the sign",
        {"np.sign(g) + self.weight_decay * x": "np.sign(g + self.weight_decay * x)"},
        "adds the decay to the gradient, before the sign.",
        "weight decay",
    ),
    RuleMistake(
        "scaled by the mean",
        {"np.sign(g)": "np.sum(np.abs(g)) / max(g.size, 1) * np.sign(g)"},
        "scales the sign by the mean size of the gradient.",
        "gradient",
        "the neighbour method EF-signSGD, Karimireddy et al. (2019)",
    ),
)

SIGNUM = (
    RuleMistake(
        "sign forgotten",
        {"np.sign(s.m)": "(s.m)"},
        "uses the average itself: that is momentum.",
        "sign of the step",
        "the neighbour method momentum",
    ),
    RuleMistake(
        "sign of the gradient",
        {"np.sign(s.m)": "np.sign(g)"},
        "uses the sign of the gradient, not that of the average: that is signSGD.",
        "momentum",
        "kozistr/pytorch_optimizer#385; the neighbour method signSGD",
    ),
    RuleMistake(
        "average of signs",
        {"(1 - mu) * g": "(1 - mu) * np.sign(g)", "np.sign(s.m)": "(s.m)"},
        "averages the signs; it must take the sign of the average.",
        "order of updates",
    ),
    RuleMistake(
        "averages backwards",
        {"mu * s.m + (1 - mu) * g": "(1 - mu) * s.m + mu * g"},
        "weights the gradient with mu and the old average with 1 - mu.",
        "momentum",
        "marin-community/levanter#883",
    ),
    RuleMistake(
        "momentum with the wrong sign",
        {"mu * s.m + (1": "-mu * s.m + (1"},
        "goes back along the old average.",
        "momentum",
    ),
    RuleMistake(
        "average one step late",
        {"    s.m = mu": "    old = s.m\n    s.m = mu", "np.sign(s.m)": "np.sign(old)"},
        "takes the sign of the average before it has taken in the gradient.",
        "order of updates",
        "mdenil/dropout#4",
    ),
    RuleMistake(
        "decay under the sign",
        {"np.sign(s.m) + self.weight_decay * x": "np.sign(s.m + self.weight_decay * x)"},
        "adds the decay to the average, before the sign.",
        "weight decay",
    ),
)

LION = (
    RuleMistake(
        "average updated before the sign",
        {
            "    c = beta1 * s.m + (1 - beta1) * g\n": "",
            "(1 - beta2) * g\n": "(1 - beta2) * g\n    c = beta1 * s.m + (1 - beta1) * g\n",
        },
        "updates m first and then takes the sign, which needs the old m.",
        "order of updates",
        "FluxML/Optimisers.jl#129",
    ),
    RuleMistake(
        "sign of the memory",
        {"np.sign(c)": "np.sign(s.m)"},
        "takes the sign of m, not that of c: that is Signum.",
        "order of updates",
        "the neighbour method Signum",
    ),
    RuleMistake(
        "betas swapped",
        {"beta1, beta2 = self": "beta2, beta1 = self"},
        "uses beta1 where beta2 belongs.",
        "momentum",
    ),
    RuleMistake(
        "one beta",
        {"s.m = beta2 * s.m + (1 - beta2) * g": "s.m = c"},
        "remembers c: it uses beta1 alone.",
        "momentum",
        "the neighbour method Signum",
    ),
    RuleMistake(
        "sign forgotten",
        {"np.sign(c)": "(c)"},
        "does not take the sign.",
        "sign of the step",
    ),
    RuleMistake(
        "average backwards",
        {"beta2 * s.m + (1 - beta2) * g": "(1 - beta2) * s.m + beta2 * g"},
        "weights the gradient with beta2 and the old m with 1 - beta2.",
        "momentum",
        "FluxML/Optimisers.jl#129",
    ),
    RuleMistake(
        "1 - beta1 forgotten",
        {"(1 - beta1) * g": "g"},
        "gives the gradient the weight 1 in c: beta1 has lost its meaning.",
        "momentum",
    ),
    RuleMistake(
        "1 - beta2 forgotten",
        {"(1 - beta2) * g": "g"},
        "adds the whole gradient to m: m is a sum and no average.",
        "momentum",
    ),
    RuleMistake(
        "average of the signs",
        {"(1 - beta2) * g": "(1 - beta2) * np.sign(c)"},
        "remembers the steps taken, not the gradients.",
        "momentum",
    ),
    RuleMistake(
        "decay under the sign",
        {"np.sign(c) + self.weight_decay * x": "np.sign(c + self.weight_decay * x)"},
        "adds the decay before the sign.",
        "weight decay",
    ),
)

MISTAKES = {"signsgd": SIGN_SGD + DECAY, "signum": SIGNUM + DECAY, "lion": LION + DECAY}
