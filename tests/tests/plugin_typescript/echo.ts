// In place of the template's tariff.ts: says what it was given, field by field, and answers with every
// field filled in. What the rule of the first table names is done.

import {
  Account, Basis, Batch, Consumption, Failure, House, Line, Meter, Method, Operation, Parameter, Part, Period,
  Reason, Recalculation, Role, ServiceTable, Term, Unit, Zone, ZoneReading, refuse,
} from "./contract";
import { Decimal } from "./decimal";

export const ID: string = "{{name}}";
export const VERSION: string = "0.1.0";
export const RULES: string[] = ["tables", "account", "line"];

// Made while an account is charged, used while the next ones are: what the collector must not take.
const seen: string[] = [];

export function charge(batch: Batch, account: Account): Line[] | null {
  const rule = batch.tables[0].rule;
  if (rule == "tables") return refused(Failure.unsupported(ofBatch(batch)));
  if (rule == "account") return refused(Failure.unsupported(ofAccount(account)));
  if (rule == "account-failure") return refused(Failure.account(account, 7, "счёт «ё»"));
  if (rule == "table-failure") return refused(Failure.table(513, "таблица"));
  if (rule == "nothing") return null;
  let kept = Decimal.ZERO;
  if (rule == "kept") {
    seen.push("счёт " + account.index.toString());
    kept = keptSoFar();
  }
  const lines: Line[] = [];
  for (let i = 0; i < account.services.length; i++) {
    const service = account.services[i];
    if (rule == "line") lines.push(full(service.service));
    else if (rule == "kept") lines.push(plain(service.service, kept));
    else lines.push(plain(service.service, calculated(rule, service.parameters)));
  }
  return lines;
}

function refused(failure: Failure): Line[] | null {
  refuse(failure);
  refuse(Failure.unsupported("не первый отказ"));
  return null;
}

/** How many of the texts kept are still what they were. */
function keptSoFar(): Decimal {
  let whole = 0;
  for (let i = 0; i < seen.length; i++) if (seen[i] == "счёт " + (i + 1).toString()) whole++;
  return Decimal.whole(whole);
}

function plain(service: u16, volume: Decimal): Line {
  return new Line(service, Method.Fixed, volume, Decimal.ZERO);
}

/** What the rule makes of the parameters a, b and c. */
function calculated(rule: string, parameters: StaticArray<Parameter>): Decimal {
  const a = parameters[0].value, b = parameters[1].value, c = parameters[2].value;
  if (rule == "plus") return a.plus(b);
  if (rule == "minus") return a.minus(b);
  if (rule == "times") return a.times(b);
  if (rule == "divided") return a.divided(b, 7);
  if (rule == "thrice") return a.times(b).times(c);
  if (rule == "rule-of-three") return a.times(b).divided(c, 9);
  if (rule == "rounded") return a.times(b).rounded(4);
  if (rule == "less-product") return a.times(b).minus(c.times(c));
  if (rule == "tripled") {
    const product = a.times(b).times(c);
    return product.plus(product).plus(product);
  }
  return a.smaller(b);
}

function full(service: u16): Line {
  const line = new Line(service, Method.HouseShare, Decimal.of(-25, 1), Decimal.of(-1050, 2));
  line.reason = Reason.AccessRefused;
  const first = new Part(Zone.Peak, Decimal.of(3, 0), Decimal.of(-15, 1), Decimal.of(4, 0), Decimal.of(-6, 0));
  line.parts.push(first);
  line.parts.push(new Part(Zone.HalfPeak, Decimal.ONE, Decimal.of(-1, 0), Decimal.of(45, 1), Decimal.of(-45, 1)));
  line.norm = Decimal.of(123456789, 9);
  line.coefficient = Decimal.of(15, 1);
  line.excess = Decimal.of(777, 2);
  const march = new Period(2026, 3);
  line.recalculations.push(new Recalculation(Basis.Benefit, march, Decimal.of(-125, 2)));
  line.recalculations.push(new Recalculation(Basis.Other, new Period(2025, 12), Decimal.of(31, 1)));
  line.trace.push(new Term(Operation.Start, Role.Share, Decimal.of(-105, 1), Unit.One));
  line.trace.push(new Term(Operation.Equals, Role.Amount, Decimal.of(-1050, 2), Unit.Rouble));
  line.trace.push(new Term(Operation.Start, Role.Excess, Decimal.of(777, 2), Unit.Rouble));
  line.trace.push(new Term(Operation.Equals, Role.Excess, Decimal.of(777, 2), Unit.Rouble));
  return line;
}

function number(value: Decimal | null): string {
  return value === null ? "-" : value.mantissa().toString() + "e" + value.scale.toString();
}

/** Each of a list, in brackets. */
function all<T>(list: StaticArray<T>, one: (value: T) => string): string {
  let text = "[";
  for (let i = 0; i < list.length; i++) text += (i == 0 ? "" : ",") + one(list[i]);
  return text + "]";
}

function words(numbers: StaticArray<i64>): string {
  return numbers.join(" ");
}

function ofParameter(parameter: Parameter): string {
  return parameter.name + "=" + number(parameter.value);
}

function ofTable(table: ServiceTable): string {
  const prices = all(table.prices, (price) =>
    words([price.zone]) + " " + number(price.above) + " " + number(price.amount));
  return table.code + " " + words([table.kind]) + " " + table.rule + " " + words([table.unit]) + " " + prices + " " +
    number(table.norm) + " " + number(table.coefficient) + " " + all(table.parameters, ofParameter);
}

function ofHouse(house: House): string {
  const volumes = all(house.volumes, (volume) =>
    words([volume.service]) + " " + number(volume.houseMeter) + " " + number(volume.roomsVolume) + " " +
    number(volume.meteredArea));
  return number(house.roomsArea) + " " + number(house.commonArea) + " " + volumes;
}

function ofBatch(batch: Batch): string {
  return words([batch.period.year, batch.period.month]) + " " + all(batch.parameters, ofParameter) + " " +
    all(batch.tables, ofTable) + " " + all(batch.houses, ofHouse);
}

function ofZone(zone: ZoneReading): string {
  return words([zone.zone]) + " " + number(zone.previous) + " " + number(zone.current) + " " +
    all(zone.history, (value) => number(value));
}

function ofMeter(meter: Meter): string {
  return words([meter.state, meter.missedPeriods]) + " " + all(meter.zones, ofZone);
}

function ofService(service: Consumption): string {
  const averaged = all(service.averaged, (month) =>
    words([month.period.year, month.period.month, month.charged]) + " " + number(month.volume));
  return words([service.service]) + " " + all(service.meters, ofMeter) + " " + service.meterPossible.toString() + " " +
    averaged + " " + all(service.parameters, ofParameter);
}

function ofAccount(account: Account): string {
  const house = account.house;
  const spans = all(account.spans, (span) =>
    words([span.fromDay, span.toDay, span.residents, span.owners]) + " " + number(span.area));
  const absences = all(account.absences, (absence) => words([absence.residents, absence.days]));
  return words([account.index, account.premises]) + " " + number(account.area) + " " +
    words([account.residents, account.owners]) + " " + number(house === null ? null : house.commonArea) + " " +
    spans + " " + absences + " " + all(account.services, ofService);
}
