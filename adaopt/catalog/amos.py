"""Card: Amos."""

from adaopt.catalog.card import Card, keywords

CARDS = (
    Card(
        key="amos",
        name="Amos",
        class_name="Amos",
        paper="tian2022",
        year=2022,
        formula=(
            r"\begin{aligned} v_{k+1} &= \beta v_k + (1 - \beta)\, \overline{g_k^2}, \quad "
            r"\hat v = v_{k+1} / (1 - \beta^{k+1}), \quad "
            r"\gamma = \frac{\xi^2\, \overline{g_k^2} / \hat v}"
            r"{\sqrt{1 + \frac14 \sqrt{\xi}\, b_k}}, \\ "
            r"x_{k+1} &= x_k - \frac{\xi \eta\, g_k / \sqrt{\hat v} + \frac12 \gamma x_k}"
            r"{1 + \frac14 \sqrt{\xi \eta}\, b_k}, \qquad "
            r"b_{k+1} = b_k + \gamma (1 + b_k) \end{aligned}"
        ),
        hyper=keywords(
            lr=(1e-3, "lr >= 0", "xi: first relative step, about 1/sqrt(batches in the data)"),
            scale=(1.0, "scale >= 0", "eta: the size that the entries of x should come to"),
            beta=(0.999, "0 <= beta < 1", "decay rate of the mean squared gradient"),
            eps=(2.0**-125, "eps >= 0", "smallest mean squared gradient: keeps 0/0 away"),
        ),
        state_bytes=0,
        lecture=6,
        color="#CC79A7",
        linestyle="-.",
        variants=(
            {"lr": 0.03, "scale": 0.4, "beta": 0.93},
            {"lr": 0.7, "scale": 1.3, "beta": 0.5},
            {"lr": 0.02, "beta": 0.0, "eps": 0.3},
            {"lr": 0.05, "scale": 2.1, "beta": 0.97, "maximize": True},
        ),
        differences=(
            "not in torch.optim. State: two numbers per tensor, the most reduced of the paper's "
            "forms; its optional clipping, momentum and state per row or entry are left out. "
            "pytorch_optimizer's Amos adds eps instead of bounding v by it, takes eta from the "
            "shape, and its extra_l2 lowers the decay (gamma - l2)/2 where the authors' code "
            "raises it, gamma/2 + l2; at extra_l2=0 the two agree"
        ),
        algoperf=(
            "7th of the external ruleset, 0.4918; that is a later variant, "
            "with another decay of the step and, at four of its five points, v per entry"
        ),
        changed=(
            r"\xi \eta\, g_k",
            r"\frac12 \gamma x_k",
            r"1 + \frac14 \sqrt{\xi \eta}\, b_k",
            r"b_k + \gamma (1 + b_k)",
        ),
        unverified=(
            "the formula is checked against the authors' published code (google-research/"
            "jestimator), not against the text of the paper"
        ),
        exempt={
            "test_a_state_of_other_shapes_is_refused": (
                "the state is two numbers whatever the shape of the parameter"
            ),
        },
    ),
)
