/* Who gives what to whom: the duel as a drawing, in the words of the lecture or in those of reinforcement learning. */

import { svg } from "./dom.js";

/** names: {noise, g, fake, real, d, opinion, lesson}: the words in the boxes; label: for screen readers. */
export function duelDiagram(names, label) {
  const box = (x, y, w, tone, text) => [
    svg("rect", { x, y, width: w, height: 46, rx: 10, class: tone, "stroke-width": 1.5 }),
    svg("text", { x: x + w / 2, y: y + 28, "text-anchor": "middle", "font-size": 15, "font-weight": 600 }, text),
  ];
  const wire = (d, kind = "wire") => svg("path", { d, class: kind });
  const tip = (x, y, angle, kind = "tip") => svg("path", { d: "M0 0 -9 -4.5 -9 4.5z", transform: `translate(${x} ${y}) rotate(${angle})`, class: kind });
  const small = (x, y, text, anchor = "middle") => svg("text", { x, y, class: "small", "text-anchor": anchor }, text);
  return svg(
    "svg",
    { viewBox: "0 0 640 238", class: "diagram", role: "img", "aria-label": label },
    box(0, 104, 96, "box", names.noise),
    wire("M96 127H134"), tip(143, 127, 0),
    box(144, 104, 132, "box-g", names.g),
    wire("M276 127H394"), tip(403, 127, 0), small(336, 119, names.fake),
    box(144, 12, 132, "box", names.real),
    wire("M276 35H340Q370 35 384 60L404 96"), tip(408, 103, 61),
    box(404, 104, 150, "box-d", names.d),
    wire("M554 127H584"), tip(593, 127, 0), small(600, 132, names.opinion, "start"),
    wire("M479 150V196H210V158", "lesson-wire"), tip(210, 151, -90, "tip-g"), small(345, 214, names.lesson),
  );
}
