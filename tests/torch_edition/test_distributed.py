"""Two processes on gloo under DistributedDataParallel take the steps of one."""

import socket

import torch
import torch.distributed as dist
from torch.multiprocessing import spawn

from adaopt.torch import build


def train(model, rows, steps=3):
    """Train on these rows of a fixed data set."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(8, 4, generator=generator, dtype=torch.float64)[rows]
    optimizer = build("nesterov", model.parameters(), lr=0.1, weight_decay=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()
    return [p.detach() for p in model.parameters()]


def linear():
    torch.manual_seed(0)
    return torch.nn.Linear(4, 3, dtype=torch.float64)


def worker(rank, port, path):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    model = torch.nn.parallel.DistributedDataParallel(linear())
    torch.save(train(model, slice(4 * rank, 4 * rank + 4)), f"{path}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path, equal):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(worker, (port, str(tmp_path)), nprocs=2)
    expected = train(linear(), slice(None))
    for rank in range(2):
        equal(torch.load(tmp_path / f"{rank}.pt", weights_only=True), expected, 1e-15)
