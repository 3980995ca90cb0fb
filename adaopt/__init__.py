"""adaopt: adaptive stochastic gradient methods, every optimizer in NumPy and in torch.

``adaopt.numpy`` is the edition to read, ``adaopt.torch`` the edition to work with.
Nothing heavy is imported here: ``import adaopt`` loads neither torch nor matplotlib.
"""

__version__ = "0.1.0"
