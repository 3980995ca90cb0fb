"""Matrix methods in two processes on gloo: the steps of one, half of the state, a clear end."""

import copy
import io
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing import get_context
from torch.nn import Parameter
from torch.nn.parallel import DistributedDataParallel

from adaopt.nn import GPT, MLP, GPTConfig
from adaopt.torch import CASPR, SOAP, AdamW, Combined, Muon, Shampoo, split_parameters

ROOT = Path(__file__).parents[2]
METHODS = {
    "muon": (Muon, {}),
    "soap": (SOAP, {"precondition_frequency": 3}),
    "shampoo": (Shampoo, {"block_size": 5}),
    "practical shampoo": (
        Shampoo,
        dict(
            block_size=5, precondition_frequency=3, grafting="adam", momentum=0.9, weight_decay=0.1
        ),
    ),
    "caspr": (CASPR, {"block_size": 5, "grafting": "sgd"}),
}


class Net(nn.Module):
    """Layers of several kinds, a number, an empty parameter and one without a gradient."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 3)
        self.hidden = nn.Linear(16, 12)
        self.scale = Parameter(torch.ones(()))
        self.unused = Parameter(torch.ones(3, 3))
        self.empty = Parameter(torch.ones(0, 3))
        self.out = nn.Linear(12, 3, bias=False)

    def forward(self, x):
        scale = self.scale + self.empty.sum()
        return scale * self.out(torch.tanh(self.hidden(self.conv(x).flatten(1))))


def trained(name, parts, rank=None, steps=7):
    """A net, and its optimizer, after some steps; the loss is the mean over the parts' losses."""
    torch.manual_seed(0)
    net = Net()
    method, hyper = METHODS[name]
    optimizer = method(net.parameters(), lr=0.01, distributed=rank is not None, **hyper)
    model = net if rank is None else DistributedDataParallel(net, find_unused_parameters=True)
    data = torch.randn(steps, 2, 4, 2, 6)
    for step in range(steps):
        optimizer.zero_grad()
        for part in parts:
            (model(data[step, part]).square().mean() / len(parts)).backward()
        optimizer.step()
    return net, optimizer


def values(net):
    return [p.detach().clone() for p in net.parameters()]


def kept(optimizer):
    """Numbers in the state of this process."""
    return sum(
        t.numel() for s in optimizer.state.values() for t in s.values() if torch.is_tensor(t)
    )


def saved(state_dict):
    """Through a file, loaded as safely as torch can."""
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# What the two processes do; what they return is compared in the first one.


def trajectories(rank):
    return {name: values(trained(name, [rank], rank)[0]) for name in METHODS}


def shares(rank):
    """How many numbers a process keeps, of how many in a single one."""
    gpt = GPT(GPTConfig(layers=2, heads=2, width=32, context=8, vocabulary=20))
    cases = {
        "muon": (Muon, split_parameters(gpt)[0], {}),
        "soap": (SOAP, split_parameters(gpt)[0], {}),
        "shampoo": (Shampoo, list(MLP().parameters()), {"block_size": 64}),
        "caspr": (CASPR, list(MLP().parameters()), {"block_size": 64}),
    }
    found = {}
    for name, (method, params, hyper) in cases.items():
        for p in params:
            p.grad = torch.ones_like(p)
        optimizers = [method(params, **hyper, distributed=flag) for flag in (True, False)]
        for optimizer in optimizers:
            optimizer.step()
        found[name] = [kept(optimizer) for optimizer in optimizers]
    return found


def missing_gradients(rank):
    """The first parameter's gradient is missing in the second process, the second's in both."""
    params = [Parameter(torch.eye(3)), Parameter(torch.eye(3)), Parameter(torch.eye(3))]
    optimizer = Shampoo(params, lr=0.1, eps=1e-2, distributed=True)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        first, last = torch.randn(2, 3, 3, generator=generator)
        params[0].grad = None if rank else first
        params[2].grad = last
        optimizer.step()
    return [p.detach() for p in params]


def stepped(params, optimizer, first, last):
    """Take these steps, each with its own gradients; the values."""
    for step in range(first, last):
        generator = torch.Generator().manual_seed(step)
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator)
        optimizer.step()
    return [p.detach().clone() for p in params]


def resumed(rank):
    """How far straight and resumed are apart, and what is said to another process's state dict."""
    found, (method, hyper) = [], METHODS["practical shampoo"]

    def made():
        params = list(Net().parameters())
        return params, method(params, **hyper, distributed=True)

    for way in ("state_dict", "pickle", "deepcopy"):
        torch.manual_seed(0)
        straight = stepped(*made(), 0, 7)
        torch.manual_seed(0)
        params, optimizer = made()
        stepped(params, optimizer, 0, 5)
        if way == "state_dict":
            fresh = method(params, **hyper, distributed=True)
            fresh.load_state_dict(saved(optimizer.state_dict()))
        elif way == "pickle":
            params, fresh = pickle.loads(pickle.dumps((params, optimizer)))
        else:
            params, fresh = copy.deepcopy((params, optimizer))
        ends = zip(straight, stepped(params, fresh, 5, 7), strict=True)
        found.append(sum(float((a - b).abs().sum()) for a, b in ends))
    return [*found, refused(optimizer, rank)]


def refused(optimizer, rank):
    """What is said to the state dict of the other process."""
    states = [None, None]
    dist.all_gather_object(states, optimizer.state_dict())
    with pytest.raises(ValueError) as error:
        optimizer.load_state_dict(states[1 - rank])
    return str(error.value)


def combined(rank):
    """Muon with AdamW for the rest, and a group that is added later."""
    torch.manual_seed(0)
    model = MLP((6, 5, 4, 3))
    matrices, others = split_parameters(model)
    optimizer = Combined([Muon(matrices, distributed=True), AdamW(others)], model)
    stepped([*model.parameters()], optimizer, 0, 2)
    late = [Parameter(torch.randn(4, 4)), Parameter(torch.randn(4, 5))]
    optimizer.add_param_group({"params": late, "optimizer": 0, "lr": 0.5})
    ends = stepped([*model.parameters(), *late], optimizer, 2, 4)
    return ends, len(optimizer.state), refused(optimizer, rank)


SCENES = (trajectories, shares, missing_gradients, resumed, combined)


def started(rank, port, timeout=60.0):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group(
        "gloo",
        init_method=address,
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=timeout),
    )


def act(rank, port, path):
    started(rank, port)
    torch.save({scene.__name__: scene(rank) for scene in SCENES}, f"{path}/{rank}.pt")
    dist.destroy_process_group()


def end(rank, port, path, how):
    """Two steps; before the second one process is killed, or comes late."""
    started(rank, port, timeout=60.0 if how == "killed" else 1.0)
    p = Parameter(torch.eye(3))
    optimizer = Muon([p], distributed=True)
    p.grad = torch.ones(3, 3)
    optimizer.step()
    if rank == 1:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(5)
        return
    start = time.monotonic()
    try:
        optimizer.step()
    except RuntimeError as error:
        torch.save((str(error), time.monotonic() - start), f"{path}/{how}.pt")


def processes(target, *arguments):
    """Run it in two processes, to their ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = get_context("spawn")
    both = [context.Process(target=target, args=(r, port, *arguments)) for r in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    return [process.exitcode for process in both]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each scene returned in either process."""
    path = tmp_path_factory.mktemp("two")
    assert processes(act, str(path)) == [0, 0]
    both = [torch.load(path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    return {scene.__name__: [one[scene.__name__] for one in both] for scene in SCENES}


def close(a, b, tolerance):
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_equal_one(found, name):
    first, second = (one[name] for one in found["trajectories"])
    close(first, second, 0)
    net, _ = trained(name, [0, 1])
    close(first, values(net), 1e-6)
    close([first[1]], [torch.ones(3, 3)], 0)  # it has a gradient in none


@pytest.mark.parametrize("name", ["muon", "soap", "shampoo", "caspr"])
def test_each_keeps_about_half(found, name):
    (first, all_of_it), (second, _) = (one[name] for one in found["shares"])
    assert 0.4 < first / all_of_it < 0.6
    assert first + second == all_of_it


def test_a_gradient_missing_in_one_process_counts_as_zero_there(found):
    first, second = found["missing_gradients"]
    close(first, second, 0)
    params = [Parameter(torch.eye(3)), Parameter(torch.eye(3)), Parameter(torch.eye(3))]
    optimizer = Shampoo(params, lr=0.1, eps=1e-2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        first_grad, last = torch.randn(2, 3, 3, generator=generator)
        params[0].grad, params[2].grad = first_grad / 2, last
        optimizer.step()
    close(first, [p.detach() for p in params], 1e-6)
    close([first[1]], [torch.eye(3)], 0)


def test_each_process_resumes_exactly_from_its_own_state(found):
    for rank, (*differences, message) in enumerate(found["resumed"]):
        assert not any(differences)
        assert (
            message == f"the state dict is of process {1 - rank} of 2, this is process {rank} of 2"
        )


def test_combined_with_an_elementwise_method(found):
    (first, count, message), (second, others, _) = found["combined"]
    close(first, second, 0)
    assert count + others == 4 + 2 * 4  # four matrices with one owner each, AdamW's four in both
    assert "the state dict is of process 1 of 2" in message


@pytest.mark.parametrize("how", ["killed", "late"])
def test_a_process_that_does_not_come_is_an_error(tmp_path, how):
    codes = processes(end, str(tmp_path), how)
    assert codes == [0, -signal.SIGKILL if how == "killed" else 0]
    message, seconds = torch.load(tmp_path / f"{how}.pt", weights_only=True)
    assert message.startswith("Muon: process 0 of 2 has lost another one during a step: it has")
    assert seconds < 5


def test_it_wants_a_process_group():
    p = Parameter(torch.ones(2, 2))
    p.grad = torch.ones(2, 2)
    optimizer = Shampoo([p], distributed=True)
    with pytest.raises(ValueError, match="call init_process_group"):
        optimizer.step()
    assert torch.equal(p, torch.ones(2, 2))
    assert not optimizer.state


def test_a_state_dict_of_one_process_makes_it_one_again():
    p, q = (Parameter(torch.eye(6)) for _ in range(2))
    plain, shared = Shampoo([p], block_size=3), Shampoo([q], block_size=3, distributed=True)
    stepped([p], plain, 0, 2)
    q.data.copy_(p.data)
    shared.load_state_dict(saved(plain.state_dict()))
    assert not shared.param_groups[0]["distributed"]
    close(stepped([q], shared, 2, 4), stepped([p], plain, 2, 4), 0)


def test_a_state_dict_of_several_processes_is_refused_by_one():
    p = Parameter(torch.eye(6))
    plain = Muon([p])
    stepped([p], plain, 0, 1)
    state = plain.state_dict()
    state["param_groups"][0] |= {"distributed": True, "process": (1, 2)}
    with pytest.raises(ValueError, match="is of process 1 of 2, this is process 0 of 1"):
        plain.load_state_dict(state)
    assert not plain.param_groups[0]["distributed"]


def test_the_example_of_the_readme_prints_the_agreement():
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "benchmarks.agreement"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.findall(r"(\w+): .* ([\d.e+-]+) apart; .* keep (\d+)%, (\d+)% of", done.stdout)
    assert [name for name, *_ in found] == ["Muon", "Shampoo"]
    for _, apart, first, second in found:
        assert float(apart) < 1e-6
        assert 40 < int(first) < 60
        assert 40 < int(second) < 60
