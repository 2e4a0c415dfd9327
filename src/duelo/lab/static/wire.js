/* Binary answers: 4 bytes length of a JSON header, the header, padding to 8, then the arrays, each padded to 8. */

const KINDS = { u1: Uint8Array, i4: Int32Array, f4: Float32Array };

const padded = (n) => (n + 7) & ~7;

/** ArrayBuffer -> {meta, arrays: {name: {data, shape, dtype}}}. Throws where the buffer is cut short or unknown. */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let at = padded(4 + length);
  for (const { name, dtype, shape } of header.arrays) {
    const Kind = KINDS[dtype];
    if (!Kind) throw new Error(`unknown dtype ${dtype}`);
    const count = shape.reduce((a, b) => a * b, 1);
    arrays[name] = { data: new Kind(buffer, at, count), shape, dtype };
    at += padded(count * Kind.BYTES_PER_ELEMENT);
  }
  return { meta: header.meta, arrays };
}
