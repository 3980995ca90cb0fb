"""Cards: Adam with Nesterov's look-ahead, in the forms of torch, optax and AlgoPerf."""

from adaopt.catalog.card import Card, keywords

BASE = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)
MOMENTS = (
    r"m_k = \beta_1 m_{k-1} + (1 - \beta_1) g_k, \quad"
    r" v_k = \beta_2 v_{k-1} + (1 - \beta_2) g_k^2"
)
LOOK_AHEAD = r"\hat n_k = \frac{\beta_1 m_k + (1 - \beta_1) g_k}{1 - \beta_1^k}"

CARDS = (
    Card(
        key="nadam",
        name="NAdam",
        class_name="NAdam",
        paper="dozat2016",
        year=2016,
        formula=r"\hat n_k = \frac{\mu_{k+1} m_k}{1 - \mu_1 \cdots \mu_{k+1}}"
        r" + \frac{(1 - \mu_k) g_k}{1 - \mu_1 \cdots \mu_k}, \quad"
        r" x_{k+1} = x_k - \alpha \frac{\hat n_k}{\sqrt{\hat v_k} + \varepsilon}, \quad"
        r" m_k, \hat v_k \text{ of Adam}",
        hyper=keywords(
            lr=2e-3,
            betas=(0.9, 0.999),
            eps=1e-8,
            weight_decay=0.0,
            momentum_decay=4e-3,
            decoupled_weight_decay=False,
            variant=("torch", "'torch', 'dozat' or 'algoperf'", "which mu_k and which corrections"),
        ),
        state_bytes=8,
        lecture=6,
        color="#009E73",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.07},
            {
                "lr": 0.02,
                "betas": (0.6, 0.9),
                "weight_decay": 0.1,
                "momentum_decay": 0.31,
                "decoupled_weight_decay": True,
            },
            {"lr": 0.02, "betas": (0.0, 0.95), "maximize": True, "momentum_decay": 0.0},
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "variant": "dozat"},
            {
                "lr": 0.02,
                "betas": (0.71, 0.93),
                "weight_decay": 0.2,
                "variant": "algoperf",
                "decoupled_weight_decay": True,
            },
        ),
        torch_reference="torch.optim.NAdam",
        differences="none in the result but rounding, at variant='torch' (the default); torch "
        "keeps the product of the mu in the default dtype, so in float32 where ours is float64. "
        "momentum_decay=0 halves the momentum, it does not hold mu at beta1: 'dozat' does, which "
        "is optax.nadam. 'algoperf' corrects both parts by 1 - beta1^k; torch's class cannot "
        "reproduce it. The paper's algorithm averages the gradient with mu_k in m as well; torch, "
        "Keras, optax and ours with beta1",
        algoperf="variant='algoperf' with decoupled decay is NAdamW, the baseline's rule",
        changed=(
            r"\frac{\mu_{k+1} m_k}{1 - \mu_1 \cdots \mu_{k+1}}"
            r" + \frac{(1 - \mu_k) g_k}{1 - \mu_1 \cdots \mu_k}",
        ),
        unverified="what is said of the paper's own algorithm: the three forms are checked against "
        "torch.optim, optax and AlgoPerf's code, not against its text",
    ),
    Card(
        key="nadamw",
        name="NAdamW",
        class_name="NAdamW",
        paper="choi2019",
        year=2019,
        formula=MOMENTS + r", \quad " + LOOK_AHEAD + r", \quad"
        r" x_{k+1} = x_k - \alpha \Bigl( \frac{\hat n_k}{\sqrt{v_k / (1 - \beta_2^k)}"
        r" + \varepsilon} + \lambda x_k \Bigr)",
        hyper=keywords(**BASE),
        state_bytes=8,
        lecture=7,
        color="#009E73",
        linestyle="--",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.2},
            {"lr": 0.02, "betas": (0.0, 0.9), "weight_decay": 0.0},
            {"lr": 0.02, "betas": (0.7, 0.3), "maximize": True},
        ),
        differences="not in torch.optim: NAdam(decoupled_weight_decay=True) there has a schedule "
        "of momentum and corrects the two parts of the look-ahead differently. The decay is "
        "times lr, as in torch's AdamW, where the AdamW paper takes it times the schedule alone",
        algoperf="the rule of the baseline (6th of the external ruleset, 0.5707; 2nd of the "
        "self-tuning one, 0.8194), of Cyclic LR and under both LAWA submissions",
    ),
    Card(
        key="nadamp",
        name="NadamP",
        class_name="NadamP",
        paper="kasimbeg2025",
        year=2025,
        formula=r"x_{k+1} = x_k - \alpha \Bigl( \frac{\hat n_k}{\hat v_k^{1/p} + \varepsilon}"
        r" + \lambda x_k \Bigr), \quad \hat n_k, \hat v_k \text{ of NAdamW}",
        hyper=keywords(**BASE, power=(2.0, "power >= 1", "p: which root of the second moment")),
        state_bytes=8,
        lecture=7,
        color="#009E73",
        linestyle=":",
        variants=(
            {"lr": 0.003, "betas": (0.93, 0.97), "weight_decay": 0.06, "power": 1.5, "eps": 1e-3},
            {"lr": 0.02, "betas": (0.7, 0.9), "power": 3.7, "maximize": True},
            {"lr": 0.02, "betas": (0.8, 0.95), "power": 2.0, "weight_decay": 0.1},
            {"lr": 0.003, "betas": (0.8, 0.95), "power": 1.0, "eps": 1e-2, "weight_decay": 0.0},
        ),
        differences="not in torch.optim. The second moment is of g^2 whatever p is, so that at "
        "p != 2 the step scales with the gradient. p = 2 is NAdamW, bit for bit. The submission's "
        "eps_root, which it never sets, is left out",
        algoperf="5th of the external ruleset, 0.5909; p = 2 at four of its five points, 1.5 at "
        "one. With its flag nesterov off, which no point does, the submission's m has no bias "
        "correction; ours has no such flag (GeneralizedAdam has)",
    ),
    Card(
        key="generalized_adam",
        name="Generalized Adam",
        class_name="GeneralizedAdam",
        paper="choi2019",
        year=2019,
        formula=r"\text{NAdamW, or without preconditioning: } u_k = \beta_1 u_{k-1} + g_k, \quad"
        r" x_{k+1} = x_k - \alpha (g_k + \beta_1 u_k + \lambda x_k)",
        hyper=keywords(
            **BASE,
            preconditioning=(True, "bool", "divide by the root of the second moment"),
            nesterov=(True, "bool", "look ahead by one gradient"),
        ),
        state_bytes=8,
        lecture=7,
        color="#E69F00",
        linestyle="-.",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.2},
            {"lr": 0.02, "betas": (0.7, 0.9), "nesterov": False, "maximize": True},
            {"lr": 0.01, "betas": (0.77, 0.0), "weight_decay": 0.05, "preconditioning": False},
            {
                "lr": 0.01,
                "betas": (0.6, 0.9),
                "weight_decay": 0.0,
                "preconditioning": False,
                "nesterov": False,
            },
        ),
        differences="not in torch.optim. Without preconditioning it is torch's SGD(momentum=beta1, "
        "nesterov=...) with the decay apart from the velocity, and keeps one buffer, 4 bytes. With "
        "preconditioning and without nesterov m has no bias correction, as in the submission "
        "(by oversight, it seems: the second moment has it): so it is not AdamW",
        algoperf="3rd of the external ruleset, 0.6383: Nesterov momentum at one of its five "
        "points (the only submission to solve ResNet-50 in the median), NAdamW at the others",
    ),
)
