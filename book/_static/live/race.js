// The race: runs the methods of a set-up on its problem, draws what they did, and says who won.
// adaopt.race.run computes, draw makes pictures of it; playground.js puts controls around them.
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

  adaopt.race = { run, tune, reached, TARGET };
  if (typeof module === "object") module.exports = adaopt;
  if (!adaopt.figures) return;

  // ---- Drawing -------------------------------------------------------------------------------
  const { number } = adaopt;

  // Contours at the levels that cut the window's area into parts: 1%, 4%, 9%, ... lie below.
  const drawn = new Map();
  function contours(problem, key) {
    if (!drawn.has(key)) {
      const [xs, ys] = problem.window;
      const at = ([low, high], i) => low + ((high - low) * i) / 40;
      const values = adaopt.range(0, 1680).map(
        (i) => problem.f([at(xs, i % 41), at(ys, Math.floor(i / 41))]),
      ).sort((a, b) => a - b);
      const levels = adaopt.range(1, 9).map((j) => values[Math.floor(1680 * (j / 10) ** 2)]);
      if (drawn.size > 50) drawn.clear();
      drawn.set(key, adaopt.contours(problem.f.bind(problem), xs, ys, levels, 48));
    }
    return drawn.get(key);
  }

  // What is drawn of a list up to the step `shown`.
  const shownOf = (points, shown) => points.slice(0, shown + 1);
  function series(values, shown, place) {
    const points = [];
    for (let k = 0; k < values.length && k <= shown; k++) points.push(place(values[k], k));
    return points;
  }

  function drawPaths({ problem, start, runs }, key, shown, width) {
    const [x, y] = problem.window;
    const plot = new adaopt.Plot(width, {
      x: { range: x, label: "x₁" }, y: { range: y, label: "x₂" },
      ratio: (y[1] - y[0]) / (x[1] - x[0]),
    });
    plot.segments(contours(problem, key), { color: "faint" });
    for (const point of problem.minimizers) plot.mark(point, { shape: "star", color: "ink" });
    for (const { trace, style } of runs) plot.line(shownOf(trace.iterates, shown), style);
    plot.mark(start, { shape: "ring" });
    for (const { trace, style } of runs) {
      const visited = shownOf(trace.iterates, shown).filter((point) => point.every(Number.isFinite));
      plot.mark(visited.at(-1), { shape: "dot", color: style.color });
    }
    return plot;
  }

  // In one dimension the path is x against the step.
  function drawLine({ problem, steps, runs }, shown, width) {
    const plot = new adaopt.Plot(width, {
      x: { range: [0, steps], label: "step k" }, y: { range: problem.window[0], label: "x" },
      ratio: 1,
    });
    for (const [best] of problem.minimizers) {
      plot.line([[0, best], [steps, best]], { color: "muted", line: ":", width: 2 });
    }
    for (const { trace, style } of runs) {
      plot.line(series(trace.iterates, shown, ([x], k) => [k, x]), style);
    }
    return plot;
  }

  // Whole powers of ten around the numbers, from `least` to `most` at the widest.
  function decades([lowest, highest], least, most) {
    const low = Math.max(least, Math.min(lowest, most));
    const high = Math.min(most, Math.max(highest, least));
    const bottom = Math.floor(Math.log10(low) + 1e-9);
    return [10 ** bottom, 10 ** Math.max(bottom + 1, Math.ceil(Math.log10(high) - 1e-9))];
  }

  const height = (ratio) => (width) => (width > 330 ? ratio : 0.5);

  function drawValues({ steps, runs, gaps }, shown, width, ratio) {
    const first = runs[0].trace.gaps[0];
    const plot = new adaopt.Plot(width, {
      x: { range: [0, steps], label: "step k" },
      y: { range: decades(gaps, 1e-16, 100 * Math.max(first, 1e-12)), label: "f(x) − f*", log: true },
      ratio: height(ratio)(width),
    });
    for (const { trace, style } of runs) {
      plot.line(series(trace.gaps, shown, (gap, k) => [k, gap]), style);
    }
    return plot;
  }

  // The effective step size of each coordinate; the second is drawn paler.
  function drawRates({ steps, runs, rates }, shown, width, ratio) {
    const plot = new adaopt.Plot(width, {
      x: { range: [0, steps], label: "step k" },
      y: { range: decades(rates, 1e-8, 1e3), label: "effective step", log: true },
      ratio: height(ratio)(width),
    });
    for (const { trace, style } of runs) {
      for (let i = trace.iterates[0].length - 1; i >= 0; i--) {
        const points = series(trace.rates, shown - 1, (rate, k) => [k + 1, rate[i]]);
        plot.line(points, { ...style, opacity: i ? 0.45 : 1 });
      }
    }
    return plot;
  }

  // {paths, plots}: the picture of the paths, and the two others, up to the step `shown`.
  function draw(race, key, shown, width, aside) {
    const flat = race.problem.window.length === 2;
    return {
      paths: flat ? drawPaths(race, key, shown, width) : drawLine(race, shown, width),
      plots: [
        drawValues(race, shown, width, aside ? 0.36 : 0.6),
        drawRates(race, shown, width, aside ? 0.36 : 0.6),
      ],
    };
  }

  // How each method stands at the step `shown`: {style, score}.
  const scores = ({ runs }, shown) => runs.map(({ style, trace }) => {
    if (trace.divergedAt !== null && trace.divergedAt <= shown) {
      return { style, score: `diverged at step ${trace.divergedAt}` };
    }
    const value = `f(x) − f* = ${number(trace.gaps[shown])}`;
    const first = reached(trace);
    const there = first === null || first > shown ? "" : `; ${TARGET} reached at step ${first}`;
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
      said.unshift(`After ${steps} steps ${best.label} ${lowest} ${number(last(best))}.`);
    }
    return said.join(" ");
  }

  Object.assign(adaopt.race, { draw, scores, finding });
})(globalThis.adaopt);
