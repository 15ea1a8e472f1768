//! GOST R 34.10-2012 for real: Debian's OpenSSL engine signs as the external command, and verifies for the
//! provider.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kabinet_core::{Clock, Timestamp};
use kabinet_residents::gosuslugi::{
    Client, ClientConfig, CommandSigner, Endpoint, Failure, Gosuslugi, Identity, Signer, certificate,
};
use kabinet_server::demo::gosuslugi::{Provider, Redirects, Registration, Verifier, fresh_key};
use kabinet_tests::Browser;
use kabinet_tests::process::new_folder;
use poem::Server;
use poem::listener::{Acceptor, Listener, TcpListener};

use crate::journey::{field, path_on};

const CALLBACK: &str = "http://portal.example/esia/callback";
const MNEMONIC: &str = "7400KABINET";

/// A key and a certificate of it, made by the engine.
struct Keys(PathBuf);

impl Keys {
    fn generate() -> Self {
        let folder = new_folder("gost");
        let keys = Self(folder);
        let key = keys.file("key.pem");
        openssl(&["genpkey", "-engine", "gost", "-algorithm", "gost2012_256", "-pkeyopt", "paramset:A", "-out", &key]);
        let certificate = keys.file("certificate.pem");
        openssl(&[
            "req",
            "-engine",
            "gost",
            "-new",
            "-x509",
            "-md_gost12_256",
            "-key",
            &key,
            "-subj",
            "/CN=Kabinet",
            "-days",
            "30",
            "-out",
            &certificate,
        ]);
        openssl(&["x509", "-in", &certificate, "-outform", "DER", "-out", &keys.file("certificate.der")]);
        openssl(&["pkey", "-engine", "gost", "-in", &key, "-pubout", "-out", &keys.file("public.pem")]);
        keys
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect(name)
    }

    /// The command of docs/gosuslugi.md.
    fn signer(&self) -> CommandSigner {
        let key = self.file("key.pem");
        let command = ["openssl", "dgst", "-engine", "gost", "-md_gost12_256", "-sign", &key].map(str::to_owned);
        CommandSigner::new(&command, Duration::from_secs(10)).expect("a command")
    }
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("openssl");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "openssl's GOST engine does not work: install libengine-gost-openssl (make test-tools)\n{words}"
    );
    output.stdout
}

/// The engine's own verification.
struct Engine(Arc<Keys>);

#[async_trait]
impl Verifier for Engine {
    async fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        use std::io::Write;
        let file = self.0.file(&format!("signature-{}", uuid::Uuid::new_v4()));
        std::fs::write(&file, signature).expect("a signature");
        let public = self.0.file("public.pem");
        let arguments = ["dgst", "-engine", "gost", "-md_gost12_256", "-verify", &public, "-signature", &file];
        let mut command = Command::new("openssl");
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl");
        child.stdin.take().expect("a pipe").write_all(message).expect("the message");
        child.wait().expect("openssl").success()
    }
}

#[test]
fn the_engine_signs_raw_and_the_hash_is_its_own() {
    let keys = Arc::new(Keys::generate());
    let hash = certificate::certificate_hash(&keys.read("certificate.pem")).expect("a certificate");
    assert_eq!(certificate::certificate_hash(&keys.read("certificate.der")), Ok(hash.clone()));
    let digest = openssl(&["dgst", "-engine", "gost", "-md_gost12_256", "-r", &keys.file("certificate.der")]);
    let digest = String::from_utf8_lossy(&digest).to_uppercase();
    assert!(digest.starts_with(&hash), "{digest} and {hash}");
    kabinet_tests::block_on(async {
        let signature = keys.signer().sign(MNEMONIC, b"message").await.expect("a signature");
        assert_eq!(signature.len(), 64, "raw: s and r of 32 bytes each");
        let engine = Engine(keys.clone());
        assert!(engine.verifies(b"message", &signature).await);
        assert!(!engine.verifies(b"massage", &signature).await);
        // Byte order matters: CryptoPro's CSP writes the whole signature reversed.
        let reversed: Vec<u8> = signature.iter().rev().copied().collect();
        assert!(!engine.verifies(b"message", &reversed).await);
    });
}

/// The provider on a port of its own, and a client that signs with `keys`.
async fn stage(keys: &Arc<Keys>, signing: &Keys) -> (SocketAddr, Gosuslugi, Client) {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
    let address = *acceptor.local_addr()[0].as_socket_addr().expect("an address");
    let origin = format!("http://esia.localhost:{}", address.port());
    let provider = Provider::new(&origin, &fresh_key().expect("a key"), Clock::system()).expect("a provider");
    let certificate_hash = certificate::certificate_hash(&keys.read("certificate.der")).expect("a certificate");
    provider.register(Registration {
        client_id: MNEMONIC.to_owned(),
        certificate_hash: certificate_hash.clone(),
        verifier: Arc::new(Engine(keys.clone())),
        redirects: Redirects::Listed(vec![CALLBACK.to_owned()]),
    });
    let endpoint = Endpoint {
        base_url: origin,
        issuer: provider.issuer().to_owned(),
        key: provider.key(),
        address: Some(address),
        roots: Vec::new(),
        timeout: Duration::from_secs(10),
    };
    let config = ClientConfig { endpoint, client_id: MNEMONIC.to_owned(), certificate_hash: certificate_hash.clone() };
    let client = Gosuslugi::new(config, Arc::new(signing.signer())).expect("a client");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(provider.endpoint()));
    (address, client, Client { client_id: MNEMONIC.to_owned(), certificate_hash })
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// Logs a person in at the provider: the code.
async fn code_of(address: SocketAddr, url: String) -> Option<String> {
    let browse = move || {
        let mut browser = Browser::new(address, "esia.localhost");
        let answer = browser.get(&path_on(&url, &browser.host.clone()));
        if answer.status != 200 {
            return None;
        }
        let mut form = answer.page().form("/login").with("login", "gost@mail.example").with("password", "any");
        form.fields.push(("answer".to_owned(), "enter".to_owned()));
        Some(field(browser.submit(&form).expect(302).location(), "code"))
    };
    tokio::task::spawn_blocking(browse).await.expect("a browser")
}

#[test]
fn a_person_logs_in_with_requests_signed_by_gost() {
    kabinet_tests::block_on(async {
        let keys = Arc::new(Keys::generate());
        let (address, gosuslugi, client) = stage(&keys, &keys).await;
        let (_, url) = gosuslugi.authorize(&client, CALLBACK, now()).await.expect("an address");
        let code = code_of(address, url).await.expect("a code");
        let identity: Identity = gosuslugi.identify(&client, CALLBACK, &code, now()).await.expect("a person");
        assert_eq!(identity.email.as_deref(), Some("gost@mail.example"));
        let replay = gosuslugi.identify(&client, CALLBACK, &code, now()).await;
        assert!(matches!(replay, Err(Failure::Refused(_))), "{replay:?}");
    });
}

#[test]
fn another_systems_key_is_refused() {
    kabinet_tests::block_on(async {
        let (keys, stolen) = (Arc::new(Keys::generate()), Keys::generate());
        let (address, gosuslugi, client) = stage(&keys, &stolen).await;
        let (_, url) = gosuslugi.authorize(&client, CALLBACK, now()).await.expect("an address");
        assert_eq!(code_of(address, url).await, None);
        assert!(Path::new(&stolen.file("key.pem")).exists());
    });
}
