"""Mistakes in LaProp, AdEMAMix and Adafactor."""

from adaopt.grading.mistakes.moments import BIAS, DECOUPLED, MOMENTS, ROOT, pick
from adaopt.grading.mistakes.rule import RuleMistake

ASCENT = RuleMistake(
    "ascent",
    {"return x - self.lr": "return x + self.lr"},
    "goes up the gradient.",
    "sign of the step",
)
DIVIDED = "(1 - beta1) * g / (np.sqrt(v_hat) + self.eps)"

LAPROP = (
    ASCENT,
    RuleMistake(
        "betas swapped",
        {"beta1, beta2 = self.betas": "beta2, beta1 = self.betas"},
        "uses beta1 for v and beta2 for m.",
        "second moment",
    ),
    RuleMistake(
        "divided after the average",
        {DIVIDED: "(1 - beta1) * g", "(m_hat +": "(m_hat / (np.sqrt(v_hat) + self.eps) +"},
        "averages first and divides afterwards: that is Adam.",
        "order of updates",
        "the neighbour method Adam",
    ),
    RuleMistake(
        "divided twice",
        {"(m_hat +": "(m_hat / (np.sqrt(v_hat) + self.eps) +"},
        "divides before the average and again after it.",
        "order of updates",
    ),
    RuleMistake(
        "not divided",
        {DIVIDED: "(1 - beta1) * g"},
        "does not divide by the root of v: that is momentum.",
        "second moment",
        "the neighbour method momentum",
    ),
    RuleMistake(
        "1 - beta1 forgotten",
        {DIVIDED: "g / (np.sqrt(v_hat) + self.eps)"},
        "adds the whole divided gradient to m: m is a sum and no average.",
        "momentum",
    ),
    RuleMistake(
        "no memory in m",
        {"beta1 * s.m + (1": "(1"},
        "forgets the old m.",
        "momentum",
    ),
    RuleMistake(
        "decay in the gradient",
        {
            " + self.weight_decay * x": "",
            "    s.v = ": "    g = g + self.weight_decay * x\n    s.v = ",
        },
        "adds the decay to the gradient, where the root of v rescales it.",
        "weight decay",
    ),
)

MIX = "(m_hat + alpha * s.n)"
ADEMAMIX = (
    ASCENT,
    RuleMistake(
        "slow average left out",
        {MIX: "m_hat"},
        "uses the fast average alone: that is AdamW.",
        "averaging",
        "the neighbour method AdamW",
    ),
    RuleMistake(
        "fast average left out",
        {MIX: "(alpha * s.n)"},
        "uses the slow average alone.",
        "averaging",
    ),
    RuleMistake(
        "alpha forgotten",
        {MIX: "(m_hat + s.n)"},
        "does not weight the slow average with alpha.",
        "averaging",
    ),
    RuleMistake(
        "weights that sum to one",
        {MIX: "((1 - alpha) * m_hat + alpha * s.n)"},
        "takes 1 - alpha of the fast average; its weight is 1.",
        "averaging",
    ),
    RuleMistake(
        "slow average corrected",
        {MIX: "(m_hat + alpha * s.n / (1 - beta3**k))"},
        "corrects the bias of the slow average; the method does not.",
        "bias correction",
    ),
    RuleMistake(
        "only the fast average divided",
        {
            MIX
            + " / (np.sqrt(v_hat) + self.eps)": "m_hat / (np.sqrt(v_hat) + self.eps) + alpha * s.n"
        },
        "divides the fast average alone by the root of v.",
        "second moment",
    ),
    RuleMistake(
        "both averages fast",
        {"beta3 * s.n + (1 - beta3) * g": "beta1 * s.n + (1 - beta1) * g"},
        "has beta1 in the slow average.",
        "momentum",
    ),
    RuleMistake(
        "average of the average",
        {"(1 - beta3) * g": "(1 - beta3) * s.m"},
        "feeds the fast average to the slow one, not the gradient.",
        "momentum",
    ),
    RuleMistake(
        "1 - beta3 forgotten",
        {"(1 - beta3) * g": "g"},
        "adds the whole gradient to the slow average.",
        "momentum",
    ),
    RuleMistake(
        "no warm-up of alpha",
        {" * min(k / self.alpha_warmup, 1) if self.alpha_warmup else self.alpha": ""},
        "gives alpha its full weight from the first step on.",
        "step size",
    ),
    RuleMistake(
        "warm-up of alpha one step late",
        {"min(k / self": "min((k - 1) / self"},
        "is one step late in the warm-up of alpha.",
        "step counting",
    ),
    RuleMistake(
        "beta3 grows linearly",
        {"float(np.exp(1 / life))": "beta1 + (beta3 - beta1) * k / self.beta3_warmup"},
        "lets beta3 grow linearly, not its half-life.",
        "momentum",
        "the choice that Pagliardini et al. (2025) argue against",
        method="beta3",
    ),
    RuleMistake(
        "no warm-up of beta3",
        {"k >= self.beta3_warmup or": "True or"},
        "has the slow beta3 from the first step on.",
        "momentum",
        method="beta3",
    ),
)

FACTORED = "s.r * s.c / np.maximum(mean(s.r, -2), eps1)"
ADAFACTOR = (
    RuleMistake(
        "ascent",
        {"x - alpha * u_hat": "x + alpha * u_hat"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "not squared",
        {"(g**2, s": "(np.abs(g), s"},
        "averages |g|, not its square.",
        "second moment",
    ),
    RuleMistake(
        "product not divided by the mean",
        {FACTORED: "s.r * s.c"},
        "takes the product of rows and columns without dividing by their mean.",
        "statistics of a tensor",
        method="second_moment",
    ),
    RuleMistake(
        "divided by the sum",
        {"mean(s.r, -2)": "s.r.sum(-2, keepdims=True)"},
        "divides means by a sum: all three must be sums, or all three means.",
        "statistics of a tensor",
        "facebookresearch/fairseq#5290",
        method="second_moment",
    ),
    RuleMistake(
        "rows forgotten",
        {FACTORED: "s.c + 0 * s.r"},
        "uses the columns alone.",
        "statistics of a tensor",
        "huggingface/pytorch-image-models#2749",
        method="second_moment",
    ),
    RuleMistake(
        "columns forgotten",
        {FACTORED: "s.r + 0 * s.c"},
        "uses the rows alone.",
        "statistics of a tensor",
        method="second_moment",
    ),
    RuleMistake(
        "one number for the matrix",
        {FACTORED: "mean(s.r, -2) + 0 * s.r * s.c"},
        "divides the whole matrix by one number.",
        "statistics of a tensor",
        method="second_moment",
    ),
    RuleMistake(
        "1 - beta forgotten",
        {"(1 - beta) * g2": "g2", "(1 - beta) * mean(g2, -1)": "mean(g2, -1)"},
        "adds whole squares: the averages are sums.",
        "averaging",
        method="second_moment",
    ),
    RuleMistake(
        "constant decay rate",
        {"1 - k**self.beta2_decay": "0.999"},
        "averages with one beta; here it grows with the step, and needs no bias correction.",
        "bias correction",
        "the neighbour method Adam",
    ),
    RuleMistake(
        "decay rate of the next step",
        {"1 - k**self.beta2_decay": "1 - (k + 1) ** self.beta2_decay"},
        "counts the first step as step 2, so that the averages start at zero.",
        "step counting",
        "cs231n/cs231n.github.io#179, for Adam",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(v)": "v"},
        "divides by v, not by its root.",
        "root",
    ),
    RuleMistake(
        "no clipping",
        {"u_hat = u / max(1.0, rms(u) / self.d)": "u_hat = u"},
        "does not clip the divided gradient.",
        "step size",
    ),
    RuleMistake(
        "clipping upside down",
        {"max(1.0, rms(u) / self.d)": "min(1.0, rms(u) * self.d)"},
        "stretches small steps and leaves large ones.",
        "step size",
        "huggingface/pytorch-image-models#2790",
    ),
    RuleMistake(
        "each entry clipped",
        {"u / max(1.0, rms(u) / self.d)": "np.clip(u, -self.d, self.d)"},
        "clips each entry; all of a tensor are divided by one number.",
        "statistics of a tensor",
    ),
    RuleMistake(
        "threshold forgotten",
        {"rms(u) / self.d": "rms(u)"},
        "clips at 1, whatever d is.",
        "step size",
    ),
    RuleMistake(
        "absolute step",
        {"max(eps2, rms(x)) * ": ""},
        "does not multiply the step by the size of the parameters.",
        "step size",
    ),
    RuleMistake(
        "size of the gradient",
        {"rms(x)": "rms(g)"},
        "multiplies the step by the size of the gradient, not of the parameters.",
        "step size",
    ),
    RuleMistake(
        "floor added",
        {"max(eps2, rms(x))": "(eps2 + rms(x))"},
        "adds eps2 to the size of the parameters; it is their floor.",
        "eps",
    ),
    RuleMistake(
        "larger of the two rates",
        {"min(self.lr,": "max(self.lr,"},
        "takes the larger of lr and 1 over the root of k.",
        "step size",
    ),
    RuleMistake(
        "decay forgotten",
        {"(1 - self.lr * self.weight_decay) * x": "x"},
        "leaves out the weight decay.",
        "weight decay",
    ),
    RuleMistake(
        "decay not times the step size",
        {"self.lr * self.weight_decay": "self.weight_decay"},
        "shrinks the weights by lambda, without the step size.",
        "weight decay",
        "tensorflow/addons#2282",
    ),
    RuleMistake(
        "decay with the relative step",
        {"self.lr * self.weight_decay": "alpha * self.weight_decay"},
        "multiplies the decay by the relative step, not by lr.",
        "weight decay",
    ),
)

MISTAKES = {
    "laprop": LAPROP
    + pick(MOMENTS, "1 - beta2 forgotten", "no memory in v", "not squared", "square of m")
    + BIAS
    + ROOT
    + DECOUPLED,
    "ademamix": ADEMAMIX
    + tuple(m for m in MOMENTS if m.name != "betas swapped")
    + BIAS
    + ROOT
    + DECOUPLED,
    "adafactor": ADAFACTOR,
}
