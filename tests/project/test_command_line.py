"""The command ``adaopt``: what it prints and how it fails."""

import pytest

import adaopt
from adaopt import catalog, cli
from adaopt.catalog.papers import PAPERS


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"adaopt {adaopt.__version__}"


def test_catalog_lists_every_method_by_lecture_in_100_columns(capsys):
    assert cli.main(["catalog"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    words = [line.split() for line in lines]
    keys = (*catalog.CARDS, *catalog.WRAPPERS)
    rows = {key: row for key in keys for row in words if key in row[:2]}
    assert set(rows) == set(keys)
    assert all(str(card.state_bytes) in rows[key] for key, card in catalog.CARDS.items())
    lectures = [int(row[0]) for row in words if row and row[0].isdigit()]
    assert lectures == sorted({card.lecture for card in catalog.CARDS.values()})


@pytest.mark.parametrize("card", catalog.CARDS.values(), ids=lambda card: card.key)
def test_catalog_shows_one_method(card, capsys):
    assert cli.main(["catalog", card.key]) == 0
    printed = capsys.readouterr().out
    assert card.formula in printed
    words = " ".join(printed.split())
    for text in (card.call, PAPERS[card.paper], card.differences, card.algoperf, card.unverified):
        assert " ".join(text.split()) in words
    for hyper in card.hyper:
        assert hyper.name in printed
        assert repr(card.preset.get(hyper.name, hyper.default)) in printed
    long = [line for line in printed.splitlines() if len(line) > 100]
    assert [line for line in long if card.formula not in line] == []


@pytest.mark.parametrize("wrapper", catalog.WRAPPERS.values(), ids=lambda wrapper: wrapper.key)
def test_catalog_shows_one_average(wrapper, capsys):
    assert cli.main(["catalog", wrapper.key]) == 0
    printed = capsys.readouterr().out
    assert wrapper.formula in printed
    words = " ".join(printed.split())
    for text in (f"{wrapper.class_name}(optimizer", PAPERS[wrapper.paper], wrapper.algoperf):
        assert " ".join(text.split()) in words


def test_unknown_method_is_wrong_usage_and_suggests_the_nearest(capsys):
    assert cli.main(["catalog", "momentun"]) == 2
    printed = capsys.readouterr()
    assert "Unknown optimizer 'momentun'" in printed.err
    assert "Did you mean 'momentum'?" in printed.err
    assert printed.out == ""


def test_a_misspelt_average_is_suggested(capsys):
    assert cli.main(["catalog", "lawaqueue"]) == 2
    assert "Did you mean 'lawa_queue'?" in capsys.readouterr().err


def test_an_average_is_no_optimizer_to_build():
    with pytest.raises(ValueError, match=r"'polyak' is an average .* PolyakAverage\(optimizer"):
        catalog.card("polyak")


@pytest.mark.parametrize("width", [50, 80, 200])
def test_what_must_be_typed_is_whole_on_any_terminal(width, capsys, monkeypatch):
    monkeypatch.setattr(cli, "WIDTH", width)
    cli.main(["catalog"])
    words = capsys.readouterr().out.split()
    assert all(key in words for key in (*catalog.CARDS, *catalog.WRAPPERS))
    cli.main(["catalog", "amos"])
    words = capsys.readouterr().out.split()
    assert all(h.name in words and repr(h.default) in words for h in catalog.card("amos").hyper)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["catalog", "sgd", "extra"]])
def test_wrong_usage_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: adaopt" in capsys.readouterr().err
