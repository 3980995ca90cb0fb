// Update rules, step-size schedules and the training loop: the browser's copy of adaopt.numpy,
// adaopt.schedules and adaopt.training.minimize. tests/book/test_live_rules.py compares the two.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  // A rule maps the point x and the gradient g to the next point. s is the state it keeps between
  // steps, k the step number from 1, h the hyper-parameters. Inputs are never changed.
  adaopt.rules = {
    sgd: {
      defaults: {
        lr: 1e-3, momentum: 0, dampening: 0, weight_decay: 0, nesterov: false, maximize: false,
      },
      update(x, g, s, k, h) {
        if (h.maximize) g = g.map((gi) => -gi);
        g = g.map((gi, i) => gi + h.weight_decay * x[i]);
        if (h.momentum !== 0) {
          // The first velocity is the gradient itself, not damped, as in torch.optim.SGD.
          s.v = s.v ? s.v.map((vi, i) => h.momentum * vi + (1 - h.dampening) * g[i]) : g;
          g = h.nesterov ? g.map((gi, i) => gi + h.momentum * s.v[i]) : s.v;
        }
        return x.map((xi, i) => xi - h.lr * g[i]);
      },
    },
  };

  // Catalog key -> how a method is built and drawn: the cards of adaopt/catalog.
  adaopt.methods = {
    gd: { name: "GD", rule: "sgd", preset: {}, color: "black", line: "-" },
    sgd: { name: "SGD", rule: "sgd", preset: {}, color: "blue", line: "-" },
    momentum: {
      name: "Momentum", rule: "sgd", preset: { momentum: 0.9 }, color: "orange", line: "--",
    },
    nesterov: {
      name: "Nesterov momentum", rule: "sgd", preset: { momentum: 0.9, nesterov: true },
      color: "green", line: "-.",
    },
  };

  // adaopt.build("momentum", {lr: 0.1}).step(x, g) -> the next point
  adaopt.build = function (key, hyper) {
    const { rule, preset } = adaopt.methods[key];
    const { defaults, update } = adaopt.rules[rule];
    const optimizer = { hyper: { ...defaults, ...preset, ...hyper }, state: {}, k: 0 };
    optimizer.step = (x, g) => update(x, g, optimizer.state, ++optimizer.k, optimizer.hyper);
    return optimizer;
  };

  // Schedules: step number k from 0 -> step size.
  adaopt.schedules = {
    constant: (lr) => () => lr,
    inverse: (lr, k0 = 1) => (k) => lr / (1 + k / k0),
    inverse_sqrt: (lr, k0 = 1) => (k) => lr / Math.sqrt(1 + k / k0),
  };

  // Runs the optimizer on minibatches drawn by sampler() and records every step. evaluations
  // counts component gradients; divergedAt is the step at which f exceeded limit * max(1, f(x0)),
  // where the run stops, or null.
  adaopt.minimize = function (problem, optimizer, x0, steps, sampler, schedule, limit = 1e6) {
    let x = x0;
    let evaluations = 0;
    const highest = limit * Math.max(1, problem.f(x0)) - problem.minimum;
    const trace = { iterates: [x], gaps: [problem.gap(x)], evaluations: [0], divergedAt: null };
    for (let k = 0; k < steps; k++) {
      const batch = sampler();
      if (schedule) optimizer.hyper.lr = schedule(k);
      x = optimizer.step(x, problem.gradBatch(batch, x));
      const gap = problem.gap(x);
      trace.iterates.push(x);
      trace.gaps.push(gap);
      trace.evaluations.push((evaluations += batch.length));
      if (!(gap <= highest)) { // also true for NaN
        trace.divergedAt = k + 1;
        break;
      }
    }
    return trace;
  };

  if (typeof module === "object") module.exports = adaopt;
})(globalThis.adaopt);
