// Newton-Schulz iterations on singular values: the maps of adaopt.numpy.polar, and the live figure
// that draws them. tests/book/test_live_matrix.py compares the numbers with the package's.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  // Polar Express as published; all but the last are taken at s / 1.01.
  const EXPRESS = [
    [8.28721201814563, -23.595886519098837, 17.300387312530933],
    [4.107059111542203, -2.9478499167379106, 0.5448431082926601],
    [3.9486908534822946, -2.908902115962949, 0.5518191394370137],
    [3.3184196573706015, -2.488488024314874, 0.51004894012372],
    [2.300652019954817, -1.6689039845747493, 0.4188073119525673],
    [1.891301407787398, -1.2679958271945868, 0.37680408948524835],
    [1.8750014808534479, -1.2500016453999487, 0.3750001645474248],
    [1.875, -1.25, 0.375],
  ];
  const SAFETY = 1.01;
  const safe = EXPRESS.map((row, k) => (
    k < EXPRESS.length - 1 ? row.map((c, i) => c / SAFETY ** (2 * i + 1)) : row
  ));
  // Coefficients of s, s³, s⁵, ... of step k = 0, 1, ...
  const ITERATIONS = {
    cubic: { name: "Newton-Schulz, degree 3", at: () => [1.5, -0.5] },
    classic: { name: "Newton-Schulz, degree 5", at: () => [1.875, -1.25, 0.375] },
    septic: { name: "Newton-Schulz, degree 7", at: () => [2.1875, -2.1875, 1.3125, -0.3125] },
    quintic: { name: "Muon, degree 5", at: () => [3.4445, -4.775, 2.0315] },
    express: { name: "Polar Express, degree 5", at: (k) => safe[Math.min(k, safe.length - 1)] },
  };

  // A step of degree 2d + 1 costs d + 1 matrix products: A = XXᵀ, its powers, and the last one.
  const products = (key) => ITERATIONS[key].at(0).length;

  function coefficients(key, k, shift = []) {
    const row = ITERATIONS[key].at(k);
    const length = Math.max(row.length, shift.findLastIndex((d) => d !== 0) + 1);
    return Array.from({ length }, (_, i) => (row[i] || 0) + (shift[i] || 0));
  }

  // Horner's rule in s².
  const odd = (row, s) => s * row.reduceRight((sum, c) => sum * s * s + c, 0);

  // Every singular value after 0, 1, ..., steps steps; what diverges stays at a million.
  function orbits(key, sigma, steps, shift) {
    const rows = Array.from({ length: steps }, (_, k) => coefficients(key, k, shift));
    const after = (s, row) => Math.max(-1e6, Math.min(1e6, odd(row, s)));
    const values = [sigma];
    for (const row of rows) values.push(values.at(-1).map((s) => after(s, row)));
    return values;
  }

  adaopt.matrix = { EXPRESS, ITERATIONS, products, coefficients, orbits };
  if (typeof module === "object") module.exports = adaopt;
  if (!adaopt.figures) return;

  // ---- The figure ----------------------------------------------------------------------------
  const STEPS = 15;
  const LATE = 60; // by then what converges has converged
  const POINTS = 240;
  const grid = (low) => Array.from({ length: POINTS + 1 }, (_, i) => low ** (1 - i / POINTS));
  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
  const range = (reach, step) => Array.from(
    { length: 2 * Math.round(reach / step) + 1 }, (_, i) => +(i * step - reach).toFixed(2),
  );
  const shiftControl = (name, power, reach, step) => ({
    name, label: `Add to the coefficient of ${power}`, values: range(reach, step), start: 0,
    show: signed,
  });
  const POWERS = ["s", "s³", "s⁵", "s⁷"];
  const written = (row) => row.map((c, i) => (
    `${c < 0 ? "−" : i ? "+" : ""}${i ? " " : ""}${Math.abs(c).toFixed(4)} ${POWERS[i]}`
  )).join(" ");

  // The largest distance to 1 of each set of values.
  const errors = (sets) => sets.map((values) => Math.max(...values.map((s) => Math.abs(1 - s))));

  adaopt.figures.matrix = {
    title: "What matrix polynomials do to singular values",
    panels: 2,
    controls: [
      {
        name: "iteration", label: "Polynomial", start: "quintic",
        options: Object.fromEntries(
          Object.entries(ITERATIONS).map(([key, { name }]) => [key, name]),
        ),
      },
      {
        name: "steps", label: "Steps", start: 5, show: String,
        values: Array.from({ length: STEPS }, (_, i) => i + 1),
      },
      {
        name: "low", label: "Smallest singular value", start: 0.01, show: String,
        values: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
      },
      shiftControl("a", "s", 1.5, 0.05),
      shiftControl("b", "s³", 1.5, 0.05),
      shiftControl("c", "s⁵", 1.5, 0.05),
    ],
    draw({ iteration, steps, low, a, b, c }, width) {
      const shift = [a, b, c];
      const sets = orbits(iteration, grid(low), LATE, shift);
      const [least, most] = [Math.min(...sets[steps]), Math.max(...sets[steps])];
      const found = errors(sets);
      const cost = coefficients(iteration, 0, shift).length;
      const name = ITERATIONS[iteration].name + (shift.some(Boolean) ? ", changed" : "");

      const styles = {
        chosen: { color: "blue", width: 2 },
        other: { color: "faint", width: 1.5 },
        one: { color: "vermillion", line: "--", width: 1.5 },
      };
      const map = new adaopt.Plot(width, {
        x: { range: [1e-4, 1], label: "singular value before", log: true },
        y: { range: [0, 1.5], label: `after ${steps} ${steps === 1 ? "step" : "steps"}` },
        ratio: 0.8,
      });
      map.line([[1e-4, 1], [1, 1]], styles.one);
      map.line([[low, 0], [low, 1.5]], { color: "muted", line: ":", width: 1.5 });
      const [before, after] = [grid(1e-4), orbits(iteration, grid(1e-4), steps, shift)[steps]];
      map.line(before.map((s, i) => [s, after[i]]), styles.chosen);

      const error = new adaopt.Plot(width, {
        x: { range: [0, 45], label: "matrix products" },
        y: { range: [1e-8, 10], label: "largest distance to 1", log: true },
        ratio: 0.8,
      });
      const path = (list, each) => list.map((e, k) => [each * k, Math.max(e, 1e-12)]);
      for (const key of Object.keys(ITERATIONS)) {
        const others = errors(orbits(key, grid(low), STEPS, []));
        error.line(path(others, products(key)), styles.other);
      }
      error.line(path(found.slice(0, STEPS + 1), cost), styles.chosen);
      error.mark([cost * steps, Math.max(found[steps], 1e-8)], { shape: "dot", color: "blue" });

      return {
        panels: [map.svg(), error.svg()],
        keys: [
          adaopt.key(styles.chosen, name),
          adaopt.key(styles.other, "the five of the menu"),
          adaopt.key(styles.one, "1: the polar factor"),
          adaopt.key({ color: "muted", line: ":", width: 1.5 }, "smallest singular value"),
        ].join(""),
        finding: finding(),
      };

      function finding() {
        const row = written(coefficients(iteration, steps - 1, shift));
        const which = iteration === "express" ? `, the last with ${row}` : ` of ${row}`;
        const count = `${steps} ${steps === 1 ? "step" : "steps"}${which}`;
        const start =
          `${count}, ${cost * steps} matrix products: singular values from ${low} to 1 `;
        if (!(most < 1e3 && least > -1e3)) return `${start}diverge.`;
        const where = `end in [${least.toFixed(2)}, ${most.toFixed(2)}]`.replaceAll("-", "−");
        const far = `${start}${where}, at most ${adaopt.number(found[steps])} from 1.`;
        return found[LATE] < 1e-3 ? far : `${far} More steps do not bring them to 1.`;
      }
    },
  };
})(globalThis.adaopt);
