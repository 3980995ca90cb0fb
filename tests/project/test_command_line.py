"""The command ``adaopt``: what it prints and how it fails."""

import pytest

import adaopt
from adaopt import catalog, cli


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"adaopt {adaopt.__version__}"


def test_catalog_lists_every_method(capsys):
    assert cli.main(["catalog"]) == 0
    printed = capsys.readouterr().out
    assert all(key in printed for key in catalog.CARDS)


@pytest.mark.parametrize("card", catalog.CARDS.values(), ids=lambda card: card.key)
def test_catalog_shows_one_method(card, capsys):
    assert cli.main(["catalog", card.key]) == 0
    printed = capsys.readouterr().out
    assert card.formula in printed
    assert card.paper in printed
    assert all(hyper.name in printed for hyper in card.hyper)


def test_unknown_method_is_wrong_usage_and_suggests_the_nearest(capsys):
    assert cli.main(["catalog", "momentun"]) == 2
    printed = capsys.readouterr()
    assert "Unknown optimizer 'momentun'" in printed.err
    assert "Did you mean 'momentum'?" in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["catalog", "sgd", "extra"]])
def test_wrong_usage_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: adaopt" in capsys.readouterr().err
