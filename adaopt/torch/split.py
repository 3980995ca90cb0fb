"""Which parameters of a model are matrices, for methods that treat a weight as one."""

from collections.abc import Iterable

from torch.nn import Embedding, EmbeddingBag, Linear, Module, Parameter


def split_parameters(
    model: Module, heads: Iterable[str] | None = None
) -> tuple[list[Parameter], list[Parameter]]:
    """The weights between layers, and all else: ``Combined([Muon(matrices), AdamW(others)])``.

    Others are, each parameter once and frozen ones too:

    - what has fewer than two dimensions longer than 1: biases, gains, numbers, a ``Linear(d, 1)``;
    - embeddings (``Embedding``, ``EmbeddingBag``), and a head that is tied to one;
    - norms and biases of any shape: parameters of a class with "Norm" in its name, or with "bias"
      in their own;
    - heads: the weight of the last module that has parameters of its own, in the order in which
      modules were registered, if that is a ``Linear``. A model that ends in a norm, as a GPT whose
      head is its embedding, has none; one that ends in a block without a norm seems to have one.

    Matrices are what is left: weights of linear, recurrent and attention layers, convolution
    kernels, and bare parameters such as ``torch.nn.Parameter(torch.zeros(1, 196, 768))``.

    Args:
        model: any module, wrapped in DistributedDataParallel or not.
        heads: names of modules or parameters (``("head", "policy.out", "positions")``), in place of
            the head that is found by itself; () for none. All under them are others.

    Returns:
        Two lists of parameters in the model's order.

    Raises:
        ValueError: a name of ``heads`` is not in the model.

    Source: which weights take Muon, Jordan et al. (2024).
    """
    modules = dict(model.named_modules())
    if heads is None:
        owners = [n for n, m in modules.items() if any(True for _ in m.parameters(recurse=False))]
        heads = [n for n in owners[-1:] if isinstance(modules[n], Linear)]
    else:
        heads = [heads] if isinstance(heads, str) else list(heads)
        known = {*modules, *(n for n, _ in model.named_parameters(remove_duplicate=False))}
        if unknown := [name for name in heads if name not in known]:
            raise ValueError(f"Invalid heads: the model has no {', '.join(map(repr, unknown))}")
    others = set()
    for name, p in model.named_parameters(remove_duplicate=False):  # a tied one by all its names
        owner, _, own = name.rpartition(".")
        module = modules[owner]
        if (
            sum(n > 1 for n in p.shape) < 2
            or isinstance(module, Embedding | EmbeddingBag)
            or "Norm" in type(module).__name__
            or "bias" in own
            or any(not head or f"{name}.".startswith(f"{head}.") for head in heads)
        ):
            others.add(p)
    parameters = list(model.parameters())
    return [p for p in parameters if p not in others], [p for p in parameters if p in others]
