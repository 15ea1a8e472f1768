// The tariff plugin {{name}}: a fixed sum a month for each premises, by days.

import {
  Account, Batch, Failure, Line, Method, Operation, Part, Period, Role, Term, Unit, Zone, refuse,
} from "./contract";
import { Decimal, TOO_LARGE, tooLarge } from "./decimal";

export const ID: string = "{{name}}";
export const VERSION: string = "0.1.0";
/** Names of the rules that service tables may ask for. */
export const RULES: string[] = ["fixed"];

/** A volume is rounded to this many places before it meets the tariff. */
const PLACES = 7;

/** The lines of an account, one for each of its services in their order, or null after `refuse`. */
export function charge(batch: Batch, account: Account): Line[] | null {
  const lines: Line[] = [];
  for (let i = 0; i < account.services.length; i++) {
    const line = chargeService(batch, account, account.services[i].service);
    if (line === null) return null;
    lines.push(line);
  }
  return lines;
}

function chargeService(batch: Batch, account: Account, service: u16): Line | null {
  if (<i32>service >= batch.tables.length) return refuse(Failure.table(service, "таблицы услуги нет"));
  const table = batch.tables[service];
  if (table.rule != "fixed") {
    return refuse(Failure.unsupported("правило расчёта «" + table.rule + "» не поддерживается"));
  }
  if (table.prices.length != 1) return refuse(Failure.table(service, "нужна ровно одна цена за месяц"));
  const line = fixed(batch, account, service, table.prices[0].amount);
  if (tooLarge()) return refuse(Failure.account(account, service, TOO_LARGE));
  return line;
}

/** Days charged ÷ days of the month × tariff. */
function fixed(batch: Batch, account: Account, service: u16, tariff: Decimal): Line {
  const month = daysInMonth(batch.period);
  const days = daysCharged(batch, account, month);
  const volume = days.divided(Decimal.whole(month), PLACES);
  const amount = volume.times(tariff);
  const line = new Line(service, Method.Fixed, volume, amount);
  line.parts.push(new Part(Zone.WholeDay, Decimal.ZERO, volume, tariff, amount));
  line.trace.push(new Term(Operation.Start, Role.DaysCharged, days, Unit.Day));
  line.trace.push(new Term(Operation.Divide, Role.DaysInMonth, Decimal.whole(month), Unit.Day));
  line.trace.push(new Term(Operation.Equals, Role.Volume, volume, Unit.Month));
  line.trace.push(new Term(Operation.Start, Role.Volume, volume, Unit.Month));
  line.trace.push(new Term(Operation.Times, Role.Tariff, tariff, Unit.Rouble));
  line.trace.push(new Term(Operation.Equals, Role.Amount, amount, Unit.Rouble));
  return line;
}

/** Days of the account in the month, without those that the company's setting makes free. */
function daysCharged(batch: Batch, account: Account, month: i32): Decimal {
  let days = account.spans.length == 0 ? month : 0;
  for (let i = 0; i < account.spans.length; i++) {
    const span = account.spans[i];
    days += max<i32>(<i32>span.toDay - <i32>span.fromDay, 0) + 1;
  }
  let left = Decimal.whole(days);
  for (let i = 0; i < batch.parameters.length; i++) {
    const parameter = batch.parameters[i];
    if (parameter.name == "free_days") {
      left = left.minus(parameter.value);
      break;
    }
  }
  return left.isNegative() ? Decimal.ZERO : left;
}

function daysInMonth(period: Period): i32 {
  const year = period.year, month = period.month;
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}
