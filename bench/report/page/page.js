"use strict";
(() => {
  const sections = JSON.parse(document.getElementById("data").textContent);
  const state = { choices: {}, hidden: new Set() };
  const NARROW = 520; // pixels: below this the column of figures at a chart's right would take half of it

  const rowsOf = (section) => section.rows.map((row) => Object.fromEntries(section.fields.map((field, i) => [field, row[i]])));

  /** What a section looks at: what the reader chose, where this section has it. */
  const chosenIn = (section) =>
    Object.fromEntries(
      Object.entries(section.choices).map(([field, first]) => {
        const chosen = state.choices[field];
        return [field, section.every.some((row) => row[field] === chosen) ? chosen : first];
      }),
    );

  const isShown = (section, row) =>
    Object.entries(chosenIn(section)).every(([field, value]) => !(field in row) || row[field] === value) &&
    !section.hide.some((field) => field in row && state.hidden.has(row[field]));

  /** The chart as Vega-Lite, with the rows that are shown, for the width and scale that there are. */
  function specOf(section, narrow) {
    const spec = structuredClone(section.chart);
    const shown = (rows) => rows.filter((row) => isShown(section, row));
    spec.datasets = Object.fromEntries(Object.entries({ ...spec.datasets, rows: section.every }).map(([name, rows]) => [name, shown(rows)]));
    spec.description = section.alt;
    // a layer without data has no extent, which Vega warns of
    const hasData = (layer) => spec.datasets[layer.data?.name]?.length !== 0;
    const hasRoom = (layer) => !narrow || !String(layer.name ?? "").startsWith("wide");
    if (spec.layer) spec.layer = spec.layer.filter((layer) => hasData(layer) && hasRoom(layer));
    if (section.scale && section.linear) {
      for (const unit of [spec, ...(spec.layer ?? [])]) {
        const channel = unit.encoding?.[section.scale];
        if (channel?.scale?.type !== "log") continue;
        Object.assign(channel.scale, { type: "linear", zero: true, nice: true });
        delete channel.axis?.gridColor; // which was of decades
      }
    }
    return spec;
  }

  /** One drawing after another, so that the last that was asked for is the one that stays. */
  function draw(section) {
    if (!section.chart) return;
    const turn = (section.turn = (section.turn ?? 0) + 1);
    section.drawing = (section.drawing ?? Promise.resolve()).then(() => turn === section.turn && drawNow(section));
  }

  async function drawNow(section) {
    const box = section.element.querySelector(".chart");
    section.view?.finalize();
    const spec = specOf(section, box.clientWidth < NARROW);
    if (!spec.datasets.rows.length) return box.replaceChildren("Every kernel of this chart is hidden.");
    const result = await vegaEmbed(box, spec, { actions: false, renderer: "svg", tooltip: { theme: "custom", disableDefaultStyle: true } });
    section.view = result.view;
    const svg = box.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", section.alt);
    section.drawn = true;
  }

  function show(section) {
    section.element.querySelectorAll("tr[data-row]").forEach((line) => (line.hidden = !isShown(section, section.every[line.dataset.row])));
    section.element.querySelectorAll("[data-remark]").forEach((line) => (line.hidden = !isShown(section, section.remarks[line.dataset.remark])));
    const chosen = chosenIn(section);
    section.element.querySelectorAll("[data-choice]").forEach((select) => (select.value = chosen[select.dataset.choice]));
    section.element.querySelectorAll("input[type=checkbox]").forEach((box) => (box.checked = !state.hidden.has(box.value)));
    const caption = section.element.querySelector("figcaption");
    if (caption) {
      const away = section.hide.length ? [...state.hidden].filter((name) => section.every.some((row) => row[section.hide[0]] === name)) : [];
      caption.textContent = [...Object.values(chosen), away.length ? `hidden: ${away.join(", ")}` : ""].filter(Boolean).join(" · ");
    }
    section.drawn = false;
    if (section.seen) draw(section);
  }

  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    // a spreadsheet takes what begins so for a formula
    const safe = typeof value === "string" && /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  function csv(section) {
    const { columns, listField } = section;
    const fields = listField && !columns.includes(listField) ? [...columns, listField] : columns;
    const lines = section.every.flatMap((row) =>
      listField ? row[listField].map((value) => fields.map((field) => quoted(field === listField ? value : row[field])).join(",")) : [fields.map((field) => quoted(row[field])).join(",")],
    );
    return [fields.join(","), ...lines].join("\n") + "\n";
  }

  function save(section) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(section)], { type: "text/csv" }));
    link.download = `${section.name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  const changed = () => sections.forEach(show);
  const seen = new IntersectionObserver(
    (entries) =>
      entries.forEach((entry) => {
        const section = sections.find((one) => one.element === entry.target);
        if (!entry.isIntersecting) return;
        section.seen = true;
        if (!section.drawn) draw(section);
      }),
    { rootMargin: "600px" },
  );

  for (const section of sections) {
    section.every = rowsOf(section);
    section.element = document.getElementById(section.name);
    section.element.addEventListener("change", ({ target }) => {
      if (target.matches("[data-choice]")) state.choices[target.dataset.choice] = target.value;
      else if (target.matches("[data-scale]")) section.linear = target.value === "linear";
      else if (target.checked) state.hidden.delete(target.value);
      else state.hidden.add(target.value);
      if (target.matches("[data-scale]")) show(section);
      else changed();
    });
    section.element.querySelector(".csv")?.addEventListener("click", () => save(section));
    show(section);
    seen.observe(section.element);
  }

  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    button.textContent = isDark() ? "light" : "dark";
    button.setAttribute("aria-label", `${button.textContent} colours`);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
  });
  system.addEventListener("change", label);
  label();

  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) changed();
    width = innerWidth;
  });
  // on paper everything is open and drawn
  addEventListener("beforeprint", () => {
    document.querySelectorAll("#more").forEach((more) => (more.open = true));
    sections.filter((section) => !section.drawn).forEach(draw);
  });
})();
