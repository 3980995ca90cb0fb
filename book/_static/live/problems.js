// Problems and seeded sampling for the live figures. No dependency; node can require this file.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  const dot = (a, b) => a.reduce((sum, ai, i) => sum + ai * b[i], 0);

  // Uniform numbers in [0, 1) from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain).
  // Small, fast, the same in every browser; good enough for pictures, not for research.
  adaopt.mulberry32 = (seed) => function () {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  // A function that draws minibatches of the indices 0..n-1: with replacement, or `batch` distinct
  // ones by the first swaps of a Fisher-Yates shuffle (fair from any starting order, so the order
  // that the last minibatch left need not be restored). Each call overwrites the last minibatch.
  adaopt.sampler = function (n, batch, seed, replace) {
    const random = adaopt.mulberry32(seed);
    const order = Array.from({ length: n }, (_, i) => i);
    const indices = new Array(batch);
    return function () {
      for (let i = 0; i < batch; i++) {
        const j = replace ? Math.floor(random() * n) : i + Math.floor(random() * (n - i));
        indices[i] = order[j];
        if (!replace) [order[i], order[j]] = [order[j], order[i]];
      }
      return indices;
    };
  };

  // Eigenvalues of the symmetric matrix [[p, q], [q, r]], smallest first.
  function eigenvalues([[p, q], [, r]]) {
    const radius = Math.hypot((p - r) / 2, q);
    return [(p + r) / 2 - radius, (p + r) / 2 + radius];
  }

  // f(x) = 1/n sum_i f_i(x), f_i(x) = 1/2 (a_i^T x - b_i)^2, for x in the plane. As
  // adaopt.problems.LeastSquares, with the noise of its gradient at the minimizer besides.
  adaopt.LeastSquares = class {
    constructor(A, b) {
      Object.assign(this, { A, b, n: A.length });
      const mean = (value) => A.reduce((sum, a, i) => sum + value(a, b[i]), 0) / this.n;
      const moment = (i, j) => mean((a) => a[i] * a[j]);
      const [p, q, r] = [moment(0, 0), moment(0, 1), moment(1, 1)];
      const [u, v] = [mean((a, bi) => a[0] * bi), mean((a, bi) => a[1] * bi)];
      this.hessian = [[p, q], [q, r]];
      [this.strongConvexity, this.smoothness] = eigenvalues(this.hessian);
      this.componentSmoothness = Math.max(...A.map((a) => dot(a, a)));
      const det = p * r - q * q;
      this.minimizer = [(r * u - q * v) / det, (p * v - q * u) / det];
      this.minimum = this.f(this.minimizer);
      // tr S, S = covariance of grad f_i at the minimizer (where the mean of grad f_i is 0)
      this.noise = mean((a, bi) => dot(a, a) * (dot(a, this.minimizer) - bi) ** 2);
    }

    f(x) {
      return this.A.reduce((sum, a, i) => sum + (dot(a, x) - this.b[i]) ** 2, 0) / (2 * this.n);
    }

    // f(x) - f* = 1/2 d^T H d with d = x - x*: exact also near the minimizer, where f(x) - f*
    // would cancel.
    gap(x) {
      const [[p, q], [, r]] = this.hessian;
      const d0 = x[0] - this.minimizer[0], d1 = x[1] - this.minimizer[1];
      return (p * d0 * d0 + 2 * q * d0 * d1 + r * d1 * d1) / 2;
    }

    // The mean of grad f_i over the indices. Written out for two coordinates: the inner loop.
    gradBatch(indices, x) {
      let g0 = 0, g1 = 0;
      for (const i of indices) {
        const a = this.A[i], residual = a[0] * x[0] + a[1] * x[1] - this.b[i];
        g0 += a[0] * residual;
        g1 += a[1] * residual;
      }
      return [g0 / indices.length, g1 / indices.length];
    }

    grad(x) {
      return this.gradBatch([...this.A.keys()], x);
    }

    // Where SGD with a small constant step settles: E f(x_k) - f* = step / 4 * tr(S_B).
    // Near x* the error d obeys d' = (I - step H) d - step e with noise e of covariance S_B, so
    // its covariance C solves H C + C H = step S_B up to step^2, whose trace is
    // 2 tr(H C) = step tr(S_B); and the gap is tr(H C) / 2. S_B = S / B for indices drawn
    // independently; for B distinct ones (n - B) / (n - 1) of that.
    floor(step, batch, replace) {
      const population = replace ? 1 : (this.n - batch) / (this.n - 1);
      return (step / 4) * (this.noise / batch) * population;
    }
  };

  // The course's example: adaopt.problems.plane(), 12 terms in the plane; x0 is where runs start.
  adaopt.plane = {
    A: [
      [0.13, -0.07], [0.64, 0.05], [-0.54, 0.18], [1.3, 0.47],
      [-0.7, -0.63], [-0.62, 0.02], [-2.33, -0.11], [-1.25, -0.37],
      [-0.54, -0.16], [0.41, 0.52], [-0.13, 0.68], [-0.67, 0.18],
    ],
    b: [
      0.65, 0.64, -1.09, 0.37, -0.3, -0.53, -2.72, -0.98, -0.46, 0.16, -0.7, -0.67,
    ],
    x0: [-1, 1],
  };

  if (typeof module === "object") module.exports = adaopt;
})(globalThis.adaopt);
