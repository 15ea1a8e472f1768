//! Why a login through Gosuslugi did not come to its end, in words for the person.

use kabinet_core::DbError;

/// A refusal or a fault on the way. What is inside a variant is for the log and names no person.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The person did not let ESIA pass the data on.
    #[error("Вы не разрешили передать данные порталу. Без этого войти через Госуслуги нельзя.")]
    Denied,
    /// The person's ESIA account is not a confirmed one.
    #[error(
        "Ваша учетная запись Госуслуг не подтверждена. Подтвердите её на портале Госуслуг и попробуйте снова \
         или войдите по Email и паролю."
    )]
    Untrusted,
    /// The callback belongs to no attempt of this browser: foreign, used, or older than ten minutes.
    #[error(
        "Эта попытка входа уже завершена, устарела или начата в другом браузере. Начните вход через Госуслуги заново."
    )]
    Stale,
    /// What ESIA answered did not stand up to verification.
    #[error("Ответ Госуслуг не прошёл проверку, поэтому вход не выполнен. Попробуйте ещё раз.")]
    Unverified(&'static str),
    /// ESIA refused the request itself: the code, the signature, the client.
    #[error("Госуслуги не подтвердили вход. Попробуйте ещё раз.")]
    Refused(String),
    /// ESIA, or the signer before it, does not answer or answers nonsense.
    #[error("Госуслуги сейчас не отвечают. Попробуйте через несколько минут или войдите по Email и паролю.")]
    Unavailable(String),
    /// The ESIA person is linked to another login of this company.
    #[error("Эта учетная запись Госуслуг уже привязана к другому логину. Сначала отвяжите её там.")]
    PersonTaken,
    /// The login is linked to another ESIA person.
    #[error("К вашему логину уже привязана другая учетная запись Госуслуг. Сначала отвяжите её в настройках.")]
    LoginTaken,
    /// A login with this e-mail was made in this very moment.
    #[error("Личный кабинет с этим Email уже есть. Войдите через Госуслуги ещё раз и введите его пароль.")]
    EmailTaken,
    /// The login exists and may not enter.
    #[error("Вход в этот личный кабинет закрыт. Обратитесь в компанию.")]
    Closed,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Failure {
    /// The HTTP status of the page that tells of it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Denied | Self::Untrusted | Self::Closed => 403,
            Self::Stale => 400,
            Self::PersonTaken | Self::LoginTaken | Self::EmailTaken => 409,
            Self::Unverified(_) | Self::Refused(_) => 502,
            Self::Unavailable(_) => 503,
            Self::Db(_) => 500,
        }
    }

    /// What the log says, where the cause lies on the other side and an operator should know.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unverified(cause) => Some(cause),
            Self::Refused(cause) | Self::Unavailable(cause) => Some(cause),
            _ => None,
        }
    }
}
