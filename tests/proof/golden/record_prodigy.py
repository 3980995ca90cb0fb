"""Record once what the submission Schedule-Free Prodigy to AlgoPerf v0.5 does.

It runs on torch, on a GPU and in part in bfloat16. Here its source is read with the CPU and float64
in their place, nothing else changed, and the path is added to ``golden/paths.json``, which
``record.py`` must have written before::

    git clone https://github.com/mlcommons/submissions_algorithms
    python -m tests.proof.golden.record_prodigy submissions_algorithms
"""

import sys
from pathlib import Path
from unittest.mock import MagicMock

import torch

from tests.proof import golden

SOURCE = (
    "previous_leaderboards/algoperf_v05/submissions/external_tuning/schedule_free_prodigy/"
    "submission.py"
)
HYPER = {
    **{"lr": 0.7, "betas": (0.8, 0.97), "eps": 1e-3, "weight_decay": 0.1},
    **{"r": 0.6, "d0": 1e-2, "d_coef": 1.3},
}


def submitted() -> type:
    """The optimizer's class, on the CPU and in float64."""
    text = (Path(sys.argv[1]) / SOURCE).read_text()
    text = text.replace("device='cuda'", "device='cpu'").replace("bfloat16", "float64")
    framework = MagicMock()
    framework.pytorch_setup.return_value = [False]
    for name in ("algorithmic_efficiency", "algorithmic_efficiency.pytorch_utils", "absl"):
        sys.modules[name] = framework
    found: dict = {}
    exec(compile(text, SOURCE, "exec"), found)
    return found["ProdigyScheduleFree"]


def main() -> None:
    torch.set_default_dtype(torch.float64)
    problem = golden.problem()
    params = {n: torch.nn.Parameter(torch.tensor(x)) for n, x in problem.start.items()}
    optimizer, points = submitted()(params.values(), **HYPER), []

    def closure() -> float:
        """Called twice in a step: at x, then at the point where the gradient counts."""
        points.append({n: p.detach().numpy().copy() for n, p in params.items()})
        for n, g in problem.gradient(len(points) // 2 - 1, points[-1]).items():
            params[n].grad = torch.tensor(g)
        return 0.0

    for _ in range(problem.steps):
        optimizer.step(closure)
    x = {n: p.detach().numpy().copy() for n, p in params.items()}
    last = {n: 0.8 * x[n] + (1 - 0.8) * optimizer.state[p]["z"].numpy() for n, p in params.items()}
    path = {
        "points": [{n: a.tolist() for n, a in point.items()} for point in [*points[1::2], last]],
        "x": {n: a.tolist() for n, a in x.items()},
    }
    head = {"key": "schedule_free_prodigy", "hyper": HYPER}
    call = "AlgoPerf submission Schedule Free Prodigy"
    file = golden.content()
    made = {**file["made by"], "torch (Schedule Free Prodigy)": torch.__version__}
    others = [entry for entry in file["paths"] if entry["key"] != head["key"]]
    paths = [*others, {**head, "call": call, **path}]
    golden.write({**file, "made by": made, "paths": paths})


if __name__ == "__main__":
    main()
