// The contract kabinet:tariff@1.0.0 as TypeScript sees it; wit/tariff-1.0/tariff.wit says what each
// field means. An absent option is null. Amounts are roubles, not rounded: the platform rounds.

/** mantissa ÷ 10^scale; the mantissa must stay within ±2^53 here, see decimal.ts. */
export type Decimal = { mantissa: number; scale: number };
export type Period = { year: number; month: number };

export type ServiceKind =
  | "cold-water" | "hot-water" | "wastewater" | "electricity" | "heating" | "gas"
  | "maintenance" | "capital-repair" | "waste" | "common-property" | "other";
export type Unit =
  | "cubic-metre" | "kilowatt-hour" | "gigacalorie" | "square-metre" | "person" | "rouble" | "month" | "day" | "one";
export type Zone = "whole-day" | "day" | "night" | "peak" | "half-peak";
export type Premises = "flat" | "room" | "private-house" | "non-residential" | "parking";
export type MeterState = "working" | "failed" | "verification-expired" | "access-refused";

export type Parameter = { name: string; value: Decimal };
export type Price = { zone: Zone; above: Decimal; amount: Decimal };
export type ServiceTable = {
  code: string; kind: ServiceKind; rule: string; unit: Unit; prices: Price[];
  norm: Decimal | null; coefficient: Decimal | null; parameters: Parameter[];
};
export type HouseVolume = {
  service: number; houseMeter: Decimal | null; roomsVolume: Decimal; meteredArea: Decimal;
};
export type House = { roomsArea: Decimal; commonArea: Decimal; volumes: HouseVolume[] };
export type ZoneReading = { zone: Zone; previous: Decimal; current: Decimal | null; history: Decimal[] };
export type Meter = { state: MeterState; missedPeriods: number; zones: ZoneReading[] };
export type AveragedMonth = { period: Period; volume: Decimal; charged: number };
export type Consumption = {
  service: number; meters: Meter[]; meterPossible: boolean; averaged: AveragedMonth[]; parameters: Parameter[];
};
export type Span = { fromDay: number; toDay: number; residents: number; owners: number; area: Decimal };
export type Absence = { residents: number; days: number };
export type Account = {
  index: number; premises: Premises; area: Decimal; residents: number; owners: number; house: number | null;
  spans: Span[]; absences: Absence[]; services: Consumption[];
};
export type Batch = {
  period: Period; parameters: Parameter[]; tables: ServiceTable[]; houses: House[]; accounts: Account[];
};

export type Method =
  | "meter" | "average" | "norm" | "norm-raised" | "derived" | "area" | "persons" | "house-share" | "fixed";
export type Reason =
  | "no-meter" | "meter-possible" | "reading-missing" | "meter-failed" | "verification-expired" | "access-refused";
export type Basis = "average-reversed" | "absence" | "correction" | "benefit" | "other";
export type Operation = "start" | "times" | "divide" | "plus" | "minus" | "equals";
export type Role =
  | "reading-current" | "reading-previous" | "volume" | "history" | "months" | "average" | "norm" | "residents"
  | "owners" | "area" | "tariff" | "coefficient" | "days-charged" | "days-in-month" | "house-volume" | "house-area"
  | "share" | "amount" | "excess" | "recalculation" | "other";

export type Term = { operation: Operation; role: Role; value: Decimal; unit: Unit };
export type Part = { zone: Zone; above: Decimal; volume: Decimal; tariff: Decimal; amount: Decimal };
export type Recalculation = { basis: Basis; period: Period; amount: Decimal };
export type Line = {
  service: number; method: Method; reason: Reason | null; volume: Decimal; parts: Part[];
  norm: Decimal | null; coefficient: Decimal | null; amount: Decimal; excess: Decimal;
  recalculations: Recalculation[]; trace: Term[];
};
export type AccountCharges = { index: number; lines: Line[] };
export type Info = { id: string; version: string; rules: string[] };

/** What `calculate` throws when it cannot charge; messages are for the company's accountant. */
export type Failure =
  | { tag: "account"; val: { index: number; service: number | null; message: string } }
  | { tag: "table"; val: { service: number; message: string } }
  | { tag: "unsupported"; val: string };
