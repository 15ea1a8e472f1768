//! Made-up receipts that every template must print: used by tests, by the check
//! of a company's template and by its preview.

// Sums are written as rubles_kopecks (39_56) and volumes as units_tenths (54_3).
#![allow(clippy::inconsistent_digit_grouping)]

use crate::payment_qr::{PaymentOrder, QrEncoding};
use crate::receipt::{
    ChargeGroup, ChargeLine, ChargePart, CompanyInfo, CourtAward, HouseFact, HouseMeter, HouseTotal, Instalment,
    LastPayment, MeterLine, NormLine, Payer, QUANTITY_SCALE, ReceiptData, Reference, SupplierRequisites, Totals,
};

impl ReceiptData {
    /// An ordinary receipt: metered water and electricity, heating, maintenance.
    pub fn sample() -> Self {
        ordinary()
    }

    /// Every sample with its name: ordinary, a single line, nothing but a charge, an
    /// overpayment, long names, a house without flats, an old debt in instalments,
    /// twelve services, many lines over two pages, tariffs by zones and ranges.
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("ordinary", ordinary()),
            ("single_line", single_line()),
            ("bare", bare()),
            ("overpaid", overpaid()),
            ("long_names", long_names()),
            ("no_flat", no_flat()),
            ("in_debt", in_debt()),
            ("twelve_services", twelve_services()),
            ("many_lines", many_lines()),
            ("zones", zones()),
        ]
    }
}

/// What a linking QR says, as long as in life.
const LINK_URL: &str = "https://lk.beregovoy.example/accounts/link\
    ?receipt=q83vASNFZ4mrze_-3LqYdlQyEFZ4mrze_-3LqYdlQyFWeJq83vASNFZ4mrze_-3LqYdl#A2CE3-45HKM";

/// Requisites with check digits that hold.
pub fn requisites() -> SupplierRequisites {
    SupplierRequisites {
        name: "ООО «УК Береговой»".into(),
        inn: "7453012342".into(),
        kpp: "745301001".into(),
        settlement_account: "40702810138250123017".into(),
        bank_name: "ПАО Сбербанк".into(),
        bic: "044525225".into(),
        correspondent_account: "30101810400000000225".into(),
    }
}

/// Four groups of charges, two meters, something to pay.
pub fn ordinary() -> ReceiptData {
    let groups = vec![
        group("Содержание жилого помещения", vec![line("Содержание и ремонт", "м²", "площадь", 54_3, 28_41)]),
        group(
            "Ресурсы на общедомовые нужды",
            vec![
                common(line("Холодная вода на СОИ", "м³", "норматив", 1, 39_56)),
                common(line("Электроэнергия на СОИ", "кВт·ч", "дом. прибор", 8_2, 4_77)),
            ],
        ),
        group(
            "Коммунальные услуги",
            vec![
                line("Холодное водоснабжение", "м³", "прибор", 7_5, 39_56),
                with_coefficient(line("Горячая вода, подогрев", "Гкал", "норматив", 4, 2148_63)),
                line("Водоотведение", "м³", "прибор", 11_2, 26_41),
                recalculated(line("Отопление", "Гкал", "дом. прибор", 1_1, 2148_63)),
                line("Электроэнергия", "кВт·ч", "прибор", 184_0, 4_77),
                line("Обращение с ТКО", "чел.", "число жителей", 3_0, 124_58),
            ],
        ),
        group("Капитальный ремонт", vec![line("Взнос на капитальный ремонт", "м²", "площадь", 54_3, 13_92)]),
    ];
    finish(ReceiptData {
        kind_title: "Платёжный документ за жилищно-коммунальные услуги".into(),
        period: 202_610,
        issued_on: 20_261_103,
        due_on: 20_261_116,
        company: company(),
        supplier: requisites(),
        payer: payer(),
        meters: meters(),
        groups,
        totals: Totals::default(),
        last_payment: Some(LastPayment { paid_on: 20_261_012, sum: 9_812_44 }),
        reference: reference(),
        instalments: Vec::new(),
        awards: Vec::new(),
        qr_payload: Vec::new(),
        link_code: "A2CE3-45HKM".into(),
        link_url: LINK_URL.into(),
    })
}

/// One service, no meters, no reference figures: what a contribution for capital
/// repair looks like.
pub fn single_line() -> ReceiptData {
    let mut receipt = ordinary();
    receipt.kind_title = "Платёжный документ на взнос за капитальный ремонт".into();
    receipt.meters.clear();
    receipt.reference = Reference::default();
    receipt.last_payment = None;
    receipt.groups.drain(..3);
    finish(receipt)
}

/// As little as a receipt can say: one charge, no code, every text that may be
/// empty is.
pub fn bare() -> ReceiptData {
    let mut receipt = single_line();
    receipt.company.phones.clear();
    for text in [
        &mut receipt.company.site,
        &mut receipt.company.email,
        &mut receipt.company.hours,
        &mut receipt.company.dispatch,
        &mut receipt.payer.els,
        &mut receipt.payer.izhku,
        &mut receipt.payer.payment_document_id,
        &mut receipt.supplier.kpp,
        &mut receipt.link_code,
        &mut receipt.link_url,
    ] {
        text.clear();
    }
    receipt.payer.area = None;
    receipt.payer.residents = None;
    let only = &mut receipt.groups[0].lines[0];
    *only = ChargeLine { service: std::mem::take(&mut only.service), charged: only.charged, ..ChargeLine::default() };
    finish(receipt)
}

/// More was paid than charged: nothing to pay, no payment QR.
pub fn overpaid() -> ReceiptData {
    let mut receipt = ordinary();
    receipt.groups[2].lines[0].opening = -214_00;
    receipt.groups[2].lines[0].counted = 15_000_00;
    receipt.link_code.clear();
    receipt.link_url.clear();
    finish(receipt)
}

/// Twelve services and no meter: what a flat without meters gets.
pub fn twelve_services() -> ReceiptData {
    let mut receipt = ordinary();
    receipt.meters.clear();
    receipt.groups[2].lines.push(line("Газоснабжение", "м³", "норматив", 11_0, 8_47));
    receipt.groups.push(group("Прочие услуги", vec![line("Домофон", "кв.", "договор", 1_0, 65_00)]));
    for line in receipt.groups.iter_mut().flat_map(|group| &mut group.lines) {
        line.opening = line.charged;
        line.counted = line.charged;
    }
    finish(receipt)
}

/// An old debt: penalty, instalments, a court's decision, six-digit sums.
pub fn in_debt() -> ReceiptData {
    let mut receipt = ordinary();
    for line in receipt.groups.iter_mut().flat_map(|group| &mut group.lines) {
        line.opening = line.charged * 37;
        line.penalty = line.charged / 7;
    }
    receipt.instalments = vec![
        Instalment {
            service: "Отопление".into(),
            this_period: 500_00,
            earlier: 1_500_00,
            rate: Some(7 * QUANTITY_SCALE),
            interest: 12_34,
            to_pay: 2_012_34,
        },
        Instalment {
            service: "Водоотведение".into(), this_period: 120_00, to_pay: 120_00, ..Instalment::default()
        },
    ];
    receipt.awards = vec![CourtAward {
        basis: "судебный приказ № 2-1147/2026 от 12.05.2026".into(), sum: 48_320_15
    }];
    finish(receipt)
}

/// Names and addresses at the length of the longest seen in life.
pub fn long_names() -> ReceiptData {
    let mut receipt = ordinary();
    receipt.company.name = "Общество с ограниченной ответственностью «Управляющая компания \
        жилищно-коммунального хозяйства Тракторозаводского района “Береговой-Комфорт-Сервис”»"
        .into();
    receipt.company.dispatch = "8 (351) 200-00-02, 8 (351) 200-00-03, 8-800-000-00-04 — \
        круглосуточно, без перерыва и выходных"
        .into();
    receipt.supplier.name = receipt.company.name.chars().take(160).collect();
    receipt.payer.holder = "Константинопольская-Верхнеудинская Александра-Виктория \
        Максимилиановна; Константинопольский-Верхнеудинский Аристарх Рюрикович"
        .into();
    receipt.payer.address = "454000, Челябинская область, Челябинский городской округ, \
        г. Челябинск, территория садоводческого товарищества «Берёзовая роща — Северная \
        сторона», ул. 50-летия Всероссийского общества изобретателей, д. 127 корп. 14 \
        стр. 3, кв. 1204, комн. 7"
        .into();
    receipt.groups[2].lines[0].service =
        "Холодное водоснабжение для приготовления горячей воды по закрытой схеме (компонент \
         на теплоноситель)"
            .into();
    receipt.groups[2].lines[3].recalculation_basis =
        "перерасчёт за период с 12.08.2026 по 30.09.2026 в связи с недопоставкой тепловой \
         энергии ненадлежащего качества, акт № 1147/2026 от 01.10.2026"
            .into();
    finish(receipt)
}

/// A private house of a legal entity: no area, no residents, no meters' history.
pub fn no_flat() -> ReceiptData {
    let mut receipt = ordinary();
    receipt.payer.holder = "ООО «Мельница № 3»".into();
    receipt.payer.address = "пос. Береговой, ул. Мира, д. 4".into();
    receipt.payer.els = String::new();
    receipt.payer.izhku = String::new();
    receipt.payer.payment_document_id = String::new();
    receipt.payer.area = None;
    receipt.payer.residents = None;
    receipt.meters[0].previous = None;
    receipt.meters[0].next_verification = None;
    receipt.groups.remove(1);
    receipt.company.email = String::new();
    finish(receipt)
}

/// Thirty lines: two pages.
pub fn many_lines() -> ReceiptData {
    let mut receipt = ordinary();
    for number in 1..=20 {
        receipt.groups[2].lines.push(line(
            &format!("Дополнительная услуга № {number}"),
            "шт.",
            "договор",
            1_0,
            150_00 + number,
        ));
    }
    finish(receipt)
}

/// Electricity by three zones, gas by two ranges, a meter that nobody read, no name in GIS ЖКХ.
pub fn zones() -> ReceiptData {
    let mut receipt = ordinary();
    receipt.payer.payment_document_id.clear();
    receipt.meters[0].current = None;
    receipt.meters[0].method = "по среднему: показания не переданы".into();
    let lines = &mut receipt.groups[2].lines;
    lines[4] =
        by_parts(lines[4].clone(), &[("Т2, ночь", 38_2, 3_05), ("Т1, пик", 61_5, 8_17), ("Т3, полупик", 84_3, 6_29)]);
    let gas = line("Газоснабжение", "м³", "прибор", 124_0, 8_47);
    lines.push(by_parts(gas, &[("начальный объём", 100_0, 8_47), ("свыше 100 м³", 24_0, 9_63)]));
    finish(receipt)
}

fn company() -> CompanyInfo {
    CompanyInfo {
        name: "ООО «УК Береговой»".into(),
        address: "454000, г. Челябинск, ул. Набережная, д. 12".into(),
        phones: vec!["8 (351) 200-00-01".into(), "8-800-000-00-01".into()],
        site: "beregovoy.example".into(),
        email: "info@beregovoy.example".into(),
        hours: "пн–чт 8:00–17:00, пт 8:00–16:00".into(),
        dispatch: "8 (351) 200-00-02, круглосуточно".into(),
        accent: "#1f5f8b".into(),
    }
}

fn payer() -> Payer {
    Payer {
        account: "0100045127".into(),
        els: "75ДА533315".into(),
        izhku: "75ДА533315-01".into(),
        payment_document_id: "75ДА533315-01-6101".into(),
        holder: "Иванова М. П.".into(),
        address: "г. Челябинск, ул. Набережная, д. 7, кв. 45".into(),
        area: Some(54_3 * QUANTITY_SCALE / 10),
        residents: Some(3),
    }
}

fn meters() -> Vec<MeterLine> {
    let meter = |service: &str, serial: &str, unit: &str, previous: i64, tenths: i64| MeterLine {
        service: service.into(),
        serial: serial.into(),
        unit: unit.into(),
        previous: Some(previous * QUANTITY_SCALE),
        current: Some(previous * QUANTITY_SCALE + tenths * QUANTITY_SCALE / 10),
        volume: tenths * QUANTITY_SCALE / 10,
        method: "по показаниям".into(),
        next_verification: Some(20_290_814),
    };
    vec![
        meter("Холодная вода", "15-204417", "м³", 412, 7_5),
        meter("Горячая вода", "15-204418", "м³", 236, 3_7),
        meter("Электроэнергия", "009014528", "кВт·ч", 18_430, 184_0),
    ]
}

fn reference() -> Reference {
    let norm = |service: &str, thousandths: i64, unit: &str| NormLine {
        service: service.into(),
        individual: Some(thousandths * QUANTITY_SCALE / 1000),
        common: Some(18 * QUANTITY_SCALE / 1000),
        unit: unit.into(),
    };
    let fact = |title: &str, value: &str| HouseFact { title: title.into(), value: value.into() };
    Reference {
        norms: vec![
            norm("Холодное водоснабжение", 4_560, "м³ на человека"),
            norm("Горячее водоснабжение", 3_180, "м³ на человека"),
            norm("Электроэнергия", 92_000, "кВт·ч на человека"),
        ],
        house_meters: vec![
            house_meter("Холодное водоснабжение", "4471", "м³", Some(81_204), 984),
            house_meter("Тепловая энергия", "118", "Гкал", None, 142),
        ],
        house_totals: vec![
            house_total("Холодное водоснабжение", "м³", 961, 23),
            house_total("Отопление", "Гкал", 142, 0),
            house_total("Электроэнергия", "кВт·ч", 24_180, 1_312),
        ],
        house: vec![
            fact("Площадь жилых и нежилых помещений", "6 214,8 м²"),
            fact("Площадь общего имущества", "1 102,4 м²"),
        ],
        notes: vec!["Показания приборов учёта принимаются с 15 по 25 число.".into()],
    }
}

fn house_meter(service: &str, serial: &str, unit: &str, previous: Option<i64>, volume: i64) -> HouseMeter {
    HouseMeter {
        service: service.into(),
        serial: serial.into(),
        unit: unit.into(),
        previous: previous.map(|whole| whole * QUANTITY_SCALE),
        current: previous.map(|whole| (whole + volume) * QUANTITY_SCALE),
        volume: Some(volume * QUANTITY_SCALE),
        method: String::new(),
    }
}

fn house_total(service: &str, unit: &str, premises: i64, common: i64) -> HouseTotal {
    HouseTotal {
        service: service.into(),
        unit: unit.into(),
        premises: Some(premises * QUANTITY_SCALE),
        common: Some(common * QUANTITY_SCALE).filter(|volume| *volume > 0),
    }
}

fn group(title: &str, lines: Vec<ChargeLine>) -> ChargeGroup {
    ChargeGroup { title: title.into(), lines }
}

/// A line of `tenths` tenths of a unit at `kopecks` a unit.
fn line(service: &str, unit: &str, method: &str, tenths: i64, kopecks: i64) -> ChargeLine {
    let charged = (tenths * kopecks + 5) / 10;
    let volume = tenths * QUANTITY_SCALE / 10;
    let tariff = kopecks * QUANTITY_SCALE / 100;
    ChargeLine {
        service: service.into(),
        unit: unit.into(),
        volume: Some(volume),
        method: method.into(),
        tariff: Some(tariff),
        charged,
        formula: format!(
            "{} {unit} × {} ₽ = {} ₽",
            crate::format::quantity(volume),
            crate::format::tariff(tariff),
            crate::format::rub(charged)
        ),
        ..ChargeLine::default()
    }
}

/// The line in parts of so many tenths of a unit at so many kopecks a unit: rounded once, as a whole.
fn by_parts(mut line: ChargeLine, parts: &[(&str, i64, i64)]) -> ChargeLine {
    let (mut tenths_of_kopecks, mut rounded) = (0, 0);
    let mut terms = Vec::new();
    for (label, tenths, kopecks) in parts {
        tenths_of_kopecks += tenths * kopecks;
        let before = std::mem::replace(&mut rounded, (tenths_of_kopecks + 5) / 10);
        let (volume, tariff) = (tenths * QUANTITY_SCALE / 10, kopecks * QUANTITY_SCALE / 100);
        let [amount, price] = [crate::format::quantity(volume), crate::format::tariff(tariff)];
        terms.push(format!("{amount} {} × {price} ₽", line.unit));
        line.parts.push(ChargePart { label: (*label).into(), volume, tariff, charged: rounded - before });
    }
    line.formula = format!("{} = {} ₽", terms.join(" + "), crate::format::rub(rounded));
    line.volume = Some(line.parts.iter().map(|part| part.volume).sum());
    (line.tariff, line.charged) = (None, rounded);
    line
}

/// The line as one for the common property.
fn common(mut line: ChargeLine) -> ChargeLine {
    line.common_volume = line.volume.take();
    line.common_method = std::mem::take(&mut line.method);
    line
}

fn with_coefficient(mut line: ChargeLine) -> ChargeLine {
    line.coefficient = Some(15 * QUANTITY_SCALE / 10);
    line.excess = line.charged / 2;
    line
}

fn recalculated(mut line: ChargeLine) -> ChargeLine {
    line.recalculation_basis = "перерыв в подаче 3 дня, акт № 41".into();
    line.recalculation = -214_30;
    line.benefits_basis = "ветеран труда, 50 %".into();
    line.benefits = 120_00;
    line
}

/// Adds up what the lines say and makes the QR.
fn finish(mut receipt: ReceiptData) -> ReceiptData {
    for line in receipt.groups.iter_mut().flat_map(|group| &mut group.lines) {
        line.accrued = line.charged + line.excess + line.recalculation - line.benefits;
        line.to_pay = line.opening + line.accrued + line.penalty - line.counted;
    }
    receipt.totals = Totals::of(&receipt.groups);
    receipt.qr_payload = Vec::new();
    if receipt.totals.to_pay > 0 {
        let payload = PaymentOrder::for_receipt(&receipt).payload(QrEncoding::Utf8);
        receipt.qr_payload = payload.unwrap_or_default();
    }
    receipt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_what_their_names_say() {
        assert!(ordinary().totals.to_pay > 0 && !ordinary().qr_payload.is_empty());
        assert!(overpaid().totals.to_pay < 0 && overpaid().qr_payload.is_empty());
        assert_eq!(single_line().groups.len(), 1);
        let count = |receipt: ReceiptData| receipt.groups.iter().map(|group| group.lines.len()).sum::<usize>();
        assert_eq!((count(twelve_services()), count(many_lines())), (12, 30));
        let electricity = &zones().groups[2].lines[4];
        assert_eq!(electricity.parts.iter().map(|part| part.charged).collect::<Vec<_>>(), [116_51, 502_46, 530_24]);
        assert_eq!(electricity.charged, 1149_21);
        assert!(in_debt().totals.to_pay > 100_000_00 && in_debt().totals.penalty > 0);
        assert_eq!(requisites().inn.len(), 10);
        assert_eq!(crate::payment_qr::validate_requisites(&requisites()), []);
    }
}
