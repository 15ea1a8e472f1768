//! `kabinet audit …`.

use std::process::ExitCode;
use std::sync::Arc;

use kabinet_core::audit::{Fault, Findings, verify as check};
use kabinet_core::{Actor, Tenant};

use crate::composition::App;
use crate::config::Config;

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
        findings.faults.iter().for_each(|fault| println!("{}: {}", company.slug, words(fault)));
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn of_company(app: &App, company: &Arc<Tenant>) -> anyhow::Result<Findings> {
    // The heads first: what is chained after them is no fault.
    let anchors = app.config.anchors().read(&company.slug)?;
    let tx = app.db.read(company, Actor::System).await?;
    let findings = check(&tx, &anchors).await?;
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

fn words(fault: &Fault) -> String {
    match fault {
        Fault::Changed(seq) => format!("запись № {seq} изменена или переставлена"),
        Fault::Removed(seq) => format!("запись № {seq} удалена"),
        Fault::Missing(from, to) => format!("в цепочке нет записей с № {from} по № {to}"),
        Fault::Replaced(seq) => format!("цепочка до № {seq} не та, что записана вне базы: её составили заново"),
        Fault::CutOff(seq) => format!("вне базы записана цепочка до № {seq}, а в базе она кончается раньше"),
    }
}
