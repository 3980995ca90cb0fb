"""torchrun on two gloo processes trains as one process does on the joint batches."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.test_fit import blobs

ROOT = Path(__file__).parents[2]
SCRIPT = '''
import json, sys
import torch
from torch.nn.parallel import DistributedDataParallel
from adaopt.nn import MLP
from adaopt.torch import AdamW
from adaopt.training import fit
from tests.training.test_fit import blobs

def train(model, **settings):
    """61 samples in batches of 20 and 1: uneven parts, and one process without any."""
    data = blobs(61)
    history = fit(
        model, lambda p: AdamW(p, lr=0.02), data, 4, torch.Generator().manual_seed(2),
        batch_size=20, validation=blobs(9, seed=1), clip=0.5, **settings,
    )
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    return {**vars(history), "weights": weights.tolist()}

def model():
    return MLP((2, 8, 3), dtype=torch.float64)

if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    rank, folder = torch.distributed.get_rank(), sys.argv[1]
    path = f"{folder}/run.npz"
    found = train(DistributedDataParallel(model()), checkpoint=path)
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump(found, file)
    torch.distributed.barrier()
    again = train(DistributedDataParallel(model()), checkpoint=path)  # a finished run, read
    assert again["weights"] == found["weights"]
    torch.distributed.destroy_process_group()
'''


def test_two_processes_train_as_one(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*run, script, tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    scope = {"__name__": "alone"}
    exec(SCRIPT, scope)
    alone = scope["train"](scope["model"]())
    for rank in range(2):
        found = json.loads((tmp_path / f"{rank}.json").read_text())
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy", "weights"):
            assert found[name] == pytest.approx(alone[name], abs=1e-12), name
    assert len(blobs(61)[0]) % 20 == 1
    assert torch.tensor(alone["loss"]).diff().max() < 0
