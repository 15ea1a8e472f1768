//! A real mail server for tests: `smtp.mjs` in `tests/browser`, which stores what it accepts.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::house::root;
use crate::letters::path_of;
use crate::process::{free_port, guarded, new_folder, run, start};

/// Where the server's script is, with its packages installed: by one test for all.
static SCRIPTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let scripts = root().join("tests/browser");
    if !scripts.join("node_modules/smtp-server").exists() {
        run(Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&scripts));
    }
    scripts
});

/// A mail server. It is stopped when dropped.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    folder: PathBuf,
    login: Option<(&'static str, &'static str)>,
    tls: Option<Tls>,
    child: Option<Child>,
}

/// How a mail server speaks TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// From the start, or after STARTTLS.
    pub implicit: bool,
    /// Its certificate and that one's key, PEM files.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// A message that it accepted.
#[derive(Clone, Debug, Deserialize)]
pub struct Received {
    /// Who sent it and to whom, by the protocol.
    pub envelope: Envelope,
    /// Who was logged in.
    pub user: Option<String>,
    /// Whether it came encrypted.
    pub secure: bool,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Subject, decoded.
    pub subject: String,
    /// Sender, decoded.
    pub from: Sender,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The message as it came.
    pub raw: String,
}

/// The envelope.
#[derive(Clone, Debug, Deserialize)]
pub struct Envelope {
    /// Sender.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
}

/// A sender.
#[derive(Clone, Debug, Deserialize)]
pub struct Sender {
    /// Address.
    pub address: String,
    /// Name.
    pub name: String,
}

impl Received {
    /// The path and query of the first link in the plain part whose path begins so: what a [`crate::Browser`] of the
    /// company opens.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn path(&self, beginning: &str) -> String {
        path_of(&self.text, beginning)
    }
}

impl MailServer {
    /// A running server that takes mail from anybody.
    #[must_use]
    pub fn new() -> Self {
        Self::started(None, None)
    }

    /// A running server that takes mail from this user.
    #[must_use]
    pub fn for_user(user: &'static str, password: &'static str) -> Self {
        Self::started(Some((user, password)), None)
    }

    /// A running server that takes mail from this user and speaks TLS.
    #[must_use]
    pub fn with_tls(user: &'static str, password: &'static str, tls: Tls) -> Self {
        Self::started(Some((user, password)), Some(tls))
    }

    fn started(login: Option<(&'static str, &'static str)>, tls: Option<Tls>) -> Self {
        let mut server = Self { port: free_port(), folder: new_folder("mail"), login, tls, child: None };
        server.start();
        server
    }

    /// What the platform is configured with.
    #[must_use]
    pub fn url(&self) -> String {
        let login = self.login.map(|(user, password)| format!("{user}:{password}@")).unwrap_or_default();
        match &self.tls {
            None => format!("smtp://{login}127.0.0.1:{}", self.port),
            Some(tls) if tls.implicit => format!("smtps://{login}localhost:{}", self.port),
            // On this machine STARTTLS must be asked for.
            Some(_) => format!("smtp://{login}localhost:{}?tls=required", self.port),
        }
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When it does not.
    pub fn start(&mut self) {
        let scripts = LazyLock::force(&SCRIPTS);
        let mut node = guarded("node".as_ref(), "KILL", None);
        node.arg(scripts.join("smtp.mjs")).arg(self.port.to_string()).arg(&self.folder);
        if let Some((user, password)) = self.login {
            node.env("SMTP_USER", user).env("SMTP_PASSWORD", password);
        }
        if let Some(tls) = &self.tls {
            node.env("SMTP_TLS", if tls.implicit { "implicit" } else { "starttls" });
            node.env("SMTP_CERT", &tls.certificate).env("SMTP_KEY", &tls.key);
        }
        self.child = Some(start(node));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the mail server does not listen");
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Stops it; what it accepted stays.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What it accepted so far, oldest first.
    ///
    /// # Panics
    /// When its folder cannot be read.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        let read = |number: usize| std::fs::read(self.folder.join(format!("{number}.json"))).ok();
        let files = (1..).map_while(read);
        files.map(|json| serde_json::from_slice(&json).expect("a message")).collect()
    }

    /// What it accepted for an address so far, oldest first.
    ///
    /// # Panics
    /// As [`Self::received`].
    #[must_use]
    pub fn received_for(&self, to: &str) -> Vec<Received> {
        self.received().into_iter().filter(|letter| letter.envelope.to == [to]).collect()
    }

    /// What it accepted for an address, once there are `count` messages. Others may get letters meanwhile: a
    /// company's automatic notices do not wait for a test.
    ///
    /// # Panics
    /// When there are fewer after a while.
    #[must_use]
    pub fn wait_for(&self, to: &str, count: usize) -> Vec<Received> {
        let begun = Instant::now();
        loop {
            let received = self.received_for(to);
            if received.len() >= count {
                return received;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{} of {count} messages for {to}", received.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Default for MailServer {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};

    use super::*;

    /// Sends a message, or one that is cut off by the end of its sender.
    fn send(server: &MailServer, message: &str) {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
        let mut answers = BufReader::new(socket.try_clone().expect("a connection")).lines();
        answers.next().expect("an answer").expect("a greeting");
        for line in ["HELO a", "MAIL FROM:<a@b.ru>", "RCPT TO:<x@b.ru>", "DATA"] {
            write!(socket, "{line}\r\n").expect("a command");
            answers.next().expect("an answer").expect("an answer");
        }
        socket.write_all(message.as_bytes()).expect("a message");
        if message.ends_with("\r\n.\r\n") {
            answers.next().expect("an answer").expect("an answer");
        }
    }

    #[test]
    fn a_message_that_was_cut_off_is_none_and_the_next_one_arrives() {
        let server = MailServer::new();
        send(&server, "From: a@b.ru\r\nSubject: half");
        std::thread::sleep(Duration::from_millis(300));
        send(&server, "From: a@b.ru\r\nSubject: whole\r\n\r\nHello\r\n.\r\n");
        let subjects: Vec<String> = server.received().into_iter().map(|letter| letter.subject).collect();
        assert_eq!(subjects, ["whole"]);
    }
}
