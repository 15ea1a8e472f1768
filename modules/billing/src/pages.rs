//! The resident's pages.

use kabinet_contracts::AccountId;
use kabinet_core::{Day, Money, Period};
use kabinet_render::RenderError;
use kabinet_web::{PageRoute, Problem, Resident, identifier};
use poem::http::{StatusCode, header};
use poem::web::{Data, Path, Query};
use poem::{EndpointExt, Response, handler};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::estimate::Preliminary;
use crate::receipts::{Receipts, Size, TRIED_AGAIN, Wanted};
use crate::{awards, charges, difference, documents, instalments, overview, payments};

mod contexts;

use contexts::{
    AwardContext, ChargeContext, DifferenceContext, FiguresContext, InstalmentsContext, MonthContext, PaymentContext,
    ServiceContext, SumsContext, TotalsContext,
};

/// Payments on one page.
const PAYMENTS: u16 = 24;

/// The addresses of the module.
pub(crate) fn routes(receipts: &Receipts, estimates: &Preliminary) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/overview", poem::get(show_overview).data(estimates.clone())),
        PageRoute::new("/services", poem::get(show_services)),
        PageRoute::new("/charges", poem::get(show_charges)),
        PageRoute::new("/charges/difference", poem::get(show_difference)),
        PageRoute::new("/payments", poem::get(show_payments)),
        PageRoute::new("/documents", poem::get(show_documents)),
        PageRoute::new("/documents/:period", poem::get(only_receipt).data(receipts.clone())),
        PageRoute::new("/documents/:period/:kind", poem::get(receipt_of_kind).data(receipts.clone())),
    ]
}

const OVERVIEW: &str = "Общая информация";
const OVERVIEW_TEMPLATE: &str = "billing/overview.html";

#[derive(Serialize)]
struct OverviewContext<M, W> {
    sums: bool,
    figures: Option<FiguresContext>,
    meters: M,
    window: W,
    last_payment: Option<PaymentContext>,
    can_link: bool,
}

#[handler]
async fn show_overview(resident: Resident, Data(estimates): Data<&Preliminary>) -> Result<Response, Problem> {
    let Some(active) = resident.active() else { return nothing_linked(&resident) };
    let account = AccountId(active.id);
    // A helper who sees no sums gets the state of the readings alone.
    let sums = active.access.sees_sums();
    let (tx, found) = if sums {
        let (tx, found) = overview::up_to_date(resident.read().await?, estimates, account).await?;
        (tx, Some(found))
    } else {
        (resident.read().await?, None)
    };
    let meters = kabinet_meters::overview::meters(&tx, account).await?;
    let today = tx.today();
    tx.commit().await?;
    let window = kabinet_meters::overview::window(resident.tenant(), today)?;
    let (figures, last_payment) = found.map(|found| (found.figures, found.last_payment)).unwrap_or_default();
    let context = OverviewContext {
        sums,
        figures: figures.map(|figures| FiguresContext::new(&figures, today, &active.right())),
        meters,
        window,
        last_payment: last_payment.map(PaymentContext::last),
        can_link: true,
    };
    resident.page(OVERVIEW, OVERVIEW_TEMPLATE, &context)
}

/// The overview of somebody who has linked no account yet.
fn nothing_linked(resident: &Resident) -> Result<Response, Problem> {
    let today = resident.platform().db.clock().now().day(resident.tenant().zone);
    let window = kabinet_meters::overview::window(resident.tenant(), today)?;
    let meters: [(); 0] = [];
    let context = OverviewContext { sums: true, figures: None, meters, window, last_payment: None, can_link: true };
    resident.page(OVERVIEW, OVERVIEW_TEMPLATE, &context)
}

#[derive(Serialize)]
struct ServicesContext {
    period: Option<Period>,
    due: Option<Day>,
    services: Vec<ServiceContext>,
    total: Option<SumsContext>,
    instalments: Vec<InstalmentsContext>,
    awards: Vec<AwardContext>,
}

#[handler]
async fn show_services(resident: Resident) -> Result<Response, Problem> {
    let account = AccountId(resident.account_with_sums()?.id);
    let tx = resident.read().await?;
    let mut context = ServicesContext {
        period: None,
        due: None,
        services: Vec::new(),
        total: None,
        instalments: Vec::new(),
        awards: awards::list(&tx, account).await?.into_iter().filter_map(AwardContext::left).collect(),
    };
    if let Some(latest) = charges::months(&tx, account).await?.into_iter().next() {
        let month = charges::frozen(&tx, account, latest.run_id).await?;
        (context.period, context.due) = (Some(month.run.period), Some(month.run.due_on));
        context.services = month.charges.iter().map(|row| ServiceContext::new(&month.snapshot, row)).collect();
        context.total = Some(SumsContext::new(month.charges.iter().sum()));
        let plans = instalments::list(&tx, account).await?;
        context.instalments =
            plans.into_iter().filter_map(|plan| InstalmentsContext::left(&month.snapshot, plan)).collect();
    }
    tx.commit().await?;
    resident.page("Детализация по услугам", "billing/services.html", &context)
}

#[derive(Deserialize)]
struct ChargesQuery {
    period: Option<String>,
}

#[derive(Serialize)]
struct ChargesContext {
    period: Option<Period>,
    periods: Vec<Period>,
    charges: Vec<ChargeContext>,
    totals: Option<TotalsContext>,
    difference_href: Option<String>,
}

#[handler]
async fn show_charges(resident: Resident, Query(query): Query<ChargesQuery>) -> Result<Response, Problem> {
    let account = AccountId(resident.account_with_sums()?.id);
    let tx = resident.read().await?;
    let months = charges::months(&tx, account).await?;
    let chosen = charges::chosen(&months, query.period.as_deref())?;
    let mut context = ChargesContext {
        period: chosen.map(|month| month.period),
        periods: months.iter().map(|month| month.period).collect(),
        charges: Vec::new(),
        totals: None,
        difference_href: None,
    };
    if let Some(chosen) = chosen {
        let before = months.iter().any(|month| month.period == chosen.period.previous());
        context.difference_href = before.then(|| format!("/charges/difference?period={}", chosen.period));
        let month = charges::frozen(&tx, account, chosen.run_id).await?;
        context.charges = charges::lines(&month).into_iter().map(ChargeContext::from).collect();
        context.totals = Some(TotalsContext::new(month.charges.iter().sum()));
    }
    tx.commit().await?;
    resident.page("Детализация начислений", "billing/charges.html", &context)
}

#[handler]
async fn show_difference(resident: Resident, Query(query): Query<ChargesQuery>) -> Result<Response, Problem> {
    let account = AccountId(resident.account_with_sums()?.id);
    let tx = resident.read().await?;
    let found = difference::of_month(&tx, account, query.period.as_deref()).await?;
    tx.commit().await?;
    resident.page("Почему счёт изменился", "billing/difference.html", &DifferenceContext::from(found))
}

#[derive(Deserialize)]
struct PaymentsQuery {
    before: Option<String>,
}

#[derive(Serialize)]
struct PaymentsContext {
    payments: Vec<PaymentContext>,
    older_href: Option<String>,
}

#[handler]
async fn show_payments(resident: Resident, Query(query): Query<PaymentsQuery>) -> Result<Response, Problem> {
    let account = AccountId(resident.account_with_sums()?.id);
    let after = query.before.as_deref().and_then(payments::Cursor::parse);
    let tx = resident.read().await?;
    let (lines, next) = payments::list(&tx, account, after, PAYMENTS).await?;
    tx.commit().await?;
    let context = PaymentsContext {
        payments: lines.into_iter().map(PaymentContext::line).collect(),
        older_href: next.map(|cursor| format!("/payments?before={cursor}")),
    };
    resident.page("История оплат", "billing/payments.html", &context)
}

#[derive(Serialize)]
struct DocumentsContext {
    months: Vec<MonthContext>,
}

#[handler]
async fn show_documents(resident: Resident) -> Result<Response, Problem> {
    let account = resident.account_with_sums()?;
    let tx = resident.read().await?;
    let mut list = documents::list(&tx, AccountId(account.id)).await?;
    tx.commit().await?;
    list.retain(|document| account.shows_receipt(document.period));
    resident.page("Документы", "billing/documents.html", &DocumentsContext { months: MonthContext::group(list) })
}

/// `?size=large` is the receipt in large print.
#[derive(Deserialize)]
struct PrintQuery {
    size: Option<String>,
}

impl PrintQuery {
    fn size(&self) -> Result<Size, Problem> {
        match self.size.as_deref() {
            None | Some("") => Ok(Size::Usual),
            Some("large") => Ok(Size::Large),
            Some(_) => Err(Problem::not_found()),
        }
    }
}

#[handler]
async fn only_receipt(
    resident: Resident,
    Path(file): Path<String>,
    Query(query): Query<PrintQuery>,
    receipts: Data<&Receipts>,
) -> Result<Response, Problem> {
    let period = file.strip_suffix(".pdf").ok_or_else(Problem::not_found)?;
    pdf(&resident, &receipts, period, None, query.size()?).await
}

#[handler]
async fn receipt_of_kind(
    resident: Resident,
    Path((period, file)): Path<(String, String)>,
    Query(query): Query<PrintQuery>,
    receipts: Data<&Receipts>,
) -> Result<Response, Problem> {
    let kind = file.strip_suffix(".pdf").ok_or_else(Problem::not_found)?;
    pdf(&resident, &receipts, &period, Some(kind), query.size()?).await
}

async fn pdf(
    resident: &Resident,
    receipts: &Receipts,
    period: &str,
    kind: Option<&str>,
    size: Size,
) -> Result<Response, Problem> {
    let account = resident.account_with_sums()?;
    let period = identifier(period)?;
    if !account.shows_receipt(period) {
        return Err(Problem::not_found());
    }
    let wanted = Wanted { account: AccountId(account.id), period, kind, size, with_code: account.access.is_full() };
    let printed = match receipts.print(resident.tenant(), wanted).await {
        Err(error @ (Error::Unprintable { .. } | Error::Render(RenderError::LimitReached))) => {
            return unprinted(resident, wanted, &error);
        }
        printed => printed?,
    };
    Ok(Response::builder()
        .status(StatusCode::OK)
        .content_type("application/pdf")
        .header(header::CONTENT_DISPOSITION, format!("inline; filename=\"{}\"", printed.name))
        .header(header::CACHE_CONTROL, "private, max-age=300")
        .body(printed.pdf.as_slice().to_vec()))
}

#[derive(Serialize)]
struct UnprintedContext {
    period: Period,
    stopped: bool,
    told: bool,
    charges_href: String,
    large_href: Option<String>,
}

/// The page in the place of a receipt that its template does not print, or that was stopped at a limit and is worth
/// another attempt: 503.
fn unprinted(resident: &Resident, wanted: Wanted<'_>, why: &Error) -> Result<Response, Problem> {
    let Wanted { period, kind, size, .. } = wanted;
    let context = UnprintedContext {
        period,
        stopped: !matches!(why, Error::Unprintable { .. }),
        told: matches!(why, Error::Unprintable { told: true, .. }),
        charges_href: format!("/charges?period={period}"),
        // Printed with the platform's template.
        large_href: (size == Size::Usual).then(|| format!("{}?size=large", documents::href(period, kind))),
    };
    let mut response = resident.page("Квитанция сейчас не печатается", "billing/unprinted.html", &context)?;
    response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(header::RETRY_AFTER, TRIED_AGAIN.into());
    Ok(response)
}

/// Whether the debt is late.
pub(crate) fn overdue(debt: Money, due: Day, today: Day) -> bool {
    debt > Money::ZERO && today > due
}
