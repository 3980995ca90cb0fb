// The race with controls around it: the page book/playground, and figures in lectures.
//   <div class="adaopt-live" data-figure="race" data-problem="..." data-methods="..."></div>
// presets what setup.js reads. data-vary="lr eps" names the sliders that stand open in each row;
// data-share="true" (the page) reads the set-up from the address and writes it back.
"use strict";
globalThis.adaopt = globalThis.adaopt || {};

(function (adaopt) {
  const { make, addControl, button, bind } = adaopt.inputs;
  const { PROBLEMS, SETTINGS, STEPS, MOST, newRun, read, write, query } = adaopt.setup;
  const { run, tune, draw, scores, finding } = adaopt.race;
  const PAGE = new URL("../../book/playground.html", document.currentScript.src);
  const MENU = Object.fromEntries(
    Object.entries(adaopt.methods).map(([key, { name }]) => [key, name]),
  );
  const NEXT = ["adam", "rmsprop", "adagrad", "nesterov", "lion"]; // what "Add" offers first

  function mount(element, id) {
    const share = element.dataset.share === "true";
    const vary = (element.dataset.vary ?? "lr").split(/\s+/);
    const first = read(element.dataset); // the page's own set-up: a mistake in it stops here
    let setup = structuredClone(first);
    let unread = "";
    if (share && location.search) {
      try {
        setup = read(Object.fromEntries(new URLSearchParams(location.search)));
      } catch (error) {
        unread = `The address holds no set-up that can be read (${error.message}) `;
      }
    }
    let race, shown, paths, timer, frame = 0, ids = 0;

    // ---- The skeleton --------------------------------------------------------------------------
    const choice = make(share ? "div" : "details", "setup", element);
    if (!share) make("summary", "", choice, "Problem, start and number of steps");
    const problemForm = make("div", "controls", choice);
    const picture = make("div", "picture race", element);
    picture.setAttribute("role", "img");
    const hint = make("p", "hint", element);
    const player = make("div", "player", element);
    const play = button("Play", player, toggle);
    const row = make("div", "control", player);
    make("label", "", row, "Up to step").htmlFor = `${id}-shown`;
    const shownText = make("span", "value", row);
    shownText.setAttribute("aria-hidden", "true");
    const slider = make("input", "", row);
    Object.assign(slider, { id: `${id}-shown`, type: "range", min: 0, step: 1 });
    slider.addEventListener("input", () => { pause(); shown = Number(slider.value); show(); });
    const list = make("div", "runs", element);
    const bar = make("div", "buttons", element);
    const add = button("Add a method", bar, addRun);
    button("Tune step sizes", bar, () => { setup = tune(setup); rebuild(); });
    button("Reset", bar, () => { setup = structuredClone(first); rebuild(); });
    const link = make("a", "", bar, share ? "Link to this set-up" : "Open in the playground");
    const readout = make("p", "readout", element);
    readout.setAttribute("aria-live", "polite");

    // ---- Controls ------------------------------------------------------------------------------
    function rebuild() {
      buildProblem();
      buildRuns();
      update();
    }

    function buildProblem() {
      problemForm.replaceChildren();
      const names = Object.fromEntries(Object.entries(PROBLEMS).map(([key, p]) => [key, p.name]));
      const menu = addControl(
        { label: "Problem", options: names }, problemForm, `${id}-problem`, () => {
          // What the new problem does not have is forgotten, the start too.
          setup = { ...read({ problem: menu.read() }), steps: setup.steps, runs: setup.runs };
          buildProblem();
          update();
          document.getElementById(`${id}-problem`).focus();
        },
      );
      menu.write(setup.problem);
      for (const [name, control] of Object.entries(PROBLEMS[setup.problem].controls)) {
        bind(control, setup.values, name, problemForm, `${id}-${name}`, update);
      }
      bind(STEPS, setup, "steps", problemForm, `${id}-steps`, update);
      const { problem } = run({ ...setup, runs: [] });
      problem.start.forEach((_, i) => {
        const row = make("div", "control", problemForm);
        const label = problem.start.length > 1 ? `Start x${"₁₂"[i]}` : "Start x";
        make("label", "", row, label).htmlFor = `${id}-start-${i}`;
        const input = make("input", "", row);
        Object.assign(input, { id: `${id}-start-${i}`, type: "number", step: 0.1 });
        input.addEventListener("input", () => {
          if (input.value === "" || !(Math.abs(input.value) <= 1e6)) return;
          const start = [...(setup.start ?? race.problem.start)];
          start[i] = Number(input.value);
          setup.start = start;
          update();
        });
      });
    }

    function writeStart() {
      race.start.forEach((value, i) => {
        const input = document.getElementById(`${id}-start-${i}`);
        if (Number(input.value) !== value || input.value === "") {
          input.value = String(Number(value.toPrecision(12)));
        }
      });
    }

    function buildRuns() {
      list.replaceChildren();
      setup.runs.forEach(buildRun);
      add.disabled = setup.runs.length === MOST;
    }

    function buildRun(one, position) {
      const row = make("fieldset", "run", list);
      make("legend", "unseen", row, `Method ${position + 1}`);
      make("span", "sample", row);
      const name = `${id}-run-${++ids}`;
      const menu = addControl({ label: "Method", options: MENU }, row, name, () => {
        const key = menu.read();
        const kept = SETTINGS.lr.values.includes(one.hyper.lr) ? { lr: one.hyper.lr } : {};
        Object.assign(one, newRun(key, kept));
        settings.remove();
        settings = buildSettings(one, row, name);
        update();
      });
      menu.write(one.key);
      let settings = buildSettings(one, row, name);
      make("p", "score", row);
      const remove = button("×", row, () => {
        setup.runs.splice(setup.runs.indexOf(one), 1);
        buildRuns();
        update();
        add.focus();
      });
      remove.setAttribute("aria-label", `Remove method ${position + 1}`);
      remove.disabled = setup.runs.length === 1;
    }

    function buildSettings(one, row, name) {
      const box = make("div", "settings", row);
      row.insertBefore(box, row.querySelector(".score"));
      const names = Object.keys(one.hyper);
      const open = names.filter((n) => vary.includes(n));
      const folded = names.filter((n) => !vary.includes(n));
      const put = (parent) => (n) => (
        bind(SETTINGS[n], one.hyper, n, parent, `${name}-${n}`, update)
      );
      open.forEach(put(box));
      const details = make("details", "", box);
      make("summary", "", details, "More settings");
      folded.forEach(put(details));
      return box;
    }

    function addRun() {
      const used = setup.runs.map(({ key }) => key);
      setup.runs.push(newRun(NEXT.find((key) => !used.includes(key)) ?? "adam", { lr: 0.1 }));
      buildRuns();
      update();
      list.lastElementChild.querySelector("select").focus();
    }

    // ---- Drawing -------------------------------------------------------------------------------
    function update() {
      pause();
      race = run(setup);
      shown = setup.steps;
      slider.max = setup.steps;
      writeStart();
      const said = finding(race);
      readout.textContent = unread + said;
      picture.setAttribute("aria-label", `Paths, values, effective step sizes. ${said}`);
      link.href = `${PAGE.href}?${query(setup)}`;
      show();
      if (share) {
        unread = "";
        clearTimeout(timer); // browsers refuse many writes a second
        timer = setTimeout(() => history.replaceState(null, "", `?${query(setup)}`), 300);
      }
    }

    function show() {
      const whole = picture.clientWidth || 340;
      const aside = whole >= 616;
      const width = aside ? Math.floor((whole - 16) / 2) : whole;
      const key = JSON.stringify([setup.problem, setup.values]);
      const drawing = draw(race, key, shown, width, aside);
      paths = drawing.paths;
      picture.innerHTML =
        `<div class="paths">${paths.svg()}</div>` +
        `<div>${drawing.plots.map((plot) => plot.svg()).join("")}</div>`;
      const flat = race.start.length === 2;
      hint.textContent = "Click among the paths to move the start." +
        (flat ? " Effective steps: strong for x₁, pale for x₂." : "");
      scores(race, shown).forEach(({ style, score }, i) => {
        const row = list.children[i];
        row.querySelector(".sample").innerHTML = adaopt.key(style, "");
        row.querySelector(".score").textContent = score;
      });
      slider.value = shown;
      shownText.textContent = `${shown} of ${setup.steps}`;
      slider.setAttribute("aria-valuetext", shownText.textContent);
    }

    // ---- Start by pointer ----------------------------------------------------------------------
    function moveStart(event) {
      const svg = picture.querySelector(".paths svg");
      if (!svg.contains(event.target)) return;
      const box = svg.getBoundingClientRect();
      const scale = paths.width / box.width;
      const [x, y] = paths.locate((event.clientX - box.left) * scale,
        (event.clientY - box.top) * scale);
      const place = race.start.length === 1 ? [y] : [x, y];
      setup.start = place.map((value) => Number(value.toFixed(2)));
      update();
    }
    picture.addEventListener("click", moveStart);
    picture.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons === 1) moveStart(event);
    });

    // ---- Play ----------------------------------------------------------------------------------
    function pause() {
      cancelAnimationFrame(frame);
      frame = 0;
      play.textContent = "Play";
    }

    function toggle() {
      if (frame) {
        pause();
        return;
      }
      if (shown >= setup.steps) shown = 0;
      play.textContent = "Pause";
      const begin = performance.now() - (shown / setup.steps) * 6000; // six seconds for the whole
      const tick = (now) => {
        const due = Math.floor(((now - begin) / 6000) * setup.steps);
        shown = Math.min(setup.steps, Math.max(shown, due));
        show();
        if (shown < setup.steps) frame = requestAnimationFrame(tick);
        else pause();
      };
      frame = requestAnimationFrame(tick);
    }

    rebuild();
    let width = picture.clientWidth;
    new ResizeObserver(() => requestAnimationFrame(() => {
      if (picture.clientWidth !== width) show();
      width = picture.clientWidth;
    })).observe(element);
    element.redraw = update; // for the test that times it
    element.setup = () => write(setup);
  }

  // What data-... may be written on the <div>.
  function check(given) {
    const { problem, values } = read(given);
    const known = ["figure", "share", "vary", "problem", "steps", "start", "methods"];
    for (const name of Object.keys(given)) {
      if (!known.includes(name) && !(name in values)) {
        throw new Error(`data-${name}: the problem ${problem} has no such setting.`);
      }
    }
  }

  adaopt.figures.race = {
    mount(element, id) {
      try {
        check(element.dataset);
      } catch (error) {
        element.textContent = error.message;
        return;
      }
      mount(element, id);
    },
  };
})(globalThis.adaopt);
