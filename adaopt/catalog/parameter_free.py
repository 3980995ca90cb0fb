"""Cards: methods without a schedule (Schedule-Free) and without a step size (Prodigy)."""

from adaopt.catalog.card import Card, keywords

BETA = (0.9, "0 < beta < 1", "where the gradient is taken: 0 at z, 1 at the mean x")
BETAS = "0 < beta1 < 1, 0 <= beta2 < 1"
PLACE_AND_RATE = "where the gradient is taken (0 at z, 1 at the mean x); decay rate of v"
AVERAGE = {
    "warmup_steps": (0, "whole, >= 0", "steps of the linear warm-up"),
    "r": (0.0, "r >= 0", "the weight of a step in the mean grows as k^r"),
    "weight_lr_power": (
        2.0,
        "weight_lr_power >= 0",
        "and with this power of the largest lr yet",
    ),
}
MEAN = (
    r"y_k = (1 - \beta) z_k + \beta x_k, \quad {} \quad x_{{k+1}} = (1 - c_k) x_k + c_k z_{{k+1}}, "
    r"\quad c_k = w_k \Big/ \sum_{{i \le k}} w_i"
)
MODES = (
    "not in torch.optim. train() before gradients, eval() before the model is evaluated or saved: "
    "the parameters hold y in training and the mean x in evaluation; watch(model) makes a forward "
    "pass in the wrong mode an error. The NumPy edition steps x, and point(x) is y; only there may "
    "beta be 0 (Polyak-Ruppert averaging) or 1 (primal averaging). The first state of the package "
    "schedulefree is evaluation, ours training; a parameter that gets its first gradient late "
    "starts its own mean and step count, in the package it has those of its group"
)
D = {
    "d0": (1e-6, "d0 > 0", "first estimate of the distance d"),
    "d_coef": (1.0, "d_coef > 0", "factor of the estimate"),
}
LR = (1.0, "lr >= 0", "factor of the estimated step; equal in all groups, or 0")
ONE_D = "one d is estimated from the sums over all parameters of all groups"
EXEMPT = {
    "test_a_parameter_that_joins_late_starts_from_step_one": ONE_D,
    "test_groups_have_their_own_hyper_parameters": f"{ONE_D}, and lr is equal in them or 0",
    "test_a_group_added_after_steps": ONE_D,
}

CARDS = (
    Card(
        key="schedule_free_sgd",
        name="Schedule-Free SGD",
        class_name="ScheduleFreeSGD",
        paper="defazio2024",
        year=2024,
        formula=MEAN.format(r"z_{k+1} = z_k - \gamma_k (g_k + \lambda y_k),"),
        hyper=keywords(lr=1.0, momentum=BETA, weight_decay=0.0, **AVERAGE),
        state_bytes=4,
        lecture=6,
        color="#0072B2",
        linestyle="-.",
        variants=(
            {"lr": 0.3, "momentum": 0.71, "weight_decay": 0.05},
            {"lr": 0.2, "warmup_steps": 7, "r": 1.5, "weight_lr_power": 1.3},
            {"lr": 0.1, "momentum": 0.95, "weight_lr_power": 0.0, "maximize": True},
        ),
        differences=MODES,
        algoperf="not submitted",
    ),
    Card(
        key="schedule_free_adamw",
        name="Schedule-Free AdamW",
        class_name="ScheduleFreeAdamW",
        paper="defazio2024",
        year=2024,
        formula=MEAN.format(
            r"z_{k+1} = z_k - \gamma_k \Bigl( \frac{g_k}{\sqrt{\hat v_k} + \varepsilon} "
            r"+ \lambda y_k \Bigr),"
        ),
        hyper=keywords(
            lr=0.0025,
            betas=((0.9, 0.999), BETAS, PLACE_AND_RATE),
            eps=1e-8,
            weight_decay=0.0,
            **AVERAGE,
        ),
        state_bytes=8,
        lecture=6,
        color="#0072B2",
        linestyle="--",
        variants=(
            {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.07},
            {"lr": 0.02, "betas": (0.6, 0.9), "warmup_steps": 11, "r": 0.75},
            {"lr": 0.05, "betas": (0.97, 0.0), "weight_lr_power": 0.0, "maximize": True},
        ),
        differences=MODES + ". The paper's form has no bias correction of v; the package, and ours,"
        " has",
        changed=(r"(1 - \beta) z_k + \beta x_k", "g_k", r"(1 - c_k) x_k + c_k z_{k+1}"),
        algoperf="first of the self-tuning ruleset (score 0.8542) and second of the external one "
        "(0.7077). Its rate is lr times the warm-up times sqrt(1 - beta2^k) over sqrt(v) + eps, "
        "its decay is that of x, r = 0.75, and v is stored in bfloat16",
    ),
    Card(
        key="prodigy",
        name="Prodigy",
        class_name="Prodigy",
        paper="mishchenko2023",
        year=2024,
        formula=r"d_{k+1} = \max \Bigl( d_k, \frac{r_k}{\lVert s_k \rVert_1} \Bigr), \quad "
        r"r_k = \beta_3 r_{k-1} + \tfrac{d_k^2}{d_0} \alpha \langle g_k, x_0 - x_k \rangle, \quad "
        r"s_k = \beta_3 s_{k-1} + \tfrac{d_k^2}{d_0} \alpha g_k, \quad "
        r"x_{k+1} = x_k - \alpha d_k \frac{m_k}{\sqrt{v_k} + d_{k+1} \varepsilon}, "
        r"\quad m_k, v_k \text{ of } d_k g_k",
        hyper=keywords(
            lr=LR,
            betas=(0.9, 0.999),
            beta3=(
                None,
                "0 <= beta3 < 1, or None",
                "decay rate of r and s; None: sqrt(beta2)",
            ),
            eps=1e-8,
            weight_decay=0.0,
            decouple=(True, "bool", "decay the weights apart from the gradient, as in AdamW"),
            use_bias_correction=(False, "bool", "correct both averages as Adam does"),
            safeguard_warmup=(False, "bool", "leave lr out of the sum s"),
            **D,
            growth_rate=(float("inf"), "growth_rate >= 1", "d grows at most by this factor a step"),
        ),
        state_bytes=16,
        lecture=6,
        color="#000000",
        linestyle="-.",
        variants=(
            {"betas": (0.8, 0.97), "beta3": 0.9, "eps": 1e-5, "weight_decay": 0.1, "d0": 1e-3},
            {
                "eps": 3e-2,
                "weight_decay": 0.07,
                "decouple": False,
                "use_bias_correction": True,
                "d0": 0.01,
            },
            {
                "lr": 0.5,
                "safeguard_warmup": True,
                "d_coef": 1.7,
                "growth_rate": 1.05,
                "d0": 1e-4,
                "weight_decay": 0.03,
            },
            {"betas": (0.0, 0.9), "d0": 0.01, "maximize": True},
        ),
        differences="not in torch.optim. As in the package prodigyopt, the step is that of the old "
        "d and eps is multiplied by the new one. In the package a group that is set to lr = 0 goes "
        "on along its old momentum and decays; ours stands still. As long as all gradients were "
        "zero, a step decays the weights (by d0) here and not there. The package's slice_p and "
        "fsdp_in_use are left out; p.grad is never written",
        changed=(
            r"\max \Bigl( d_k, \frac{r_k}{\lVert s_k \rVert_1} \Bigr)",
            r"\langle g_k, x_0 - x_k \rangle",
            r"\alpha d_k",
        ),
        algoperf="not submitted by itself; see Schedule-Free Prodigy",
        exempt=EXEMPT,
    ),
    Card(
        key="schedule_free_prodigy",
        name="Schedule-Free Prodigy",
        class_name="ScheduleFreeProdigy",
        paper="mishchenko2023",
        year=2024,
        formula=MEAN.format(
            r"z_{k+1} = z_k - \alpha d_k \Bigl( \frac{d_{k+1} g_k}{\sqrt{v_k} + d_{k+1} "
            r"\varepsilon} + \lambda x_k \Bigr), \quad d_k \text{ of Prodigy along } z,"
        ),
        hyper=keywords(
            lr=LR,
            betas=((0.9, 0.9955), BETAS, PLACE_AND_RATE),
            eps=1e-8,
            weight_decay=0.0,
            r=(0.75, "r >= 0", "the weight of a step in the mean grows as k^r"),
            **D,
        ),
        state_bytes=16,
        lecture=7,
        color="#000000",
        linestyle=":",
        variants=(
            {"betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.1, "r": 0.0, "d0": 1e-3},
            {"lr": 0.7, "betas": (0.6, 0.9), "d0": 0.01, "d_coef": 1.3},
            {"betas": (0.95, 0.99), "r": 2.0, "d0": 0.01, "maximize": True},
        ),
        differences="not in torch.optim and in no package. " + MODES + ". The submission moves the "
        "parameters to y and back inside step(), which therefore calls the closure (twice), and "
        "keeps v, s and the start in bfloat16; ours has their dtype be the parameter's",
        algoperf="the submission Schedule Free Prodigy: last of the external ruleset (score 0), "
        "with lr warmed up over 7.5 % of the steps and weight decays from 0.003 to 0.3; its two "
        "calls of the closure double the time of a step",
        exempt=EXEMPT,
    ),
)
