// The tariff plugin {{name}}: a fixed sum a month for each premises, by days.

import type {
  Account, AccountCharges, Batch, Consumption, Failure, Info, Line, Operation, Role, Term, Unit,
} from "./contract.js";
import { type Exact, TooLarge, divided, exact, fit, minus, times, whole } from "./decimal.js";

/** A volume is rounded to this many places before it meets the tariff. */
const PLACES = 7;

function describe(): Info {
  return { id: "{{name}}", version: "0.1.0", rules: ["fixed"] };
}

function calculate(batch: Batch): AccountCharges[] {
  return batch.accounts.map((account) => ({
    index: account.index,
    lines: account.services.map((service) => charge(batch, account, service)),
  }));
}

/** The interface of the contract that the component exports. */
export const calculation = { describe, calculate };

function charge(batch: Batch, account: Account, { service }: Consumption): Line {
  const table = batch.tables[service];
  const price = table?.prices[0];
  if (table !== undefined && table.rule !== "fixed") {
    throw { tag: "unsupported", val: `правило расчёта «${table.rule}» не поддерживается` } satisfies Failure;
  }
  if (price === undefined || table?.prices.length !== 1) {
    throw { tag: "table", val: { service, message: "нужна ровно одна цена за месяц" } } satisfies Failure;
  }
  try {
    return fixed(batch, account, service, exact(price.amount));
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    const message = "число слишком велико: проверьте тариф";
    throw { tag: "account", val: { index: account.index, service, message } } satisfies Failure;
  }
}

/** Days charged ÷ days of the month × tariff. */
function fixed(batch: Batch, account: Account, service: number, tariff: Exact): Line {
  const month = daysInMonth(batch);
  const days = daysCharged(batch, account, month);
  const volume = divided(days, whole(month), PLACES);
  const amount = times(volume, tariff);
  const zero = fit(whole(0));
  return {
    service,
    method: "fixed",
    reason: null,
    volume: fit(volume),
    parts: [{ zone: "whole-day", above: zero, volume: fit(volume), tariff: fit(tariff), amount: fit(amount) }],
    norm: null,
    coefficient: null,
    amount: fit(amount),
    excess: zero,
    recalculations: [],
    trace: [
      term("start", "days-charged", days, "day"),
      term("divide", "days-in-month", whole(month), "day"),
      term("equals", "volume", volume, "month"),
      term("start", "volume", volume, "month"),
      term("times", "tariff", tariff, "rouble"),
      term("equals", "amount", amount, "rouble"),
    ],
  };
}

function term(operation: Operation, role: Role, value: Exact, unit: Unit): Term {
  return { operation, role, value: fit(value), unit };
}

/** Days of the account in the month, without those that the company's setting makes free. */
function daysCharged(batch: Batch, account: Account, month: number): Exact {
  const spans = account.spans.map((span) => span.toDay - span.fromDay + 1);
  const days = spans.length === 0 ? month : spans.reduce((sum, length) => sum + length, 0);
  const free = batch.parameters.find((parameter) => parameter.name === "free_days");
  const left = free === undefined ? whole(days) : minus(whole(days), exact(free.value));
  return left.mantissa < 0n ? whole(0) : left;
}

function daysInMonth({ period: { year, month } }: Batch): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
