"""Cards: methods that keep only the sign."""

from adaopt.catalog.card import Card, keywords

SIGN_DECAY = (0.0, "weight_decay >= 0", "lambda: decay of the weights, apart from the sign")

CARDS = (
    Card(
        key="signsgd",
        name="signSGD",
        class_name="SignSGD",
        paper="bernstein2018",
        year=2018,
        formula=r"x_{k+1} = x_k - \alpha\, (\operatorname{sign} g_k + \lambda x_k)",
        hyper=keywords(lr=1e-3, weight_decay=SIGN_DECAY),
        state_bytes=0,
        lecture=6,
        color="#56B4E9",
        linestyle="--",
        variants=(
            {"lr": 0.03, "weight_decay": 0.07},
            {"lr": 0.02, "weight_decay": 0.3, "maximize": True},
            {"lr": 0.013, "maximize": True},
        ),
        differences=(
            "not in torch.optim. The paper's algorithms have no decay of the weights; decoupled as "
            "here it is in algorithm 1 of the authors' paper on majority vote (2019)"
        ),
        algoperf="no submission to v0.5",
    ),
    Card(
        key="signum",
        name="Signum",
        class_name="Signum",
        paper="bernstein2018",
        year=2018,
        formula=(
            r"m_{k+1} = \mu m_k + (1 - \mu) g_k, \qquad "
            r"x_{k+1} = x_k - \alpha\, (\operatorname{sign} m_{k+1} + \lambda x_k)"
        ),
        hyper=keywords(
            lr=1e-3,
            momentum=(0.9, "0 <= momentum < 1", "decay rate mu of the average of the gradients"),
            weight_decay=SIGN_DECAY,
        ),
        state_bytes=4,
        lecture=6,
        color="#56B4E9",
        linestyle="-.",
        variants=(
            {"lr": 0.02, "momentum": 0.83, "weight_decay": 0.07},
            {"lr": 0.03, "momentum": 0.0},
            {"lr": 0.01, "momentum": 0.47, "weight_decay": 0.2, "maximize": True},
        ),
        differences=(
            "not in torch.optim; momentum 0 is signSGD. The paper's algorithms have no decay of "
            "the weights; decoupled as here it is in algorithm 1 of the authors' paper on majority "
            "vote (2019)"
        ),
        algoperf="no submission to v0.5",
    ),
    Card(
        key="lion",
        name="Lion",
        class_name="Lion",
        paper="chen2023",
        year=2023,
        formula=(
            r"c_k = \beta_1 m_k + (1 - \beta_1) g_k, \quad "
            r"x_{k+1} = x_k - \alpha\, (\operatorname{sign} c_k + \lambda x_k), \quad "
            r"m_{k+1} = \beta_2 m_k + (1 - \beta_2) g_k"
        ),
        hyper=keywords(
            lr=1e-4,
            betas=((0.9, 0.99), "0 <= beta < 1", "weights of the old average: in the step, kept"),
            weight_decay=SIGN_DECAY,
        ),
        state_bytes=4,
        lecture=6,
        color="#E69F00",
        variants=(
            {"lr": 0.02, "betas": (0.83, 0.97), "weight_decay": 0.07},
            {"lr": 0.03, "betas": (0.0, 0.9)},
            {"lr": 0.01, "betas": (0.97, 0.0), "weight_decay": 0.2},
            {"lr": 0.01, "betas": (0.6, 0.8), "maximize": True},
        ),
        differences=(
            "not in torch.optim. It wants a step size 3 to 10 times smaller than AdamW's and a "
            "weight_decay as many times larger"
        ),
        algoperf="no submission to v0.5",
        changed=(r"\beta_1 m_k + (1 - \beta_1) g_k", r"\operatorname{sign} c_k"),
    ),
)
