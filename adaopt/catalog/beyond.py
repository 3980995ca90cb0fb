"""Cards: what else is made of the moments of Adam, and Adafactor, which hardly stores them."""

from adaopt.catalog.card import Card, keywords

CARDS = (
    Card(
        key="laprop",
        name="LaProp",
        class_name="LaProp",
        paper="ziyin2020",
        year=2020,
        formula=r"v_k = \beta_2 v_{k-1} + (1 - \beta_2) g_k^2, \quad"
        r" m_k = \beta_1 m_{k-1} + (1 - \beta_1) \frac{g_k}{\sqrt{v_k / (1 - \beta_2^k)}"
        r" + \varepsilon}, \quad x_{k+1} = x_k - \alpha \frac{m_k}{1 - \beta_1^k}",
        hyper=keywords(lr=4e-4, betas=(0.9, 0.999), eps=1e-15, weight_decay=0.0),
        state_bytes=8,
        lecture=6,
        color="#D55E00",
        linestyle=":",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.07},
            {"lr": 0.02, "betas": (0.95, 0.31), "maximize": True},
            {"lr": 0.013, "betas": (0.0, 0.9), "weight_decay": 0.2},
        ),
        differences="not in torch.optim. The authors' code and pytorch_optimizer average lr times "
        "the divided gradient, so that a change of lr reaches the step slowly; the paper, and "
        "ours, multiply afterwards: the same at constant lr. pytorch_optimizer adds eps, and 1e-15 "
        "under the root, before it corrects v; its centered and AMSGrad options are left out. The "
        "paper leaves decay open: ours is AdamW's, before the step; pytorch_optimizer's comes "
        "after it, the authors' is not times lr",
        algoperf="not submitted",
    ),
    Card(
        key="ademamix",
        name="AdEMAMix",
        class_name="AdEMAMix",
        paper="pagliardini2025",
        year=2025,
        formula=r"n_k = \beta_3 n_{k-1} + (1 - \beta_3) g_k, \quad"
        r" x_{k+1} = x_k - \eta \Bigl( \frac{\hat m_k + \alpha n_k}{\sqrt{\hat v_k} + \varepsilon}"
        r" + \lambda x_k \Bigr), \quad \hat m_k, \hat v_k \text{ of Adam}",
        hyper=keywords(
            lr=1e-3,
            betas=((0.9, 0.999, 0.9999), "0 <= beta < 1", "decay rates: fast, squares, slow"),
            eps=1e-8,
            weight_decay=0.0,
            alpha=(5.0, "alpha >= 0", "weight of the slow average"),
            alpha_warmup=(0, "whole, >= 0", "steps over which alpha grows from 0; 0: none"),
            beta3_warmup=(0, "whole, >= 0", "steps over which beta3 grows from beta1; 0: none"),
        ),
        state_bytes=12,
        lecture=6,
        color="#D55E00",
        linestyle="-.",
        variants=(
            {"lr": 0.01, "betas": (0.83, 0.97, 0.99), "eps": 1e-3, "weight_decay": 0.07},
            {
                "lr": 0.01,
                "betas": (0.7, 0.9, 0.993),
                "alpha": 3.1,
                "alpha_warmup": 23,
                "beta3_warmup": 37,
            },
            {"lr": 0.01, "betas": (0.0, 0.9, 0.95), "beta3_warmup": 61, "maximize": True},
            {"lr": 0.02, "betas": (0.9, 0.95, 0.8), "alpha": 0.7, "beta3_warmup": 20},
        ),
        differences="not in torch.optim. Keywords and state are the authors' code's, whose default "
        "alpha is 2 (the paper uses 4 to 10, optax 6, pytorch_optimizer 5) and whose warm-up of "
        "beta3 adds 1e-8 to beta before the logarithm; pytorch_optimizer has one warm-up for both "
        "and, by default, adds the decay to the gradient, which the paper does not",
        algoperf="not submitted in v0.5",
    ),
)
