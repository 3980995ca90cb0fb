// The live figures of lecture 1: SGD in the plane, and its noise floor.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  const { number, range } = adaopt;
  const { A, b, x0 } = adaopt.plane;
  const problem = new adaopt.LeastSquares(A, b);
  const { n, smoothness } = problem;

  const TOO_LARGE = "f(x) exceeds a million times its first value. The step is too large.";

  // Step sizes are chosen in units of 1/L, where GD's limit is 2.
  const stepControl = (values, start) => ({
    name: "step", label: "Step size α", values, start,
    show: (c) => `${c}/L = ${number(c / smoothness)}`,
  });
  const batchControl = (start) => ({
    name: "batch", label: "Batch size B", values: range(1, n), start,
    show: (batch) => `${batch} of ${n} terms`,
  });
  const seedControl = {
    name: "seed", label: "Seed", values: range(1, 30), start: 1, show: String,
  };

  // ---- SGD in the plane: the path, and what each component gradient buys --------------------
  const BUDGET = 30 * n; // component gradients: 30 passes over the data
  const PLANE = { x: { range: [-1.5, 3], label: "x₁" }, y: { range: [-2, 1.6], label: "x₂" } };
  const LEVELS = range(-4, 4).map((e) => 2.5 ** e);
  const contours = adaopt.contours(
    (x) => problem.gap(x), PLANE.x.range, PLANE.y.range, LEVELS,
  );
  const METHODS = Object.fromEntries(["sgd", "momentum", "nesterov"].map((key) => {
    const { name, preset } = adaopt.methods[key];
    return [key, preset.momentum ? `${name} ${preset.momentum}` : name];
  }));
  const MARKS = {
    start: { shape: "ring" }, end: { shape: "dot" },
    minimizer: { shape: "star", color: "vermillion" },
  };

  adaopt.figures.sgd = {
    title: `A run on ${n} least-squares terms in the plane`,
    panels: 2,
    controls: [
      stepControl(
        [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.5, 1.8, 1.99, 2.01, 2.2, 2.5, 3], 0.2,
      ),
      batchControl(1),
      seedControl,
      { name: "method", label: "Method", start: "sgd", options: METHODS },
    ],
    draw({ step, batch, seed, method }, width) {
      const { color, line } = adaopt.methods[method];
      // Terms are drawn with replacement; a batch of n means all of them.
      const trace = adaopt.minimize(
        problem, adaopt.build(method, { lr: step / smoothness }), x0,
        Math.floor(BUDGET / batch), adaopt.sampler(n, batch, seed, batch < n),
      );
      const { iterates, gaps, evaluations, divergedAt } = trace;
      const last = iterates.length - 1;

      const plane = new adaopt.Plot(width, { ...PLANE, ratio: 0.8 });
      plane.segments(contours, { color: "faint" });
      plane.line(iterates, { color, line, width: 1.5 });
      plane.dots(iterates, { color, radius: 1.8 });
      plane.mark(problem.minimizer, MARKS.minimizer);
      plane.mark(x0, MARKS.start);
      plane.mark(iterates[last], MARKS.end);

      const value = new adaopt.Plot(width, {
        x: { range: [0, BUDGET], label: "component gradients evaluated" },
        y: { range: [1e-6, 100], label: "f(x) − f*", log: true },
      });
      value.line(evaluations.map((e, k) => [e, gaps[k]]), { color, line });

      return {
        panels: [plane.svg(), value.svg()],
        keys: [
          adaopt.key({ color, line }, METHODS[method]),
          adaopt.key(MARKS.start, "start"),
          adaopt.key(MARKS.end, "end"),
          adaopt.key(MARKS.minimizer, "minimizer x*"),
        ].join(""),
        finding: finding(),
      };

      function finding() {
        const name = METHODS[method];
        const spent = `${evaluations[last]} component gradients (${last} steps)`;
        const [first, now] = [number(gaps[0]), number(gaps[last])];
        if (divergedAt !== null) {
          return `${name} diverges at evaluation ${evaluations[last]} (step ${divergedAt}): ` +
            TOO_LARGE;
        }
        if (gaps[last] > gaps[0]) {
          return `${name} moves away: after ${spent} f(x) − f* is ${now}, more than the ${first} ` +
            "it began with.";
        }
        const whole = batch === n ? " Every step uses all terms: no sampling noise." : "";
        return `${name}: after ${spent} f(x) − f* is ${now}; it began at ${first}.${whole}`;
      }
    },
  };

  // ---- The noise floor: where a constant step stops, and what a schedule does ---------------
  const STEPS = 2000;
  const RUNS = 8;
  const K0 = 100; // here the schedules have brought the step to α/2 and α/√2
  // About 160 step numbers, evenly spaced on the log axis.
  const SHOWN = [...new Set(range(0, 160).map((i) => Math.round(STEPS ** (i / 160))))];

  adaopt.figures["noise-floor"] = {
    title: "The noise floor of SGD",
    panels: 1,
    controls: [
      stepControl([0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.5], 0.1),
      batchControl(1),
      {
        name: "schedule", label: "Step at iteration k", start: "constant",
        options: {
          constant: "constant: α", inverse: `α / (1 + k/${K0})`,
          inverse_sqrt: `α / √(1 + k/${K0})`,
        },
      },
      {
        name: "sampling", label: "Terms of a minibatch", start: "independent",
        options: { independent: "drawn with replacement", distinct: "distinct within it" },
      },
    ],
    draw({ step, batch, schedule, sampling }, width) {
      const replace = sampling === "independent";
      const stepAt = adaopt.schedules[schedule](step / smoothness, K0);
      const floorAt = (k) => problem.floor(stepAt(k), batch, replace);
      const run = (sampler) => adaopt.minimize(
        problem, adaopt.build("sgd"), x0, STEPS, sampler, stepAt,
      );
      const runs = range(1, RUNS).map(
        (seed) => run(adaopt.sampler(n, batch, seed, replace)).gaps,
      );
      const last = Math.min(...runs.map((gaps) => gaps.length)) - 1; // < STEPS: a run diverged
      const shown = SHOWN.filter((k) => k <= last);
      const mean = (k) => runs.reduce((sum, gaps) => sum + gaps[k], 0) / RUNS;
      const half = range(STEPS / 2, STEPS);
      const average = (value) => half.reduce((sum, k) => sum + value(k), 0) / half.length;
      const measured = average(mean);
      const predicted = average(floorAt);

      const population = replace ? "" : " · (n − B) / (n − 1)";
      const styles = {
        run: { color: "sky", width: 1, opacity: 0.9 },
        mean: { color: "blue", width: 2 },
        floor: { color: "vermillion", line: "--", width: 2 },
        half: { color: "ink", width: 4 },
      };
      const plot = new adaopt.Plot(width, {
        x: { range: [1, STEPS], label: "step k", log: true },
        y: { range: [1e-5, 10], label: "f(x) − f*", log: true },
        ratio: width > 500 ? 0.5 : 0.8,
      });
      plot.line(shown.map((k) => [k, runs[0][k]]), styles.run);
      plot.line(shown.map((k) => [k, mean(k)]), styles.mean);
      if (predicted > 0) plot.line(SHOWN.map((k) => [k, floorAt(k)]), styles.floor);
      if (last === STEPS) plot.line([[STEPS / 2, measured], [STEPS, measured]], styles.half);

      return {
        panels: [plot.svg()],
        keys: [
          adaopt.key(styles.run, "one run"),
          adaopt.key(styles.mean, `mean of ${RUNS} runs`),
          adaopt.key(styles.floor, `predicted floor α tr(S) / 4B${population}`),
          adaopt.key(styles.half, "measured mean of the last half"),
        ].join(""),
        finding: finding(),
      };

      function finding() {
        if (last < STEPS) {
          return `One of the ${RUNS} runs diverges at step ${last}: ${TOO_LARGE}`;
        }
        if (predicted === 0) {
          return "All terms in every step: no noise and no floor; this is gradient descent.";
        }
        const numbers = `over the last half the mean of f(x) − f* is ${number(measured)}; ` +
          `predicted ${number(predicted)}, ratio ${number(measured / predicted)}.`;
        if (measured > runs[0][0]) return `Does not settle: ${numbers} The step is too large.`;
        // On a quadratic the mean iterate of SGD is GD's iterate, so GD's gap is what is left of
        // the start.
        const all = range(0, n - 1);
        const descent = run(() => all).gaps;
        if (average((k) => descent[k]) > predicted / 10) return `Still on its way down: ${numbers}`;
        const remark = measured > 1.5 * predicted ? " The prediction is for small steps." : "";
        const what = schedule === "constant" ? "Stops at a floor" : "The floor falls with the step";
        return `${what}: ${numbers}${remark}`;
      }
    },
  };
})(globalThis.adaopt);
