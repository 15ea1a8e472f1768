//! What a package says of refusals of paper: whom applications are addressed to.

use kabinet_paperless::PaperlessSettings;

use super::document::Section;

/// Letters of the longest addressee.
const LONGEST: usize = 200;

/// The section `[paperless]`; without it, what is usual.
pub(super) fn read(root: &mut Section<'_>) -> PaperlessSettings {
    let mut settings = PaperlessSettings::default();
    let Some(mut section) = root.optional_section("paperless") else { return settings };
    if let Some(addressee) = section.optional_text("addressee") {
        if addressee.chars().count() > LONGEST {
            section.refuse("addressee", format!("не длиннее {LONGEST} знаков"));
        }
        addressee.trim().clone_into(&mut settings.addressee);
    }
    section.refuse_unknown();
    settings
}
