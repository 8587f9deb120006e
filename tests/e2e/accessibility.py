"""What can be computed of a page's accessibility, in the page itself: contrast, names, structure, sizes."""

from typing import Final

from playwright.async_api import Page

_CONTRAST: Final = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const parse = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      if (color[3] === 255) return color;
      if (color[3] > 0) throw new Error(`${each.className} is half transparent: compute it`);
    }
    throw new Error("nothing is behind");
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest(".unseen")) continue;
    const style = getComputedStyle(element);
    const [one, other] = [luminance(parse(style.color)), luminance(behind(element))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    found.push({ text: walker.currentNode.data.trim(), ratio: (one + 0.05) / (other + 0.05), least: large ? 3 : 4.5 });
  }
  return found;
}"""
_SMALL: Final = """() => [...document.querySelectorAll("a, button, summary")]
  .filter((each) => each.checkVisibility())
  .map((each) => [each.textContent.trim(), each.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24)
  .map(([text]) => text)"""
_MISTAKES: Final = """() => {
  const mistakes = [];
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  if (new Set(ids).size < ids.length) mistakes.push("an id is there twice");
  for (const each of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(each.getAttribute("aria-labelledby"))) mistakes.push("a label is not there");
  if (document.querySelector("img:not([alt])")) mistakes.push("a picture has no alt");
  for (const each of document.querySelectorAll("svg"))
    if (!each.closest("[role=img][aria-label], [aria-hidden=true]")) mistakes.push("a drawing is not named nor hidden");
  for (const each of document.querySelectorAll("a, button, summary, progress, dialog"))
    if (!(each.getAttribute("aria-label") || each.getAttribute("aria-labelledby") || each.textContent.trim()))
      mistakes.push(`${each.outerHTML} has no name`);
  for (const each of document.querySelectorAll("[aria-label]"))
    if (each.tagName === "BUTTON" && !each.ariaLabel.includes(each.textContent.trim()))
      mistakes.push(`${each.ariaLabel} does not hold what is to be seen`);
  if (document.querySelectorAll("h1").length !== 1) mistakes.push("there is not one h1");
  if (document.querySelectorAll("main").length !== 1) mistakes.push("there is not one main");
  if (!document.documentElement.lang || !document.title) mistakes.push("no language or no title");
  if (document.documentElement.scrollWidth > innerWidth) mistakes.push("it must be scrolled sideways");
  return mistakes;
}"""


async def faint_texts(page: Page) -> list[str]:
    """Return texts whose contrast is less than WCAG 2.2 AA asks for, each with its contrast."""
    found = await page.evaluate(_CONTRAST)
    assert found, "there is no text"
    return [f"{each['text']}: {each['ratio']:.2f}" for each in found if each["ratio"] < each["least"]]


async def small_targets(page: Page) -> list[str]:
    """Return what is to be pressed and smaller than WCAG 2.2 AA asks for."""
    found: list[str] = await page.evaluate(_SMALL)
    return found


async def mistakes(page: Page) -> list[str]:
    """Return what is wrong with names, ids, headings and width."""
    found: list[str] = await page.evaluate(_MISTAKES)
    return found
