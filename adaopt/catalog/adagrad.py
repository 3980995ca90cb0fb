"""Cards: AdaGrad, RMSProp and Adadelta."""

from adaopt.catalog.card import Card, keywords

CARDS = (
    Card(
        key="adagrad",
        name="AdaGrad",
        class_name="Adagrad",
        paper="duchi2011",
        year=2011,
        formula=r"v_k = v_{k-1} + g_k^2, \quad"
        r" x_{k+1} = x_k - \alpha \frac{g_k}{\sqrt{v_k + \varepsilon}}",
        hyper=keywords(
            lr=1e-2,
            lr_decay=0.0,
            weight_decay=0.0,
            initial_accumulator_value=0.0,
            eps=1e-6,
            eps_inside=True,
        ),
        state_bytes=4,
        lecture=2,
        color="#56B4E9",
        variants=(
            {"lr": 0.07, "lr_decay": 0.03, "weight_decay": 0.05, "eps": 1e-3},
            {"lr": 0.07, "eps_inside": False, "eps": 1e-10},
            {
                "lr": 0.05,
                "lr_decay": 0.1,
                "initial_accumulator_value": 0.3,
                "eps_inside": False,
                "eps": 1e-2,
                "maximize": True,
            },
        ),
        torch_reference="torch.optim.Adagrad",
        differences="eps stands under the root and is 1e-6; torch has sqrt(v) + eps with 1e-10, "
        "and no eps of torch gives the same. With eps_inside=False the result is torch's, whose "
        "state dict loads so. The state is made at a parameter's first step, torch's in the "
        "constructor. Sparse gradients are refused. The paper (its diagonal form, delta = eps) has "
        "eps outside, as torch; optax.adagrad has it inside. lr_decay is torch's alone",
    ),
    Card(
        key="rmsprop",
        name="RMSProp",
        class_name="RMSprop",
        paper="tieleman2012",
        year=2012,
        formula=r"v_k = \beta v_{k-1} + (1 - \beta) g_k^2, \quad"
        r" x_{k+1} = x_k - \alpha \frac{g_k}{\sqrt{v_k + \varepsilon}}",
        hyper=keywords(
            lr=1e-2,
            alpha=(0.99, "alpha >= 0", "beta: decay rate of the moving averages"),
            eps=1e-6,
            weight_decay=0.0,
            momentum=0.0,
            centered=(False, "bool", "divide by the standard deviation of the gradient"),
            eps_inside=True,
        ),
        state_bytes=4,
        lecture=3,
        color="#CC79A7",
        variants=(
            {"lr": 0.03, "alpha": 0.83, "eps": 1e-3, "weight_decay": 0.07},
            {"lr": 0.02, "alpha": 0.9, "momentum": 0.7, "centered": True, "eps": 1e-2},
            {"lr": 0.03, "alpha": 0.83, "eps_inside": False, "eps": 1e-8, "maximize": True},
            {
                "lr": 0.02,
                "alpha": 0.9,
                "momentum": 0.7,
                "centered": True,
                "eps_inside": False,
                "eps": 1e-2,
                "weight_decay": 0.05,
            },
        ),
        torch_reference="torch.optim.RMSprop",
        differences="eps stands under the root and is 1e-6; torch has sqrt(v) + eps with 1e-8. "
        "With eps_inside=False the result is torch's, whose state dict loads so. centered: where "
        "rounding makes v - m^2 negative torch takes its root and gets NaN, ours takes 0. Momentum "
        "or centered may be switched on later, its buffer starting from 0; torch raises KeyError. "
        "The slides of 2012 have no eps; Graves (2013) has it inside, 1e-4, with centered and "
        "momentum; optax.rmsprop has it inside",
    ),
    Card(
        key="adadelta",
        name="Adadelta",
        class_name="Adadelta",
        paper="zeiler2012",
        year=2012,
        formula=r"v_k = \rho v_{k-1} + (1 - \rho) g_k^2, \quad"
        r" u_k = \frac{\sqrt{D_{k-1} + \varepsilon}}{\sqrt{v_k + \varepsilon}} g_k, \quad"
        r" D_k = \rho D_{k-1} + (1 - \rho) u_k^2, \quad x_{k+1} = x_k - \alpha u_k",
        hyper=keywords(lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0),
        state_bytes=8,
        lecture=3,
        color="#CC79A7",
        linestyle="--",
        variants=(
            {"lr": 0.7, "rho": 0.83, "eps": 1e-3, "weight_decay": 0.07},
            {"lr": 1.3, "rho": 0.5, "eps": 1e-5, "maximize": True},
        ),
        torch_reference="torch.optim.Adadelta",
        differences="none. The paper has no lr, that is lr = 1, and no weight decay",
    ),
)
