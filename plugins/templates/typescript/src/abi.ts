// The canonical ABI of the contract, by hand: what comes in is read out of the memory, what goes out
// is written there. There is nothing to change here for a tariff; the rule is in tariff.ts.
//
// Accounts are read, charged and written one by one, and the collector runs between them, so a large
// batch needs memory for its input and its answer only. Nothing is freed at the end of a call: each
// one runs in a fresh instance, so there are no `cabi_post_…` functions.

import {
  AbsenceAt, AccountAt, AccountChargesAt, AccountFailureAt, AveragedMonthAt, CalculateAt, ConsumptionAt, DecimalAt,
  FailureAt, HouseAt, HouseVolumeAt, InfoAt, LineAt, MeterAt, OptionAt, ParameterAt, PartAt, PeriodAt, PriceAt,
  RecalculationAt, ServiceTableAt, SpanAt, TableFailureAt, TermAt, ZoneReadingAt,
} from "./layout";
import {
  Absence, Account, AveragedMonth, Batch, Consumption, Failure, House, HouseVolume, Line, Meter, Parameter, Part,
  Period, Price, Recalculation, Refused, ServiceTable, Span, Term, ZoneReading, refusal,
} from "./contract";
import { Decimal, TOO_LARGE, tooLarge } from "./decimal";
import { alloc, realloc, reached } from "./memory";
import { ID, RULES, VERSION, charge } from "./tariff";

/** Bytes of new memory after which the collector runs. */
const GARBAGE: usize = 262144;

/** A list or a text: where it begins, then how much it has. */
const LENGTH: usize = 4;
const LIST: usize = 8;

/** The platform asks for the memory that its values go to. */
export function cabi_realloc(at: usize, had: usize, align: usize, wanted: usize): usize {
  if (wanted == 0) return align;
  return had == 0 ? alloc(wanted) : realloc(at, wanted);
}

export function describe(): usize {
  const at = alloc(InfoAt.SIZE);
  writeText(at + InfoAt.id, ID);
  writeText(at + InfoAt.version, VERSION);
  const rules = newList(at + InfoAt.rules, RULES.length, LIST);
  for (let i = 0; i < RULES.length; i++) writeText(rules + <usize>i * LIST, RULES[i]);
  return at;
}

// A root for the collector, which does not look at the stack.
let batch: Batch | null = null;

/** The parameters are the fields of the record `batch`. */
export function calculate(
  year: u32, month: u32, parameters: usize, parametersLength: i32, tables: usize, tablesLength: i32,
  houses: usize, housesLength: i32, accounts: usize, accountsLength: i32,
): usize {
  const common = new Batch(
    new Period(<u16>year, <u8>month),
    readAll(parameters, parametersLength, ParameterAt.SIZE, readParameter),
    readAll(tables, tablesLength, ServiceTableAt.SIZE, readTable),
    readAll(houses, housesLength, HouseAt.SIZE, readHouse),
  );
  batch = common;
  const answer = alloc(CalculateAt.SIZE);
  const charges = newList(answer + CalculateAt.payload, accountsLength, AccountChargesAt.SIZE);
  let collected = reached();
  for (let i = 0; i < accountsLength; i++) {
    const account = readAccount(common, accounts + <usize>i * AccountAt.SIZE);
    const failure = chargeAccount(common, account, charges + <usize>i * AccountChargesAt.SIZE);
    if (failure !== null) return writeFailure(answer, failure);
    if (reached() - collected >= GARBAGE) {
      __collect();
      collected = reached();
    }
  }
  store<u8>(answer, 0);
  return answer;
}

/** Writes an account's charges; a failure where it has none. */
function chargeAccount(common: Batch, account: Account, at: usize): Failure | null {
  const lines = charge(common, account);
  const refused = refusal();
  if (refused !== null) return refused;
  if (lines === null) return Failure.account(account, -1, "расчёт не дал начислений");
  store<u32>(at, account.index, AccountChargesAt.index);
  const first = newList(at + AccountChargesAt.lines, lines.length, LineAt.SIZE);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    writeLine(first + <usize>i * LineAt.SIZE, line);
    // Also what overflowed before and was not noticed: no charge goes out after that.
    if (tooLarge()) return Failure.account(account, line.service, TOO_LARGE);
  }
  return tooLarge() ? Failure.account(account, -1, TOO_LARGE) : null;
}

// Reading.

function readAll<T>(at: usize, length: i32, size: usize, one: (at: usize) => T): StaticArray<T> {
  const all = new StaticArray<T>(length);
  for (let i = 0; i < length; i++) all[i] = one(at + <usize>i * size);
  return all;
}

function readList<T>(at: usize, size: usize, one: (at: usize) => T): StaticArray<T> {
  return readAll<T>(load<usize>(at), load<i32>(at, LENGTH), size, one);
}

function readText(at: usize): string {
  // The platform hands texts over in UTF-16, as this language keeps them: its length is in units of two bytes.
  return String.UTF16.decodeUnsafe(load<usize>(at), load<usize>(at, LENGTH) << 1);
}

function readDecimal(at: usize): Decimal {
  return Decimal.of(load<i64>(at, DecimalAt.mantissa), load<u8>(at, DecimalAt.scale));
}

function readOptional(at: usize): Decimal | null {
  return load<u8>(at) == 0 ? null : readDecimal(at + OptionAt.decimal);
}

function readPeriod(at: usize): Period {
  return new Period(load<u16>(at, PeriodAt.year), load<u8>(at, PeriodAt.month));
}

function readParameter(at: usize): Parameter {
  return new Parameter(readText(at + ParameterAt.name), readDecimal(at + ParameterAt.value));
}

function readPrice(at: usize): Price {
  return new Price(load<u8>(at, PriceAt.zone), readDecimal(at + PriceAt.above), readDecimal(at + PriceAt.amount));
}

function readTable(at: usize): ServiceTable {
  return new ServiceTable(
    readText(at + ServiceTableAt.code),
    load<u8>(at, ServiceTableAt.kind),
    readText(at + ServiceTableAt.rule),
    load<u8>(at, ServiceTableAt.unit),
    readList(at + ServiceTableAt.prices, PriceAt.SIZE, readPrice),
    readOptional(at + ServiceTableAt.norm),
    readOptional(at + ServiceTableAt.coefficient),
    readList(at + ServiceTableAt.parameters, ParameterAt.SIZE, readParameter),
  );
}

function readHouseVolume(at: usize): HouseVolume {
  return new HouseVolume(
    load<u16>(at, HouseVolumeAt.service),
    readOptional(at + HouseVolumeAt.houseMeter),
    readDecimal(at + HouseVolumeAt.roomsVolume),
    readDecimal(at + HouseVolumeAt.meteredArea),
  );
}

function readHouse(at: usize): House {
  return new House(
    readDecimal(at + HouseAt.roomsArea),
    readDecimal(at + HouseAt.commonArea),
    readList(at + HouseAt.volumes, HouseVolumeAt.SIZE, readHouseVolume),
  );
}

function readZone(at: usize): ZoneReading {
  return new ZoneReading(
    load<u8>(at, ZoneReadingAt.zone),
    readDecimal(at + ZoneReadingAt.previous),
    readOptional(at + ZoneReadingAt.current),
    readList(at + ZoneReadingAt.history, DecimalAt.SIZE, readDecimal),
  );
}

function readMeter(at: usize): Meter {
  const zones = readList(at + MeterAt.zones, ZoneReadingAt.SIZE, readZone);
  return new Meter(load<u8>(at, MeterAt.state), load<u8>(at, MeterAt.missedPeriods), zones);
}

function readAveraged(at: usize): AveragedMonth {
  return new AveragedMonth(
    readPeriod(at + AveragedMonthAt.period),
    readDecimal(at + AveragedMonthAt.volume),
    load<i64>(at, AveragedMonthAt.charged),
  );
}

function readConsumption(at: usize): Consumption {
  return new Consumption(
    load<u16>(at, ConsumptionAt.service),
    readList(at + ConsumptionAt.meters, MeterAt.SIZE, readMeter),
    load<u8>(at, ConsumptionAt.meterPossible) != 0,
    readList(at + ConsumptionAt.averaged, AveragedMonthAt.SIZE, readAveraged),
    readList(at + ConsumptionAt.parameters, ParameterAt.SIZE, readParameter),
  );
}

function readSpan(at: usize): Span {
  return new Span(
    load<u8>(at, SpanAt.fromDay),
    load<u8>(at, SpanAt.toDay),
    load<u16>(at, SpanAt.residents),
    load<u16>(at, SpanAt.owners),
    readDecimal(at + SpanAt.area),
  );
}

function readAbsence(at: usize): Absence {
  return new Absence(load<u16>(at, AbsenceAt.residents), load<u8>(at, AbsenceAt.days));
}

function readAccount(common: Batch, at: usize): Account {
  let house: House | null = null;
  if (load<u8>(at, AccountAt.house) != 0) {
    const position = load<u32>(at, AccountAt.house + OptionAt.u32);
    if (position < <u32>common.houses.length) house = common.houses[position];
  }
  return new Account(
    load<u32>(at, AccountAt.index),
    load<u8>(at, AccountAt.premises),
    readDecimal(at + AccountAt.area),
    load<u16>(at, AccountAt.residents),
    load<u16>(at, AccountAt.owners),
    house,
    readList(at + AccountAt.spans, SpanAt.SIZE, readSpan),
    readList(at + AccountAt.absences, AbsenceAt.SIZE, readAbsence),
    readList(at + AccountAt.services, ConsumptionAt.SIZE, readConsumption),
  );
}

// Writing.

/** Room for a list, noted at `at`; where the first of it goes. */
function newList(at: usize, length: i32, size: usize): usize {
  const first: usize = length == 0 ? 8 : alloc(<usize>length * size);
  store<usize>(at, first);
  store<i32>(at, length, LENGTH);
  return first;
}

/** The text stays where it is: it is not collected before the call ends. */
function writeText(at: usize, text: string): void {
  store<usize>(at, changetype<usize>(text));
  store<i32>(at, text.length, LENGTH);
}

function writeDecimal(at: usize, value: Decimal): void {
  const out = value.fit();
  store<i64>(at, out.mantissa(), DecimalAt.mantissa);
  store<u8>(at, <u8>out.scale, DecimalAt.scale);
}

function writeOptional(at: usize, value: Decimal | null): void {
  store<u8>(at, u8(value !== null));
  if (value !== null) writeDecimal(at + OptionAt.decimal, value);
}

function writePeriod(at: usize, period: Period): void {
  store<u16>(at, period.year, PeriodAt.year);
  store<u8>(at, period.month, PeriodAt.month);
}

function writePart(at: usize, part: Part): void {
  store<u8>(at, <u8>part.zone, PartAt.zone);
  writeDecimal(at + PartAt.above, part.above);
  writeDecimal(at + PartAt.volume, part.volume);
  writeDecimal(at + PartAt.tariff, part.tariff);
  writeDecimal(at + PartAt.amount, part.amount);
}

function writeRecalculation(at: usize, recalculation: Recalculation): void {
  store<u8>(at, <u8>recalculation.basis, RecalculationAt.basis);
  writePeriod(at + RecalculationAt.period, recalculation.period);
  writeDecimal(at + RecalculationAt.amount, recalculation.amount);
}

function writeTerm(at: usize, term: Term): void {
  store<u8>(at, <u8>term.operation, TermAt.operation);
  store<u8>(at, <u8>term.role, TermAt.role);
  writeDecimal(at + TermAt.value, term.value);
  store<u8>(at, <u8>term.unit, TermAt.unit);
}

function writeAll<T>(at: usize, all: T[], size: usize, one: (at: usize, value: T) => void): void {
  const first = newList(at, all.length, size);
  for (let i = 0; i < all.length; i++) one(first + <usize>i * size, all[i]);
}

function writeLine(at: usize, line: Line): void {
  store<u16>(at, line.service, LineAt.service);
  store<u8>(at, <u8>line.method, LineAt.method);
  store<u8>(at, u8(line.reason >= 0), LineAt.reason);
  store<u8>(at, <u8>line.reason, LineAt.reason + OptionAt.reason);
  writeDecimal(at + LineAt.volume, line.volume);
  writeAll(at + LineAt.parts, line.parts, PartAt.SIZE, writePart);
  writeOptional(at + LineAt.norm, line.norm);
  writeOptional(at + LineAt.coefficient, line.coefficient);
  writeDecimal(at + LineAt.amount, line.amount);
  writeDecimal(at + LineAt.excess, line.excess);
  writeAll(at + LineAt.recalculations, line.recalculations, RecalculationAt.SIZE, writeRecalculation);
  writeAll(at + LineAt.trace, line.trace, TermAt.SIZE, writeTerm);
}

/** The second case of the result, with the failure's own case behind it. */
function writeFailure(answer: usize, failure: Failure): usize {
  store<u8>(answer, 1);
  const at = answer + CalculateAt.payload;
  store<u8>(at, <u8>failure.refused);
  const payload = at + FailureAt.payload;
  if (failure.refused == Refused.Account) {
    store<u32>(payload, failure.index, AccountFailureAt.index);
    store<u8>(payload, u8(failure.service >= 0), AccountFailureAt.service);
    store<u16>(payload, <u16>failure.service, AccountFailureAt.service + OptionAt.u16);
    writeText(payload + AccountFailureAt.message, failure.message);
  } else if (failure.refused == Refused.Table) {
    store<u16>(payload, <u16>failure.service, TableFailureAt.service);
    writeText(payload + TableFailureAt.message, failure.message);
  } else {
    writeText(payload, failure.message);
  }
  return answer;
}
