//! The template's exact decimals and its rule give what those of the template in Rust give.

#[path = "../../../plugins/templates/rust/src/lib.rs"]
mod native;

use kabinet_tariff_sdk::{Account, Batch, Decimal, Exact, Parameter, Period, Span, Tariff, TooLarge};
use kabinet_tariff_testkit::{answer, sample};
use serde_json::{Value, json};

use kabinet_tariff_sdk::{ServiceKind, Unit};

use crate::{ECHO, TEMPLATE, cases_hold};

/// Numbers that look like chance and are the same in every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u8) -> u8 {
        u8::try_from(self.next() % u64::from(most)).expect("small")
    }

    /// A number of the contract's input, as often small as large.
    fn decimal(&mut self) -> Decimal {
        let size = i64::try_from(self.next() >> (1 + self.below(63))).expect("63 bits");
        Decimal { mantissa: if self.below(2) == 0 { size } else { -size }, scale: self.below(10) }
    }
}

/// The number as cases write it.
fn text(value: Decimal) -> String {
    let scale = usize::from(value.scale);
    let digits = format!("{:0>1$}", value.mantissa.unsigned_abs(), scale + 1);
    let (whole, places) = digits.split_at(digits.len() - scale);
    let sign = if value.mantissa < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{places}") }
}

type Rule = fn(Exact, Exact, Exact) -> Result<Exact, TooLarge>;

const RULES: [(&str, Rule); 10] = [
    ("plus", |a, b, _| a.plus(b)),
    ("minus", |a, b, _| a.minus(b)),
    ("times", |a, b, _| a.times(b)),
    ("divided", |a, b, _| a.divided(b, 7)),
    ("thrice", |a, b, c| a.times(b)?.times(c)),
    ("rule-of-three", |a, b, c| a.times(b)?.divided(c, 9)),
    ("rounded", |a, b, _| a.times(b)?.rounded(4)),
    ("less-product", |a, b, c| a.times(b)?.minus(c.times(c)?)),
    ("tripled", |a, b, c| {
        let product = a.times(b)?.times(c)?;
        product.plus(product)?.plus(product)
    }),
    ("smaller", |a, b, _| a.smaller(b)),
];

fn calculation(rule: &str, accounts: &[[Decimal; 3]]) -> Value {
    let parameter = |name: &str, value: Decimal| json!({ "name": name, "value": text(value) });
    let account = |(index, [a, b, c]): (usize, &[Decimal; 3])| {
        let parameters = [parameter("a", *a), parameter("b", *b), parameter("c", *c)];
        json!({ "index": index, "area": "1", "residents": 1, "owners": 1,
            "services": [{ "service": 0, "parameters": parameters }] })
    };
    let accounts: Vec<Value> = accounts.iter().enumerate().map(account).collect();
    let table = json!({ "code": "x", "kind": "other", "rule": rule, "unit": "one", "prices": [] });
    json!({ "period": { "year": 2026, "month": 10 }, "tables": [table], "accounts": accounts })
}

/// Cases of these numbers: one of all that have a result, and one of each number that does not fit.
fn compared(rule: (&str, Rule), numbers: &[[Decimal; 3]]) -> Vec<Value> {
    let (name, native) = rule;
    let (mut fitting, mut lines, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for triple in numbers {
        let [a, b, c] = triple.map(Exact::from);
        match native(a, b, c).and_then(Exact::fit) {
            // The platform refuses volumes of more than 15 digits before the point.
            Ok(volume) if text(volume).split('.').next().is_some_and(|whole| whole.len() <= 15) => {
                let line = json!({ "service": "x", "amount": 0, "volume": text(volume) });
                lines.push(json!({ "index": fitting.len(), "lines": [line] }));
                fitting.push(*triple);
            }
            Ok(_) => {}
            Err(TooLarge) => refused.push(json!({ "comment": format!("{name} {triple:?}"),
                "batch": calculation(name, &[*triple]), "refused": "account 0: число слишком велико" })),
        }
    }
    // Some from everywhere: each is a call of its own.
    let mut cases: Vec<Value> = refused.iter().step_by(1 + refused.len() / 150).cloned().collect();
    cases.push(json!({ "comment": name, "batch": calculation(name, &fitting), "expect": lines }));
    cases
}

#[test]
fn decimals_are_those_of_rust_and_refuse_what_does_not_fit() {
    let mut chance = Chance(354);
    let of = |mantissa: i64, scale: u8| Decimal { mantissa, scale };
    // The ends of the range, halves on both sides of zero, nine places, zero as a divisor.
    let edges = [
        of(0, 0),
        of(0, 9),
        of(1, 9),
        of(-1, 9),
        of(5, 1),
        of(-5, 1),
        of(15, 9),
        of(-25, 9),
        of(1, 0),
        of(-1, 0),
        of(2, 0),
        of(3, 0),
        of(10, 0),
        of(999_999_999, 9),
        of(i64::MAX, 0),
        of(-i64::MAX, 0),
        of(i64::MAX, 9),
        of(-i64::MAX, 9),
        of(1 << 32, 0),
        of((1 << 32) - 1, 0),
        of(1 << 62, 5),
        of(50_000_000_000, 9),
    ];
    // Where a carry between the halves of 128 bits is easily lost: a quotient of 2^64 - 0.5, products beyond 2^127
    // whose lower bits look like a number.
    let carries = [
        [of(1_190_112_520_884_487_201, 9), of(31, 0), of(2, 0)],
        [of(6_917_529_027_641_081_856, 9), of(7, 9), of(i64::MAX, 9)],
        [of(i64::MAX, 9), of(9, 9), of(i64::MAX, 9)],
        [of(i64::MAX, 9), of(5, 9), of(-i64::MAX, 9)],
        [of(i64::MAX, 9), of(i64::MAX, 9), of(1, 9)],
    ];
    let mut cases = Vec::new();
    for rule in RULES {
        let mut numbers: Vec<[Decimal; 3]> = Vec::new();
        for a in edges {
            numbers.extend(edges.map(|b| [a, b, edges[usize::from(chance.below(22))]]));
        }
        numbers.extend((0..1500).map(|_| [chance.decimal(), chance.decimal(), chance.decimal()]));
        cases.extend(compared(rule, &numbers));
        cases.extend(compared(rule, &carries));
    }
    assert!(cases.len() > RULES.len() + 60, "{} cases", cases.len());
    cases_hold(&ECHO, &cases);
}

/// A month with accounts of all kinds of parts, at a price that may be anything.
fn month(chance: &mut Chance) -> Batch {
    let mut table = sample::table(ServiceKind::Other, "fixed", Unit::Month, "1");
    let places = chance.below(10);
    let price = i64::try_from(chance.next() % 10_000_000).expect("small");
    table.prices[0].amount = Decimal { mantissa: price, scale: places };
    let accounts = (1..=40).map(|index| {
        let mut account = sample::account(index, "54.3", vec![sample::unmetered(0); usize::from(chance.below(3))]);
        account.house = None;
        account.spans = (0..chance.below(4)).map(|_| span(chance)).collect();
        account
    });
    let mut batch = sample::batch(vec![table], accounts.collect());
    batch.period = Period { year: 2023 + u16::from(chance.below(6)), month: 1 + chance.below(12) };
    let free = Decimal { mantissa: i64::from(chance.below(250)), scale: chance.below(3) };
    batch.parameters = vec![sample::parameter("other", "31"), Parameter { name: "free_days".into(), value: free }];
    batch.parameters.truncate(usize::from(1 + chance.below(3)));
    batch
}

fn span(chance: &mut Chance) -> Span {
    let (from_day, to_day) = (1 + chance.below(31), 1 + chance.below(31));
    Span { from_day, to_day, residents: 1, owners: 1, area: sample::decimal("54.3") }
}

fn written(batch: &Batch) -> Value {
    let table = &batch.tables[0];
    let account = |account: &Account| {
        let span = |span: &Span| json!({ "from_day": span.from_day, "to_day": span.to_day, "residents": 1, "owners": 1, "area": "54.3" });
        let spans: Vec<Value> = account.spans.iter().map(span).collect();
        json!({ "index": account.index, "area": "54.3", "residents": 2, "owners": 1, "spans": spans,
            "services": vec![json!({ "service": 0 }); account.services.len()] })
    };
    let parameters = batch.parameters.iter().map(|p| json!({ "name": p.name, "value": text(p.value) }));
    json!({
        "period": { "year": batch.period.year, "month": batch.period.month },
        "parameters": parameters.collect::<Vec<_>>(),
        "tables": [{ "code": "fixed", "kind": "other", "rule": "fixed", "unit": "month",
            "prices": [{ "amount": text(table.prices[0].amount) }] }],
        "accounts": batch.accounts.iter().map(account).collect::<Vec<_>>(),
    })
}

#[test]
fn the_rule_charges_what_the_template_in_rust_charges() {
    let mut chance = Chance(2026);
    let mut cases = Vec::new();
    for _ in 0..60 {
        let batch = month(&mut chance);
        let charges = native::Plugin::calculate(&batch).expect("charged");
        let expect: Vec<Value> = charges
            .iter()
            .map(|account| {
                let line = |line: &kabinet_tariff_sdk::Line| {
                    json!({ "service": "fixed", "amount": answer::kopecks(line.amount), "volume": text(line.volume),
                    "method": "fixed" })
                };
                json!({ "index": account.index, "lines": account.lines.iter().map(line).collect::<Vec<_>>() })
            })
            .collect();
        cases.push(json!({ "comment": "as in Rust", "batch": written(&batch), "expect": expect }));
    }
    cases_hold(&TEMPLATE.0, &cases);
}

#[test]
fn the_rule_refuses_what_the_template_in_rust_refuses() {
    let batch = |rule: &str, price: &str| {
        let mut batch = written(&sample::batch(
            vec![sample::table(ServiceKind::Other, "fixed", Unit::Month, "1")],
            vec![sample::account(1, "54.3", vec![sample::unmetered(0)])],
        ));
        batch["tables"][0]["rule"] = json!(rule);
        batch["tables"][0]["prices"][0]["amount"] = json!(price);
        batch
    };
    let refused = |batch: Value, words: &str| json!({ "comment": "", "batch": batch, "refused": words });
    let mut two = batch("fixed", "1");
    two["tables"][0]["prices"] = json!([]);
    let mut days = batch("fixed", "1");
    // Some 3·10^11 days, and as many roubles a month: more than the contract has room for.
    days["parameters"] = json!([{ "name": "free_days", "value": "-9223372036854775807" }]);
    cases_hold(
        &TEMPLATE.0,
        &[
            refused(batch("metered", "1"), "правило расчёта «metered» не поддерживается"),
            refused(two, "service table 0: нужна ровно одна цена за месяц"),
            refused(days, "account 1: число слишком велико: проверьте тариф"),
            json!({ "comment": "nine places; half a kopeck goes up", "batch": batch("fixed", "0.005000000"),
            "expect": [{ "index": 1, "lines": [{ "service": "fixed", "amount": 1 }] }] }),
            json!({ "comment": "below half a kopeck", "batch": batch("fixed", "0.004999999"),
            "expect": [{ "index": 1, "lines": [{ "service": "fixed", "amount": 0 }] }] }),
        ],
    );
}
