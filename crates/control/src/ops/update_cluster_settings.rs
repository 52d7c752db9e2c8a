//! UpdateClusterSettings: replaces the settings of an ACTIVE cluster.

use model::shapes::{UpdateClusterSettingsInput, UpdateClusterSettingsOutput};

use crate::cluster_settings::check_settings;
use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::named_cluster;
use crate::record::Cluster;
use crate::view;
use crate::view::cluster::Included;

pub(crate) fn update_cluster_settings(
    cx: &mut Cx<'_>,
    input: UpdateClusterSettingsInput,
) -> Result<UpdateClusterSettingsOutput, OpError> {
    let known = named_cluster(&cx.reading(), input.cluster.as_deref())?;
    let settings = input.settings.unwrap_or_default();
    if settings.is_empty() {
        return Err(OpError::invalid_parameter("Settings cannot be empty."));
    }
    check_settings(&settings)?;
    let cluster = cx.state.put_cluster(Cluster {
        settings,
        ..Cluster::clone(&known)
    });
    let shape = view::cluster::cluster(&cx.reading(), &cluster, Included::CHANGED);
    Ok(UpdateClusterSettingsOutput {
        cluster: Some(shape),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[test]
    fn a_setting_is_replaced_and_lasts() {
        let mut world = World::new();
        for value in ["enabled", "enhanced", "disabled"] {
            let setting = json!([{"name": "containerInsights", "value": value}]);
            let body = json!({"cluster": "default", "settings": setting}).to_string();
            let answered = world.at("UpdateClusterSettings", &body, "/cluster/settings");
            assert_eq!(answered, setting);
            world.restart();
            let include = r#"{"include":["SETTINGS"]}"#;
            let shown = world.at("DescribeClusters", include, "/clusters/0/settings");
            assert_eq!(shown, setting);
        }
    }

    #[test]
    fn cluster_and_settings_are_needed() {
        let mut world = World::new();
        let mut check =
            |body: &str, expected: &str| world.refused("UpdateClusterSettings", body, expected);
        check("{}", "InvalidParameterException: Cluster can not be blank.");
        for settings in ["", r#","settings":[]"#] {
            check(
                &format!(r#"{{"cluster":"default"{settings}}}"#),
                "InvalidParameterException: Settings cannot be empty.",
            );
        }
        check(
            r#"{"cluster":"nowhere","settings":[]}"#,
            "ClusterNotFoundException: Cluster not found.",
        );
    }
}
