// Update rules: the browser's copy of adaopt.numpy, with the hyper-parameters that the live figures
// offer. tests/book/test_live_rules.py compares the two. No dependency; node can require this file.
//
// All these methods treat every coordinate alike, so a rule is written for one number x and its
// gradient g. It returns the next x. s is the state it keeps between steps, k the step number from
// 1, h the hyper-parameters. In s.rate it leaves the effective step size: the factor in front of
// the gradient, or of the average of gradients that it steps along.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  const average = (old = 0, value, beta) => beta * old + (1 - beta) * value;
  const root = (v, h) => (h.eps_inside ? Math.sqrt(v + h.eps) : Math.sqrt(v) + h.eps);

  // The averages that Adam keeps, of the gradients and of their squares.
  function moments(s, g, [beta1, beta2]) {
    s.m = average(s.m, g, beta1);
    s.v = average(s.v, g * g, beta2);
  }

  // The sign of c times lr, and the weights decay apart from it.
  function signStep(x, c, s, h) {
    s.rate = h.lr / Math.abs(c);
    return x - h.lr * (Math.sign(c) + h.weight_decay * x);
  }

  function adam(x, g, s, k, h) {
    const [beta1, beta2] = h.betas;
    moments(s, g, h.betas);
    const mHat = s.m / (1 - beta1 ** k);
    const vHat = s.v / (1 - beta2 ** k);
    s.rate = h.lr / (Math.sqrt(vHat) + h.eps);
    return x - s.rate * mHat;
  }

  const ADAM = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0 };

  adaopt.rules = {
    sgd: {
      defaults: { lr: 1e-3, momentum: 0, dampening: 0, weight_decay: 0, nesterov: false },
      update(x, g, s, k, h) {
        g += h.weight_decay * x;
        s.rate = h.lr;
        if (h.momentum === 0) return x - h.lr * g;
        // The first velocity is the gradient itself, not damped, as in torch.optim.SGD.
        s.v = s.v === undefined ? g : h.momentum * s.v + (1 - h.dampening) * g;
        return x - h.lr * (h.nesterov ? g + h.momentum * s.v : s.v);
      },
    },

    adagrad: {
      defaults: { lr: 1e-2, eps: 1e-6, eps_inside: true, weight_decay: 0 },
      update(x, g, s, k, h) {
        g += h.weight_decay * x;
        s.v = (s.v ?? 0) + g * g;
        s.rate = h.lr / root(s.v, h);
        return x - s.rate * g;
      },
    },

    rmsprop: {
      defaults: {
        lr: 1e-2, alpha: 0.99, eps: 1e-6, eps_inside: true, momentum: 0, weight_decay: 0,
      },
      update(x, g, s, k, h) {
        g += h.weight_decay * x;
        s.v = average(s.v, g * g, h.alpha);
        s.rate = h.lr / root(s.v, h);
        s.u = h.momentum * (s.u ?? 0) + g / root(s.v, h);
        return x - h.lr * s.u;
      },
    },

    adadelta: {
      defaults: { lr: 1, rho: 0.9, eps: 1e-6, weight_decay: 0 },
      update(x, g, s, k, h) {
        g += h.weight_decay * x;
        s.v = average(s.v, g * g, h.rho);
        const ratio = Math.sqrt((s.D ?? 0) + h.eps) / Math.sqrt(s.v + h.eps);
        s.D = average(s.D, (ratio * g) ** 2, h.rho);
        s.rate = h.lr * ratio;
        return x - s.rate * g;
      },
    },

    adam: {
      defaults: ADAM,
      update: (x, g, s, k, h) => adam(x, g + h.weight_decay * x, s, k, h),
    },

    adamw: {
      defaults: { ...ADAM, weight_decay: 1e-2 },
      update: (x, g, s, k, h) => adam(x - h.lr * h.weight_decay * x, g, s, k, h),
    },

    amsgrad: {
      defaults: ADAM,
      update(x, g, s, k, h) {
        moments(s, g + h.weight_decay * x, h.betas);
        s.largest = Math.max(s.largest ?? 0, s.v);
        s.rate = h.lr / (Math.sqrt(s.largest) + h.eps);
        return x - s.rate * s.m;
      },
    },

    nadam: {
      defaults: { ...ADAM, lr: 2e-3, momentum_decay: 4e-3 },
      update(x, g, s, k, h) {
        const [beta1, beta2] = h.betas;
        const mu = (step) => beta1 * (1 - 0.96 ** (step * h.momentum_decay) / 2);
        g += h.weight_decay * x;
        moments(s, g, h.betas);
        s.product = (s.product ?? 1) * mu(k);
        const ahead = s.product * mu(k + 1);
        const nHat = mu(k + 1) * s.m / (1 - ahead) + (1 - mu(k)) * g / (1 - s.product);
        s.rate = h.lr / (Math.sqrt(s.v / (1 - beta2 ** k)) + h.eps);
        return x - s.rate * nHat;
      },
    },

    nadamw: {
      defaults: { ...ADAM, weight_decay: 1e-2 },
      update(x, g, s, k, h) {
        const [beta1, beta2] = h.betas;
        moments(s, g, h.betas);
        const nHat = average(s.m, g, beta1) / (1 - beta1 ** k);
        s.rate = h.lr / (Math.sqrt(s.v / (1 - beta2 ** k)) + h.eps);
        return x - s.rate * nHat - h.lr * h.weight_decay * x;
      },
    },

    laprop: {
      defaults: { ...ADAM, lr: 4e-4, eps: 1e-15 },
      update(x, g, s, k, h) {
        const [beta1, beta2] = h.betas;
        s.v = average(s.v, g * g, beta2);
        const scale = 1 / (Math.sqrt(s.v / (1 - beta2 ** k)) + h.eps);
        s.m = average(s.m, scale * g, beta1);
        s.rate = h.lr * scale;
        return x - h.lr * (s.m / (1 - beta1 ** k) + h.weight_decay * x);
      },
    },

    signsgd: {
      defaults: { lr: 1e-3, weight_decay: 0 },
      update: (x, g, s, k, h) => signStep(x, g, s, h),
    },

    signum: {
      defaults: { lr: 1e-3, momentum: 0.9, weight_decay: 0 },
      update(x, g, s, k, h) {
        s.m = average(s.m, g, h.momentum);
        return signStep(x, s.m, s, h);
      },
    },

    lion: {
      defaults: { lr: 1e-4, betas: [0.9, 0.99], weight_decay: 0 },
      update(x, g, s, k, h) {
        const [beta1, beta2] = h.betas;
        const c = average(s.m, g, beta1);
        s.m = average(s.m, g, beta2);
        return signStep(x, c, s, h);
      },
    },
  };

  if (typeof module === "object") module.exports = adaopt;
})(globalThis.adaopt);
