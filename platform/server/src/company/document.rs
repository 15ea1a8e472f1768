//! A TOML file read field by field, so that every mistake is found at once and named by its place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::str::FromStr;

use rust_decimal::Decimal;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One mistake of a package: where it is and what is wrong, for the person who wrote the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as named inside the package.
    pub file: String,
    /// The line, from 1; `None` for a file as a whole.
    pub line: Option<usize>,
    /// The field: `receipt_kinds[1].supplier.bic`; empty for a file as a whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    /// A mistake of the file as a whole.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, field: String::new(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

struct Shared {
    file: String,
    source: String,
    problems: RefCell<Vec<Problem>>,
}

impl Shared {
    fn line(&self, at: usize) -> usize {
        let before = self.source.get(..at).unwrap_or(&self.source);
        before.matches('\n').count() + 1
    }

    fn report(&self, at: usize, field: &str, message: impl Into<String>) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.clone(),
            line: Some(self.line(at)),
            field: field.to_owned(),
            message: message.into(),
        });
    }
}

/// Reads `source` with `reader` and gives its result with every mistake found on the way.
pub(crate) fn read_document<T>(
    file: &str,
    source: &str,
    reader: impl FnOnce(&mut Section<'_>) -> T,
) -> (T, Vec<Problem>) {
    let shared = Rc::new(Shared { file: file.to_owned(), source: source.to_owned(), problems: RefCell::default() });
    let (root, errors) = DeTable::parse_recoverable(source);
    for error in errors {
        shared.report(error.span().map_or(0, |span| span.start), "", error.message());
    }
    let broken = !shared.problems.borrow().is_empty();
    let mut section = Section {
        shared: shared.clone(),
        path: String::new(),
        span: root.span(),
        table: root.get_ref(),
        asked: BTreeSet::new(),
    };
    let result = reader(&mut section);
    section.refuse_unknown();
    let mut problems = shared.problems.take();
    if broken {
        // What follows a syntax error is mostly its echo.
        problems.retain(|problem| problem.field.is_empty());
    }
    (result, problems)
}

/// A table of the file: asks for its fields and remembers which were asked for.
pub(crate) struct Section<'d> {
    shared: Rc<Shared>,
    path: String,
    span: Range<usize>,
    table: &'d DeTable<'d>,
    asked: BTreeSet<String>,
}

impl<'d> Section<'d> {
    /// Reports a mistake at the field `key`, or at the section where the field is absent.
    pub(crate) fn refuse(&self, key: &str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.span.start, |value| value.span().start);
        self.shared.report(at, &self.field(key), message);
    }

    /// Reports a mistake at the field `key` if there is one.
    pub(crate) fn check(&self, key: &str, problem: Option<impl Into<String>>) {
        if let Some(message) = problem {
            self.refuse(key, message);
        }
    }

    /// The field's full name and its line, for mistakes found later.
    pub(crate) fn place(&self, key: &str) -> (String, usize) {
        let at = self.find(key).map_or(self.span.start, |value| value.span().start);
        (self.field(key), self.shared.line(at))
    }

    /// Whether the field stands in the file.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The names of the table's own fields.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().to_string()).collect()
    }

    /// A text that must be there and not be empty.
    pub(crate) fn text(&mut self, key: &str) -> String {
        let text = self.optional_text(key);
        match text {
            Some(text) if !text.trim().is_empty() => text.trim().to_owned(),
            Some(_) => {
                self.refuse(key, "не заполнено");
                String::new()
            }
            None if self.has(key) => String::new(),
            None => {
                self.refuse(key, "поле обязательно");
                String::new()
            }
        }
    }

    /// A text, `None` when absent.
    pub(crate) fn optional_text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong(key, "здесь должен быть текст в кавычках"),
        }
    }

    /// A whole number within `range`, `None` when absent.
    pub(crate) fn number(&mut self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let number = match self.value(key)? {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => self.wrong(key, &format!("здесь должно быть целое число от {} до {}", range.start(), range.end())),
        }
    }

    /// Yes or no, no when absent.
    pub(crate) fn flag(&mut self, key: &str) -> bool {
        match self.value(key) {
            Some(DeValue::Boolean(flag)) => *flag,
            Some(_) => self.wrong(key, "здесь должно быть true или false").unwrap_or_default(),
            None => false,
        }
    }

    /// A number exact as written: `39.56`, with or without quotes.
    pub(crate) fn exact(&mut self, key: &str) -> Option<Decimal> {
        let text = match self.value(key)? {
            DeValue::String(text) => text.to_string(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            _ => return self.wrong(key, "здесь должно быть число, например 39.56"),
        };
        match Decimal::from_str(&text) {
            Ok(value) => Some(value.normalize()),
            Err(_) => self.wrong(key, "здесь должно быть число, например 39.56"),
        }
    }

    /// A number that is not negative, as prices and norms are.
    pub(crate) fn decimal(&mut self, key: &str) -> Option<Decimal> {
        match self.exact(key)? {
            value if value.is_sign_negative() && !value.is_zero() => {
                self.wrong(key, "число не может быть отрицательным")
            }
            value if value.scale() > 7 => self.wrong(key, "не больше семи знаков после точки"),
            // GIS ЖКХ columns: seven digits before the point are more than any tariff or norm has.
            value if value >= Decimal::from(100_000_000) => self.wrong(key, "число слишком велико"),
            value => Some(value),
        }
    }

    /// Numbers of a section of their own, by name; none without it.
    pub(crate) fn decimals(&mut self, key: &str) -> BTreeMap<String, Decimal> {
        let Some(mut section) = self.optional_section(key) else { return BTreeMap::new() };
        let names = section.keys();
        names.into_iter().filter_map(|name| Some((name.clone(), section.decimal(&name)?))).collect()
    }

    /// A value read from a text that must be there; `expected` says how it should look.
    pub(crate) fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Option<T> {
        let text = self.text(key);
        if text.is_empty() {
            return None;
        }
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => self.wrong(key, &format!("«{text}»: {expected}")),
        }
    }

    /// A list of texts, empty when absent; each with the name of its place.
    pub(crate) fn texts(&mut self, key: &str) -> Vec<String> {
        let items = match self.value(key) {
            Some(DeValue::Array(items)) => items,
            Some(_) => return self.wrong(key, "здесь должен быть список в квадратных скобках").unwrap_or_default(),
            None => return Vec::new(),
        };
        let mut texts = Vec::new();
        for (position, item) in items.iter().enumerate() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(text.to_string()),
                _ => {
                    let field = format!("{}[{position}]", self.field(key));
                    self.shared.report(item.span().start, &field, "здесь должен быть текст в кавычках");
                }
            }
        }
        texts
    }

    /// A table of its own, which must be there.
    pub(crate) fn section(&mut self, key: &str) -> Option<Section<'d>> {
        let found = self.optional_section(key);
        if found.is_none() && !self.has(key) {
            self.refuse(key, "раздел обязателен");
        }
        found
    }

    /// A table of its own, `None` when absent.
    pub(crate) fn optional_section(&mut self, key: &str) -> Option<Section<'d>> {
        let path = self.field(key);
        self.asked.insert(key.to_owned());
        let value = self.find(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(self.inner(table, path, value.span())),
            _ => self.wrong(key, "здесь должен быть раздел"),
        }
    }

    /// Tables of one name, empty when absent.
    pub(crate) fn sections(&mut self, key: &str) -> Vec<Section<'d>> {
        self.asked.insert(key.to_owned());
        let Some(value) = self.find(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong(key, "здесь должны быть разделы в двойных скобках").unwrap_or_default();
        };
        let mut sections = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let path = format!("{}[{position}]", self.field(key));
            match item.get_ref() {
                DeValue::Table(table) => sections.push(self.inner(table, path, item.span())),
                _ => self.shared.report(item.span().start, &path, "здесь должен быть раздел"),
            }
        }
        sections
    }

    /// Reports the fields that nobody asked for: mostly misspelt ones.
    pub(crate) fn refuse_unknown(&self) {
        for key in self.table.keys() {
            if !self.asked.contains(key.get_ref().as_ref()) {
                let field = self.field(key.get_ref());
                self.shared.report(key.span().start, &field, "такого поля нет");
            }
        }
    }

    fn inner(&self, table: &'d DeTable<'d>, path: String, span: Range<usize>) -> Section<'d> {
        Section { shared: self.shared.clone(), path, span, table, asked: BTreeSet::new() }
    }

    fn find(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn value(&mut self, key: &str) -> Option<&'d DeValue<'d>> {
        self.asked.insert(key.to_owned());
        self.find(key).map(Spanned::get_ref)
    }

    fn wrong<T>(&self, key: &str, message: &str) -> Option<T> {
        self.refuse(key, message);
        None
    }

    fn field(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
