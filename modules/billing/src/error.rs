//! What billing refuses, with stable codes.

use kabinet_core::jobs::JobError;
use kabinet_core::{DbError, Period};
use kabinet_plugin_host::{Exceeded, PluginError};
use kabinet_render::RenderError;
use kabinet_web::Problem;

/// Why billing did not do what was asked. Messages are for the company's accountant.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Published months keep their tariffs.
    #[error("услуга «{service}», тариф с {from}: месяц {period} уже рассчитан и опубликован, его условия не меняются")]
    TariffInUse {
        /// Code of the service.
        service: String,
        /// From which period the changed terms would hold.
        from: Period,
        /// The latest published period they would have changed.
        period: Period,
    },
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
    /// The file is not complete yet, or never will be.
    #[error("файл ещё не готов: {0}")]
    NotPrinted(String),
    /// The plugin cannot be used.
    #[error("плагин расчёта {}", plugin_words(.0))]
    Plugin(#[from] PluginError),
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
            Self::Field(..) => "billing.invalid",
            Self::PaymentConflict { .. } => "billing.payment_conflict",
            Self::NoAmount => "billing.payment_amount",
            Self::NoSuchReceipt => "billing.no_such_receipt",
            Self::NoSuchHouse => "billing.no_such_house",
            Self::NoSuchPrintout => "billing.no_such_printout",
            Self::NotPrinted(_) => "billing.not_printed",
            Self::Plugin(_) => "billing.plugin",
            Self::Render(_) => "billing.render",
            Self::Db(_) => "billing.database",
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Db(error.into())
    }
}

/// What a plugin did, for the company's staff; what its author has to know of it stands behind.
fn plugin_words(error: &PluginError) -> String {
    match error {
        PluginError::Limit(limit) => format!("остановлен: {}", limit_words(*limit)),
        PluginError::Trap(trap) => format!("прервался с ошибкой: {trap}"),
        PluginError::Output(reason) => format!("ответил не по договору: {reason}"),
        PluginError::Input(reason) => format!("не получил данных, они не по договору: {reason}"),
        PluginError::Unsupported(what) => format!("этого не умеет: {what}"),
        PluginError::Refused(reason) | PluginError::Compilation(reason) => format!("не принят: {reason}"),
        PluginError::ApiVersion { found, spoken } => {
            format!("сделан для версии договора {found}, платформа понимает {spoken}")
        }
        PluginError::Account { message, .. } | PluginError::Table { message, .. } => format!("отказал: {message}"),
        PluginError::Unavailable(reason) => format!("сейчас не работает: {reason}"),
    }
}

const fn limit_words(limit: Exceeded) -> &'static str {
    match limit {
        Exceeded::Instructions => "слишком долгий расчёт, исчерпан запас инструкций",
        Exceeded::Time => "слишком долгий расчёт, исчерпано время",
        Exceeded::Recursion => "слишком глубокая рекурсия",
        Exceeded::Memory => "исчерпана память",
        Exceeded::Table => "слишком большая таблица",
        Exceeded::Answer => "слишком большой ответ",
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        match error {
            // A worker's death may have nothing to do with what it worked on.
            Error::Db(_) | Error::Busy | Error::Render(RenderError::Worker(_)) => Self::Retry(error.to_string()),
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
            | Error::NoSuchRecalculation
            | Error::NoSuchBenefit => Self::not_found(),
            Error::Field(field, text) => Self::refused_fields(code, [(field, text)]),
            Error::Render(error) => Self::fault(&error),
            other => Self::refused(code, other.to_string()),
        }
    }
}
