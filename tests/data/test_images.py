import os

import numpy as np
import pytest

from adaopt.data import CLASS_NAMES, drawn_garments, load_fashion_mnist, load_images


def test_fashion_mnist_where_it_is(tiny):
    data = load_images("test")
    images, labels = load_fashion_mnist("test")
    assert np.array_equal(data.images, images) and np.array_equal(data.labels, labels)
    assert data.name == "Fashion-MNIST"
    assert data.note == "Data: Fashion-MNIST, 20 images (test)."


def test_drawn_garments_elsewhere(unset):
    data = load_images("test")
    images, labels = drawn_garments(2_000, 1)
    assert np.array_equal(data.images, images) and np.array_equal(data.labels, labels)
    assert data.name == "drawn garments"
    assert data.note.startswith("Data: drawn garments, 2,000 images (test), generated")


def test_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("ADAOPT_DATA", "")
    assert load_images("test").name == "drawn garments"


def test_train_and_test_share_no_image(unset):
    train, test = (load_images(split).images for split in ("train", "test"))
    assert len({i.tobytes() for i in train} & {i.tobytes() for i in test}) == 0
    assert len(train) == 12_000


def test_first_n(tiny):
    everything, some = load_images("train"), load_images("train", 7)
    assert np.array_equal(some.images, everything.images[:7])
    assert np.array_equal(some.labels, everything.labels[:7])
    assert "7 images" in some.note


@pytest.mark.parametrize("n", [0, -1, 41])
def test_n_must_be_in_range(tiny, n):
    with pytest.raises(ValueError, match=rf"Invalid n: {n}\. There are 40 images \(train\)"):
        load_images("train", n)


def test_broken_data_are_not_replaced_in_silence(tiny):
    (tiny / "train-images-idx3-ubyte.gz").write_bytes(b"broken")
    with pytest.raises(ValueError, match="truncated"):
        load_images("train")


def test_note_and_name_never_tell_the_path(tiny):
    data = load_images("train")
    assert str(tiny.parent) not in repr(data) and os.sep not in data.note + data.name


def test_ten_names():
    assert (
        len(CLASS_NAMES) == 10
        and CLASS_NAMES[0] == "T-shirt/top"
        and CLASS_NAMES[9] == "Ankle boot"
    )
