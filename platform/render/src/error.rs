//! The one error of this crate.

/// Why something could not be rendered. Messages that a company's administrator
/// will read are Russian; the rest is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum RenderError {
    /// The template is at fault: where and why, fit to be shown to its author.
    #[error("{}", template_message(name, *line, reason))]
    Template {
        /// Name of the template.
        name: String,
        /// Line in the template's own source, counted from one, where known.
        line: Option<u32>,
        /// What is wrong, in the author's language.
        reason: String,
    },
    /// The data handed over cannot be printed (a QR payload that is too long).
    #[error("данные квитанции: {0}")]
    Data(String),
    /// The work took too long or too much memory and was stopped.
    #[error("шаблон не уложился в отведённое время или память")]
    LimitReached,
    /// The worker process failed; worth a retry.
    #[error("render worker: {0}")]
    Worker(String),
}

fn template_message(name: &str, line: Option<u32>, reason: &str) -> String {
    match line {
        Some(line) => format!("{name}, строка {line}: {reason}"),
        None => format!("{name}: {reason}"),
    }
}
