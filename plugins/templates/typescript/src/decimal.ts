// Decimal arithmetic that is exact or says that it does not fit. No floating point near money.

import type { Decimal } from "./contract.js";

/** A number of the contract, or of a calculation: mantissa ÷ 10^scale. */
export type Exact = { mantissa: bigint; scale: number };

/** Thrown where a number does not fit the contract. */
export class TooLarge extends Error {}

const pow = (exponent: number): bigint => 10n ** BigInt(exponent);

/** A number that came in. QuickJS hands 64-bit integers over as doubles: beyond 2^53 they are not exact. */
export function exact(value: Decimal): Exact {
  if (!Number.isSafeInteger(value.mantissa)) throw new TooLarge();
  return { mantissa: BigInt(value.mantissa), scale: value.scale };
}

/** A whole number. */
export const whole = (value: number): Exact => ({ mantissa: BigInt(value), scale: 0 });

export function plus(a: Exact, b: Exact): Exact {
  const scale = Math.max(a.scale, b.scale);
  return { mantissa: a.mantissa * pow(scale - a.scale) + b.mantissa * pow(scale - b.scale), scale };
}

export const minus = (a: Exact, b: Exact): Exact => plus(a, { mantissa: -b.mantissa, scale: b.scale });

export const times = (a: Exact, b: Exact): Exact => ({ mantissa: a.mantissa * b.mantissa, scale: a.scale + b.scale });

/** The quotient, rounded half-up (away from zero) to `places`. */
export function divided(a: Exact, by: Exact, places: number): Exact {
  if (by.mantissa === 0n) throw new TooLarge();
  return { mantissa: halfUp(a.mantissa * pow(places + by.scale), by.mantissa * pow(a.scale)), scale: places };
}

/** The number rounded half-up (away from zero) to at most `places`. */
export function rounded(a: Exact, places: number): Exact {
  return a.scale <= places ? a : { mantissa: halfUp(a.mantissa, pow(a.scale - places)), scale: places };
}

/** The number as it goes out: at most 12 places, fewer where a large number needs the room, never below 6. */
export function fit(a: Exact): Decimal {
  for (let places = 12; places >= 6; places--) {
    const cut = rounded(a, places);
    const mantissa = Number(cut.mantissa);
    if (Number.isSafeInteger(mantissa)) return { mantissa, scale: cut.scale };
  }
  throw new TooLarge();
}

function halfUp(numerator: bigint, denominator: bigint): bigint {
  const size = (value: bigint): bigint => (value < 0n ? -value : value);
  const away = numerator < 0n === denominator < 0n ? 1n : -1n;
  const quotient = numerator / denominator;
  return 2n * size(numerator % denominator) >= size(denominator) ? quotient + away : quotient;
}
