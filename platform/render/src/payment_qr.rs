//! The payment QR of ГОСТ Р 56042-2014: the payload and its picture.

use std::fmt::Write;

use encoding_rs::WINDOWS_1251;
use qrcode::{Color, EcLevel, QrCode};

use crate::error::RenderError;
use crate::format;
use crate::receipt::{ReceiptData, SupplierRequisites};

pub use crate::requisites::{RequisiteError, inn_problem, validate as validate_requisites};

/// Tried in this order: the first that occurs in no value separates the fields.
const SEPARATORS: [char; 8] = ['|', '~', '^', '_', ';', '#', '%', '&'];
/// Empty modules around the code; scanners need four.
const QUIET_ZONE: usize = 4;
/// Payment for housing and utilities, in the standard's list of technical codes.
const TECH_CODE_HOUSING: &str = "02";

/// How the payload's letters become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QrEncoding {
    /// `ST00012`, read by every banking app of today.
    #[default]
    Utf8,
    /// `ST00011`: half the size for Russian text; for companies whose bank asks
    /// for it.
    Cp1251,
}

/// Optional fields of the payload, by their keys in the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QrField {
    /// Kopecks in digits.
    Sum,
    /// What is paid for.
    Purpose,
    /// ИНН of the payee.
    PayeeInn,
    /// КПП of the payee.
    Kpp,
    /// Surname of the payer.
    LastName,
    /// First name of the payer.
    FirstName,
    /// Patronymic of the payer.
    MiddleName,
    /// Address of the payer.
    PayerAddress,
    /// Account number of the payer at the payee.
    PersAcc,
    /// The month paid for, as `mmyyyy`.
    PaymPeriod,
    /// Number of a meter.
    CounterId,
    /// Reading of that meter.
    CounterVal,
    /// Technical code of the kind of payment.
    TechCode,
}

impl QrField {
    /// Key and greatest length in characters.
    fn spec(self) -> (&'static str, usize) {
        match self {
            Self::Sum => ("Sum", 18),
            Self::Purpose => ("Purpose", 210),
            Self::PayeeInn => ("PayeeINN", 12),
            Self::Kpp => ("KPP", 9),
            Self::LastName => ("LastName", 160),
            Self::FirstName => ("FirstName", 160),
            Self::MiddleName => ("MiddleName", 160),
            Self::PayerAddress => ("PayerAddress", 210),
            Self::PersAcc => ("PersAcc", 30),
            Self::PaymPeriod => ("PaymPeriod", 10),
            Self::CounterId => ("CounterId", 30),
            Self::CounterVal => ("CounterVal", 30),
            Self::TechCode => ("TechCode", 2),
        }
    }
}

/// A payment as the QR describes it: required fields first, the others in the
/// order they were added.
#[derive(Debug, Clone)]
pub struct PaymentOrder {
    fields: Vec<(&'static str, String)>,
    problem: Option<RequisiteError>,
}

impl PaymentOrder {
    /// An order that pays to `payee` and says nothing else yet.
    pub fn new(payee: &SupplierRequisites) -> Self {
        let mut order = Self { fields: Vec::with_capacity(13), problem: None };
        order.push("Name", &payee.name, 1, 160);
        order.push("PersonalAcc", &payee.settlement_account, 20, 20);
        order.push("BankName", &payee.bank_name, 1, 45);
        order.push("BIC", &payee.bic, 9, 9);
        order.push("CorrespAcc", &payee.correspondent_account, 1, 20);
        order
    }

    /// The order for a receipt: sum to pay, purpose, payee, account, period. No
    /// names of persons: the bank finds the payer by the account number.
    pub fn for_receipt(receipt: &ReceiptData) -> Self {
        let month = format!("{:02}{:04}", receipt.period % 100, receipt.period / 100);
        let purpose = format!(
            "Оплата ЖКУ за {}, л/с {}",
            format::period(receipt.period).replace('\u{a0}', " "),
            receipt.payer.account
        );
        Self::new(&receipt.supplier)
            .with(QrField::Sum, &receipt.totals.to_pay.max(0).to_string())
            .with(QrField::Purpose, &purpose)
            .with(QrField::PayeeInn, &receipt.supplier.inn)
            .with(QrField::Kpp, &receipt.supplier.kpp)
            .with(QrField::PayerAddress, cut(&receipt.payer.address, 210))
            .with(QrField::PersAcc, &receipt.payer.account)
            .with(QrField::PaymPeriod, &month)
            .with(QrField::TechCode, TECH_CODE_HOUSING)
    }

    /// Adds a field; an empty value adds nothing.
    #[must_use]
    pub fn with(mut self, field: QrField, value: &str) -> Self {
        let (key, longest) = field.spec();
        if !value.is_empty() {
            self.push(key, value, 1, longest);
        }
        self
    }

    /// The bytes to encode, beginning with `ST0001…`. Fails with the name of the
    /// field that is missing, too long or not writable in cp1251.
    pub fn payload(&self, encoding: QrEncoding) -> Result<Vec<u8>, RequisiteError> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let separator = self.separator()?;
        let mut payload = match encoding {
            QrEncoding::Utf8 => b"ST00012".to_vec(),
            QrEncoding::Cp1251 => b"ST00011".to_vec(),
        };
        for (key, value) in &self.fields {
            payload.push(separator);
            payload.extend_from_slice(key.as_bytes());
            payload.push(b'=');
            match encoding {
                QrEncoding::Utf8 => payload.extend_from_slice(value.as_bytes()),
                QrEncoding::Cp1251 => payload.extend_from_slice(&cp1251(key, value)?),
            }
        }
        Ok(payload)
    }

    fn separator(&self) -> Result<u8, RequisiteError> {
        let free = |candidate: &char| !self.fields.iter().any(|(_, v)| v.contains(*candidate));
        let found = SEPARATORS.iter().find(|candidate| free(candidate));
        found.and_then(|c| u8::try_from(*c).ok()).ok_or_else(|| RequisiteError {
            field: "Purpose",
            message: "Слишком много служебных знаков: не осталось разделителя".into(),
        })
    }

    /// Line breaks and tabs become spaces; lengths count characters.
    fn push(&mut self, key: &'static str, value: &str, least: usize, longest: usize) {
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let length = value.chars().count();
        if (length < least || length > longest) && self.problem.is_none() {
            let message = if least == longest {
                format!("Должно быть {longest} знаков, а их {length}")
            } else if length == 0 {
                "Поле обязательно".to_owned()
            } else {
                format!("Не больше {longest} знаков, а их {length}")
            };
            self.problem = Some(RequisiteError { field: key, message });
        }
        self.fields.push((key, value));
    }
}

/// The beginning of `text`: an address too long for its field still helps the
/// clerk, a receipt without QR helps nobody.
fn cut(text: &str, longest: usize) -> &str {
    text.char_indices().nth(longest).map_or(text, |(end, _)| &text[..end])
}

fn cp1251(key: &'static str, value: &str) -> Result<Vec<u8>, RequisiteError> {
    let (bytes, _, unmappable) = WINDOWS_1251.encode(value);
    if unmappable {
        return Err(RequisiteError {
            field: key, message: "Есть знаки, которых нет в кодировке cp1251".into()
        });
    }
    Ok(bytes.into_owned())
}

/// The payload as an SVG picture: black modules in one path on white, one unit a
/// module, quiet zone included. The same payload gives the same text, so it may
/// be cached.
pub fn qr_svg(payload: &[u8]) -> Result<String, RenderError> {
    let code = QrCode::with_error_correction_level(payload, EcLevel::M)
        .map_err(|error| RenderError::Data(format!("платёжный QR: {error}")))?;
    let width = code.width();
    let colors = code.into_colors();
    let side = width + 2 * QUIET_ZONE;
    let mut svg = String::with_capacity(12 * 1024);
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path d=\""
    );
    svg.push_str(&head);
    for (y, row) in colors.chunks(width).enumerate() {
        push_runs(&mut svg, row, y + QUIET_ZONE);
    }
    svg.push_str("\"/></svg>");
    Ok(svg)
}

/// One rectangle for each run of dark modules in a row.
fn push_runs(svg: &mut String, row: &[Color], y: usize) {
    let mut x = 0;
    while x < row.len() {
        let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
        if run > 0 {
            // Writing to a String cannot fail.
            let _ = write!(svg, "M{} {y}h{run}v1h-{run}z", x + QUIET_ZONE);
        }
        x += run.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use sha2::{Digest, Sha256};

    fn three_whales() -> PaymentOrder {
        let payee = SupplierRequisites {
            name: "ООО «Три кита»".into(),
            inn: "6200098765".into(),
            kpp: String::new(),
            settlement_account: "40702810138250123017".into(),
            bank_name: "ОАО \"БАНК\"".into(),
            bic: "044525225".into(),
            correspondent_account: "30101810400000000225".into(),
        };
        PaymentOrder::new(&payee)
            .with(QrField::PayeeInn, "6200098765")
            .with(QrField::LastName, "Иванов")
            .with(QrField::FirstName, "Иван")
            .with(QrField::MiddleName, "Иванович")
            .with(QrField::Purpose, "Оплата членского взноса")
            .with(QrField::PayerAddress, "г.Рязань ул.Ленина д.10 кв.15")
            .with(QrField::Sum, "100000")
    }

    #[test]
    fn the_vector_of_the_standard() {
        let payload = three_whales().payload(QrEncoding::Utf8).unwrap();
        assert_eq!(payload.len(), 359);
        let hash = hex::encode(Sha256::digest(&payload));
        assert_eq!(hash, "3c979eb9ec2858d0ccdbfdd23b0d7438a65cee85607f7aba1656ac9b411e1468");
    }

    #[test]
    fn a_pipe_in_a_value_moves_the_separator() {
        let order = three_whales().with(QrField::PersAcc, "12|34");
        let text = String::from_utf8(order.payload(QrEncoding::Utf8).unwrap()).unwrap();
        assert!(text.starts_with("ST00012~Name=ООО «Три кита»~PersonalAcc="));
        assert!(text.ends_with("~PersAcc=12|34"));
        let all: String = SEPARATORS.iter().collect();
        let none = three_whales().with(QrField::Purpose, &all);
        assert!(none.payload(QrEncoding::Utf8).is_err());
    }

    #[test]
    fn cp1251_is_shorter_and_refuses_what_it_cannot_write() {
        let payload = three_whales().payload(QrEncoding::Cp1251).unwrap();
        assert!(payload.starts_with(b"ST00011|Name=\xce\xce\xce \xab"));
        assert!(payload.len() < 300);
        let error = three_whales().with(QrField::PersAcc, "漢").payload(QrEncoding::Cp1251);
        assert_eq!(error.unwrap_err().field, "PersAcc");
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let mut payee = samples::requisites();
        payee.name = "я".repeat(160);
        assert!(PaymentOrder::new(&payee).payload(QrEncoding::Utf8).is_ok());
        payee.name.push('я');
        let error = PaymentOrder::new(&payee).payload(QrEncoding::Utf8).unwrap_err();
        assert_eq!((error.field, error.message.as_str()), ("Name", "Не больше 160 знаков, а их 161"));
        payee.name = "x".into();
        payee.bic = "1".into();
        assert_eq!(PaymentOrder::new(&payee).payload(QrEncoding::Utf8).unwrap_err().field, "BIC");
    }

    #[test]
    fn a_receipt_asks_for_its_sum_in_kopecks() {
        let receipt = samples::ordinary();
        let payload = PaymentOrder::for_receipt(&receipt).payload(QrEncoding::Utf8).unwrap();
        let text = String::from_utf8(payload).unwrap();
        assert!(text.contains(&format!("|Sum={}|", receipt.totals.to_pay)));
        assert!(text.contains("|PaymPeriod=102026|"));
        assert!(text.ends_with("|TechCode=02"));
    }

    #[test]
    fn fields_stand_in_the_order_of_the_standard_and_empty_ones_are_left_out() {
        let keys = |receipt: &ReceiptData| -> Vec<String> {
            let payload = PaymentOrder::for_receipt(receipt).payload(QrEncoding::Utf8).unwrap();
            let text = String::from_utf8(payload).unwrap();
            text.split('|').skip(1).map(|field| field.split('=').next().unwrap().to_owned()).collect()
        };
        let mut receipt = samples::ordinary();
        let required = ["Name", "PersonalAcc", "BankName", "BIC", "CorrespAcc"];
        let further = ["Sum", "Purpose", "PayeeINN", "KPP", "PayerAddress", "PersAcc", "PaymPeriod", "TechCode"];
        assert_eq!(keys(&receipt), [required.as_slice(), &further].concat());
        receipt.supplier.kpp.clear();
        assert!(!keys(&receipt).contains(&"KPP".to_owned()));
        // A required field that is empty is no order at all.
        receipt.supplier.bank_name.clear();
        assert_eq!(PaymentOrder::for_receipt(&receipt).payload(QrEncoding::Utf8).unwrap_err().field, "BankName");
    }

    #[test]
    fn the_picture_is_compact_and_stable() {
        let payload = three_whales().payload(QrEncoding::Utf8).unwrap();
        let svg = qr_svg(&payload).unwrap();
        assert_eq!(svg, qr_svg(&payload).unwrap());
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
        assert!(svg.len() < 40_000, "{}", svg.len());
        assert!(qr_svg(&[b'x'; 4000]).is_err());
    }
}
