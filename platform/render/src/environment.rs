//! Two template environments: one for the platform's own HTML pages, one for
//! receipt templates that companies write.
//!
//! Neither loads anything by itself, both stop at an undefined name. The
//! receipt environment is an empty one with a short list of additions: whatever
//! is not named here does not exist for a company's template.

use std::borrow::Cow;
use std::io::{self, Write};

use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, OutputSpanKind, UndefinedBehavior, context, escape_formatter,
};

use crate::elements;
use crate::error::RenderError;
use crate::format;
use crate::receipt::ReceiptData;
use crate::typst_escape;

/// The longest receipt template a company may upload, in bytes.
pub const TEMPLATE_LIMIT: usize = 64 * 1024;
/// The longest Typst source one receipt may become, in bytes.
const OUTPUT_LIMIT: usize = 1024 * 1024;
/// Instructions one receipt may take. Forty lines in the default template take
/// about 8,000.
const FUEL: u64 = 500_000;
const RECURSION_LIMIT: usize = 64;
/// Tags that would reach other templates or switch escaping off.
const FORBIDDEN_TAGS: [&str; 5] = ["autoescape", "include", "import", "from", "extends"];

/// An environment for the platform's own pages and mails: strict about undefined
/// names, HTML-escaping everything except templates whose name ends with `.txt`,
/// with the filters `rub`, `rub_sign`, `date`, `period`, `period_iso`,
/// `quantity` and `tariff`, and those that write HTML (see `elements`).
/// `templates` are pairs of name and source; a syntax error names its template
/// and line.
pub fn page_environment<N, S>(templates: impl IntoIterator<Item = (N, S)>) -> Result<Environment<'static>, RenderError>
where
    N: Into<Cow<'static, str>>,
    S: Into<Cow<'static, str>>,
{
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(
        |name| {
            if name.ends_with(".txt") { AutoEscape::None } else { AutoEscape::Html }
        },
    );
    environment.set_formatter(|out, state, value| {
        // An absent optional field prints nothing instead of «none».
        if value.is_none() {
            return Ok(());
        }
        escape_formatter(out, state, value)
    });
    add_filters(&mut environment);
    elements::add_filters(&mut environment);
    for (name, source) in templates {
        let name = name.into();
        environment.add_template_owned(name.clone(), source).map_err(|error| template_error(&name, &error))?;
    }
    Ok(environment)
}

/// Adds the filters that both environments share.
fn add_filters(environment: &mut Environment<'_>) {
    environment.add_filter("rub", format::rub);
    environment.add_filter("rub_sign", format::rub_sign);
    environment.add_filter("date", format::date);
    environment.add_filter("period", format::period);
    environment.add_filter("period_iso", format::period_iso);
    environment.add_filter("quantity", format::quantity);
    environment.add_filter("tariff", format::tariff);
}

/// An environment for receipt templates that are not trusted: nothing but the
/// number and date filters, a handful of harmless others, and a formatter that
/// turns every value into literal Typst text whatever the template says.
pub(crate) fn receipt_environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_recursion_limit(RECURSION_LIMIT);
    environment.set_fuel(Some(FUEL));
    // Makes the results of macros and of block assignments «safe»: their
    // contents went through the formatter once and must not do so twice.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom(Cow::Borrowed("typst")));
    environment.set_formatter(|out, _state, value| write_value(out, value));
    add_filters(&mut environment);
    environment.add_filter("length", minijinja::filters::length);
    environment.add_filter("default", minijinja::filters::default);
    environment.add_filter("abs", minijinja::filters::abs);
    environment.add_filter("first", minijinja::filters::first);
    environment.add_filter("last", minijinja::filters::last);
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.add_filter("lower", |text: String| text.to_lowercase());
    environment.add_test("defined", minijinja::tests::is_defined);
    environment.add_test("none", minijinja::tests::is_none);
    environment.add_test("odd", minijinja::tests::is_odd);
    environment.add_test("even", minijinja::tests::is_even);
    environment
}

/// The formatter of receipt templates. Only integers go out as they are, since
/// digits mean the same in text and in code; text is escaped; whole lists and
/// maps are a mistake of the author.
fn write_value(out: &mut minijinja::Output<'_>, value: &Value) -> Result<(), Error> {
    let written = match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => Ok(()),
        ValueKind::Number if value.is_integer() => write!(out, "{value}"),
        ValueKind::String if value.is_safe() => write!(out, "{value}"),
        ValueKind::String | ValueKind::Number | ValueKind::Bool => {
            let text = value.to_string();
            typst_escape::write_text(out, &text)
        }
        kind => {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("a {kind} cannot be printed, choose one of its fields"),
            ));
        }
    };
    written.map_err(Error::from)
}

/// Refuses a company's template that is too long or uses a forbidden tag. Looks
/// for the tags everywhere, even in comments, so that no disagreement with the
/// real parser can let one through.
pub(crate) fn check_source(name: &str, source: &str) -> Result<(), RenderError> {
    if source.len() > TEMPLATE_LIMIT {
        return Err(RenderError::Template {
            name: name.to_owned(),
            line: None,
            reason: format!("шаблон длиннее {} КБ", TEMPLATE_LIMIT / 1024),
        });
    }
    for (at, _) in source.match_indices("{%") {
        let tag = source[at + 2..].trim_start_matches(|c: char| c.is_whitespace() || "-+".contains(c));
        let word = tag.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        if FORBIDDEN_TAGS.contains(&word) {
            let line = source[..at].matches('\n').count() + 1;
            return Err(RenderError::Template {
                name: name.to_owned(),
                line: u32::try_from(line).ok(),
                reason: format!("тег «{word}» в шаблоне квитанции запрещён"),
            });
        }
    }
    Ok(())
}

/// One receipt template, checked and parsed, ready for many receipts.
pub(crate) struct ReceiptTemplate {
    environment: Environment<'static>,
}

/// The name a company's template carries in error messages.
pub(crate) const TEMPLATE_NAME: &str = "receipt.typ";

impl ReceiptTemplate {
    /// Parses a template, or says in which line it is wrong.
    pub(crate) fn parse(source: &str) -> Result<Self, RenderError> {
        check_source(TEMPLATE_NAME, source)?;
        let mut environment = receipt_environment();
        environment
            .add_template_owned(TEMPLATE_NAME, source.to_owned())
            .map_err(|error| template_error(TEMPLATE_NAME, &error))?;
        Ok(Self { environment })
    }

    /// Typst source of one receipt. `index` tells receipts of one document
    /// apart; it names the QR picture.
    pub(crate) fn render(&self, data: &ReceiptData, index: usize) -> Result<String, RenderError> {
        let mut sink = CappedSink { bytes: Vec::with_capacity(32 * 1024), overflow: false };
        let rendered = self.template()?.render_captured_to(receipt_context(data, index), &mut sink).map(drop);
        if sink.overflow {
            return Err(RenderError::Template {
                name: TEMPLATE_NAME.to_owned(),
                line: None,
                reason: format!("квитанция длиннее {} КБ", OUTPUT_LIMIT / 1024),
            });
        }
        rendered.map_err(|error| template_error(TEMPLATE_NAME, &error))?;
        String::from_utf8(sink.bytes).map_err(|error| RenderError::Worker(error.to_string()))
    }

    /// The line of the template that produced byte `offset` of the Typst source
    /// of `data`. Renders once more: for the way to an error message only.
    pub(crate) fn line_of(&self, data: &ReceiptData, index: usize, offset: usize) -> Option<u32> {
        let (text, spans) = self.template().ok()?.render_with_spans(receipt_context(data, index)).ok()?;
        let span = spans
            .iter()
            .filter(|span| span.output_range().start <= offset)
            .max_by_key(|span| span.output_range().start)?;
        // A span of plain text may run over several lines of the template.
        let below = match span.kind() {
            OutputSpanKind::Raw => text.get(span.output_range().start..offset)?.matches('\n').count(),
            _ => 0,
        };
        u32::try_from(span.line() + below).ok()
    }

    fn template(&self) -> Result<minijinja::Template<'_, '_>, RenderError> {
        self.environment.get_template(TEMPLATE_NAME).map_err(|error| template_error(TEMPLATE_NAME, &error))
    }
}

/// What a template sees: the fields of [`ReceiptData`] by their names, `qr` and
/// `link_qr` (paths of the pictures of the payment QR and of the linking QR, or
/// none), `index`, `line_count`, `row_count` (lines and their parts) and `has_formulas`.
fn receipt_context(data: &ReceiptData, index: usize) -> Value {
    let qr = (!data.qr_payload.is_empty()).then(|| crate::typeset::qr_path(index));
    let link_qr = (!data.link_url.is_empty()).then(|| crate::typeset::link_qr_path(index));
    let lines = || data.groups.iter().flat_map(|group| &group.lines);
    let line_count = lines().count();
    let row_count: usize = lines().map(|line| 1 + line.parts.len()).sum();
    let has_formulas = lines().any(|line| !line.formula.is_empty());
    context! { qr, link_qr, index, line_count, row_count, has_formulas, ..Value::from(Serde(data)) }
}

/// Translates an error of the template engine into one for the author.
pub(crate) fn template_error(name: &str, error: &Error) -> RenderError {
    let kind = match error.kind() {
        ErrorKind::SyntaxError => "ошибка синтаксиса",
        ErrorKind::UndefinedError => "такого поля нет",
        ErrorKind::UnknownFilter => "неизвестный фильтр",
        ErrorKind::UnknownTest => "неизвестная проверка",
        ErrorKind::UnknownFunction => "неизвестная функция",
        ErrorKind::OutOfFuel => "шаблон выполняется слишком долго",
        _ => "ошибка при заполнении",
    };
    let reason = match error.detail() {
        Some(detail) => format!("{kind} ({detail})"),
        None => kind.to_owned(),
    };
    RenderError::Template {
        name: error.name().unwrap_or(name).to_owned(),
        line: error.line().and_then(|line| u32::try_from(line).ok()),
        reason,
    }
}

/// Takes output up to [`OUTPUT_LIMIT`] and remembers that there was more.
struct CappedSink {
    bytes: Vec<u8>,
    overflow: bool,
}

impl Write for CappedSink {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + chunk.len() > OUTPUT_LIMIT {
            self.overflow = true;
            return Err(io::Error::other("output limit"));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
