//! Letters: the job that renders them in the company's brand and hands them to a mail server, or to the
//! demo's own mailbox.
//!
//! The queue is the outbox: a letter is there exactly when the transaction that wrote it committed, and
//! is gone once it was handed over. A crash between the two sends it again, with the same Message-ID.

mod mailbox;
mod outgoing;
mod smtp;

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_contracts::LetterBounced;
use kabinet_core::jobs::{Event, JobContext, JobError, JobHandler};
use kabinet_core::mail::{AttachedFile, Attachment, AttachmentSource, LetterEnded, MAIL_JOB};
use kabinet_core::{DbError, Mail, Manifest, Module, ModuleKind, Ports, Tenant, Tx};
use kabinet_render::{LetterCompany, Letters};
use kabinet_web::theme::{Brand, fill_colors};
use kabinet_web::{PublicAddress, WebModule};

pub use mailbox::Mailbox;
pub use outgoing::Outgoing;
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

/// The module: one kind of job, no pages.
#[derive(Clone, Debug)]
pub struct Mails(Arc<SendLetter>);

#[derive(Debug)]
struct SendLetter {
    letters: Letters,
    transport: Transport,
    sender: String,
    address: PublicAddress,
    ports: Ports,
}

impl Mails {
    /// The module over the letters' templates of all other modules; `ports` lead to those who make files for them.
    pub fn new(
        templates: impl IntoIterator<Item = (&'static str, &'static str)>,
        transport: Transport,
        config: &Config,
        ports: Ports,
    ) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(SendLetter {
            letters: Letters::new(templates.into_iter().chain(OWN.iter().copied()))?,
            transport,
            sender: config.mail.from.clone(),
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
        vec![self.0.clone()]
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
        let files = self.files(&context.tenant, &mail.attachments).await?;
        let (to, reference) = (mail.to.clone(), mail.reference.clone());
        match self.transport.deliver(self.addressed(&context, mail, letter, files)).await {
            Ok(()) => match reference {
                Some(reference) => tell(&context, LetterEnded { reference, failure: None }).await,
                None => Ok(()),
            },
            Err(Undelivered::Job(error)) => Err(error),
            Err(bounced @ Undelivered::Bounced(_)) => {
                let text = bounced.to_string();
                if let Undelivered::Bounced(reason) = bounced {
                    tell(&context, LetterBounced { to, reason }).await?;
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

/// Tells other modules of a letter that came back. Twice, where the server dies before the job is ended.
async fn tell<V: Event>(context: &JobContext, event: V) -> Result<(), JobError> {
    let mut tx = context.begin().await?;
    tx.publish(&event).await?;
    Ok(tx.commit().await?)
}

impl SendLetter {
    /// The files that go along, made by their sources.
    async fn files(&self, tenant: &Arc<Tenant>, attachments: &[Attachment]) -> Result<Vec<AttachedFile>, JobError> {
        let mut files = Vec::with_capacity(attachments.len());
        if attachments.is_empty() {
            return Ok(files);
        }
        let sources = self.ports.of::<dyn AttachmentSource>(tenant);
        for attachment in attachments {
            let source = sources.iter().find(|source| source.name() == attachment.source);
            let source = source.ok_or_else(|| JobError::Fail(format!("nobody makes {}", attachment.source)))?;
            files.push(source.file(tenant, &attachment.of).await?);
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
