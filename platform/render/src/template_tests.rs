//! Every template of the repository prints every sample.

use std::path::Path;

use typst_pdf::{PdfStandard, PdfStandards};

use crate::receipt::ReceiptData;
use crate::typeset::{DEFAULT_TEMPLATE, Output, typeset, typeset_as};

/// The default template and those of the companies in `tenants/`.
fn templates() -> Vec<(String, String)> {
    let mut found = vec![("default".to_owned(), DEFAULT_TEMPLATE.to_owned())];
    let tenants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants");
    for tenant in std::fs::read_dir(tenants).unwrap() {
        let tenant = tenant.unwrap();
        if let Ok(source) = std::fs::read_to_string(tenant.path().join("templates/receipt.typ")) {
            found.push((tenant.file_name().to_string_lossy().into_owned(), source));
        }
    }
    assert!(found.len() > 1, "a company with a template of its own");
    found
}

fn page_count(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.matches("/Type/Page\n").count() + text.matches("/Type/Page/").count()
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
    let pages: usize = single.iter().map(|pdf| page_count(pdf)).sum();
    assert!(pages >= receipts.len() + 2, "{pages}");
    assert_eq!(page_count(&together[0]), pages);
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
    let pdf = typeset(DEFAULT_TEMPLATE, &[ReceiptData::sample()], Output::OneFile).unwrap();
    let text = String::from_utf8_lossy(&pdf[0]);
    assert!(text.contains("/Lang(ru"), "language");
    assert!(text.contains("/StructTreeRoot"), "tags");
    assert!(text.contains("/Title<FEFF041F043B0430"), "title");
    assert!(text.contains("/Alt"), "the QR is described");
}
