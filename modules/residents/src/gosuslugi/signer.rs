//! Who signs: the key of the registered system never enters this program in production.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};

/// Longest signature that is believed: 64 bytes by GOST R 34.10-2012 of 256 bits, 512 by RSA-4096.
const LONGEST: u64 = 1024;

/// Why there is no signature. Says nothing about the key.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The program cannot be started or spoken to.
    #[error("the signer does not run: {0}")]
    Io(#[from] std::io::Error),
    /// It took too long.
    #[error("the signer did not answer in time")]
    Timeout,
    /// It ended with a failure.
    #[error("the signer failed: {0}")]
    Failed(std::process::ExitStatus),
    /// What it wrote is no raw signature.
    #[error("the signer wrote {0} bytes, which is no raw signature")]
    NoSignature(usize),
    /// A key made here could not be used.
    #[error("the key cannot be used")]
    Key,
}

/// Signs for a registered system.
#[async_trait]
pub trait Signer: Send + Sync + std::fmt::Debug {
    /// The raw signature over `message` by the key of `client_id`.
    async fn sign(&self, client_id: &str, message: &[u8]) -> Result<Vec<u8>, SignerError>;
}

/// An external program: the string on its standard input, the raw signature on its standard output. No
/// shell stands between; `{client_id}` in an argument becomes the system that signs.
#[derive(Clone, Debug)]
pub struct CommandSigner {
    program: String,
    arguments: Vec<String>,
    timeout: Duration,
}

impl CommandSigner {
    /// The program with its arguments; `None` when `command` is empty.
    #[must_use]
    pub fn new(command: &[String], timeout: Duration) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        Some(Self { program: program.clone(), arguments: arguments.to_vec(), timeout })
    }

    async fn run(&self, client_id: &str, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let arguments = self.arguments.iter().map(|argument| argument.replace("{client_id}", client_id));
        let mut child = Command::new(&self.program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            hand_over(&mut input, message).await?;
        }
        let mut signature = Vec::new();
        if let Some(output) = child.stdout.take() {
            output.take(LONGEST + 1).read_to_end(&mut signature).await?;
        }
        let status = child.wait().await?;
        if !status.success() {
            return Err(SignerError::Failed(status));
        }
        let usual = 64..=usize::try_from(LONGEST).unwrap_or(usize::MAX);
        if usual.contains(&signature.len()) { Ok(signature) } else { Err(SignerError::NoSignature(signature.len())) }
    }
}

/// Gives the program its string. One that ended without reading it says why by its exit status.
async fn hand_over(input: &mut ChildStdin, message: &[u8]) -> Result<(), SignerError> {
    let written = async {
        input.write_all(message).await?;
        input.shutdown().await
    };
    match written.await {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[async_trait]
impl Signer for CommandSigner {
    async fn sign(&self, client_id: &str, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let run = tokio::time::timeout(self.timeout, self.run(client_id, message));
        run.await.map_err(|_| SignerError::Timeout)?
    }
}

/// Keys in memory, one a system, for the demo: Ed25519, whose signatures have 64 bytes as GOST's have.
#[derive(Default)]
pub struct MemorySigner(HashMap<String, Ed25519KeyPair>);

impl std::fmt::Debug for MemorySigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemorySigner")
    }
}

impl MemorySigner {
    /// Takes the key of a system, a PKCS#8 document; the public key comes back, 32 bytes, which the other side
    /// registers.
    pub fn add(&mut self, client_id: &str, document: &[u8]) -> Result<Vec<u8>, SignerError> {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| SignerError::Key)?;
        let public = key.public_key().as_ref().to_vec();
        self.0.insert(client_id.to_owned(), key);
        Ok(public)
    }
}

#[async_trait]
impl Signer for MemorySigner {
    async fn sign(&self, client_id: &str, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let key = self.0.get(client_id).ok_or(SignerError::Key)?;
        Ok(key.sign(message).as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, seconds: u64) -> CommandSigner {
        let command = ["/bin/sh", "-c", script, "signer", "{client_id}"].map(str::to_owned);
        CommandSigner::new(&command, Duration::from_secs(seconds)).unwrap()
    }

    #[tokio::test]
    async fn the_string_goes_in_and_the_signature_comes_out() {
        let signer = shell("cat; printf %054d 0; printf %s \"$1\"", 10);
        let signature = signer.sign("ABC", b"message").await.unwrap();
        assert_eq!(signature.len(), 64);
        assert!(signature.starts_with(b"message") && signature.ends_with(b"ABC"));
    }

    #[tokio::test]
    async fn a_signer_that_fails_is_told_apart() {
        assert!(matches!(shell("exit 3", 10).sign("A", b"m").await, Err(SignerError::Failed(_))));
        let more_than_a_pipe_holds = vec![b'm'; 1 << 20];
        let unread = shell("exit 3", 10).sign("A", &more_than_a_pipe_holds).await;
        assert!(matches!(unread, Err(SignerError::Failed(_))), "{unread:?}");
        assert!(matches!(shell("echo short", 10).sign("A", b"m").await, Err(SignerError::NoSignature(6))));
        assert!(matches!(shell("sleep 30", 0).sign("A", b"m").await, Err(SignerError::Timeout)));
        let absent = CommandSigner::new(&["/nonexistent/signer".to_owned()], Duration::from_secs(1)).unwrap();
        assert!(matches!(absent.sign("A", b"m").await, Err(SignerError::Io(_))));
        assert!(CommandSigner::new(&[], Duration::from_secs(1)).is_none());
    }

    #[tokio::test]
    async fn keys_in_memory_sign_for_their_own_system_only() {
        let mut signer = MemorySigner::default();
        let mut add = |client_id| {
            let document = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
            let public = signer.add(client_id, document.as_ref()).unwrap();
            ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public)
        };
        let (a, b) = (add("A"), add("B"));
        let signature = signer.sign("A", b"message").await.unwrap();
        assert_eq!(signature.len(), 64);
        assert!(a.verify(b"message", &signature).is_ok() && a.verify(b"other", &signature).is_err());
        assert!(b.verify(b"message", &signature).is_err());
        assert!(matches!(signer.sign("C", b"message").await, Err(SignerError::Key)));
    }
}
