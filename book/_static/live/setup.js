// The set-up of a race: a problem, a start, a number of steps, and up to five methods with their
// hyper-parameters. As text it is what a page writes on its <div> and what a shared address holds:
//   problem=rosenbrock  start=-1.5,1.5  steps=1000  methods=gd lr=0.001; adam lr=0.05 beta2=0.99
// A hyper-parameter that is not named has the NumPy edition's default.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  if (typeof require === "function") {
    require("./methods.js");
    require("./surfaces.js");
  }

  const MOST = 5;
  const between = (low, high) => (value) => low <= value && value <= high;
  const below = (high) => (value) => value >= 0 && value < high;
  const whole = (low, high) => (value) => Number.isInteger(value) && between(low, high)(value);
  const power = (exponents) => exponents.map((e) => Number(`1e${e}`));
  const digits = (value) => (
    value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
      ? value.toExponential().replace("e-", "e−").replace("e+", "e") : String(value)
  );
  const number = (label, values, start, valid, symbol = label) => (
    { label, values, start, valid, symbol, show: digits }
  );

  // ---- What can be chosen --------------------------------------------------------------------
  const DECAYS = [
    0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999,
  ];
  const MANTISSAS = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8];
  const RATES = [-5, -4, -3, -2, -1, 0].flatMap(
    (e) => MANTISSAS.map((m) => Number(`${m}e${e}`)),
  );
  const SETTINGS = {
    lr: number("Step size α", [...RATES, 10], null, between(0, Infinity), "α"),
    momentum: number("Momentum μ", DECAYS, null, below(1), "μ"),
    beta1: number("β₁", DECAYS, null, below(1)),
    beta2: number("β₂", DECAYS, null, below(1)),
    alpha: number("Decay rate β", DECAYS, null, below(1), "β"),
    rho: number("ρ", DECAYS, null, below(1)),
    eps: number("ε", power([-15, -12, -10, -8, -7, -6, -5, -4, -3, -2, -1, 0]), null,
      between(1e-30, Infinity)),
    eps_inside: {
      label: "ε stands", options: { true: "inside the root", false: "beside the root" },
      symbol: "ε inside",
    },
    weight_decay: number("Weight decay λ",
      [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1], null, between(0, Infinity), "λ"),
  };

  const PROBLEMS = {
    quadratic: {
      name: "Quadratic valley", make: (values) => adaopt.quadratic(values),
      controls: {
        condition: number("Condition κ",
          [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 300, 500, 1000], 20,
          between(1, Infinity)),
        angle: { ...number("Rotation", [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 60, 75, 90], 0,
          Number.isFinite), show: (angle) => `${angle}°` },
      },
    },
    rosenbrock: { name: "Rosenbrock", make: () => adaopt.rosenbrock(), controls: {} },
    beale: { name: "Beale", make: () => adaopt.beale(), controls: {} },
    himmelblau: { name: "Himmelblau", make: () => adaopt.himmelblau(), controls: {} },
    plane: {
      name: "Noisy finite sum", make: (values) => adaopt.noisySum(values),
      controls: {
        batch: { ...number("Batch size B", [1, 2, 3, 4, 6, 8, 12], 1, whole(1, 12)),
          show: (batch) => `${batch} of 12 terms` },
        seed: number("Seed", Array.from({ length: 30 }, (_, i) => i + 1), 1, whole(1, 1e6)),
      },
    },
    counterexample: {
      name: "Counterexample", make: (values) => adaopt.counterexample(values),
      controls: {
        c: number("Rare slope C", [2.5, 3, 4, 5, 10, 20, 50, 100], 3, between(2, 1e6)),
      },
    },
  };
  const STEPS = {
    ...number("Steps", [20, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10000], 100,
      whole(1, 100000)), name: "steps",
  };
  const FIRST = "gd lr=1.6; momentum lr=0.2; adagrad lr=0.5; rmsprop lr=0.05; adam lr=0.2";

  // ---- Methods -------------------------------------------------------------------------------
  // The hyper-parameters of a method that can be set, with their defaults; beta1 and beta2 stand
  // for the pair betas.
  function defaults(key) {
    const { rule, preset } = adaopt.methods[key];
    const { betas, ...all } = { ...adaopt.rules[rule].defaults, ...preset };
    if (betas) Object.assign(all, { beta1: betas[0], beta2: betas[1] });
    if (rule === "sgd" && !preset.momentum) delete all.momentum;
    const names = Object.keys(SETTINGS).filter((name) => name in all);
    return Object.fromEntries(names.map((name) => [name, all[name]]));
  }

  // {lr, beta1, beta2, ...} as adaopt.build wants it.
  function hyper({ beta1, beta2, ...rest }) {
    return beta1 === undefined ? rest : { ...rest, betas: [beta1, beta2] };
  }

  const newRun = (key, settings = {}) => ({ key, hyper: { ...defaults(key), ...settings } });

  // What differs from the defaults, and the step size: [name, value] pairs.
  const changes = (run) => Object.entries(run.hyper).filter(
    ([name, value]) => name === "lr" || value !== defaults(run.key)[name],
  );

  function label(run) {
    const settings = changes(run).map(([name, value]) => (
      name === "eps_inside"
        ? `ε ${SETTINGS.eps_inside.options[value]}` : `${SETTINGS[name].symbol} = ${digits(value)}`
    ));
    return `${adaopt.methods[run.key].name}, ${settings.join(", ")}`;
  }

  // ---- Text to set-up ------------------------------------------------------------------------
  function choose(name, text, table) {
    if (text in table) return text;
    const known = Object.keys(table).join(", ");
    throw new Error(`${name}: there is no "${text}". Choose from ${known}.`);
  }

  function readNumber(name, text, { valid, options }) {
    if (options) return choose(name, text, options) === "true";
    const value = Number(text);
    if (text.trim() === "" || !valid(value)) {
      throw new Error(`${name}: ${text.trim() || "nothing"} is not a value that it can have.`);
    }
    return value;
  }

  function readRun(text) {
    const [key, ...pairs] = text.trim().split(/\s+/);
    const run = newRun(choose("methods", key, adaopt.methods));
    for (const pair of pairs) {
      const [name, value = ""] = pair.split("=");
      choose(key, name, run.hyper);
      run.hyper[name] = readNumber(`${key} ${name}`, value, SETTINGS[name]);
    }
    return run;
  }

  // {problem: "quadratic", angle: "45", ...} -> the set-up; Error says what is wrong, by name.
  function read(texts) {
    const problem = choose("problem", texts.problem ?? "quadratic", PROBLEMS);
    const values = {};
    for (const [name, control] of Object.entries(PROBLEMS[problem].controls)) {
      values[name] = name in texts ? readNumber(name, texts[name], control) : control.start;
    }
    const steps = "steps" in texts ? readNumber("steps", texts.steps, STEPS) : STEPS.start;
    const dim = PROBLEMS[problem].make(values).start.length;
    let start = null; // the problem's own, which turns with a quadratic
    if ("start" in texts) {
      const finite = { valid: (x) => Math.abs(x) <= 1e6 };
      start = texts.start.split(",").map((x) => readNumber("start", x, finite));
      if (start.length !== dim) throw new Error(`start: ${dim} numbers are needed.`);
    }
    const runs = (texts.methods ?? FIRST).split(";").filter((run) => run.trim()).map(readRun);
    if (runs.length < 1 || runs.length > MOST) {
      throw new Error(`methods: ${runs.length} given, 1 to ${MOST} are possible.`);
    }
    return { problem, values, steps, start, runs };
  }

  // The set-up as text again: read(write(setup)) is the same set-up.
  function write({ problem, values, steps, start, runs }) {
    const texts = { problem };
    for (const [name, value] of Object.entries(values)) texts[name] = String(value);
    texts.steps = String(steps);
    if (start) texts.start = start.join(",");
    texts.methods = runs.map((run) => (
      [run.key, ...changes(run).map(([name, value]) => `${name}=${value}`)].join(" ")
    )).join(";");
    return texts;
  }

  // A query string that can be read, with "+" for a space; URLSearchParams takes it apart.
  const query = (setup) => Object.entries(write(setup)).map(
    ([name, text]) => `${name}=${text.replace(/\s+/g, "+")}`,
  ).join("&");

  adaopt.setup = {
    PROBLEMS, SETTINGS, STEPS, MOST, defaults, hyper, newRun, label, read, write, query,
  };
  if (typeof module === "object") module.exports = adaopt;
})(globalThis.adaopt);
