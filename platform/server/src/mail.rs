//! Letters: the job that renders them in the company's brand and hands them to a mail server, or to the
//! demo's own mailbox.
//!
//! The queue is the outbox: a letter is there exactly when the transaction that wrote it committed, and
//! is gone once it was handed over. A crash between the two sends it again, with the same Message-ID.
//!
//! A mail server that took a letter may send it back days later. Where `mail.bounce_address` is set, whom a letter went
//! to is kept for a week under its name in the envelope ([`BounceAddress`]), and a report ([`Failure`]) that comes to
//! that name ends it as a refusal at hand-over does.

mod bounces;
mod mailbox;
mod outgoing;
mod report;
mod smtp;

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_contracts::LetterBounced;
use kabinet_core::jobs::{Event, JobContext, JobError, JobHandler};
use kabinet_core::mail::{AttachedFile, Attachment, AttachmentSource, LetterEnded, MAIL_JOB, SENT_MAIL};
use kabinet_core::{DbError, Mail, Manifest, Module, ModuleKind, Ports, Tenant, Tx};
use kabinet_render::{LetterCompany, Letters};
use kabinet_web::cookie::TokenKey;
use kabinet_web::theme::{Brand, fill_colors};
use kabinet_web::{PublicAddress, WebModule};
use uuid::Uuid;

pub use bounces::BounceAddress;
pub use mailbox::Mailbox;
pub use outgoing::Outgoing;
pub use report::Failure;
pub use smtp::Smtp;

use crate::config::Config;

static MANIFEST: Manifest =
    Manifest { id: MAIL_JOB.0, title: "Письма", kind: ModuleKind::Core, permissions: &[], navigation: &[] };

/// The template of the letter of trial.
pub const TRIAL: &str = "mail/trial";

const OWN: &[(&str, &str)] = &[
    ("mail/trial.html", include_str!("mail/templates/trial.html")),
    ("mail/trial.txt", include_str!("mail/templates/trial.txt")),
];

/// How often a letter is tried: with pauses of up to a quarter of an hour, some nine hours.
const ATTEMPTS: i32 = 40;
/// Seconds in which a letter may come back: mail servers give it up after five days at the latest.
const RETURNS_WITHIN: i64 = 7 * 24 * 3600;

/// Where letters go.
#[derive(Clone, Debug)]
pub enum Transport {
    /// To a mail server.
    Smtp(Smtp),
    /// Into the memory of this process: the demo without a mail server.
    Mailbox(Mailbox),
    /// Nowhere yet: they wait in the queue until a mail server is configured.
    None,
}

impl Transport {
    /// What the configuration asks for; an error names the key.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        if !config.mail.smtp_url.is_empty() {
            return Ok(Self::Smtp(Smtp::new(&config.mail.smtp_url, &config.mail.authority()?)?));
        }
        Ok(if config.demo.running { Self::Mailbox(Mailbox::default()) } else { Self::None })
    }

    async fn deliver(&self, letter: Outgoing) -> Result<(), Undelivered> {
        match self {
            Self::Smtp(smtp) => smtp.deliver(&letter).await,
            Self::Mailbox(mailbox) => {
                mailbox.put(letter);
                Ok(())
            }
            Self::None => Err(JobError::Postpone("mail.smtp_url is not set".into()).into()),
        }
    }
}

/// Why a letter was not handed over.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    /// Refused for good, with the mail server's codes.
    #[error("{}", smtp::refusal(.0))]
    Bounced(String),
    /// Anything else.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// The module: letters that leave and letters that may come back, no pages.
#[derive(Clone, Debug)]
pub struct Mails(Arc<SendLetter>);

#[derive(Debug)]
struct SendLetter {
    letters: Letters,
    transport: Transport,
    sender: String,
    bounces: Option<BounceAddress>,
    address: PublicAddress,
    ports: Ports,
}

/// The end of the wait for a letter to come back: it has arrived.
#[derive(Debug)]
struct Arrived;

impl Mails {
    /// The module over the letters' templates of all other modules; `ports` lead to those who make files for them.
    pub fn new(
        templates: impl IntoIterator<Item = (&'static str, &'static str)>,
        transport: Transport,
        (config, tokens): (&Config, &TokenKey),
        ports: Ports,
    ) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(SendLetter {
            letters: Letters::new(templates.into_iter().chain(OWN.iter().copied()))?,
            transport,
            sender: config.mail.from.clone(),
            bounces: BounceAddress::of(config, tokens)?,
            address: config.public_address(),
            ports,
        })))
    }
}

impl Module for Mails {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![self.0.clone(), Arc::new(Arrived)]
    }
}

impl WebModule for Mails {
    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        OWN
    }
}

#[async_trait]
impl JobHandler for SendLetter {
    fn kind(&self) -> &'static str {
        MAIL_JOB.1
    }

    fn attempts(&self) -> i32 {
        ATTEMPTS
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        if matches!(self.transport, Transport::None) {
            return Err(JobError::Postpone("mail.smtp_url is not set".into()));
        }
        // Neither error may repeat the payload: it is stored with the job and logged.
        let mail: Mail = serde_json::from_value(payload)?;
        let company = self.company(&context.tenant);
        let letter = self.letters.render(&mail.template, &mail.subject, &company, &mail.context);
        let letter = letter.map_err(|error| JobError::Fail(error.to_string()))?;
        let files = self.files(&context, &mail.attachments).await?;
        let sent = mail.without_words();
        match self.transport.deliver(self.addressed(&context, mail, letter, files)).await {
            Ok(()) => self.taken(&context, sent).await,
            Err(Undelivered::Job(error)) => Err(error),
            Err(bounced @ Undelivered::Bounced(_)) => {
                let text = bounced.to_string();
                if let Undelivered::Bounced(reason) = bounced {
                    tell(&context, LetterBounced { to: sent.to, reason }).await?;
                }
                Err(JobError::Fail(text))
            }
        }
    }

    async fn gave_up(&self, tx: &mut Tx, payload: serde_json::Value, error: &JobError) -> Result<(), DbError> {
        let reference = serde_json::from_value::<Mail>(payload).ok().and_then(|mail| mail.reference);
        match reference {
            Some(reference) => tx.publish(&LetterEnded { reference, failure: Some(error.to_string()) }).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl JobHandler for Arrived {
    fn kind(&self) -> &'static str {
        SENT_MAIL
    }

    async fn run(&self, _: JobContext, _: serde_json::Value) -> Result<(), JobError> {
        Ok(())
    }
}

/// Ends a letter that a mail server had taken and sent back, as if it had been refused; false where it is not awaited,
/// or no longer.
pub async fn came_back(tx: &mut Tx, letter: Uuid, failure: &Failure) -> Result<bool, DbError> {
    let Some(sent) = tx.letter_returned(letter).await? else { return Ok(false) };
    let codes = &failure.codes;
    // What nobody took for days says nothing of who reads mail there.
    if failure.refused {
        tx.publish(&LetterBounced { to: sent.to, reason: codes.clone() }).await?;
    }
    if let Some(reference) = sent.reference {
        tx.publish(&LetterEnded { reference, failure: Some(smtp::refusal(codes)) }).await?;
    }
    Ok(true)
}

/// Tells other modules of a letter that was refused. Twice, where the server dies before the job is ended.
async fn tell<V: Event>(context: &JobContext, event: V) -> Result<(), JobError> {
    let mut tx = context.begin().await?;
    tx.publish(&event).await?;
    Ok(tx.commit().await?)
}

impl SendLetter {
    /// A mail server has the letter: whoever waits for its end is told, and it may come back from now on.
    async fn taken(&self, context: &JobContext, sent: Mail) -> Result<(), JobError> {
        if sent.reference.is_none() && self.bounces.is_none() {
            return Ok(());
        }
        let mut tx = context.begin().await?;
        if let Some(reference) = sent.reference.clone() {
            tx.publish(&LetterEnded { reference, failure: None }).await?;
        }
        if self.bounces.is_some() {
            tx.await_return(context.job, &sent, tx.now().plus_seconds(RETURNS_WITHIN)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The files that go along, made by their sources.
    async fn files(&self, context: &JobContext, attachments: &[Attachment]) -> Result<Vec<AttachedFile>, JobError> {
        let mut files = Vec::with_capacity(attachments.len());
        if attachments.is_empty() {
            return Ok(files);
        }
        let sources = self.ports.of::<dyn AttachmentSource>(&context.tenant);
        for attachment in attachments {
            let source = sources.iter().find(|source| source.name() == attachment.source);
            let source = source.ok_or_else(|| JobError::Fail(format!("nobody makes {}", attachment.source)))?;
            files.push(source.file(&context.db, &context.tenant, &attachment.of).await?);
        }
        Ok(files)
    }

    fn addressed(
        &self,
        context: &JobContext,
        mail: Mail,
        letter: kabinet_render::Letter,
        files: Vec<AttachedFile>,
    ) -> Outgoing {
        let tenant = &context.tenant;
        let own = || format!("no-reply@{}", tenant.canonical_host);
        Outgoing {
            id: context.job,
            host: tenant.canonical_host.clone(),
            from: if self.sender.is_empty() { own() } else { self.sender.clone() },
            from_name: tenant.name.clone(),
            returns_to: self.bounces.as_ref().map(|bounces| bounces.of_letter(context.job)),
            reply_to: tenant.profile.email.clone(),
            to: mail.to,
            subject: mail.subject,
            html: letter.html,
            text: letter.text,
            files,
            unsubscribe: mail.unsubscribe.map(|path| self.address.of(&tenant.canonical_host) + path.as_str()),
            at: context.db.clock().now(),
        }
    }

    fn company(&self, tenant: &Tenant) -> LetterCompany {
        let profile = &tenant.profile;
        let (color, color_text) = fill_colors(&Brand { color: profile.color.clone() });
        LetterCompany {
            name: tenant.name.clone(),
            phone: profile.phone.clone(),
            email: profile.email.clone(),
            address: profile.address.clone(),
            site: profile.site.clone(),
            hours: profile.hours.clone(),
            url: self.address.of(&tenant.canonical_host),
            color,
            color_text,
        }
    }
}
