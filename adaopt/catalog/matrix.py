"""Cards: methods that treat a parameter as a matrix."""

from adaopt.catalog.card import Card, keywords

COMPLEX = {
    name: "complex parameters are refused: a matrix of pairs of reals is another matrix"
    for name in (
        "test_complex_parameters_are_stepped_as_pairs_of_reals",
        "test_a_conjugate_view_as_gradient",
        "test_a_conjugate_view_as_parameter_is_refused_before_anything_changes",
    )
}

RANK = {
    "test_lower_precision_keeps_its_dtype_and_follows_float64": "roots magnify the rounding of "
    "matrices that few gradients have filled; tests/matrix compares at full rank"
}

SHARED = keywords(
    lr=1e-2,
    beta=(0.95, "0 <= beta <= 1", "decay rate of the matrices; 1: sums, as in the paper"),
    eps=(1e-6, "eps >= 0", "added to the eigenvalues; 0: roots of the pseudo-inverse"),
    exponent=(None, "exponent > 0", "of the inverse roots, the same for all; None: the method's"),
    betas=((0.0, 0.999), "0 <= beta < 1", "decay rates: gradient, squares of the grafted method"),
    momentum=(0.0, "0 <= momentum < 1", "decay rate of the average of the steps"),
    nesterov=(False, "bool", "look ahead along the average of the steps"),
    weight_decay=0.0,
    grafting=(
        None,
        "None, sgd, adagrad, rmsprop, adam, nadam",
        "the method whose step gives each block its length",
    ),
    graft_eps=(1e-8, "graft_eps >= 0", "eps of the grafted method"),
    bias_correction=(False, "bool", "divide the matrices by 1 - beta^k"),
    precondition_frequency=(1, "whole, >= 1", "steps from one root of a matrix to the next"),
    start_step=(1, "whole, >= 1", "the first step with roots; the grafted method's before"),
)

CARDS = (
    Card(
        key="shampoo",
        name="Shampoo",
        class_name="Shampoo",
        paper="gupta2018",
        year=2018,
        formula=r"L_k = \beta L_{k-1} + (1 - \beta)\, G_k G_k^\top, \quad"
        r" R_k = \beta R_{k-1} + (1 - \beta)\, G_k^\top G_k, \quad"
        r" X_{k+1} = X_k - \alpha\, L_k^{-1/4} G_k R_k^{-1/4}",
        hyper=SHARED,
        state_bytes=16,
        lecture=9,
        color="#56B4E9",
        linestyle=":",
        variants=(
            {"lr": 0.03, "beta": 1.0, "eps": 1e-2},
            {
                "lr": 0.02,
                "beta": 0.83,
                "eps": 1e-4,
                "betas": (0.7, 0.9),
                "grafting": "adam",
                "bias_correction": True,
                "weight_decay": 0.07,
                "maximize": True,
            },
            {
                "lr": 0.02,
                "beta": 0.97,
                "eps": 1e-3,
                "betas": (0.9, 0.97),
                "grafting": "nadam",
                "exponent": 0.5,
                "bias_correction": True,
                "momentum": 0.5,
                "nesterov": True,
                "start_step": 7,
            },
            {"lr": 0.3, "eps": 1e-3, "grafting": "adagrad", "momentum": 0.8, "start_step": 3},
            {"lr": 0.01, "eps": 1e-3, "grafting": "rmsprop", "betas": (0.6, 0.83)},
            {"lr": 0.02, "eps": 1e-3, "grafting": "sgd", "betas": (0.6, 0.9), "start_step": 5},
        ),
        differences="not in torch.optim. The lecture's averages are the default, as they are "
        "(no correction); the paper's are sums, beta=1. pytorch_optimizer's Shampoo has sums and "
        "does not move before the first multiple of its frequency; its momentum reads the last "
        "step as a gradient. Its ScalableShampoo takes eps relative to the largest eigenvalue, "
        "and the length from the whole layer; ours, as the one that won AlgoPerf, from each block. "
        "State: for a block (m, n) the two matrices and their roots, 8 (m^2 + n^2) bytes: 16 "
        "an entry if it is square. The torch edition alone has "
        "blocks, merged dimensions, dimensions above max_dim kept as diagonals or skipped, roots "
        "by Newton's iteration, a refresh of the blocks in turn, and one that a block may miss "
        "while its old roots are right",
        algoperf="winner of external tuning in v0.5 (Distributed Shampoo): grafting='nadam', or "
        "'sgd' with momentum and nesterov, bias_correction=True, block_size=1024, "
        "merge_dims=1024, precondition_frequency=100, start_step=100",
        unverified="what is said of AlgoPerf's winner was read in its submission",
        exempt={**COMPLEX, **RANK},
    ),
    Card(
        key="caspr",
        name="CASPR",
        class_name="CASPR",
        paper="duvvuri2024",
        year=2024,
        formula=r"P = L_k^{-1/4}, \quad Q = R_k^{-1/4}, \quad"
        r" X_{k+1} = X_k - \tfrac{\alpha}{4} (P^2 G_k + 2 P G_k Q + G_k Q^2), \quad"
        r" L_k, R_k \text{ of Shampoo}",
        hyper=(
            *SHARED[:-1],
            *keywords(variant=("paper", "paper, algoperf", "a sum, or AlgoPerf's product")),
        ),
        state_bytes=16,
        lecture=9,
        color="#000000",
        linestyle=(0, (6, 2, 1, 2, 1, 2)),
        variants=(
            {"lr": 0.03, "beta": 1.0, "eps": 1e-2},
            {
                "lr": 0.02,
                "beta": 0.83,
                "eps": 1e-4,
                "betas": (0.7, 0.9),
                "grafting": "adam",
                "bias_correction": True,
                "weight_decay": 0.07,
                "maximize": True,
            },
            {
                "lr": 0.02,
                "beta": 0.9,
                "eps": 1e-3,
                "variant": "algoperf",
                "betas": (0.9, 0.97),
                "grafting": "nadam",
                "start_step": 4,
            },
            {"lr": 0.02, "beta": 0.8, "eps": 1e-2, "variant": "algoperf", "momentum": 0.4},
        ),
        differences="not in torch.optim, nor in a package that we know. Of a tensor of order p "
        "the mean of the p products is applied twice; the paper has matrices. AlgoPerf's variant "
        "is its submission but for eps, which is relative to the largest eigenvalue there, the "
        "grafted length, of the whole tensor there and of each block here, vectors, which have "
        "Adam's step there, and the start: R from I and roots from step 20 on there. Layout and "
        "state as Shampoo's; the variant keeps L twice",
        algoperf="CASPR Adaptive: variant='algoperf', grafting='nadam', block_size=1024, "
        "precondition_frequency=20, start_step=101",
        unverified="the paper's form is checked against an account of it, the variant against the "
        "code of its submission",
        exempt={**COMPLEX, **RANK},
    ),
    Card(
        key="soap",
        name="SOAP",
        class_name="SOAP",
        paper="vyas2025",
        year=2024,
        formula=r"G_k' = Q_L^\top G_k Q_R, \quad"
        r" X_{k+1} = X_k - \alpha\, Q_L \frac{\hat M_k'}{\sqrt{\hat V_k} + \varepsilon} Q_R^\top,"
        r" \quad \hat M_k', \hat V_k \text{ of Adam on } G_k', \quad"
        r" Q_L, Q_R: \text{ eigenvectors of Shampoo's } L, R",
        hyper=keywords(
            lr=3e-3,
            betas=(0.95, 0.95),
            shampoo_beta=(None, "0 <= beta < 1", "decay rate of L and R; None: beta2"),
            eps=1e-8,
            weight_decay=1e-2,
            precondition_frequency=(10, "whole, >= 1", "steps from one basis to the next"),
            max_precondition_dim=(10000, "whole, >= 0", "a longer dimension keeps its axes"),
        ),
        state_bytes=8,
        lecture=9,
        color="#E69F00",
        linestyle=":",
        variants=(
            {"lr": 0.02, "betas": (0.83, 0.9), "eps": 1e-3, "weight_decay": 0.07},
            {
                "lr": 0.01,
                "betas": (0.9, 0.97),
                "shampoo_beta": 0.7,
                "precondition_frequency": 6,
                "maximize": True,
            },
            {"lr": 0.02, "betas": (0.0, 0.9), "max_precondition_dim": 3},
        ),
        differences="not in torch.optim. State: two numbers an entry, as Adam, and for a block "
        "(m, n) the matrices L, R and two bases, 8 (m^2 + n^2) bytes. As in the authors' program "
        "the first step moves nothing, decay follows the step, and eps is added before v is "
        "corrected; the first basis is completed by QR where theirs has eigenvectors of zero, "
        "which depend on rounding. The torch edition cuts matrices into blocks (block_size, 128), "
        "which the authors do not; and may give each its turn (stagger). pytorch_optimizer's takes "
        "the QR decomposition in float32; tensors of more than two dimensions are matrices here "
        "and keep a basis a dimension there; a basis of vectors, merged dimensions and normalized "
        "steps are left out",
        algoperf="not submitted in v0.5",
        unverified="what is said of the authors' program was read in its copy in pytorch_optimizer",
        exempt={
            **COMPLEX,
            "test_a_parameter_without_requires_grad_is_left_alone": "the first step moves nothing",
        },
    ),
    Card(
        key="muon",
        name="Muon",
        class_name="Muon",
        paper="jordan2024",
        year=2024,
        formula=r"M_k = \mu M_{k-1} + (1 - \mu) G_k, \quad N_k = \mu M_k + (1 - \mu) G_k"
        r" = U \Sigma V^\top, \quad X_{k+1} = (1 - \alpha \lambda) X_k"
        r" - \alpha \sqrt{\max(1, m / n)}\, U V^\top",
        hyper=keywords(
            lr=1e-3,
            weight_decay=0.1,
            momentum=0.95,
            nesterov=True,
            ns_coefficients=((3.4445, -4.7750, 2.0315), "any", "of the quintic: a, b, c"),
            eps=(1e-7, "eps >= 0", "the least norm that is divided by"),
            ns_steps=(5, "whole, 0 to 99", "steps of the iteration"),
            adjust_lr_fn=(
                None,
                "None, original, match_rms_adamw, unit_rms",
                "factor of lr: sqrt(max(1, m/n)), 0.2 sqrt(max(m, n)) or sqrt(max(m, n))",
            ),
            polar=("quintic", "quintic, polar_express, svd", "the way to U V'"),
            row_beta=(None, "0 <= beta < 1", "NorMuon: decay rate of the rows' second moment"),
            cautious=(False, "bool", "decay only what the step moves toward zero"),
        ),
        state_bytes=4,
        lecture=9,
        color="#CC79A7",
        linestyle=":",
        variants=(
            {"lr": 0.02, "momentum": 0.83, "weight_decay": 0.3, "nesterov": False},
            {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3, "maximize": True},
            {"lr": 0.02, "polar": "polar_express", "row_beta": 0.8, "cautious": True},
            {"lr": 0.01, "polar": "svd", "adjust_lr_fn": "unit_rms", "momentum": 0.5},
            {"lr": 0.02, "ns_coefficients": (1.5, -0.5, 0.0), "ns_steps": 12, "eps": 0.1},
        ),
        torch_reference="torch.optim.Muon",
        differences="torch iterates in bfloat16 always: ns_dtype says in what, and is of the torch "
        "edition alone; by default float32 for small matrices and float64 for parameters in it. "
        "torch overwrites a momentum in bfloat16 without Nesterov, ours does not. torch takes "
        "matrices only; ours takes further dimensions together and a vector as one column. The "
        "rows are made even as in the NanoGPT speedrun: of a wide matrix the columns, where "
        "NorMuon's paper has rows always; decay is times lr, not times its square as there",
        algoperf="not submitted in v0.5",
        unverified="NorMuon and the cautious decay are checked against an account of the NanoGPT "
        "speedrun's code, not against a paper",
        exempt=COMPLEX,
    ),
)
