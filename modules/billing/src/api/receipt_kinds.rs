//! The kinds of receipts with whom they pay: seen and changed by staff, from a month on.

use kabinet_render::payment_qr::validate_requisites;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::catalog::{Catalog, Changes};
use super::fields::{month, wrong};
use crate::catalog::{Dated, ReceiptKind, Supplier, code_problem, edit};

/// Letters of the longest heading, and of the longest purpose: the bank's form has 210 with month and account.
const LONGEST: usize = 100;

pub(crate) struct ReceiptKindsApi;

/// A kind of receipt: who is paid, with which bank details.
#[derive(Object)]
struct ReceiptKindEntry {
    /// Stable code, part of addresses.
    #[oai(default)]
    code: String,
    /// The first month heading and supplier hold for, `2026-12`; none: all months, and when it is put, the first that
    /// is not published.
    from: Option<String>,
    /// Heading of the receipt.
    title: String,
    /// Whether it is the main kind, which the short address of a month shows: in all months.
    #[oai(default)]
    main: bool,
    /// Who is paid.
    supplier: SupplierEntry,
}

/// Who is paid, with the bank details of receipt and payment QR.
#[derive(Object)]
struct SupplierEntry {
    /// Name as the bank knows it, at most 160 letters.
    name: String,
    /// ИНН, 10 or 12 digits.
    inn: String,
    /// КПП, 9 digits; empty for a sole proprietor.
    #[oai(default)]
    kpp: String,
    /// Name of the bank, at most 45 letters.
    bank_name: String,
    /// БИК, 9 digits.
    bic: String,
    /// Settlement account, 20 digits.
    settlement_account: String,
    /// Correspondent account, 20 digits.
    correspondent_account: String,
    /// What is paid for; empty for «Оплата ЖКУ».
    #[oai(default)]
    purpose: String,
}

/// The company's receipt kinds, in their order; one that changes has an entry for each month in which it does.
#[derive(Object)]
struct ReceiptKindList {
    items: Vec<ReceiptKindEntry>,
}

impl From<Dated<ReceiptKind>> for ReceiptKindEntry {
    fn from(Dated { from, what: kind }: Dated<ReceiptKind>) -> Self {
        let Supplier { name, inn, kpp, bank_name, bic, settlement_account, correspondent_account, purpose } =
            kind.supplier;
        Self {
            code: kind.code,
            from: from.map(|from| from.to_string()),
            title: kind.title,
            main: kind.main,
            supplier: SupplierEntry {
                name,
                inn,
                kpp,
                bank_name,
                bic,
                settlement_account,
                correspondent_account,
                purpose,
            },
        }
    }
}

#[OpenApi]
impl ReceiptKindsApi {
    /// The company's receipt kinds with the months they hold from.
    #[oai(path = "/billing/catalog/receipt-kinds", method = "get", operation_id = "listReceiptKinds")]
    async fn receipt_kinds(&self, staff: Staff<Catalog>) -> ApiResult<ReceiptKindList> {
        let tx = staff.read().await?;
        let kinds = edit::receipt_kinds(&tx).await?;
        tx.commit().await?;
        Ok(Json(ReceiptKindList { items: kinds.into_iter().map(ReceiptKindEntry::from).collect() }))
    }

    /// Add a receipt kind, or change one from a month on that is not published.
    #[oai(path = "/billing/catalog/receipt-kinds/:code", method = "put", operation_id = "putReceiptKind")]
    async fn put_receipt_kind(
        &self,
        staff: Staff<Catalog>,
        code: Path<String>,
        entry: Json<ReceiptKindEntry>,
    ) -> ApiResult<Changes> {
        let kind = kind(code.0, entry.0)?;
        let mut tx = staff.begin().await?;
        let changes = edit::put_receipt_kind(&mut tx, kind).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }
}

fn kind(code: String, entry: ReceiptKindEntry) -> Result<Dated<ReceiptKind>, Problem> {
    if let Some(problem) = code_problem(&code) {
        return Err(wrong("code", problem));
    }
    let title = entry.title.trim().to_owned();
    if title.is_empty() || title.chars().count() > LONGEST {
        return Err(wrong("title", "Укажите название квитанции, не длиннее 100 знаков"));
    }
    let from = entry.from.map(|from| month(&from, "from")).transpose()?;
    let what = ReceiptKind { code, title, main: entry.main, supplier: supplier(entry.supplier)? };
    Ok(Dated { from, what })
}

fn supplier(entry: SupplierEntry) -> Result<Supplier, Problem> {
    let SupplierEntry { name, inn, kpp, bank_name, bic, settlement_account, correspondent_account, purpose } = entry;
    let supplier = Supplier { name, inn, kpp, bank_name, bic, settlement_account, correspondent_account, purpose };
    if supplier.purpose.chars().count() > LONGEST {
        return Err(wrong("supplier.purpose", "Назначение платежа не длиннее 100 знаков"));
    }
    let mistakes = validate_requisites(&supplier.requisites());
    if mistakes.is_empty() {
        return Ok(supplier);
    }
    let fields = mistakes.into_iter().map(|mistake| (format!("supplier.{}", mistake.field), mistake.message));
    Err(Problem::refused_fields("billing.invalid", fields))
}
