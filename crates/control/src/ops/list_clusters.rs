//! ListClusters: pages of the ARNs of ACTIVE clusters, by name.

use model::shapes::{ListClustersInput, ListClustersOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::paging;
use crate::view::cluster::is_active;

pub(crate) fn list_clusters(
    cx: &ReadCx<'_>,
    input: ListClustersInput,
) -> Result<ListClustersOutput, OpError> {
    let size = paging::page_size(input.max_results)?;
    let after = paging::after(input.next_token.as_deref())?;
    let behind = paging::behind(after);
    let clusters = cx.state.clusters().range(behind);
    let clusters = clusters.filter(|cluster| is_active(cluster));
    let page = paging::page(clusters, size, |cluster| cluster.name.clone());
    let arns = page
        .items
        .iter()
        .map(|cluster| cx.settings.cluster_arn(&cluster.name));
    Ok(ListClustersOutput {
        cluster_arns: Some(arns.collect()),
        next_token: page.next_token,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ARN, World};

    #[test]
    fn active_clusters_are_listed_by_name_in_pages() {
        let mut world = World::new();
        for name in ["a", "z", "gone"] {
            world.ok("CreateCluster", &format!(r#"{{"clusterName":"{name}"}}"#));
        }
        world.ok("DeleteCluster", r#"{"cluster":"gone"}"#);
        let arn = |name: &str| format!("{ARN}:cluster/{name}");
        let first = world.ok("ListClusters", r#"{"maxResults":2}"#);
        assert_eq!(first["clusterArns"], json!([arn("a"), arn("default")]));
        let token = first["nextToken"].as_str().unwrap();
        let second = world.ok("ListClusters", &format!(r#"{{"nextToken":"{token}"}}"#));
        assert_eq!(second, json!({"clusterArns": [arn("z")]}));
    }
}
