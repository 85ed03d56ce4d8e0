//! Encryption of a connection, with the roots that this machine trusts.

use crate::Connection;
use rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider, pki_types::ServerName};
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;

/// The connection itself where nobody is to be certified; else an encrypted one to whom the certificate names.
pub(super) async fn over(
    connection: Box<dyn Connection>,
    certified: Option<&str>,
) -> Result<Box<dyn Connection>, String> {
    let Some(name) = certified else { return Ok(connection) };
    let connector = TlsConnector::from(configuration()?);
    let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let encrypted = connector.connect(name, connection).await.map_err(|error| error.to_string())?;
    Ok(Box::new(encrypted))
}

/// Read once in the life of a process: some hundred certificates.
fn configuration() -> Result<Arc<ClientConfig>, String> {
    static CONFIGURATION: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    CONFIGURATION.get_or_init(read_configuration).clone()
}

fn read_configuration() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(format!("this machine has no certificates that it trusts{why}"));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
