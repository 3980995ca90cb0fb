"""Cards: Adam, AMSGrad and AdamW."""

from adaopt.catalog.card import Card, keywords

FORMS = "False, True, 'hat' or 'paper'"

CARDS = (
    Card(
        key="adam",
        name="Adam",
        class_name="Adam",
        paper="kingma2015",
        year=2015,
        formula=r"m_k = \beta_1 m_{k-1} + (1 - \beta_1) g_k, \quad"
        r" v_k = \beta_2 v_{k-1} + (1 - \beta_2) g_k^2, \quad"
        r" x_{k+1} = x_k - \alpha \frac{m_k / (1 - \beta_1^k)}"
        r"{\sqrt{v_k / (1 - \beta_2^k)} + \varepsilon}",
        hyper=keywords(
            lr=1e-3,
            betas=(0.9, 0.999),
            eps=1e-8,
            weight_decay=0.0,
            amsgrad=(False, FORMS, "v at its largest so far: torch's, optax's, the paper's form"),
            decoupled_weight_decay=False,
        ),
        state_bytes=8,
        lecture=4,
        color="#D55E00",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.07},
            {"lr": 0.02, "betas": (0.0, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True},
            {"lr": 0.02, "betas": (0.7, 0.9), "amsgrad": True, "weight_decay": 0.01},
            {"lr": 0.02, "betas": (0.7, 0.9), "amsgrad": "hat", "maximize": True},
            {"lr": 0.02, "betas": (0.7, 0.9), "amsgrad": "paper", "eps": 1e-2},
        ),
        torch_reference="torch.optim.Adam",
        differences="the same result up to rounding: the bias corrections are multiplied into lr "
        "and eps, not into m and v. amsgrad takes two words besides: 'hat' (the largest corrected "
        "v, as optax) and 'paper' (no bias correction); True is torch's form (the largest v, "
        "corrected afterwards). It may be switched on later, its maximum starting there; torch "
        "raises KeyError. The paper's quicker order, at the end of its section 2, multiplies only "
        "lr by the corrections and holds eps fixed: a slightly different method, not used here",
        algoperf="not submitted on its own: most submissions start from NAdamW, Adam with "
        "Nesterov's momentum and decoupled decay",
    ),
    Card(
        key="amsgrad",
        name="AMSGrad",
        class_name="AMSGrad",
        paper="reddi2018",
        year=2018,
        formula=r"\hat v_k = \max(\hat v_{k-1}, v_k), \quad"
        r" x_{k+1} = x_k - \alpha \frac{m_k}{\sqrt{\hat v_k} + \varepsilon},"
        r" \quad m_k, v_k \text{ of Adam}",
        hyper=keywords(
            lr=1e-3,
            betas=(0.9, 0.999),
            eps=1e-8,
            weight_decay=0.0,
            decoupled_weight_decay=False,
        ),
        state_bytes=12,
        lecture=4,
        color="#D55E00",
        linestyle="--",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.07},
            {"lr": 0.02, "betas": (0.7, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True},
            {"lr": 0.02, "betas": (0.0, 0.9), "maximize": True},
        ),
        differences="torch has no such class; torch.optim.Adam(amsgrad=True) corrects m and the "
        "largest v for the start from zero, which the paper does not, so that its first steps are "
        "other ones (and the rate per coordinate may grow): that form is Adam(amsgrad=True), "
        "optax's, the largest corrected v, is Adam(amsgrad='hat'). The paper has no eps, projects "
        "onto a bounded set, and in its theorem alpha falls as 1 / sqrt(k), and beta1 falls: give "
        "lr a schedule. The state dict has the layout of torch's Adam with amsgrad=True",
    ),
    Card(
        key="adamw",
        name="AdamW",
        class_name="AdamW",
        paper="loshchilov2019",
        year=2019,
        formula=r"x_{k+1} = x_k - \alpha \Bigl( \frac{\hat m_k}{\sqrt{\hat v_k} + \varepsilon}"
        r" + \lambda x_k \Bigr), \quad \hat m_k, \hat v_k \text{ of Adam}",
        hyper=keywords(
            lr=1e-3,
            betas=(0.9, 0.999),
            eps=1e-8,
            weight_decay=1e-2,
            amsgrad=(False, FORMS, "v at its largest so far: torch's, optax's, the paper's form"),
        ),
        state_bytes=8,
        lecture=5,
        color="#000000",
        linestyle="--",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.2},
            {"lr": 0.02, "betas": (0.7, 0.9), "amsgrad": True, "maximize": True},
            {"lr": 0.02, "betas": (0.7, 0.9), "weight_decay": 0.0},
        ),
        torch_reference="torch.optim.AdamW",
        differences="the same result up to rounding; amsgrad takes the words 'hat' and 'paper' "
        "besides. In the paper the decay is lambda times the schedule's factor and not times lr "
        "too: torch, optax and the lecture multiply by lr, so that lambda of the paper is "
        "lr * weight_decay here",
        algoperf="not submitted on its own: the baseline is NAdamW",
    ),
)
