import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from adaopt.data import docstring_corpus
from adaopt.nn import GPT, GPT2_CONFIGS, GPTConfig

TINY = GPTConfig(layers=2, heads=2, width=32, context=16, vocabulary=50)


def tokens(*shape, high=TINY.vocabulary, seed=0):
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "name, expected",
    [
        ("gpt2", 124_439_808),
        ("gpt2-medium", 354_823_168),
        ("gpt2-large", 774_030_080),
        ("gpt2-xl", 1_557_611_200),
    ],
)
def test_published_sizes(name, expected):
    with torch.device("meta"):
        model = GPT(GPT2_CONFIGS[name])
    assert sum(p.numel() for p in model.parameters()) == expected
    assert all(p.is_meta for p in model.parameters())
    layers, h, V, T = len(model.blocks), model.config.width, 50257, 1024
    assert expected == V * h + T * h + layers * (12 * h**2 + 13 * h) + 2 * h


def test_largest_model_runs_on_the_meta_device():
    with torch.device("meta"):
        model = GPT(GPT2_CONFIGS["gpt2-xl"])
        ids = torch.zeros(32, 1024, dtype=torch.int64)
        logits, loss = model(ids, ids)
    loss.backward()
    assert logits.shape == (32, 1024, 50257)
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())


def test_first_loss_is_log_vocabulary():
    ids = tokens(8, 17)
    _, loss = GPT(TINY)(ids[:, :-1], ids[:, 1:])
    assert loss.item() == pytest.approx(math.log(50), abs=0.05)


def test_a_later_token_changes_no_earlier_score():
    model, ids = GPT(TINY), tokens(3, 16)
    with torch.no_grad():
        before = model(ids)
        ids[:, 9] = (ids[:, 9] + 1) % 50
        after = model(ids)
    assert torch.equal(before[:, :9], after[:, :9])
    assert ((before[:, 9:] - after[:, 9:]).abs().amax(dim=(0, 2)) > 1e-4).all()


def test_attention_is_the_formula():
    model = GPT(TINY).double()
    attention = model.blocks[0].attention
    x = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    q, k, v = (z.reshape(2, 5, 2, 16).transpose(1, 2) for z in attention.qkv(x).split(32, dim=-1))
    scores = q @ k.mT / 4
    scores = scores.masked_fill(torch.ones(5, 5).triu(1).bool(), -math.inf)
    mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(2, 5, 32)
    torch.testing.assert_close(attention(x), attention.out(mixed))


def test_head_is_the_token_embedding():
    model, ids = GPT(TINY), tokens(1, 4)
    assert not any("head" in name for name, _ in model.named_parameters())
    with torch.no_grad():
        before = model(ids)
        model.tokens.weight[49] = 0  # 49 is not in ids, so only its own score changes
        after = model(ids)
    assert 49 not in ids
    assert torch.equal(before[..., :49], after[..., :49])
    assert (after[..., 49] == 0).all()


def test_loss_is_the_mean_cross_entropy():
    model, ids = GPT(TINY), tokens(4, 17)
    logits, loss = model(ids[:, :-1], ids[:, 1:])
    expected = F.cross_entropy(logits.reshape(-1, 50), ids[:, 1:].reshape(-1))
    torch.testing.assert_close(loss, expected)
    assert torch.equal(logits, model(ids[:, :-1]))


def test_initial_weights():
    before = torch.get_rng_state()
    model = GPT(TINY, torch.Generator().manual_seed(5))
    again = GPT(TINY, torch.Generator().manual_seed(5))
    other = GPT(TINY, torch.Generator().manual_seed(6))
    assert torch.equal(before, torch.get_rng_state())
    for p, q, r in zip(*(m.parameters() for m in (model, again, other)), strict=True):
        assert torch.equal(p, q)
        assert p.ndim == 1 or not torch.equal(p, r)
    block = model.blocks[0]
    assert (block.attention_norm.weight == 1).all() and (block.attention.qkv.bias == 0).all()
    assert block.feed_forward.up.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.feed_forward.out.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert block.attention.out.weight.std().item() == pytest.approx(0.01, rel=0.05)


def test_dropout_works_in_training_only():
    model, ids = GPT(replace(TINY, dropout=0.3)), tokens(2, 8)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        assert not torch.equal(model(ids), model(ids))
        model.eval()
        assert torch.equal(model(ids), model(ids))


@pytest.mark.gpu
def test_same_scores_on_the_gpu():
    model, ids = GPT(TINY).double(), tokens(2, 9)
    cpu = model(ids[:, :-1], ids[:, 1:])
    gpu = model.cuda()(ids[:, :-1].cuda(), ids[:, 1:].cuda())
    torch.testing.assert_close([x.cpu() for x in gpu], list(cpu))


def test_learns_the_bytes_of_the_corpus():
    """30 steps on English text: from log 256 = 5.5 to 3.3, the level of letter frequencies."""
    text = "\n\n".join(list(docstring_corpus().values())[:100]).encode()
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    model = GPT(GPTConfig(layers=2, heads=2, width=64, context=64, vocabulary=256))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(30):
        start = torch.randint(len(data) - 65, (16,), generator=generator)
        batch = data[start[:, None] + torch.arange(65)]
        _, loss = model(batch[:, :-1], batch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(math.log(256), abs=0.1)
    assert losses[-1] < 3.5


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(heads=3), r"Invalid heads: 3\. They must divide width 32"),
        (dict(layers=0), "Invalid layers: 0"),
        (dict(width=-32), "Invalid width: -32"),
        (dict(context=1.5), r"Invalid context: 1\.5"),
        (dict(vocabulary=0), "Invalid vocabulary: 0"),
        (dict(dropout=1.0), r"Invalid dropout: 1\.0"),
        (dict(dropout=-0.1), r"Invalid dropout: -0\.1"),
        (dict(dropout=math.nan), "Invalid dropout: nan"),
    ],
)
def test_bad_config(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


@pytest.mark.parametrize(
    "ids, error, message",
    [
        (tokens(4), ValueError, r"Invalid ids of shape \(4,\)"),
        (tokens(1, 17), ValueError, r"\(1, 17\)\. Expected \(n, t\) with 1 <= t <= 16"),
        (tokens(2, 0), ValueError, r"Invalid ids of shape \(2, 0\)"),
        (tokens(1, 3) + 50, ValueError, r"Invalid value in ids: \d+\. Expected 0 to 49"),
        (tokens(1, 3) - 50, ValueError, r"Invalid value in ids: -\d+\. Expected 0 to 49"),
        (tokens(1, 3).float(), TypeError, r"Invalid ids: expected integers, got torch\.float32"),
    ],
)
def test_bad_ids(ids, error, message):
    with pytest.raises(error, match=message):
        GPT(TINY)(ids)


def test_targets_must_fit():
    with pytest.raises(ValueError, match=r"need labels \(1, 4\), got \(1, 3\)"):
        GPT(TINY)(tokens(1, 4), tokens(1, 3))
