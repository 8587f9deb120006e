// Pays through a wallet that is connected by TON Connect: loaded when somebody asks for it, and the library with it.
// Nothing is remembered: each payment connects anew, and lets the wallet go when it is done.

const VALID_SECS = 300; // wallets want to be asked for something soon
const dialog = document.getElementById("connect-dialog");
const wallets = document.getElementById("wallets");
const state = document.getElementById("connect-state");
const texts = dialog.dataset;

let connector = null;
let chosen = null;

export async function pay() {
  wallets.replaceChildren();
  say(texts.loading);
  dialog.showModal();
  try {
    connector ??= await load();
    await release();
    const known = (await connector.getWallets()).filter((wallet) => wallet.injected || wallet.universalLink);
    known.sort((one, other) => Boolean(other.injected) - Boolean(one.injected));
    wallets.replaceChildren(...known.map(item));
    say("");
    wallets.querySelector("button")?.focus();
  } catch (error) {
    fail(error);
  }
}

async function load() {
  const { TonConnect } = await import(texts.sdk);
  const made = new TonConnect({
    manifestUrl: `${location.origin}/tonpay/public/manifest`,
    walletsListSource: new URL(texts.wallets, location.href).href,
    analytics: { mode: "off" },
    storage: forgetful(),
  });
  made.onStatusChange((wallet) => wallet && send(wallet).catch(fail), fail);
  return made;
}

function forgetful() {
  const kept = new Map();
  return {
    setItem: async (name, value) => void kept.set(name, value),
    getItem: async (name) => kept.get(name) ?? null,
    removeItem: async (name) => void kept.delete(name),
  };
}

function item(wallet) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = wallet.name;
  button.addEventListener("click", () => choose(wallet));
  const entry = document.createElement("li");
  entry.append(button);
  return entry;
}

function choose(wallet) {
  chosen = wallet;
  try {
    const { injected, jsBridgeKey, universalLink, bridgeUrl } = wallet;
    const link = connector.connect(injected ? { jsBridgeKey } : { universalLink, bridgeUrl });
    say(texts.open, link);
    if (link) open(link, "_blank", "noopener");
  } catch (error) {
    fail(error);
  }
}

async function send(wallet) {
  const asked = document.getElementById("connect"); // as it is now: part of the amount may have come meanwhile
  if (!asked) return dialog.close();
  say(texts.confirm, wallet.provider === "http" ? chosen.universalLink : null);
  const soon = Math.floor(Date.now() / 1_000) + VALID_SECS;
  const validUntil = Math.min(soon, Number(asked.dataset.validUntil));
  await connector.sendTransaction({ validUntil, ...JSON.parse(asked.dataset.transaction) });
  wallets.replaceChildren();
  say(texts.sent);
  await release();
}

async function release() {
  if (connector.connected) await connector.disconnect();
}

function say(text, link = null) {
  state.replaceChildren(text.replace("{wallet}", chosen?.name ?? ""));
  if (!link) return;
  const way = document.createElement("a");
  Object.assign(way, { href: link, target: "_blank", rel: "noopener noreferrer" });
  way.textContent = texts.go.replace("{wallet}", chosen.name);
  state.append(" ", way);
}

function fail(error) {
  console.warn(error);
  say(texts.failed);
}
