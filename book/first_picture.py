"""Draw the book's first picture, which stands in for the live figure where there is no JavaScript.

Run as ``python book/first_picture.py``; the README shows it too.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from adaopt import figures, problems
from adaopt.numpy import SGD
from adaopt.training import minimize


def main() -> None:
    figures.use_style()
    problem = problems.plane()
    u, v = np.meshgrid(np.linspace(-2.5, 4, 90), np.linspace(-2.5, 2, 90))
    values = [problem.f(x) for x in np.stack([u.ravel(), v.ravel()], axis=1)]
    levels = problem.minimum + 2.0 ** np.arange(-5, 6)
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True)
    for ax, factor in zip(axes, (0.3, 0.03), strict=True):
        optimizer = SGD(lr=factor / problem.smoothness)
        rng = np.random.default_rng(1)
        steps = int(120 / factor)
        trace = minimize(problem, optimizer, np.array([-2.0, 1.6]), steps, rng, batch_size=1)
        ax.contour(
            u, v, np.reshape(values, u.shape), levels=levels, colors="#B8B8B8", linewidths=0.7
        )
        ax.plot(
            *trace.iterates.T,
            ".-",
            markersize=2,
            lw=0.7,
            color=figures.method_style("sgd")["color"],
        )
        ax.plot(
            *problem.minimizer,
            "*",
            color="#E69F00",
            markeredgecolor="black",
            markersize=8,
            zorder=3,
        )
        ax.set(xlabel="$x_1$", title=f"SGD, step size {factor}/L, {steps} steps")
    axes[0].set_ylabel("$x_2$")
    figure.savefig(Path(__file__).parent / "_static" / "first_picture.png", dpi=130)


if __name__ == "__main__":
    main()
