//! How far a long command is.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, a line for every tenth otherwise.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines { of: &'static str, tenths: usize },
}

impl Progress {
    /// Progress over things counted as `of`: «счетов».
    pub(super) fn new(of: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { of, tenths: 0 };
        }
        let bar = ProgressBar::new(0);
        let template = format!("{{bar:40}} {{pos}}/{{len}} {of}, {{per_sec}}, осталось {{eta}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    /// So many are done of so many.
    pub(super) fn show(&mut self, done: usize, total: usize) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
            Self::Lines { of, tenths } => {
                let reached = done.saturating_mul(10).checked_div(total).unwrap_or(10);
                if reached > *tenths {
                    *tenths = reached;
                    eprintln!("{done} из {total} {of}");
                }
            }
        }
    }

    /// All is done.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish();
        }
    }
}
