//! Documents that the platform itself sets for people (an application, a statement): a template of a module and
//! plain fields become a tagged PDF. Values arrive as on receipts: escaped, whatever stands in them. They are set in
//! a worker process too, because what people type may be hard to set.

use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};
use typst::foundations::Bytes;
use typst_pdf::PdfStandards;

use crate::environment::{receipt_environment, template_error};
use crate::error::RenderError;
use crate::payment_qr::qr_svg;
use crate::typeset::{Finish, print};
use crate::typst_escape;
use crate::world::{Pictures, ReceiptWorld};

/// The name a template carries in error messages.
const NAME: &str = "document.typ";

/// A document to be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its title, which readers of PDF show.
    pub title: String,
    /// Its date, yyyymmdd: the same input gives the same bytes.
    pub on: u32,
    /// What its template shows, as JSON: an object.
    pub fields: String,
    /// What its QR codes say: the template shows them as the pictures `/link/0.svg` and on.
    pub codes: Vec<String>,
}

impl Document {
    /// A document of `fields`.
    pub fn new(title: impl Into<String>, on: u32, fields: &impl Serialize) -> Result<Self, RenderError> {
        let fields = serde_json::to_string(fields).map_err(|error| RenderError::Data(error.to_string()))?;
        Ok(Self { title: title.into(), on, fields, codes: Vec::new() })
    }

    /// The document with QR codes that say these texts.
    #[must_use]
    pub fn with_codes(self, codes: Vec<String>) -> Self {
        Self { codes, ..self }
    }
}

/// Typesets a document **in this process**: for the worker and for tests. A server uses
/// [`crate::printer::ReceiptPrinter::print_document`].
pub fn typeset_document(template: &str, document: &Document) -> Result<Vec<u8>, RenderError> {
    let text = format!("{}{}", prologue(&document.title), source(template, document)?);
    let pictures = document.codes.iter().map(|code| picture(code)).collect::<Result<_, _>>()?;
    let world = ReceiptWorld::new(text, pictures, document.on);
    let world = world.ok_or_else(|| RenderError::Worker("no main file".into()))?;
    let printed = print(&world, &Finish { standards: &PdfStandards::default(), tagged: true });
    comemo::evict(0);
    printed.map_err(|diagnostic| RenderError::Template {
        name: NAME.to_owned(),
        line: None,
        reason: format!("Typst: {}", diagnostic.message),
    })
}

/// The picture of a code.
fn picture(code: &str) -> Result<Pictures, RenderError> {
    Ok(Pictures { linking: Some(Bytes::from_string(qr_svg(code.as_bytes())?)), ..Pictures::default() })
}

/// The template filled in: Typst's source.
fn source(template: &str, document: &Document) -> Result<String, RenderError> {
    let fields: serde_json::Value =
        serde_json::from_str(&document.fields).map_err(|error| RenderError::Data(error.to_string()))?;
    let mut environment = receipt_environment();
    let failed = |error: minijinja::Error| template_error(NAME, &error);
    environment.add_template_owned(NAME, template.to_owned()).map_err(failed)?;
    let template = environment.get_template(NAME).map_err(failed)?;
    template.render(Value::from(Serde(&fields))).map_err(failed)
}

/// What the platform says before a template begins: title, language, font.
fn prologue(title: &str) -> String {
    let mut text = String::from("#set document(title: \"");
    // Writing to a String cannot fail.
    let _ = typst_escape::write_text(&mut text, title);
    text.push_str("\")\n#set text(lang: \"ru\", region: \"ru\", font: \"PT Sans\")\n");
    text
}
