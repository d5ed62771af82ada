// Looks at pages in a real browser, as people meet them: with other colours, without scripts, by
// keyboard, on a narrow screen, on paper. Told what to look at by one argument of JSON:
//
//   { modules, chromium, shots, address, token, console, picture,
//     pages: [{ name, path, language, status, looks }] }
//
// Prints one line of JSON: { checked, findings }. It waits for what is on the page, never for time.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const job = JSON.parse(process.argv[2]);
const load = createRequire(join(job.modules, "package.json"));
const { chromium } = load("playwright-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const LIMIT_MS = 60000;

const findings = [];
let checked = 0;
let place = "";

function find(text) {
  findings.push(`${place}: ${text}`);
}

const browser = await chromium.launch({
  executablePath: job.chromium,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

try {
  mkdirSync(job.shots, { recursive: true });
  for (const page of job.pages) {
    const looks = LOOKS().filter(({ name }) => !page.looks || page.looks.includes(name));
    for (const look of looks) await examine(page, look);
    await withoutScripts(page);
  }
  if (job.console) await consoleRefreshes(job.pages[0]);
  if (job.picture) await picture(job.picture);
} finally {
  await browser.close();
}
console.log(JSON.stringify({ checked, findings }));

// The ways in which a page is met, and what is looked at in each.
function LOOKS() {
  return [
    { name: "light", options: {}, checks: [outline, contrast, keyboard, paper, shot] },
    { name: "dark", options: { colorScheme: "dark" }, checks: [contrast, shot] },
    { name: "forced", options: { forcedColors: "active" }, checks: [contrast, keyboard, shot] },
    { name: "narrow", options: { viewport: { width: 320, height: 640 } }, checks: [narrow, contrast, shot] },
  ];
}

async function examine(page, look) {
  place = `${page.name} (${look.name})`;
  await visit(page, look.options, async (tab) => {
    for (const check of look.checks) {
      await check(tab, page, look);
      checked += 1;
    }
  });
}

// Opens a page in a fresh profile; whatever it complains about is a finding.
async function visit(page, options, then) {
  const credentials = job.token && { username: "operator", password: job.token };
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: page.language,
    reducedMotion: "reduce",
    httpCredentials: credentials || undefined,
    ...options,
  });
  context.setDefaultTimeout(LIMIT_MS);
  try {
    const tab = await context.newPage();
    const address = job.address + page.path;
    tab.on("console", (message) => {
      const isOwnStatus = message.location().url === address && page.status >= 400;
      if (["error", "warning"].includes(message.type()) && !isOwnStatus) {
        find(`the browser complains: ${message.text()}`);
      }
    });
    tab.on("pageerror", (error) => find(`a script fails: ${error.message}`));
    tab.on("response", (response) => {
      const isPage = response.url() === address;
      if (response.status() !== (isPage ? page.status : 200) && response.status() !== 304) {
        find(`${response.url()} answers ${response.status()}`);
      }
    });
    tab.on("requestfailed", (request) => find(`${request.url()} fails`));
    tab.on("request", (request) => {
      if (!request.url().startsWith(job.address)) find(`${request.url()} is somebody else's`);
    });
    await tab.goto(address, { waitUntil: "load" });
    await then(tab);
  } finally {
    await context.close();
  }
}

// What every page has: its language, one heading, one main part, a title.
async function outline(tab, page) {
  const seen = await tab.evaluate(() => ({
    language: document.documentElement.lang,
    title: document.title.trim(),
    headings: document.querySelectorAll("h1").length,
    mains: document.querySelectorAll("main").length,
    inline: document.querySelectorAll("[style], style, script:not([src])").length,
    figures: [...document.querySelectorAll("svg[role=img]")].filter((svg) => {
      const names = (svg.getAttribute("aria-labelledby") || "").split(/\s+/);
      const named = names.some((id) => id && document.getElementById(id)?.textContent.trim());
      return !named && !svg.getAttribute("aria-label");
    }).length,
    tables: [...document.querySelectorAll("table")].filter((table) => !table.caption).length,
  }));
  if (seen.language !== page.language) find(`its language is "${seen.language}"`);
  if (!seen.title) find("it has no title");
  if (seen.headings !== 1) find(`it has ${seen.headings} h1`);
  if (seen.mains !== 1) find(`it has ${seen.mains} main`);
  if (seen.inline) find(`${seen.inline} inline styles or scripts`);
  if (seen.figures) find(`${seen.figures} figures without a name`);
  if (seen.tables) find(`${seen.tables} tables without a caption`);
}

async function contrast(tab) {
  await tab.evaluate(axe);
  const found = await tab.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const result = await window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return result.violations
      .filter((violation) => ["serious", "critical"].includes(violation.impact))
      .map((violation) => ({
        id: violation.id,
        help: violation.help,
        nodes: violation.nodes.slice(0, 3).map((node) => node.target.join(" ")),
      }));
  });
  for (const { id, help, nodes } of found) find(`axe ${id}: ${help}: ${nodes.join(", ")}`);
}

// Tab goes to a link over all to the main part, then through the page as it is written, and what
// has the focus looks different from how it looked before.
async function keyboard(tab) {
  const expected = await tab.evaluate(() => {
    const stops = "a[href], button, input, select, textarea, summary, [tabindex]";
    const isShown = (element) =>
      element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
    const all = [...document.querySelectorAll(stops)];
    const tabbable = all.filter((element) => element.tabIndex === 0 && isShown(element));
    tabbable.forEach((element, index) => {
      element.dataset.stop = index;
      element.dataset.look = look(element);
    });
    function look(element) {
      const style = getComputedStyle(element);
      const parts = ["outlineStyle", "outlineWidth", "boxShadow", "backgroundColor", "borderColor"];
      return [...parts, "color", "textDecorationLine"].map((part) => style[part]).join(";");
    }
    return tabbable.length;
  });
  if (!expected) return find("nothing can be reached by keyboard");
  for (let index = 0; index < expected; index += 1) {
    // A date has stops of its own for day, month, year and calendar.
    const parts = await tab.evaluate(() => (document.activeElement.type === "date" ? 4 : 1));
    for (let part = 0; part < parts; part += 1) {
      await tab.keyboard.press("Tab");
      const isOn = await tab.evaluate(
        (stop) => document.activeElement.dataset.stop === String(stop),
        index - 1,
      );
      if (!isOn) break;
    }
    const seen = await tab.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const parts = ["outlineStyle", "outlineWidth", "boxShadow", "backgroundColor", "borderColor"];
      const look = [...parts, "color", "textDecorationLine"].map((part) => style[part]).join(";");
      const box = element.getBoundingClientRect();
      return {
        stop: Number(element.dataset.stop ?? -1),
        name: element.outerHTML.slice(0, 80),
        isChanged: look !== element.dataset.look,
        isInView:
          box.width > 1 && box.height > 1 && box.right > 0 && box.bottom > 0 &&
          box.left < innerWidth && box.top < innerHeight,
        leads: element.getAttribute("href")?.startsWith("#")
          ? document.querySelector(element.getAttribute("href"))?.tagName
          : null,
      };
    });
    if (index === 0 && seen.leads !== "MAIN") find(`Tab does not begin with a skip link but ${seen.name}`);
    if (seen.stop !== index) return find(`Tab ${index + 1} goes to stop ${seen.stop + 1}: ${seen.name}`);
    if (!seen.isChanged) find(`the focus cannot be seen on ${seen.name}`);
    if (!seen.isInView) find(`what has the focus cannot be seen: ${seen.name}`);
  }
}

async function narrow(tab) {
  const widths = await tab.evaluate(() => {
    const root = document.documentElement;
    const wide = [...document.body.querySelectorAll("*")].filter((element) => {
      const isClipped = element.parentElement.closest(".wide, [role=region], .unseen");
      return !isClipped && element.getBoundingClientRect().right > root.clientWidth + 1;
    });
    return {
      whole: root.scrollWidth,
      shown: root.clientWidth,
      wide: wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 60)),
    };
  });
  if (widths.whole > widths.shown) {
    find(`it is ${widths.whole} wide on a screen of ${widths.shown}: ${widths.wide.join(" ")}`);
  }
}

async function paper(tab) {
  await tab.emulateMedia({ media: "print" });
  const isThere = await tab.evaluate(() => {
    const main = document.querySelector("main, h1");
    return Boolean(main) && main.checkVisibility() && main.getBoundingClientRect().height > 1;
  });
  if (!isThere) find("its main part is not printed");
  const sheets = await tab.pdf({ format: "A4" });
  if (sheets.subarray(0, 5).toString() !== "%PDF-") find("it cannot be printed");
  await tab.emulateMedia({ media: "screen" });
}

async function shot(tab, page, look) {
  // What was tabbed through may stand anywhere.
  await tab.evaluate(() => {
    document.activeElement?.blur();
    scrollTo(0, 0);
  });
  await tab.screenshot({ path: join(job.shots, `${page.name}-${look.name}.png`), fullPage: true });
}

// The same headings, tables, rows, figures and links, whether scripts run or not.
async function withoutScripts(page) {
  place = `${page.name} (scripts off)`;
  const seen = [];
  for (const javaScriptEnabled of [true, false]) {
    await visit(page, { javaScriptEnabled }, async (tab) => {
      const names = ["h1", "h2", "h3", "table", "tr", "svg", "svg *", "a[href]", "details", "time"];
      const count = (name) => tab.locator(name === "tr" ? "main tr" : `main ${name}`).count();
      const counts = [];
      for (const name of names) counts.push(`${name} ${await count(name)}`);
      seen.push(counts.join(", "));
    });
  }
  checked += 1;
  if (seen[0] !== seen[1]) find(`with scripts ${seen[0]}; without ${seen[1]}`);
}

// The console fetches itself again: what was opened stays open, what has the focus keeps it, and
// a button stops it.
async function consoleRefreshes(page) {
  place = `${page.name} (refresh)`;
  await visit(page, {}, async (tab) => {
    const refreshed = (count) =>
      tab.waitForFunction(
        (least) => Number(document.documentElement.dataset.refreshed || 0) >= least,
        count,
        { timeout: LIMIT_MS },
      );
    const summary = tab.locator("details.run details summary").first();
    await summary.click();
    await summary.focus();
    const before = await tab.locator("main").elementHandle();
    await refreshed(1);
    const seen = await tab.evaluate(() => ({
      isOpen: document.querySelector("details.run details").open,
      focus: document.activeElement.tagName,
    }));
    if (await before.evaluate((main) => main.isConnected)) find("main is the same after a refresh");
    if (!seen.isOpen) find("a table that was opened is closed by a refresh");
    if (seen.focus !== "SUMMARY") find(`the focus is on ${seen.focus} after a refresh`);
    const button = tab.locator("#pause");
    await button.click();
    if ((await button.textContent()) !== "Resume updates") find("updates are not paused");
    const count = await tab.evaluate(() => document.documentElement.dataset.refreshed);
    // Showing the page again is what makes a page that is not paused fetch at once.
    const [asked] = await tab.evaluate(async () => {
      const asked = [];
      const fetched = window.fetch;
      window.fetch = (...words) => (asked.push(1), fetched(...words));
      document.dispatchEvent(new Event("visibilitychange"));
      return [asked.length];
    });
    if (asked) find("a page that is paused is fetched");
    await button.click();
    await refreshed(Number(count) + 1);
    checked += 1;
  });
}

// A picture for the documentation: `width` wide, the upper part of a page.
async function picture({ path, page, width, height }) {
  place = "picture";
  await visit(page, { viewport: { width, height } }, async (tab) => {
    const whole = await tab.evaluate(() => document.documentElement.scrollHeight);
    const clip = { x: 0, y: 0, width, height: Math.min(height, whole) };
    writeFileSync(path, await tab.screenshot({ clip, fullPage: true }));
    checked += 1;
  });
}
