//! `kabinet audit …`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use kabinet_core::audit::{Fault, Findings, verify as check};
use kabinet_core::{Actor, Tenant};

use crate::composition::App;
use crate::config::Config;

/// Longer than a server takes from a chained entry to its head.
const MOMENT: Duration = Duration::from_secs(3);

/// Checks the chains of the companies' audit logs, one line each and one for every fault.
pub(super) async fn verify(config: Config, slug: Option<&str>) -> anyhow::Result<ExitCode> {
    let app = App::open(config).await?;
    let mut companies = app.tenants.all().await?;
    companies.retain(|company| slug.is_none_or(|slug| company.slug == slug));
    anyhow::ensure!(!companies.is_empty(), "нет такой компании");
    let mut whole = true;
    for company in companies {
        let findings = of_company(&app, &company).await?;
        whole &= findings.faults.is_empty();
        println!("{}: {}", company.slug, summary(&findings, &company));
        let told = |fault: &Fault| words(fault, &app.config.anchors().file(&company.slug), &company);
        findings.faults.iter().for_each(|fault| println!("{}: {}", company.slug, told(fault)));
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a check finds. Where entries have no head yet it is looked once more: a server writes one a moment after it has
/// chained them.
async fn of_company(app: &App, company: &Arc<Tenant>) -> anyhow::Result<Findings> {
    let findings = look(app, company).await?;
    if !findings.faults.iter().any(|fault| matches!(fault, Fault::Unanchored(..))) {
        return Ok(findings);
    }
    tokio::time::sleep(MOMENT).await;
    look(app, company).await
}

async fn look(app: &App, company: &Arc<Tenant>) -> anyhow::Result<Findings> {
    // The heads first: what is chained after them is no fault.
    let heads = app.config.anchors().read(&company.slug)?;
    let tx = app.db.read(company, Actor::System).await?;
    let findings = check(&tx, &heads).await?;
    tx.commit().await?;
    Ok(findings)
}

fn summary(findings: &Findings, company: &Tenant) -> String {
    let state = if findings.faults.is_empty() { "цепочка цела" } else { "ЦЕПОЧКА НАРУШЕНА" };
    let waiting = match findings.waiting {
        (0, _) | (_, None) => String::new(),
        (number, Some(oldest)) => format!(", ещё не в цепочке {number}, старшая от {}", oldest.day(company.zone)),
    };
    format!("{state}, записей {}{waiting}", findings.sealed)
}

fn words(fault: &Fault, heads: &Path, company: &Tenant) -> String {
    let heads = heads.display();
    match fault {
        Fault::Changed(seq) => format!("запись № {seq} изменена или переставлена"),
        Fault::Removed(seq) => format!("запись № {seq} удалена"),
        Fault::Missing(from, to) => format!("в цепочке нет записей с № {from} по № {to}"),
        Fault::Replaced(seq) => format!(
            "цепочка до № {seq} не та, что записана вне базы: её составили заново, либо в {heads} попали чужие строки"
        ),
        Fault::CutOff(seq) => format!("вне базы записана цепочка до № {seq}, а в базе она кончается раньше"),
        Fault::Unanchored(seq, at) => format!(
            "с записи № {seq} от {} вне базы нет вершины цепочки, изменение этих записей не заметить: если файл {heads} \
             удалён или укорочен, верните его из резервной копии; если сервер был остановлен, запустите его, он допишет",
            at.day(company.zone)
        ),
        Fault::HeadsGone { from, to, after } => {
            let since = after.map(|at| format!(", записанных {} или позже", at.day(company.zone))).unwrap_or_default();
            format!(
                "вне базы нет вершин цепочки с № {from} по № {to}{since}: файл {heads} удалён или укорочен. Верните его \
                 из резервной копии; без него не заметить ни изменённых, ни отрезанных записей того времени"
            )
        }
    }
}
