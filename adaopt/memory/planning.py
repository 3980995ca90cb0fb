"""One budget for one device: every line with its assumption, what fits, and what would."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from torch import nn

from adaopt.memory.formulas import activations_formula, check_segment, recomputation_formula
from adaopt.memory.measure import activations_measured
from adaopt.memory.models import Model, check_sizes, count_parameters, gpt_config
from adaopt.memory.states import buffer_size, model_states, precision_of
from adaopt.memory.trace import activations_peak
from adaopt.nn import GPT, GPTConfig

NOT_COUNTED = (
    "the CUDA context and workspaces inside kernels (some hundred MB: add them by reserve)",
    "fragmentation: what the allocator reserves beyond what is in use",
)


@dataclass(frozen=True)
class Line:
    """One part of the budget: its bytes on one device and what they rest on."""

    name: str
    bytes: int
    assumption: str


@dataclass(frozen=True)
class Plan:
    """How a model is trained; what the budget depends on besides the model."""

    batch: int = 1
    seq: int | None = None
    optimizer: str = "adamw"
    precision: str = "fp16"
    zero: int = 0
    devices: int = 1
    checkpoint: int = 0
    attention: str = "eager"
    buffer: str | int = "bucket"
    reserve: int = 0


@dataclass(frozen=True)
class Budget:
    """The answer of :func:`budget`.

    ``largest_batch`` and ``cheapest`` are None without ``device_memory``; ``largest_batch`` is 0
    where not even one sequence fits; ``cheapest`` names the changes, none if it fits as it is, and
    is None too if none of them helps.
    """

    parameters: int
    plan: Plan
    lines: tuple[Line, ...]
    device_memory: int | None = None
    largest_batch: int | None = None
    cheapest: tuple[str, ...] | None = None
    cheapest_total: int | None = None
    not_counted: tuple[str, ...] = NOT_COUNTED

    @property
    def total(self) -> int:
        """Bytes of all lines."""
        return sum(line.bytes for line in self.lines)

    @property
    def fits(self) -> bool | None:
        """Whether the total fits into the device's memory; None if that is not given."""
        return None if self.device_memory is None else self.total <= self.device_memory


def budget(
    model: Model,
    batch: int = 1,
    seq: int | None = None,
    optimizer: str = "adamw",
    precision: str = "fp16",
    zero: int = 0,
    devices: int = 1,
    checkpoint: int = 0,
    attention: str = "eager",
    device_memory: int | None = None,
    buffer: str | int = "bucket",
    reserve: int = 0,
) -> Budget:
    """The memory of training on each of ``devices`` devices, line by line.

    Args:
        model: a GPT (name, ``GPTConfig``, ``GPT``); a number of parameters gives the model states
            alone.
        batch, seq: sequences per device in one pass, and their tokens (default: the context).
        optimizer, precision, zero, devices: see :func:`model_states`.
        checkpoint, attention: see :func:`activations_measured`.
        device_memory: bytes of one device; then the budget says what fits.
        buffer: "bucket" (25 MiB, if there are several devices), "fused" (4 bytes per parameter), or
            bytes.
        reserve: bytes kept free for what is not counted.

    Raises:
        ValueError: an argument out of range, or unknown.
    """
    plan = Plan(
        batch, seq, optimizer, precision, zero, devices, checkpoint, attention, buffer, reserve
    )
    for name, size in (("device_memory", device_memory), ("reserve", reserve)):
        if size is not None and (not isinstance(size, int) or size < 0):
            raise ValueError(f"Invalid {name}: {size}. Expected a number of bytes")
    if isinstance(model, nn.Module) and not isinstance(model, GPT):
        raise ValueError(
            "A budget needs a GPT. For another module add up model_states(module) and "
            "activations_measured(module, inputs=...)"
        )
    if not isinstance(model, int | float):
        model = gpt_config(model)
        _, seq = check_sizes(model, batch, seq)
        check_segment(checkpoint, model)
        plan = replace(plan, seq=seq)
    lines = (*_states(model, plan), *_activations(model, plan), *_rest(model, plan))
    answer = Budget(count_parameters(model), plan, lines, device_memory)
    if device_memory is None:
        return answer
    largest = None
    if isinstance(model, GPTConfig):
        largest = largest_batch(model, plan, device_memory)
    changes, total = cheapest_change(model, plan, device_memory)
    return replace(answer, largest_batch=largest, cheapest=changes, cheapest_total=total)


def _states(model: Model, plan: Plan) -> Iterator[Line]:
    p, n = precision_of(plan.precision), count_parameters(model)
    states = model_states(model, plan.optimizer, plan.precision, plan.zero, plan.devices)
    whole = model_states(model, plan.optimizer, plan.precision)

    def share(stage: int) -> str:
        if plan.zero >= stage and plan.devices > 1:
            return f"; ZeRO {plan.zero} shares it by {plan.devices}"
        return ""

    number = f"{n:,} x {{}} bytes ({plan.precision})"
    yield Line("parameters", states.parameters, number.format(p.parameter) + share(3))
    yield Line("gradients", states.gradients, number.format(p.gradient) + share(2))
    if whole.master:
        yield Line("master copy", states.master, f"{n:,} x 4 bytes, 32-bit weights" + share(1))
    kept = f"{plan.optimizer}: {whole.optimizer / n:.2f} bytes per parameter"
    yield Line("optimizer state", states.optimizer, kept + share(1))


def _activations(model: Model, plan: Plan) -> Iterator[Line]:
    if not isinstance(model, GPTConfig):
        return
    how = plan.batch, plan.seq, plan.precision, plan.attention, plan.checkpoint
    saved, peak = activations_measured(model, *how).total, activations_peak(model, *how)
    formula = sum(activations_formula(model, *how).values())
    segments = f", checkpointed by segments of {plan.checkpoint}" if plan.checkpoint else ""
    yield Line(
        "saved activations",
        saved,
        f"measured on meta: {plan.batch} x {plan.seq} tokens, {plan.attention} attention, dropout "
        f"{model.dropout:g}{segments}; the formula says {formula / 1e9:.2f} GB",
    )
    what = "logits, or a segment computed again" if plan.checkpoint else "logits and temporaries"
    yield Line("backward pass", peak - saved, f"traced on meta: {what}, at the worst moment")


def _rest(model: Model, plan: Plan) -> Iterator[Line]:
    size = buffer_size(count_parameters(model), plan.buffer, plan.devices)
    if size:
        kind = plan.buffer if isinstance(plan.buffer, str) else "given"
        yield Line("gradient buffer", size, f"{kind}: where gradients meet before communication")
    if plan.reserve:
        yield Line("reserve", plan.reserve, "given: for what is not counted")


def _total(model: Model, plan: Plan) -> int:
    """The budget's total, with the peak of the activations at once."""
    total = model_states(model, plan.optimizer, plan.precision, plan.zero, plan.devices).total
    total += buffer_size(count_parameters(model), plan.buffer, plan.devices) + plan.reserve
    if isinstance(model, GPTConfig):
        total += activations_peak(
            model, plan.batch, plan.seq, plan.precision, plan.attention, plan.checkpoint
        )
    return total


def largest_batch(model: GPTConfig, plan: Plan, device_memory: int) -> int:
    """The most sequences per device that fit, 0 if not even one does.

    Memory grows almost linearly in the batch: the line through 1 and 2 gives a first guess, which
    is then moved until it fits and the next one does not.
    """
    one, two = (_total(model, replace(plan, batch=b)) for b in (1, 2))
    if one > device_memory:
        return 0
    guess = 1 + (device_memory - one) // (two - one)
    while guess > 1 and _total(model, replace(plan, batch=guess)) > device_memory:
        guess -= 1
    while _total(model, replace(plan, batch=guess + 1)) <= device_memory:
        guess += 1
    return guess


def cheapest_change(
    model: Model, plan: Plan, device_memory: int
) -> tuple[tuple[str, ...] | None, int | None]:
    """The changes that make the plan fit, and the total with them.

    Tried are: flash attention; ZeRO 1, 2, 3 on the same devices; the batch in smaller parts, their
    gradients added up; checkpointing every layer. The first set that fits is taken, ordered by
    extra arithmetic (checkpointing), then by extra communication (ZeRO 3 sends half as much again),
    then by the number of changes.
    """
    if (total := _total(model, plan)) <= device_memory:
        return (), total
    gpt = isinstance(model, GPTConfig)
    single: list[tuple[str, dict, float, float]] = []
    if gpt and plan.attention == "eager":
        single.append(("flash attention", {"attention": "flash"}, 0, 0))
    if plan.devices > 1:
        stages = range(plan.zero + 1, 4)
        single += [(f"ZeRO {z}", {"zero": z}, 0, 0.5 * (z == 3)) for z in stages]
    if gpt and plan.batch > 1:
        single.append(("smaller parts", {}, 0, 0))
    if gpt and not plan.checkpoint:
        extra = recomputation_formula(model, plan.seq)
        name = f"checkpointing every layer (+{extra:.0%} arithmetic)"
        single.append((name, {"checkpoint": 1}, extra, 0))
    sets = [c for r in range(1, len(single) + 1) for c in combinations(single, r)]
    for chosen in sorted(sets, key=lambda c: (sum(x[2] for x in c), sum(x[3] for x in c), len(c))):
        if sum(name.startswith("ZeRO") for name, *_ in chosen) > 1:
            continue
        names = [name for name, *_ in chosen]
        changed = replace(plan, **{k: v for _, new, *_ in chosen for k, v in new.items()})
        if "smaller parts" in names:
            part = min(largest_batch(model, changed, device_memory), plan.batch)
            if not 0 < part < plan.batch:
                continue
            parts = -(-plan.batch // part)
            changed = replace(changed, batch=-(-plan.batch // parts))
            text = f"{parts} parts of {changed.batch} with gradients added up"
            names[names.index("smaller parts")] = text
        if (total := _total(model, changed)) <= device_memory:
            return tuple(names), total
    return None, None
