"""Two processes take the steps of one: ``torchrun --nproc-per-node 2 -m benchmarks.agreement``.

An example of the distributed methods, on CPUs by gloo. Each process trains a small GPT on its part
of every batch; the first one also trains a twin alone, on all parts, and the two are compared.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from adaopt.data import docstring_corpus
from adaopt.nn import GPT, GPTConfig
from adaopt.torch import AdamW, Combined, Muon, Shampoo, split_parameters

CONFIG = GPTConfig(layers=2, heads=2, width=32, context=32, vocabulary=256)
STEPS, BATCH = 20, 8  # BATCH sequences in each process
METHODS = {"Muon": Muon, "Shampoo": Shampoo}


def trained(name: str, parts: list[int], shared: bool) -> tuple[GPT, Combined]:
    """A GPT and its optimizer after training on these parts of every batch."""
    gpt = GPT(CONFIG)
    matrices, others = split_parameters(gpt)
    optimizer = Combined(
        [METHODS[name](matrices, lr=1e-3, distributed=shared), AdamW(others, lr=1e-3)], gpt
    )
    model = DistributedDataParallel(gpt) if shared else gpt
    text = torch.tensor(list("\n\n".join(docstring_corpus().values()).encode()))
    generator = torch.Generator().manual_seed(0)
    size = dist.get_world_size()
    for _ in range(STEPS):
        places = torch.randint(len(text) - CONFIG.context, (size, BATCH), generator=generator)
        optimizer.zero_grad()
        for part in parts:
            batch = torch.stack([text[i : i + CONFIG.context + 1] for i in places[part]])
            _, loss = model(batch[:, :-1], batch[:, 1:])
            (loss / len(parts)).backward()
        optimizer.step()
    return gpt, optimizer


def kept(optimizer: Combined) -> int:
    """Bytes that the first optimizer of the two keeps in this process."""
    states = optimizer.optimizers[0].state.values()
    return sum(t.nbytes for state in states for t in state.values() if torch.is_tensor(t))


def main() -> None:
    """Train and compare; the first process prints."""
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.set_num_threads(1)
    for name in METHODS:
        gpt, optimizer = trained(name, [rank], shared=True)
        bytes_kept = [0] * size
        dist.all_gather_object(bytes_kept, kept(optimizer))
        if rank == 0:
            twin, alone = trained(name, list(range(size)), shared=False)
            pairs = zip(gpt.parameters(), twin.parameters(), strict=True)
            apart = max((p - q).abs().max().item() for p, q in pairs)
            parts = ", ".join(f"{part / kept(alone):.0%}" for part in bytes_kept)
            print(
                f"{name}: after {STEPS} steps the parameters of {size} processes and of one are "
                f"{apart:.1e} apart; the processes keep {parts} of its state"
            )
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
