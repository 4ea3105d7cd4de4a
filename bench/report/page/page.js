"use strict";
(() => {
  const { choices, sections } = JSON.parse(document.getElementById("data").textContent);
  const hidden = new Set(); // names of kernels
  const NARROW = 520; // pixels: in a narrower chart the column of figures at its right would take half of it
  const bar = document.getElementById("bar");
  const kernels = document.getElementById("kernels");
  const root = document.documentElement;

  /** The values that a section is shown for: the page's choices and its own. */
  const chosenIn = (section) => ({
    ...Object.fromEntries(section.shared.map((field) => [field, choices[field]])),
    ...section.choices,
  });

  const matches = (cell, value) => cell === undefined || cell === value || (Array.isArray(cell) && cell.includes(value));
  const isChosen = (section, row) => Object.entries(chosenIn(section)).every(([field, value]) => matches(row[field], value));
  const isShown = (section, row) => isChosen(section, row) && !section.hide.some((field) => hidden.has(row[field]));

  /** The chart as Vega-Lite, with the rows that are shown, for the chosen scale and the width of the page. */
  function specOf(section, narrow) {
    const spec = structuredClone(section.chartBy ? section.chart[chosenIn(section)[section.chartBy]] : section.chart);
    const datasets = Object.entries({ ...spec.datasets, rows: section.rows });
    spec.datasets = Object.fromEntries(datasets.map(([name, rows]) => [name, rows.filter((row) => isShown(section, row))]));
    spec.description = section.alt;
    // a layer without data has no extent, and Vega warns of that
    const hasData = (layer) => spec.datasets[layer.data?.name]?.length !== 0;
    const hasRoom = (layer) => !narrow || !String(layer.name ?? "").startsWith("wide");
    if (spec.layer) spec.layer = spec.layer.filter((layer) => hasData(layer) && hasRoom(layer));
    if (section.scale && section.linear) {
      for (const unit of [spec, ...(spec.layer ?? [])]) {
        const channel = unit.encoding?.[section.scale];
        if (channel?.scale?.type !== "log") continue;
        Object.assign(channel.scale, { type: "linear", zero: true, nice: true });
        delete channel.axis?.gridColor; // it marks decades
      }
    }
    return spec;
  }

  /** Drawings of a section run one after another; one that a later request has replaced is skipped. */
  function draw(section) {
    if (!section.chart) return;
    const request = (section.request = (section.request ?? 0) + 1);
    section.drawing = (section.drawing ?? Promise.resolve()).then(() => request === section.request && drawNow(section));
  }

  async function drawNow(section) {
    const box = section.element.querySelector(".chart");
    section.view?.finalize();
    const spec = specOf(section, box.clientWidth < NARROW);
    if (!spec.datasets.rows.length) return box.replaceChildren(whyEmpty(section));
    box.style.minHeight = `${box.offsetHeight}px`; // an empty box for a moment would move the page
    const result = await vegaEmbed(box, spec, { actions: false, renderer: "svg", tooltip: { theme: "custom", disableDefaultStyle: true } });
    box.style.minHeight = "";
    section.view = result.view;
    const svg = box.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", section.alt);
    section.drawn = true;
  }

  const whyEmpty = (section) =>
    section.rows.some((row) => isChosen(section, row))
      ? "Every kernel of this chart is hidden."
      : `There is no data for ${Object.values(chosenIn(section)).join(", ")} here.`;

  function show(section) {
    const { element, rows, remarks } = section;
    element.querySelectorAll("tr[data-row]").forEach((line) => (line.hidden = !isShown(section, rows[line.dataset.row])));
    element.querySelectorAll("[data-remark]").forEach((line) => (line.hidden = !isShown(section, remarks[line.dataset.remark])));
    const caption = element.querySelector("figcaption");
    if (caption) {
      const leftOut = [...hidden].filter((name) => rows.some((row) => row[section.hide[0]] === name));
      caption.textContent = [...Object.values(chosenIn(section)), leftOut.length ? `hidden: ${leftOut.join(", ")}` : ""].filter(Boolean).join(" · ");
    }
    section.drawn = false;
    if (section.visible) draw(section);
  }

  const showAll = () => sections.forEach(show);
  const announce = (text) => (document.getElementById("status").textContent = text);

  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    // a spreadsheet takes a text that begins so for a formula
    const safe = typeof value === "string" && /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  function csv(section) {
    const { columns, listFields, rows } = section;
    const fields = [...new Set([...columns, ...listFields])];
    const line = (row) => fields.map((field) => quoted(row[field])).join(",");
    const items = (row) => row[listFields[0]].map((_, index) => Object.fromEntries(listFields.map((field) => [field, row[field][index]])));
    const lines = rows.flatMap((row) => (listFields.length ? items(row).map((item) => line({ ...row, ...item })) : [line(row)]));
    return [fields.join(","), ...lines].join("\n") + "\n";
  }

  function save(section) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(section)], { type: "text/csv" }));
    link.download = `${section.name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // a chart is drawn when it comes near the screen
  const nearby = new IntersectionObserver(
    (changes) =>
      changes.forEach((change) => {
        const section = sections.find((one) => one.element === change.target);
        if (!change.isIntersecting) return;
        section.visible = true;
        if (!section.drawn) draw(section);
      }),
    { rootMargin: "600px" },
  );

  for (const section of sections) {
    const { fields } = section;
    section.rows = section.rows.map((row) => Object.fromEntries(fields.map((field, index) => [field, row[index]])));
    section.element = document.getElementById(section.name);
    section.element.addEventListener("change", ({ target }) => {
      if (target.matches("[data-scale]")) section.linear = target.value === "linear";
      else section.choices[target.dataset.choice] = target.value;
      show(section);
      announce(`${section.heading}: ${target.selectedOptions[0].text}`);
    });
    section.element.querySelector(".csv")?.addEventListener("click", () => save(section));
    show(section);
    nearby.observe(section.element);
  }

  if (bar) {
    bar.hidden = false;
    bar.addEventListener("change", ({ target }) => {
      if (target.matches("[data-choice]")) {
        choices[target.dataset.choice] = target.value;
        announce(`All charts and tables: ${target.value}`);
      } else {
        if (target.checked) hidden.delete(target.value);
        else hidden.add(target.value);
        const total = kernels.querySelectorAll("input").length;
        document.getElementById("count").textContent = `${total - hidden.size} of ${total}`;
        announce(`${target.value} is ${target.checked ? "shown" : "hidden"}; ${total - hidden.size} of ${total} kernels are shown`);
      }
      showAll();
    });
    // what has the focus must not lie below the bar
    new ResizeObserver(() => root.style.setProperty("--bar", `${bar.offsetHeight}px`)).observe(bar);
  }

  if (kernels) {
    // as in page.css: on a small screen the kernels open over the page
    const small = matchMedia("(max-width: 640px)");
    const fold = () => (kernels.open = !small.matches);
    small.addEventListener("change", fold);
    fold();
    kernels.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || !small.matches) return;
      kernels.open = false;
      kernels.querySelector("summary").focus();
    });
  }

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
    if (innerWidth !== width) showAll();
    width = innerWidth;
  });
  // on paper everything is open and drawn
  addEventListener("beforeprint", () => {
    document.querySelectorAll("#more").forEach((more) => (more.open = true));
    sections.filter((section) => !section.drawn).forEach(draw);
  });
})();
