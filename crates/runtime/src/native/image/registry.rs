//! One registry, asked about one image: documents and blobs, with errors a person can act on.

use std::error::Error;
use std::io;
use std::sync::Once;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use oci_client::client::{ClientConfig, ClientProtocol, SizedStream};
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};

use super::archive::MAX_DOCUMENT;
use super::digest::Digest;
use super::error::ImageError;
use super::identity::{ExchangeError, Identity};
use super::manifest::{ACCEPTED, Descriptor, Document, choose};
use crate::registry::{self as reference, Login, Reference, Registries};

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest silence in the middle of an answer.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) const USER_AGENT: &str = "longshore";

pub(super) struct Registry {
    client: Client,
    /// The image's name, and where it is asked for if that is elsewhere.
    label: String,
    reference: Reference,
    auth: Auth,
}

enum Auth {
    AsItIs(RegistryAuth),
    Exchanged(Identity),
}

/// The image manifest chosen for this host.
pub(super) struct Chosen {
    pub(super) manifest: Document,
    /// Of what the reference names: the index, if there is one. This is the digest that
    /// `repository@digest` asks for and that ECS shows.
    pub(super) digest: Digest,
}

impl Registry {
    /// The registry of an image, or its mirror.
    pub(super) async fn open(
        image: &Reference,
        registries: &Registries,
        login: Option<Login>,
    ) -> Result<Self, ImageError> {
        let reference = registries.at_mirror(image)?;
        let label = match reference == *image {
            true => reference::full_name(image),
            false => format!(
                "{}` as `{}",
                reference::full_name(image),
                reference::full_name(&reference)
            ),
        };
        // A mirror is another registry, where the login of the first is nobody's business.
        let login = match login.filter(|_| reference == *image) {
            Some(login) => Some(login),
            None => registries.login(reference.registry()).await?,
        };
        let client = connect(&reference, &label, registries)?;
        Ok(Self {
            auth: auth(login, &reference, registries).map_err(|error| ImageError::Registry {
                reference: label.clone(),
                cause: error.to_string(),
            })?,
            client,
            label,
            reference,
        })
    }

    /// Afterwards the client knows what to show. Does nothing if the registry wants nothing.
    async fn log_in(&self) -> Result<(), ImageError> {
        let auth = match &self.auth {
            Auth::AsItIs(auth) => auth.clone(),
            Auth::Exchanged(identity) => {
                let exchanged = identity.exchange().await;
                exchanged.map_err(|error| self.explain_exchange(error))?
            }
        };
        let operation = RegistryOperation::Pull;
        let done = self.client.auth(&self.reference, &auth, operation).await;
        done.map(drop).map_err(|error| self.explain(error))
    }

    /// Logs in if the registry wants that, and finds the manifest for this host.
    pub(super) async fn choose(&self) -> Result<Chosen, ImageError> {
        self.log_in().await?;
        let (document, digest) = self.document(&self.reference).await?;
        let Some(entries) = &document.manifests else {
            return Ok(Chosen {
                manifest: document,
                digest,
            });
        };
        let entry = choose(entries, &self.label)?;
        let by_digest = self.reference.clone_with_digest(entry.digest.clone());
        let (manifest, found) = self.document(&by_digest).await?;
        found.expect(&entry.digest()?, "the image manifest")?;
        if manifest.manifests.is_some() {
            let what = format!("manifest {found}");
            return Err(ImageError::corrupt(what, "it is an index inside an index"));
        }
        Ok(Chosen { manifest, digest })
    }

    async fn document(&self, reference: &Reference) -> Result<(Document, Digest), ImageError> {
        // What the client has logged in with goes before this.
        let nothing = RegistryAuth::Anonymous;
        let (bytes, _) = self
            .client
            .pull_manifest_raw(reference, &nothing, ACCEPTED)
            .await
            .map_err(|error| self.explain(error))?;
        let digest = Digest::of(&bytes);
        if let Some(wanted) = reference.digest() {
            digest.expect(&Digest::parse(wanted)?, "the image manifest")?;
        }
        Ok((
            Document::parse(&bytes, &format!("manifest {digest}"))?,
            digest,
        ))
    }

    /// The bytes of a blob as they come. Their digest is for the caller to check.
    pub(super) async fn blob(
        &self,
        descriptor: &Descriptor,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, ImageError> {
        let descriptor = OciDescriptor {
            digest: descriptor.digest.clone(),
            size: i64::try_from(descriptor.size).unwrap_or(0),
            ..OciDescriptor::default()
        };
        let mut asked = self.ask_blob(&descriptor).await;
        if let (Auth::Exchanged(_), Err(ImageError::Unauthorized { .. })) = (&self.auth, &asked) {
            // What the identity was exchanged for has a short life, a pull may take longer.
            self.log_in().await?;
            asked = self.ask_blob(&descriptor).await;
        }
        let sized = asked?;
        // The client's own check comes as an error after the last byte. Ours follows and says more.
        let ours = |chunk: &io::Result<Bytes>| !chunk.as_ref().is_err_and(is_digest_error);
        Ok(sized
            .stream
            .take_while(move |chunk| std::future::ready(ours(chunk)))
            .boxed())
    }

    async fn ask_blob(&self, descriptor: &OciDescriptor) -> Result<SizedStream, ImageError> {
        let asked = self.client.pull_blob_stream(&self.reference, descriptor);
        asked.await.map_err(|error| self.explain(error))
    }

    /// A small blob, whole and verified.
    pub(super) async fn small_blob(&self, descriptor: &Descriptor) -> Result<Bytes, ImageError> {
        let digest = descriptor.digest()?;
        let mut stream = self.blob(descriptor).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| self.interrupted(&error))?);
            if bytes.len() as u64 > MAX_DOCUMENT {
                let what = format!("blob {digest}");
                return Err(ImageError::TooLarge {
                    what,
                    limit: MAX_DOCUMENT,
                });
            }
        }
        Digest::of(&bytes).expect(&digest, "the image configuration")?;
        Ok(bytes.into())
    }

    /// The connection broke in the middle of an answer.
    pub(super) fn interrupted(&self, error: &(dyn Error + 'static)) -> ImageError {
        let reference = self.label.clone();
        ImageError::Registry {
            reference,
            cause: root_cause(error),
        }
    }

    fn explain_exchange(&self, error: ExchangeError) -> ImageError {
        let registry = self.reference.registry().to_owned();
        match error {
            ExchangeError::Refused(cause) => ImageError::IdentityToken { registry, cause },
            ExchangeError::Unreachable(error) => ImageError::RegistryUnreachable {
                reference: self.label.clone(),
                registry,
                cause: root_cause(&error),
            },
        }
    }

    fn explain(&self, error: OciDistributionError) -> ImageError {
        let registry = self.reference.registry().to_owned();
        let reference = self.label.clone();
        match &error {
            OciDistributionError::RequestError(cause)
                if cause.is_connect() || cause.is_timeout() =>
            {
                let cause = root_cause(cause);
                ImageError::RegistryUnreachable {
                    reference,
                    registry,
                    cause,
                }
            }
            OciDistributionError::DigestError(DigestError::VerificationError {
                expected,
                actual,
            }) => ImageError::DigestMismatch {
                what: "the image manifest".to_owned(),
                expected: expected.clone(),
                actual: actual.clone(),
            },
            _ => match Refusal::of(&error) {
                Some(Refusal::Unknown) => ImageError::UnknownImage {
                    reference,
                    registry,
                },
                Some(Refusal::Unauthorized) => ImageError::Unauthorized {
                    reference,
                    registry,
                },
                Some(Refusal::TooMany) => ImageError::RateLimited { registry },
                None => ImageError::Registry {
                    reference,
                    cause: root_cause(&error),
                },
            },
        }
    }
}

fn connect(
    reference: &Reference,
    label: &str,
    registries: &Registries,
) -> Result<Client, ImageError> {
    static PROVIDER: Once = Once::new();
    // An error means that a provider is installed already, which serves as well.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let protocol = match registries.is_plain(reference.resolve_registry()) {
        true => ClientProtocol::Http,
        false => ClientProtocol::Https,
    };
    let config = ClientConfig {
        protocol,
        connect_timeout: Some(CONNECT_TIMEOUT),
        read_timeout: Some(READ_TIMEOUT),
        user_agent: USER_AGENT,
        ..ClientConfig::default()
    };
    Client::try_from(config).map_err(|error| ImageError::Registry {
        reference: label.to_owned(),
        cause: error.to_string(),
    })
}

fn auth(
    login: Option<Login>,
    reference: &Reference,
    registries: &Registries,
) -> reqwest::Result<Auth> {
    Ok(Auth::AsItIs(match login {
        None => RegistryAuth::Anonymous,
        Some(Login::Password { user, password }) => RegistryAuth::Basic(user, password),
        Some(Login::RegistryToken(token)) => RegistryAuth::Bearer(token),
        Some(Login::IdentityToken(token)) => {
            let host = reference.resolve_registry();
            let scheme = if registries.is_plain(host) {
                "http"
            } else {
                "https"
            };
            let base = format!("{scheme}://{host}");
            let identity = Identity::new(base, reference.repository(), token)?;
            return Ok(Auth::Exchanged(identity));
        }
    }))
}

/// The refusals that have an answer of their own.
enum Refusal {
    Unknown,
    Unauthorized,
    TooMany,
}

impl Refusal {
    fn of(error: &OciDistributionError) -> Option<Self> {
        match error {
            OciDistributionError::ImageManifestNotFoundError(_) => Some(Self::Unknown),
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_) => Some(Self::Unauthorized),
            OciDistributionError::ServerError { code, .. } => match code {
                404 => Some(Self::Unknown),
                401 | 403 => Some(Self::Unauthorized),
                429 => Some(Self::TooMany),
                _ => None,
            },
            OciDistributionError::RegistryError { envelope, .. } => envelope
                .errors
                .iter()
                .find_map(|error| Self::of_code(&error.code)),
            _ => None,
        }
    }

    fn of_code(code: &OciErrorCode) -> Option<Self> {
        match code {
            OciErrorCode::ManifestUnknown
            | OciErrorCode::NameUnknown
            | OciErrorCode::NotFound
            | OciErrorCode::BlobUnknown
            | OciErrorCode::ManifestBlobUnknown => Some(Self::Unknown),
            OciErrorCode::Unauthorized | OciErrorCode::Denied => Some(Self::Unauthorized),
            OciErrorCode::Toomanyrequests => Some(Self::TooMany),
            _ => None,
        }
    }
}

fn is_digest_error(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<DigestError>())
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
