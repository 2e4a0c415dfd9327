/* Grids of small images on one canvas. */

import { h } from "./dom.js";
import { colour } from "./theme.js";

const GAP = 3; // CSS pixels between tiles
const STRIP = 4; // height of the strip that tells what the discriminator thinks

/** A grid of images that can be clicked and walked through with the arrow keys.
 *  options: label (for screen readers), columns, strips (room for opinions, so that it is as high as a grid with them), onPick(index) or null, describe(index) -> text for the screen reader.
 *  Returns {element, show({data, shape: [n, h, w, c]}, {opinions}), pick(index), picked()}.
 *  opinions: n numbers in [0, 1]: a strip under each tile, blue from the left as far as the discriminator takes it for real. */
export function tileGrid(context, { label, columns = 6, onPick = null, describe = null, strips = false }) {
  const canvas = h("canvas", { class: "tile-canvas", role: "img", "aria-label": label, tabindex: onPick ? "0" : null });
  const element = h("div", { class: "tile-grid" }, canvas);
  let images = null;
  let opinions = null;
  let picked = null;
  let room = 0; // how wide the grid may be, in CSS pixels: to ask for it at each picture would lay the page out once more

  function layout() {
    const [n, height, width] = images.shape;
    const ratio = Math.min(devicePixelRatio, 2);
    const across = Math.min(columns, n);
    const gap = Math.round(GAP * ratio);
    const strip = opinions || strips ? Math.round(STRIP * ratio) : 0;
    const side = Math.max(1, Math.floor((room * ratio - gap * (across - 1)) / across));
    const tall = Math.round((side * height) / width);
    return { n, height, width, across, gap, strip, side, tall, rows: Math.ceil(n / across) };
  }

  function draw() {
    if (!images || !room) return;
    const place = layout();
    const { n, across, gap, strip, side, tall, rows } = place;
    const wide = across * side + (across - 1) * gap;
    const high = rows * (tall + strip) + (rows - 1) * gap;
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide;
      canvas.height = high;
    }
    const ctx = canvas.getContext("2d");
    ctx.clearRect(0, 0, wide, high);
    ctx.imageSmoothingEnabled = side > 3 * place.width ? false : true;
    let row = null;
    for (let i = 0; i < n; i++) {
      const x = (i % across) * (side + gap);
      const y = Math.floor(i / across) * (tall + strip + gap);
      if (i % across === 0) row = pictures(images, i, Math.min(across, n - i));
      ctx.drawImage(row, (i % across) * place.width, 0, place.width, place.height, x, y, side, tall);
      if (opinions) {
        ctx.fillStyle = colour("g-fill");
        ctx.fillRect(x, y + tall, side, strip);
        ctx.fillStyle = colour("d-fill");
        ctx.fillRect(x, y + tall, Math.round(side * opinions[i]), strip);
      }
      if (i === picked) {
        for (const [name, width] of [["card", 3 * gap], ["g-fill", 2 * gap]]) {
          ctx.strokeStyle = colour(name); // seen on dark pictures and on light ones
          ctx.lineWidth = width;
          ctx.strokeRect(x, y, side, tall + strip);
        }
      }
    }
  }

  function pick(index, told = true) {
    if (!images || index < 0 || index >= images.shape[0]) return;
    picked = index;
    draw();
    if (told) onPick?.(index);
    if (describe) context.announce(describe(index));
  }

  if (onPick) {
    canvas.addEventListener("click", (event) => {
      if (!images) return;
      const { across, gap, side, tall, strip } = layout();
      const box = canvas.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * canvas.width;
      const y = ((event.clientY - box.top) / box.height) * canvas.height;
      pick(Math.floor(y / (tall + strip + gap)) * across + Math.min(across - 1, Math.floor(x / (side + gap))));
    });
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Enter: 0 }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      pick(picked === null ? 0 : picked + move);
    });
  }

  const resizing = new ResizeObserver(() => {
    room = element.clientWidth;
    draw();
  });
  resizing.observe(element);
  context.onLeave(() => resizing.disconnect());
  context.onTheme(() => requestAnimationFrame(draw));

  return {
    element,
    canvas,
    pick,
    picked: () => picked,
    show(next, { opinions: next_opinions = null } = {}) {
      images = next;
      opinions = next_opinions;
      draw();
    },
  };
}

const scratch = document.createElement("canvas");

/** Some images of {data: uint8, shape: [n, h, w, c]} side by side on a canvas, which the next call uses again: to write on it costs
 *  much more than the pixels do. */
function pictures({ data, shape: [, height, width, channels] }, first, count) {
  const wide = width * count;
  if (scratch.width !== wide || scratch.height !== height) {
    scratch.width = wide;
    scratch.height = height;
  }
  const pixels = new ImageData(wide, height);
  let from = first * height * width * channels;
  for (let image = 0; image < count; image++) {
    for (let y = 0; y < height; y++) {
      let to = 4 * (y * wide + image * width);
      for (let x = 0; x < width; x++, to += 4, from += channels) {
        for (let c = 0; c < 3; c++) pixels.data[to + c] = data[from + (channels === 1 ? 0 : c)];
        pixels.data[to + 3] = 255;
      }
    }
  }
  scratch.getContext("2d").putImageData(pixels, 0, 0);
  return scratch;
}

/** One image as a canvas to keep, its pixels enlarged by the style sheet. */
export function still(images, index, label) {
  const [, height, width] = images.shape;
  const canvas = h("canvas", { width, height, role: "img", "aria-label": label });
  canvas.getContext("2d").drawImage(pictures(images, index, 1), 0, 0);
  return canvas;
}

export const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));
