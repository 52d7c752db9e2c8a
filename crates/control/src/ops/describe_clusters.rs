//! DescribeClusters: up to 100 clusters; the default one if none is named; unknown ones are
//! `failures`. INACTIVE clusters are still described; one that is named twice is described once.

use std::collections::BTreeSet;

use model::shapes::{DescribeClustersInput, DescribeClustersOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{DEFAULT_CLUSTER, cluster_name};
use crate::limits::DESCRIBE_MAX;
use crate::view;
use crate::view::cluster::Included;

pub(crate) fn describe_clusters(
    cx: &ReadCx<'_>,
    input: DescribeClustersInput,
) -> Result<DescribeClustersOutput, OpError> {
    let included = Included::parse(input.include.as_deref())?;
    let mut asked = input.clusters.unwrap_or_default();
    if asked.is_empty() {
        asked.push(DEFAULT_CLUSTER.to_owned());
    }
    if asked.iter().any(|text| text.trim().is_empty()) {
        return Err(OpError::invalid_parameter("Clusters can not be blank."));
    }
    if asked.len() > DESCRIBE_MAX {
        let text = format!("Clusters can have at most {DESCRIBE_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for text in &asked {
        let name = cluster_name(cx.settings, Some(text))?;
        if !seen.insert(name.clone()) {
            continue;
        }
        match cx.state.clusters().get(&name) {
            Some(cluster) => clusters.push(view::cluster::cluster(cx, cluster, included)),
            None => failures.push(view::missing(cx.settings.cluster_arn(&name))),
        }
    }
    Ok(DescribeClustersOutput {
        clusters: Some(clusters),
        failures: Some(failures),
    })
}
