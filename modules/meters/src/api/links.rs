//! Staff operations: one-meter links, to send or to print.

use kabinet_contracts::MeterId;
use kabinet_core::{Period, PermissionKey, Tx};
use kabinet_render::ReceiptPrinter;
use kabinet_render::payment_qr::qr_svg;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::{Attachment, AttachmentType, Json};
use poem_openapi::{Object, OpenApi};
use serde_json::json;
use uuid::Uuid;

use crate::error::Error;
use crate::links::{self, Links, MOST_USES};
use crate::sheet::{self, Wanted};

/// May make and take back the links of meters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ManageLinks;

impl PermissionKey for ManageLinks {
    const KEY: &'static str = "meters.links";
}

/// The operations.
pub(crate) struct LinksApi {
    pub(crate) links: Links,
    pub(crate) printer: ReceiptPrinter,
}

/// Which month's links.
#[derive(Object)]
struct LinkMonthIn {
    /// The month, `2026-11`; the present one when absent.
    period: Option<String>,
}

/// Which links of a house are printed.
#[derive(Object)]
struct LinkSheetIn {
    /// The company's code of the house.
    house: String,
    /// The month, `2026-11`; the present one when absent.
    period: Option<String>,
    /// Which part of the sheet, from 1: a part has up to 120 links.
    #[oai(default = "first", validator(minimum(value = "1"), maximum(value = "1000")))]
    part: u32,
}

fn first() -> u32 {
    1
}

/// The link of a meter for a month: whoever has it sends a reading of that meter without a login.
#[derive(Object)]
struct MeterLinkOut {
    /// The address.
    address: String,
    /// The address as a QR: an SVG picture to print.
    qr_svg: String,
    /// The month, `2026-11`.
    period: String,
    /// First day on which the link takes readings, `2026-11-15`.
    from: String,
    /// Last day: afterwards the link is nothing.
    until: String,
    /// Readings that came by links of this meter and month so far.
    uses: u32,
    /// Readings that they take at most.
    most_uses: u32,
}

#[OpenApi]
impl LinksApi {
    /// Make the link of a meter for a month; the same one each time until it is taken back.
    #[oai(path = "/meters/:id/links", method = "post", operation_id = "makeMeterLink")]
    async fn make(
        &self,
        staff: Staff<ManageLinks>,
        id: Path<Uuid>,
        month: Json<LinkMonthIn>,
    ) -> ApiResult<MeterLinkOut> {
        let tx = staff.begin().await?;
        let (meter, period) = (MeterId(id.0), period(&tx, month.0.period)?);
        let link = self.link(&tx, meter, period).await?;
        tx.audit("meters.link_made", meter, json!({ "period": period })).await?;
        tx.commit().await?;
        Ok(Json(link))
    }

    /// Take back all links of a meter for a month that were given out; the new one.
    #[oai(path = "/meters/:id/links/revoke", method = "post", operation_id = "revokeMeterLinks")]
    async fn revoke(
        &self,
        staff: Staff<ManageLinks>,
        id: Path<Uuid>,
        month: Json<LinkMonthIn>,
    ) -> ApiResult<MeterLinkOut> {
        let mut tx = staff.begin().await?;
        let (meter, period) = (MeterId(id.0), period(&tx, month.0.period)?);
        links::revoke(&mut tx, meter, period).await?;
        let link = self.link(&tx, meter, period).await?;
        tx.commit().await?;
        Ok(Json(link))
    }

    /// Print the links of a house for a month, to be cut and dropped: flat, meter and QR, nobody's name or debt.
    #[oai(path = "/meters/links/sheet", method = "post", operation_id = "printMeterLinks")]
    async fn sheet(
        &self,
        staff: Staff<ManageLinks>,
        wanted: Json<LinkSheetIn>,
    ) -> Result<Attachment<Vec<u8>>, Problem> {
        let LinkSheetIn { house, period: month, part } = wanted.0;
        let tx = staff.begin().await?;
        let wanted = Wanted { house: &house, period: period(&tx, month)?, part: part as usize };
        let sheet = sheet::of_house(&tx, &self.links, &wanted).await?;
        let detail = json!({ "period": wanted.period, "part": part, "links": sheet.links() });
        tx.audit("meters.link_sheet_printed", &house, detail).await?;
        tx.commit().await?;
        let pdf = sheet.print(&self.printer).await?;
        let name = format!("meter-links-{}-{part}.pdf", wanted.period);
        Ok(Attachment::new(pdf).attachment_type(AttachmentType::Attachment).filename(name))
    }
}

impl LinksApi {
    async fn link(&self, tx: &Tx, meter: MeterId, period: Period) -> Result<MeterLinkOut, Problem> {
        let address = self.links.addresses(tx, &[meter], period).await?.remove(&meter);
        let address = address.ok_or(Error::UnknownMeter(meter))?;
        let standing = links::standing(tx, meter, period).await?;
        Ok(MeterLinkOut {
            qr_svg: qr_svg(address.as_bytes()).map_err(|error| Problem::fault(&error))?,
            address,
            period: period.to_string(),
            from: standing.from.iso(),
            until: standing.until.iso(),
            uses: u32::try_from(standing.uses).unwrap_or_default(),
            most_uses: MOST_USES.unsigned_abs(),
        })
    }
}

/// The month that was asked for.
fn period(tx: &Tx, month: Option<String>) -> Result<Period, Problem> {
    match month {
        Some(text) => {
            text.parse().map_err(|_| Problem::refused("meters.invalid", "period: нужен месяц, например 2026-11"))
        }
        None => Ok(tx.today().period()),
    }
}
