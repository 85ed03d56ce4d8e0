//! TLS to a server: what a URL asks for, and who has to be at the other end.
//!
//! The modes are those of PostgreSQL's manual (15, 34.19, "SSL Support"), less those that go on in plain text where the other
//! side says that it has no TLS. `require` looks at the certificate's issuer, as libpq does where a root certificate is there.

use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind};
use percent_encoding::percent_decode_str;
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

/// What a URL says of TLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    mode: Option<String>,
    root: Option<PathBuf>,
}

/// How a server is reached.
#[derive(Clone)]
pub(super) enum Security {
    /// In plain text: the server is here, or somebody has said that it may be so.
    Plain,
    Tls(Tls),
}

/// Takes what is about TLS out of a URL.
pub(super) fn taken_from(url: &str) -> Result<(String, Asked)> {
    let mut asked = Asked::default();
    let Some((place, query)) = url.split_once('?') else { return Ok((url.to_owned(), asked)) };
    let mut rest = Vec::new();
    for part in query.split('&') {
        let value =
            |text| percent_decode_str(text).decode_utf8().map_err(|_| invalid("the URL has bytes that are no text"));
        match part.split_once('=') {
            Some(("sslmode", mode)) => asked.mode = Some(value(mode)?.into_owned()),
            Some(("sslrootcert", root)) => asked.root = Some(PathBuf::from(value(root)?.as_ref())),
            _ => rest.push(part),
        }
    }
    Ok((format!("{place}?{}", rest.join("&")), asked))
}

impl Asked {
    /// What that comes to; `elsewhere` is a host that is not this machine, where there is one.
    pub(super) fn security(&self, elsewhere: Option<&str>) -> Result<Security> {
        let any_name = match (self.mode.as_deref(), elsewhere) {
            (None, Some(host)) => return Err(not_said(host)),
            (None, None) | (Some("disable"), _) => return Ok(Security::Plain),
            (Some("require" | "verify-ca"), _) => true,
            (Some("verify-full"), _) => false,
            (Some(mode @ ("prefer" | "allow")), _) => {
                let why = format!(
                    "`sslmode={mode}` goes on in plain text where the server has no TLS, or somebody in between says so; \
                     write `sslmode=verify-full&sslrootcert=FILE`, or `sslmode=disable` where that is meant"
                );
                return Err(invalid(why));
            }
            (Some(_), _) => {
                return Err(invalid("`sslmode` is none of disable, require, verify-ca and verify-full"));
            }
        };
        Ok(Security::Tls(Tls { config: Arc::new(self.config(any_name)?) }))
    }

    fn config(&self, any_name: bool) -> Result<ClientConfig> {
        let root = self.root.as_ref().ok_or_else(|| {
            invalid("the URL asks for TLS and does not say who signs the server's certificate: add `sslrootcert=FILE`")
        })?;
        let unread = |error: &dyn std::fmt::Display| {
            invalid(format!("the root certificate `{}` cannot be read: {error}", root.display()))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(root).map_err(|error| unread(&error))? {
            roots.add(certificate.map_err(|error| unread(&error))?).map_err(|error| unread(&error))?;
        }
        if roots.is_empty() {
            return Err(unread(&"it has no certificate"));
        }
        let (roots, provider) = (Arc::new(roots), Arc::new(default_provider()));
        let bug = |error: &dyn std::fmt::Display| {
            LedgerError::never(LedgerErrorKind::Bug, "TLS cannot be set up").with_fact("tls", &error)
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| bug(&error))?;
        if !any_name {
            return Ok(builder.with_root_certificates(roots).with_no_client_auth());
        }
        let known =
            WebPkiServerVerifier::builder_with_provider(roots, provider).build().map_err(|error| bug(&error))?;
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(known))).with_no_client_auth())
    }
}

fn not_said(host: &str) -> LedgerError {
    invalid(format!(
        "`{host}` is another machine, and the URL does not say how what goes there is encrypted: add \
         `sslmode=verify-full&sslrootcert=FILE`, or reach the server by a tunnel (`ssh -L`) and name 127.0.0.1"
    ))
}

fn invalid(why: impl Into<String>) -> LedgerError {
    LedgerError::never(LedgerErrorKind::Invalid, why)
}

/// Looks at who signed a certificate, and not at whom it names. The name is looked at last, so that whatever else is wrong is
/// found before.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Makes encrypted connections.
#[derive(Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
}

/// One that is to be made, with the name that was asked for.
pub(super) struct Connect {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// One that is there.
pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type TlsConnect = Connect;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> std::result::Result<Connect, Self::Error> {
        Ok(Connect { config: Arc::clone(&self.config), name: ServerName::try_from(domain.to_owned())? })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Connect {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { TlsConnector::from(self.config).connect(self.name, stream).await.map(Encrypted) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, to)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
