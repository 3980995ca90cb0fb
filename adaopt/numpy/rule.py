"""The base of the reading edition: everything around a rule, written once.

A method is a subclass that declares its hyper-parameters and writes its formula::

    class SignDescent(Rule):
        lr: float = 1e-3

        def update(self, x, g, s, k):
            return x - self.lr * np.sign(g)

Checking, state, dicts of arrays, complex numbers and error messages are here.
"""

import copy
import difflib
import inspect
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from adaopt.ranges import checked

Arrays = np.ndarray | dict[str, np.ndarray]


class State(SimpleNamespace):
    """What a rule remembers of one array: ``s.v``, ``s.m``, ..."""


class Rule:
    """Base class of every optimizer of the reading edition.

    A subclass annotates its hyper-parameters, each with a default, names in ``memory`` the state
    that starts as zeros, and defines :meth:`update`. Hyper-parameters are keywords of the
    constructor and attributes that can be assigned between steps; both are validated. ``choices``
    lists the values of one that is a word, ``ranges`` the closed interval of one that is this
    method's alone. A subclass of a method fixes a hyper-parameter by assigning it without an
    annotation. A method that wants its gradients elsewhere than at x defines :meth:`at`. One that
    needs sums over all arrays, such as an inner product, defines :meth:`share`, :meth:`measure` and
    :meth:`advance`. One that is not ``elementwise`` (treats an array as a whole) refuses complex
    arrays.

    Attributes:
        state: the :class:`State` of the array, or a dict of one per array; ``{}`` before a step.
        shared: the numbers of all arrays together, for a method that has such.
        k: number of steps taken.
        layout: shape and dtype of each array, known after the first step.

    Raises:
        TypeError: unknown keyword (the nearest is suggested) or a value of the wrong type.
        ValueError: a value out of range, with the message of ``torch.optim``.
    """

    maximize: bool = False

    memory: ClassVar[tuple[str, ...]] = ()
    choices: ClassVar[dict[str, tuple]] = {}
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}
    elementwise: ClassVar[bool] = True
    defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        own = {n: vars(cls)[n] for n in inspect.get_annotations(cls) if n in vars(cls)}
        fixed = {"maximize", *vars(cls)} - own.keys()
        hyper = {n: v for n, v in (cls.defaults | own).items() if n not in fixed}
        cls.defaults = hyper | {"maximize": False}
        keyword = inspect.Parameter.KEYWORD_ONLY
        cls.__signature__ = inspect.Signature(
            [inspect.Parameter(n, keyword, default=v) for n, v in cls.defaults.items()]
        )

    def __init__(self, **hyper: Any) -> None:
        for name in hyper:
            if name not in self.defaults:
                raise TypeError(f"{type(self).__name__} has no argument {self._nearest(name)}")
        values = self.defaults | hyper
        vars(self).update({n: self._checked(n, v) for n, v in values.items()})
        self.check()
        self.reset()

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        """The formula: the next x from x, its gradient g, the state s and the step number k >= 1.

        x and g are copies and the result is copied; the state is rebound (``s.m = ...``), not
        written into, so that an error leaves the old one.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define update(self, x, g, s, k)")

    def check(self) -> None:
        """Raise ValueError when hyper-parameters, each valid alone, contradict each other."""

    def start(self, x: np.ndarray) -> State:
        """The state before the first step: zeros like x for every name in ``memory``."""
        return State(**{name: np.zeros_like(x) for name in self.memory})

    def at(self, x: np.ndarray, s: State) -> np.ndarray:
        """Where the next gradient is wanted, of one array."""
        return x

    def share(self) -> State:
        """The numbers of all arrays together, before the first step."""
        return State()

    def measure(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray | None:
        """What is to be summed over all arrays before the step; the state may be rebound."""
        return None

    def advance(self, shared: State, totals: np.ndarray) -> None:
        """Move on the shared numbers; ``totals`` are the sums of `measure`."""

    def point(self, x: Arrays) -> Arrays:
        """Where the next gradient is to be taken: at x, except for methods that say otherwise.

        Raises:
            ValueError: the arrays are not those of step 1.
        """
        if not self.k or type(self).at is Rule.at:
            return x
        single = not isinstance(x, dict)
        xs, states = ({"": x}, {"": self.state}) if single else (x, self.state)
        arrays = {n: _native(x) for n, x in xs.items()}
        self._layout(arrays)
        points = {n: _like(x, self.at(_real(x), states[n])) for n, x in arrays.items()}
        return points[""] if single else points

    def reset(self) -> None:
        """Forget all steps: no state, ``k = 0``. Hyper-parameters stay."""
        self.state, self.k, self.layout, self.shared = {}, 0, {}, State()

    def step(self, x: Arrays, g: Arrays) -> Arrays:
        """One step from x along the gradient g: arrays of equal shape and dtype, or dicts of them.

        Returns new arrays; x and g are not changed. Complex arrays are stepped as pairs of real
        numbers, as in torch. After an error the state is what it was before the call.

        Raises:
            TypeError: not floating-point or complex, or x and g differ in dtype.
            ValueError: x and g differ in shape or names, or the arrays are not those of step 1.
            FloatingPointError: a gradient that is not finite, with the step and the first index.
        """
        single = not isinstance(x, dict)
        if isinstance(g, dict) == single:
            raise TypeError("x and g must both be arrays or both be dicts of arrays")
        xs, gs, states = ({"": x}, {"": g}, {"": self.state}) if single else (x, g, self.state)
        pairs = self._pairs(xs, gs)
        layout = self._layout({n: x for n, (x, _) in pairs.items()})
        real = {n: (_real(x), _real(-g if self.maximize else g)) for n, (x, g) in pairs.items()}
        new = {n: copy.copy(states[n]) if self.k else self.start(x) for n, (x, _) in real.items()}
        before, k = self.shared, self.k + 1
        try:
            self.shared = copy.copy(before) if self.k else self.share()
            parts = [self.measure(x, g, new[n], k) for n, (x, g) in real.items()]
            if parts and type(self).measure is not Rule.measure:
                self.advance(self.shared, np.sum(parts, axis=0))
            new_xs = {
                n: _like(pairs[n][0], self.update(x, g, new[n], k)) for n, (x, g) in real.items()
            }
        except BaseException:
            self.shared = before
            raise
        self.state, self.layout, self.k = new[""] if single else new, layout, k
        return new_xs[""] if single else new_xs

    def _layout(self, arrays: dict[str, np.ndarray]) -> dict[str, tuple]:
        """Shape and dtype by name; those of the first step, if there was one."""
        layout = {n: (x.shape, x.dtype) for n, x in arrays.items()}
        if self.k and layout != self.layout:
            raise ValueError(f"the arrays were {self.layout} and are {layout}: call reset() first")
        return layout

    def _pairs(self, xs: dict, gs: dict) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """(x, g) by name, checked against each other before anything is computed."""
        if xs.keys() != gs.keys():
            raise ValueError(f"x has the arrays {list(xs)}, but g has {list(gs)}")
        pairs = {}
        for n in xs:
            name = "" if n == "" else f"[{n!r}]"
            x, g = pairs[n] = _native(xs[n]), _native(gs[n])
            for label, a in (("x", x), ("g", g)):
                if a.dtype.kind not in "fc":
                    raise TypeError(f"{label}{name} has dtype {a.dtype}; expected float or complex")
                if a.dtype.kind == "c" and not self.elementwise:
                    raise TypeError(f"{type(self).__name__} does not support complex arrays")
            if x.shape != g.shape:
                raise ValueError(f"x{name} has shape {x.shape}, but g{name} has shape {g.shape}")
            if x.dtype != g.dtype:
                raise TypeError(f"x{name} has dtype {x.dtype}, but g{name} has dtype {g.dtype}")
            finite = np.isfinite(g)
            if not finite.all():
                at = tuple(int(i) for i in np.argwhere(~finite)[0])
                raise FloatingPointError(f"step {self.k + 1}: g{name} is {g[at]} at index {at}")
        return pairs

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.defaults:
            old = getattr(self, name)
            vars(self)[name] = self._checked(name, value)
            try:
                self.check()
            except ValueError:
                vars(self)[name] = old
                raise
        elif name in ("state", "k", "layout", "shared"):
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"{type(self).__name__} has no attribute {self._nearest(name)}")

    def _checked(self, name: str, value: Any) -> Any:
        choices, interval = self.choices.get(name), self.ranges.get(name)
        return checked(name, value, self.defaults[name], choices, interval)

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.defaults, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        return f"{name!r}. {hint}It has: {', '.join(self.defaults)}"

    def __repr__(self) -> str:
        hyper = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.defaults)
        return f"{type(self).__name__}({hyper})"


def _native(a: Any) -> np.ndarray:
    """As an array in the byte order of this machine, the only one that arithmetic returns."""
    a = np.asarray(a)
    return a.astype(a.dtype.newbyteorder("="), copy=False)


def _real(a: np.ndarray) -> np.ndarray:
    """A fresh copy; of a complex array as pairs (real, imaginary) along a new last axis."""
    return a.copy() if a.dtype.kind == "f" else np.stack([a.real, a.imag], axis=-1)


def _like(x: np.ndarray, new: np.ndarray) -> np.ndarray:
    """What the rule returned for x, or its real pairs, as a fresh array of its shape and dtype."""
    new, real = np.array(new, order="C"), x.dtype.kind == "f"
    shape, dtype = x.shape if real else (*x.shape, 2), x.real.dtype
    if new.shape != shape or new.dtype != dtype:
        raise ValueError(
            f"update returned shape {new.shape} and dtype {new.dtype}; expected {shape} and {dtype}"
        )
    return new if real else new.view(x.dtype)[..., 0]
