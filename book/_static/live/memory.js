// The memory budget: the formulas of adaopt.memory, and the live figure that draws them.
// tests/book/test_live_memory.py compares the numbers with the package's.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  const model = (layers, heads, width) => (
    { layers, heads, width, context: 1024, vocabulary: 50257, dropout: 0.1 }
  );
  const MODELS = {
    "gpt2": model(12, 12, 768),
    "gpt2-medium": model(24, 16, 1024),
    "gpt2-large": model(36, 20, 1280),
    "gpt2-xl": model(48, 25, 1600),
  };
  // Bytes per parameter of weights, gradients and master copy, and per number of the optimizer's
  // state and of the activations.
  const PRECISIONS = {
    "fp32": { parameter: 4, gradient: 4, master: 0, state: 4, activation: 4 },
    "fp16": { parameter: 2, gradient: 2, master: 4, state: 4, activation: 2 },
    "bf16": { parameter: 2, gradient: 2, master: 4, state: 4, activation: 2 },
    "bf16-pure": { parameter: 2, gradient: 2, master: 0, state: 2, activation: 2 },
  };
  const STATE = { sgd: 0, momentum: 1, lion: 1, adamw: 2, ademamix: 3 }; // numbers per parameter

  const sum = (terms) => Object.values(terms).reduce((a, b) => a + b, 0);

  function parameters(c) {
    const h = c.width;
    return c.vocabulary * h + c.context * h + c.layers * (12 * h * h + 13 * h) + 2 * h;
  }

  function states(c, { optimizer, precision, zero, devices }) {
    const n = parameters(c);
    const p = PRECISIONS[precision];
    const share = (size, from) => (zero >= from ? Math.ceil(size / devices) : size);
    return {
      parameters: share(p.parameter * n, 3),
      gradients: share(p.gradient * n, 2),
      master: share(p.master * n, 1),
      optimizer: share(p.state * STATE[optimizer] * n, 1),
    };
  }

  // Bytes that one layer saves: 34 sbh + 5 abss in 16 bits with eager attention.
  function layerTerms(c, { batch, seq, precision, attention }) {
    const e = PRECISIONS[precision].activation;
    const sbh = seq * batch * c.width;
    const scores = c.heads * batch * seq * seq;
    const drop = c.dropout > 0 ? 1 : 0;
    return {
      "normalization inputs": 2 * e * sbh,
      "qkv input": e * sbh,
      "queries, keys, values": 3 * e * sbh,
      ...(attention === "eager"
        ? {
          "softmax": e * scores,
          "softmax mask": scores * drop,
          "softmax after dropout": e * scores * drop,
        }
        : { "log-sum-exp": 4 * c.heads * seq * batch }),
      "attention output": e * sbh,
      "feed-forward input": e * sbh,
      "GELU input": 4 * e * sbh,
      "GELU output": 4 * e * sbh,
      "dropout masks": 2 * sbh * drop,
    };
  }

  function headTerms(c, { batch, seq, precision }) {
    const e = PRECISIONS[precision].activation;
    const sbh = seq * batch * c.width;
    return {
      "embedding mask": c.dropout > 0 ? sbh : 0,
      "last normalization input": e * sbh,
      "head input": e * sbh,
      "log-probabilities": 4 * seq * batch * c.vocabulary,
    };
  }

  // checkpoint: layers per segment, 0 for none.
  const inputs = (c, { batch, seq, precision, checkpoint }) => (
    PRECISIONS[precision].activation * seq * batch * c.width * Math.ceil(c.layers / checkpoint)
  );

  function saved(c, plan) {
    const layers = plan.checkpoint ? inputs(c, plan) : c.layers * sum(layerTerms(c, plan));
    return layers + sum(headTerms(c, plan));
  }

  // The worse of two moments: the loss with two more 32-bit copies of the logits, or the inputs of
  // the segments with the inside of one.
  function peak(c, plan) {
    const atLoss = saved(c, plan) + 8 * plan.seq * plan.batch * c.vocabulary;
    if (!plan.checkpoint) return atLoss;
    return Math.max(atLoss, inputs(c, plan) + plan.checkpoint * sum(layerTerms(c, plan)));
  }

  const total = (c, plan) => sum(states(c, plan)) + peak(c, plan);

  // The largest batch that fits, 0 if not one sequence does.
  function largestBatch(c, plan, room) {
    const fits = (batch) => total(c, { ...plan, batch }) <= room;
    if (!fits(1)) return 0;
    let low = 1;
    let high = 2;
    while (fits(high)) [low, high] = [high, 2 * high];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (fits(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  adaopt.memory = {
    MODELS, PRECISIONS, STATE, parameters, states, layerTerms, headTerms, saved, peak, total,
    largestBatch,
  };
  if (typeof module === "object") module.exports = adaopt;
  if (!adaopt.figures) return;

  // ---- The figure ----------------------------------------------------------------------------
  const gb = (bytes) => (bytes / 1e9).toFixed(bytes < 99.95e9 ? 2 : 1);
  const slider = (name, label, values, start, show = String) => (
    { name, label, values, start, show }
  );
  const menu = (name, label, options, start) => ({ name, label, options, start });
  const same = (keys) => Object.fromEntries(keys.map((key) => [key, key]));
  const PARTS = [
    ["weights", "blue"], ["gradients", "orange"], ["master copy", "green"],
    ["optimizer state", "purple"], ["saved activations", "sky"], ["backward pass", "vermillion"],
  ];
  const square = (color) => (
    '<svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true">' +
    `<rect x="2" y="2" width="14" height="14" style="fill:var(--live-${color})"/></svg>`
  );

  // The parts side by side, numbered where there is room, and the device's memory as a line.
  function bar(sizes, room, width) {
    const whole = Math.max(sum(sizes), room) * 1.04;
    const left = 6;
    const scale = (width - 2 * left) / whole;
    const drawn = [];
    let x = left;
    sizes.forEach((size, i) => {
      const w = size * scale;
      const style = `fill:var(--live-${PARTS[i][1]});stroke:var(--live-paper)`;
      drawn.push(
        `<rect x="${x.toFixed(1)}" y="26" width="${w.toFixed(1)}" height="44" style="${style}"/>`,
      );
      if (w > 14) {
        const at = `x="${(x + w / 2).toFixed(1)}" y="86" text-anchor="middle"`;
        drawn.push(`<text ${at}>${i + 1}</text>`);
      }
      x += w;
    });
    const limit = left + room * scale;
    const anchor = limit > width / 2 ? "end" : "start";
    const shift = anchor === "end" ? -5 : 5;
    drawn.push(
      `<path d="M${limit.toFixed(1)} 6V76" stroke-width="2" stroke-dasharray="5 3" ` +
        'style="stroke:var(--live-ink)"/>',
      `<text x="${(limit + shift).toFixed(1)}" y="17" text-anchor="${anchor}">` +
        `the device: ${room / 1e9} GB</text>`,
    );
    return `<svg viewBox="0 0 ${width} 94" width="${width}" height="94" aria-hidden="true">` +
      `${drawn.join("")}</svg>`;
  }

  adaopt.figures.memory = {
    title: "The memory of training a GPT-2 on one device",
    panels: 1,
    controls: [
      menu("model", "Model", same(Object.keys(MODELS)), "gpt2-xl"),
      slider("batch", "Sequences per device", [1, 2, 4, 8, 16, 32, 64, 128], 1),
      slider("seq", "Tokens per sequence", [128, 256, 384, 512, 640, 768, 896, 1024], 1024),
      menu("optimizer", "Optimizer", same(Object.keys(STATE)), "adamw"),
      menu("precision", "Precision", {
        "fp32": "fp32", "fp16": "fp16, mixed", "bf16": "bf16, mixed", "bf16-pure": "bf16 alone",
      }, "fp16"),
      menu("attention", "Attention", {
        eager: "written out (eager)", flash: "flash attention",
      }, "eager"),
      menu("checkpoint", "Checkpointing", {
        0: "none", 1: "every layer", 2: "every 2 layers", 3: "every 3 layers",
        4: "every 4 layers", 7: "every 7 layers",
      }, "0"),
      menu("zero", "ZeRO shares", {
        0: "nothing", 1: "optimizer state (1)", 2: "and gradients (2)", 3: "and weights (3)",
      }, "0"),
      slider("devices", "Devices", [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], 1),
      slider("room", "Memory of a device", [8, 16, 24, 32, 40, 48, 80, 141, 192], 32,
        (size) => `${size} GB`),
    ],
    draw(values, width) {
      const c = MODELS[values.model];
      const plan = {
        ...values, checkpoint: Number(values.checkpoint), zero: Number(values.zero),
      };
      const room = values.room * 1e9;
      const keep = saved(c, plan);
      const sizes = [...Object.values(states(c, plan)), keep, peak(c, plan) - keep];
      const whole = sum(sizes);
      const batch = largestBatch(c, plan, room);
      const largest = batch ? `The largest batch that fits is ${batch}.` : "Not even one does.";
      const per = plan.devices > 1 ? `On each of ${plan.devices} devices ` : "";
      const count = plan.batch === 1 ? "one sequence needs" : `${plan.batch} sequences need`;
      const start = per ? `${per}${count}` : count[0].toUpperCase() + count.slice(1);
      return {
        panels: [bar(sizes, room, width)],
        keys: PARTS.map(([name, color], i) => (
          `<span class="key">${square(color)}${i + 1} ${name}: ${gb(sizes[i])} GB</span>`
        )).join(""),
        finding: `${start} ${gb(whole)} GB, ${gb(sum(states(c, plan)))} of them model states. ` +
          `That ${whole <= room ? "fits" : "does not fit"} into ${values.room} GB. ` +
          (whole <= room || batch || plan.batch > 1 ? largest : ""),
      };
    },
  };
})(globalThis.adaopt);
