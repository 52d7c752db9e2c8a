//! `longshore doctor --server`: whether the server of a data directory answers, for whoever has to
//! know when it is up: a container engine, a CI job, a script.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use client::operations::ListClusters;
use client::shapes::ListClustersInput;

use crate::connect;
use crate::exit;

/// A server that takes longer for an empty question is not well.
const PATIENCE: Duration = Duration::from_millis(900);

/// Success if it answers a signed request; quiet then.
pub(crate) async fn server(data_dir: &Path) -> ExitCode {
    match tokio::time::timeout(PATIENCE, ask(data_dir)).await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(sentence)) => exit::failure(&sentence),
        Err(_) => exit::failure(&format!(
            "the server of {} did not answer within a second; look at its log",
            data_dir.display()
        )),
    }
}

async fn ask(data_dir: &Path) -> Result<(), String> {
    let file = connect::running(data_dir).await;
    let file = file.map_err(|error| error.to_string())?;
    let client = connect::client(&file).map_err(|error| error.to_string())?;
    let asked = client
        .call::<ListClusters>(ListClustersInput::default())
        .await;
    asked.map(drop).map_err(|error| error.to_string())
}
