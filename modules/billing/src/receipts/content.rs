//! What a receipt says, from the frozen rows of its run alone: a receipt printed a year later says the same.

use kabinet_core::{Day, Money, Period, Tenant};
use kabinet_plugin_host::api::{self, Basis};
use kabinet_plugin_host::words;
use kabinet_render::format;
use kabinet_render::payment_qr::{PaymentOrder, QrEncoding, QrField};
use kabinet_render::receipt::{
    ChargeGroup, ChargeLine, ChargePart, CompanyInfo, CourtAward, Instalment, LastPayment, NormLine, Payer,
    ReceiptData, Reference, Totals,
};

use crate::calculation::{FrozenInstalment, method};
use crate::catalog::{self, ReceiptKind, Section, Service};
use crate::charges::{self, FrozenMonth, charge_parts, norm_unit, recalculation_reason};
use crate::entity::charge;
use crate::trace::{self, Reasons};

use super::{meters, reference};

/// The data of one receipt, without its name in GIS ЖКХ and its code for linking.
#[must_use]
pub fn receipt_data(tenant: &Tenant, month: &FrozenMonth, kind: &ReceiptKind) -> ReceiptData {
    let rows: Vec<&charge::Model> = month.charges.iter().filter(|row| row.kind_code == kind.code).collect();
    let services: Vec<&Service> = rows.iter().filter_map(|row| month.snapshot.service(&row.service_code)).collect();
    let facts = &month.facts;
    let zone = month.snapshot.zone.parse().unwrap_or(tenant.zone);
    let issued = month.run.published_at.unwrap_or(month.run.started_at).day(zone);
    // A run of a past month, made later, still dates its receipt by the month it closes.
    let issued = issued.min(month.run.due_on);
    let groups = groups(month, &rows);
    let mut data = ReceiptData {
        kind_title: kind.title.clone(),
        period: month.run.period.0.unsigned_abs(),
        issued_on: day(issued),
        due_on: day(month.run.due_on),
        company: company(month),
        supplier: kind.supplier.requisites(),
        payer: Payer {
            account: facts.number.clone(),
            els: facts.els.clone(),
            izhku: facts.izhku.clone(),
            holder: facts.holder.clone(),
            address: facts.address.clone(),
            area: Some(facts.area.0).filter(|area| *area > 0),
            residents: Some(if facts.residents == 0 { facts.owners } else { facts.residents }).filter(|n| *n > 0),
            ..Payer::default()
        },
        meters: meters::of_receipt(month, &rows, &services),
        totals: Totals::of(&groups),
        groups,
        last_payment: facts
            .last_payments
            .iter()
            .find(|(code, ..)| *code == kind.code)
            .map(|(_, paid_on, sum)| LastPayment { paid_on: day(*paid_on), sum: sum.0 }),
        reference: Reference {
            norms: norms(month, &services),
            notes: month.snapshot.notes.clone(),
            ..month.house.as_ref().map(|house| reference::of_house(month, house, &services)).unwrap_or_default()
        },
        instalments: instalments(month, &rows, &services),
        awards: awards(month, kind),
        ..ReceiptData::default()
    };
    data.qr_payload = qr(month, kind, &data);
    data
}

pub(super) fn day(day: Day) -> u32 {
    day.0.unsigned_abs()
}

fn company(month: &FrozenMonth) -> CompanyInfo {
    let profile = &month.snapshot.profile;
    let name = if profile.legal_name.is_empty() { &month.snapshot.company_name } else { &profile.legal_name };
    CompanyInfo {
        name: name.clone(),
        address: profile.address.clone(),
        phones: [&profile.phone].into_iter().filter(|phone| !phone.is_empty()).cloned().collect(),
        site: profile.site.trim_start_matches("https://").trim_start_matches("http://").to_owned(),
        email: profile.email.clone(),
        hours: profile.hours.clone(),
        dispatch: profile.dispatch_phone.clone(),
        accent: if profile.color.is_empty() { "#1f5f8b".to_owned() } else { profile.color.clone() },
    }
}

fn groups(month: &FrozenMonth, rows: &[&charge::Model]) -> Vec<ChargeGroup> {
    let mut sections: Vec<(Section, Vec<ChargeLine>)> = Vec::new();
    for row in rows {
        let Some(service) = month.snapshot.service(&row.service_code) else { continue };
        let line = charge_line(service, row);
        match sections.iter_mut().find(|(section, _)| *section == service.section) {
            Some((_, lines)) => lines.push(line),
            None => sections.push((service.section, vec![line])),
        }
    }
    sections.sort_by_key(|(section, _)| *section);
    sections.into_iter().map(|(section, lines)| ChargeGroup { title: section.title().to_owned(), lines }).collect()
}

fn charge_line(service: &Service, row: &charge::Model) -> ChargeLine {
    let reasons = trace::decode(&row.trace);
    let formula = words::formula(&reasons.terms);
    let parts = parts(&reasons, service, row.charged - row.excess);
    let (benefits, others) = benefits(reasons);
    let lowered = Money(-benefits.recalculations.iter().map(|benefit| benefit.amount).sum::<i64>());
    let how = method(&row.method).map(|how| words::method(how).to_owned()).unwrap_or_default();
    let volume = row.volume.map(|volume| volume.0);
    let mut line = ChargeLine {
        service: service.title.clone(),
        unit: words::unit(service.unit).to_owned(),
        tariff: row.tariff.map(|tariff| tariff.0),
        parts,
        charged: (row.charged - row.excess).0,
        coefficient: row.coefficient.map(|coefficient| coefficient.0),
        excess: row.excess.0,
        recalculation_basis: recalculation_reason(&others).unwrap_or_default(),
        recalculation: (row.recalculation + lowered).0,
        benefits_basis: months(&benefits),
        benefits: lowered.0,
        accrued: (row.charged + row.recalculation).0,
        opening: row.opening.0,
        penalty: row.penalty.0,
        counted: row.counted.0,
        to_pay: row.to_pay.0,
        formula,
        ..ChargeLine::default()
    };
    if service.section == Section::CommonProperty {
        (line.common_volume, line.common_method) = (volume, how);
    } else {
        (line.volume, line.method) = (volume, how);
    }
    line
}

/// Zones and ranges with their tariffs, where there is more than one.
fn parts(reasons: &Reasons, service: &Service, charged: Money) -> Vec<ChargePart> {
    let parts = charge_parts(reasons, service.unit, charged);
    if parts.len() < 2 {
        return Vec::new();
    }
    let part = |part: charges::ChargePart| ChargePart {
        label: part.label,
        volume: part.volume.0,
        tariff: part.tariff.0,
        charged: part.amount.0,
    };
    parts.into_iter().map(part).collect()
}

/// The corrections that are benefits, and the others: the form has a column for each. Both are parts of
/// the row's recalculation.
fn benefits(mut reasons: Reasons) -> (Reasons, Reasons) {
    let corrections = std::mem::take(&mut reasons.recalculations);
    let (benefits, others) = corrections.into_iter().partition(|correction| correction.basis == Basis::Benefit);
    let of = |recalculations, corrections| Reasons { recalculations, corrections, ..Reasons::default() };
    (of(benefits, Vec::new()), of(others, reasons.corrections))
}

/// The months of the benefits: «за сентябрь 2026, октябрь 2026»; empty where there are none.
fn months(benefits: &Reasons) -> String {
    let month = |period: &api::Period| format::period(u32::from(period.year) * 100 + u32::from(period.month));
    let months: Vec<String> = benefits.recalculations.iter().map(|benefit| month(&benefit.period)).collect();
    if months.is_empty() { String::new() } else { format!("за {}", months.join(", ")) }
}

/// The norms for such premises.
fn norms(month: &FrozenMonth, services: &[&Service]) -> Vec<NormLine> {
    let premises = catalog::premises(&month.facts.kind);
    let norm = |service: &Service| {
        let (_, terms) = month.snapshot.services.iter().find(|(known, _)| known.code == service.code)?;
        let norm = terms.as_ref()?.norm_for(premises).and_then(kabinet_core::Quantity::from_decimal)?;
        let common = service.section == Section::CommonProperty;
        Some(NormLine {
            service: service.title.clone(),
            individual: Some(norm.0).filter(|_| !common),
            common: Some(norm.0).filter(|_| common),
            unit: norm_unit(service),
        })
    };
    services.iter().filter_map(|service| norm(service)).collect()
}

/// What is paid with instalments: the month's own charge, which is not divided, and the part of what was owed for
/// earlier months. Where two agreements are on one service, its charge stands with the first.
fn instalments(month: &FrozenMonth, rows: &[&charge::Model], services: &[&Service]) -> Vec<Instalment> {
    let parts = &month.facts.instalments;
    let part = |(at, part): (usize, &FrozenInstalment)| {
        let service = services.iter().find(|service| service.code == part.service)?;
        let again = parts[..at].iter().any(|before| before.service == part.service);
        let row = rows.iter().find(|row| row.service_code == part.service && !again);
        let this_period = row.map_or(Money::ZERO, |row| row.charged);
        Some(Instalment {
            service: service.title.clone(),
            this_period: this_period.0,
            earlier: part.amount.0,
            rate: Some(part.percent.0).filter(|percent| *percent > 0),
            interest: part.interest.0,
            to_pay: (this_period + part.amount + part.interest).0,
        })
    };
    parts.iter().enumerate().filter_map(part).collect()
}

/// What is left of courts' awards on the receipt's kind.
fn awards(month: &FrozenMonth, kind: &ReceiptKind) -> Vec<CourtAward> {
    let mine = month.facts.awards.iter().filter(|award| award.kind == kind.code);
    mine.map(|award| CourtAward { basis: award.basis.clone(), sum: award.remaining.0 }).collect()
}

/// The bytes of the payment QR; none where nothing is to be paid or the requisites do not fit the
/// standard (a receipt without QR is still a receipt).
fn qr(month: &FrozenMonth, kind: &ReceiptKind, data: &ReceiptData) -> Vec<u8> {
    if Money(data.totals.to_pay) <= Money::ZERO {
        return Vec::new();
    }
    let order = if kind.supplier.purpose.is_empty() {
        PaymentOrder::for_receipt(data)
    } else {
        own_purpose(&kind.supplier.purpose, month.run.period, data)
    };
    // A letter that cp1251 lacks is no reason for a receipt that cannot be paid.
    let payload = order.payload(month.snapshot.qr_encoding).or_else(|_| order.payload(QrEncoding::Utf8));
    payload.unwrap_or_else(|error| {
        tracing::warn!(%error, kind = kind.code, "no payment QR");
        Vec::new()
    })
}

/// The order with the company's own words for what is paid.
fn own_purpose(purpose: &str, period: Period, data: &ReceiptData) -> PaymentOrder {
    let month = format::period(period.0.unsigned_abs()).replace('\u{a0}', " ");
    let purpose = format!("{purpose} за {month}, л/с {}", data.payer.account);
    let cut = |text: &str| text.chars().take(210).collect::<String>();
    PaymentOrder::new(&data.supplier)
        .with(QrField::Sum, &data.totals.to_pay.to_string())
        .with(QrField::Purpose, &cut(&purpose))
        .with(QrField::PayeeInn, &data.supplier.inn)
        .with(QrField::Kpp, &data.supplier.kpp)
        .with(QrField::PayerAddress, &cut(&data.payer.address))
        .with(QrField::PersAcc, &data.payer.account)
        .with(QrField::PaymPeriod, &format!("{:02}{:04}", period.month(), period.year()))
        .with(QrField::TechCode, "02")
}

#[cfg(test)]
mod tests {
    use kabinet_contracts::{AccountId, RunId};
    use kabinet_core::TenantId;
    use kabinet_plugin_host::api::{ServiceKind, Unit};
    use uuid::Uuid;

    use super::*;

    fn service(section: Section) -> Service {
        Service {
            code: "heating".into(),
            title: "Отопление".into(),
            resource: ServiceKind::Heating,
            unit: Unit::SquareMetre,
            section,
            kind: "main".into(),
            rule: "area".into(),
            shares: String::new(),
        }
    }

    fn row(recalculation: i64, trace: &str) -> charge::Model {
        charge::Model {
            tenant_id: TenantId(Uuid::nil()),
            run_id: RunId(Uuid::nil()),
            account_id: AccountId(Uuid::nil()),
            service_code: "heating".into(),
            kind_code: "main".into(),
            method: "area".into(),
            volume: Some(kabinet_core::Quantity(543_000_000)),
            tariff: None,
            norm: None,
            coefficient: None,
            opening: Money(1_000),
            charged: Money(50_000),
            excess: Money(7_000),
            recalculation: Money(recalculation),
            penalty: Money(300),
            counted: Money(900),
            to_pay: Money(1_000 + 50_000 + recalculation + 300 - 900),
            trace: trace.into(),
        }
    }

    fn adds_up(line: &ChargeLine) -> bool {
        line.accrued == line.charged + line.excess + line.recalculation - line.benefits
            && line.to_pay == line.opening + line.accrued + line.penalty - line.counted
    }

    #[test]
    fn a_benefit_stands_in_its_own_column_and_the_sum_stays() {
        // An absence of 1 000 and benefits of 2 500 and 500 in the payer's favour.
        let line = charge_line(&service(Section::Utilities), &row(-4_000, "cb202609/-1000 d202610/-2500 d202609/-500"));
        assert_eq!((line.recalculation, line.benefits, line.accrued), (-1_000, 3_000, 46_000));
        assert!(adds_up(&line), "{line:?}");
        assert!(line.recalculation_basis.contains("сентябрь") && !line.recalculation_basis.contains("октябрь"));
        assert!(line.benefits_basis.contains("октябрь") && line.benefits_basis.contains("сентябрь"));
    }

    #[test]
    fn a_benefit_that_is_taken_back_raises_the_sum() {
        let line = charge_line(&service(Section::Utilities), &row(700, "cd202609/700"));
        assert_eq!((line.recalculation, line.benefits), (0, -700));
        assert!(adds_up(&line), "{line:?}");
    }

    #[test]
    fn a_correction_without_its_trace_stays_a_recalculation() {
        let line = charge_line(&service(Section::Utilities), &row(-4_000, ""));
        assert_eq!((line.recalculation, line.benefits), (-4_000, 0));
        assert!(adds_up(&line) && line.benefits_basis.is_empty(), "{line:?}");
    }

    #[test]
    fn zones_stand_in_rows_that_add_up_to_the_charge() {
        // 116.51 + 502.455 + 530.247 = 1 149.212 ₽ is rounded once, not three times.
        let trace = "pc0/38.2/3.05/116.510 d0/61.5/8.17/502.455 e0/84.3/6.29/530.247";
        let row = charge::Model { charged: Money(114_921 + 7_000), ..row(0, trace) };
        let line = charge_line(&service(Section::Utilities), &row);
        let shown: Vec<_> = line.parts.iter().map(|part| (part.label.as_str(), part.tariff, part.charged)).collect();
        let expected =
            [("Т2, ночь", 30_500_000, 11_651), ("Т1, пик", 81_700_000, 50_246), ("Т3, полупик", 62_900_000, 53_024)];
        assert_eq!(shown, expected);
        assert_eq!(line.charged, 114_921);
    }

    #[test]
    fn a_single_range_needs_no_row_of_its_own() {
        let row = charge::Model { tariff: Some(kabinet_core::Quantity(63_600_000)), ..row(0, "pb0/10/6.36/63.60") };
        let line = charge_line(&service(Section::Utilities), &row);
        assert!(line.parts.is_empty() && line.tariff == Some(63_600_000), "{line:?}");
    }

    #[test]
    fn a_volume_for_the_common_property_stands_in_its_own_column() {
        let own = charge_line(&service(Section::Utilities), &row(0, ""));
        assert_eq!((own.volume, own.common_volume), (Some(543_000_000), None));
        let common = charge_line(&service(Section::CommonProperty), &row(0, ""));
        assert_eq!((common.volume, common.common_volume), (None, Some(543_000_000)));
        assert_eq!((common.method.as_str(), common.common_method.is_empty()), ("", false));
    }
}
