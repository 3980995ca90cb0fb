"""What a method changes: the boxed terms are in the formula of its card, and nothing else moves."""

from dataclasses import replace

import pytest

from adaopt.catalog import CARDS, WRAPPERS, card, highlighted

SHOWN = [c for c in (*CARDS.values(), *WRAPPERS.values()) if c.changed]


def test_the_methods_of_lecture_6_say_what_they_change():
    keys = {"nadam", "lion", "amos", "schedule_free_adamw", "prodigy", "lawa_queue"}
    assert keys <= {card.key for card in SHOWN}


@pytest.mark.parametrize("shown", SHOWN, ids=lambda card: card.key)
def test_every_new_term_is_boxed_once_and_without_the_boxes_the_parts_are_the_formulas(shown):
    parts = highlighted(shown)
    assert "".join(parts).count(r"\boxed{") == len(shown.changed)
    plain = shown.formula.replace("&", "")
    for part in parts:
        assert part.count("{") == part.count("}")
        for term in shown.changed:
            part = part.replace(rf"\boxed{{{term}}}", term)
        assert part in plain


def test_a_part_without_a_new_term_is_left_out():
    assert all("v_{k+1}" not in part for part in highlighted(card("amos")))


@pytest.mark.parametrize(
    ("changed", "message"),
    [((), "does not say"), (("m_k",), "2 times"), ((r"\tanh",), "0 times")],
)
def test_a_card_without_such_a_term_is_refused(changed, message):
    lion = replace(card("lion"), formula=r"m_k + m_k, \quad c_k", changed=changed)
    with pytest.raises(ValueError, match=message):
        highlighted(lion)
