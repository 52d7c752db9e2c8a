//! Pulling an image: layers come over the network, are verified and unpacked at the same time.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::archive::Described;
use super::digest::Digest;
use super::error::ImageError;
use super::layers::Expected;
use super::manifest::Descriptor;
use super::record::{ConfigFile, ImageRecord, check_platform};
use super::registry::Registry;
use super::{ImageStore, lock};
use crate::registry::{self as reference, Login, Reference};

/// Layers that are pulled at the same time.
const PARALLEL_LAYERS: usize = 3;

/// Pieces of a layer between network and disk; a piece is one read of the socket.
const QUEUE: usize = 32;

/// Times a layer is fetched before a broken connection becomes an error.
const ATTEMPTS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Bytes of a layer between two progress reports.
const REPORT_EVERY: u64 = 256 << 10;

/// How far one layer has come, in bytes of its compressed form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// `sha256:…` of the compressed layer.
    pub layer: String,
    pub done: u64,
    /// 0 if the registry does not say.
    pub total: u64,
}

/// Takes [`Progress`]; called from any thread, so it must be quick.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// Locks by name, so that the same thing is done once and others wait for it.
#[derive(Default)]
pub(super) struct Turns(Mutex<BTreeMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    async fn take(&self, name: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(name).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(name.to_owned(), Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

/// What nobody sends: only the ends of the channel say something.
type Never = std::convert::Infallible;

/// A layer as the manifest and the configuration describe it.
struct Layer {
    descriptor: Descriptor,
    blob: Digest,
    diff: Digest,
}

/// Pulls unless the store has it by now; one pull at a time per name.
pub(super) async fn pull(
    store: &ImageStore,
    name: &Reference,
    login: Option<Login>,
    progress: &OnProgress,
) -> Result<ImageRecord, ImageError> {
    let full_name = reference::full_name(name);
    let _turn = store.inner.turns.take(&full_name).await;
    if let Some(found) = store.inner.index.by_name(&full_name)? {
        return Ok(found);
    }
    // The wish for a sweep is noted first: a pull that is given up leaves layers without a name.
    let wishing = store.clone();
    let held = blocking(move || {
        wishing.inner.leases.want_sweep()?;
        lock::keep_layers(&wishing.inner.root)
    })
    .await?;
    let pulled = fetch(store, name, login, progress).await;
    drop(held);
    let store = store.clone();
    blocking(move || store.sweep()).await?;
    pulled
}

async fn fetch(
    store: &ImageStore,
    name: &Reference,
    login: Option<Login>,
    progress: &OnProgress,
) -> Result<ImageRecord, ImageError> {
    let registry = Registry::open(name, &store.registries, login).await?;
    let chosen = registry.choose().await?;
    let digest = chosen.digest;
    let what = format!("manifest {digest}");
    let Some(descriptor) = chosen.manifest.config else {
        return Err(ImageError::corrupt(what, "it names no configuration"));
    };
    let id = descriptor.digest()?;
    let config = ConfigFile::parse(&registry.small_blob(&descriptor).await?)?;
    let full_name = reference::full_name(name);
    check_platform(&format!("`{full_name}`"), &config.os, &config.architecture)?;
    let layers = pair(chosen.manifest.layers, &config, &what)?;
    // Each thread that unpacks has a clone: when all are gone, none makes a layer any more.
    let (busy, mut idle) = mpsc::channel::<Never>(1);
    // Collected first: an iterator with a closure inside would keep the future from being `Send`.
    let each: Vec<_> = layers
        .iter()
        .map(|layer| fetch_layer(store, &registry, layer, &busy, progress))
        .collect();
    let fetched = futures_util::stream::iter(each)
        .buffer_unordered(PARALLEL_LAYERS)
        .try_collect::<Vec<()>>()
        .await;
    drop(busy);
    let _all_gone = idle.recv().await;
    fetched?;
    let references = vec![full_name, reference::digest_name(name, &digest.to_string())];
    let image = Described {
        references,
        digest: Some(digest),
        id,
        config,
        layers: Vec::new(),
    };
    let store = store.clone();
    blocking(move || store.record(image)).await
}

/// Layers with their diff IDs; both lists must have the same length.
fn pair(
    descriptors: Vec<Descriptor>,
    config: &ConfigFile,
    what: &str,
) -> Result<Vec<Layer>, ImageError> {
    if descriptors.len() != config.rootfs.diff_ids.len() {
        let cause = "its layers are not those of the image configuration";
        return Err(ImageError::corrupt(what, cause));
    }
    let pairs = descriptors.into_iter().zip(&config.rootfs.diff_ids);
    pairs
        .map(|(descriptor, diff)| {
            descriptor.check_layer()?;
            let blob = descriptor.digest()?;
            Ok(Layer {
                descriptor,
                blob,
                diff: Digest::parse(diff)?,
            })
        })
        .collect()
}

async fn fetch_layer(
    store: &ImageStore,
    registry: &Registry,
    layer: &Layer,
    busy: &mpsc::Sender<Never>,
    progress: &OnProgress,
) -> Result<(), ImageError> {
    let _turn = store.inner.turns.take(&layer.diff.to_string()).await;
    let mut meter = Meter {
        layer,
        progress,
        reported: 0,
        done: 0,
    };
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        if store.inner.layers.contains(&layer.diff) {
            break;
        }
        meter.begin();
        match transfer(store, registry, layer, busy.clone(), &mut meter).await {
            Err(ImageError::Registry { .. }) if attempt < ATTEMPTS => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            outcome => return outcome.map(|()| meter.end()),
        }
    }
    meter.end();
    Ok(())
}

/// One attempt: the network fills a queue, a blocking thread unpacks from it.
async fn transfer(
    store: &ImageStore,
    registry: &Registry,
    layer: &Layer,
    busy: mpsc::Sender<Never>,
    meter: &mut Meter<'_>,
) -> Result<(), ImageError> {
    let mut stream = registry.blob(&layer.descriptor).await?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let unpacking = {
        let (inner, expected) = (Arc::clone(&store.inner), layer.expected());
        let what = format!("layer {}", layer.blob);
        let source = QueueReader {
            receiver,
            piece: Bytes::new(),
            ended: false,
        };
        blocking(move || {
            let _busy = busy;
            inner.layers.make(source, &expected, &what).map(drop)
        })
    };
    let feeding = async move {
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| registry.interrupted(&error))?;
            meter.add(piece.len() as u64)?;
            // A closed queue means that unpacking failed, and it will say why.
            if sender.send(Piece::Bytes(piece)).await.is_err() {
                return Ok(());
            }
        }
        let _closed_already = sender.send(Piece::End).await;
        Ok(())
    };
    let (fed, unpacked) = tokio::join!(feeding, unpacking);
    fed.and(unpacked)
}

impl Layer {
    fn expected(&self) -> Expected {
        Expected {
            blob: Some(self.blob.clone()),
            diff: Some(self.diff.clone()),
        }
    }
}

struct Meter<'a> {
    layer: &'a Layer,
    progress: &'a OnProgress,
    reported: u64,
    done: u64,
}

impl Meter<'_> {
    fn begin(&mut self) {
        self.done = 0;
        self.report();
    }

    fn add(&mut self, bytes: u64) -> Result<(), ImageError> {
        self.done += bytes;
        let total = self.layer.descriptor.size;
        if total > 0 && self.done > total {
            let what = format!("layer {}", self.layer.blob);
            return Err(ImageError::corrupt(
                what,
                "it is longer than its manifest says",
            ));
        }
        if self.done - self.reported >= REPORT_EVERY {
            self.report();
        }
        Ok(())
    }

    fn end(&mut self) {
        self.done = self.done.max(self.layer.descriptor.size);
        self.report();
    }

    fn report(&mut self) {
        self.reported = self.done;
        (self.progress)(Progress {
            layer: self.layer.descriptor.digest.clone(),
            done: self.done,
            total: self.layer.descriptor.size,
        });
    }
}

enum Piece {
    Bytes(Bytes),
    /// Without it the layer is not complete: its sender was dropped.
    End,
}

/// The reading end of the queue, for code that blocks.
struct QueueReader {
    receiver: mpsc::Receiver<Piece>,
    piece: Bytes,
    ended: bool,
}

impl Read for QueueReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Piece::Bytes(piece)) => self.piece = piece,
                Some(Piece::End) => self.ended = true,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// Runs what blocks on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    match spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(ImageError::corrupt("the image", error)),
    }
}
