//! What billing refuses, with stable codes.

use kabinet_core::jobs::JobError;
use kabinet_core::{Day, DbError, Period};
use kabinet_plugin_host::manifest::ManifestError;
use kabinet_plugin_host::{PluginError, words};
use kabinet_render::RenderError;
use kabinet_web::Problem;
use poem::http::StatusCode;

use crate::catalog::{UnknownRule, begins};
use crate::receipts::TRIED_AGAIN;

/// Why billing did not do what was asked. Messages are for the company's accountant.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Published months keep their tariffs.
    #[error("услуга «{service}», тариф с {}: месяц {period} уже рассчитан и опубликован, его условия не меняются", begins(*.from))]
    TariffInUse {
        /// Code of the service.
        service: String,
        /// From which day the changed terms would hold.
        from: Day,
        /// The latest published period they would have changed.
        period: Period,
    },
    /// Within a month prices, norm and coefficient may change, all else with its first day.
    #[error("услуга «{service}»: с {from} внутри месяца меняются только тариф, норматив и повышающий коэффициент")]
    WithinMonth {
        /// Code of the service.
        service: String,
        /// The day within the month.
        from: Day,
    },
    /// Published months keep what they were calculated with.
    #[error("{entry}: месяц {period} уже рассчитан и опубликован, изменить можно с {}", .period.next())]
    PublishedTerms {
        /// What was to be changed.
        entry: Entry,
        /// The latest published period.
        period: Period,
    },
    /// What a service owes is booked on its receipt.
    #[error("услуга «{0}»: по ней есть начисления, квитанция, в которой она стоит, не меняется")]
    ServiceBilled(String),
    /// The catalogue names something that is not there or contradicts itself.
    #[error("{0}")]
    Catalog(String),
    /// A month is billed once.
    #[error("месяц {0} уже рассчитан и опубликован")]
    AlreadyPublished(Period),
    /// Months are billed one after the other.
    #[error("сначала нужно опубликовать расчёт за {expected}, а не за {asked}")]
    OutOfOrder {
        /// The month whose turn it is.
        expected: Period,
        /// The month that was asked for.
        asked: Period,
    },
    /// There is no such run.
    #[error("такого расчёта нет")]
    NoSuchRun,
    /// Only a complete run can be published.
    #[error("расчёт за {period} не завершён: {state}")]
    NotComplete {
        /// Its period.
        period: Period,
        /// Its state.
        state: String,
    },
    /// The run stands on figures that are not the latest any more.
    #[error("после начала этого расчёта опубликован другой: рассчитайте месяц {0} заново")]
    Outdated(Period),
    /// Another process works on the same run.
    #[error("этот расчёт уже выполняется")]
    Busy,
    /// The run stopped; the text says why and where.
    #[error("{0}")]
    Stopped(String),
    /// A day of the month has no rate of penalty.
    #[error("на {0} не задана ставка пеней: добавьте её и повторите расчёт")]
    NoPenaltyRate(kabinet_core::Day),
    /// A month of an earlier release, whose inputs were not kept.
    #[error("{0}: месяц рассчитан прежней версией, его исходные данные не сохранены")]
    NotReplayable(Period),
    /// There is no such account.
    #[error("такого лицевого счета нет")]
    NoSuchAccount,
    /// Only a published month can be corrected.
    #[error("месяц {0} не опубликован: перерасчёт делают только для опубликованных месяцев")]
    NotPublished(Period),
    /// Claims of that age are barred.
    #[error("месяц {period} слишком давний: перерасчёт возможен с {first}")]
    TooOld {
        /// The month that was asked for.
        period: Period,
        /// The first that may be.
        first: Period,
    },
    /// What was looked at has changed since.
    #[error("за это время начисления изменились: посмотрите перерасчёт ещё раз")]
    Changed,
    /// A closed account has no bill to come.
    #[error("лицевой счет закрыт: в расчёт за {0} он не войдёт")]
    AccountClosed(Period),
    /// A month that has not begun.
    #[error("месяц {0} ещё не начался")]
    NotBegun(Period),
    /// There is no such correction.
    #[error("такого перерасчёта нет")]
    NoSuchRecalculation,
    /// A correction that a run has taken stays.
    #[error("перерасчёт уже вошёл в расчёт за {0}: запишите обратный")]
    AlreadyBilled(Period),
    /// A transfer of debt goes with its agreement.
    #[error("это перенос долга по соглашению: отмените соглашение")]
    OfAgreement,
    /// There is no such agreement on instalments, or no such award.
    #[error("такого соглашения или решения нет")]
    NoSuchAgreement,
    /// The service owes less than is to be moved.
    #[error("по услуге «{service}» долг {owed}: перенести больше нельзя")]
    NotOwed {
        /// Code of the service.
        service: String,
        /// What it owes.
        owed: kabinet_core::Money,
    },
    /// There is no such benefit.
    #[error("такой льготы нет")]
    NoSuchBenefit,
    /// A field of what was sent: its name and what is wrong.
    #[error("{1}")]
    Field(&'static str, &'static str),
    /// A payment with the same number says something else.
    #[error("платёж {external_id} из {source_code} уже записан с другой суммой или на другой счёт")]
    PaymentConflict {
        /// Where it came from.
        source_code: String,
        /// Its number there.
        external_id: String,
    },
    /// A payment of nothing.
    #[error("сумма платежа должна быть больше нуля")]
    NoAmount,
    /// There is no such receipt.
    #[error("такой квитанции нет")]
    NoSuchReceipt,
    /// There is no such house.
    #[error("такого дома нет")]
    NoSuchHouse,
    /// There is no such printout, or no more.
    #[error("такой печати нет")]
    NoSuchPrintout,
    /// What a published receipt says stays.
    #[error("квитанции за {0} опубликованы и не меняются")]
    ReceiptsFrozen(Period),
    /// Items of a list that cannot be taken: their places in it and why.
    #[error("{}", .0.first().map_or("", |(_, why)| *why))]
    Items(Vec<(usize, &'static str)>),
    /// The file is not complete yet, or never will be.
    #[error("файл ещё не готов: {0}")]
    NotPrinted(String),
    /// The plugin cannot be used.
    #[error("плагин расчёта {}", words::failure(.0))]
    Plugin(#[from] PluginError),
    /// A `plugin.toml` with mistakes.
    #[error("описание плагина, plugin.toml, не принято: {0}")]
    Manifest(#[from] ManifestError),
    /// Services ask for rules that the plugin does not have.
    #[error("{}", .0.first().map_or_else(String::new, ToString::to_string))]
    UnknownRules(Vec<UnknownRule>),
    /// Terms that name a rule themselves go before the service's.
    #[error("услуга «{service}»: её тариф с {from} сам называет правило, измените его")]
    RuleOfTerms {
        /// Code of the service.
        service: String,
        /// From which month on its terms name the rule.
        from: Period,
    },
    /// No receipt can be printed with the template.
    #[error("шаблон квитанции{}: {reason}", .line.map(|line| format!(", строка {line}")).unwrap_or_default())]
    Template {
        /// The line that is to blame, counted from one, where it is known.
        line: Option<u32>,
        /// What is wrong.
        reason: String,
    },
    /// There is no such template.
    #[error("такого шаблона нет")]
    NoSuchTemplate,
    /// The receipt's template fails on what it says.
    #[error("квитанция не печатается: {reason}")]
    Unprintable {
        /// Why: for staff.
        reason: String,
        /// Whether the company's staff were told of this receipt.
        told: bool,
    },
    /// The receipt cannot be printed.
    #[error("квитанция: {0}")]
    Render(#[from] RenderError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// The stable code of the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TariffInUse { .. } => "billing.tariff_in_use",
            Self::WithinMonth { .. } => "billing.within_month",
            Self::PublishedTerms { .. } => "billing.already_published",
            Self::Catalog(_) => "billing.catalog",
            Self::AlreadyPublished(_) => "billing.already_published",
            Self::OutOfOrder { .. } => "billing.out_of_order",
            Self::NoSuchRun => "billing.no_such_run",
            Self::NotComplete { .. } => "billing.run_not_complete",
            Self::Outdated(_) => "billing.run_outdated",
            Self::Busy => "billing.run_busy",
            Self::Stopped(_) => "billing.run_stopped",
            Self::NotReplayable(_) => "billing.not_replayable",
            Self::NoPenaltyRate(_) => "billing.no_penalty_rate",
            Self::NoSuchAccount => "billing.no_such_account",
            Self::NotPublished(_) => "billing.not_published",
            Self::TooOld { .. } => "billing.too_old",
            Self::AccountClosed(_) => "billing.account_closed",
            Self::NotBegun(_) => "billing.not_begun",
            Self::Changed => "billing.changed",
            Self::NoSuchRecalculation => "billing.no_such_recalculation",
            Self::AlreadyBilled(_) => "billing.recalculation_billed",
            Self::OfAgreement => "billing.of_agreement",
            Self::NoSuchAgreement => "billing.no_such_agreement",
            Self::NotOwed { .. } => "billing.not_owed",
            Self::NoSuchBenefit => "billing.no_such_benefit",
            Self::Field(..) | Self::Items(_) | Self::ServiceBilled(_) => "billing.invalid",
            Self::PaymentConflict { .. } => "billing.payment_conflict",
            Self::NoAmount => "billing.payment_amount",
            Self::NoSuchReceipt => "billing.no_such_receipt",
            Self::NoSuchHouse => "billing.no_such_house",
            Self::NoSuchPrintout => "billing.no_such_printout",
            Self::ReceiptsFrozen(_) => "billing.receipts_frozen",
            Self::NotPrinted(_) => "billing.not_printed",
            Self::Plugin(_) => "billing.plugin",
            Self::Manifest(_) => "billing.plugin_manifest",
            Self::UnknownRules(_) => "billing.unknown_rule",
            Self::RuleOfTerms { .. } => "billing.rule_of_terms",
            Self::Template { .. } => "billing.template",
            Self::NoSuchTemplate => "billing.no_such_template",
            Self::Unprintable { .. } => "billing.receipt_unprintable",
            Self::Render(_) => "billing.render",
            Self::Db(_) => "billing.database",
        }
    }
}

/// What a refusal of the catalogue is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The receipt kind with this code.
    ReceiptKind(String),
    /// The service with this code.
    Service(String),
    /// The due day of bills from this month on.
    DueDay(Period),
    /// The plugin that calculates.
    Plugin,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ReceiptKind(code) => write!(f, "вид квитанции «{code}»"),
            Self::Service(code) => write!(f, "услуга «{code}»"),
            Self::DueDay(month) => write!(f, "срок оплаты с {month}"),
            Self::Plugin => f.write_str("плагин расчёта"),
        }
    }
}

impl Error {
    /// What came of printing with a template that is to be judged: only a worker's death is no fault of it.
    pub(crate) fn of_template(error: RenderError) -> Self {
        match error {
            RenderError::Template { line, reason, .. } => Self::Template { line, reason },
            RenderError::Worker(_) => Self::Render(error),
            other => Self::Template { line: None, reason: other.to_string() },
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        match error {
            // A worker's death, and what a busy machine stopped, may have nothing to do with what was worked on.
            Error::Db(_) | Error::Busy | Error::Render(RenderError::Worker(_) | RenderError::LimitReached) => {
                Self::Retry(error.to_string())
            }
            other => Self::Fail(other.to_string()),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::Db(error) => error.into(),
            Error::NoSuchRun
            | Error::NoSuchReceipt
            | Error::NoSuchPrintout
            | Error::NoSuchAccount
            | Error::NoSuchAgreement
            | Error::NoSuchHouse
            | Error::NoSuchTemplate
            | Error::NoSuchRecalculation
            | Error::NoSuchBenefit => Self::not_found(),
            Error::Field(field, text) => Self::refused_fields(code, [(field, text)]),
            Error::PublishedTerms { .. } | Error::WithinMonth { .. } => {
                Self::refused_fields(code, [("from", error.to_string())])
            }
            Error::ServiceBilled(_) => Self::refused_fields(code, [("receipt", error.to_string())]),
            Error::Items(items) => {
                Self::refused_fields(code, items.into_iter().map(|(at, why)| (format!("items/{at}"), why)))
            }
            Error::Manifest(_) => Self::refused_fields(code, [("manifest", error.to_string())]),
            Error::Template { .. } => Self::refused_fields(code, [("text", error.to_string())]),
            Error::UnknownRules(rules) => {
                Self::refused_fields(code, rules.iter().map(|one| (format!("rules.{}", one.service), one.to_string())))
            }
            Error::RuleOfTerms { ref service, .. } => {
                Self::refused_fields(code, [(format!("rules.{service}"), error.to_string())])
            }
            // Why is for the company's staff.
            Error::Unprintable { .. } => {
                let text = "Квитанция сейчас не печатается. Суммы не изменились, они стоят в разделе «Детализация \
                            начислений»";
                Self { retry_after: Some(TRIED_AGAIN), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, text) }
            }
            Error::Render(error) => Self::fault(&error),
            other => Self::refused(code, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_receipt_is_not_printed_is_for_staff_and_their_jobs_alone() {
        let reason = "шаблон, строка 2: такого поля нет";
        let unprintable = || Error::Unprintable { reason: reason.to_owned(), told: true };
        let problem = Problem::from(unprintable());
        assert_eq!((problem.status, problem.code), (StatusCode::SERVICE_UNAVAILABLE, "billing.receipt_unprintable"));
        assert_eq!(problem.retry_after, Some(TRIED_AGAIN));
        assert!(
            problem.text.contains("Детализация начислений") && !problem.text.contains("строка"),
            "{}",
            problem.text
        );
        let job = JobError::from(unprintable());
        assert!(matches!(&job, JobError::Fail(told) if told.contains(reason)), "{job}");
    }

    #[test]
    fn a_job_whose_printing_was_stopped_at_a_limit_tries_again() {
        let job = JobError::from(Error::Render(RenderError::LimitReached));
        assert!(matches!(job, JobError::Retry(_)), "{job}");
    }
}
