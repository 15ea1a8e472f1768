//! Lists for people's spreadsheets: CSV as Russian Excel reads it, and XLSX. A cell is text and nothing else: one
//! that would begin a formula gets an apostrophe in front.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::error::RenderError;

/// Without it Excel takes UTF-8 for an old code page.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A list with a heading over each column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The sheet's name, up to 31 characters.
    pub name: String,
    /// The headings.
    pub columns: Vec<String>,
    /// The rows, each as long as the headings.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// UTF-8 with a byte order mark, `;` between the cells, lines ended by CR LF.
    pub fn csv(&self) -> Result<Vec<u8>, RenderError> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(b';')
            .terminator(csv::Terminator::CRLF)
            .from_writer(BYTE_ORDER_MARK.to_vec());
        let failed = |error: csv::Error| RenderError::Data(error.to_string());
        writer.write_record(&self.columns).map_err(failed)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(failed)?;
        }
        writer.into_inner().map_err(|error| RenderError::Data(error.to_string()))
    }

    /// A workbook with one sheet, all its cells text: the zeros in front of an account's number stay.
    pub fn xlsx(&self) -> Result<Vec<u8>, RenderError> {
        self.workbook().map_err(|error| RenderError::Data(error.to_string()))
    }

    fn workbook(&self) -> Result<Vec<u8>, XlsxError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name(&self.name)?;
        let heading = Format::new().set_bold();
        for (column, title) in (0_u16..).zip(&self.columns) {
            sheet.write_string_with_format(0, column, title, &heading)?;
        }
        for (line, row) in (1_u32..).zip(&self.rows) {
            for (column, cell) in (0_u16..).zip(row) {
                sheet.write_string(line, column, harmless(cell))?;
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofit();
        workbook.save_to_buffer()
    }
}

/// The text of a cell, which no program takes for a formula.
fn harmless(cell: &str) -> String {
    let begins_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if begins_formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        Table {
            name: "Список".into(),
            columns: row(["Лицевой счёт", "Адрес"]),
            rows: vec![row(["0012", "ул. Садовая; д. \"3\""]), row(["=1+1", "@cmd"])],
        }
    }

    #[test]
    fn a_csv_is_what_russian_excel_reads() {
        let bytes = table().csv().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines = ["\u{feff}Лицевой счёт;Адрес", "0012;\"ул. Садовая; д. \"\"3\"\"\"", "'=1+1;'@cmd", ""];
        assert_eq!(text.split("\r\n").collect::<Vec<_>>(), lines);
    }

    #[test]
    fn cells_that_begin_like_formulas_are_text() {
        for cell in ["=1", "+7 900", "-5", "@x", "\tx", "\rx", "\nx"] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        assert_eq!(harmless("0012-1"), "0012-1");
    }

    #[test]
    fn a_workbook_is_a_zip() {
        assert!(table().xlsx().unwrap().starts_with(b"PK\x03\x04"));
    }
}
