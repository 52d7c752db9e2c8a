//! What has to be there before a container's shim begins: its image, kept for it, the processes
//! that hold what its task shares, and the facts about the host.

use std::io;
use std::path::PathBuf;

use model::container::{ContainerSpec, Failure, Identity};
use model::payload::{ContainerNetwork, NetworkState};
use tokio::task::spawn_blocking;

use super::container::holder;
use super::container::process::Process;
use super::container::record::Request;
use super::image::{ImageConfig, ImageStore};
use super::{NativeDriver, cannot_create, network};
use crate::driver::own_network;

impl NativeDriver {
    pub(super) async fn request(
        &self,
        spec: &ContainerSpec,
        network: &NetworkState,
    ) -> Result<Request, Failure> {
        let folder = self.folder(&spec.key)?;
        let network = own_network(&spec.key, network)?;
        let (images, wanted) = (self.images.clone(), spec.clone());
        let leased = spawn_blocking(move || lease_image(&images, &wanted)).await;
        let holder = self.holder(spec).await.map_err(cannot_share)?;
        let (image, mut layers) = leased.map_err(io::Error::other).map_err(cannot_lease)??;
        layers.insert(0, self.base.clone());
        Ok(Request {
            spec: spec.clone(),
            image,
            layers,
            resolv_conf: resolv_conf(network, &spec.identity),
            network: network.clone(),
            task_volumes: self.folders.volumes(spec.key.task),
            host_volumes: self.volumes.clone(),
            holder,
            logs: self.logs.clone(),
            filters: self.filters.clone(),
            folder: folder.path().to_owned(),
            host_name: host_name(),
        })
    }

    /// Who keeps the namespaces that the container shares with others of its task.
    async fn holder(&self, spec: &ContainerSpec) -> io::Result<Option<Process>> {
        if !holder::is_needed(spec) {
            return Ok(None);
        }
        let _one = self.holders.lock().await;
        let task = self.folders.task(spec.key.task);
        holder::find_or_start(&self.shim, &task, spec)
            .await
            .map(Some)
    }
}

/// Finds the image and keeps its layers until the container is removed.
fn lease_image(
    images: &ImageStore,
    spec: &ContainerSpec,
) -> Result<(ImageConfig, Vec<PathBuf>), Failure> {
    let found = images.find_for_use(&spec.image).map_err(cannot_lease)?;
    let image = found.ok_or_else(|| {
        let missing = "is not in the image store; pull or import it first";
        cannot_create(format!("the image {} {missing}", spec.image))
    })?;
    images
        .lease(&spec.key.runtime_id(), &image.layers)
        .map_err(cannot_lease)?;
    let layers = images.layer_paths(&image);
    Ok((image.config, layers))
}

/// The host's own file in the host's network, with what the definition says instead.
fn resolv_conf(network: &ContainerNetwork, identity: &Identity) -> String {
    let of_host = match network.namespace {
        Some(_) => network::resolv_conf(),
        None => std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
    };
    network::with_identity(&of_host, identity)
}

fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

fn cannot_lease(error: impl ToString) -> Failure {
    cannot_create(format!("the image cannot be used: {}", error.to_string()))
}

fn cannot_share(error: impl ToString) -> Failure {
    let error = error.to_string();
    cannot_create(format!(
        "the namespaces of the task cannot be made: {error}"
    ))
}
