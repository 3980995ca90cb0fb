// The pictures of a race: paths, values and effective step sizes, up to a step that is shown.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
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
      const visited = shownOf(trace.iterates, shown).filter((x) => x.every(Number.isFinite));
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
      y: {
        range: decades(gaps, 1e-16, 100 * Math.max(first, 1e-12)), label: "f(x) − f*", log: true,
      },
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

  adaopt.race.draw = draw;
})(globalThis.adaopt);
