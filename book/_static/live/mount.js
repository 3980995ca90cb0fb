// How a page's <div class="adaopt-live" data-figure="sgd"></div> becomes a live figure. A figure is
// an entry of adaopt.figures:
//   title     what it is, for a screen reader
//   controls  sliders ({name, label, values, start, show}) and menus ({name, label, options,
//             start}); data-NAME="value" on the div presets one, as data-step="0.5" (half of 1/L)
//   panels    how many drawings stand side by side where there is room
//   draw      (values, width) -> {panels: [svg, ...], keys: legend, finding: one plain sentence}
// or, where that is not enough, {mount: (element, id) => ...}, which does everything itself.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  adaopt.figures = {};

  // 0.0123 -> "0.0123", 1.23e-7 -> "1.2 · 10⁻⁷": for text beside the picture.
  function number(value) {
    if (value === 0) return "0";
    const exponent = Math.floor(Math.log10(Math.abs(value)));
    if (exponent >= -3 && exponent < 4) return String(+value.toPrecision(3));
    const power = [...String(exponent)].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
    return `${(value / 10 ** exponent).toFixed(1)} · 10${power.join("")}`;
  }

  adaopt.number = number;
  adaopt.range = (first, last) => (
    Array.from({ length: last - first + 1 }, (_, i) => first + i)
  );

  // ---- Mounting ----------------------------------------------------------------------------
  let mounted = 0;

  function make(tag, className, parent, text = "") {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.textContent = text;
    parent.append(element);
    return element;
  }

  // The value that data-NAME asks for: the nearest on a slider, an exact name in a menu.
  function preset(control, text) {
    if (text === undefined) return control.start;
    if (control.options) {
      if (text in control.options) return text;
      throw new Error(`data-${control.name}="${text}": choose from ` +
        `${Object.keys(control.options).join(", ")}.`);
    }
    const wanted = Number(text);
    if (text.trim() === "" || Number.isNaN(wanted)) {
      throw new Error(`data-${control.name}="${text}" is not a number.`);
    }
    const distance = (value) => Math.abs(value - wanted);
    return control.values.reduce((a, v) => (distance(v) < distance(a) ? v : a));
  }

  // One labelled input; returns {read, write}. Native elements: keyboard and touch come with them.
  function addControl(control, form, id, changed) {
    const row = make("div", "control", form);
    make("label", "", row, control.label).htmlFor = id;
    if (control.options) {
      const select = make("select", "", row);
      for (const [value, text] of Object.entries(control.options)) {
        make("option", "", select, text).value = value;
      }
      select.id = id;
      select.addEventListener("change", changed);
      return { read: () => select.value, write: (value) => (select.value = value) };
    }
    const shown = make("span", "value", row);
    const slider = make("input", "", row);
    Object.assign(slider, { id, type: "range", min: 0, max: control.values.length - 1, step: 1 });
    shown.setAttribute("aria-hidden", "true"); // the slider's own value text says it already
    const read = () => control.values[slider.value];
    const show = () => {
      shown.textContent = control.show(read());
      slider.setAttribute("aria-valuetext", shown.textContent);
    };
    slider.addEventListener("input", () => { show(); changed(); });
    return { read, write: (value) => { slider.value = control.values.indexOf(value); show(); } };
  }

  function button(text, parent, click) {
    const element = make("button", "", parent, text);
    element.type = "button";
    element.addEventListener("click", click);
    return element;
  }

  // A slider that holds exactly `value`, also where its list does not have it.
  function exact(control, value) {
    if (control.options || control.values.includes(value)) return control;
    return { ...control, values: [...control.values, value].sort((a, b) => a - b) };
  }

  // A control that shows object[name] and writes it back when it is moved.
  function bind(control, object, name, parent, id, changed) {
    const input = addControl(exact(control, object[name]), parent, id, () => {
      const value = input.read();
      object[name] = typeof object[name] === "boolean" ? value === "true" : value;
      changed();
    });
    input.write(control.options ? String(object[name]) : object[name]);
  }

  adaopt.inputs = { make, addControl, button, bind };

  adaopt.mount = function (element) {
    const figure = adaopt.figures[element.dataset.figure];
    if (!figure) {
      element.textContent = `There is no live figure "${element.dataset.figure}". ` +
        `Known: ${Object.keys(adaopt.figures).join(", ")}.`;
      return;
    }
    const id = `adaopt-live-${++mounted}`;
    if (figure.mount) {
      figure.mount(element, id);
      return;
    }
    let start;
    try {
      start = figure.controls.map((control) => preset(control, element.dataset[control.name]));
    } catch (error) {
      element.textContent = error.message;
      return;
    }
    element.replaceChildren();
    const form = make("div", "controls", element);
    const inputs = figure.controls.map(
      (control) => addControl(control, form, `${id}-${control.name}`, update),
    );
    const picture = make("div", "picture", element);
    picture.setAttribute("role", "img");
    const legend = make("div", "legend", element);
    const result = make("div", "result", element);
    const readout = make("p", "readout", result);
    readout.setAttribute("aria-live", "polite");
    const button = make("button", "", result, "Reset");
    button.type = "button";
    button.addEventListener("click", reset);

    function update() {
      const values = Object.fromEntries(
        figure.controls.map((control, i) => [control.name, inputs[i].read()]),
      );
      const { panels, keys = "", finding } = figure.draw(values, panelWidth());
      picture.innerHTML = panels.join("");
      picture.setAttribute("aria-label", `${figure.title}. ${finding}`);
      legend.innerHTML = keys;
      readout.textContent = finding;
    }

    function reset() {
      inputs.forEach((input, i) => input.write(start[i]));
      update();
    }

    // Two panels stand side by side where each gets 300 pixels.
    function panelWidth() {
      const width = picture.clientWidth || 340;
      return Math.floor(figure.panels === 2 && width >= 616 ? (width - 16) / 2 : width);
    }

    reset();
    let width = picture.clientWidth;
    new ResizeObserver(() => requestAnimationFrame(() => {
      if (picture.clientWidth !== width) update();
      width = picture.clientWidth;
    })).observe(element);
    element.redraw = update; // for the test that times it
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".adaopt-live").forEach(adaopt.mount);
  });
})(globalThis.adaopt);
