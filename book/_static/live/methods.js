// Methods with the names, colours and lines of their catalog cards, step-size schedules, and the
// training loop: the browser's copy of adaopt.schedules and adaopt.training.minimize.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  if (typeof require === "function") require("./rules.js");

  const method = (name, rule, color, line = "-", preset = {}) => (
    { name, rule, preset, color, line }
  );
  adaopt.methods = {
    gd: method("GD", "sgd", "black"),
    sgd: method("SGD", "sgd", "blue"),
    momentum: method("Momentum", "sgd", "orange", "--", { momentum: 0.9 }),
    nesterov: method("Nesterov momentum", "sgd", "green", "-.", { momentum: 0.9, nesterov: true }),
    adagrad: method("AdaGrad", "adagrad", "sky"),
    rmsprop: method("RMSProp", "rmsprop", "purple"),
    adadelta: method("Adadelta", "adadelta", "purple", "--"),
    adam: method("Adam", "adam", "vermillion"),
    amsgrad: method("AMSGrad", "amsgrad", "vermillion", "--"),
    adamw: method("AdamW", "adamw", "black", "--"),
    nadam: method("NAdam", "nadam", "green"),
    nadamw: method("NAdamW", "nadamw", "green", "--"),
    laprop: method("LaProp", "laprop", "vermillion", ":"),
    lion: method("Lion", "lion", "orange"),
    signsgd: method("signSGD", "signsgd", "sky", "--"),
    signum: method("Signum", "signum", "sky", "-."),
  };

  // adaopt.build("momentum", {lr: 0.1}).step(x, g) -> the next point; rates() -> the effective step
  // sizes of that step, one a coordinate. x and g are arrays and are never changed.
  adaopt.build = function (key, hyper = {}) {
    const { rule, preset } = adaopt.methods[key];
    const { defaults, update } = adaopt.rules[rule];
    const optimizer = {
      hyper: { ...defaults, ...preset, ...hyper },
      k: 0,
      step(x, g) {
        const { hyper, state } = optimizer;
        optimizer.k += 1;
        return x.map((xi, i) => {
          state[i] ??= {};
          return update(xi, hyper.maximize ? -g[i] : g[i], state[i], optimizer.k, hyper);
        });
      },
      state: [],
      rates: () => optimizer.state.map((s) => s.rate),
    };
    return optimizer;
  };

  // Schedules: step number k from 0 -> step size.
  adaopt.schedules = {
    constant: (lr) => () => lr,
    inverse: (lr, k0 = 1) => (k) => lr / (1 + k / k0),
    inverse_sqrt: (lr, k0 = 1) => (k) => lr / Math.sqrt(1 + k / k0),
  };

  // Runs the optimizer and records every step: on minibatches drawn by sampler(), or without one on
  // full gradients. rates are the effective step sizes; evaluations counts component gradients;
  // divergedAt is the step at which f exceeded limit * max(1, f(x0)), where the run stops, or null.
  // A problem with a set to stay in has project(x).
  adaopt.minimize = function (problem, optimizer, x0, steps, sampler, schedule, limit = 1e6) {
    let x = x0;
    let evaluations = 0;
    const { n = 1, minimum = 0 } = problem;
    const highest = limit * Math.max(1, problem.f(x0)) - minimum;
    const trace = {
      iterates: [x], gaps: [problem.gap(x)], rates: [], evaluations: [0], divergedAt: null,
    };
    for (let k = 0; k < steps; k++) {
      const batch = sampler ? sampler() : null;
      if (schedule) optimizer.hyper.lr = schedule(k);
      x = optimizer.step(x, batch ? problem.gradBatch(batch, x) : problem.grad(x, k));
      if (problem.project) x = problem.project(x);
      const gap = problem.gap(x);
      trace.iterates.push(x);
      trace.gaps.push(gap);
      trace.rates.push(optimizer.rates());
      trace.evaluations.push((evaluations += batch ? batch.length : n));
      if (!(gap <= highest)) { // also true for NaN
        trace.divergedAt = k + 1;
        break;
      }
    }
    return trace;
  };

  if (typeof module === "object") module.exports = adaopt;
})(globalThis.adaopt);
