//! Writes every sample as PDF into a folder, to be looked at:
//! `cargo run --release -p kabinet-render --example receipt_pdf -- OUT_DIR [TEMPLATE]`.

use std::path::PathBuf;

use kabinet_render::ReceiptData;
use kabinet_render::typeset::{DEFAULT_TEMPLATE, Output, typeset};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: receipt_pdf OUT_DIR [TEMPLATE]")?);
    let template = match arguments.next() {
        Some(path) => std::fs::read_to_string(path)?,
        None => DEFAULT_TEMPLATE.to_owned(),
    };
    for (name, receipt) in ReceiptData::samples() {
        let pdf = typeset(&template, &[receipt], Output::OnePerReceipt)?;
        std::fs::write(folder.join(format!("{name}.pdf")), &pdf[0])?;
    }
    Ok(())
}
