//! The same promises of a folder and of S3, which is played by a few lines here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use kabinet_core::TenantId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::{FileError, Files, FilesConfig};

const ONE: TenantId = TenantId(Uuid::from_u128(1));
const OTHER: TenantId = TenantId(Uuid::from_u128(2));
const FILE: Uuid = Uuid::from_u128(7);

async fn keeps_its_promises(files: &Files) {
    files.ping().await.expect("an answer");
    assert!(matches!(files.get(ONE, "requests", FILE).await, Err(FileError::Missing)));
    let bytes = vec![0, 255, 10, 13];
    files.put(ONE, "requests", FILE, bytes.clone()).await.expect("kept");
    assert_eq!(files.get(ONE, "requests", FILE).await.expect("found"), bytes);
    // The same identifier under another company or section is another file.
    assert!(matches!(files.get(OTHER, "requests", FILE).await, Err(FileError::Missing)));
    assert!(matches!(files.get(ONE, "meters", FILE).await, Err(FileError::Missing)));
    files.remove(ONE, "requests", FILE).await.expect("removed");
    files.remove(ONE, "requests", FILE).await.expect("removed already");
    assert!(matches!(files.get(ONE, "requests", FILE).await, Err(FileError::Missing)));
    let several = [FILE, Uuid::from_u128(8)];
    files.put_all(ONE, "requests", several.map(|id| (id, bytes.clone())).into()).await.expect("kept");
    assert_eq!(files.get(ONE, "requests", several[1]).await.expect("found"), bytes);
    files.put(OTHER, "requests", Uuid::from_u128(9), bytes.clone()).await.expect("kept");
    let mut listed = files.list(ONE, "requests").await.expect("a list");
    listed.sort_unstable();
    assert_eq!(listed, several);
    assert!(files.list(ONE, "meters").await.expect("a list").is_empty(), "of another section");
    files.remove(OTHER, "requests", Uuid::from_u128(9)).await.expect("removed");
    files.let_go(ONE, "requests", several.into()).await;
    for id in several {
        assert!(matches!(files.get(ONE, "requests", id).await, Err(FileError::Missing)));
    }
}

#[tokio::test]
async fn a_folder_keeps_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let usual = dir.path().join("files");
    keeps_its_promises(&Files::open(&FilesConfig::default(), &usual).expect("open")).await;
    // A folder that the configuration names goes before the usual one.
    let named = FilesConfig { dir: dir.path().join("named"), ..FilesConfig::default() };
    let files = Files::open(&named, &dir.path().join("unused")).expect("open");
    files.put(ONE, "requests", FILE, b"a".to_vec()).await.expect("kept");
    assert!(dir.path().join(format!("named/{ONE}/requests/{FILE}")).is_file());
    assert!(!dir.path().join("unused").exists());
}

type Objects = Arc<Mutex<HashMap<String, Vec<u8>>>>;

#[tokio::test]
async fn a_bucket_keeps_files() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let objects = Objects::default();
    let kept = objects.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, kept.clone()));
        }
    });
    let config = FilesConfig {
        s3_bucket: "kabinet".to_owned(),
        s3_endpoint: format!("http://{address}"),
        s3_access_key: "the-key".to_owned(),
        s3_secret_key: "the-secret".to_owned(),
        ..FilesConfig::default()
    };
    assert!(!format!("{config:?}").contains("the-secret"));
    let dir = tempfile::tempdir().expect("a folder");
    let files = Files::open(&config, &dir.path().join("unused")).expect("open");
    keeps_its_promises(&files).await;
    assert!(!dir.path().join("unused").exists(), "nothing lies in the folder");
    files.put(ONE, "requests", FILE, b"a".to_vec()).await.expect("kept");
    let names: Vec<String> = objects.lock().expect("objects").keys().cloned().collect();
    assert_eq!(names, [format!("/kabinet/{ONE}/requests/{FILE}")]);
}

/// One connection of the stand-in: PUT, GET, HEAD and DELETE of signed requests.
async fn talk(mut stream: TcpStream, objects: Objects) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            let mut piece = [0_u8; 4096];
            match stream.read(&mut piece).await {
                Ok(length) if length > 0 => bytes.extend_from_slice(&piece[..length]),
                _ => return,
            }
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let field = |name: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
            line.map(|line| line[name.len() + 1..].trim().to_owned()).unwrap_or_default()
        };
        let length: usize = field("content-length").parse().unwrap_or_default();
        let mut body = bytes.split_off(end + 4);
        while body.len() < length {
            let mut piece = [0_u8; 4096];
            match stream.read(&mut piece).await {
                Ok(read) if read > 0 => body.extend_from_slice(&piece[..read]),
                _ => return,
            }
        }
        bytes = body.split_off(length);
        let signed = field("authorization").starts_with("AWS4-HMAC-SHA256 Credential=the-key/");
        let answer = if signed { answer(&head, body, &objects) } else { plain(403, &[], false) };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn answer(head: &str, body: Vec<u8>, objects: &Objects) -> Vec<u8> {
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
    let mut objects = objects.lock().expect("objects");
    match method {
        "PUT" => {
            objects.insert(path, body);
            plain(200, &[], false)
        }
        "DELETE" => {
            objects.remove(&path);
            plain(204, &[], false)
        }
        "GET" if path.contains("?list-type=2") => plain(200, listing(&path, &objects).as_bytes(), false),
        _ => match objects.get(&path) {
            Some(bytes) => plain(200, bytes, method == "HEAD"),
            None => plain(404, &[], false),
        },
    }
}

/// The bucket's names that begin as the address wants.
fn listing(path: &str, objects: &HashMap<String, Vec<u8>>) -> String {
    let prefix = path.split("prefix=").nth(1).unwrap_or_default().replace("%2F", "/");
    let names = objects.keys().filter_map(|name| name.strip_prefix("/kabinet/"));
    let item = |name: &str| {
        format!(
            "<Contents><Key>{name}</Key><LastModified>2026-11-22T07:00:00.000Z</LastModified><ETag>1</ETag>\
             <Size>4</Size></Contents>"
        )
    };
    let items: String = names.filter(|name| name.starts_with(&prefix)).map(item).collect();
    format!("<ListBucketResult>{items}</ListBucketResult>")
}

fn plain(status: u16, body: &[u8], head_only: bool) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 07:00:00 GMT\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), if head_only { &[] } else { body }].concat()
}
