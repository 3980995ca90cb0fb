// The race: runs the methods of a set-up on its problem, tunes their step sizes, and says in words
// how they stand. race_plots.js draws it, and playground.js puts controls around the drawing.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  if (typeof require === "function") require("./setup.js");
  const { PROBLEMS, SETTINGS, hyper, label } = adaopt.setup;

  const TARGET = 1e-3; // the step at which f - f* first gets there is told

  // ---- Computing -----------------------------------------------------------------------------
  const problemOf = ({ problem, values }) => PROBLEMS[problem].make(values);

  function runOne(problem, run, start, steps) {
    const full = run.key === "gd" || !problem.sampler; // GD takes all terms at every step
    return adaopt.minimize(
      problem, adaopt.build(run.key, hyper(run.hyper)), start, steps,
      full ? null : problem.sampler(), problem.schedule && problem.schedule(run.hyper.lr),
    );
  }

  // {problem, start, steps, runs: [{label, style, trace}]}
  function run(setup) {
    const problem = problemOf(setup);
    const start = setup.start ?? problem.start;
    const seen = {};
    const runs = setup.runs.map((one) => {
      const { color, line } = adaopt.methods[one.key];
      seen[one.key] = (seen[one.key] ?? 0) + 1; // a method that comes again is drawn thinner
      return {
        label: label(one), style: { color, line, width: 2.4 / seen[one.key] },
        trace: runOne(problem, one, start, setup.steps),
      };
    });
    return {
      problem, start, steps: setup.steps, runs,
      gaps: extent(runs.map(({ trace }) => trace.gaps)),
      rates: extent(runs.flatMap(({ trace }) => trace.rates)),
    };
  }

  // The smallest and the largest number above 0 in lists of numbers.
  function extent(lists) {
    let low = Infinity, high = 0;
    for (const list of lists) {
      for (let i = 0; i < list.length; i++) {
        if (list[i] > 0 && list[i] < low) low = list[i];
        if (list[i] > high && list[i] < Infinity) high = list[i];
      }
    }
    return [low, high];
  }

  // The set-up with every step size the best of the slider's: least mean of f - f* over the last
  // tenth of the steps.
  function tune(setup) {
    const problem = problemOf(setup);
    const start = setup.start ?? problem.start;
    const score = (one) => {
      const { gaps, divergedAt } = runOne(problem, one, start, setup.steps);
      const late = gaps.slice(-Math.ceil(setup.steps / 10));
      return divergedAt === null ? late.reduce((a, b) => a + b) / late.length : Infinity;
    };
    const runs = setup.runs.map((one) => {
      const tried = SETTINGS.lr.values.map((lr) => ({ ...one, hyper: { ...one.hyper, lr } }));
      const scores = tried.map(score);
      return tried[scores.indexOf(Math.min(...scores))];
    });
    return { ...setup, runs };
  }

  const reached = ({ gaps }) => {
    const step = gaps.findIndex((gap) => gap <= TARGET);
    return step < 0 ? null : step;
  };

  // How each method stands at the step `shown`: {style, score}.
  const scores = ({ runs }, shown) => runs.map(({ style, trace }) => {
    if (trace.divergedAt !== null && trace.divergedAt <= shown) {
      return { style, score: `diverged at step ${trace.divergedAt}` };
    }
    const value = `f(x) − f* = ${adaopt.number(trace.gaps[shown])}`;
    const first = reached(trace);
    const there = first === null || first > shown ? "" : `; ${TARGET} at step ${first}`;
    return { style, score: value + there };
  });

  // One or two plain sentences about the whole race.
  function finding({ runs, steps }) {
    const name = ({ label }) => label.split(",")[0];
    const last = ({ trace }) => trace.gaps.at(-1);
    const alive = runs.filter(({ trace }) => trace.divergedAt === null);
    const said = runs.filter((run) => !alive.includes(run)).map(
      (run) => `${name(run)} diverges at step ${run.trace.divergedAt}.`,
    );
    if (alive.length) {
      const best = alive.reduce((a, b) => (last(b) < last(a) ? b : a));
      const lowest = runs.length > 1 ? "is lowest: f(x) − f* is" : "has f(x) − f* =";
      said.unshift(`After ${steps} steps ${best.label} ${lowest} ${adaopt.number(last(best))}.`);
    }
    return said.join(" ");
  }

  adaopt.race = { run, tune, reached, scores, finding };
  if (typeof module === "object") module.exports = adaopt;
})(globalThis.adaopt);
