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

CARDS = (
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
                "precondition_frequency": 3,
                "maximize": True,
            },
            {"lr": 0.02, "betas": (0.0, 0.9), "max_precondition_dim": 3},
        ),
        differences="not in torch.optim. State: two numbers an entry, as Adam, and for a matrix "
        "(m, n) the matrices L, R and two bases, 8 (m^2 + n^2) bytes. As in the authors' program "
        "the first step moves nothing, decay follows the step, and eps is added before v is "
        "corrected; the first basis is completed by QR where theirs has eigenvectors of zero, "
        "which depend on rounding. pytorch_optimizer's takes the QR decomposition in float32; "
        "tensors of more than two dimensions are matrices here and keep a basis a dimension there; "
        "a basis of vectors, merged dimensions and normalized steps are left out",
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
