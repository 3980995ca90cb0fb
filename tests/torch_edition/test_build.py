"""``build`` finds every method by its catalog key."""

import pytest
import torch
from torch.nn import Parameter

from adaopt.catalog import CARDS
from adaopt.torch import build


def test_every_card_builds_with_its_preset():
    for key, card in CARDS.items():
        optimizer = build(key, [Parameter(torch.ones(2))], lr=0.25)
        assert type(optimizer) is card.torch_class
        assert optimizer.defaults["lr"] == 0.25
        assert {name: optimizer.defaults[name] for name in card.preset} == dict(card.preset)


def test_keywords_override_the_preset():
    assert build("momentum", [Parameter(torch.ones(2))], momentum=0.5).defaults["momentum"] == 0.5


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown optimizer 'momentun'. Did you mean 'momentum'"):
        build("momentun", [Parameter(torch.ones(2))])
