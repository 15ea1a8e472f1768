//! Every template of the repository prints every sample.

use std::path::Path;

use typst_pdf::{PdfStandard, PdfStandards};

use crate::hostile_tests::essence;
use crate::payment_qr::{PaymentOrder, QrEncoding};
use crate::pdf_tests::{Tool, WHOLE_PAGE, pdf_text};
use crate::receipt::{ChargeLine, ReceiptData};
use crate::typeset::{DEFAULT_TEMPLATE, LARGE_TEMPLATE, Output, typeset, typeset_as};

/// The platform's templates and those of the companies in `tenants/`.
pub(crate) fn templates() -> Vec<(String, String)> {
    let own = [("default", DEFAULT_TEMPLATE), ("large", LARGE_TEMPLATE)];
    let mut found: Vec<_> = own.map(|(name, source)| (name.to_owned(), source.to_owned())).into();
    let tenants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants");
    for tenant in std::fs::read_dir(tenants).unwrap() {
        let tenant = tenant.unwrap();
        if let Ok(source) = std::fs::read_to_string(tenant.path().join("templates/receipt.typ")) {
            found.push((tenant.file_name().to_string_lossy().into_owned(), source));
        }
    }
    assert!(found.len() > 3, "both companies of the demo have templates of their own");
    found
}

fn printed(template: &str, receipt: &ReceiptData) -> Vec<u8> {
    typeset(template, std::slice::from_ref(receipt), Output::OnePerReceipt).unwrap().remove(0)
}

#[test]
fn every_template_prints_every_sample() {
    for (template_name, template) in templates() {
        for (name, receipt) in ReceiptData::samples() {
            let pdf = typeset(&template, &[receipt], Output::OnePerReceipt)
                .unwrap_or_else(|error| panic!("{template_name}, {name}: {error}"));
            assert!(pdf[0].starts_with(b"%PDF-"), "{template_name}, {name}");
        }
    }
}

#[test]
fn the_templates_pass_as_accessible_pdf() {
    let standards = PdfStandards::new(&[PdfStandard::Ua_1]).unwrap();
    for (template_name, template) in templates() {
        for (name, receipt) in ReceiptData::samples() {
            typeset_as(&template, &[receipt], Output::OnePerReceipt, &standards)
                .unwrap_or_else(|error| panic!("{template_name}, {name}: {error}"));
        }
    }
}

#[test]
fn many_receipts_in_one_file_and_one_by_one() {
    let receipts: Vec<_> = ReceiptData::samples().into_iter().map(|(_, data)| data).collect();
    let single = typeset(DEFAULT_TEMPLATE, &receipts, Output::OnePerReceipt).unwrap();
    assert_eq!(single.len(), receipts.len());
    let together = typeset(DEFAULT_TEMPLATE, &receipts, Output::OneFile).unwrap();
    assert_eq!(together.len(), 1);
    let pages: usize = single.iter().map(|pdf| Tool::pages(pdf)).sum();
    assert!(pages > receipts.len(), "{pages}");
    assert_eq!(Tool::pages(&together[0]), pages);
    assert!(typeset(DEFAULT_TEMPLATE, &[], Output::OneFile).unwrap().is_empty());
    assert!(typeset(DEFAULT_TEMPLATE, &vec![receipts[0].clone(); 101], Output::OneFile).is_err());
}

#[test]
fn the_same_receipt_gives_the_same_bytes() {
    let print = || typeset(DEFAULT_TEMPLATE, &[ReceiptData::sample()], Output::OneFile).unwrap();
    assert_eq!(print(), print());
}

#[test]
fn language_title_and_tags_are_set() {
    for (name, template) in templates() {
        let pdf = printed(&template, &ReceiptData::sample());
        let (info, _) = Tool::run("pdfinfo", &["-"], &pdf);
        assert!(info.contains("Tagged:          yes"), "{name}: {info}");
        assert!(info.contains("Title:           Платёжный документ за жилищно-коммунальные услуги"), "{name}: {info}");
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.contains("/Lang(ru"), "{name}: language");
        assert_eq!(text.matches("/Alt").count(), 2, "{name}: both codes are described");
    }
}

/// Every text of the sample that a payer looks for.
fn looked_for(receipt: &ReceiptData) -> Vec<String> {
    let (payer, supplier, company) = (&receipt.payer, &receipt.supplier, &receipt.company);
    let texts = [
        &company.name,
        &company.address,
        &company.hours,
        &company.site,
        &company.email,
        &company.dispatch,
        &payer.account,
        &payer.els,
        &payer.izhku,
        &payer.payment_document_id,
        &payer.holder,
        &payer.address,
        &supplier.name,
        &supplier.inn,
        &supplier.kpp,
        &supplier.settlement_account,
        &supplier.bank_name,
        &supplier.bic,
        &supplier.correspondent_account,
        &receipt.link_code,
    ];
    let mut all: Vec<String> = texts.into_iter().cloned().collect();
    all.extend(company.phones.iter().cloned());
    let quantity = crate::format::quantity;
    all.extend([quantity(payer.area.unwrap()), crate::format::date(receipt.due_on)]);
    all.push(crate::format::date(receipt.last_payment.unwrap().paid_on));
    for meter in &receipt.meters {
        all.extend([meter.serial.clone(), quantity(meter.previous.unwrap()), quantity(meter.volume)]);
        all.extend(meter.current.map(quantity));
        all.extend([meter.method.clone(), crate::format::date(meter.next_verification.unwrap())]);
    }
    all.extend(receipt.groups.iter().flat_map(|group| &group.lines).flat_map(of_line));
    let reference = &receipt.reference;
    all.extend(reference.norms.iter().flat_map(|norm| [norm.service.clone(), quantity(norm.individual.unwrap())]));
    all.extend(reference.house_meters.iter().flat_map(|meter| [meter.serial.clone(), quantity(meter.volume.unwrap())]));
    all.extend(reference.house_totals.iter().flat_map(|of| [of.service.clone(), quantity(of.premises.unwrap())]));
    all.extend(reference.house.iter().flat_map(|fact| [fact.title.clone(), fact.value.clone()]));
    all.extend(reference.notes.iter().cloned());
    for part in &receipt.instalments {
        all.extend([part.service.clone(), crate::format::rub(part.this_period), crate::format::rub(part.to_pay)]);
        all.extend(part.rate.map(quantity));
    }
    all.extend(receipt.awards.iter().flat_map(|award| [award.basis.clone(), crate::format::rub(award.sum)]));
    all
}

/// What a line of the charges must say.
fn of_line(line: &ChargeLine) -> Vec<String> {
    let quantity = crate::format::quantity;
    let mut all: Vec<String> = Vec::new();
    let volumes = [line.volume, line.common_volume, line.coefficient].into_iter().flatten().map(quantity);
    all.extend(volumes);
    all.extend([line.service.clone(), line.unit.clone(), line.method.clone(), line.common_method.clone()]);
    all.extend([line.formula.clone(), line.recalculation_basis.clone(), line.benefits_basis.clone()]);
    let sums = [line.charged, line.excess, line.recalculation, line.accrued, line.opening, line.penalty, line.to_pay];
    all.extend(sums.into_iter().filter(|sum| *sum != 0).map(crate::format::rub));
    all.extend(line.tariff.map(crate::format::tariff));
    for part in &line.parts {
        all.extend([part.label.clone(), quantity(part.volume)]);
        all.extend([crate::format::tariff(part.tariff), crate::format::rub(part.charged)]);
    }
    all
}

#[test]
fn every_template_says_all_that_the_form_demands() {
    for (name, template) in templates() {
        for sample in ["ordinary", "in_debt", "zones"] {
            let receipt = ReceiptData::samples().into_iter().find(|(known, _)| *known == sample).unwrap().1;
            let text = essence(&pdf_text(&printed(&template, &receipt)));
            for wanted in looked_for(&receipt) {
                assert!(text.contains(&essence(&wanted)), "{name}, {sample}: no «{wanted}» in {text}");
            }
            let named = !receipt.payer.payment_document_id.is_empty();
            assert_eq!(text.contains("ИДПД"), named, "{name}, {sample}: {text}");
        }
    }
}

#[test]
fn every_template_says_what_stands_in_for_a_house_meter() {
    let mut receipt = ReceiptData::sample();
    let methods = ["по среднему за прошлые месяцы: прибор неисправен", "по нормативу: истёк срок поверки"];
    for (meter, method) in receipt.reference.house_meters.iter_mut().zip(methods) {
        method.clone_into(&mut meter.method);
    }
    receipt.reference.house_meters[1].volume = None;
    for (name, template) in templates() {
        let text = essence(&pdf_text(&printed(&template, &receipt)));
        for method in methods {
            assert!(text.contains(&essence(method)), "{name}: no «{method}» in {text}");
        }
    }
}

#[test]
fn nothing_is_said_of_what_is_not_there() {
    let bare = crate::samples::bare();
    for (name, template) in templates() {
        let text = pdf_text(&printed(&template, &bare));
        for silly in [
            "none",
            "undefined",
            "Рассрочка",
            "прибор",
            "Норматив",
            "Справочн",
            "ЕЛС",
            "ИЖКУ",
            "ИД ПД",
            "Перерасчёт,",
            "Льгота",
            "Последняя",
            "служба",
            "Код",
            "код для",
            ", ,",
            "№",
        ] {
            assert!(!text.contains(silly), "{name}: «{silly}» in {text}");
        }
    }
}

#[test]
fn screen_readers_hear_the_receipt_in_its_order() {
    let receipt = ReceiptData::sample();
    for (name, template) in templates() {
        let pdf = printed(&template, &receipt);
        let (text, _) = Tool::run("pdfinfo", &["-struct-text", "-"], &pdf);
        assert!(text.matches("Table").count() >= 1 || name == "large", "{name}: tables are tables");
        let words = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let text = words(&text);
        let (heading, account) = (&receipt.kind_title, &receipt.payer.account);
        let (first, last) = (&receipt.groups[0].lines[0].service, &receipt.groups[3].lines[0].service);
        let place = |word: &String| text.find(&words(word)).unwrap_or_else(|| panic!("{name}: no {word} in {text}"));
        assert!(place(heading) < place(first) && place(account) < place(first), "{name}");
        assert!(place(first) < place(last), "{name}");
    }
}

/// The words of the first page with their places, in points from its upper left corner.
fn places(pdf: &[u8]) -> Vec<(String, f64, f64)> {
    let (words, _) = Tool::run("pdftotext", &["-f", "1", "-l", "1", "-bbox", "-", "-"], pdf);
    let word = |word: &str| {
        let number = |name: &str| -> f64 {
            let value = word.split(format!("{name}=\"").as_str()).nth(1).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        let text = word.split('>').nth(1).unwrap().split('<').next().unwrap();
        (text.to_owned(), number("xMin"), number("yMin"))
    };
    words.split("<word ").skip(1).map(word).collect()
}

#[test]
fn whoever_gets_receipts_of_two_companies_tells_them_apart_at_a_glance() {
    const CENTIMETRE: f64 = 72.0 / 2.54;
    let receipt = ReceiptData::sample();
    let (payer, supplier, company) = (&receipt.payer, &receipt.supplier, &receipt.company);
    let due = crate::format::date(receipt.due_on);
    let looked_for = [
        payer.account.as_str(),
        &due,
        &supplier.inn,
        &supplier.bic,
        &company.site,
        &company.phones[1],
        &receipt.meters[0].serial,
        "Иванова",
    ];
    let own = templates().into_iter().filter(|(name, _)| name != "large");
    let sheets: Vec<_> = own.map(|(name, template)| (name, places(&printed(&template, &receipt)))).collect();
    let place = |sheet: &[(String, f64, f64)], text: &str| {
        let word = sheet.iter().find(|(word, ..)| word.contains(text)).unwrap_or_else(|| panic!("no {text}"));
        (word.1, word.2)
    };
    for (at, (name, one)) in sheets.iter().enumerate() {
        for (other_name, other) in &sheets[at + 1..] {
            let apart = looked_for.iter().filter(|text| {
                let (a, b) = (place(one, text), place(other, text));
                (a.0 - b.0).hypot(a.1 - b.1) > CENTIMETRE
            });
            // Nearly everything that one looks for stands elsewhere.
            assert!(apart.count() > looked_for.len() * 3 / 4, "{name} and {other_name}");
        }
    }
}

/// Where each template has its payment QR on the first page.
fn payment_corner(name: &str) -> [u32; 4] {
    if name == "large" { [0, 0, 100, 100] } else { [50, 0, 50, 50] }
}

#[test]
fn both_codes_are_read_from_the_page_and_the_payment_stands_alone() {
    for (name, template) in templates() {
        for encoding in [QrEncoding::Utf8, QrEncoding::Cp1251] {
            let mut receipt = ReceiptData::sample();
            receipt.qr_payload = PaymentOrder::for_receipt(&receipt).payload(encoding).unwrap();
            let pdf = printed(&template, &receipt);
            let corner = Tool::codes(&pdf, 1, payment_corner(&name));
            assert_eq!(corner, [receipt.qr_payload.clone()], "{name}, {encoding:?}: the payment QR and no other");
            let all: Vec<Vec<u8>> =
                (1..=Tool::pages(&pdf)).flat_map(|page| Tool::codes(&pdf, page, WHOLE_PAGE)).collect();
            assert_eq!(all.len(), 2, "{name}: {all:?}");
            assert!(all.contains(&receipt.link_url.clone().into_bytes()), "{name}: {all:?}");
        }
    }
}

#[test]
fn large_print_has_no_small_letter() {
    let pdf = printed(LARGE_TEMPLATE, &crate::samples::in_debt());
    let file = std::env::temp_dir().join(format!("large-{}.pdf", std::process::id()));
    std::fs::write(&file, &pdf).unwrap();
    let (xml, _) = Tool::run("pdftohtml", &["-xml", "-stdout", "-i", "-zoom", "1", file.to_str().unwrap()], &[]);
    std::fs::remove_file(&file).unwrap();
    let sizes: Vec<f64> = xml
        .split("<fontspec ")
        .skip(1)
        .map(|font| font.split("size=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().parse().unwrap())
        .collect();
    assert!(!sizes.is_empty() && sizes.iter().all(|size| *size >= 16.0), "{sizes:?}");
}
