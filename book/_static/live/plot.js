// A small SVG plot: axes (linear or log), lines, dots, marks, contours, a legend. Colours are the
// names of live.css's Okabe-Ito variables, so one drawing serves light, dark and print.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  const MARGIN = { top: 12, right: 14, bottom: 42, left: 56 };
  const DASHES = { "-": "", "--": "7 4", "-.": "8 3 2 3", ":": "2 3" };
  const paint = (color) => `var(--live-${color})`;

  // A mark of about 10 pixels, outlined in the page's colour so that it stands off a path.
  function mark(shape, x, y, color) {
    if (shape === "ring") {
      return `<circle cx="${x}" cy="${y}" r="4" stroke-width="2" ` +
        `style="fill:${paint("paper")};stroke:${paint(color)}"/>`;
    }
    const style = `style="fill:${paint(color)};stroke:${paint("paper")}"`;
    if (shape === "dot") return `<circle cx="${x}" cy="${y}" r="5" stroke-width="1.5" ${style}/>`;
    const corners = Array.from({ length: 10 }, (_, i) => {
      const [radius, angle] = [i % 2 ? 3.5 : 8, (i / 5 - 0.5) * Math.PI];
      return `${(x + radius * Math.cos(angle)).toFixed(1)} ` +
        `${(y + radius * Math.sin(angle)).toFixed(1)}`;
    });
    return `<path d="M${corners.join("L")}Z" stroke-width="1.5" ${style}/>`; // star
  }

  // Values 1, 2 or 5 times a power of ten inside [low, high], at most about `count` of them.
  function linearTicks([low, high], count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => {
      const value = (first + i) * step;
      return { value, text: String(+value.toPrecision(6)).replace("-", "−") };
    });
  }

  // Powers of ten inside [low, high], at most about `count` of them.
  function logTicks([low, high], count) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const stride = Math.ceil((last - first + 1) / count);
    const ticks = [];
    for (let e = first; e <= last; e += stride) {
      const exponent = String(e).replace("-", "−");
      ticks.push({ value: 10 ** e, text: `10<tspan dy="-5" font-size="9">${exponent}</tspan>` });
    }
    return ticks;
  }

  // An axis maps data to pixels: {range: [low, high], log, label}, drawn from `start` to `end`.
  function scale({ range, log }, start, end) {
    const t = log ? Math.log10 : Number;
    const [low, high] = range.map(t);
    const last = 40 * Math.abs(end - start); // clamped far outside: SVG dislikes huge numbers
    return (value) => {
      const pixel = start + ((t(value) - low) / (high - low)) * (end - start);
      return Math.round(10 * Math.max(-last, Math.min(last, pixel))) / 10;
    };
  }

  // Line segments, as [x0, y0, x1, y1], of the level sets f = level over a grid: marching squares
  // on triangles (each cell cut by a diagonal), which knows no ambiguous case.
  adaopt.contours = function (f, [x0, x1], [y0, y1], levels, cells = 72) {
    const xs = Array.from({ length: cells + 1 }, (_, i) => x0 + ((x1 - x0) * i) / cells);
    const ys = Array.from({ length: cells + 1 }, (_, j) => y0 + ((y1 - y0) * j) / cells);
    const corners = ys.map((y) => xs.map((x) => [x, y, f([x, y])]));
    const segments = [];
    const cross = (a, b, level) => {
      const t = (level - a[2]) / (b[2] - a[2]);
      return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    };
    const triangle = (a, b, c, level) => {
      const edges = [[a, b], [b, c], [c, a]].filter(([p, q]) => p[2] < level !== q[2] < level);
      if (edges.length) segments.push(edges.flatMap(([p, q]) => cross(p, q, level)));
    };
    for (const level of levels) {
      for (let j = 0; j < cells; j++) {
        for (let i = 0; i < cells; i++) {
          const [a, b] = [corners[j][i], corners[j][i + 1]];
          const [d, c] = [corners[j + 1][i], corners[j + 1][i + 1]];
          triangle(a, b, c, level);
          triangle(a, c, d, level);
        }
      }
    }
    return segments;
  };

  let plots = 0;
  const paths = new WeakMap();

  // new Plot(width, {x, y, ratio}): ratio = height / width of the area inside the axes. Each
  // method adds one thing on top of the last; svg() returns the drawing as text.
  adaopt.Plot = class {
    constructor(width, { x, y, ratio = 0.8 }) {
      this.left = MARGIN.left;
      this.right = width - MARGIN.right;
      this.top = MARGIN.top;
      this.bottom = this.top + Math.round((this.right - this.left) * ratio);
      Object.assign(this, { width, height: this.bottom + MARGIN.bottom, clip: `live-${++plots}` });
      this.x = scale(x, this.left, this.right);
      this.y = scale(y, this.bottom, this.top);
      this.ranges = { x: x.range, y: y.range };
      this.inside = [];
      this.outside = [];
      this.axes(x, y);
    }

    axes(x, y) {
      const { left, right, top, bottom } = this;
      const ticks = (axis, count) => (axis.log ? logTicks : linearTicks)(axis.range, count);
      const grid = [];
      for (const { value, text } of ticks(x, (right - left) / 55)) {
        grid.push(`M${this.x(value)} ${top}V${bottom}`);
        this.text(this.x(value), bottom + 17, text, "middle");
      }
      for (const { value, text } of ticks(y, (bottom - top) / 40)) {
        grid.push(`M${left} ${this.y(value)}H${right}`);
        this.text(left - 6, this.y(value) + 4, text, "end");
      }
      const middle = (top + bottom) / 2;
      this.text((left + right) / 2, bottom + 36, x.label, "middle");
      this.outside.push(
        `<text x="13" y="${middle}" text-anchor="middle" transform="rotate(-90 13 ${middle})">` +
          `${y.label}</text>`,
        `<path class="frame" d="M${left} ${top}V${bottom}H${right}"/>`,
      );
      this.inside.push(`<path class="grid" d="${grid.join("")}"/>`);
    }

    text(px, py, text, anchor) {
      this.outside.push(`<text x="${px}" y="${py}" text-anchor="${anchor}">${text}</text>`);
    }

    // points: [[x, y], ...] in data units; line: a matplotlib dash style. A point without a place
    // (NaN, or the logarithm of a negative number) breaks the line; one nearer than a pixel
    // to the last is left out.
    line(points, { color, line = "-", width = 2, opacity = 1 }) {
      const path = [];
      let joined = false, lastX = 0, lastY = 0;
      for (let i = 0; i < points.length; i++) {
        const px = this.x(points[i][0]), py = this.y(points[i][1]);
        const drawn = !Number.isNaN(px + py);
        const far = Math.abs(px - lastX) >= 1 || Math.abs(py - lastY) >= 1;
        if (drawn && (!joined || far || i === points.length - 1)) {
          path.push(`${joined ? "L" : "M"}${px} ${py}`);
          [lastX, lastY] = [px, py];
        }
        joined = drawn;
      }
      this.inside.push(
        `<path d="${path.join("")}" stroke-width="${width}" stroke-dasharray="${DASHES[line]}" ` +
          `opacity="${opacity}" style="stroke:${paint(color)}"/>`,
      );
    }

    // The data units of a pixel, of linear axes.
    locate(px, py) {
      const share = (pixel, start, end) => (pixel - start) / (end - start);
      const between = ([low, high], t) => low + Math.max(0, Math.min(1, t)) * (high - low);
      return [
        between(this.ranges.x, share(px, this.left, this.right)),
        between(this.ranges.y, share(py, this.bottom, this.top)),
      ];
    }

    // Contours stay while methods change, so their path is kept as long as the plot's size.
    segments(segments, { color, width = 1 }) {
      if (paths.get(segments)?.width !== this.width) {
        const path = segments.map(
          ([x0, y0, x1, y1]) => `M${this.x(x0)} ${this.y(y0)}L${this.x(x1)} ${this.y(y1)}`,
        );
        paths.set(segments, { width: this.width, path: path.join("") });
      }
      this.inside.push(
        `<path d="${paths.get(segments).path}" stroke-width="${width}" ` +
          `style="stroke:${paint(color)}"/>`,
      );
    }

    // Dots are lines of length zero with round ends: one element, however many.
    dots(points, { color, radius = 2 }) {
      const path = points.map(([x, y]) => `M${this.x(x)} ${this.y(y)}h0`).join("");
      this.inside.push(
        `<path d="${path}" stroke-width="${2 * radius}" stroke-linecap="round" ` +
          `style="stroke:${paint(color)}"/>`,
      );
    }

    // shape: "dot", "ring" or "star"
    mark([x, y], { shape, color = "ink" }) {
      this.inside.push(mark(shape, this.x(x), this.y(y), color));
    }

    svg() {
      const { left, right, top, bottom, width, height, clip } = this;
      return (
        `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
        `aria-hidden="true"><clipPath id="${clip}"><rect x="${left}" y="${top}" ` +
        `width="${right - left}" height="${bottom - top}"/></clipPath>` +
        `<g clip-path="url(#${clip})">${this.inside.join("")}</g>${this.outside.join("")}</svg>`
      );
    }
  };

  // One entry of a legend: a sample of the line or mark, and its text.
  adaopt.key = function (style, text) {
    const { shape, color = "ink", line = "-", width = 2, opacity = 1 } = style;
    const size = shape ? 18 : 28;
    const sample = shape
      ? mark(shape, 9, 9, color)
      : `<path d="M0 9H28" stroke-width="${width}" stroke-dasharray="${DASHES[line]}" ` +
        `opacity="${opacity}" style="stroke:${paint(color)}"/>`;
    return `<span class="key"><svg viewBox="0 0 ${size} 18" width="${size}" height="18" ` +
      `aria-hidden="true">${sample}</svg>${text}</span>`;
  };
})(globalThis.adaopt);
