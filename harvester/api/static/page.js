// Keeps the payment page true without a reload. The words are the server's: when the invoice has changed, the page is
// fetched again and its one element that depends on the invoice replaced. Without this script the page works, too.

const POLL_MS = 4_000;
const OPENING_MS = 10_000; // a stream that says nothing in this time is held back by something on its way
const SILENCE_MS = 40_000; // the server gives a sign of life every 15 s
const ANSWER_MS = 15_000;
const COPIED_MS = 2_000;
const SOON_SECS = 60;

const page = document.querySelector("main");
const announcement = document.getElementById("announcement");
const shown = () => document.getElementById("invoice");
const isFinal = () => "final" in shown().dataset;

let endsAt = null;
let source = null;
let watchdog = null;
let nextPoll = null;
let refreshing = false;
let stale = false;

// --- the state of the invoice: a stream, and polling where there is none

function watch() {
  rest(); // a tab that nobody sees holds no stream, and catches up when somebody does
  if (isFinal() || document.hidden) return;
  source = new EventSource(`${page.dataset.state}/stream`);
  source.addEventListener("message", (event) => {
    alive(SILENCE_MS);
    take(JSON.parse(event.data)).catch(poll);
  });
  source.addEventListener("ping", () => alive(SILENCE_MS));
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) poll();
  });
  alive(OPENING_MS);
}

function alive(silence) {
  clearTimeout(watchdog);
  watchdog = setTimeout(poll, silence);
}

function rest() {
  source?.close();
  source = null;
  clearTimeout(watchdog);
  clearTimeout(nextPoll);
}

async function poll() {
  rest();
  let wait = POLL_MS;
  try {
    const answer = await fetch(page.dataset.state, { cache: "no-store", signal: AbortSignal.timeout?.(ANSWER_MS) });
    wait = Math.max(wait, 1_000 * (Number(answer.headers.get("Retry-After")) || 0));
    if (answer.ok) await take(await answer.json());
  } catch {
    // The server cannot be reached: the next look may find it.
  }
  if (!isFinal() && !document.hidden && !source) nextPoll = setTimeout(poll, wait);
}

async function take(invoice) {
  if (`${invoice.status}:${invoice.overpayment}` !== shown().dataset.version) await refresh();
}

// --- showing what has changed

async function refresh() {
  stale = true;
  if (refreshing) return;
  refreshing = true;
  try {
    while (stale) {
      stale = false;
      show(await fetchPage());
    }
  } finally {
    refreshing = false;
  }
}

function fetchPage() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // the way to a parsed page that needs no exception from Trusted Types
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = ANSWER_MS;
    request.onload = () => (request.response?.getElementById("invoice") ? resolve(request.response) : reject());
    request.onerror = request.ontimeout = reject;
    request.send();
  });
}

function show(fresh) {
  const before = shown();
  const after = document.adoptNode(fresh.getElementById("invoice"));
  const focused = before.contains(document.activeElement) ? document.activeElement.id : null;
  for (const open of before.querySelectorAll("details[open]")) after.querySelector(`#${open.id}`)?.setAttribute("open", "");
  before.replaceWith(after);
  document.title = fresh.title;
  prepare();
  const said = fresh.getElementById("announcement").textContent;
  if (announcement.textContent !== said) announcement.textContent = said;
  if (focused) (document.getElementById(focused) ?? document.getElementById("headline")).focus();
  if (isFinal()) {
    rest();
    document.getElementById("connect-dialog")?.close();
  }
}

function prepare() {
  const remaining = shown().dataset.remaining;
  endsAt = remaining === undefined ? null : Date.now() + 1_000 * remaining;
  for (const button of document.querySelectorAll("[data-copy], #connect")) button.hidden = false;
  for (const picture of document.querySelectorAll(".logo img")) {
    picture.addEventListener("error", () => picture.remove()); // under it is a letter
    if (picture.complete && !picture.naturalWidth) picture.remove();
  }
  for (const time of document.querySelectorAll("time[data-local]")) {
    const format = { dateStyle: "medium", timeStyle: "short" };
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, format);
  }
}

// --- the countdown

function tick() {
  if (endsAt === null || document.hidden) return;
  const left = Math.ceil((endsAt - Date.now()) / 1_000);
  const timer = document.getElementById("timer");
  if (timer) {
    const two = (number) => String(number).padStart(2, "0");
    const seconds = Math.max(0, left);
    const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
    timer.textContent = `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
  }
  if (left === SOON_SECS) announcement.textContent = page.dataset.soon;
  if (left < 0) {
    endsAt = null;
    refresh().catch(poll);
  }
}

// --- buttons

async function copy(button) {
  const value = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(value.textContent);
  } catch {
    getSelection().selectAllChildren(value); // without https there is only the old way
    if (!document.execCommand("copy")) return;
  }
  const label = button.querySelector("span");
  const usual = (label.dataset.usual ??= label.textContent);
  label.textContent = announcement.textContent = page.dataset.copied;
  setTimeout(() => (label.textContent = usual), COPIED_MS);
}

async function connect() {
  const { pay } = await import(document.getElementById("connect-dialog").dataset.script);
  await pay();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.copy) copy(button);
  if (button?.id === "connect") connect();
});
document.addEventListener("visibilitychange", () => {
  tick();
  watch();
});
setInterval(tick, 1_000);
prepare();
watch();
