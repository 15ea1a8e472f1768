// The contract kabinet:tariff@1.0.0 as AssemblyScript sees it; wit/tariff-1.0/tariff.wit says what
// each field means. What comes in is for reading: its lists (StaticArray) have a fixed length.

import { Decimal } from "./decimal";

export enum ServiceKind {
  ColdWater, HotWater, Wastewater, Electricity, Heating, Gas,
  Maintenance, CapitalRepair, Waste, CommonProperty, Other,
}
export enum Unit { CubicMetre, KilowattHour, Gigacalorie, SquareMetre, Person, Rouble, Month, Day, One }
export enum Zone { WholeDay, Day, Night, Peak, HalfPeak }
export enum Premises { Flat, Room, PrivateHouse, NonResidential, Parking }
export enum MeterState { Working, Failed, VerificationExpired, AccessRefused }
export enum Method { Meter, Average, Norm, NormRaised, Derived, Area, Persons, HouseShare, Fixed }
export enum Reason {
  NoMeter, MeterPossible, ReadingMissing, MeterFailed, VerificationExpired, AccessRefused,
  /** The line has no reason. */
  None = -1,
}
export enum Basis { AverageReversed, Absence, Correction, Benefit, Other }
export enum Operation { Start, Times, Divide, Plus, Minus, Equals }
export enum Role {
  ReadingCurrent, ReadingPrevious, Volume, History, Months, Average, Norm, Residents, Owners,
  Area, Tariff, Coefficient, DaysCharged, DaysInMonth, HouseVolume, HouseArea, Share,
  Amount, Excess, Recalculation, Other,
}

export class Period {
  constructor(readonly year: u16, readonly month: u8) {}
}

// What comes in.

export class Parameter {
  constructor(readonly name: string, readonly value: Decimal) {}
}

export class Price {
  constructor(readonly zone: Zone, readonly above: Decimal, readonly amount: Decimal) {}
}

export class ServiceTable {
  constructor(
    readonly code: string,
    readonly kind: ServiceKind,
    readonly rule: string,
    readonly unit: Unit,
    readonly prices: StaticArray<Price>,
    readonly norm: Decimal | null,
    readonly coefficient: Decimal | null,
    readonly parameters: StaticArray<Parameter>,
  ) {}
}

export class HouseVolume {
  constructor(
    readonly service: u16,
    readonly houseMeter: Decimal | null,
    readonly roomsVolume: Decimal,
    readonly meteredArea: Decimal,
  ) {}
}

export class House {
  constructor(
    readonly roomsArea: Decimal,
    readonly commonArea: Decimal,
    readonly volumes: StaticArray<HouseVolume>,
  ) {}
}

export class ZoneReading {
  constructor(
    readonly zone: Zone,
    readonly previous: Decimal,
    readonly current: Decimal | null,
    readonly history: StaticArray<Decimal>,
  ) {}
}

export class Meter {
  constructor(readonly state: MeterState, readonly missedPeriods: u8, readonly zones: StaticArray<ZoneReading>) {}
}

export class AveragedMonth {
  /** `charged` in kopecks. */
  constructor(readonly period: Period, readonly volume: Decimal, readonly charged: i64) {}
}

export class Consumption {
  constructor(
    readonly service: u16,
    readonly meters: StaticArray<Meter>,
    readonly meterPossible: bool,
    readonly averaged: StaticArray<AveragedMonth>,
    readonly parameters: StaticArray<Parameter>,
  ) {}
}

export class Span {
  constructor(
    readonly fromDay: u8,
    readonly toDay: u8,
    readonly residents: u16,
    readonly owners: u16,
    readonly area: Decimal,
  ) {}
}

export class Absence {
  constructor(readonly residents: u16, readonly days: u8) {}
}

export class Account {
  constructor(
    readonly index: u32,
    readonly premises: Premises,
    readonly area: Decimal,
    readonly residents: u16,
    readonly owners: u16,
    /** The house of the batch, already looked up. */
    readonly house: House | null,
    readonly spans: StaticArray<Span>,
    readonly absences: StaticArray<Absence>,
    readonly services: StaticArray<Consumption>,
  ) {}
}

/** What all accounts of a call have in common; the accounts themselves come one by one. */
export class Batch {
  constructor(
    readonly period: Period,
    readonly parameters: StaticArray<Parameter>,
    readonly tables: StaticArray<ServiceTable>,
    readonly houses: StaticArray<House>,
  ) {}
}

// What goes out. Amounts are roubles, not rounded: the platform rounds.

export class Term {
  constructor(public operation: Operation, public role: Role, public value: Decimal, public unit: Unit) {}
}

export class Part {
  constructor(
    public zone: Zone,
    public above: Decimal,
    public volume: Decimal,
    public tariff: Decimal,
    public amount: Decimal,
  ) {}
}

export class Recalculation {
  constructor(public basis: Basis, public period: Period, public amount: Decimal) {}
}

export class Line {
  reason: Reason = Reason.None;
  parts: Part[] = [];
  norm: Decimal | null = null;
  coefficient: Decimal | null = null;
  excess: Decimal = Decimal.ZERO;
  recalculations: Recalculation[] = [];
  trace: Term[] = [];

  /** `amount` is the sum of the parts, without the excess. */
  constructor(public service: u16, public method: Method, public volume: Decimal, public amount: Decimal) {}
}

export enum Refused { Account, Table, Unsupported }

/** Why nothing is calculated; the message is for the company's accountant. */
export class Failure {
  private constructor(
    readonly refused: Refused,
    readonly index: u32,
    /** Position in batch.tables, or -1. */
    readonly service: i32,
    readonly message: string,
  ) {}

  /** An account that cannot be charged; `service` is -1 where it is not about one of them. */
  static account(account: Account, service: i32, message: string): Failure {
    return new Failure(Refused.Account, account.index, service, message);
  }

  static table(service: u16, message: string): Failure {
    return new Failure(Refused.Table, 0, service, message);
  }

  static unsupported(message: string): Failure {
    return new Failure(Refused.Unsupported, 0, -1, message);
  }
}

let first: Failure | null = null;

/**
 * Refuses the whole call: no charge of it goes out. The first refusal counts. The language has no
 * exceptions to catch, so this gives null for the caller to hand on.
 */
export function refuse(failure: Failure): Line | null {
  if (first === null) first = failure;
  return null;
}

/** The first refusal, if there was one. */
export function refusal(): Failure | null {
  return first;
}
