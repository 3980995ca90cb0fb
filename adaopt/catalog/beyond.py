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
        unverified="the formula is checked against the authors' published code, at constant lr, "
        "and a published account of the paper, not against its text",
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
        unverified="the formula and the warm-ups are checked against the authors' published code "
        "and optax, not against the text of the paper; nor is its range of alpha",
    ),
    Card(
        key="adafactor",
        name="Adafactor",
        class_name="Adafactor",
        paper="shazeer2018",
        year=2018,
        formula=r"R_k, C_k: \text{ averages of the rows and columns of } g_k^2, \quad"
        r" v = \frac{R_k C_k}{\overline{R_k}}, \quad"
        r" u = \frac{g_k}{\sqrt{v}}, \quad x_{k+1} = x_k - \max(\varepsilon_2, \mathrm{RMS}(x_k))"
        r" \min(\alpha, 1 / \sqrt{k}) \frac{u}{\max(1, \mathrm{RMS}(u) / d)}",
        hyper=keywords(
            lr=(1e-2, "lr >= 0", "alpha: the largest relative step"),
            beta2_decay=(-0.8, "beta2_decay <= 0", "tau: the average's decay rate is 1 - k^tau"),
            eps=((None, 1e-3), "eps >= 0", "bounds of sqrt(v), None: the dtype's; and of RMS(x)"),
            d=(1.0, "d >= 1", "the largest root mean square of the divided gradient"),
            weight_decay=0.0,
        ),
        state_bytes=0,
        lecture=12,
        color="#0072B2",
        linestyle=":",
        variants=(
            {"lr": 0.3, "beta2_decay": -0.6, "weight_decay": 0.07},
            {"lr": 0.02, "eps": (0.3, 0.7), "d": 1.7, "maximize": True},
            {"lr": 0.05, "beta2_decay": -0.3, "eps": (1e-30, 0.0), "d": 1.1},
            {"lr": 0.02, "beta2_decay": 0.0},
        ),
        torch_reference="torch.optim.Adafactor",
        differences="none in the result but rounding; eps=(None, ...) is the machine epsilon of "
        "each parameter's dtype, where torch takes that of the group's first, and an empty "
        "parameter is no error. State: one number a row and one a column, 4 bytes an entry for a "
        "vector. torch and ours differ from the paper: it adds eps1 (1e-30) to g^2 and takes no "
        "maximum with eps1, has 0.01 where lr stands and no decay; for more than two dimensions, "
        "which it leaves open, the last two are factored",
        algoperf="not submitted",
        unverified="what is said of the paper is what torch.optim's documentation says of it",
        exempt={
            name: "complex parameters are refused, as by torch: rows and columns are of one tensor"
            for name in (
                "test_complex_parameters_are_stepped_as_pairs_of_reals",
                "test_a_conjugate_view_as_gradient",
                "test_a_conjugate_view_as_parameter_is_refused_before_anything_changes",
            )
        },
    ),
)
