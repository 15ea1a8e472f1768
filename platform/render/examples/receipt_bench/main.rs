//! Receipts a second and peak memory of the default template, one by one and as the file of a house,
//! beside the same texts, rules and QRs drawn by hand with krilla (no layout engine, no tags: the floor).
//! One JSON line a figure:
//! `cargo run --release -p kabinet-render --example receipt_bench -- [COUNT [TEMPLATE]]`.
//! Rates are receipts a second of processor time, one thread.

mod drawn;

use kabinet_render::payment_qr::{PaymentOrder, QrEncoding};
use kabinet_render::typeset::{DEFAULT_TEMPLATE, DOCUMENT_LIMIT, Output, typeset};
use kabinet_render::{Binder, ReceiptData};

const COUNT: usize = 5000;
/// Receipts after which memory is read for the first time; it must not grow from there.
const EARLY: usize = 1000;
/// The least share of the hand-drawn speed that is acceptable.
const LEAST_SHARE: f64 = 0.4;
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
    let typed = measure(count, |portion| Ok(typeset(template, portion, Output::OnePerReceipt)?))?;
    let (mut binder, _) = Binder::new("Квитанции");
    let house = measure(count, |portion| {
        let parts = typeset(template, portion, Output::OneFile)?;
        Ok(parts.iter().map(|part| binder.add(part)).collect::<Result<_, _>>()?)
    })?;
    let drawn = measure(count, |portion| {
        let pen = drawn::Pen::new()?;
        portion.iter().map(|receipt| pen.draw(receipt)).collect()
    })?;
    figure("receipts_per_s", typed.rate, "1/s", LEAST_SHARE * drawn.rate);
    figure("receipts_house_per_s", house.rate, "1/s", LEAST_SHARE * drawn.rate);
    figure("receipts_drawn_per_s", drawn.rate, "1/s", f64::NAN);
    figure("receipts_share_of_drawn", typed.rate / drawn.rate, "", LEAST_SHARE);
    figure("receipts_house_share_of_drawn", house.rate / drawn.rate, "", LEAST_SHARE);
    for (name, run) in [("receipts", &typed), ("receipts_house", &house)] {
        figure(&format!("{name}_early_peak_mb"), run.early, "MB", PEAK_LIMIT_MB);
        figure(&format!("{name}_peak_mb"), run.end, "MB", PEAK_LIMIT_MB);
        figure(&format!("{name}_peak_growth_mb"), run.end - run.early, "MB", 16.0);
    }
    for (name, run) in [("receipt_kb", &typed), ("receipt_house_kb", &house), ("receipt_drawn_kb", &drawn)] {
        figure(name, run.bytes as f64 / count as f64 / 1024.0, "KB", f64::NAN);
    }
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
        line.accrued += salt;
        line.to_pay += salt;
        receipt.totals.charged += salt;
        receipt.totals.accrued += salt;
        receipt.totals.to_pay += salt;
    }
    for meter in &mut receipt.meters {
        meter.serial = format!("{}-{number}", meter.serial);
    }
    receipt.link_url = format!("{}{number:06}", receipt.link_url);
    let order = PaymentOrder::for_receipt(&receipt);
    receipt.qr_payload = order.payload(QrEncoding::Utf8).unwrap_or_default();
    receipt
}

/// What one way of printing takes.
struct Run {
    /// Receipts a second of processor time.
    rate: f64,
    /// Peak memory in MB after [`EARLY`] receipts.
    early: f64,
    /// Peak memory in MB after all.
    end: f64,
    /// Bytes made.
    bytes: usize,
}

fn measure(
    count: usize,
    mut print: impl FnMut(&[ReceiptData]) -> Result<Vec<Vec<u8>>, Failure>,
) -> Result<Run, Failure> {
    // The kernel forgets the peak of what was measured before.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let (mut bytes, mut early) = (0, 0.0);
    let started = cpu_seconds();
    for start in (0..count).step_by(DOCUMENT_LIMIT) {
        // A worker holds no more than it prints.
        let portion: Vec<ReceiptData> = (start..count.min(start + DOCUMENT_LIMIT)).map(receipt).collect();
        bytes += print(&portion)?.iter().map(Vec::len).sum::<usize>();
        if start + DOCUMENT_LIMIT <= EARLY {
            early = peak_mb();
        }
    }
    let rate = count as f64 / (cpu_seconds() - started);
    Ok(Run { rate, early, end: peak_mb(), bytes })
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
