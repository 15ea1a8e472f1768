//! Receipts a second and peak memory over 1,000 receipts of the default
//! template, beside the same texts, rules and QR drawn by hand with krilla (no
//! layout engine, no tags: the floor). One JSON line a figure:
//! `cargo run --release -p kabinet-render --example receipt_bench -- [COUNT [TEMPLATE]]`.
//! Rates are receipts a second of processor time, one thread.

mod drawn;

use kabinet_render::ReceiptData;
use kabinet_render::payment_qr::{PaymentOrder, QrEncoding};
use kabinet_render::typeset::{BATCH_LIMIT, DEFAULT_TEMPLATE, Output, typeset};

const COUNT: usize = 1000;
/// The least share of the hand-drawn speed that is acceptable.
const LEAST_SHARE: f64 = 0.3;
/// What a worker may hold, with room to its limit of 512 MB of addresses.
const PEAK_LIMIT_MB: f64 = 256.0;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    // As in the worker: one core, so that both sides are measured alike.
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let this = std::env::current_exe()?;
        let status =
            std::process::Command::new(this).args(std::env::args().skip(1)).env("RAYON_NUM_THREADS", "1").status()?;
        std::process::exit(status.code().unwrap_or(1));
    }
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(COUNT), |count| count.parse())?;
    let template = arguments.next().map(std::fs::read_to_string).transpose()?;
    let template = template.as_deref().unwrap_or(DEFAULT_TEMPLATE);
    let receipts: Vec<ReceiptData> = (0..count).map(receipt).collect();
    let (typeset_rate, middle, end, bytes) =
        measure(&receipts, |portion| Ok(typeset(template, portion, Output::OnePerReceipt)?))?;
    let (drawn_rate, _, _, drawn_bytes) = measure(&receipts, |portion| {
        let pen = drawn::Pen::new()?;
        portion.iter().map(|receipt| pen.draw(receipt)).collect()
    })?;
    let share = typeset_rate / drawn_rate;
    figure("receipts_per_s", typeset_rate, "1/s", LEAST_SHARE * drawn_rate);
    figure("receipts_drawn_per_s", drawn_rate, "1/s", f64::NAN);
    figure("receipts_share_of_drawn", share, "", LEAST_SHARE);
    figure("receipts_peak_mb", end, "MB", PEAK_LIMIT_MB);
    figure("receipts_peak_growth_mb", end - middle, "MB", 16.0);
    figure("receipt_kb", bytes as f64 / count as f64 / 1024.0, "KB", f64::NAN);
    figure("receipt_drawn_kb", drawn_bytes as f64 / count as f64 / 1024.0, "KB", f64::NAN);
    Ok(())
}

/// The ordinary sample with an account, readings and sums of its own, so that no
/// cache can answer for another receipt.
fn receipt(number: usize) -> ReceiptData {
    let mut receipt = ReceiptData::sample();
    let salt = number as i64 * 37;
    receipt.payer.account = format!("{:010}", 100_000 + number);
    receipt.payer.holder = format!("Иванова-{number} М. П.");
    for line in receipt.groups.iter_mut().flat_map(|group| &mut group.lines) {
        line.charged += salt;
        line.to_pay += salt;
        receipt.totals.charged += salt;
        receipt.totals.to_pay += salt;
    }
    for meter in &mut receipt.meters {
        meter.serial = format!("{}-{number}", meter.serial);
    }
    let order = PaymentOrder::for_receipt(&receipt);
    receipt.qr_payload = order.payload(QrEncoding::Utf8).unwrap_or_default();
    receipt
}

/// Receipts a second, peak memory in MB at the middle and at the end, and the
/// bytes made.
fn measure(
    receipts: &[ReceiptData],
    print: impl Fn(&[ReceiptData]) -> Result<Vec<Vec<u8>>, Failure>,
) -> Result<(f64, f64, f64, usize), Failure> {
    let mut bytes = 0;
    let mut middle = 0.0;
    let started = cpu_seconds();
    for (index, portion) in receipts.chunks(BATCH_LIMIT).enumerate() {
        bytes += print(portion)?.iter().map(Vec::len).sum::<usize>();
        if index + 1 == receipts.len() / BATCH_LIMIT / 2 {
            middle = peak_mb();
        }
    }
    let rate = receipts.len() as f64 / (cpu_seconds() - started);
    Ok((rate, middle, peak_mb(), bytes))
}

/// Processor time this process has used. Not wall time: with one thread it is the
/// same on an idle machine and stays right on a busy one.
fn cpu_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets, user and system time are the 12th and 13th.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND
}

/// The most memory this process has held, in MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}

fn figure(name: &str, value: f64, unit: &str, limit: f64) {
    let limit = if limit.is_nan() { "null".to_owned() } else { format!("{limit:.2}") };
    println!("{{\"name\":\"{name}\",\"value\":{value:.2},\"unit\":\"{unit}\",\"limit\":{limit}}}");
}
