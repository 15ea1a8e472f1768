//! Certificates: ours, of which ESIA wants a hash, and ESIA's own, with which its tokens are verified.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use streebog::{Digest, Streebog256};
use webpki::{EndEntityCert, RawPublicKeyEntity};

/// Why a certificate or key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Neither PEM nor DER.
    #[error("не сертификат X.509 (ожидается PEM или DER)")]
    Unreadable,
    /// A certificate or key that RS256 cannot be verified with.
    #[error("в файле нет открытого ключа RSA (сертификат X.509 v3 или PUBLIC KEY)")]
    NoKey,
}

/// `client_certificate_hash`: upper-case hex Streebog-256 of the DER certificate in `file` (PEM or DER).
/// A hash over the PEM text would be another one, and ESIA would refuse every signature.
pub fn certificate_hash(file: &[u8]) -> Result<String, CertificateError> {
    let der = der_of(file, "CERTIFICATE").ok_or(CertificateError::Unreadable)?;
    Ok(hex::encode_upper(Streebog256::digest(&der)))
}

/// The DER inside a file: the first PEM block with `label`, or the file itself when it is DER already.
fn der_of(file: &[u8], label: &str) -> Option<Vec<u8>> {
    // Every certificate and key is an ASN.1 sequence longer than 127 bytes.
    if file.first() == Some(&0x30) && file.get(1).is_some_and(|length| *length >= 0x81) {
        return Some(file.to_vec());
    }
    let text = std::str::from_utf8(file).ok()?;
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// The key that ESIA signs its tokens with: its certificate, or the bare public key.
#[derive(Clone)]
pub enum ProviderKey {
    /// An X.509 certificate, DER.
    Certificate(Vec<u8>),
    /// A SubjectPublicKeyInfo, DER.
    PublicKey(Vec<u8>),
}

impl std::fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderKey")
    }
}

impl ProviderKey {
    /// The key in `file`: a certificate or a `PUBLIC KEY`, PEM or DER.
    pub fn read(file: &[u8]) -> Result<Self, CertificateError> {
        let certificate = der_of(file, "CERTIFICATE").map(Self::Certificate);
        let bare = der_of(file, "PUBLIC KEY").map(Self::PublicKey);
        if certificate.is_none() && bare.is_none() {
            return Err(CertificateError::Unreadable);
        }
        let usable = |key: &Self| key.is_readable();
        certificate.filter(usable).or_else(|| bare.filter(usable)).ok_or(CertificateError::NoKey)
    }

    fn is_readable(&self) -> bool {
        match self {
            Self::Certificate(der) => EndEntityCert::try_from(&CertificateDer::from(der.as_slice())).is_ok(),
            Self::PublicKey(der) => {
                RawPublicKeyEntity::try_from(&SubjectPublicKeyInfoDer::from(der.as_slice())).is_ok()
            }
        }
    }

    /// Whether `signature` over `message` is RSA PKCS#1 v1.5 with SHA-256 by this key: RS256 and nothing
    /// else, whatever a token says of itself.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm = webpki::ring::RSA_PKCS1_2048_8192_SHA256;
        match self {
            Self::Certificate(der) => EndEntityCert::try_from(&CertificateDer::from(der.as_slice()))
                .is_ok_and(|key| key.verify_signature(algorithm, message, signature).is_ok()),
            Self::PublicKey(der) => RawPublicKeyEntity::try_from(&SubjectPublicKeyInfoDer::from(der.as_slice()))
                .is_ok_and(|key| key.verify_signature(algorithm, message, signature).is_ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_over_the_der_whatever_the_file() {
        let der: Vec<u8> = [vec![0x30, 0x82, 0x01, 0x00], vec![7; 256]].concat();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&der));
        let hash = certificate_hash(&der).unwrap();
        assert_eq!(certificate_hash(pem.as_bytes()).unwrap(), hash);
        assert_eq!(hash.len(), 64);
        assert!(hash.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
        assert!(certificate_hash(b"hello").is_err());
    }

    #[test]
    fn streebog_is_the_one_of_the_standard() {
        // GOST R 34.11-2012, example 1 (message M1), 256 bits.
        let message = b"012345678901234567890123456789012345678901234567890123456789012";
        assert_eq!(
            hex::encode(Streebog256::digest(message)),
            "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"
        );
    }
}
