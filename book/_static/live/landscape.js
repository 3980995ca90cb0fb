// The loss of a small network on a plane through its weights, which Adam trains in the page. The
// browser's copy of adaopt.nn.by_hand; tests/book/test_live_landscape.py compares the two.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  if (typeof require === "function") {
    require("./methods.js");
    require("./problems.js");
  }
  const WIDTHS = [2, 8, 3];
  const RATE = 0.05;

  // Sixty points on three arms of a spiral, a class each.
  const points = Array.from({ length: 60 }, (_, i) => {
    const t = Math.floor(i / 3) / 19;
    const angle = (2 * Math.PI * (i % 3)) / 3 + 2 * t;
    return [(0.2 + t) * Math.cos(angle), (0.2 + t) * Math.sin(angle)];
  });
  const labels = points.map((_, i) => i % 3);

  const ACTIVATIONS = {
    tanh: { name: "tanh", phi: Math.tanh, slope: (a) => 1 - Math.tanh(a) ** 2 },
    relu: { name: "ReLU", phi: (a) => Math.max(a, 0), slope: (a) => (a > 0 ? 1 : 0) },
  };

  function softmax(z) {
    const top = Math.max(...z);
    const e = z.map((v) => Math.exp(v - top));
    const sum = e.reduce((a, b) => a + b);
    return { p: e.map((v) => v / sum), logSum: top + Math.log(sum) };
  }

  // Loss of one example and its gradient with respect to the logits.
  const LOSSES = {
    cross_entropy: {
      name: "cross-entropy",
      of(z, label) {
        const { p, logSum } = softmax(z);
        return [logSum - z[label], p.map((v, c) => v - (c === label ? 1 : 0))];
      },
    },
    squared_error: {
      name: "squared error",
      of(z, label) {
        const { p } = softmax(z);
        const error = p.map((v, c) => v - (c === label ? 1 : 0));
        const slope = error.map((e) => (2 * e) / p.length);
        const inner = slope.reduce((sum, s, c) => sum + s * p[c], 0);
        const value = error.reduce((sum, e) => sum + e * e, 0) / p.length;
        return [value, p.map((v, c) => v * (slope[c] - inner))];
      },
    },
  };

  // All weights in one array: W1 by rows, b1, W2 by rows, b2, as in the package.
  const [inputs, hidden, classes] = WIDTHS;
  const B1 = hidden * inputs, W2 = B1 + hidden, B2 = W2 + classes * hidden, SIZE = B2 + classes;
  const ROWS = [ // where each row of weights, and each bias vector, begins and ends
    ...Array.from({ length: hidden }, (_, j) => [j * inputs, (j + 1) * inputs]), [B1, W2],
    ...Array.from({ length: classes }, (_, c) => [W2 + c * hidden, W2 + (c + 1) * hidden]),
    [B2, SIZE],
  ];

  // Mean loss over the points; its gradient is added to `gradient`, if that is given.
  function loss(w, settings, gradient) {
    const { phi, slope } = ACTIVATIONS[settings.activation];
    const { of } = LOSSES[settings.loss];
    const a = new Float64Array(hidden), h = new Float64Array(hidden);
    let total = 0;
    points.forEach(([x, y], i) => {
      for (let j = 0; j < hidden; j++) {
        a[j] = w[2 * j] * x + w[2 * j + 1] * y + w[B1 + j];
        h[j] = phi(a[j]);
      }
      const z = Array.from({ length: classes }, (_, c) => {
        let sum = w[B2 + c];
        for (let j = 0; j < hidden; j++) sum += w[W2 + c * hidden + j] * h[j];
        return sum;
      });
      const [value, delta] = of(z, labels[i]);
      total += value / points.length;
      if (gradient) backward(delta.map((d) => d / points.length), [x, y]);
    });
    return total;

    function backward(delta, point) {
      for (let c = 0; c < classes; c++) {
        gradient[B2 + c] += delta[c];
        for (let j = 0; j < hidden; j++) gradient[W2 + c * hidden + j] += delta[c] * h[j];
      }
      for (let j = 0; j < hidden; j++) {
        let back = 0;
        for (let c = 0; c < classes; c++) back += delta[c] * w[W2 + c * hidden + j];
        back *= slope(a[j]);
        gradient[B1 + j] += back;
        gradient[2 * j] += back * point[0];
        gradient[2 * j + 1] += back * point[1];
      }
    }
  }

  // Uniform in [-1/√d, 1/√d], d being the inputs of the layer.
  function firstWeights(seed = 1) {
    const random = adaopt.mulberry32(seed);
    return Array.from({ length: SIZE }, (_, i) => (
      (2 * random() - 1) / Math.sqrt(i < W2 ? inputs : hidden)
    ));
  }

  // The weights before step 0, 1, ..., `steps` of Adam.
  function train(settings, steps) {
    const optimizer = adaopt.build("adam", { lr: RATE });
    const path = [firstWeights()];
    for (let k = 0; k < steps; k++) {
      const gradient = new Array(SIZE).fill(0);
      loss(path[k], settings, gradient);
      path.push(optimizer.step(path[k], gradient));
    }
    return path;
  }

  // A random direction whose rows are as long as those of the weights.
  function direction(w, random) {
    const normal = () => (
      Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    );
    const u = w.map(normal);
    const length = (v, [from, to]) => Math.hypot(...v.slice(from, to));
    for (const row of ROWS) {
      const factor = length(w, row) / length(u, row);
      for (let i = row[0]; i < row[1]; i++) u[i] *= factor;
    }
    return u;
  }

  adaopt.landscape = { points, labels, loss, firstWeights, train, direction, SIZE, ROWS, RATE };
  if (typeof module === "object") module.exports = adaopt;
  if (!adaopt.figures) return;

  // ---- The figure ----------------------------------------------------------------------------
  const STEPS = [0, 1, 3, 10, 30, 100, 300, 1000];
  const CELLS = 36;
  const LEVELS = Array.from({ length: 25 }, (_, i) => 10 ** (-5 + i / 4));
  const trained = {};

  // Trained once for each activation and loss, and kept.
  function run(settings) {
    const key = `${settings.activation} ${settings.loss}`;
    if (!trained[key]) {
      const path = train(settings, STEPS.at(-1));
      trained[key] = { path, losses: path.map((w) => loss(w, settings)) };
    }
    return trained[key];
  }

  const names = (table) => (
    Object.fromEntries(Object.entries(table).map(([key, { name }]) => [key, name]))
  );

  adaopt.figures.landscape = {
    title: "The loss of a network on a plane through its weights",
    panels: 2,
    controls: [
      { name: "steps", label: "Steps of Adam", values: STEPS, start: 100, show: String },
      { name: "loss", label: "Loss", options: names(LOSSES), start: "cross_entropy" },
      { name: "activation", label: "Activation", options: names(ACTIVATIONS), start: "tanh" },
      {
        name: "seed", label: "Seed of the two directions", values: adaopt.range(1, 30), start: 1,
        show: String,
      },
      { name: "reach", label: "Reach", values: [0.1, 0.3, 1, 3], start: 1, show: String },
    ],
    draw({ steps, seed, reach, ...settings }, width) {
      const { path, losses } = run(settings);
      const w = path[steps];
      const random = adaopt.mulberry32(seed);
      const [u, v] = [direction(w, random), direction(w, random)];
      let [least, most] = [Infinity, -Infinity];
      const value = ([s, t]) => {
        const found = loss(w.map((wi, i) => wi + s * u[i] + t * v[i]), settings);
        [least, most] = [Math.min(least, found), Math.max(most, found)];
        return found;
      };
      const side = [-reach, reach];
      const segments = adaopt.contours(value, side, side, LEVELS, CELLS);

      const plane = new adaopt.Plot(width, {
        x: { range: side, label: "along direction 1" },
        y: { range: side, label: "along direction 2" },
        ratio: 0.8,
      });
      plane.segments(segments, { color: "muted" });
      plane.mark([0, 0], { shape: "star", color: "vermillion" });

      const curve = new adaopt.Plot(width, {
        x: { range: [0.9, STEPS.at(-1)], label: "steps of Adam, from 1", log: true },
        y: { range: [1e-5, 10], label: "loss", log: true },
        ratio: 0.8,
      });
      curve.line(losses.map((f, k) => [k, f]).slice(1), { color: "blue" });
      curve.mark([Math.max(steps, 0.9), losses[steps]], { shape: "star", color: "vermillion" });

      const here = adaopt.number(losses[steps]);
      return {
        panels: [plane.svg(), curve.svg()],
        keys: [
          adaopt.key({ color: "muted" }, "contours, four to a power of ten"),
          adaopt.key({ color: "blue" }, "training"),
          adaopt.key({ shape: "star", color: "vermillion" }, "the weights"),
        ].join(""),
        finding: `After ${steps} steps the loss is ${here}. In this plane it lies between ` +
          `${adaopt.number(least)} and ${adaopt.number(most)}.`,
      };
    },
  };
})(globalThis.adaopt);
