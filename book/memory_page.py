"""The page that compares our budget of GPT-2 XL with other calculators' formulas.

`python book/memory_page.py` writes it anew; a test compares the committed page with what it writes.
"""
# ruff: noqa: E501 (a sentence of the page is a line)

from __future__ import annotations

from pathlib import Path

from adaopt import memory
from adaopt.nn import GPT2_CONFIGS

PAGE = Path(__file__).parent / "memory_comparison.md"
MODEL, BATCH, SEQ, DEVICES = "gpt2-xl", 32, 1024, 64
GB = 1e9


def eleuther_parameters() -> int:
    """Untied head, positions, 8 h per layer and 2 h for normalizations and biases, 12 L h^2."""
    c = GPT2_CONFIGS[MODEL]
    h = c.width
    return 2 * c.vocabulary * h + h * SEQ + 8 * h * c.layers + 2 * h + 12 * c.layers * h**2


def eleuther_activations(checkpoint: bool) -> int:
    """sbhL (34 + 5 a s / h) bytes; with checkpointing sbhL times 34."""
    c = GPT2_CONFIGS[MODEL]
    scores = 0 if checkpoint else 5 * c.heads * SEQ // c.width
    return SEQ * BATCH * c.width * c.layers * (34 + scores)


def eleuther_states(stage: int, devices: int) -> float:
    """2 bytes of weight, 4 of gradient, 12 of optimizer; 5e8 numbers of gathering, 1e9 live."""
    n = eleuther_parameters()
    gathered = 2 * 5e8 * (stage >= 1 and devices > 1) + 2 * 1e9 * (stage == 3 and devices > 1)
    parts = ((2, 3), (4, 2), (12, 1))
    return gathered + sum(b * n / (devices if stage >= first else 1) for b, first in parts)


def deepspeed_states(stage: int, devices: int) -> float:
    """Stage 2: 2 N + 18 N / devices; stage 3: 18 N / devices + 4 times the largest layer."""
    n, c = memory.count_parameters(MODEL), GPT2_CONFIGS[MODEL]
    return 18 * n / devices + (2 * n if stage == 2 else 4 * c.vocabulary * c.width)


def our_states(stage: int, devices: int) -> int:
    return memory.model_states(MODEL, "adamw", "fp16", stage, devices).total


def our_activations(attention: str, checkpoint: int) -> int:
    how = MODEL, BATCH, SEQ, "fp16", attention, checkpoint
    return memory.activations_measured(*how).total


def gb(size: float) -> str:
    return f"{size / GB:.2f}"


def rows() -> list[tuple[str, str, str, str]]:
    """What is compared: ours, DeepSpeed's, EleutherAI's; '-' where a tool does not say."""
    n = memory.count_parameters(MODEL)
    logits = memory.activations_formula(MODEL, BATCH, SEQ)["log-probabilities"]
    peak = memory.activations_peak(MODEL, BATCH, SEQ, checkpoint=1)
    states = [
        (
            f"model states, ZeRO {stage}, {count} device{'s' * (count > 1)} (GB)",
            gb(our_states(stage, count)),
            gb(deepspeed_states(stage, count)) if stage in (2, 3) else "-",
            gb(eleuther_states(stage, count)),
        )
        for stage, count in ((0, 1), (1, DEVICES), (2, 1), (2, DEVICES), (3, DEVICES))
    ]
    return [
        ("parameters", f"{n:,}", f"{n:,}", f"{eleuther_parameters():,}"),
        *states,
        (
            "activations, eager attention (GB)",
            gb(our_activations("eager", 0)),
            "-",
            gb(eleuther_activations(False)),
        ),
        ("activations, flash attention (GB)", gb(our_activations("flash", 0)), "-", "-"),
        (
            "activations, checkpoint every layer (GB)",
            gb(our_activations("eager", 1)),
            "-",
            gb(eleuther_activations(True)),
        ),
        ("of these, logits (GB)", gb(logits), "-", "-"),
        ("peak with checkpoints (GB)", gb(peak), "-", "-"),
    ]


def page() -> str:
    """The whole page as MyST markdown."""
    c, n = GPT2_CONFIGS[MODEL], memory.count_parameters(MODEL)
    head = c.vocabulary * c.width
    biases = n + head - eleuther_parameters()
    table = "".join("| " + " | ".join(row) + " |\n" for row in rows())
    one, other = our_states(0, 1), eleuther_states(0, 1)
    extra = our_activations("eager", 0) - eleuther_activations(False)
    statistics = memory.activations_measured(MODEL, BATCH, SEQ).by_term()
    small = statistics["normalization statistics"] + statistics["token numbers"] + 4
    embedding = extra - small - statistics["log-probabilities"]
    inputs = 2 * SEQ * BATCH * c.width * c.layers
    return f"""\
# Memory calculators compared

What does training GPT-2 XL take? Three calculators give three answers.
This page puts our [budget](../lectures/12_memory.ipynb) beside the formulas of DeepSpeed's `estimate_zero2_model_states_mem_needs` and `estimate_zero3_model_states_mem_needs` and of `calc_transformer_mem.py` in EleutherAI's cookbook, and explains every difference.
The formulas of the two are computed here as their sources have them (read in November 2026), with their defaults, for Adam in fp16 mixed precision and without offloading.
Their programs were not run.

Batch {BATCH}, sequence {SEQ}, dropout 0.1; 1 GB is $10^9$ bytes.
A dash means that a tool does not say.

| | ours | DeepSpeed | EleutherAI |
| --- | --- | --- | --- |
{table}
## Why the parameters differ

EleutherAI counts {eleuther_parameters() - n:,} parameters more than GPT-2 XL has.
It has an output head of its own, {head:,} more; in GPT-2 the head is the token embedding.
It counts $8h$ numbers per layer for normalizations and biases where GPT-2 has $13h$, {biases:,} fewer.

DeepSpeed takes the number from the model.
It tells shared parameters by their address in memory, so a model on the meta device, where all addresses are zero, must be counted by other means.

## Why the model states differ

Ours are the $2 + 2 + 12 = 16$ bytes per parameter of {{cite:t}}`rajbhandari2020`.

- **EleutherAI** keeps gradients in 32 bits by default: $2 + 4 + 12 = 18$ bytes.
  On one device that is {gb(other)} GB; with the exact number of parameters it would be {gb(18 * n)} GB, and with gradients of 2 bytes besides {gb(one)} GB, as ours.
  On several devices it adds a buffer for gathering of $5 \\cdot 10^8$ numbers, 1 GB, and with ZeRO 3 the $10^9$ parameters that may be alive at once, 2 GB.
- **DeepSpeed** counts gradients in 16 and in 32 bits: $2 + 2 + 4 + 12 = 20$ bytes on one device, {gb(20 * n)} GB, 18 of them shared by ZeRO 2.
  With ZeRO 3 it shares 18 bytes and adds four for each number of the largest layer, here the embedding, {gb(4 * head)} GB.
  It has no estimate of stage 1, and none without ZeRO.
  What it prints as GB are $2^{{30}}$ bytes, 7% larger than ours.

Which is right depends on the program that trains.
`adaopt memory` names its assumption in each line.

## Why the activations differ

DeepSpeed estimates none.

- **Eager attention.** EleutherAI has the formula of {{cite:t}}`korthikanti2022`, $sbh(34 + 5as/h)$ per layer.
  (Its comment names the ZeRO paper, whose own formula gives {gb(24 * SEQ * BATCH * c.width * c.layers)} GB.)
  Ours is {gb(extra)} GB more: {gb(statistics["log-probabilities"])} GB of logarithms of the probabilities, {gb(embedding)} GB of embedding and head, and {gb(small)} GB of statistics of the normalizations and token numbers.
- **Checkpointing.** EleutherAI leaves out the part of the scores and keeps $34\\,sbh$ per layer.
  That is what flash attention does.
  Checkpointing every layer keeps the layer's input, $2\\,sbh$, which is {gb(inputs)} GB here; the rest of ours is head and logits.
- **Peak.** What is saved is not the peak.
  At the loss two more copies of the logits in 32 bits are alive.
  Neither tool counts logits at all.

## What we do not count

The CUDA context, workspaces inside kernels, and fragmentation.
They were not measured on a GPU for this page; `adaopt memory --verify` compares a small model with a CUDA device where there is one.
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
