/**
 * .NET's `decimal` as far as it shows: a whole number and a scale, so that `1.50` stays `1.50`, sums are exact, and
 * halves are rounded to even. Source: https://learn.microsoft.com/dotnet/api/system.decimal
 */

const form = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
const scaleMax = 28;

export class NetDecimal {
  readonly digits: bigint;
  readonly scale: number;

  constructor(digits: bigint, scale: number) {
    this.digits = digits;
    this.scale = scale;
  }

  /** Reads a decimal with an optional exponent; undefined for other texts. */
  static parse(text: string): NetDecimal | undefined {
    const match = form.exec(text);
    if (match === null) return undefined;
    const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
    if (whole === '' && fraction === '') return undefined;
    const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
    const scale = fraction.length - Number(exponent);
    if (scale < 0) return new NetDecimal(digits * 10n ** BigInt(-scale), 0);
    const decimal = new NetDecimal(digits, scale);
    return scale > scaleMax ? decimal.round(scaleMax) : decimal;
  }

  /** As .NET casts a double: 15 significant digits. */
  static fromNumber(value: number): NetDecimal | undefined {
    return Number.isFinite(value) ? NetDecimal.parse(String(Number(value.toPrecision(15)))) : undefined;
  }

  add(other: NetDecimal): NetDecimal {
    const scale = Math.max(this.scale, other.scale);
    return new NetDecimal(this.digitsAt(scale) + other.digitsAt(scale), scale);
  }

  /** Rounds to so many places, halves to even; fewer places than that stay as they are. */
  round(places: number): NetDecimal {
    if (this.scale <= places) return this;
    const unit = 10n ** BigInt(this.scale - places);
    const size = this.digits < 0n ? -this.digits : this.digits;
    const [whole, rest] = [size / unit, size % unit];
    const up = rest * 2n > unit || (rest * 2n === unit && whole % 2n === 1n);
    const rounded = up ? whole + 1n : whole;
    return new NetDecimal(this.digits < 0n ? -rounded : rounded, places);
  }

  toNumber(): number {
    return Number(this.toString());
  }

  toString(): string {
    const size = (this.digits < 0n ? -this.digits : this.digits).toString().padStart(this.scale + 1, '0');
    const sign = this.digits < 0n ? '-' : '';
    if (this.scale === 0) return sign + size;
    return `${sign}${size.slice(0, -this.scale)}.${size.slice(-this.scale)}`;
  }

  private digitsAt(scale: number): bigint {
    return this.digits * 10n ** BigInt(scale - this.scale);
  }
}
