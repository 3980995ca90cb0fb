import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Small matrices on one core: workers side by side would wait for each other otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
