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
        differences="none in the result but rounding: ours multiplies eps and lr by the bias "
        "corrections and not v. amsgrad takes two words besides: 'hat' (the largest corrected v; "
        "optax) and 'paper' (no bias correction); True is torch's form. The paper's footnote "
        "writes lr and eps as ours does; its eps there is eps sqrt(1 - beta2^k) here",
        algoperf="not submitted on its own; all but two of the submissions are Adam's descendants",
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
        "onto a bounded set, and lets alpha fall as 1 / sqrt(k) and beta1 fall: give alpha a "
        "schedule. The state dict has the layout of torch's Adam with amsgrad=True",
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
        differences="none in the result but rounding",
        algoperf="not submitted on its own: the baseline is NAdamW",
    ),
)
