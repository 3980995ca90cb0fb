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

SHAMPOO = (
    RuleMistake(
        "ascent",
        {"* x - self.lr * d": "* x + self.lr * d"},
        "goes up the gradient.",
        "sign of the step",
    ),
    RuleMistake(
        "square roots",
        {"2 * order": "2"},
        "takes the inverse square root of every matrix: with p of them it is the 2p-th root.",
        "root",
        method="roots",
    ),
    RuleMistake(
        "fourth roots whatever the order",
        {"2 * order": "4"},
        "takes the inverse fourth root, which is right for a matrix only.",
        "root",
        method="roots",
    ),
    RuleMistake(
        "one side only",
        {"enumerate(P)": "enumerate(P[:1])"},
        "multiplies by the root of L and not by that of R.",
        "statistics of a tensor",
        method="preconditioned",
    ),
    RuleMistake(
        "transpose missing",
        {"gram(g, i)": "gram(g.reshape(g.shape[::-1]), g.ndim - 1 - i)"},
        "has the entries of the gradient in the order of its transpose.",
        "statistics of a tensor",
        method="moments",
    ),
    RuleMistake(
        "sum in place of the average",
        {"(1 - beta or 1) * M": "M"},
        "adds the whole second moment: the matrices are sums and no averages.",
        "second moment",
    ),
    RuleMistake(
        "no memory",
        {"beta * S + (1": "(1"},
        "forgets the matrices of the steps before.",
        "second moment",
    ),
    RuleMistake(
        "eps relative",
        {"self.eps, False": "self.eps, True"},
        "adds eps times the largest eigenvalue, not eps.",
        "eps",
        "pytorch_optimizer's ScalableShampoo, which does so",
        method="roots",
    ),
    RuleMistake(
        "matrices not corrected",
        {"1 - self.beta**k if self.bias_correction and self.beta < 1 else 1.0": "1.0"},
        "does not correct the matrices for their start from zero.",
        "bias correction",
        method="roots",
    ),
    RuleMistake(
        "no grafting",
        {"if self.grafting:": "if False:"},
        "keeps its own length: the direction is not given the length of the grafted step.",
        "step size",
    ),
    RuleMistake(
        "grafted upside down",
        {"norm(a) / max(norm(d)": "norm(d) / max(norm(a)"},
        "is divided by the length that it should have, and multiplied by its own.",
        "step size",
    ),
    RuleMistake(
        "gradient in place of the average",
        {"self.preconditioned(u, s.P)": "self.preconditioned(g, s.P)"},
        "multiplies the gradient by the roots, not the average of the gradients.",
        "momentum",
    ),
    RuleMistake(
        "one step late",
        {
            "age = self.beta, self.momentum, k - self.start_step": "age = "
            "self.beta, self.momentum, k - self.start_step - 1"
        },
        "has its first roots one step late.",
        "step counting",
    ),
    RuleMistake(
        "decay forgotten",
        {"(1 - self.lr * self.weight_decay) * x": "x"},
        "does not decay the weights.",
        "weight decay",
    ),
)

CASPR = (
    *(m for m in SHAMPOO if m.method == "update"),
    RuleMistake(
        "applied once",
        {"range(2)": "range(1)"},
        "applies the mean of the products once; it is applied twice.",
        "statistics of a tensor",
        method="preconditioned",
    ),
    RuleMistake(
        "sum in place of the mean of the products",
        {"/ len(P)": "/ 1"},
        "adds the products up; their mean is taken.",
        "step size",
        method="preconditioned",
    ),
    RuleMistake(
        "product",
        {'self.variant == "algoperf"': "True"},
        "multiplies by both roots: that is Shampoo.",
        "statistics of a tensor",
        "the neighbour method Shampoo",
        method="preconditioned",
    ),
    RuleMistake(
        "whole gradient on both sides",
        {"times(left, (i, P)) / np.sqrt(len(P))": "g"},
        "has R gather the gradient, not what the root of L leaves of it.",
        "statistics of a tensor",
        method="moments",
    ),
    RuleMistake(
        "old matrices at their full weight",
        {"np.prod(kept[:i]) * S": "S"},
        "does not lower what R gathered under the roots before.",
        "second moment",
        method="roots",
    ),
)

MISTAKES = {"shampoo": SHAMPOO, "caspr": CASPR, "soap": SOAP, "muon": MUON}
