//! TLS to a server: with the right certificate it is used, and with any other nothing is sent. A stand-in with certificates of
//! its own takes TLS off before the lab's PostgreSQL, which has none.

use crate::support::*;
use ledger::{Book as _, LedgerError, LedgerErrorKind, OpenMode, PostgresBook, PostgresPlace};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::path::Path;
use std::process::Command as Program;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

fn openssl(folder: &Path, words: &str) {
    let output = Program::new("openssl").current_dir(folder).args(words.split(' ')).output().expect("openssl");
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Somebody who signs: `NAME.crt`.
fn signer(folder: &Path, name: &str) {
    let made = format!("-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key -out {name}.crt");
    openssl(folder, &format!("req -x509 {made} -subj /CN={name} -days 2"));
}

/// A certificate of a server, signed by `by`, and what the server needs of it.
fn certificate(folder: &Path, by: &str, host: &str) -> ServerConfig {
    let made = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.crt";
    let says = format!("-addext subjectAltName=DNS:{host} -addext basicConstraints=critical,CA:FALSE");
    openssl(folder, &format!("req -x509 -CA {by}.crt -CAkey {by}.key {made} -subj /CN=server -days 2 {says}"));
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.crt")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    config.with_no_client_auth().with_single_cert(chain, key).expect("a server")
}

/// Stands before the server at a port and takes TLS off. The port to connect to; it ends with the runtime.
async fn stand_in(config: ServerConfig, server: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // The request for TLS, and that there is some (PostgreSQL 15, 55.2.10, "SSL Session Encryption").
                let mut request = [0; 8];
                client.read_exact(&mut request).await?;
                assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "nothing goes before TLS");
                client.write_all(b"S").await?;
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    port
}

/// Opens the ledger over `localhost`.
fn open(url: &str, port: u16, words: &str, root: &Path) -> Result<PostgresBook, LedgerError> {
    let url = url.replace("127.0.0.1", "localhost");
    let place = PostgresPlace::read(&format!("{url}?{words}&sslrootcert={}", root.display()), None)?;
    let keys = tempfile::tempdir().expect("a folder");
    assert!(place.to_string().contains(&port.to_string()), "{place}");
    PostgresBook::open(&place, keys.path(), OpenMode::Existing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn real_only_the_server_that_was_asked_for_is_spoken_to() {
    let desk = Desk::on_postgres();
    desk.post(&[grant("g1", 100)]).await;
    let server = lab::postgres().expect("lab up postgres").port();
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, others) = (folder.path().join("ours.crt"), folder.path().join("others.crt"));
    signer(folder.path(), "ours");
    signer(folder.path(), "others");
    let right = stand_in(certificate(folder.path(), "ours", "localhost"), server).await;
    let misnamed = stand_in(certificate(folder.path(), "ours", "db.example.org"), server).await;
    for (port, words, root, expected) in [
        (right, "sslmode=verify-full", &ours, Ok(())),
        (right, "sslmode=verify-ca", &ours, Ok(())),
        (right, "sslmode=require", &ours, Ok(())),
        (misnamed, "sslmode=verify-ca", &ours, Ok(())),
        (misnamed, "sslmode=verify-full", &ours, Err("the server's certificate names another server")),
        (right, "sslmode=verify-full", &others, Err("the server's certificate is not signed by the root certificate")),
        (misnamed, "sslmode=verify-ca", &others, Err("the server's certificate is not signed by the root certificate")),
        (server, "sslmode=verify-full", &ours, Err("the server has no TLS, and its place asks for it")),
        (server, "sslmode=require", &ours, Err("the server has no TLS, and its place asks for it")),
    ] {
        match (open(&desk.database().tcp_url_at(port), port, words, root), expected) {
            (Ok(book), Ok(())) => assert_eq!(book.grants(None).await.expect("read").len(), 1),
            (Err(error), Err(why)) => {
                assert_eq!((error.kind, error.why.as_str()), (LedgerErrorKind::Invalid, why), "{:?}", error.facts);
            }
            (opened, expected) => panic!("{words} at {port}: {:?}, not {expected:?}", opened.map(drop)),
        }
    }
}
