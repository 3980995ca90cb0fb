"""Every method: two processes on gloo take the steps of one, replicated (DDP) or sharded (FSDP).

Methods that treat a weight as a matrix want all of it: they refuse sharded parameters by name.
"""

import socket

import pytest
import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard
from torch.multiprocessing import spawn
from torch.nn.parallel import DistributedDataParallel

from adaopt.catalog import CARDS
from adaopt.torch import build
from adaopt.torch.matrix.rule import MatrixRule

PARTS = [slice(0, 4), slice(4, 8)]
SHARDED = [key for key, card in CARDS.items() if not issubclass(card.torch_class, MatrixRule)]


def linear():
    torch.manual_seed(0)
    return torch.nn.Linear(4, 3, dtype=torch.float64)


def train(made, parts, keys, steps=3):
    """Train ``made(linear())`` with these methods on these parts of a fixed data set, the gradient
    being the mean of theirs: roots of matrices that lack directions enlarge any other rounding."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(8, 4, generator=generator, dtype=torch.float64)
    trained = []
    for key in keys:
        model = made(linear())
        optimizer = build(key, model.parameters(), lr=0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            for rows in parts:
                ((model(x[rows]) ** 2).mean() / len(parts)).backward()
            optimizer.step()
        trained += [p.detach() for p in model.parameters()]
    return trained


def replicated(rows):
    return train(DistributedDataParallel, [rows], CARDS)


def sharded(rows):
    mesh = dist.init_device_mesh("cpu", (2,))

    def made(model):
        return fully_shard(model, mesh=mesh)

    for key in CARDS.keys() - set(SHARDED):
        name = CARDS[key].class_name
        with pytest.raises(RuntimeError, match=f"{name} .*DTensor.*distributed=True"):
            train(made, [rows], [key])
    return [p.full_tensor() for p in train(made, [rows], SHARDED)]


def worker(rank, port, path, trained):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    torch.save(trained(PARTS[rank]), f"{path}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.parametrize("trained", [replicated, sharded])
def test_two_processes_equal_one(tmp_path, equal, trained):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(worker, (port, str(tmp_path), trained), nprocs=2)
    keys = SHARDED if trained is sharded else CARDS
    expected = train(lambda model: model, PARTS, keys)
    for rank in range(2):
        equal(torch.load(tmp_path / f"{rank}.pt", weights_only=True), expected, 1e-15)
