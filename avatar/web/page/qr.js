// A QR code of a short text: bytes, error correction M, versions 1 to 10 (up to 213 bytes). ISO/IEC 18004:2015.

const CHECKS = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26]; // check bytes of each block, by version
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5];
const TOTAL = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346]; // bytes of the whole code
const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

// Rows of true (dark) and false, without the quiet border of four modules.
export function qr(text) {
  const data = new TextEncoder().encode(text);
  const version = TOTAL.findIndex((total, at) => total - CHECKS[at] * BLOCKS[at] >= data.length + (at < 9 ? 2 : 3)) + 1;
  if (!version) throw new RangeError("too long for this code");
  const bytes = woven(packed(data, version), version);
  const drawn = MASKS.map((mask, at) => draw(bytes, version, mask, at));
  return drawn.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

function packed(data, version) {
  const room = TOTAL[version - 1] - CHECKS[version - 1] * BLOCKS[version - 1];
  let bits = "0100" + data.length.toString(2).padStart(version < 10 ? 8 : 16, "0");
  for (const byte of data) bits += byte.toString(2).padStart(8, "0");
  bits += "0".repeat(Math.min(4, room * 8 - bits.length));
  bits += "0".repeat(-bits.length & 7);
  const bytes = bits.match(/.{8}/g).map((piece) => parseInt(piece, 2));
  for (let pad = 0; bytes.length < room; pad++) bytes.push(pad % 2 ? 0x11 : 0xec);
  return bytes;
}

function woven(bytes, version) {
  const count = BLOCKS[version - 1], checks = CHECKS[version - 1];
  const short = Math.floor(bytes.length / count), long = bytes.length % count; // the last blocks have one byte more
  const blocks = [];
  for (let at = 0, from = 0; at < count; at++) {
    const size = short + (at >= count - long ? 1 : 0);
    blocks.push(bytes.slice(from, (from += size)));
  }
  const rests = blocks.map((block) => remainder(block, checks));
  const out = [];
  for (let at = 0; at <= short; at++) for (const block of blocks) if (at < block.length) out.push(block[at]);
  for (let at = 0; at < checks; at++) for (const rest of rests) out.push(rest[at]);
  return out;
}

// Product in the field of 256 elements over x^8 + x^4 + x^3 + x^2 + 1.
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) product = ((product << 1) ^ ((product >>> 7) * 0x11d)) ^ (((b >>> bit) & 1) * a);
  return product;
}

// Reed-Solomon check bytes of a block.
function remainder(block, degree) {
  const divisor = [...Array(degree - 1).fill(0), 1];
  for (let at = 0, root = 1; at < degree; at++, root = times(root, 2)) {
    for (let place = 0; place < degree; place++) divisor[place] = times(divisor[place], root) ^ (divisor[place + 1] ?? 0);
  }
  const rest = Array(degree).fill(0);
  for (const byte of block) {
    const factor = byte ^ rest.shift();
    rest.push(0);
    divisor.forEach((value, place) => { rest[place] ^= times(value, factor); });
  }
  return rest;
}

function draw(bytes, version, mask, number) {
  const side = version * 4 + 17;
  const grid = Array.from({ length: side }, () => Array(side).fill(null));
  frame(grid, version);
  lettering(grid, version, number);
  const fixed = grid.map((row) => row.map((cell) => cell !== null));
  let bit = 0, upward = true;
  for (let right = side - 1; right > 0; right -= 2, upward = !upward) {
    if (right === 6) right = 5; // this column is a ruler
    for (let step = 0; step < side; step++) {
      for (const x of [right, right - 1]) {
        const y = upward ? side - 1 - step : step;
        if (fixed[y][x]) continue;
        const dark = bit < bytes.length * 8 && ((bytes[bit >> 3] >> (7 - (bit & 7))) & 1) === 1;
        grid[y][x] = dark !== (mask(x, y) === 0);
        bit++;
      }
    }
  }
  return grid;
}

// What is the same in every code of a version: rulers, the three eyes, the small marks, the lone dark module.
function frame(grid, version) {
  const side = grid.length;
  for (let at = 0; at < side; at++) grid[6][at] = grid[at][6] = at % 2 === 0;
  for (const [x, y] of [[3, 3], [side - 4, 3], [3, side - 4]]) {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        if (grid[y + dy]?.[x + dx] !== undefined) grid[y + dy][x + dx] = ring !== 2 && ring !== 4;
      }
    }
  }
  const middle = version < 7 ? [] : [version * 2 + 8];
  const marks = version === 1 ? [] : [6, ...middle, side - 7];
  marks.forEach((y, row) => marks.forEach((x, column) => {
    const last = marks.length - 1;
    if ((row === 0 && (column === 0 || column === last)) || (row === last && column === 0)) return; // an eye is there
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) grid[y + dy][x + dx] = Math.max(Math.abs(dx), Math.abs(dy)) !== 1;
  }));
}

// Which mask was used, and from version 7 on which version this is, each with check bits.
function lettering(grid, version, mask) {
  const side = grid.length;
  let rest = mask; // correction M is 00
  for (let at = 0; at < 10; at++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((mask << 10) | rest) ^ 0x5412;
  for (let at = 0; at < 15; at++) {
    const dark = ((bits >>> at) & 1) === 1;
    if (at < 6) grid[at][8] = dark;
    else if (at < 8) grid[at + 1][8] = dark;
    else if (at === 8) grid[8][7] = dark;
    else grid[8][14 - at] = dark;
    if (at < 8) grid[8][side - 1 - at] = dark;
    else grid[side - 15 + at][8] = dark;
  }
  grid[side - 8][8] = true;
  if (version < 7) return;
  let check = version;
  for (let at = 0; at < 12; at++) check = (check << 1) ^ ((check >>> 11) * 0x1f25);
  const told = (version << 12) | check;
  for (let at = 0; at < 18; at++) {
    const dark = ((told >>> at) & 1) === 1, near = side - 11 + (at % 3), far = Math.floor(at / 3);
    grid[near][far] = grid[far][near] = dark;
  }
}

// How hard it is to read: long runs, blocks of one colour, what looks like an eye, too much dark or light.
function penalty(grid) {
  const side = grid.length, lines = [...grid, ...grid.map((_, x) => grid.map((row) => row[x]))];
  let sum = 0, dark = 0;
  for (const line of lines) {
    const text = line.map(Number).join("");
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
    sum += 40 * (text.match(/(?=10111010000|00001011101)/g) ?? []).length;
  }
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      dark += grid[y][x];
      if (y && x && grid[y][x] === grid[y - 1][x] && grid[y][x] === grid[y][x - 1] && grid[y][x] === grid[y - 1][x - 1]) sum += 3;
    }
  }
  return sum + 10 * Math.floor(Math.abs((dark / side / side) * 20 - 10));
}
