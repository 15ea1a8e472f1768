//! Occasions that other modules announce.

use async_trait::async_trait;
use kabinet_contracts::{RequestChanged, RunPublished};
use kabinet_core::jobs::{Event, EventHandler, JobContext, JobError};
use kabinet_core::mail::LetterEnded;
use kabinet_render::format;
use serde_json::Value;

use crate::audience::Audience;
use crate::delivery;
use crate::entity::NoticeId;
use crate::kind::Kind;
use crate::messages::{self, Occasion};
use crate::settings::MODULE;

/// A receipt was published.
pub(crate) struct ReceiptPublished;

#[async_trait]
impl EventHandler for ReceiptPublished {
    fn event(&self) -> &'static str {
        RunPublished::NAME
    }

    async fn handle(&self, context: JobContext, data: Value) -> Result<(), JobError> {
        let RunPublished { run, period } = serde_json::from_value(data)?;
        let month = format::period(period.0.unsigned_abs());
        let occasion = Occasion {
            kind: Kind::Receipt,
            key: format!("receipt:{run}"),
            title: format!("Квитанция за {month}"),
            body: format!("Квитанция за {month} готова: её можно посмотреть и распечатать в разделе «Документы»."),
            link: "/documents".to_owned(),
            audience: Audience::Receipt { run },
            valid_until: None,
        };
        let mut tx = context.begin().await?;
        // Months that a company brings in afterwards are no news.
        if period.plus(2) >= tx.today().period() {
            messages::announce(&mut tx, occasion).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// A request moved on, or the company wrote about it.
pub(crate) struct RequestMoved;

#[async_trait]
impl EventHandler for RequestMoved {
    fn event(&self) -> &'static str {
        RequestChanged::NAME
    }

    async fn handle(&self, context: JobContext, data: Value) -> Result<(), JobError> {
        let changed: RequestChanged = serde_json::from_value(data)?;
        if changed.by_resident {
            return Ok(());
        }
        let occasion = Occasion {
            kind: Kind::Request,
            // The event's own job: the same however often it is told.
            key: format!("request:{}", context.job),
            title: format!("Заявка № {}: {}", changed.number, state_words(&changed)),
            body: "По вашей заявке есть новости: откройте её в разделе «Заявки».".to_owned(),
            link: format!("/requests/{}", changed.request),
            audience: Audience::Resident { resident: changed.resident },
            valid_until: None,
        };
        let mut tx = context.begin().await?;
        messages::announce(&mut tx, occasion).await?;
        Ok(tx.commit().await?)
    }
}

fn state_words(changed: &RequestChanged) -> &'static str {
    match changed.state.as_str() {
        _ if !changed.moved => "новое сообщение",
        "accepted" => "принята",
        "in_work" => "в работе",
        "waiting" => "нужен ваш ответ",
        "done" => "выполнена",
        "declined" => "отклонена",
        _ => "новое сообщение",
    }
}

/// A letter of ours came to its end.
pub(crate) struct LetterCame;

#[async_trait]
impl EventHandler for LetterCame {
    fn event(&self) -> &'static str {
        LetterEnded::NAME
    }

    async fn handle(&self, context: JobContext, data: Value) -> Result<(), JobError> {
        let LetterEnded { reference, failure } = serde_json::from_value(data)?;
        if reference.module != MODULE {
            return Ok(());
        }
        let mut tx = context.begin().await?;
        delivery::letter_ended(&mut tx, NoticeId(reference.id), failure.as_deref()).await?;
        Ok(tx.commit().await?)
    }
}
