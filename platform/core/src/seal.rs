//! Sealing: what was sealed under a key opens under that key alone, and only where it was sealed for.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::clock::Entropy;

/// Bytes of the nonce that stands before what is sealed.
const NONCE: usize = 24;

/// A key of XChaCha20-Poly1305. Never printed.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// `plain`, encrypted and bound to `place`: nonce, then ciphertext with its tag. Every call gives
    /// other bytes.
    #[must_use]
    pub fn seal(&self, entropy: Entropy, place: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal_with(entropy.bytes(), place, plain)
    }

    /// `plain`, encrypted and bound to `place`, with the same bytes at every call: for what is printed and must be
    /// printed again as it was. Two such texts tell that they seal the same, and nothing else.
    #[must_use]
    pub fn seal_again(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let length = u64::try_from(place.len()).unwrap_or_default().to_le_bytes();
        let digest = |tail: &[&[u8]]| tail.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
        // A keyed digest of what is sealed: another plain has another nonce. Hashed twice, so that nobody
        // can continue it.
        let inner = digest(&[b"nonce", &self.0, &length, place, plain]);
        let outer = digest(&[b"nonce", &self.0, &inner]);
        let mut nonce = [0; NONCE];
        nonce.iter_mut().zip(outer).for_each(|(to, from)| *to = from);
        self.seal_with(nonce, place, plain)
    }

    fn seal_with(&self, nonce: [u8; NONCE], place: &[u8], plain: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: plain, aad: place };
        // Encryption fails only above 256 GiB.
        let sealed = self.cipher().encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// What was sealed, or `None` when the bytes were changed, or sealed for another place or under
    /// another key.
    #[must_use]
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        self.cipher().decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: place }).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_in_its_own_place_only() {
        let key = SealKey::new([7; 32]);
        let sealed = key.seal(Entropy, b"here", b"secret");
        assert_eq!(key.open(b"here", &sealed).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(key.open(b"there", &sealed), None);
        assert_eq!(SealKey::new([8; 32]).open(b"here", &sealed), None);
        assert_ne!(key.seal(Entropy, b"here", b"secret"), sealed);
        let again = key.seal_again(b"here", b"secret");
        assert_eq!(key.seal_again(b"here", b"secret"), again);
        assert_eq!(key.open(b"here", &again).as_deref(), Some(b"secret".as_slice()));
        for (place, plain) in [(b"her".as_slice(), b"esecret".as_slice()), (b"here", b"Secret")] {
            assert_ne!(key.seal_again(place, plain)[..NONCE], again[..NONCE]);
        }
        let mut changed = sealed.clone();
        changed[30] ^= 1;
        assert_eq!(key.open(b"here", &changed), None);
        assert_eq!(key.open(b"here", &sealed[..20]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_other_bytes_than_what_was_sealed_open_to_nothing(
            plain in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120),
            at in 0.0_f64..1.0,
            flip in 1_u8..,
        ) {
            let key = SealKey::new([7; 32]);
            let sealed = key.seal(Entropy, b"here", &plain);
            proptest::prop_assert_eq!(key.open(b"here", &sealed), Some(plain.clone()));
            let at = (sealed.len() as f64 * at) as usize;
            let mut changed = sealed.clone();
            changed[at] ^= flip;
            let longer = [sealed.as_slice(), bytes.as_slice(), &[flip]].concat();
            for other in [&bytes, &changed, &sealed[..at].to_vec(), &longer] {
                proptest::prop_assert_eq!(key.open(b"here", other), None);
            }
        }
    }
}
