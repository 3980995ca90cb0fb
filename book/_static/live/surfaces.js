// The problems of the race: surfaces over the plane, as adaopt.problems has them, the noisy finite
// sum of the plane, and an online problem on which Adam goes the wrong way.
//
// A problem has f(x), gap(x) = f(x) - f*, grad(x, k) at step k from 0, minimizers, a start, and the
// window of the plane in which it is drawn. tests/book/test_live_rules.py compares them with
// the package's.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  if (typeof require === "function") require("./problems.js");

  // A valley of curvature 1 across and 1 / condition along, turned by an angle in degrees.
  adaopt.quadratic = function ({ condition, angle }) {
    const c = Math.cos((angle * Math.PI) / 180), s = Math.sin((angle * Math.PI) / 180);
    const mu = 1 / condition;
    const p = mu * c * c + s * s, q = (mu - 1) * c * s, r = mu * s * s + c * c;
    const f = ([x, y]) => (p * x * x + 2 * q * x * y + r * y * y) / 2;
    return {
      f, gap: f,
      grad: ([x, y]) => [p * x + q * y, q * x + r * y],
      minimizers: [[0, 0]],
      start: [-2 * c - s, -2 * s + c],
      window: [[-2.5, 2.5], [-2.5, 2.5]],
    };
  };

  const rosenbrock = ([x, y]) => (1 - x) ** 2 + 100 * (y - x * x) ** 2;
  adaopt.rosenbrock = () => ({
    f: rosenbrock, gap: rosenbrock,
    grad([x, y]) {
      const bend = y - x * x;
      return [-2 * (1 - x) - 400 * x * bend, 200 * bend];
    },
    minimizers: [[1, 1]],
    start: [-1.5, 1.5],
    window: [[-2, 2], [-1, 3]],
  });

  const BEALE = [1.5, 2.25, 2.625];
  const beale = ([x, y]) => BEALE.reduce(
    (sum, c, i) => sum + (c - x * (1 - y ** (i + 1))) ** 2, 0,
  );
  adaopt.beale = () => ({
    f: beale, gap: beale,
    grad([x, y]) {
      let g = 0, h = 0;
      BEALE.forEach((c, i) => {
        const slope = y ** (i + 1) - 1;
        const residual = c + x * slope;
        g += 2 * residual * slope;
        h += 2 * residual * x * (i + 1) * y ** i;
      });
      return [g, h];
    },
    minimizers: [[3, 0.5]],
    start: [1, 1],
    window: [[-1, 4.5], [-2.5, 2]],
  });

  const himmelblau = ([x, y]) => (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2;
  adaopt.himmelblau = () => ({
    f: himmelblau, gap: himmelblau,
    grad([x, y]) {
      const p = x * x + y - 11, q = x + y * y - 7;
      return [4 * x * p + 2 * q, 2 * p + 4 * y * q];
    },
    minimizers: [
      [3, 2], [-2.805118086952745, 3.131312518250573],
      [-3.779310253377747, -3.28318599128617], [3.584428340330492, -1.848126526964404],
    ],
    start: [0, 0],
    window: [[-5, 5], [-5, 5]],
  });

  // The least-squares terms of lecture 1; minibatches of `batch` terms are drawn from the seed.
  adaopt.noisySum = function ({ batch, seed }) {
    const { A, b, x0 } = adaopt.plane;
    const problem = new adaopt.LeastSquares(A, b);
    return Object.assign(problem, {
      minimizers: [problem.minimizer],
      start: x0,
      window: [[-1.5, 3], [-2, 1.6]],
      sampler: () => adaopt.sampler(problem.n, batch, seed, true),
    });
  };

  // Reddi, Kale and Kumar's counterexample in its deterministic form: the slope is c at every third
  // step, the first one included, and -1 at the others; x stays in [-1, 1], and the step size falls
  // as lr / sqrt(k). The mean slope (c - 2) / 3 is positive, so x = -1 is best.
  adaopt.counterexample = function ({ c }) {
    const mean = (c - 2) / 3;
    return {
      f: ([x]) => mean * x,
      gap: ([x]) => mean * (x + 1),
      minimum: -mean,
      grad: (x, k) => [k % 3 === 0 ? c : -1],
      project: ([x]) => [Math.max(-1, Math.min(1, x))],
      schedule: adaopt.schedules?.inverse_sqrt,
      minimizers: [[-1]],
      start: [0],
      window: [[-1.1, 1.1]],
    };
  };

  if (typeof module === "object") module.exports = adaopt;
})(globalThis.adaopt);
