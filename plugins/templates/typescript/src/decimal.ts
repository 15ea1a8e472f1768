// Decimal arithmetic that is exact or says that it does not fit. No floating point near money.

/** Most decimal places of a number that goes out. */
const PLACES_OUT = 12;
/** Fewest places that a large number may be cut to; money needs two. */
const PLACES_CUT = 6;
/** Powers of ten that fit 127 bits. */
const MOST_PLACES = 38;

const POWERS: StaticArray<u64> = [
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
  1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
  1000000000000000000, 10000000000000000000,
];

// The language has no tuples: the functions below leave 128-bit results here.
let high: u64 = 0;
let low: u64 = 0;

/** What the accountant reads where a number does not fit. */
export const TOO_LARGE: string = "число слишком велико: проверьте тариф";

let overflowed: bool = false;

/**
 * Whether a number has not fitted since the call began. It stays so: every call runs in a fresh
 * instance, and an answer after an overflow is never given out, whatever it says.
 */
export function tooLarge(): bool {
  return overflowed;
}

/** A number: ±(high × 2^64 + low) ÷ 10^scale, below 2^127 before the division. Never changes. */
export class Decimal {
  static readonly ZERO: Decimal = new Decimal(false, 0, 0, 0);
  static readonly ONE: Decimal = new Decimal(false, 0, 1, 0);

  private constructor(
    private readonly negative: bool,
    private readonly high: u64,
    private readonly low: u64,
    readonly scale: i32,
  ) {}

  /** mantissa ÷ 10^scale. */
  static of(mantissa: i64, scale: i32): Decimal {
    const negative = mantissa < 0;
    return new Decimal(negative, 0, negative ? 0 - <u64>mantissa : <u64>mantissa, scale);
  }

  /** A whole number. */
  static whole(value: i64): Decimal {
    return Decimal.of(value, 0);
  }

  isZero(): bool {
    return (this.high | this.low) == 0;
  }

  isNegative(): bool {
    return this.negative;
  }

  negated(): Decimal {
    return new Decimal(!this.negative && !this.isZero(), this.high, this.low, this.scale);
  }

  plus(other: Decimal): Decimal {
    const scale = max(this.scale, other.scale);
    if (!this.scaledTo(scale)) return overflow();
    const ah = high, al = low;
    if (!other.scaledTo(scale)) return overflow();
    const bh = high, bl = low;
    if (this.negative == other.negative) {
      const sum = al + bl;
      return number(this.negative, ah + bh + u64(sum < al), sum, scale);
    }
    if (atLeast(ah, al, bh, bl)) return number(this.negative, ah - bh - u64(al < bl), al - bl, scale);
    return number(other.negative, bh - ah - u64(bl < al), bl - al, scale);
  }

  minus(other: Decimal): Decimal {
    return this.plus(other.negated());
  }

  /** The product, without any rounding. */
  times(other: Decimal): Decimal {
    const scale = this.scale + other.scale;
    if (scale > MOST_PLACES || !multiply(this.high, this.low, other.high, other.low)) return overflow();
    return number(this.negative != other.negative, high, low, scale);
  }

  /** The quotient, rounded half-up (away from zero) to `places`; a division by zero does not fit either. */
  divided(by: Decimal, places: i32): Decimal {
    if (by.isZero()) return overflow();
    const shift = places + by.scale - this.scale;
    if (!power(abs(shift))) return overflow();
    let nh = this.high, nl = this.low, dh = by.high, dl = by.low;
    if (shift >= 0) {
      if (!multiply(nh, nl, high, low)) return overflow();
      nh = high, nl = low;
    } else {
      if (!multiply(dh, dl, high, low)) return overflow();
      dh = high, dl = low;
    }
    divide(nh, nl, dh, dl);
    return number(this.negative != by.negative, high, low, places);
  }

  /** The number rounded half-up (away from zero) to at most `places`. */
  rounded(places: i32): Decimal {
    if (this.scale <= places) return this;
    if (!power(this.scale - places)) return overflow();
    divide(this.high, this.low, high, low);
    return number(this.negative, high, low, places);
  }

  /** Below zero, zero or above: how it compares. */
  compare(other: Decimal): i32 {
    const difference = this.minus(other);
    return difference.isZero() ? 0 : difference.negative ? -1 : 1;
  }

  smaller(other: Decimal): Decimal {
    return this.compare(other) <= 0 ? this : other;
  }

  /**
   * The number as it goes out: at most 12 places, fewer where a large number needs the room, never below 6. What stands
   * behind is cut off and not rounded: the platform rounds to kopecks, and rounding twice may end on the other side.
   */
  fit(): Decimal {
    for (let places = PLACES_OUT; places >= PLACES_CUT; places--) {
      const cut = this.cut(places);
      if (cut.high == 0 && cut.low <= <u64>i64.MAX_VALUE + u64(cut.negative)) return cut;
    }
    return overflow();
  }

  /** The digits of a number that `fit`. */
  mantissa(): i64 {
    return this.negative ? <i64>(0 - this.low) : <i64>this.low;
  }

  /** The number without what stands behind `places`. */
  private cut(places: i32): Decimal {
    if (this.scale <= places) return this;
    if (!power(this.scale - places)) return overflow();
    divideWhole(this.high, this.low, high, low);
    return number(this.negative, high, low, places);
  }

  /** Leaves the digits at a larger scale; whether they fit. */
  private scaledTo(scale: i32): bool {
    if (scale == this.scale) {
      high = this.high, low = this.low;
      return true;
    }
    return power(scale - this.scale) && multiply(this.high, this.low, high, low);
  }
}

function overflow(): Decimal {
  overflowed = true;
  return Decimal.ZERO;
}

/** The number, without a zero below zero, if it is below 2^127. */
function number(negative: bool, h: u64, l: u64, scale: i32): Decimal {
  // @ts-ignore: TypeScript keeps the constructor to the class, AssemblyScript to the file.
  return h >> 63 != 0 ? overflow() : new Decimal(negative && (h | l) != 0, h, l, scale);
}

function atLeast(ah: u64, al: u64, bh: u64, bl: u64): bool {
  return ah > bh || (ah == bh && al >= bl);
}

/** Leaves 10^exponent; whether it fits. */
function power(exponent: i32): bool {
  if (exponent > MOST_PLACES) return false;
  high = 0;
  if (exponent < POWERS.length) low = POWERS[exponent];
  else multiplyWords(POWERS[POWERS.length - 1], POWERS[exponent - POWERS.length + 1]);
  return true;
}

/** Leaves a × b, both of 64 bits. */
function multiplyWords(a: u64, b: u64): void {
  const a0 = a & u32.MAX_VALUE, a1 = a >> 32, b0 = b & u32.MAX_VALUE, b1 = b >> 32;
  const first = a0 * b0;
  const second = a1 * b0 + (first >> 32);
  const third = a0 * b1 + (second & u32.MAX_VALUE);
  high = a1 * b1 + (second >> 32) + (third >> 32);
  low = (third << 32) | (first & u32.MAX_VALUE);
}

/** Leaves a × b, both of 128 bits; whether the product is below 2^127. */
function multiply(ah: u64, al: u64, bh: u64, bl: u64): bool {
  if ((ah | bh) == 0) {
    multiplyWords(al, bl);
    return high >> 63 == 0;
  }
  if (ah != 0 && bh != 0) return false;
  multiplyWords(ah != 0 ? ah : bh, ah != 0 ? bl : al);
  if (high != 0) return false;
  const cross = low;
  multiplyWords(al, bl);
  if (high + cross < cross) return false;
  high += cross;
  return high >> 63 == 0;
}

/** Leaves n ÷ d, rounded half-up; both below 2^127, d not zero. */
function divide(nh: u64, nl: u64, dh: u64, dl: u64): void {
  divideWhole(nh, nl, dh, dl);
  const restHigh = remainderHigh, rest = remainder;
  // rest ≥ d − rest: half or more.
  if (atLeast(restHigh, rest, dh - restHigh - u64(dl < rest), dl - rest)) {
    low += 1;
    high += u64(low == 0);
  }
}

/** Leaves the whole part of n ÷ d and the remainder; both below 2^127, d not zero. */
function divideWhole(nh: u64, nl: u64, dh: u64, dl: u64): void {
  remainderHigh = 0;
  if ((nh | dh) == 0) {
    high = 0, low = nl / dl, remainder = nl % dl;
  } else if (dh == 0 && dl <= u32.MAX_VALUE) {
    remainder = divideByWord(nh, nl, dl);
  } else {
    divideBitByBit(nh, nl, dh, dl);
  }
}

/** Leaves the quotient and gives the remainder, 32 bits at a time as on paper. */
function divideByWord(nh: u64, nl: u64, d: u64): u64 {
  let quotientHigh: u64 = 0, quotient: u64 = 0, rest: u64 = 0;
  for (let word = 3; word >= 0; word--) {
    const part = word >= 2 ? nh : nl;
    rest = (rest << 32) | ((part >> (u64(word & 1) << 5)) & u32.MAX_VALUE);
    quotientHigh = (quotientHigh << 32) | (quotient >> 32);
    quotient = (quotient << 32) | (rest / d);
    rest %= d;
  }
  high = quotientHigh, low = quotient;
  return rest;
}

let remainderHigh: u64 = 0;
let remainder: u64 = 0;

/** Leaves quotient and remainder; the divisor is below 2^127, so a remainder can be doubled. */
function divideBitByBit(nh: u64, nl: u64, dh: u64, dl: u64): void {
  let qh: u64 = 0, ql: u64 = 0, rh: u64 = 0, rl: u64 = 0;
  for (let bit: i64 = nh != 0 ? 127 - clz(nh) : 63; bit >= 0; bit--) {
    const next = ((bit >= 64 ? nh : nl) >> (<u64>bit & 63)) & 1;
    rh = (rh << 1) | (rl >> 63);
    rl = (rl << 1) | next;
    qh = (qh << 1) | (ql >> 63);
    ql <<= 1;
    if (atLeast(rh, rl, dh, dl)) {
      rh -= dh + u64(rl < dl);
      rl -= dl;
      ql |= 1;
    }
  }
  high = qh, low = ql, remainderHigh = rh, remainder = rl;
}
