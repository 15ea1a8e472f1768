//! What a package says of residents' logins.

use kabinet_residents::ResidentsSettings;

use super::document::Section;
use super::read::host_problem;

/// The section `[residents]`; without it, what is usual.
pub(super) fn read(root: &mut Section<'_>) -> ResidentsSettings {
    let Some(mut section) = root.optional_section("residents") else { return ResidentsSettings::default() };
    let mail_domains: Vec<String> = section.texts("mail_domains").iter().map(|domain| domain.to_lowercase()).collect();
    for domain in &mail_domains {
        let message = host_problem(domain).map(|_| format!("«{domain}»: это не домен почты; пример: mail.ru"));
        section.check("mail_domains", message);
    }
    section.refuse_unknown();
    ResidentsSettings { mail_domains }
}
