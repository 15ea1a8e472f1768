//! Receipts to PDF: template and data become Typst source, Typst source becomes
//! PDF. Both happen in a worker process that can be killed, because a company's
//! template may loop or grow without end and neither engine can be stopped from
//! outside.

use serde::{Deserialize, Serialize};
use typst::WorldExt;
use typst::diag::SourceDiagnostic;
use typst::foundations::Bytes;
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandards, Timestamp};

use crate::environment::{ReceiptTemplate, TEMPLATE_NAME};
use crate::error::RenderError;
use crate::format;
use crate::payment_qr::qr_svg;
use crate::receipt::ReceiptData;
use crate::typst_escape;
use crate::world::{Pictures, ReceiptWorld};

/// The platform's own receipt template: the form of order 43/пр.
pub const DEFAULT_TEMPLATE: &str = include_str!("../templates/receipt.typ.jinja");
/// The platform's own receipt template in large print, for people with poor sight.
pub const LARGE_TEMPLATE: &str = include_str!("../templates/receipt_large.typ.jinja");
/// Most receipts in one call; more would hold too much memory at once.
pub const BATCH_LIMIT: usize = 100;
/// Most receipts in one document: Typst holds a document whole, and a worker has 512 MB.
pub const DOCUMENT_LIMIT: usize = 10;

/// How receipts are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// A PDF for each receipt, in their order.
    OnePerReceipt,
    /// One PDF with all of them, each on a new page: for the printing house. Paper
    /// needs no tags, so it has none.
    OneFile,
}

/// Typesets up to [`BATCH_LIMIT`] receipts **in this process**. Only for the
/// worker and for templates that are trusted; a server uses
/// [`crate::printer::ReceiptPrinter`]. The same input gives the same bytes.
pub fn typeset(template: &str, receipts: &[ReceiptData], output: Output) -> Result<Vec<Vec<u8>>, RenderError> {
    typeset_as(template, receipts, output, &PdfStandards::default())
}

/// [`typeset`] against PDF standards; tests ask for PDF/UA.
pub(crate) fn typeset_as(
    template: &str,
    receipts: &[ReceiptData],
    output: Output,
    standards: &PdfStandards,
) -> Result<Vec<Vec<u8>>, RenderError> {
    let finish = Finish { standards, tagged: output == Output::OnePerReceipt };
    let limit = if output == Output::OneFile { DOCUMENT_LIMIT } else { BATCH_LIMIT };
    if receipts.len() > limit {
        return Err(RenderError::Data(format!("больше {limit} квитанций за раз")));
    }
    let template = ReceiptTemplate::parse(template)?;
    match output {
        Output::OnePerReceipt => {
            receipts.iter().map(|receipt| document(&template, std::slice::from_ref(receipt), &finish)).collect()
        }
        Output::OneFile if receipts.is_empty() => Ok(Vec::new()),
        Output::OneFile => Ok(vec![document(&template, receipts, &finish)?]),
    }
}

/// What the PDF must be.
pub(crate) struct Finish<'a> {
    pub(crate) standards: &'a PdfStandards,
    pub(crate) tagged: bool,
}

/// One PDF of one or more receipts.
fn document(template: &ReceiptTemplate, receipts: &[ReceiptData], finish: &Finish<'_>) -> Result<Vec<u8>, RenderError> {
    compile(template, receipts, |world| print(world, finish))
}

/// Prepares pages and pictures, has `work` done with them and cleans up behind it.
fn compile<T>(
    template: &ReceiptTemplate,
    receipts: &[ReceiptData],
    work: impl FnOnce(&ReceiptWorld) -> Result<T, Box<SourceDiagnostic>>,
) -> Result<T, RenderError> {
    let Pages { text, starts } = Pages::render(template, receipts)?;
    let pictures = receipts.iter().map(codes).collect::<Result<_, _>>()?;
    let today = receipts.first().map_or(0, |receipt| receipt.issued_on);
    let world = ReceiptWorld::new(text, pictures, today).ok_or_else(|| RenderError::Worker("no main file".into()))?;
    let result = work(&world);
    // Typst's cache serves the receipts of one document. Kept for the next, it costs as much memory again and makes
    // nothing quicker. Also after a failure: what failed was remembered, too.
    comemo::evict(0);
    result.map_err(|diagnostic| explain(template, receipts, &starts, &world, &diagnostic))
}

/// The pictures of a receipt's codes.
fn codes(receipt: &ReceiptData) -> Result<Pictures, RenderError> {
    let picture = |payload: &[u8]| match payload {
        [] => Ok(None),
        payload => qr_svg(payload).map(|svg| Some(Bytes::from_string(svg))),
    };
    Ok(Pictures { payment: picture(&receipt.qr_payload)?, linking: picture(receipt.link_url.as_bytes())? })
}

/// The laid-out pages of one receipt, for tests that read their text.
#[cfg(test)]
pub(crate) fn compile_for_tests(template: &str, receipt: &ReceiptData) -> Result<PagedDocument, RenderError> {
    let template = ReceiptTemplate::parse(template)?;
    compile(&template, std::slice::from_ref(receipt), |world| {
        typst::compile::<PagedDocument>(world).output.map_err(first_error)
    })
}

pub(crate) fn print(world: &ReceiptWorld, finish: &Finish<'_>) -> Result<Vec<u8>, Box<SourceDiagnostic>> {
    let document = typst::compile::<PagedDocument>(world).output.map_err(first_error)?;
    let options = PdfOptions {
        timestamp: world.date().map(Timestamp::new_utc),
        standards: finish.standards.clone(),
        tagged: finish.tagged,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(first_error)
}

/// The first of Typst's errors: the others mostly follow from it.
fn first_error(errors: impl IntoIterator<Item = SourceDiagnostic>) -> Box<SourceDiagnostic> {
    Box::new(
        errors
            .into_iter()
            .next()
            .unwrap_or_else(|| SourceDiagnostic::error(typst::syntax::Span::detached(), "unknown error")),
    )
}

/// Typst source of several receipts and where each begins.
struct Pages {
    text: String,
    starts: Vec<usize>,
}

impl Pages {
    fn render(template: &ReceiptTemplate, receipts: &[ReceiptData]) -> Result<Self, RenderError> {
        let mut text = prologue(receipts);
        let mut starts = Vec::with_capacity(receipts.len());
        let several = receipts.len() > 1;
        for (index, receipt) in receipts.iter().enumerate() {
            if several {
                // The brackets keep one receipt's settings from the next.
                text.push_str("#pagebreak(weak: true)#counter(page).update(1)#[\n");
            }
            starts.push(text.len());
            text.push_str(&template.render(receipt, index)?);
            if several {
                text.push_str("\n]\n");
            }
        }
        Ok(Self { text, starts })
    }
}

/// An error of Typst as one of the template, with the template's line. `starts`
/// are the bytes where the receipts begin.
fn explain(
    template: &ReceiptTemplate,
    receipts: &[ReceiptData],
    starts: &[usize],
    world: &ReceiptWorld,
    diagnostic: &SourceDiagnostic,
) -> RenderError {
    let line = world.range(diagnostic.span).and_then(|range| {
        let index = starts.partition_point(|start| *start <= range.start).checked_sub(1)?;
        let offset = range.start - starts.get(index)?;
        template.line_of(receipts.get(index)?, index, offset)
    });
    RenderError::Template { name: TEMPLATE_NAME.to_owned(), line, reason: format!("Typst: {}", diagnostic.message) }
}

/// What the platform says before a template begins: title, language, font.
fn prologue(receipts: &[ReceiptData]) -> String {
    let title = match receipts {
        [one] => format!("{}, {}, л/с {}", one.kind_title, format::period(one.period), one.payer.account),
        _ => "Платёжные документы".to_owned(),
    };
    let mut text = String::from("#set document(title: \"");
    // Writing to a String cannot fail.
    let _ = typst_escape::write_text(&mut text, &title);
    text.push_str("\")\n#set text(lang: \"ru\", region: \"ru\", font: \"PT Sans\")\n");
    text
}

/// Where a template finds the payment QR of receipt `index`.
pub(crate) fn qr_path(index: usize) -> String {
    format!("/qr/{index}.svg")
}

/// Where a template finds the linking QR of receipt `index`.
pub(crate) fn link_qr_path(index: usize) -> String {
    format!("/link/{index}.svg")
}
