//! `cargo xtask model import`: reads botocore's ECS model and keeps the facts.
//! No sentence of its documentation is taken over.

mod botocore;
mod source;

use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::facts::{Facts, Origin};
use crate::{paths, say};
use source::Source;

/// Reads the model at `path` and writes `smithy/ecs.json`.
pub(crate) fn run(path: &Path) -> anyhow::Result<()> {
    let facts = import(&mut Source::open(path)?)?;
    let mut text = serde_json::to_string_pretty(&facts)?;
    text.push('\n');
    let target = paths::facts();
    std::fs::write(&target, text).with_context(|| format!("cannot write {}", target.display()))?;
    say(&format!(
        "botocore {}: {} operations, {} shapes; now run `cargo xtask codegen`",
        facts.origin.version,
        facts.operations.len(),
        facts.shapes.len()
    ));
    Ok(())
}

fn import(source: &mut Source) -> anyhow::Result<Facts> {
    let service = source.read("service-2.json")?;
    let model: botocore::Model = serde_json::from_slice(&service).context("service-2.json")?;
    let pages: botocore::Paginators =
        serde_json::from_slice(&source.read("paginators-1.json")?).context("paginators-1.json")?;
    let waiters: botocore::Waiters =
        serde_json::from_slice(&source.read("waiters-2.json")?).context("waiters-2.json")?;
    let origin = Origin {
        package: "botocore".to_owned(),
        version: source.version()?,
        path: format!("botocore/{}/service-2.json", source::FOLDER),
        sha256: hex::encode(Sha256::digest(&service)),
    };
    botocore::facts(origin, model, pages, waiters)
}
