"""What is not at hand is fetched: whole, checked, once; and what happens where it cannot be."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from adaopt.data import fashion_mnist, load_fashion_mnist, load_images

TRAIN, LABELS = (file.name for file in fashion_mnist.FILES["train"])


def test_fetched_once_from_the_mirror_that_has_it(mirror, cache, capfd):
    images, labels = load_fashion_mnist(progress=False)
    assert images.shape == (40, 28, 28)
    assert labels.tolist() == [*range(10)] * 4
    assert mirror == [f"/nowhere/{TRAIN}", f"/{TRAIN}", f"/nowhere/{LABELS}", f"/{LABELS}"]
    again, _ = load_fashion_mnist()
    np.testing.assert_array_equal(again, images)
    assert len(mirror) == 4
    assert sorted(path.name for path in cache.iterdir()) == [TRAIN, LABELS]
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_without_the_path(mirror, cache, capfd):
    load_fashion_mnist("test")
    printed = "".join(capfd.readouterr())
    assert "100%" in printed
    assert str(cache) not in printed


@pytest.mark.parametrize("damage, state", [(b"cut", "truncated"), (None, "corrupted")])
def test_a_damaged_file_is_named_and_fetched_again(mirror, cache, damage, state):
    whole = load_fashion_mnist(progress=False)[0]
    path = cache / TRAIN
    content = path.read_bytes()
    path.write_bytes(damage or content[:30] + bytes([content[30] ^ 1]) + content[31:])
    with pytest.warns(UserWarning, match=rf"^{TRAIN} in the cache is {state}: .*fetching it again"):
        mended, _ = load_fashion_mnist(progress=False)
    np.testing.assert_array_equal(mended, whole)
    assert path.read_bytes() == content


def test_wrong_bytes_from_a_mirror_are_never_kept(mirror, tiny, cache):
    (tiny / TRAIN).write_bytes(b"something else")
    with pytest.raises(
        ConnectionError, match=rf"nowhere/{TRAIN}: HTTPError; .*{TRAIN}: ValueError"
    ):
        load_fashion_mnist(progress=False)
    assert list(cache.iterdir()) == []


def test_eight_at_once_do_not_damage_each_other(mirror, cache):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load_fashion_mnist(progress=False)[0].sum(), range(8)))
    assert len(set(found)) == 1
    assert sorted(path.name for path in cache.iterdir()) == [TRAIN, LABELS]


def test_two_processes_at_once(mirror, cache):
    """Both begin with an empty cache and use the server's files as the published ones."""
    code = f"""
from adaopt.data import fashion_mnist
fashion_mnist.FILES = {fashion_mnist.FILES!r}
fashion_mnist.MIRRORS = {fashion_mnist.MIRRORS!r}
print(fashion_mnist.load_fashion_mnist(progress=False)[0].sum())
""".replace("File(", "fashion_mnist.File(")
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed[0] == printed[1] == f"{load_fashion_mnist()[0].sum()}\n"
    assert sorted(path.name for path in cache.iterdir()) == [TRAIN, LABELS]


def test_without_a_network_one_error_tells_three_ways_out(unset, monkeypatch):
    with socket.socket() as closed:  # a port where nobody listens
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        monkeypatch.setattr(fashion_mnist, "MIRRORS", (address,))
        with pytest.raises(ConnectionError) as error:
            load_fashion_mnist()
    for way in ("try again with a network", "set ADAOPT_DATA to", "load_images()"):
        assert way in str(error.value)


def test_a_silent_mirror_is_given_up(unset, monkeypatch):
    assert len(fashion_mnist.MIRRORS) * fashion_mnist.PATIENCE == 10
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(fashion_mnist, "MIRRORS", (address, address))
        monkeypatch.setattr(fashion_mnist, "PATIENCE", 0.2)
        begin = time.monotonic()
        with pytest.raises(ConnectionError, match=r"ReadTimeout; .*ReadTimeout"):
            load_fashion_mnist()
    assert time.monotonic() - begin < 10


def test_images_come_from_the_cache_and_are_never_fetched(mirror, cache):
    assert load_images("test").name == "drawn garments"
    load_fashion_mnist("train", progress=False)
    assert load_images("test").name == "drawn garments"  # half of the set is none
    load_fashion_mnist("test", progress=False)
    asked = len(mirror)
    assert load_images("test").note == "Data: Fashion-MNIST, 20 images (test)."
    (cache / TRAIN).write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"truncated.*load_fashion_mnist\(\) fetches it again"):
        load_images("train")
    assert len(mirror) == asked


def test_a_cache_that_cannot_be_written(mirror, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ConnectionError, match="NotADirectoryError"):
        load_fashion_mnist()


def test_the_real_cache_is_not_touched(cache):
    assert Path(os.environ["XDG_CACHE_HOME"]) in cache.parents
    assert fashion_mnist.folder() == cache or "ADAOPT_DATA" in os.environ
