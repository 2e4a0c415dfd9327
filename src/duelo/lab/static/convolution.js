/* Convolution with strides, and its transpose, on small square images: the arithmetic of the lesson, equal to torch's. */

/** Side of the output of a convolution. */
export const shrunk = (side, kernel, stride, padding = 0) => Math.floor((side + 2 * padding - kernel) / stride) + 1;

/** Side of the output of a transposed convolution. */
export const grown = (side, kernel, stride, padding = 0) => (side - 1) * stride - 2 * padding + kernel;

export const zeros = (side) => Array.from({ length: side }, () => new Array(side).fill(0));

/** torch's conv2d with one channel: each pixel of the output is the weighted sum of a square of the input.
 *  image: [h][h], kernel: [k][k], lists of lists of numbers. */
export function convolve(image, kernel, stride, padding = 0) {
  const out = zeros(shrunk(image.length, kernel.length, stride, padding));
  for (let row = 0; row < out.length; row++) {
    for (let column = 0; column < out.length; column++) {
      out[row][column] = read(image, kernel, stride, padding, row, column).reduce((sum, one) => sum + one.pixel * one.weight, 0);
    }
  }
  return out;
}

/** What one output pixel of a convolution reads: a list of {row, column, pixel, weight}; pixels beyond the border are 0. */
export function read(image, kernel, stride, padding, row, column) {
  const terms = [];
  kernel.forEach((weights, i) =>
    weights.forEach((weight, j) => {
      const at = [row * stride + i - padding, column * stride + j - padding];
      terms.push({ row: at[0], column: at[1], pixel: image[at[0]]?.[at[1]] ?? 0, weight });
    }),
  );
  return terms;
}

/** torch's conv_transpose2d with one channel: each pixel of the input paints a square into the output, and what falls on the
 *  same place is added up. upTo: paint with so many pixels only, in reading order. */
export function transposed(image, kernel, stride, padding = 0, upTo = Infinity) {
  const out = zeros(grown(image.length, kernel.length, stride, padding));
  const painters = Math.min(upTo, image.length ** 2);
  for (let painter = 0; painter < painters; painter++) {
    for (const { row, column, value } of painted(image, kernel, stride, padding, painter)) {
      if (out[row]?.[column] !== undefined) out[row][column] += value;
    }
  }
  return out;
}

/** The square that one input pixel (by its number in reading order) paints: a list of {row, column, value}. */
export function painted(image, kernel, stride, padding, painter) {
  const row = Math.floor(painter / image.length);
  const column = painter % image.length;
  return kernel.flatMap((weights, i) =>
    weights.map((weight, j) => ({ row: row * stride + i - padding, column: column * stride + j - padding, value: image[row][column] * weight })),
  );
}

/** How many input pixels paint each output pixel: uneven counts are the checkerboard (Odena et al. 2016). */
export function layers(side, kernel, stride, padding = 0) {
  const one = (n) => Array.from({ length: n }, () => new Array(n).fill(1));
  return transposed(one(side), one(kernel), stride, padding);
}
