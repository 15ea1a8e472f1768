//! The QR beside the code on a receipt: the address of the linking page with the code in it.
//!
//! What stands in an address stands in the logs of every server on its way. So the code travels sealed: a
//! log holds a text that only this platform can read, and that links nothing without the account's number,
//! house and flat. The same receipt printed again carries the same text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_core::{SealKey, TenantId};
use kabinet_web::cookie::TokenKey;

use crate::codes::{LinkCode, printed};

/// Seals the codes of receipts for addresses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SealedCodes(SealKey);

impl SealedCodes {
    /// Sealed under the platform's key.
    #[must_use]
    pub fn new(key: &TokenKey) -> Self {
        Self(SealKey::new(key.derived("codes in addresses")))
    }

    /// The address that the QR of a receipt says, on the company's `portal` (`https://kabinet.example`).
    /// Behind the `#` stands the code as printed: browsers keep that part to themselves, and who reads the
    /// QR with a program that shows its text sees what to type.
    #[must_use]
    pub fn address(&self, tenant: TenantId, portal: &str, code: &LinkCode) -> String {
        let sealed = URL_SAFE_NO_PAD.encode(self.0.seal_again(tenant.0.as_bytes(), code.as_str().as_bytes()));
        format!("{portal}/accounts/link?receipt={sealed}#{}", printed(code.as_str()))
    }

    /// The code that was sealed for this company; `None` for whatever else was sent.
    #[must_use]
    pub fn open(&self, tenant: TenantId, sealed: &str) -> Option<LinkCode> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let code = self.0.open(tenant.0.as_bytes(), &sealed)?;
        LinkCode::parse(std::str::from_utf8(&code).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_address_tells_its_code_to_the_platform_alone() {
        let codes = SealedCodes::new(&TokenKey::new([5; 32]));
        let (mine, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let code = LinkCode::of(271_828_182_845);
        let address = codes.address(mine, "https://lk.example", &code);
        assert_eq!(codes.address(mine, "https://lk.example", &code), address, "printed again as it was");
        assert_ne!(codes.address(mine, "https://lk.example", &LinkCode::of(7)), address);
        let (sent, kept) = address.split_once('#').expect("a fragment");
        assert_eq!(kept, printed(code.as_str()));
        assert!(!sent.contains(code.as_str()) && !sent.contains(kept), "{sent}");
        let sealed = sent.strip_prefix("https://lk.example/accounts/link?receipt=").expect("an address");
        assert_eq!(codes.open(mine, sealed).as_ref(), Some(&code));
        assert_eq!(codes.open(other, sealed), None);
        assert_eq!(SealedCodes::new(&TokenKey::new([6; 32])).open(mine, sealed), None);
        for wrong in ["", "x", code.as_str(), &sealed[1..], &sealed[..60]] {
            assert_eq!(codes.open(mine, wrong), None, "{wrong}");
        }
    }
}
