"""The sweep of lecture 11: searches for a rate, run by joblib on whatever backend there is."""

from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config

from adaopt import numpy as rules
from adaopt.nn import by_hand
from adaopt.training import fit, tune

GRID = 10.0 ** np.arange(-4, 1)


def errors_of(data, rule, lr, seed):
    """Share of points that are wrong after three epochs, as the lecture scores a rate."""
    network = by_hand.MLP((2, 8, 3), seed=seed)
    fit(network, rule(lr=lr), data, 3, np.random.default_rng(seed), batch_size=16)
    return np.mean(network.forward(data[0]).argmax(axis=1) != data[1])


def sweep():
    rng = np.random.default_rng(0)
    y = np.arange(96) % 3
    angles = 2 * np.pi * y / 3
    X = np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.normal(size=(96, 2)) / 3
    searches = (
        delayed(tune)(partial(errors_of, (X, y), rule), GRID, [0], [1, 2])
        for rule in (rules.SGD, rules.AdamW)
    )
    return Parallel()(searches)


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.best == other.best and one.means == other.means
        np.testing.assert_array_equal(one.report, other.report)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_sweep_in_parallel_finds_what_a_serial_one_does(backend):
    serial = sweep()
    assert len({found.best for found in serial}) == 2  # every method has a rate of its own
    with parallel_config(backend=backend, n_jobs=2):
        same(sweep(), serial)


if find_spec("distributed"):  # the extra `cluster`; without it there is no such test

    @pytest.mark.filterwarnings("ignore:Couldn't detect a suitable IP:RuntimeWarning")  # no network
    def test_a_sweep_on_a_local_dask_cluster_finds_what_a_serial_one_does():
        from distributed import Client, LocalCluster

        where = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
        serial = sweep()
        with LocalCluster(processes=False, **where) as cluster, Client(cluster):
            with parallel_config(backend="dask"):
                same(sweep(), serial)
            assert cluster.scheduler.task_prefixes  # the cluster has worked
