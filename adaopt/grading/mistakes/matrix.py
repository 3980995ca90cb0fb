"""Mistakes in the methods that treat a parameter as a matrix."""

from adaopt.grading.mistakes.rule import RuleMistake

SOAP = (
    RuleMistake(
        "ascent",
        {"x - alpha * back(s.Q, d)": "x + alpha * back(s.Q, d)"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "not turned back",
        {"back(s.Q, d)": "d"},
        "is taken along the axes of the basis: it must be turned back to those of x.",
        "statistics of a tensor",
    ),
    RuleMistake(
        "turned twice",
        {"back(s.Q, d)": "into(s.Q, d)"},
        "is turned into the basis a second time: a transpose is missing on the way back.",
        "statistics of a tensor",
    ),
    RuleMistake(
        "squares along the old axes",
        {"into(s.Q, g) ** 2": "g ** 2"},
        "averages the squares of the gradient as it is, not in the basis.",
        "second moment",
    ),
    RuleMistake(
        "momentum not turned",
        {"into(s.Q, s.m)": "s.m"},
        "divides the momentum as it is, not in the basis.",
        "momentum",
    ),
    RuleMistake(
        "root missing",
        {"np.sqrt(s.v)": "s.v"},
        "divides by the second moment, not by its root.",
        "root",
    ),
    RuleMistake(
        "bias corrected for one step too many",
        {"1 - beta2**t": "1 - beta2**k", "1 - beta1**t": "1 - beta1**k"},
        "counts the first step, which moves nothing, in the bias correction.",
        "step counting",
    ),
    RuleMistake(
        "basis stays",
        {"elif t % self.precondition_frequency == 0": "elif False"},
        "keeps the first basis for ever.",
        "statistics of a tensor",
    ),
    RuleMistake(
        "squares out of order",
        {"V = V.take(order, axis)": "pass"},
        "sorts the basis by its eigenvalues but not the second moment with it.",
        "order of updates",
        method="follow",
    ),
    RuleMistake(
        "decay before the step",
        {"(x - alpha * back(s.Q, d))": "x - alpha * back(s.Q, d)"},
        "decays the weights before the step; the authors do it after it.",
        "weight decay",
    ),
)

MUON = (
    RuleMistake(
        "ascent",
        {"(step + lam": "(-step + lam"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "norm only",
        {"self.polar_factor(as_matrix(n))": "as_matrix(n) / max(np.linalg.norm(n), 1e-30)"},
        "divides the momentum by its norm: the singular values stay unequal.",
        "statistics of a tensor",
    ),
    RuleMistake(
        "no memory",
        {"s.m = mu * s.m + (1 - mu) * g": "s.m = (1 - mu) * g"},
        "forgets the old momentum.",
        "momentum",
    ),
    RuleMistake(
        "no look-ahead",
        {"n = mu * s.m + (1 - mu) * g if self.nesterov else s.m": "n = s.m"},
        "does not look ahead along the momentum.",
        "look-ahead",
    ),
    RuleMistake(
        "rows for columns",
        {"self.factor(*o.shape)": "self.factor(*o.T.shape)"},
        "has the factor of the transposed matrix: a wide one takes the larger step.",
        "step size",
    ),
    RuleMistake(
        "no factor",
        {"self.factor(*o.shape) * o": "o"},
        "leaves out the factor that the shape of the matrix gives the step size.",
        "step size",
    ),
    RuleMistake(
        "one iteration too few",
        {"odd_polynomials(n, quintics,": "odd_polynomials(n, quintics[1:],"},
        "stops one iteration early.",
        "step counting",
        method="polar_factor",
    ),
    RuleMistake(
        "the wrong side made even",
        {"o.shape[0] >= o.shape[1]": "o.shape[0] < o.shape[1]"},
        "evens the rows of a wide matrix, which are even already.",
        "statistics of a tensor",
        "the paper of NorMuon, which does so",
        method="evened",
    ),
    RuleMistake(
        "cautious the wrong way",
        {"step * x >= 0": "step * x <= 0"},
        "decays the weights that the step moves away from zero.",
        "weight decay",
    ),
    RuleMistake(
        "decay forgotten",
        {"step + lam * decayed": "step"},
        "does not decay the weights.",
        "weight decay",
    ),
)

MISTAKES = {"soap": SOAP, "muon": MUON}
