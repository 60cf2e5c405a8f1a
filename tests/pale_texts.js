// The texts of a page, those of SVG drawings among them, with less contrast against what is painted below them than WCAG
// 2.2 asks for at level AA (1.4.3: 4.5, or 3 where letters are large), each with its contrast.
() => {
  const hit = new CSSStyleSheet();
  hit.replaceSync("* { pointer-events: all !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, hit];
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** Red, green, blue from 0 to 1, and opacity, of a colour of CSS. */
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red / 255, green / 255, blue / 255, alpha / 255];
  };
  const over = (above, below) => {
    const [alpha, rest] = [above[3], 1 - above[3]];
    return [0, 1, 2].map((at) => above[at] * alpha + below[at] * rest).concat(alpha + below[3] * rest);
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const isDrawn = (element) => element instanceof SVGElement && !(element instanceof SVGSVGElement);

  /** What an element paints below its texts. */
  const painted = (element) => {
    const style = getComputedStyle(element);
    const isText = ["text", "tspan", "title", "g"].includes(element.localName);
    if (isDrawn(element) && (isText || style.fill === "none")) return [0, 0, 0, 0];
    const colour = channels(isDrawn(element) ? style.fill : style.backgroundColor);
    colour[3] *= Number(isDrawn(element) ? style.fillOpacity : 1) * opacity(element);
    return colour;
  };
  const opacity = (element) => {
    let all = 1;
    for (let one = element; one; one = one.parentElement) all *= Number(getComputedStyle(one).opacity);
    return all;
  };

  /** The colour below a point of an element; null where it is not in view, or a picture lies below it. */
  const below = (element, x, y) => {
    const stack = document.elementsFromPoint(x, y);
    const at = stack.indexOf(element);
    if (at < 0 || stack.slice(0, at).some((one) => !element.contains(one) && painted(one)[3] > 0)) return null;
    let colour = [0, 0, 0, 0];
    for (const one of stack.slice(at)) {
      if (["canvas", "img"].includes(one.localName)) return null;
      colour = over(colour, painted(one));
      if (colour[3] > 0.99) return colour;
    }
    return over(colour, channels(matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#ffffff"));
  };

  const places = [...document.querySelectorAll("*")].map((one) => [one, one.scrollLeft, one.scrollTop]);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    element.scrollIntoView({ block: "center", inline: "center" });
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getClientRects()[0] ?? element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const paper = below(element, box.x + Math.min(box.width, 8) / 2, box.y + box.height / 2);
    if (paper === null) continue;
    const style = getComputedStyle(element);
    const ink = channels(isDrawn(element) ? style.fill : style.color);
    ink[3] *= opacity(element);
    const [bright, dark] = [luminance(over(ink, paper)), luminance(paper)].sort((one, other) => other - one);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < (isLarge ? 3 : 4.5)) found.push(`${node.data.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== hit);
  for (const [one, left, top] of places) if (one.scrollLeft !== left || one.scrollTop !== top) one.scrollTo(left, top);
  return found;
}
