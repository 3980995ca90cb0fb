"""Mistakes in the Schedule-Free methods and Prodigy."""

from adaopt.grading.mistakes.moments import ROOT
from adaopt.grading.mistakes.rule import RuleMistake

POINT = "(1 - self.beta) * s.z + self.beta * x"
SHARE = "weight / s.weight_sum if weight else 0.0"

AVERAGE = (
    RuleMistake(
        "gradient at x",
        {POINT: "x"},
        "takes the gradient at the mean x: that is primal averaging.",
        "look-ahead",
        "the neighbour method primal averaging",
        method="at",
    ),
    RuleMistake(
        "gradient at z",
        {POINT: "s.z"},
        "takes the gradient at z: that is Polyak-Ruppert averaging.",
        "look-ahead",
        "the neighbour method Polyak-Ruppert averaging",
        method="at",
    ),
    RuleMistake(
        "point mirrored",
        {POINT: "self.beta * s.z + (1 - self.beta) * x"},
        "has beta and 1 - beta exchanged in the point of the gradient.",
        "look-ahead",
        method="at",
    ),
    RuleMistake(
        "moving average",
        {SHARE: "0.1"},
        "takes a moving average of z where the mean of all belongs.",
        "averaging",
        method="mean",
    ),
    RuleMistake(
        "mean of one z more",
        {SHARE: "weight / (s.weight_sum + weight)"},
        "divides by one weight too many: the first z is not the mean of itself.",
        "step counting",
        method="mean",
    ),
    RuleMistake(
        "mean exchanged",
        {"(1 - c) * x + c * s.z": "c * x + (1 - c) * s.z"},
        "gives the new z the weight of the old mean.",
        "averaging",
        method="mean",
    ),
    RuleMistake(
        "power of the step number forgotten",
        {"k**self.r * ": ""},
        "leaves k^r out of the weights of the mean.",
        "averaging",
        method="mean",
    ),
)

WARMUP = (
    RuleMistake(
        "all weights alike",
        {SHARE: "1 / k"},
        "weights all z alike; those of the warm-up count less.",
        "averaging",
        method="mean",
    ),
    RuleMistake(
        "step size not squared in the weights",
        {"s.lr_max**self.weight_lr_power": "s.lr_max"},
        "weights z with the step size, not with its power.",
        "averaging",
        method="mean",
    ),
    RuleMistake(
        "no warm-up",
        {"self.lr * min(1.0, k / max(1, self.warmup_steps))": "self.lr"},
        "has no warm-up of the step size.",
        "step size",
        method="rate",
    ),
    RuleMistake(
        "warm-up from zero",
        {"k / max": "(k - 1) / max"},
        "starts the warm-up with a step size of zero: it is one step late.",
        "step counting",
        method="rate",
    ),
    RuleMistake(
        "decay at x",
        {"self.weight_decay * y": "self.weight_decay * x"},
        "decays by the mean x; the gradient's point y belongs there.",
        "weight decay",
    ),
    RuleMistake(
        "decay at z",
        {"self.weight_decay * y": "self.weight_decay * s.z"},
        "decays by z; the gradient's point y belongs there.",
        "weight decay",
    ),
    RuleMistake(
        "decay forgotten",
        {" + self.weight_decay * y": ""},
        "leaves out the weight decay.",
        "weight decay",
    ),
    RuleMistake(
        "ascent",
        {"s.z - self.rate(k)": "s.z + self.rate(k)"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "step from x",
        {"s.z = s.z -": "s.z = x -"},
        "starts the step at the mean x; z goes on from z.",
        "averaging",
    ),
    RuleMistake(
        "step from y",
        {"s.z = s.z -": "s.z = y -"},
        "starts the step at y; z goes on from z.",
        "averaging",
    ),
    RuleMistake(
        "mean of the old z",
        {
            "    y": "    old = s.z\n    y",
            "return self.mean(x, s, k)": "new, s.z = s.z, old\n    x = self.mean(x, s, k)\n"
            "    s.z = new\n    return x",
        },
        "averages the z before the step.",
        "order of updates",
    ),
)

ADAMW = (
    RuleMistake(
        "no bias correction",
        {" / (1 - beta2**k)": ""},
        "does not correct the bias of v.",
        "bias correction",
        "another form in its authors' package, AdamWScheduleFreePaper",
    ),
    RuleMistake(
        "root of the bias correction",
        {"(1 - beta2**k)": "np.sqrt(1 - beta2**k)"},
        "takes a root of 1 - beta2^k before v is divided by it.",
        "bias correction",
    ),
    RuleMistake(
        "steps counted from 2",
        {"(1 - beta2**k)": "(1 - beta2 ** (k + 1))"},
        "counts the first step as step 2.",
        "step counting",
        "cs231n/cs231n.github.io#179, for Adam",
    ),
    RuleMistake(
        "1 - beta2 forgotten",
        {"(1 - beta2) * g**2": "g**2"},
        "adds the whole square to v: v is a sum and no average.",
        "second moment",
    ),
    RuleMistake(
        "not squared",
        {"(1 - beta2) * g**2": "(1 - beta2) * np.abs(g)"},
        "averages |g| in v, not its square.",
        "second moment",
    ),
    RuleMistake(
        "the other beta",
        {"self.betas[1]": "self.betas[0]"},
        "uses beta1 in v.",
        "second moment",
    ),
)

PRODIGY = (
    RuleMistake(
        "ascent",
        {"return x - gamma": "return x + gamma"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "distance with the wrong sign",
        {"s.x0 - x": "x - s.x0"},
        "has the inner product with the wrong sign: the estimate never grows.",
        "distance estimate",
        method="measure",
    ),
    RuleMistake(
        "distance from zero",
        {"(s.x0 - x)": "(-x)"},
        "measures the distance from zero, not from the start.",
        "distance estimate",
        method="measure",
    ),
    RuleMistake(
        "Euclidean norm",
        {"np.abs(s.s).sum(dtype=float)": "np.sqrt((s.s**2).sum(dtype=float))"},
        "takes the Euclidean norm of s; it must be the sum of the sizes.",
        "distance estimate",
        method="measure",
    ),
    RuleMistake(
        "estimate may fall",
        {"max(shared.d_max, d_hat)": "d_hat"},
        "lets the estimate of the distance fall.",
        "distance estimate",
        method="advance",
    ),
    RuleMistake(
        "inner product forgets nothing",
        {"self.decay3() * shared.r + inner": "shared.r + inner"},
        "sums the inner products where it must average them.",
        "distance estimate",
        method="advance",
    ),
    RuleMistake(
        "beta3 without the root",
        {"math.sqrt(self.betas[1])": "self.betas[1]"},
        "averages the estimate with beta2; the root of beta2 belongs there.",
        "distance estimate",
        method="decay3",
    ),
    RuleMistake(
        "d forgotten in m",
        {"(1 - beta1) * d * g": "(1 - beta1) * g"},
        "does not multiply the gradient in m by d.",
        "distance estimate",
    ),
    RuleMistake(
        "d not squared in v",
        {"d**2 * g**2": "d * g**2"},
        "multiplies the square in v by d, not by its square.",
        "distance estimate",
    ),
    RuleMistake(
        "d forgotten in v",
        {"d**2 * g**2": "g**2"},
        "does not multiply the gradient in v by d.",
        "distance estimate",
    ),
    RuleMistake(
        "d forgotten beside eps",
        {"d_next * self.eps": "self.eps"},
        "adds eps, not d times eps.",
        "eps",
    ),
    RuleMistake(
        "old d beside eps",
        {"d_next * self.eps": "d * self.eps"},
        "multiplies eps by the old d.",
        "eps",
    ),
    RuleMistake(
        "new d in the step",
        {"gamma = d *": "gamma = d_next *"},
        "takes the new d as the step size; it is the d before the step.",
        "order of updates",
    ),
    RuleMistake(
        "d not in the step",
        {"gamma = d * ": "gamma = "},
        "does not multiply the step by d.",
        "step size",
    ),
    RuleMistake(
        "always bias-corrected",
        {" if self.use_bias_correction else 1.0": ""},
        "corrects the bias whether it is wanted or not.",
        "bias correction",
        "optax.contrib.prodigy",
        method="correction",
    ),
    RuleMistake(
        "1 - beta1 forgotten",
        {"(1 - beta1) * d * g": "d * g"},
        "adds the whole gradient to m: m is a sum and no average.",
        "momentum",
    ),
    RuleMistake(
        "1 - beta2 forgotten",
        {"(1 - beta2) * d**2": "d**2"},
        "adds the whole square to v: v is a sum and no average.",
        "second moment",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(s.v)": "s.v"},
        "divides by v, not by its root.",
        "root",
    ),
    RuleMistake(
        "betas swapped",
        {"beta1, beta2 = self.betas": "beta2, beta1 = self.betas"},
        "uses beta1 for v and beta2 for m.",
        "second moment",
    ),
    RuleMistake(
        "decay forgotten",
        {" + lam * x": ""},
        "leaves out the weight decay.",
        "weight decay",
    ),
    RuleMistake(
        "decay not times the step size",
        {" + lam * x": "", "return x -": "return x - lam * x -"},
        "shrinks the weights by lambda, without the step size.",
        "weight decay",
        "tensorflow/addons#2282",
    ),
)

FREE_PRODIGY = (
    RuleMistake(
        "ascent",
        {"s.z - d": "s.z + d"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "distance with the wrong sign",
        {"s.z1 - s.z": "s.z - s.z1"},
        "has the inner product with the wrong sign: the estimate never grows.",
        "distance estimate",
        method="measure",
    ),
    RuleMistake(
        "distance of the mean",
        {"s.z1 - s.z": "s.z1 - x"},
        "measures the distance of the mean x from the start, not that of z.",
        "distance estimate",
        method="measure",
    ),
    RuleMistake(
        "Euclidean norm",
        {"np.abs(s.s).sum(dtype=float)": "np.sqrt((s.s**2).sum(dtype=float))"},
        "takes the Euclidean norm of s; it must be the sum of the sizes.",
        "distance estimate",
        method="measure",
    ),
    RuleMistake(
        "beta without the root",
        {"math.sqrt(self.betas[1])": "self.betas[1]"},
        "averages s with beta2; the root of beta2 belongs there.",
        "distance estimate",
        method="measure",
    ),
    RuleMistake(
        "d forgotten in v",
        {"d**2 * g**2": "g**2"},
        "does not multiply the gradient in v by d.",
        "distance estimate",
    ),
    RuleMistake(
        "old d in the numerator",
        {"d_next * g": "d * g"},
        "multiplies the gradient by the old d.",
        "order of updates",
    ),
    RuleMistake(
        "new d in the step",
        {"s.z - d * self": "s.z - d_next * self"},
        "takes the new d as the step size; it is the d before the step.",
        "order of updates",
    ),
    RuleMistake(
        "d forgotten beside eps",
        {"d_next * self.eps": "self.eps"},
        "adds eps, not d times eps.",
        "eps",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(s.v)": "s.v"},
        "divides by v, not by its root.",
        "root",
    ),
    RuleMistake(
        "bias correction",
        {"np.sqrt(s.v)": "np.sqrt(s.v / (1 - beta2**k))"},
        "corrects the bias of v; this method does not.",
        "bias correction",
        "the neighbour method Schedule-Free AdamW",
    ),
    RuleMistake(
        "decay at z",
        {"self.weight_decay * x": "self.weight_decay * s.z"},
        "decays by z; the mean x belongs there.",
        "weight decay",
    ),
    RuleMistake(
        "decay forgotten",
        {" + self.weight_decay * x": ""},
        "leaves out the weight decay.",
        "weight decay",
    ),
)

MISTAKES = {
    "schedule_free_sgd": AVERAGE + WARMUP,
    "schedule_free_adamw": AVERAGE + WARMUP + ADAMW + ROOT,
    "prodigy": PRODIGY,
    "schedule_free_prodigy": AVERAGE + FREE_PRODIGY,
}
